// What can go wrong with a call, and the choice: a script first, then the payee's own fault, then a
// seeded draw. The same seed, operation, reference and count give the same fault in any order of
// arrival. What a fault looks like on the wire is in `shows.ts`.
import { hash } from 'node:crypto'

import { sentinelOf } from './sentinels.ts'

export const operations = ['create', 'authorise', 'capture', 'void', 'refund', 'look_up'] as const

export type Operation = (typeof operations)[number]

/** When the call is carried out. */
type Executes = 'now' | 'never' | 'slowly' | 'late'

/** What the client gets to see. */
export type Shape =
  | 'answer'
  | 'silence'
  | 'reset'
  | 'gateway_502'
  | 'gateway_503'
  | 'gateway_504'
  | 'redirect'
  | 'rate_limited'
  | 'slow_down'
  | 'garbage'
  | 'wrong_amount'

interface Fault {
  readonly executes: Executes
  readonly shows: Shape
  /** Reads decline nothing, tell nothing and change nothing late. */
  readonly reads: boolean
}

export type FaultKind =
  | 'timeout_before'
  | 'timeout_after'
  | '504_before'
  | '504_after'
  | '502_after'
  | '503_gateway'
  | 'reset_before'
  | 'reset_after'
  | '500_then_done'
  | '500_then_not'
  | '429'
  | '503_slow_down'
  | 'slow'
  | 'late'
  | 'decline'
  | 'duplicate_webhook'
  | 'drop_webhook'
  | 'delay_webhook'
  | 'garbage_answer'
  | 'wrong_amount'
  | 'redirect'

/** Those shown as `answer` and executed `now` change what is answered or told, under the key. */
export const faultKinds: Readonly<Record<FaultKind, Fault>> = Object.freeze({
  timeout_before: { executes: 'never', shows: 'silence', reads: true },
  timeout_after: { executes: 'now', shows: 'silence', reads: true },
  '504_before': { executes: 'never', shows: 'gateway_504', reads: true },
  '504_after': { executes: 'now', shows: 'gateway_504', reads: true },
  '502_after': { executes: 'now', shows: 'gateway_502', reads: true },
  '503_gateway': { executes: 'never', shows: 'gateway_503', reads: true },
  reset_before: { executes: 'never', shows: 'reset', reads: true },
  reset_after: { executes: 'now', shows: 'reset', reads: true },
  '500_then_done': { executes: 'now', shows: 'answer', reads: true },
  '500_then_not': { executes: 'now', shows: 'answer', reads: true },
  '429': { executes: 'never', shows: 'rate_limited', reads: true },
  '503_slow_down': { executes: 'never', shows: 'slow_down', reads: true },
  slow: { executes: 'slowly', shows: 'answer', reads: true },
  late: { executes: 'late', shows: 'gateway_504', reads: false },
  decline: { executes: 'now', shows: 'answer', reads: false },
  duplicate_webhook: { executes: 'now', shows: 'answer', reads: false },
  drop_webhook: { executes: 'now', shows: 'answer', reads: false },
  delay_webhook: { executes: 'now', shows: 'answer', reads: false },
  garbage_answer: { executes: 'now', shows: 'garbage', reads: true },
  wrong_amount: { executes: 'now', shows: 'wrong_amount', reads: true },
  redirect: { executes: 'never', shows: 'redirect', reads: true },
})

/** A call as fault choice sees it. */
export interface CallFacts {
  readonly operation: Operation
  /** Our caller's reference for the charge; an id where there is none; empty for lists. */
  readonly reference: string
  readonly payee: string | null
  /** One-step: an authorisation that captures at once meets what waits for either. */
  readonly captures: boolean
  /** From 1, counted for the operation and reference, also across restarts. */
  readonly nth: number
}

export interface ScriptLine {
  readonly match: {
    readonly operation?: Operation
    readonly payee?: string
    readonly reference?: string
    readonly nth?: number
  }
  readonly fault: FaultKind
}

export interface FaultPlan {
  readonly seed: number
  readonly rates: Partial<Record<Operation, Partial<Record<FaultKind, number>>>>
  readonly script: readonly ScriptLine[]
  /** Unix times; the gateway answers 503 from the first until before the second. */
  readonly outage: { readonly from_ms: number; readonly until_ms: number } | null
}

export function noFaults(seed: number): FaultPlan {
  return { seed, rates: {}, script: [], outage: null }
}

export function isOut(plan: FaultPlan, nowMs: number): boolean {
  return plan.outage !== null && nowMs >= plan.outage.from_ms && nowMs < plan.outage.until_ms
}

export function chooseFault(plan: FaultPlan, call: CallFacts): FaultKind | null {
  const scripted = plan.script.find((line) => matches(line, call))
  if (scripted !== undefined) return scripted.fault
  // A payee that somebody typed to see one thing go wrong sees that and nothing else.
  const sentinel = sentinelOf(call.payee)
  if (sentinel === null) return drawn(plan, call)
  if (sentinel.always !== undefined) return call.nth % 3 === 0 ? 'timeout_before' : sentinel.always
  if (call.nth !== 1) return null
  const onCapture = call.captures ? sentinel.first?.capture : undefined
  return sentinel.first?.[call.operation] ?? onCapture ?? null
}

export function appliesTo(fault: FaultKind, operation: Operation): boolean {
  return operation !== 'look_up' || faultKinds[fault].reads
}

/** A number in [0, 1) that depends on nothing but its arguments. */
export function draw(seed: number, call: CallFacts, purpose: string): number {
  const text = JSON.stringify([seed, call.operation, call.reference, call.nth, purpose])
  // 48 bits: more than any rate needs, and exact in a double.
  return Number.parseInt(hash('sha256', text).slice(0, 12), 16) / 2 ** 48
}

function matches({ match, fault }: ScriptLine, call: CallFacts): boolean {
  return (
    appliesTo(fault, call.operation) &&
    (match.operation === undefined || match.operation === call.operation) &&
    (match.payee === undefined || match.payee === call.payee) &&
    (match.reference === undefined || match.reference === call.reference) &&
    (match.nth === undefined || match.nth === call.nth)
  )
}

function drawn(plan: FaultPlan, call: CallFacts): FaultKind | null {
  const rates = plan.rates[call.operation]
  if (rates === undefined) return null
  let left = draw(plan.seed, call, 'fault')
  for (const [fault, rate] of Object.entries(rates)) {
    left -= rate
    // `Object.entries` forgets the key type; `parsePlan` let only fault kinds in.
    if (left < 0) return fault as FaultKind
  }
  return null
}
