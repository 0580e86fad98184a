// From what came back for one send to the signal that the core's table knows. Pure; the whole
// knowledge of this processor's answers is here.
import type { Answer, Signal } from '../../core/outcome.ts'
import type { Call } from '../../ports.ts'
import type { HttpResult } from '../http.ts'
import { codeOf, readCharge, viewOf } from './charge.ts'
import type { Charge } from './charge.ts'
import type { ProcessorError, Response } from '../response.ts'

/** What is told of an answer besides the facts that every answer has. */
type Reading = Pick<Answer, 'signal' | 'cause'> & Partial<Pick<Answer, 'object' | 'decline'>>

export const noAnswer: Answer = Object.freeze({
  signal: 'not_sent',
  cause: '',
  object: null,
  decline: null,
  retryAfterMs: null,
  replayed: false,
  status: null,
  requestId: null,
  excerpt: null,
})

export function answerToFailure({
  result,
  cause,
}: Exclude<HttpResult, { result: 'answered' }>): Answer {
  return { ...noAnswer, signal: result === 'not_sent' ? 'not_sent' : 'connection_lost', cause }
}

export function answerTo(call: Call, response: Response, excerpt: string | null): Answer {
  const { status, requestId, retryAfterMs, replayed } = response
  const isDone = status >= 200 && status < 300
  const reading = isDone ? readSuccess(call, response.json) : readRefusal(call, response)
  return { ...noAnswer, ...reading, status, requestId, retryAfterMs, replayed, excerpt }
}

// ── Successes ────────────────────────────────────────────────────────────────────────────────────

// The engine's alarm goes by this cause.
const mismatched: Reading = { signal: 'mismatched_answer', cause: 'mismatched_answer' }
const unreadable: Reading = { signal: 'unreadable', cause: 'unreadable' }

function readSuccess(call: Call, json: unknown): Reading {
  const isByReference = call.kind === 'void' && call.attempt.request.objectId === null
  if (isByReference) return readCancellation(call, json)
  const charge = readCharge(json)
  if (charge === null) return unreadable
  if (!isOurs(call, charge) || !isAsAsked(call, charge)) return mismatched
  return tell(charge)
}

function tell(charge: Charge): Reading {
  const isFinal = charge.status !== 'processing' && charge.status !== 'requires_action'
  return {
    signal: isFinal ? 'done' : 'not_final',
    cause: charge.status,
    object: viewOf(charge),
  }
}

/** The answer to a void by our reference: the block is set, and a charge came along if there is one. */
function readCancellation(call: Call, json: unknown): Reading {
  const { object, reference, blocked, charge: shown } = fieldsOf(json)
  if (object !== 'cancellation' || blocked !== true) return unreadable
  if (reference !== call.payment.id) return mismatched
  if (shown === null) return { signal: 'done', cause: 'blocked' }
  const charge = readCharge(shown)
  if (charge === null) return unreadable
  if (!isOurs(call, charge) || !isAsAsked(call, charge)) return mismatched
  // A declined charge is past cancelling and holds nothing: with the block set nothing more can come.
  return charge.status === 'declined' ? { signal: 'done', cause: 'blocked' } : tell(charge)
}

/** Is it the charge that this call is about? */
function isOurs({ attempt, payment }: Call, charge: Charge): boolean {
  const { objectId } = attempt.request
  return (
    charge.reference === payment.id &&
    charge.currency === payment.currency &&
    (objectId === null || charge.id === objectId)
  )
}

/** Is that what we asked for, to the minor unit? */
function isAsAsked({ kind, attempt }: Call, charge: Charge): boolean {
  const { amount } = attempt.request
  switch (kind) {
    case 'create':
    case 'authorise':
    case 'void':
      return charge.amount === amount
    case 'capture':
      // Not captured at all is no other amount; the state tells.
      return charge.status !== 'captured' || charge.amount_captured === amount
    case 'refund':
      return charge.refunds.some(
        (refund) => refund.metadata['attempt'] === attempt.id && refund.amount === amount,
      )
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  // Reading a field of any object gives `unknown`, which is what the caller checks.
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

// ── Refusals ─────────────────────────────────────────────────────────────────────────────────────

function readRefusal(call: Call, { status, error }: Response): Reading {
  const signal = signalOf(status, error)
  if (error === null) return { signal, cause: `http_${status}` }
  const cause = codeOf(error.code ?? error.type)
  if (signal === 'declined') {
    const code = codeOf(error.decline_code ?? error.code)
    return { signal, cause: code, decline: { reason: 'declined', code } }
  }
  if (signal === 'invalid_content')
    return { signal, cause, decline: { reason: 'invalid', code: cause } }
  if (signal !== 'already_in_state') return { signal, cause }
  const charge = readCharge(error.charge)
  if (charge === null) return { signal, cause }
  return isOurs(call, charge) ? { signal, cause, object: viewOf(charge) } : mismatched
}

/** `error` is the processor's own body; without one a refusal proves nothing. */
function signalOf(status: number, error: ProcessorError | null): Signal {
  if (status === 500) return 'server_error'
  if (error === null) {
    return status === 502 || status === 503 || status === 504 ? 'gateway_error' : 'unlisted'
  }
  switch (status) {
    case 400:
      return error.type === 'idempotency_error' ? 'key_mismatch' : ofContent(error)
    case 404:
    case 422:
      return ofContent(error)
    case 401:
    case 403:
      return 'account_fault'
    case 402:
      return 'declined'
    case 409:
      return ofConflict(error)
    case 429:
      return 'slow_down'
    case 503:
      return error.code === 'slow_down' ? 'slow_down' : 'unlisted'
    default:
      return 'unlisted'
  }
}

/**
 * A refusal of the payment's content names the field. Without one it is about our call as such (a
 * wrong base path, a body that was mangled on the way), and no payment is declined for that.
 */
function ofContent({ param }: ProcessorError): Signal {
  return param === undefined ? 'unlisted' : 'invalid_content'
}

function ofConflict({ code }: ProcessorError): Signal {
  switch (code ?? '') {
    case 'idempotency_key_in_use':
      return 'in_flight'
    case 'unexpected_state':
      return 'already_in_state'
    case 'reference_cancelled':
      // A fence stood before this send: it was not executed, and nothing with this reference ever
      // will be. That is what `not_sent` says of a send. It is no decline: nobody judged the payment,
      // and it came only because a void of ours is under way, whose own answer ends the payment. Had
      // an earlier send of the same key been executed, the key would have repeated that answer.
      return 'not_sent'
    default:
      return 'unlisted'
  }
}
