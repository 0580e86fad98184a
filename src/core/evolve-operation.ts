// Applies what happened to a payment's operations and refunds: attempts, sends, look-ups.
import { expect, expectPaid, impossible } from './expect.ts'
import { countedSends, operationAt, operationOf, refundsOf, withSends } from './operation.ts'
import type {
  Operation,
  PaidPayment,
  Payment,
  PaymentEvent,
  Refund,
  Send,
  Target,
  Validated,
} from './payment.ts'

export type OperationEvent = EventOf<
  'attempt_opened' | 'sent_again' | 'observed' | 'inquired' | 'object_created'
>

type EventOf<T extends PaymentEvent['type']> = Extract<PaymentEvent, { type: T }>

export function onOperationEvent(payment: Payment, event: OperationEvent): Payment {
  switch (event.type) {
    case 'attempt_opened':
      return opened(payment, event)
    case 'sent_again':
      return onOperation(payment, event.target, (operation) => ({
        ...withSends(operation, [...operation.attempt.sends, event.send]),
        inquiries: noInquiries,
        storesDeclines: operation.storesDeclines && event.keyHolds,
      }))
    case 'observed':
      return onOperation(payment, event.target, (operation) => observed(operation, event))
    case 'inquired':
      return onOperation(payment, event.target, (operation) => inquired(operation, event))
    case 'object_created':
      return withObject(expect(payment, 'validated'), event.objectId)
  }
}

const noInquiries: Operation['inquiries'] = {
  count: 0,
  lastAtMs: 0,
  answered: false,
  absentAtMs: [],
}

function opened(payment: Payment, event: EventOf<'attempt_opened'>): Payment {
  const before = operationAt(payment, event.target)
  const operation: Operation = {
    kind: event.target.kind,
    attempt: event.attempt,
    earlierSends: before === null ? 0 : before.earlierSends + countedSends(before.attempt),
    forgivenSends: before?.forgivenSends ?? 0,
    inquiries: noInquiries,
    storesDeclines: event.storesDeclines,
  }
  const counted = { ...payment, attemptsOpened: payment.attemptsOpened + 1 }
  return placeOperation(counted, event.target, operation)
}

function onOperation(
  payment: Payment,
  target: Target,
  change: (operation: Operation) => Operation,
): Payment {
  const operation = operationAt(payment, target) ?? impossible(`no ${target.kind} operation`)
  return placeOperation(payment, target, change(operation))
}

function placeOperation(payment: Payment, target: Target, operation: Operation): Payment {
  switch (target.kind) {
    case 'create':
    case 'authorise':
      return { ...expect(payment, 'validated'), operation }
    case 'capture':
      return { ...expect(payment, 'authorised'), operation }
    case 'void':
      return { ...payment, voiding: operation }
    case 'refund':
      return withRefund(payment, target.refundId, { operation })
  }
}

function observed(operation: Operation, event: EventOf<'observed'>): Operation {
  const { outcome, by, retryAtMs } = event
  const cause = event.sends === 'all' ? `proof:${by.cause}` : by.cause
  const concerns = (send: Send): boolean =>
    event.sends === 'all' ? send.outcome !== 'not_executed' : send.number === event.sends
  const sends = operation.attempt.sends.map((send) =>
    concerns(send) ? { ...send, outcome, cause, retryAtMs } : send,
  )
  return withSends(operation, sends)
}

function inquired(operation: Operation, event: EventOf<'inquired'>): Operation {
  const { count, absentAtMs } = operation.inquiries
  const absent = event.consistent && event.finding !== 'no_answer'
  return {
    ...operation,
    inquiries: {
      count: count + 1,
      lastAtMs: event.atMs,
      answered: event.finding !== 'no_answer',
      // The last few suffice: two late enough are a proof.
      absentAtMs: absent ? [...absentAtMs, event.by.askedAtMs].slice(-4) : absentAtMs,
    },
  }
}

// A redrive gives sends and look-ups a fresh count; what was sent stays sent.
export function forgiven(payment: Payment): Payment {
  const forgive = (operation: Operation): Operation => ({
    ...operation,
    forgivenSends: operation.earlierSends + countedSends(operation.attempt),
    inquiries: { ...operation.inquiries, count: 0, lastAtMs: 0 },
  })
  let after = payment
  const own = operationOf(payment)
  if (own !== null) after = onOperation(after, { kind: own.kind } as Target, forgive)
  if (payment.voiding !== null) after = onOperation(after, { kind: 'void' }, forgive)
  for (const { id, operation } of refundsOf(payment)) {
    if (operation !== null) after = onOperation(after, { kind: 'refund', refundId: id }, forgive)
  }
  return after
}

// Making the object ends `create`; any other operation goes on, now with an object to look up.
function withObject(payment: Validated, objectId: string): Validated {
  const operation = payment.operation?.kind === 'create' ? null : payment.operation
  return { ...payment, objectId, operation }
}

export type RefundEvent = EventOf<'refund_requested' | 'refund_succeeded' | 'refund_failed'>

export function onRefundEvent(payment: Payment, event: RefundEvent): PaidPayment {
  switch (event.type) {
    case 'refund_requested':
      return withRefunds(payment, (refunds) => [...refunds, requestedRefund(event)])
    case 'refund_succeeded': {
      const { refundId, objectId } = event
      return withRefund(payment, refundId, { status: 'succeeded', operation: null, objectId })
    }
    case 'refund_failed':
      return withRefund(payment, event.refundId, { status: 'failed' })
  }
}

function requestedRefund(event: EventOf<'refund_requested'>): Refund {
  const { refundId, reference, amount, reason, atMs } = event
  return {
    id: refundId,
    reference,
    amount,
    reason,
    requestedAtMs: atMs,
    status: 'open',
    operation: null,
    objectId: null,
  }
}

function withRefunds(
  payment: Payment,
  change: (refunds: readonly Refund[]) => readonly Refund[],
): PaidPayment {
  const before = expectPaid(payment)
  return { ...before, refunds: change(before.refunds) }
}

function withRefund(payment: Payment, refundId: string, change: Partial<Refund>): PaidPayment {
  return withRefunds(payment, (refunds) =>
    refunds.map((refund) => (refund.id === refundId ? { ...refund, ...change } : refund)),
  )
}
