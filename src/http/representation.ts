// A stored payment as the API shows it. One mapper: the type checker says which field is missing on
// either side when one is added.
import { advise } from '../core/advice.ts'
import { refundsOf, operationOf, statusOf } from '../core/operation.ts'
import { holdPrecedence } from '../core/advice.ts'
import type { Hold, Payment, Refund } from '../core/payment.ts'
import type { PaymentView } from '../engine/read.ts'
import { toAdviceJson } from './problem.ts'
import type { PaymentJson, RefundJson } from './wire.ts'

type FieldOf<Member> = Member extends unknown ? keyof Member : never

/** Where each field of a payment is shown; `null`: nowhere, it is ours alone. */
export const shownAs = {
  id: 'id',
  agent: 'agent',
  account: 'account',
  amount: 'amount',
  currency: 'currency',
  payee: 'payee',
  reference: 'reference',
  paymentMethod: 'payment_method',
  capture: 'capture',
  binding: 'processor',
  batch: 'batch',
  retryOf: 'retry_of',
  retryCount: 'new_key_allowed',
  createdAtMs: 'created_at',
  budgets: null,
  format: null,
  seq: 'version',
  updatedAtMs: 'updated_at',
  notAfterMs: 'not_after',
  approval: 'hold',
  holds: 'hold',
  voidRequested: 'void_requested',
  attemptsOpened: 'operation',
  duplicateObjects: 'next_action',
  objectId: 'processor_reference',
  voiding: 'operation',
  state: 'state',
  operation: 'operation',
  amountAuthorised: null,
  authorisationExpiresAtMs: null,
  captureRequested: 'next_action',
  amountCaptured: 'amount_captured',
  amountReversed: 'amount_reversed',
  capturedAtMs: null,
  refunds: 'refunds',
  settlementAsked: null,
  settlement: 'state',
  decline: 'state_reason',
  objectCancelled: null,
  reason: 'state_reason',
} as const satisfies Readonly<Record<FieldOf<Payment>, keyof PaymentJson | null>>

export function toPaymentJson({ row, details, blockade }: PaymentView, nowMs: number): PaymentJson {
  const { payment } = row
  const { binding, voidRequested } = payment
  return {
    id: payment.id,
    object: 'payment',
    livemode: binding.livemode,
    agent: payment.agent,
    account: payment.account,
    state: payment.state,
    state_reason: stateReason(payment),
    amount: payment.amount,
    currency: payment.currency,
    ...amounts(payment),
    payee: payment.payee,
    reference: payment.reference,
    description: details.description,
    metadata: details.metadata,
    payment_method: payment.paymentMethod,
    capture: payment.capture,
    batch: payment.batch,
    retry_of: payment.retryOf,
    not_after: rfc3339(payment.notAfterMs),
    processor: binding.processor,
    processor_reference: payment.objectId,
    operation: operationJson(payment, row.dueAtMs),
    hold: holdJson(payment.holds) ?? blockadeJson(payment, blockade),
    void_requested:
      voidRequested === null
        ? null
        : { by: voidRequested.by, reason: voidRequested.reason, at: rfc3339(voidRequested.atMs) },
    refunds: refundsOf(payment).map(refundJson),
    ...toAdviceJson(advise(payment, nowMs)),
    version: payment.seq,
    created_at: rfc3339(payment.createdAtMs),
    updated_at: rfc3339(payment.updatedAtMs),
  } satisfies PaymentJson
}

function stateReason(payment: Payment): string | null {
  switch (payment.state) {
    case 'declined':
      return payment.decline.code
    case 'rejected':
    case 'voided':
      return payment.reason
    case 'initiated':
    case 'validated':
    case 'authorised':
    case 'captured':
    case 'settled':
    case 'refunded':
    case 'expired':
      return null
  }
}

function amounts(
  payment: Payment,
): Pick<PaymentJson, 'amount_captured' | 'amount_refunded' | 'amount_reversed'> {
  if (!('refunds' in payment)) return { amount_captured: 0, amount_refunded: 0, amount_reversed: 0 }
  const refunded = payment.refunds.filter(({ status }) => status === 'succeeded')
  return {
    amount_captured: payment.amountCaptured,
    amount_refunded: refunded.reduce((sum, { amount }) => sum + amount, 0),
    amount_reversed: payment.amountReversed,
  }
}

/** The void while one is at work, because it decides the end; else the operation towards money. */
function operationJson(payment: Payment, dueAtMs: number | null): PaymentJson['operation'] {
  const operation = payment.voiding ?? operationOf(payment)
  if (operation === null) return null
  const { kind, attempt } = operation
  return {
    kind,
    status: statusOf(operation),
    attempt: attempt.number,
    sends: attempt.sends.length,
    next_check_at: dueAtMs === null ? null : rfc3339(dueAtMs),
  }
}

function holdJson(holds: readonly Hold[]): PaymentJson['hold'] {
  for (const reason of holdPrecedence) {
    const hold = holds.find((each) => each.reason === reason)
    if (hold !== undefined) return { reason, since: rfc3339(hold.sinceMs) }
  }
  return null
}

// Nothing of the payment's own: seen while it is shown, and gone with its cause. What is paid waits
// for its settlement under it as without.
function blockadeJson(payment: Payment, blockade: PaymentView['blockade']): PaymentJson['hold'] {
  const moves = !('refunds' in payment) || payment.refunds.some(({ status }) => status === 'open')
  if (blockade === null || !moves) return null
  const { why, sinceMs } = blockade
  return { reason: why, since: sinceMs === null ? null : rfc3339(sinceMs) }
}

function refundJson(refund: Refund): RefundJson {
  return {
    id: refund.id,
    object: 'refund',
    reference: refund.reference,
    amount: refund.amount,
    reason: refund.reason,
    status: refund.status,
    processor_reference: refund.objectId,
    requested_at: rfc3339(refund.requestedAtMs),
  } satisfies RefundJson
}

/** The last moment that RFC 3339 can write. */
const lastMs = Date.UTC(9999, 11, 31, 23, 59, 59, 999)

/** Unix milliseconds as RFC 3339 in UTC; a processor's absurd time stays a time. */
export function rfc3339(ms: number): string {
  const bounded = Number.isFinite(ms) ? Math.min(lastMs, Math.max(0, ms)) : lastMs
  return new Date(bounded).toISOString()
}
