// What a payment is, what may be asked of it and what can happen to it: the types and the table of
// transitions. No logic lives here; `decide` says what happens, `evolve` applies it, `next` says
// what to do now. Times are Unix milliseconds (`…Ms`), amounts integer minor units.
import type { Decline, ObjectView, Outcome } from './outcome.ts'

/** The format of stored payments and events. Code that meets a newer one leaves it alone. */
export const paymentFormat = 1

export type OperationKind = 'create' | 'authorise' | 'capture' | 'void' | 'refund'

/**
 * What all sends of an operation say together (see `operation.ts`).
 * `due`: nothing is out, it may be sent. `sent`: what is recorded may be out.
 */
export type OperationStatus = 'due' | 'sent' | 'pending' | 'unknown' | 'succeeded' | 'failed'

/** One time that the frozen request of an attempt was given to the network. */
export interface Send {
  readonly number: number
  readonly atMs: number
  /** Until then the send belongs to its sender; other drivers only wait. */
  readonly recoverAtMs: number
  /** `null`: no answer is recorded, so it may be executed, now or later. */
  readonly outcome: Outcome | null
  /** Why, in a word of the outcome table; `proof:…` where evidence other than its answer decided. */
  readonly cause: string | null
  /** The processor asked not to be called before (`Retry-After`). */
  readonly retryAtMs: number | null
}

/** What an attempt asks. Frozen: each send carries the same bytes under the same key. */
export interface AttemptRequest {
  readonly amount: number
  /** The processor's object that is acted on; `null` where the request makes it. */
  readonly objectId: string | null
  /** Authorise and capture in one step. */
  readonly oneStep: boolean
  /** The adapter's wire version, so that newer code can still build the same bytes. */
  readonly apiVersion: string
}

/** One key and one frozen request, committed before its first send. */
export interface Attempt {
  /** The processor's key is derived from this and nothing else. */
  readonly id: string
  /** Counted over the whole payment, so that no id ever names two requests. */
  readonly number: number
  readonly request: AttemptRequest
  readonly sends: readonly Send[]
}

/** A look-up of an unknown that did not settle it. */
export interface Inquiries {
  /** Since the last send, redrive or new finding. */
  readonly count: number
  readonly lastAtMs: number
  /** Was the last one answered at all? */
  readonly answered: boolean
  /** When consistent reads that showed nothing done were asked; two late enough prove absence. */
  readonly absentAtMs: readonly number[]
}

export interface Operation {
  readonly kind: OperationKind
  readonly attempt: Attempt
  /** Sends of earlier attempts of this operation, all proved not executed. */
  readonly earlierSends: number
  readonly inquiries: Inquiries
  /** Sends up to here are forgiven: a redrive gives the retry policy a fresh count. */
  readonly forgivenSends: number
  /** Does the processor store declines under the key? Else a decline speaks for its send only. */
  readonly storesDeclines: boolean
}

/** Where a payment may be carried out; fixed by its claim. */
export interface Binding {
  readonly processor: string
  readonly processorAccount: string
  readonly livemode: boolean
}

export type HoldReason =
  | 'approval_required'
  | 'possible_duplicate'
  | 'action_required'
  | 'processor_changed'
  | 'dead_letter'

/** A stored fact that keeps a payment from moving; lifting one lifts no other. */
export interface Hold {
  readonly reason: HoldReason
  readonly sinceMs: number
  readonly detail: string
}

export interface Approval {
  /** Hash of exactly what was shown; an approval of anything else is refused. */
  readonly hash: string
  readonly expiresAtMs: number
  readonly approvedBy: string | null
}

/** Something that a named caller asked for, kept until it is done. */
export interface Request {
  readonly by: string
  readonly atMs: number
  readonly reason: string
}

export interface Settlement {
  readonly id: string
  readonly settledAtMs: number
  /** The processor's fee, minor units of the payment's currency; `null` where it is not told. */
  readonly fee: number | null
}

export interface Refund {
  readonly id: string
  /** Refunds once per (payment, refund reference). */
  readonly reference: string
  readonly amount: number
  readonly reason: string
  readonly requestedAtMs: number
  readonly status: 'open' | 'succeeded' | 'failed'
  readonly operation: Operation | null
  readonly objectId: string | null
}

/** What the claim fixes for good. */
export interface PaymentTerms {
  readonly id: string
  readonly agent: string
  readonly account: string
  readonly amount: number
  readonly currency: string
  readonly payee: string
  readonly reference: string
  readonly paymentMethod: string | null
  readonly capture: 'automatic' | 'manual'
  readonly binding: Binding
  readonly batch: string | null
  readonly retryOf: string | null
  /** 0 for the first payment of a reference, one more for each `retry_of`. */
  readonly retryCount: number
  readonly createdAtMs: number
  /** The counters that hold its reservation (see `mandate.ts`). */
  readonly budgets: readonly string[]
}

interface Common extends PaymentTerms {
  readonly format: number
  /** Number of the last event, from 1 without gaps. */
  readonly seq: number
  readonly updatedAtMs: number
  /** No attempt towards money begins after it; a redrive by a person may move it. */
  readonly notAfterMs: number
  readonly approval: Approval | null
  readonly holds: readonly Hold[]
  readonly voidRequested: Request | null
  readonly attemptsOpened: number
  /** Other objects of this payment found at the processor: each is a critical break. */
  readonly duplicateObjects: readonly string[]
  /** Where the processor's object is known; it outlives every state. */
  readonly objectId: string | null
  /** A void operation, which may stand beside an unknown one as its fence. */
  readonly voiding: Operation | null
}

export interface Initiated extends Common {
  readonly state: 'initiated'
}
export interface Validated extends Common {
  readonly state: 'validated'
  readonly operation: Operation | null
}
export interface Authorised extends Common {
  readonly state: 'authorised'
  readonly objectId: string
  readonly operation: Operation | null
  readonly amountAuthorised: number
  readonly authorisationExpiresAtMs: number | null
  readonly captureRequested: { readonly amount: number; readonly atMs: number } | null
}
interface Paid extends Common {
  readonly objectId: string
  readonly amountCaptured: number
  readonly amountReversed: number
  readonly capturedAtMs: number
  readonly refunds: readonly Refund[]
}
export interface Captured extends Paid {
  readonly state: 'captured'
  /** How often the driver asked for a settlement, and whether it got an answer. */
  readonly settlementAsked: {
    readonly count: number
    readonly answered: boolean
    readonly atMs: number
  }
}
export interface Settled extends Paid {
  readonly state: 'settled'
  readonly settlement: Settlement
}
export interface Refunded extends Paid {
  readonly state: 'refunded'
  readonly settlement: Settlement | null
}
export interface Declined extends Common {
  readonly state: 'declined'
  readonly decline: Decline
  /** The object that the decline left behind can no longer be used. */
  readonly objectCancelled: boolean
}
export interface Rejected extends Common {
  readonly state: 'rejected'
  readonly reason: RejectedReason
}
export interface Voided extends Common {
  readonly state: 'voided'
  readonly reason: string
}
export interface Expired extends Common {
  readonly state: 'expired'
}

export type Payment =
  | Initiated
  | Validated
  | Authorised
  | Captured
  | Settled
  | Refunded
  | Declined
  | Rejected
  | Voided
  | Expired

export type State = Payment['state']
export type PaidPayment = Captured | Settled | Refunded

export type RejectedReason =
  | 'approval_denied'
  | 'approval_expired'
  | 'too_late'
  | 'processor_unavailable'
  | 'payment_method_unavailable'

export type ParkReason =
  | 'outcome_unknown'
  | 'retries_exhausted'
  | 'configuration'
  | 'too_late'
  | 'answer_mismatch'
  | 'pending_too_long'
  | 'void_refused'
  | 'request_mismatch'

/** Where a fact came from, short enough to keep for good. */
export interface Source {
  readonly source: 'answer' | 'look_up' | 'webhook' | 'record' | 'person'
  readonly attemptId: string | null
  readonly send: number | null
  readonly cause: string
  readonly askedAtMs: number
  /** HTTP status, request id and a cleaned excerpt of the processor's answer, or a person's word. */
  readonly status: number | null
  readonly requestId: string | null
  readonly excerpt: string | null
}

/** Which operation an event speaks of: the payment's own, its void, or one of its refunds. */
export type Target =
  | { readonly kind: 'create' | 'authorise' | 'capture' }
  | { readonly kind: 'void' }
  | { readonly kind: 'refund'; readonly refundId: string }

export type Fact =
  | {
      readonly type: 'claimed'
      readonly terms: PaymentTerms
      readonly notAfterMs: number
      readonly approval: Approval | null
      readonly distinctFrom: readonly string[]
      readonly reason: string | null
    }
  | { readonly type: 'validated' }
  | {
      readonly type: 'attempt_opened'
      readonly target: Target
      readonly attempt: Attempt
      readonly storesDeclines: boolean
    }
  | {
      readonly type: 'sent_again'
      readonly target: Target
      readonly send: Send
      /** Inside the key's window? Past it a decline that was stored under the key is forgotten. */
      readonly keyHolds: boolean
    }
  | {
      readonly type: 'observed'
      readonly target: Target
      /** The sends it speaks of: one by its answer, all by a proof or by the object's state. */
      readonly sends: 'all' | number
      readonly outcome: Outcome
      readonly retryAtMs: number | null
      readonly by: Source
    }
  | {
      readonly type: 'inquired'
      readonly target: Target
      readonly finding: 'not_found' | 'unchanged' | 'no_answer'
      readonly consistent: boolean
      readonly by: Source
    }
  | { readonly type: 'object_created'; readonly objectId: string; readonly by: Source }
  | {
      readonly type: 'authorised'
      readonly objectId: string
      readonly amount: number
      readonly expiresAtMs: number | null
      readonly by: Source
    }
  | { readonly type: 'capture_requested'; readonly amount: number; readonly by: string }
  | { readonly type: 'captured'; readonly amount: number; readonly by: Source }
  | { readonly type: 'capture_declined'; readonly decline: Decline; readonly by: Source }
  | { readonly type: 'settlement_asked'; readonly answered: boolean }
  | { readonly type: 'settled'; readonly settlement: Settlement; readonly by: Source }
  | { readonly type: 'declined'; readonly decline: Decline; readonly by: Source }
  | { readonly type: 'object_cancelled'; readonly by: Source }
  | { readonly type: 'rejected'; readonly reason: RejectedReason; readonly by: string }
  | { readonly type: 'void_requested'; readonly by: string; readonly reason: string }
  | { readonly type: 'void_too_late'; readonly by: Source }
  | { readonly type: 'voided'; readonly reason: string; readonly by: Source | null }
  | { readonly type: 'expired'; readonly by: Source }
  | {
      readonly type: 'refund_requested'
      readonly refundId: string
      readonly reference: string
      readonly amount: number
      readonly reason: string
      readonly by: string
    }
  | {
      readonly type: 'refund_succeeded'
      readonly refundId: string
      readonly objectId: string
      readonly by: Source
    }
  | {
      readonly type: 'refund_failed'
      readonly refundId: string
      readonly decline: Decline
      readonly by: Source
    }
  | {
      readonly type: 'amount_reversed'
      /** The new total, not the difference: safe to learn twice. */
      readonly total: number
      readonly by: Source
    }
  | { readonly type: 'held'; readonly reason: HoldReason; readonly detail: string }
  | { readonly type: 'hold_lifted'; readonly reason: HoldReason; readonly by: string }
  | { readonly type: 'approved'; readonly by: string; readonly hash: string }
  | { readonly type: 'parked'; readonly reason: ParkReason; readonly attempts: number }
  | {
      readonly type: 'redriven'
      readonly by: string
      readonly reason: string
      /** A person may give a payment more time. */
      readonly notAfterMs: number
    }
  | {
      readonly type: 'resolved'
      readonly finding: 'paid' | 'not_paid'
      readonly by: Source
      readonly reason: string
    }
  | {
      readonly type: 'corrected'
      readonly to: 'authorised' | 'captured' | 'voided' | 'expired'
      /** What the processor shows; the payment is moved there. */
      readonly object: ObjectView
      readonly by: Source
    }
  | { readonly type: 'duplicate_found'; readonly object: ObjectView; readonly by: Source }

export type FactType = Fact['type']

/** A fact with its place in the payment's history. Immutable. */
export type PaymentEvent = Fact & {
  readonly format: number
  readonly paymentId: string
  readonly seq: number
  readonly atMs: number
}
