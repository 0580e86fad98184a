// From what came back for one send to the signal that the core's table knows. Pure; the whole knowledge
// of Stripe's answers is here.
import * as z from 'zod'

import type { Answer, Signal } from '../../core/outcome.ts'
import type { Call } from '../../ports.ts'
import type { HttpResult } from '../http.ts'
import type { ProcessorError, Response } from '../response.ts'
import { codeOf, isCut, readIntent, viewOf } from './intent.ts'
import type { Intent } from './intent.ts'

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

const refundShape = z.object({
  object: z.literal('refund'),
  amount: z.int(),
  metadata: z.record(z.string(), z.string()),
  payment_intent: z.unknown(),
})

function readSuccess(call: Call, json: unknown): Reading {
  if (call.kind === 'refund') return readRefund(call, json)
  const intent = readIntent(json)
  if (intent === null) return unreadable
  return isOurs(call, intent) && isAsAsked(call, intent) ? tell(intent) : mismatched
}

function readRefund(call: Call, json: unknown): Reading {
  const refund = refundShape.safeParse(json).data
  const intent = readIntent(refund?.payment_intent)
  if (refund === undefined || intent === null) return unreadable
  const { attempt } = call
  const isThis =
    refund.metadata['attempt'] === attempt.id && refund.amount === attempt.request.amount
  if (!isThis || !isOurs(call, intent)) return mismatched
  const view = viewOf(intent)
  // A payment of hundreds of refunds: this one may be on no page that came along.
  const isShown = view.refunds.some(({ attemptId }) => attemptId === attempt.id)
  return isShown ? { signal: 'done', cause: intent.status, object: view } : unreadable
}

function tell(intent: Intent): Reading {
  const isFinal = intent.status !== 'processing' && intent.status !== 'requires_action'
  const object = viewOf(intent)
  return { signal: isFinal ? 'done' : 'not_final', cause: intent.status, object }
}

/** Is it the object that this call is about? */
function isOurs({ attempt, payment }: Call, intent: Intent): boolean {
  const { objectId } = attempt.request
  return (
    intent.metadata['payment'] === payment.id &&
    intent.currency.toUpperCase() === payment.currency &&
    (objectId === null || intent.id === objectId)
  )
}

/** Is that what we asked for, to the minor unit? */
function isAsAsked({ kind, attempt }: Call, intent: Intent): boolean {
  const { amount } = attempt.request
  // Not captured at all is no other amount; the state tells.
  if (kind === 'capture') return intent.status !== 'succeeded' || intent.amount_received === amount
  return intent.amount === amount
}

// ── Refusals ─────────────────────────────────────────────────────────────────────────────────────

function readRefusal(call: Call, response: Response): Reading {
  const { status, error } = response
  const signal = signalOf(response)
  if (error === null) return { signal, cause: `http_${status}` }
  const cause = codeOf(error.code ?? error.type)
  if (signal === 'declined') {
    const code = codeOf(error.decline_code ?? error.code)
    return { signal, cause: code, decline: { reason: 'declined', code } }
  }
  if (signal === 'invalid_content') {
    return { signal, cause, decline: { reason: 'invalid', code: cause } }
  }
  if (signal !== 'already_in_state') return { signal, cause }
  const intent = readIntent(error.payment_intent)
  // It comes without its charge: an object of which refunds are not told is no evidence for them.
  if (intent === null || call.kind === 'refund' || isCut(intent)) return { signal, cause }
  return isOurs(call, intent) ? { signal, cause, object: viewOf(intent) } : mismatched
}

/** `error` is Stripe's own body; without one a refusal proves nothing. */
function signalOf({ status, error, shouldRetry }: Response): Signal {
  if (error === null) {
    if (status === 500) return 'server_error'
    return status === 502 || status === 503 || status === 504 ? 'gateway_error' : 'unlisted'
  }
  const signal = ofOwn(status, error)
  // Stripe knows better whether it is the last word: what may be sent again was no refusal for good.
  const isFinal = signal === 'declined' || signal === 'invalid_content'
  return isFinal && shouldRetry === true ? 'unlisted' : signal
}

function ofOwn(status: number, error: ProcessorError): Signal {
  if (status >= 500) return status === 503 && isPatience(error) ? 'slow_down' : 'server_error'
  switch (status) {
    case 400:
    case 404:
      return ofRequest(status, error)
    case 401:
    case 403:
      return 'account_fault'
    case 402:
      return 'declined'
    case 409:
      return error.code === 'idempotency_key_in_use' ? 'in_flight' : 'unlisted'
    case 429:
      // `lock_timeout` as well: another call holds the object; nothing was done.
      return 'slow_down'
    default:
      return 'unlisted'
  }
}

const isPatience = ({ code, type }: ProcessorError): boolean =>
  code === 'rate_limit' || code === 'lock_timeout' || type === 'rate_limit_error'

/** The object is past what was asked, or on the way there: its own state tells. */
const pastStates: ReadonlySet<string> = new Set([
  'payment_intent_unexpected_state',
  'charge_already_captured',
  'charge_already_refunded',
  'charge_expired_for_capture',
])

function ofRequest(status: number, error: ProcessorError): Signal {
  const { type, code = '', param } = error
  if (type === 'idempotency_error') return 'key_mismatch'
  if (type === 'card_error') return 'declined'
  if (pastStates.has(code)) return 'already_in_state'
  // A committed object that is not there: the key is another account's, or the mode. No payment is
  // declined for that; and a refusal that names no field is about our call as such.
  if (status === 404 && (param === 'intent' || param === 'payment_intent')) return 'unlisted'
  return param === undefined ? 'unlisted' : 'invalid_content'
}
