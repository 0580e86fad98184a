// Events as the API shows them: the fact's own fields under `data`, names and times converted by
// rule, so that a new kind of fact needs nothing here.
import type { PaymentEvent } from '../core/payment.ts'
import { rfc3339 } from './representation.ts'
import type { EventJson } from './wire.ts'

/** Ours alone: names of counters. */
const hidden: ReadonlySet<string> = new Set(['budgets'])

export function toEventJson(event: PaymentEvent): EventJson {
  const { type, format: _, paymentId, seq, atMs, ...fact } = event
  return {
    id: eventId(paymentId, seq),
    object: 'event',
    payment_id: paymentId,
    seq,
    type,
    at: rfc3339(atMs),
    data: fieldsOf(fact),
  }
}

/** The same wherever and however often it is told. */
export function eventId(paymentId: string, seq: number): string {
  return `evt_${paymentId.replace(/^pay_/, '')}_${seq}`
}

function fieldsOf(value: object): Record<string, unknown> {
  const shown = Object.entries(value).filter(([name]) => !hidden.has(name))
  return Object.fromEntries(shown.map(([name, each]) => [wireName(name), wireValue(name, each)]))
}

// `expiresAtMs` holds Unix milliseconds and is shown as `expires_at`.
function wireName(name: string): string {
  return name.replace(/Ms$/, '').replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`)
}

function wireValue(name: string, value: unknown): unknown {
  if (typeof value === 'number' && name.endsWith('Ms')) return rfc3339(value)
  if (Array.isArray(value)) return value.map((each: unknown) => wireValue(name, each))
  return typeof value === 'object' && value !== null ? fieldsOf(value) : value
}
