// What a driver can be told to do, and when a payment that needs nothing now is looked at again.
import type { Command } from './decide.ts'
import type { ParkReason, Payment, Target } from './payment.ts'
import { blockedUntilMs } from './policy.ts'
import type { Circumstances } from './policy.ts'

export type LookUpBy = 'object' | 'reference' | 'records'

export type Step =
  | { readonly do: 'send'; readonly target: Target; readonly again: boolean }
  | { readonly do: 'look_up'; readonly target: Target | 'settlement'; readonly by: LookUpBy }
  | { readonly do: 'command'; readonly command: Command }
  | { readonly do: 'wait'; readonly untilMs: number; readonly for: WaitFor }
  /** It is a person's or the agent's turn; `untilMs`: when to look again all the same. */
  | { readonly do: 'idle'; readonly untilMs: number | null }
  | { readonly do: 'done' }
  /** Written by newer code: put it back. */
  | { readonly do: 'leave' }

export type WaitFor = 'sender' | 'retry' | 'look_up' | 'settlement' | 'unblocking'

/** Does the payment wait for nothing but its own time, a person or nobody? When to look again. */
export function dueAtMs(step: Step, nowMs: number): number | null {
  switch (step.do) {
    case 'send':
    case 'look_up':
    case 'command':
      return nowMs
    case 'wait':
    case 'idle':
      return step.untilMs
    case 'done':
      return null
    case 'leave':
      return nowMs + leaveForMs
  }
}

// Newer code is being rolled out; a minute is short beside a deploy.
const leaveForMs = 60_000

export const command = (given: Command): Step => ({ do: 'command', command: given })
export const wait = (untilMs: number, forWhat: WaitFor): Step => ({
  do: 'wait',
  untilMs,
  for: forWhat,
})
export const park = (reason: ParkReason): Step => command({ type: 'park', reason })

/** Until what stands in the way of all money right now may have gone. */
export const waitBlocked = (payment: Payment, given: Circumstances, nowMs: number): Step =>
  wait(beforeDeadline(payment, blockedUntilMs(payment, given.policy, nowMs), nowMs), 'unblocking')

// The deadline is looked at when it comes.
const beforeDeadline = ({ notAfterMs }: Payment, untilMs: number, nowMs: number): number =>
  nowMs < notAfterMs ? Math.min(untilMs, notAfterMs) : untilMs

/** Opens an attempt, unless something stands in the way of all money right now. */
export function begin(payment: Payment, target: Target, given: Circumstances, nowMs: number): Step {
  if (given.blocked !== null) return waitBlocked(payment, given, nowMs)
  return { do: 'send', target, again: false }
}
