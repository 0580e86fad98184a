// What to do about an operation that has an attempt: wait for its sender, try again what was refused,
// and climb the ladder of an unknown. Nothing here is reached by time alone but the right to ask.
import {
  absenceCountsFromMs,
  countedSends,
  keyUseEndsMs,
  lastSend,
  refusedByAnswers,
  sendsSpent,
  statusOf,
} from './operation.ts'
import type { Operation, OperationKind, Payment, Target } from './payment.ts'
import { backoffMs } from './policy.ts'
import type { Circumstances, RetryPolicy } from './policy.ts'
import { begin, park, wait, waitBlocked } from './step.ts'
import type { Step } from './step.ts'

/** An attempt keeps no more of them, whatever kept them from going out. */
const maxSendsKept = 100

/** The deadline binds what begins by itself; a capture that an agent asked for has its own moment. */
export function isTooLate(payment: Payment, nowMs: number): boolean {
  if (payment.state === 'authorised' && payment.capture === 'manual') return false
  return nowMs >= payment.notAfterMs
}

export function pursue(
  payment: Payment,
  target: Target,
  operation: Operation,
  given: Circumstances,
  nowMs: number,
): Step {
  const last = lastSend(operation)
  if (last.outcome === null && nowMs < last.recoverAtMs) return wait(last.recoverAtMs, 'sender')
  const status = statusOf(operation)
  if (!given.reachable && status !== 'due' && restsFromLookUps(operation, nowMs)) {
    return waitBlocked(payment, given, nowMs)
  }
  switch (status) {
    case 'due':
      return retry(payment, target, operation, given, nowMs)
    case 'pending':
      return whilePending(payment, target, operation, given, nowMs)
    case 'sent':
    case 'unknown':
      return whileUnknown(payment, target, operation, given, nowMs)
    case 'failed':
      return whileRefused(payment, target, operation, given, nowMs)
    case 'succeeded':
      throw new Error('a succeeded operation has moved its payment')
  }
}

/** Behind an open breaker look-ups go on, but slower: most of them would fail and cost their turn. */
const slowLookUpMs = 10_000

function restsFromLookUps(operation: Operation, nowMs: number): boolean {
  const lastMs = Math.max(lastSend(operation).atMs, operation.inquiries.lastAtMs)
  return nowMs < lastMs + slowLookUpMs
}

// Proved not executed: the same key again where its own answers said so, else a new attempt.
function retry(
  payment: Payment,
  target: Target,
  operation: Operation,
  given: Circumstances,
  nowMs: number,
): Step {
  const last = lastSend(operation)
  const spent = sendsSpent(operation)
  const policy = retryPolicy(operation.kind, given)
  if (last.cause === 'account_fault' && spent > 0) return park('configuration')
  // Counted or not, so many marks of sends are a fault of ours that a person must see.
  const isFull = operation.attempt.sends.length >= maxSendsKept
  if (spent >= policy.maxSends || isFull) return park('retries_exhausted')
  if (given.blocked !== null) return waitBlocked(payment, given, nowMs)
  const backedOffMs = last.atMs + backoffMs(operation.attempt.id, Math.max(1, spent), policy)
  const readyAtMs = Math.max(backedOffMs, last.retryAtMs ?? 0)
  if (nowMs < readyAtMs) {
    // The deadline is looked at when it comes; past it nothing is left to look at.
    const isBound = target.kind !== 'refund' && nowMs < payment.notAfterMs
    return wait(isBound ? Math.min(readyAtMs, payment.notAfterMs) : readyAtMs, 'retry')
  }
  const again = refusedByAnswers(operation) && nowMs < keyUseEndsMs(operation, given)
  return { do: 'send', target, again }
}

function retryPolicy(kind: OperationKind, given: Circumstances): RetryPolicy {
  return given.policy.retry[kind]
}

function whilePending(
  payment: Payment,
  target: Target,
  operation: Operation,
  given: Circumstances,
  nowMs: number,
): Step {
  const { pending } = given.policy
  const firstMs = operation.attempt.sends[0]?.atMs ?? nowMs
  const { count, lastAtMs } = operation.inquiries
  const sinceMs = Math.max(lastAtMs, lastSend(operation).atMs)
  const readyAtMs = sinceMs + backoffMs(operation.attempt.id, count + 1, pending)
  if (nowMs < readyAtMs) return wait(readyAtMs, 'look_up')
  // After a redrive it is asked at least once more.
  if (count > 0 && nowMs - firstMs > pending.parkAfterMs) return park('pending_too_long')
  return lookUp(payment, target, given) ?? park('pending_too_long')
}

// Only a refused void stays failed. The object shows why, once it can be read; a person looks and
// redrives where it does not.
function whileRefused(
  payment: Payment,
  target: Target,
  operation: Operation,
  given: Circumstances,
  nowMs: number,
): Step {
  if (sendsSpent(operation) === 0) return begin(payment, target, given, nowMs)
  const { inquiry } = given.policy
  const { count, answered, lastAtMs } = operation.inquiries
  // A look before the refusal does not count.
  const seen = answered && lastAtMs >= lastSend(operation).atMs
  if (seen || count >= inquiry.max) return park('void_refused')
  const readyAtMs = lastAtMs + backoffMs(operation.attempt.id, count, inquiry)
  if (count > 0 && nowMs < readyAtMs) return wait(readyAtMs, 'look_up')
  return lookUp(payment, target, given) ?? park('void_refused')
}

/**
 * The ladder: the object by its id, the same bytes under the same key, our reference, then a
 * person. Nothing on it is reached by time alone but the right to ask again.
 */
function whileUnknown(
  payment: Payment,
  target: Target,
  operation: Operation,
  given: Circumstances,
  nowMs: number,
): Step {
  const { inquiry } = given.policy
  const { count, lastAtMs } = operation.inquiries
  const last = lastSend(operation)
  const rung = sendsSpent(operation) + count
  const backedOffMs =
    Math.max(last.atMs, lastAtMs) + backoffMs(operation.attempt.id, Math.max(1, rung), inquiry)
  const readyAtMs = Math.max(backedOffMs, last.retryAtMs ?? 0)
  if (nowMs < readyAtMs) return wait(readyAtMs, 'look_up')
  const look = lookUp(payment, target, given)
  if (look !== null && payment.objectId !== null && count === 0) return look
  const mayResend = canResend(payment, target, operation, given, nowMs)
  if (mayResend && given.blocked === null) return { do: 'send', target, again: true }
  if (look === null || count >= inquiry.max) {
    return mayResend ? waitBlocked(payment, given, nowMs) : park('outcome_unknown')
  }
  const worthAtMs = worthAskingAtMs(operation, look, given)
  return nowMs < worthAtMs ? wait(worthAtMs, 'look_up') : look
}

function canResend(
  payment: Payment,
  target: Target,
  operation: Operation,
  given: Circumstances,
  nowMs: number,
): boolean {
  const { attempt, inquiries } = operation
  const isMoney = target.kind !== 'void' && target.kind !== 'refund'
  const isHeld = payment.holds.some(
    ({ reason }) => reason === 'approval_required' || reason === 'possible_duplicate',
  )
  if (isMoney && (isHeld || payment.voidRequested !== null || isTooLate(payment, nowMs)))
    return false
  // Under this key the processor will only repeat itself.
  if (attempt.sends.some(({ cause }) => cause === 'key_mismatch' || cause === 'stored_error'))
    return false
  const { maxSends, maxSendsPerAttempt } = retryPolicy(operation.kind, given)
  if (sendsSpent(operation) >= maxSends || countedSends(attempt) >= maxSendsPerAttempt) return false
  if (nowMs < keyUseEndsMs(operation, given)) return true
  // The object itself acts once, whatever became of the key; a read must have shown it first.
  const seen = inquiries.answered && inquiries.lastAtMs > lastSend(operation).atMs
  return (
    given.capabilities.objectOnce &&
    target.kind !== 'refund' &&
    attempt.request.objectId !== null &&
    seen
  )
}

function lookUp(payment: Payment, target: Target, { capabilities }: Circumstances): Step | null {
  if (payment.objectId !== null) return { do: 'look_up', target, by: 'object' }
  if (capabilities.absenceAfterMs !== null) return { do: 'look_up', target, by: 'records' }
  if (capabilities.lookupByReference) return { do: 'look_up', target, by: 'reference' }
  return null
}

// The first look may be early: it often finds what happened. The later ones are asked when "nothing"
// can mean something: past the index's lag, or past the time at which absence counts as proof.
function worthAskingAtMs(operation: Operation, look: Step, given: Circumstances): number {
  const { capabilities } = given
  const sentAtMs = lastSend(operation).atMs
  if (look.do === 'look_up' && look.by === 'reference') return sentAtMs + capabilities.lookupLagMs
  if (capabilities.absenceAfterMs === null || operation.inquiries.count === 0) return sentAtMs
  return absenceCountsFromMs(operation, capabilities.absenceAfterMs, given) + 1
}
