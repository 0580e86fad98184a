// What the state of the processor's object says about the payment. It speaks for the whole payment,
// whichever send brought it about, and moves it forward or, against an end, to what is shown.
import { isDead } from './outcome.ts'
import type { Decline, ObjectView } from './outcome.ts'
import { isOpen, lastSend, operationOf, statusOf, targetOfAttempt } from './operation.ts'
import type { Fact, PaidPayment, Payment, Source, Target } from './payment.ts'

// An object with another amount or currency is not what we asked for, whatever it says.
export function believable(payment: Payment, object: ObjectView | null): ObjectView | null {
  if (object === null) return null
  return object.amount === payment.amount && object.currency === payment.currency ? object : null
}

export function byObject(payment: Payment, object: ObjectView, by: Source): readonly Fact[] {
  if (payment.objectId !== null && payment.objectId !== object.objectId) {
    return ofAnotherObject(payment, object, by)
  }
  switch (payment.state) {
    case 'initiated':
      // Only a restored store can have forgotten what it sent; what the processor shows is taken up.
      return object.status === 'authorised' || object.amountCaptured > 0
        ? [{ type: 'validated' }, ...towardsMoney(payment, object, by)]
        : []
    case 'validated':
      return whileValidated(payment, object, by)
    case 'authorised':
      return whileAuthorised(payment, object, by)
    case 'captured':
    case 'settled':
    case 'refunded':
      return afterCapture(payment, object, by)
    case 'declined':
      return isDead(object) && payment.voiding !== null
        ? [{ type: 'object_cancelled', by }]
        : againstEnd(payment, object, by)
    case 'rejected':
    case 'voided':
    case 'expired':
      return againstEnd(payment, object, by)
  }
}

function towardsMoney(payment: Payment, object: ObjectView, by: Source): readonly Fact[] {
  const amount = object.amountAuthorised > 0 ? object.amountAuthorised : object.amountCaptured
  const { objectId, authorisationExpiresAtMs: expiresAtMs } = object
  const authorised: Fact = { type: 'authorised', objectId, amount, expiresAtMs, by }
  return object.amountCaptured > 0
    ? [authorised, ...captured(payment, object, by)]
    : [...liftBlocks(payment), authorised]
}

function captured(payment: Payment, object: ObjectView, by: Source): readonly Fact[] {
  const tooLate: readonly Fact[] =
    payment.voidRequested === null ? [] : [{ type: 'void_too_late', by }]
  const settled: readonly Fact[] =
    object.settlement === null ? [] : [{ type: 'settled', settlement: object.settlement, by }]
  return [
    ...liftBlocks(payment),
    ...tooLate,
    { type: 'captured', amount: object.amountCaptured, by },
    ...settled,
  ]
}

function whileValidated(
  payment: Extract<Payment, { state: 'validated' }>,
  object: ObjectView,
  by: Source,
): readonly Fact[] {
  const { operation } = payment
  if (object.amountCaptured > 0) return towardsMoney(payment, object, by)
  switch (object.status) {
    case 'authorised':
      // In one step the capture is still to come, and nobody else will ask for it.
      return operation?.attempt.request.oneStep === true
        ? nowPending(payment, object, by)
        : towardsMoney(payment, object, by)
    case 'created':
      return payment.objectId === null && operation?.kind === 'create'
        ? [{ type: 'object_created', objectId: object.objectId, by }]
        : []
    case 'pending':
      return nowPending(payment, object, by)
    case 'action_required':
      return [...nowPending(payment, object, by), ...holdForAction(payment, object)]
    case 'captured':
      return []
    case 'declined':
    case 'voided':
    case 'expired':
      return isCurrent(payment, object) ? endOfObject(payment, object, by) : []
  }
}

// The end of some other attempt's object says nothing about the sends of this one. And only a
// cancelled or lapsed object is past all sends: a decline speaks for one of them, unless it is stored.
function isCurrent(payment: Payment, object: ObjectView): boolean {
  const operation = operationOf(payment)
  const isOurs = payment.objectId === object.objectId || object.attemptId === operation?.attempt.id
  if (!isOurs || operation === null) return isOurs
  if (payment.objectId !== null && isDead(object)) return true
  // Where declines are not stored, each send may have made an object of its own.
  const others = operation.attempt.sends.filter((send) => send.outcome !== 'not_executed')
  return operation.storesDeclines || operation.earlierSends + others.length <= 1
}

function endOfObject(payment: Payment, object: ObjectView, by: Source): readonly Fact[] {
  if (object.status === 'voided') return voided(payment, by, 'object_voided')
  if (object.status === 'expired') return [...settle(payment, by), { type: 'expired', by }]
  const decline = object.decline ?? { reason: 'declined', code: 'unspecified' }
  return [...liftBlocks(payment), { type: 'declined', decline, by }]
}

function whileAuthorised(
  payment: Extract<Payment, { state: 'authorised' }>,
  object: ObjectView,
  by: Source,
): readonly Fact[] {
  if (object.amountCaptured > 0) return captured(payment, object, by)
  if (object.status === 'expired') return [...settle(payment, by), { type: 'expired', by }]
  if (isDead(object)) return voided(payment, by, 'object_voided')
  return []
}

/** The object can no longer take money: what was open is proved not executed, the payment ends. */
export function voided(payment: Payment, by: Source, proof: string): readonly Fact[] {
  if (payment.state === 'declined') return [{ type: 'object_cancelled', by }]
  if (payment.state !== 'validated' && payment.state !== 'authorised') return []
  const reason = payment.voidRequested?.reason ?? 'voided_at_processor'
  return [...settle(payment, { ...by, cause: proof }), { type: 'voided', reason, by }]
}

function settle(payment: Payment, by: Source): readonly Fact[] {
  const operation = operationOf(payment)
  if (!isOpen(operation)) return []
  const target = targetOfAttempt(payment, operation.attempt.id)
  if (target === null) return []
  return [{ type: 'observed', target, sends: 'all', outcome: 'not_executed', retryAtMs: null, by }]
}

function nowPending(
  payment: Extract<Payment, { state: 'validated' }>,
  object: ObjectView,
  by: Source,
): readonly Fact[] {
  const { operation } = payment
  if (operation === null || operation.kind === 'create') return []
  // What an earlier attempt left, proved to have done nothing, is not what this one waits for.
  if (payment.objectId === null && object.attemptId !== operation.attempt.id) return []
  const made: readonly Fact[] =
    payment.objectId === null ? [{ type: 'object_created', objectId: object.objectId, by }] : []
  if (statusOf(operation) === 'pending') return made
  const target: Target = { kind: 'authorise' }
  // Where all were proved not executed, the proof was wrong or this reading is old: it is looked up.
  const sends = isOpen(operation) ? 'all' : lastSend(operation).number
  const pending = { target, sends, outcome: 'pending', retryAtMs: null, by } as const
  return [...made, { type: 'observed', ...pending }]
}

function holdForAction(payment: Payment, object: ObjectView): readonly Fact[] {
  if (payment.holds.some((hold) => hold.reason === 'action_required')) return []
  return [{ type: 'held', reason: 'action_required', detail: object.actionUrl ?? '' }]
}

// Evidence that ends an operation also ends what kept a person busy with it.
function liftBlocks(payment: Payment): readonly Fact[] {
  return payment.holds
    .filter(({ reason }) => reason === 'dead_letter' || reason === 'action_required')
    .map(({ reason }) => ({ type: 'hold_lifted', reason, by: 'evidence' }))
}

// ── After the end ────────────────────────────────────────────────────────────────────────────────

function afterCapture(payment: PaidPayment, object: ObjectView, by: Source): readonly Fact[] {
  if (isDead(object) && object.amountCaptured === 0) {
    if (payment.state !== 'captured' || payment.refunds.length > 0) return []
    const to = object.status === 'expired' ? 'expired' : 'voided'
    return [{ type: 'corrected', to, object, by }]
  }
  return [
    ...reversals(payment, object, by),
    ...refunds(payment, object, by),
    ...settlement(payment, object, by),
  ]
}

function settlement(payment: PaidPayment, object: ObjectView, by: Source): readonly Fact[] {
  if (object.settlement === null || payment.state === 'settled') return []
  if (payment.state === 'refunded' && payment.settlement !== null) return []
  return [{ type: 'settled', settlement: object.settlement, by }]
}

function refunds(payment: PaidPayment, object: ObjectView, by: Source): readonly Fact[] {
  return payment.refunds.flatMap((refund): readonly Fact[] => {
    if (refund.status === 'succeeded' || refund.operation === null) return []
    const { id: attemptId } = refund.operation.attempt
    const theirs = object.refunds.find((each) => each.attemptId === attemptId)
    if (theirs === undefined || theirs.status === refund.status) return []
    const target: Target = { kind: 'refund', refundId: refund.id }
    switch (theirs.status) {
      case 'succeeded':
        return [
          ...liftBlocks(payment),
          { type: 'refund_succeeded', refundId: refund.id, objectId: theirs.objectId, by },
        ]
      case 'failed':
        return failed(payment, target, { reason: 'declined', code: 'refund_failed' }, by)
      case 'pending':
        return statusOf(refund.operation) === 'pending'
          ? []
          : [{ type: 'observed', target, sends: 'all', outcome: 'pending', retryAtMs: null, by }]
    }
  })
}

// Disputes, returns, and refunds that somebody made outside: money that came back without us.
function reversals(payment: PaidPayment, object: ObjectView, by: Source): readonly Fact[] {
  const outside = object.refunds.filter(
    (each) => each.attemptId === null && each.status === 'succeeded',
  )
  const total = outside.reduce((sum, each) => sum + each.amount, object.amountReversed)
  return total > payment.amountReversed ? [{ type: 'amount_reversed', total, by }] : []
}

export function isUnpaidEnd(payment: Payment): boolean {
  return (
    payment.state === 'declined' ||
    payment.state === 'rejected' ||
    payment.state === 'voided' ||
    payment.state === 'expired'
  )
}

/**
 * Captured money is believed at once. An authorisation is believed only from a read that was asked
 * after the payment had ended, and then voided: the agent was told that no money moves.
 */
function againstEnd(payment: Payment, object: ObjectView, by: Source): readonly Fact[] {
  if (object.amountCaptured > 0) return [{ type: 'corrected', to: 'captured', object, by }]
  const fresh = by.source === 'look_up' && by.askedAtMs >= payment.updatedAtMs
  if (object.status !== 'authorised' || !fresh) return []
  return [
    { type: 'corrected', to: 'authorised', object, by },
    { type: 'void_requested', by: 'quittance', reason: 'correction' },
  ]
}

// Two objects for one payment: never merged, never hidden.
function ofAnotherObject(payment: Payment, object: ObjectView, by: Source): readonly Fact[] {
  if (isUnpaidEnd(payment)) return againstEnd(payment, object, by)
  const holdsMoney = object.amountCaptured > 0 || object.status === 'authorised'
  if (!holdsMoney || payment.duplicateObjects.includes(object.objectId)) return []
  return [{ type: 'duplicate_found', object, by }]
}

/** The processor said no for good to this operation. */
export function failed(
  payment: Payment,
  target: Target,
  decline: Decline,
  by: Source,
): readonly Fact[] {
  switch (target.kind) {
    case 'create':
    case 'authorise':
      return [...liftBlocks(payment), { type: 'declined', decline, by }]
    case 'capture':
      return [...liftBlocks(payment), { type: 'capture_declined', decline, by }]
    case 'refund':
      return [
        ...liftBlocks(payment),
        { type: 'refund_failed', refundId: target.refundId, decline, by },
      ]
    case 'void':
      // A refused void proves nothing; the object is looked up, then a person is asked.
      return []
  }
}
