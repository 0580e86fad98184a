// Every reason to say no, one line each, in order of precedence: the first that applies is the one
// that is told. HTTP, MCP, SDK, CLI, docs and console read this table and add nothing to it.

/**
 * What the agent is told to do. `existing`: as the existing payment advises. `fix_request`: nothing
 * was stored and the key is unused. `use_own_key`: nothing was stored, and the key is another bill's.
 * `retry_same_key`: it may have happened; only the same key is safe.
 */
export type RejectionAdvice =
  | 'fix_request'
  | 'use_own_key'
  | 'existing'
  | 'use_existing'
  | 'ask_human'
  | 'retry_same_key'

interface Line {
  readonly status: number
  readonly title: string
  readonly advice: RejectionAdvice
}

export const rejectionTable = {
  // Who asks, and whether the request can be read at all.
  unauthenticated: { status: 401, title: 'A bearer token is required', advice: 'fix_request' },
  token_keys_unavailable: {
    status: 503,
    title: 'The keys that this token is signed with cannot be read now',
    advice: 'retry_same_key',
  },
  forbidden: { status: 403, title: 'This token may not use this route', advice: 'ask_human' },
  not_found: { status: 404, title: 'There is nothing here', advice: 'fix_request' },
  method_not_allowed: {
    status: 405,
    title: 'This route does not take this method',
    advice: 'fix_request',
  },
  body_too_large: { status: 413, title: 'The body is larger than 64 KiB', advice: 'fix_request' },
  unsupported_media_type: {
    status: 415,
    title: 'The body must be application/json',
    advice: 'fix_request',
  },
  idempotency_key_missing: {
    status: 400,
    title: 'Idempotency-Key is missing',
    advice: 'fix_request',
  },
  idempotency_key_invalid: {
    status: 400,
    title: 'Idempotency-Key must be 1 to 255 visible ASCII characters',
    advice: 'fix_request',
  },
  invalid_json: { status: 400, title: 'The body is not valid JSON', advice: 'fix_request' },
  invalid_request: { status: 400, title: 'The request has faults', advice: 'fix_request' },
  card_number_refused: { status: 400, title: 'A field holds a card number', advice: 'fix_request' },

  // The key comes before everything that could hide a payment which exists.
  idempotency_key_of_another_bill: {
    status: 422,
    title: 'Idempotency-Key belongs to another bill',
    advice: 'use_own_key',
  },
  idempotency_key_reused: {
    status: 422,
    title: 'Idempotency-Key is already used',
    advice: 'existing',
  },

  // Nothing may be claimed now.
  rate_limited: { status: 429, title: 'Too many requests', advice: 'retry_same_key' },
  agent_suspended: { status: 403, title: 'This agent is suspended', advice: 'ask_human' },
  stopped: { status: 403, title: 'All payments are stopped', advice: 'ask_human' },
  processor_unknown: {
    status: 400,
    title: 'This processor is not configured',
    advice: 'fix_request',
  },
  processor_unavailable: {
    status: 400,
    title: 'The processor cannot carry out such a payment',
    advice: 'fix_request',
  },
  too_late: { status: 400, title: 'not_after is in the past', advice: 'fix_request' },

  // The bill's own guards.
  payment_not_found: { status: 404, title: 'There is no such payment', advice: 'fix_request' },
  retry_of_invalid: {
    status: 409,
    title: 'retry_of must name the payment of this bill that ended without money',
    advice: 'existing',
  },
  too_many_retries: {
    status: 409,
    title: 'This bill was retried three times',
    advice: 'ask_human',
  },
  duplicate_reference: {
    status: 409,
    title: 'This bill already has a payment',
    advice: 'existing',
  },
  possible_duplicate: {
    status: 409,
    title: 'This looks like an earlier payment',
    advice: 'use_existing',
  },

  // The mandate.
  mandate_expired: {
    status: 403,
    title: 'The mandate has ended',
    advice: 'ask_human',
  },
  mandate_payee: {
    status: 403,
    title: 'The mandate does not list this payee',
    advice: 'ask_human',
  },
  mandate_payment_method: {
    status: 403,
    title: 'The mandate does not list this payment method',
    advice: 'ask_human',
  },
  mandate_currency: {
    status: 403,
    title: 'The mandate has no limit in this currency',
    advice: 'ask_human',
  },
  mandate_per_payment: {
    status: 403,
    title: 'The amount is above the limit per payment',
    advice: 'ask_human',
  },
  mandate_per_day: {
    status: 403,
    title: 'The limit per day does not cover this amount',
    advice: 'ask_human',
  },
  mandate_per_payee_and_day: {
    status: 403,
    title: 'The limit per payee and day does not cover this amount',
    advice: 'ask_human',
  },
  mandate_per_month: {
    status: 403,
    title: 'The limit per month does not cover this amount',
    advice: 'ask_human',
  },

  // Commands on a payment.
  version_mismatch: {
    status: 412,
    title: 'The payment has changed since it was shown',
    advice: 'existing',
  },
  mandate_changed: {
    status: 412,
    title: 'The mandate has changed since it was shown',
    advice: 'fix_request',
  },
  not_capturable: { status: 409, title: 'This payment cannot be captured now', advice: 'existing' },
  capture_too_large: {
    status: 400,
    title: 'More than what is authorised cannot be captured',
    advice: 'fix_request',
  },
  already_ended: { status: 409, title: 'This payment has ended without money', advice: 'existing' },
  already_captured: {
    status: 409,
    title: 'The money has moved; a refund gives it back',
    advice: 'existing',
  },
  not_refundable: {
    status: 409,
    title: 'No money of this payment can be refunded now',
    advice: 'existing',
  },
  refund_too_large: {
    status: 409,
    title: 'More than what is left cannot be refunded',
    advice: 'existing',
  },
  refund_reference_reused: {
    status: 409,
    title: 'This refund reference was used with another amount',
    advice: 'existing',
  },
  too_many_refunds: {
    status: 409,
    title: 'This payment has 20 refunds already',
    advice: 'ask_human',
  },
  not_held_for_approval: {
    status: 409,
    title: 'This payment does not wait for an approval',
    advice: 'existing',
  },
  approval_mismatch: {
    status: 409,
    title: 'The approval is for something else than what is held',
    advice: 'existing',
  },
  not_parked: { status: 409, title: 'This payment is not in the dead letters', advice: 'existing' },
  resolve_contradicts: {
    status: 409,
    title: 'The resolution contradicts what the payment shows',
    advice: 'existing',
  },
  illegal_transition: {
    status: 409,
    title: 'The payment’s state does not allow this',
    advice: 'existing',
  },
  no_receipt: {
    status: 409,
    title: 'There is no receipt while the outcome is open or unknown',
    advice: 'existing',
  },

  // Differences that reconciliation found.
  break_changed: {
    status: 412,
    title: 'The break has changed since it was shown',
    advice: 'fix_request',
  },
  break_ended: { status: 409, title: 'The break has ended already', advice: 'fix_request' },
  already_reconciling: {
    status: 409,
    title: 'A reconciliation of this processor is under way',
    advice: 'fix_request',
  },

  // A store that was set back behind the processor.
  not_recovering: { status: 409, title: 'There is nothing to recover', advice: 'fix_request' },
  recovery_incomplete: {
    status: 409,
    title: 'The processor still has payments that the store does not know',
    advice: 'ask_human',
  },

  // Ours, or on our way to the processor.
  processor_unreachable: {
    status: 503,
    title: 'The processor did not answer; nothing was changed',
    advice: 'retry_same_key',
  },
  retry_same_key: {
    status: 503,
    title: 'It is not known whether this was stored; ask again with the same key',
    advice: 'retry_same_key',
  },
  not_ready: { status: 503, title: 'The service is not ready', advice: 'retry_same_key' },
  internal: { status: 500, title: 'A fault of ours', advice: 'retry_same_key' },
} as const satisfies Readonly<Record<string, Line>>

export type RejectionCode = keyof typeof rejectionTable

/** For whoever reads about a code, not for programs. */
export const adviceWords: Readonly<Record<RejectionAdvice, string>> = {
  fix_request: 'Nothing was stored and the key is unused: correct the request and ask again.',
  use_own_key:
    'Nothing was stored. The key is used up by another bill: ask for this one under its own key.',
  existing: 'As the existing payment advises.',
  use_existing: 'Use the existing payment.',
  ask_human: 'A person must decide.',
  retry_same_key: 'It may have been stored: ask again with the same key, never with a new one.',
}

export interface Fault {
  /** JSON pointer into the request. */
  readonly pointer: string
  readonly reason: string
}

/** We say no. Nothing was stored and nothing has changed. */
export interface Rejection {
  readonly code: RejectionCode
  /** One sentence with the figures of this case. */
  readonly detail: string
  readonly errors?: readonly Fault[]
  /** The payments that stand in the way, the one whose advice counts first. */
  readonly existing?: readonly string[]
  readonly retryAfterMs?: number
}

export const reject = (
  code: RejectionCode,
  detail: string,
  more: Omit<Rejection, 'code' | 'detail'> = {},
): Rejection => ({ code, detail, ...more })
