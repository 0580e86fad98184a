// What the processor answers in its own words: its objects in snake_case, and its refusals. One
// table gives each refusal its status and type.
import type { Charge, Refund } from './charges.ts'
import type { Movement } from './settlements.ts'

export interface Answer {
  readonly status: number
  readonly body: string
  readonly headers: Readonly<Record<string, string>>
}

export const refusals = Object.freeze({
  unauthorised: { status: 401, type: 'authentication' },
  invalid_request: { status: 400, type: 'invalid_request' },
  malformed_body: { status: 400, type: 'invalid_request' },
  amount_too_large: { status: 400, type: 'invalid_request' },
  idempotency_key_missing: { status: 400, type: 'idempotency_error' },
  idempotency_mismatch: { status: 400, type: 'idempotency_error' },
  idempotency_key_in_use: { status: 409, type: 'idempotency_error' },
  declined: { status: 402, type: 'card_error' },
  not_found: { status: 404, type: 'invalid_request' },
  unexpected_state: { status: 409, type: 'state_error' },
  reference_cancelled: { status: 409, type: 'state_error' },
  body_too_large: { status: 413, type: 'invalid_request' },
  rate_limited: { status: 429, type: 'rate_limit' },
  slow_down: { status: 503, type: 'rate_limit' },
  internal: { status: 500, type: 'api_error' },
})

export type RefusalCode = keyof typeof refusals

const json = Object.freeze({ 'content-type': 'application/json' })

export function say(value: unknown): Answer {
  return { status: 200, body: JSON.stringify(value), headers: json }
}

export function refuse(
  code: RefusalCode,
  message: string,
  facts: Readonly<Record<string, unknown>> = {},
): Answer {
  const { status, type } = refusals[code]
  return {
    status,
    body: JSON.stringify({ error: { type, code, message, ...facts } }),
    headers: json,
  }
}

export const serverError = refuse('internal', 'Something went wrong on our side.')

export function presentCharge(charge: Charge): Readonly<Record<string, unknown>> {
  const { settlement } = charge
  return {
    id: charge.id,
    object: 'charge',
    status: charge.status,
    amount: charge.amount,
    currency: charge.currency,
    amount_captured: charge.amountCaptured,
    amount_refunded: charge.amountRefunded,
    amount_reversed: charge.amountReversed,
    payee: charge.payee,
    payment_method: charge.paymentMethod,
    reference: charge.reference,
    metadata: charge.metadata,
    decline_code: charge.decline?.code ?? null,
    decline_reason: charge.decline?.reason ?? null,
    action_url: charge.actionUrl,
    authorisation_expires_at: charge.authorisedAtMs && time(charge.authorisationExpiresAtMs),
    created_at: time(charge.createdAtMs),
    authorised_at: time(charge.authorisedAtMs),
    captured_at: time(charge.capturedAtMs),
    settlement: settlement && {
      id: settlement.id,
      settled_at: time(settlement.settledAtMs),
      fee: settlement.fee,
      net: settlement.net,
    },
    refunds: charge.refunds.map(presentRefund),
  }
}

/** `charge` lends its metadata: that is how a reader finds its own payment from a movement. */
export function presentMovement(
  movement: Movement,
  charge: Charge,
  nowMs: number,
): Readonly<Record<string, unknown>> {
  const refund = charge.refunds.find((each) => each.id === movement.refundId)
  return {
    id: movement.id,
    object: 'record',
    type: movement.type,
    amount: movement.amount,
    currency: movement.currency,
    charge: movement.chargeId,
    reference: charge.reference,
    metadata: charge.metadata,
    refund: refund === undefined ? null : presentRefund(refund),
    settlement: movement.settlesAtMs <= nowMs ? movement.settlementId : null,
    created_at: time(movement.createdAtMs),
  }
}

export function time(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString()
}

function presentRefund(refund: Refund): Readonly<Record<string, unknown>> {
  return {
    id: refund.id,
    amount: refund.amount,
    status: refund.status,
    reference: refund.reference,
    metadata: refund.metadata,
    created_at: time(refund.createdAtMs),
  }
}
