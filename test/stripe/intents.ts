// PaymentIntents of the stand-in: what Stripe documents of their states, and no more. Amounts are minor
// units, times are seconds.

export interface Refund {
  readonly id: string
  readonly object: 'refund'
  readonly amount: number
  readonly status: 'succeeded' | 'pending' | 'failed'
  readonly metadata: Readonly<Record<string, string>>
}

export interface Intent {
  readonly id: string
  readonly amount: number
  readonly currency: string
  readonly created: number
  readonly metadata: Readonly<Record<string, string>>
  status:
    | 'requires_payment_method'
    | 'requires_confirmation'
    | 'requires_action'
    | 'processing'
    | 'requires_capture'
    | 'canceled'
    | 'succeeded'
  captureMethod: 'automatic' | 'manual'
  paymentMethod: string | null
  received: number
  /** How often money was taken; Stripe's own books. */
  captures: number
  cancellationReason: string | null
  declineCode: string | null
  chargeId: string | null
  disputed: number
  /** From when on the money is available; `null`: not captured. */
  availableOn: number | null
  readonly refunds: Refund[]
}

export interface Refusal {
  readonly status: number
  readonly error: Readonly<Record<string, unknown>>
}

/** Answers of a card, by the names that Stripe has for its test cards. */
const declines: Readonly<Record<string, string>> = {
  pm_card_chargeDeclined: 'generic_decline',
  pm_card_chargeDeclinedInsufficientFunds: 'insufficient_funds',
  pm_card_chargeDeclinedExpiredCard: 'expired_card',
}

const lapsesAfterSeconds = 7 * 86_400
export const availableAfterSeconds = 2

export function confirm(intent: Intent, chargeId: string, now: number): Refusal | null {
  if (intent.status !== 'requires_confirmation' && intent.status !== 'requires_payment_method') {
    return unexpectedState(intent, 'confirm')
  }
  const method = intent.paymentMethod ?? 'pm_card_visa'
  const declineCode = declines[method]
  intent.chargeId = chargeId
  if (declineCode !== undefined) {
    intent.status = 'requires_payment_method'
    intent.declineCode = declineCode
    return cardError(intent)
  }
  if (method === 'pm_card_authenticationRequired') {
    intent.status = 'requires_action'
    return null
  }
  if (method === 'pm_processing') {
    intent.status = 'processing'
    return null
  }
  intent.status = 'requires_capture'
  return intent.captureMethod === 'automatic' ? capture(intent, intent.amount, now) : null
}

export function capture(intent: Intent, amount: number, now: number): Refusal | null {
  if (intent.status !== 'requires_capture') return unexpectedState(intent, 'capture')
  if (amount > intent.amount) {
    return invalid('amount_too_large', 'amount_to_capture')
  }
  intent.status = 'succeeded'
  intent.received = amount
  intent.captures += 1
  intent.availableOn = now + availableAfterSeconds
  return null
}

export function cancel(intent: Intent): Refusal | null {
  if (
    intent.status === 'succeeded' ||
    intent.status === 'canceled' ||
    intent.status === 'processing'
  ) {
    return unexpectedState(intent, 'cancel')
  }
  intent.status = 'canceled'
  intent.cancellationReason = null
  return null
}

/** What nobody captured in time, Stripe cancels. */
export function lapse(intent: Intent, now: number): void {
  if (intent.status !== 'requires_capture' || now < intent.created + lapsesAfterSeconds) return
  intent.status = 'canceled'
  intent.cancellationReason = 'automatic'
}

export function refund(intent: Intent, made: Refund): Refusal | null {
  const left = intent.received - intent.refunds.reduce((sum, { amount }) => sum + amount, 0)
  if (intent.status !== 'succeeded') return invalid('charge_not_captured', 'payment_intent')
  if (left === 0) return invalid('charge_already_refunded')
  if (made.amount > left) return invalid('amount_too_large', 'amount')
  intent.refunds.push(made)
  return null
}

export const invalid = (code: string, param?: string, status = 400): Refusal => ({
  status,
  error: { type: 'invalid_request_error', code, ...(param === undefined ? {} : { param }) },
})

const unexpectedState = (intent: Intent, act: string): Refusal => ({
  status: 400,
  error: {
    type: 'invalid_request_error',
    code: 'payment_intent_unexpected_state',
    message: `You cannot ${act} this PaymentIntent because it has a status of ${intent.status}.`,
    payment_intent: shown(intent, new Set(), 0),
  },
})

const cardError = (intent: Intent): Refusal => ({
  status: 402,
  error: {
    type: 'card_error',
    code: 'card_declined',
    decline_code: intent.declineCode,
    payment_intent: shown(intent, new Set(), 0),
  },
})

/** As the API shows it; what `expand` does not name stays an id. */
export function shown(intent: Intent, expand: ReadonlySet<string>, now: number): object {
  const has = (path: string): boolean =>
    [...expand].some((each) => each === path || each.startsWith(`${path}.`))
  const charge = {
    id: intent.chargeId,
    object: 'charge',
    disputed: intent.disputed > 0,
    amount: intent.amount,
    amount_captured: intent.received,
    payment_intent: intent.id,
    metadata: intent.metadata,
    payment_method_details: {
      type: 'card',
      card: { brand: 'visa', capture_before: intent.created + lapsesAfterSeconds },
    },
    balance_transaction: balanceOf(intent, has('latest_charge.balance_transaction'), now),
    ...(has('latest_charge.refunds')
      ? { refunds: { object: 'list', data: intent.refunds, has_more: false, url: '/v1/refunds' } }
      : {}),
  }
  return {
    id: intent.id,
    object: 'payment_intent',
    status: intent.status,
    amount: intent.amount,
    amount_received: intent.received,
    amount_capturable: intent.status === 'requires_capture' ? intent.amount : 0,
    currency: intent.currency,
    created: intent.created,
    livemode: false,
    capture_method: intent.captureMethod,
    metadata: intent.metadata,
    payment_method: intent.paymentMethod,
    cancellation_reason: intent.cancellationReason,
    last_payment_error:
      intent.declineCode === null
        ? null
        : { type: 'card_error', code: 'card_declined', decline_code: intent.declineCode },
    latest_charge:
      intent.chargeId === null ? null : has('latest_charge') ? charge : intent.chargeId,
    next_action:
      intent.status === 'requires_action'
        ? {
            type: 'redirect_to_url',
            redirect_to_url: {
              url: `https://hooks.stripe.test/3ds/${intent.id}`,
              return_url: null,
            },
          }
        : null,
  }
}

function balanceOf(intent: Intent, isExpanded: boolean, now: number): object | string | null {
  if (intent.availableOn === null) return null
  const id = `txn_${intent.id.slice(3)}`
  if (!isExpanded) return id
  return {
    id,
    object: 'balance_transaction',
    amount: intent.received,
    fee: Math.ceil(intent.received * 0.015) + 25,
    available_on: intent.availableOn,
    status: now >= intent.availableOn ? 'available' : 'pending',
  }
}
