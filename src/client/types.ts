// What goes over the wire, as a client sees it: snake_case, times as RFC 3339 text, amounts as
// integer minor units. The reference docs say what each field means.
import type { MoneyMoved, NextActionType } from '../core/advice.ts'
import type {
  FactType,
  HoldReason,
  OperationKind,
  OperationStatus,
  State,
} from '../core/payment.ts'
import type { Blocked } from '../core/policy.ts'

/** What an answer tells an agent to do; every answer carries it. */
export interface Advice {
  readonly money_moved: MoneyMoved
  readonly next_action: {
    readonly type: NextActionType
    /** Seconds. */
    readonly after: number | null
    readonly url: string | null
  }
  /** True means: only together with `retry_of` this payment. */
  readonly new_key_allowed: boolean
}

export interface Payment extends Advice {
  readonly id: string
  readonly object: 'payment'
  readonly livemode: boolean
  readonly agent: string
  readonly account: string
  readonly state: State
  /** Why it was declined (the processor's code), rejected or voided. */
  readonly state_reason: string | null
  readonly amount: number
  readonly currency: string
  readonly amount_captured: number
  readonly amount_refunded: number
  readonly amount_reversed: number
  readonly payee: string
  readonly reference: string
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly payment_method: string | null
  readonly capture: 'automatic' | 'manual'
  readonly batch: string | null
  readonly retry_of: string | null
  readonly not_after: string
  readonly processor: string
  readonly processor_reference: string | null
  readonly operation: {
    readonly kind: OperationKind
    readonly status: OperationStatus
    readonly attempt: number
    readonly sends: number
    readonly next_check_at: string | null
  } | null
  /** What was thrown from outside (`stopped`, …) goes away by itself, and may have no `since`. */
  readonly hold: { readonly reason: HoldReason | Blocked; readonly since: string | null } | null
  readonly void_requested: {
    readonly by: string
    readonly reason: string
    readonly at: string
  } | null
  readonly refunds: readonly Refund[]
  readonly version: number
  readonly created_at: string
  readonly updated_at: string
}

export interface Refund {
  readonly id: string
  readonly object: 'refund'
  readonly reference: string
  readonly amount: number
  readonly reason: string
  readonly status: 'open' | 'succeeded' | 'failed'
  readonly processor_reference: string | null
  readonly requested_at: string
}

/** One entry of a payment's history. */
export interface PaymentEvent {
  readonly id: string
  readonly object: 'event'
  readonly payment_id: string
  /** From 1, without gaps. */
  readonly seq: number
  readonly type: FactType
  readonly at: string
  /** What the type holds. */
  readonly data: Readonly<Record<string, unknown>>
}

/** One bill: who is to be paid how much for what. */
export interface PaymentRequest {
  /** Minor units: 1999 is 19.99 EUR. */
  readonly amount: number
  readonly currency: string
  readonly payee: string
  readonly reference: string
  readonly description?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly processor?: string
  readonly payment_method?: string
  readonly capture?: 'automatic' | 'manual'
  /** The payment of this bill that ended without money. */
  readonly retry_of?: string
  readonly distinct_from?: readonly string[]
  readonly reason?: string
  readonly batch?: string
  readonly not_after?: string
}

/** Why the service, or the way to it, said no. */
export interface Problem extends Advice {
  /** Stable; `no_answer` and `unreadable_answer` are this client's own. */
  readonly code: string
  readonly title: string
  /** HTTP status; 0 where nothing answered. */
  readonly status: number
  readonly detail: string
  readonly errors?: readonly { readonly pointer: string; readonly reason: string }[]
  /** The payment whose situation the advice tells. */
  readonly existing_payment?: { readonly id: string; readonly state: State }
  /** All that stand in the way, where there are several. */
  readonly existing_payments?: readonly string[]
}

export type Refused = { readonly ok: false; readonly problem: Problem }

export type PaymentResult =
  | {
      readonly ok: true
      readonly payment: Payment
      /** The key was known: this is the payment of an earlier request. */
      readonly replayed: boolean
      /** Fields of this request that the earlier one had otherwise, and that decide nothing. */
      readonly ignored?: readonly string[]
    }
  | Refused

interface MandateOf {
  readonly id: string
  /** `null`: nothing binds here. */
  readonly mandate: {
    readonly version: number
    /** A currency that is not listed is refused. */
    readonly limits: readonly (Readonly<Record<string, unknown>> & { readonly currency: string })[]
  } | null
}

/** What may be spent. The reference docs say which limits there are. */
export interface Mandate {
  readonly object: 'mandate'
  readonly agent: MandateOf
  readonly account: MandateOf
  readonly day_ends_at: string
}

export interface Receipt {
  readonly object: 'receipt'
  readonly payment_id: string
  /** Which key signed it; `/.well-known/jwks.json` has it. */
  readonly kid: string
  /** A compact JWS: `quittance receipts verify` reads it without the service. */
  readonly jws: string
  /** What is signed, to be looked at; trust only what was verified. */
  readonly claims: Readonly<Record<string, unknown>>
}
