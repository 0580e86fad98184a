// Lines of the structured log, and which events of a payment are worth one. A line names ids, kinds
// and reasons from our own lists; never a token, a key, a payee, a reference or a body.
import type { FactType, Payment, PaymentEvent } from '../core/payment.ts'

export interface LogEntry {
  readonly level: 'info' | 'warn' | 'error' | 'alarm' | 'alert'
  /** What happened, as one word that can be searched for. */
  readonly kind: string
  /** Where it is about one. */
  readonly payment_id?: string | null
  /** The request that it belongs to (W3C Trace Context); the door puts it there. */
  readonly trace_id?: string | null
  readonly [more: string]: string | number | boolean | null | undefined
}

/** What a line says beside its event's type and its payment's state; `null`: there is no line. */
type Says<T extends FactType> = (
  event: Extract<PaymentEvent, { type: T }>,
) => Readonly<Record<string, string | number>> | null

const nothing = () => null
const bare = () => ({})

/** A new kind of event does not compile until somebody has thought about its line. */
const says: { readonly [T in FactType]: Says<T> } = {
  claimed: bare,
  validated: nothing,
  attempt_opened: nothing,
  sent_again: nothing,
  // The ordinary ones say nothing that the states do not say.
  observed: ({ outcome, by: { cause, attemptId } }) =>
    outcome === 'unknown' ? { outcome, cause: word(cause), attempt_id: attemptId ?? '' } : null,
  inquired: nothing,
  object_created: nothing,
  authorised: nothing,
  capture_requested: nothing,
  captured: bare,
  capture_declined: bare,
  settlement_asked: nothing,
  settled: bare,
  declined: bare,
  object_cancelled: nothing,
  rejected: ({ reason }) => ({ reason }),
  void_requested: nothing,
  void_too_late: bare,
  voided: bare,
  expired: bare,
  refund_requested: ({ refundId }) => ({ refund_id: refundId }),
  refund_succeeded: ({ refundId }) => ({ refund_id: refundId }),
  refund_failed: ({ refundId }) => ({ refund_id: refundId }),
  amount_reversed: bare,
  held: ({ reason }) => ({ reason }),
  hold_lifted: ({ reason }) => ({ reason }),
  approved: bare,
  parked: ({ reason, attempts }) => ({ reason, attempts }),
  redriven: bare,
  resolved: ({ finding }) => ({ finding }),
  corrected: ({ to }) => ({ to }),
  duplicate_found: bare,
}

const worthAWarning: ReadonlySet<FactType> = new Set([
  'observed',
  'held',
  'parked',
  'corrected',
  'duplicate_found',
])

/** The line of an event that was committed; `state`: the payment's, after all of its commit. */
export function lineOf(event: PaymentEvent, { state }: Pick<Payment, 'state'>): LogEntry | null {
  // The table's cell and the event are of one type; a union of functions cannot say so.
  const more = (says[event.type] as Says<FactType>)(event)
  if (more === null) return null
  const { type, paymentId, seq } = event
  const level = worthAWarning.has(type) ? 'warn' : 'info'
  return { level, kind: `payment_${type}`, payment_id: paymentId, state, version: seq, ...more }
}

/** A processor's word, as far as it is one: what it sends besides is not for the log. */
function word(cause: string): string {
  return /^[\w.:-]{1,64}$/.test(cause) && !/\d{8,}/.test(cause) ? cause : 'other'
}
