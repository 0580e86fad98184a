// Applies an event to a payment. Total over what `decide` can produce; anything else is a bug and
// throws, because a payment that cannot be rebuilt from its events must not be touched.
import { onHoldEvent } from './evolve-hold.ts'
import { onOperationEvent, onRefundEvent } from './evolve-operation.ts'
import { expect, expectPaid, impossible } from './expect.ts'
import { paymentFormat } from './payment.ts'
import type {
  Authorised,
  Captured,
  Fact,
  PaidPayment,
  Payment,
  PaymentEvent,
  Refund,
  State,
} from './payment.ts'
import type { ObjectView } from './outcome.ts'
import { transitions } from './transitions.ts'

export function evolve(before: Payment | null, event: PaymentEvent): Payment {
  const after = before === null ? claimed(event) : apply(before, event)
  assertTransition(before?.state ?? null, event, after.state)
  return { ...after, seq: event.seq, updatedAtMs: event.atMs }
}

/** Facts take their numbers and their time; what happened at once has one time. */
export function stamp(
  paymentId: string,
  lastSeq: number,
  facts: readonly Fact[],
  nowMs: number,
): readonly PaymentEvent[] {
  return facts.map((fact, index) => ({
    ...fact,
    format: paymentFormat,
    paymentId,
    seq: lastSeq + index + 1,
    atMs: nowMs,
  }))
}

/** The payment as these facts would leave it. */
export function evolveFacts(payment: Payment, facts: readonly Fact[], nowMs: number): Payment {
  return stamp(payment.id, payment.seq, facts, nowMs).reduce(
    (before: Payment, event) => evolve(before, event),
    payment,
  )
}

/** Several events in a row, from nothing or from a payment. */
export function evolveAll(before: Payment | null, events: readonly PaymentEvent[]): Payment {
  const after = events.reduce<Payment | null>(evolve, before)
  return after ?? impossible('no events and no payment')
}

function assertTransition(from: State | null, event: PaymentEvent, to: State): void {
  if (from === to && event.type !== 'corrected') return
  const legal = transitions.some(
    (each) => each.from === from && each.on === event.type && each.to === to,
  )
  if (!legal) impossible(`${from} → ${to} on ${event.type}`)
}

function claimed(event: PaymentEvent): Payment {
  if (event.type !== 'claimed') return impossible(`${event.type} before claimed`)
  return {
    ...event.terms,
    format: paymentFormat,
    seq: 0,
    updatedAtMs: event.atMs,
    notAfterMs: event.notAfterMs,
    approval: event.approval,
    holds: [],
    voidRequested: null,
    attemptsOpened: 0,
    duplicateObjects: [],
    objectId: null,
    voiding: null,
    state: 'initiated',
  }
}

function apply(payment: Payment, event: PaymentEvent): Payment {
  switch (event.type) {
    case 'claimed':
      return impossible('claimed twice')
    case 'validated':
      return { ...payment, state: 'validated', operation: null }
    case 'attempt_opened':
    case 'sent_again':
    case 'observed':
    case 'inquired':
    case 'object_created':
      return onOperationEvent(payment, event)
    case 'authorised':
      return authorised(expect(payment, 'validated'), event)
    case 'capture_requested':
      return {
        ...expect(payment, 'authorised'),
        captureRequested: { amount: event.amount, atMs: event.atMs },
      }
    case 'captured':
      return captured(expect(payment, 'authorised'), event.amount, event.atMs)
    case 'capture_declined':
      return captureDeclined(expect(payment, 'authorised'), event.atMs)
    case 'settlement_asked':
      return settlementAsked(expect(payment, 'captured'), event)
    case 'settled':
      return settled(payment, event.settlement)
    case 'declined':
      return {
        ...ended(payment),
        state: 'declined',
        decline: event.decline,
        objectCancelled: false,
      }
    case 'object_cancelled':
      return { ...expect(payment, 'declined'), objectCancelled: true, voiding: null }
    case 'rejected':
      return { ...ended(payment), state: 'rejected', reason: event.reason }
    case 'void_requested':
      return { ...payment, voidRequested: { by: event.by, atMs: event.atMs, reason: event.reason } }
    case 'void_too_late':
      return { ...payment, voidRequested: null, voiding: null }
    case 'voided':
      return { ...ended(payment), state: 'voided', reason: event.reason }
    case 'expired':
      return { ...ended(payment), state: 'expired' }
    case 'refund_requested':
    case 'refund_failed':
      return onRefundEvent(payment, event)
    case 'refund_succeeded':
      return afterRefund(onRefundEvent(payment, event))
    case 'amount_reversed':
      return { ...expectPaid(payment), amountReversed: event.total }
    case 'held':
    case 'hold_lifted':
    case 'approved':
    case 'parked':
    case 'redriven':
    case 'resolved':
      return onHoldEvent(payment, event)
    case 'corrected':
      return corrected(payment, event.to, event.object, event.atMs)
    case 'duplicate_found': {
      const { duplicateObjects } = payment
      return { ...payment, duplicateObjects: [...duplicateObjects, event.object.objectId] }
    }
  }
}

// ── States ───────────────────────────────────────────────────────────────────────────────────────

/** What every state has; what only the old one had is left behind. */
function common(payment: Payment): Omit<Extract<Payment, { state: 'initiated' }>, 'state'> {
  const {
    id,
    agent,
    account,
    amount,
    currency,
    payee,
    reference,
    paymentMethod,
    capture,
    binding,
    batch,
    retryOf,
    retryCount,
    createdAtMs,
    budgets,
    format,
    seq,
    updatedAtMs,
    notAfterMs,
    approval,
    holds,
    voidRequested,
    attemptsOpened,
    duplicateObjects,
    objectId,
    voiding,
  } = payment
  return {
    id,
    agent,
    account,
    amount,
    currency,
    payee,
    reference,
    paymentMethod,
    capture,
    binding,
    batch,
    retryOf,
    retryCount,
    createdAtMs,
    budgets,
    format,
    seq,
    updatedAtMs,
    notAfterMs,
    approval,
    holds,
    voidRequested,
    attemptsOpened,
    duplicateObjects,
    objectId,
    voiding,
  }
}

/** At an end nothing is held and nothing is asked any more. */
function ended(payment: Payment): ReturnType<typeof common> {
  return { ...common(payment), holds: [], voidRequested: null, voiding: null }
}

function authorised(
  payment: Payment,
  event: Extract<PaymentEvent, { type: 'authorised' }>,
): Authorised {
  return {
    ...common(payment),
    state: 'authorised',
    objectId: event.objectId,
    operation: null,
    amountAuthorised: event.amount,
    authorisationExpiresAtMs: event.expiresAtMs,
    captureRequested: null,
  }
}

function captured(payment: Authorised, amount: number, atMs: number): Captured {
  return {
    ...ended(payment),
    state: 'captured',
    objectId: payment.objectId,
    amountCaptured: amount,
    amountReversed: 0,
    capturedAtMs: atMs,
    refunds: [],
    settlementAsked: { count: 0, answered: false, atMs },
  }
}

// A capture that is refused for good ends as a void: the authorisation is given back.
function captureDeclined(payment: Authorised, atMs: number): Authorised {
  const voidRequested = { by: 'processor', atMs, reason: 'capture_declined' }
  return { ...payment, operation: null, captureRequested: null, voidRequested }
}

function settlementAsked(
  payment: Captured,
  { answered, atMs }: Extract<PaymentEvent, { type: 'settlement_asked' }>,
): Captured {
  const count = payment.settlementAsked.count + 1
  return { ...payment, settlementAsked: { count, answered, atMs } }
}

function settled(payment: Payment, settlement: NonNullable<ObjectView['settlement']>): Payment {
  if (payment.state === 'refunded') return { ...payment, settlement }
  return { ...paid(expect(payment, 'captured')), state: 'settled', settlement }
}

function paid(payment: PaidPayment): Omit<Captured, 'state' | 'settlementAsked'> {
  const { objectId, amountCaptured, amountReversed, capturedAtMs, refunds } = payment
  return { ...common(payment), objectId, amountCaptured, amountReversed, capturedAtMs, refunds }
}

// All that was captured has been refunded and nothing is open: only then does the state change.
function afterRefund(payment: PaidPayment): PaidPayment {
  const { refunds, amountCaptured } = payment
  if (refunds.some((refund) => refund.status === 'open')) return payment
  if (refundedAmount(refunds) < amountCaptured) return payment
  if (payment.state === 'refunded') return payment
  const settlement = payment.state === 'settled' ? payment.settlement : null
  return { ...paid(payment), state: 'refunded', settlement }
}

function refundedAmount(refunds: readonly Refund[]): number {
  return refunds
    .filter((refund) => refund.status === 'succeeded')
    .reduce((sum, refund) => sum + refund.amount, 0)
}

function corrected(
  payment: Payment,
  to: Extract<PaymentEvent, { type: 'corrected' }>['to'],
  object: ObjectView,
  atMs: number,
): Payment {
  const base = { ...ended(payment), objectId: object.objectId }
  const live: Authorised = {
    ...base,
    state: 'authorised',
    operation: null,
    amountAuthorised: object.amountAuthorised,
    authorisationExpiresAtMs: object.authorisationExpiresAtMs,
    captureRequested: null,
  }
  switch (to) {
    case 'authorised':
      return live
    case 'captured':
      return captured(live, object.amountCaptured, atMs)
    case 'voided':
      return { ...base, state: 'voided', reason: 'corrected' }
    case 'expired':
      return { ...base, state: 'expired' }
  }
}
