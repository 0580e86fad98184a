// What an answer of a processor means. Adapters turn an answer into a signal; this table turns the
// signal into an outcome. It speaks for one send only: what all sends say together is in
// `operation.ts`.
import type { Attempt, OperationKind, Settlement } from './payment.ts'

/**
 * `not_executed`: proved that nothing happened, it may be sent again. `unknown`: it may have
 * happened or may still happen; only evidence tells.
 */
export type Outcome = 'succeeded' | 'declined' | 'not_executed' | 'pending' | 'unknown'

/** Why the processor said no for good. `invalid`: this payment's own content was refused. */
export interface Decline {
  readonly reason: 'declined' | 'invalid'
  /** The processor's code, as it came, at most 64 characters. */
  readonly code: string
}

/** The processor's object as a read or an answer showed it, in our words. */
export interface ObjectView {
  readonly objectId: string
  /** Our attempt that made it, from its metadata. */
  readonly attemptId: string | null
  readonly status:
    | 'created'
    | 'pending'
    | 'action_required'
    | 'authorised'
    | 'captured'
    | 'voided'
    | 'expired'
    | 'declined'
  readonly amount: number
  readonly currency: string
  readonly amountAuthorised: number
  readonly amountCaptured: number
  /** Disputes and returns; refunds are listed on their own. */
  readonly amountReversed: number
  readonly authorisationExpiresAtMs: number | null
  readonly decline: Decline | null
  readonly actionUrl: string | null
  readonly settlement: Settlement | null
  readonly refunds: readonly {
    readonly objectId: string
    /** Our attempt's id from its metadata; `null` for a refund made outside. */
    readonly attemptId: string | null
    readonly amount: number
    readonly status: 'succeeded' | 'pending' | 'failed'
  }[]
}

/** How an answer looks, in terms that every processor shares. */
export type Signal =
  | 'done'
  | 'not_final'
  | 'already_in_state'
  | 'declined'
  | 'invalid_content'
  | 'not_sent'
  | 'connection_lost'
  | 'gateway_error'
  | 'server_error'
  | 'slow_down'
  | 'in_flight'
  | 'key_mismatch'
  | 'account_fault'
  | 'unreadable'
  | 'mismatched_answer'
  | 'unlisted'

/** What came back for one send. Adapters do not throw for what networks do. */
export interface Answer {
  readonly signal: Signal
  /** A word for the log and the evidence: the processor's code, or the network's. */
  readonly cause: string
  readonly object: ObjectView | null
  readonly decline: Decline | null
  readonly retryAfterMs: number | null
  /** The processor says that it has seen this key before. */
  readonly replayed: boolean
  readonly status: number | null
  readonly requestId: string | null
  /** At most 300 characters, cleaned of secrets and card-like numbers. */
  readonly excerpt: string | null
}

/** What a look-up found. */
export type Finding =
  | { readonly finding: 'found'; readonly object: ObjectView; readonly consistent: boolean }
  | { readonly finding: 'not_found'; readonly consistent: boolean }
  | { readonly finding: 'no_answer'; readonly cause: string; readonly retryAfterMs: number | null }

/**
 * The table. `by_object` means: read the state that came along; what it shows decides. The cells are
 * the same for every operation but one: nothing is ever *declined* about making or cancelling an
 * object for good without the object's own state, so there the answer is looked up.
 */
export const outcomeTable: Readonly<
  Record<Signal, { readonly outcome: Outcome | 'by_object'; readonly why: string }>
> = {
  done: { outcome: 'by_object', why: '2xx; succeeded where the object is in the expected state' },
  not_final: { outcome: 'pending', why: '2xx with a state that is not final: never sent again' },
  already_in_state: {
    outcome: 'by_object',
    why: 'the object is past this step: its state decides',
  },
  declined: { outcome: 'declined', why: 'a definite refusal of this payment' },
  invalid_content: { outcome: 'declined', why: '400, 404 or 422 about this payment’s own content' },
  not_sent: {
    outcome: 'not_executed',
    why: 'refused connection, DNS or TLS failure: never written',
  },
  connection_lost: {
    outcome: 'unknown',
    why: 'timeout, reset or EOF after it may have been written',
  },
  gateway_error: { outcome: 'unknown', why: '502, 503, 504 without the processor’s own body' },
  server_error: { outcome: 'unknown', why: '500: many processors store it under the key' },
  slow_down: {
    outcome: 'not_executed',
    why: '429 or 503 “slow down” with the processor’s own body',
  },
  in_flight: { outcome: 'unknown', why: '409 “key in use”: an earlier send is still at work' },
  key_mismatch: {
    outcome: 'unknown',
    why: 'same key, other parameters: our own fault, never a new key',
  },
  account_fault: {
    outcome: 'not_executed',
    why: '401, or 403 about the account, with its own body',
  },
  unreadable: { outcome: 'unknown', why: 'a 2xx that does not parse' },
  mismatched_answer: {
    outcome: 'unknown',
    why: 'amount, currency or reference are not what was asked',
  },
  unlisted: {
    outcome: 'unknown',
    why: 'anything else: 408, 3xx, 429/401/403/503 without its own body',
  },
}

/**
 * The outcome of one send. A success needs the processor's own object in the expected state; less is
 * unknown. Only a void by our reference may succeed without an object: there was none, and the
 * processor promises that none will come.
 */
export function classify(
  kind: OperationKind,
  attempt: Attempt,
  answer: Pick<Answer, 'signal' | 'object'>,
): Outcome {
  const { outcome } = outcomeTable[answer.signal]
  if (outcome !== 'by_object') return outcome
  if (answer.object !== null) return outcomeByObject(kind, attempt, answer.object)
  const byReference = kind === 'void' && attempt.request.objectId === null
  return byReference && answer.signal === 'done' ? 'succeeded' : 'unknown'
}

/** What an object's state says about an operation on it; `unknown` where it does not decide. */
export function outcomeByObject(
  kind: OperationKind,
  attempt: Attempt,
  object: ObjectView,
): Outcome {
  switch (kind) {
    case 'create':
      return 'succeeded'
    case 'authorise':
      return authoriseOutcome(attempt.request.oneStep, object)
    case 'capture':
      if (object.amountCaptured > 0) return 'succeeded'
      return isDead(object) ? 'not_executed' : 'unknown'
    case 'void':
      if (object.amountCaptured > 0) return 'declined'
      return isDead(object) ? 'succeeded' : 'unknown'
    case 'refund':
      return refundOutcome(object, attempt.id)
  }
}

function authoriseOutcome(oneStep: boolean, object: ObjectView): Outcome {
  switch (object.status) {
    case 'captured':
      return 'succeeded'
    case 'authorised':
      return oneStep ? 'pending' : 'succeeded'
    case 'declined':
      return 'declined'
    case 'pending':
    case 'action_required':
      return 'pending'
    case 'voided':
    case 'expired':
      return 'not_executed'
    case 'created':
      return 'unknown'
  }
}

function refundOutcome(object: ObjectView, attemptId: string): Outcome {
  const refund = object.refunds.find((each) => each.attemptId === attemptId)
  if (refund === undefined) return 'unknown'
  if (refund.status === 'failed') return 'declined'
  return refund.status
}

/**
 * Cancelled or lapsed: this object can never take money again. `declined` is no such end: an object
 * that was made first can be tried anew, and an old reading of a decline can come late.
 */
export function isDead(object: ObjectView): boolean {
  return object.status === 'voided' || object.status === 'expired'
}
