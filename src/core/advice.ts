// What an agent is told: did money move, what to do next, may a new key be used. The one place
// where it is decided; every answer carries it, and whoever follows it never pays twice.
import { endedWithoutMoney, maxRetriesPerReference } from './guards.ts'
import { isOpen, lastSend, operationOf } from './operation.ts'
import type { HoldReason, Payment } from './payment.ts'
import { rejectionTable } from './rejections.ts'
import type { Rejection } from './rejections.ts'

export type MoneyMoved = 'yes' | 'no' | 'unknown'

export type NextActionType =
  | 'none'
  | 'wait'
  | 'ask_human'
  | 'fix_request'
  | 'use_existing'
  | 'retry_same_key'

/** The order in which JSON shows one hold of several. */
export const holdPrecedence: readonly HoldReason[] = [
  'dead_letter',
  'processor_changed',
  'possible_duplicate',
  'approval_required',
  'action_required',
]

export interface Advice {
  readonly moneyMoved: MoneyMoved
  readonly nextAction: {
    readonly type: NextActionType
    /** Seconds to wait before it; only with `wait` and `retry_same_key`. */
    readonly afterSeconds: number | null
    /** Path of the payment to ask about. */
    readonly url: string | null
  }
  /** A new key is right only together with `retry_of` this payment. */
  readonly newKeyAllowed: boolean
}

/** So long is an unknown the machine's business; older, a person's too. */
export const askHumanAfterMs = 900_000

/** `Prefer: wait` and polling agents need no finer step. */
const pollAfterSeconds = 1

export function advise(payment: Payment, nowMs: number): Advice {
  const url = `/v1/payments/${payment.id}`
  const say = (moneyMoved: MoneyMoved, type: NextActionType, newKeyAllowed = false): Advice => ({
    moneyMoved,
    nextAction: { type, afterSeconds: type === 'wait' ? pollAfterSeconds : null, url },
    newKeyAllowed,
  })
  const moved = moneyMoved(payment)
  switch (payment.state) {
    case 'initiated':
    case 'validated':
    case 'authorised':
      return say(moved, whileOpen(payment, moved, nowMs))
    case 'captured':
    case 'settled':
    case 'refunded':
      return say(moved, 'none')
    case 'declined':
    case 'voided':
    case 'expired':
      return mayRetry(payment) ? say(moved, 'none', true) : say(moved, 'ask_human')
    case 'rejected':
      if (!mayRetry(payment)) return say(moved, 'ask_human')
      return say(moved, isFixable(payment.reason) ? 'fix_request' : 'none', true)
  }
}

/** Has money moved, as far as anybody can know? Unknown is never "no". */
function moneyMoved(payment: Payment): MoneyMoved {
  if ('amountCaptured' in payment) return 'yes'
  // A second object of this payment holds money: its own end says nothing about that one.
  if (payment.duplicateObjects.length > 0) return 'unknown'
  if (endedWithoutMoney(payment)) return 'no'
  const operation = operationOf(payment)
  return isOpen(operation) && operation.kind !== 'create' ? 'unknown' : 'no'
}

function whileOpen(payment: Payment, moved: MoneyMoved, nowMs: number): NextActionType {
  if (payment.holds.length > 0) return 'ask_human'
  const operation = operationOf(payment)
  if (moved === 'unknown' && operation !== null) {
    const firstMs = operation.attempt.sends[0]?.atMs ?? lastSend(operation).atMs
    return nowMs - firstMs > askHumanAfterMs ? 'ask_human' : 'wait'
  }
  return isForAgentToCapture(payment) ? 'none' : 'wait'
}

function isForAgentToCapture(payment: Payment): boolean {
  return (
    payment.state === 'authorised' &&
    payment.capture === 'manual' &&
    payment.captureRequested === null &&
    payment.voidRequested === null
  )
}

function mayRetry(payment: Payment): boolean {
  return payment.retryCount < maxRetriesPerReference && payment.duplicateObjects.length === 0
}

function isFixable(reason: Extract<Payment, { state: 'rejected' }>['reason']): boolean {
  return reason === 'processor_unavailable' || reason === 'payment_method_unavailable'
}

/**
 * What a rejection advises. `existing` is the payment that stands in the way, if there is one: its
 * own situation counts, and it is never a reason to change the request and try again.
 */
export function adviseRejection(
  rejection: Rejection,
  existing: Payment | null,
  nowMs: number,
): Advice {
  const { advice } = rejectionTable[rejection.code]
  const url = existing === null ? null : `/v1/payments/${existing.id}`
  const say = (moneyMoved: MoneyMoved, type: NextActionType): Advice => ({
    moneyMoved,
    nextAction: {
      type,
      afterSeconds: type === 'retry_same_key' ? retryAfterSeconds(rejection) : null,
      url,
    },
    newKeyAllowed: false,
  })
  switch (advice) {
    case 'existing':
      return existing === null ? say('unknown', 'ask_human') : adviceOf(existing, nowMs)
    case 'use_existing':
      return say(existing === null ? 'unknown' : moneyMoved(existing), 'use_existing')
    case 'fix_request':
      return say(wasLookedUp(rejection) ? 'no' : 'unknown', 'fix_request')
    // What is known belongs to the other bill: of this one nothing is told, not even a payment to ask.
    case 'use_own_key':
      return unknownBill
    case 'ask_human':
      if (existing !== null) return say(moneyMoved(existing), 'ask_human')
      return say(wasLookedUp(rejection) ? 'no' : 'unknown', 'ask_human')
    case 'retry_same_key':
      return say('unknown', 'retry_same_key')
  }
}

const unknownBill: Advice = {
  moneyMoved: 'unknown',
  nextAction: { type: 'fix_request', afterSeconds: null, url: null },
  newKeyAllowed: false,
}

// Who is not let in is told nothing of what an earlier try of the same key may have done.
function wasLookedUp({ code }: Rejection): boolean {
  return code !== 'unauthenticated' && code !== 'forbidden'
}

/** In a refusal the advice of the existing payment holds, but the key of this request bought nothing. */
function adviceOf(existing: Payment, nowMs: number): Advice {
  const advice = advise(existing, nowMs)
  const { type } = advice.nextAction
  const nextAction =
    type === 'fix_request' ? { ...advice.nextAction, type: 'none' as const } : advice.nextAction
  return { ...advice, nextAction }
}

function retryAfterSeconds(rejection: Rejection): number {
  return Math.max(1, Math.ceil((rejection.retryAfterMs ?? 1000) / 1000))
}
