// The record of a dead letter, written in the same commit as the event that parks its payment, takes
// it up again or ends it, so that the desk never shows what is not so.
import { createHash } from 'node:crypto'

import { deadLetterAfter, stuckRequest } from '../core/dead-letter.ts'
import type { DeadLetterRow, ParkedWith } from '../core/dead-letter.ts'
import type { Payment, PaymentEvent, Source } from '../core/payment.ts'
import type { Action } from '../ports.ts'
import type { Engine } from './engine.ts'

/** The newest events in which the last evidence is looked for; a ladder is shorter. */
const historyLength = 50

/** `null`: the record is not as the caller wants it to be. */
export async function deadLetterActions(
  engine: Engine,
  before: Payment,
  after: Payment,
  events: readonly PaymentEvent[],
  letterIs: (letter: DeadLetterRow | null) => boolean = () => true,
): Promise<readonly Action[] | null> {
  const parks = events.some(({ type }) => type === 'parked')
  if (!parks && !before.holds.some(({ reason }) => reason === 'dead_letter')) return []
  const [row] = await engine.store.read([{ table: 'dead_letter', key: before.id }])
  if (!letterIs(row?.value ?? null)) return null
  const parkedWith = parks ? await evidenceOf(engine, before, after, events) : noEvidence
  const value = deadLetterAfter(row?.value ?? null, before, after, events, parkedWith)
  if (value === null) return []
  const condition = row === null ? ({ absent: true } as const) : { version: row.version }
  return [{ do: 'put', table: 'dead_letter', key: before.id, value, if: condition }]
}

const noEvidence: ParkedWith = { requestHash: null, lastEvidence: null }

async function evidenceOf(
  engine: Engine,
  before: Payment,
  after: Payment,
  events: readonly PaymentEvent[],
): Promise<ParkedWith> {
  const from = Math.max(0, before.seq - historyLength)
  const history = await engine.store.events(before.id, from, historyLength)
  const told = [...history, ...events].findLast(hasEvidence)
  const attempt = stuckRequest(after)
  return {
    requestHash: attempt === null ? null : requestHash(after, attempt.id, attempt.request),
    lastEvidence: told?.by ?? null,
  }
}

/** Everything that the bytes of a send are made from: two sends with one hash were one request. */
function requestHash(payment: Payment, attemptId: string, request: object): string {
  const { id, currency, payee, reference, paymentMethod, binding } = payment
  const sent = { attemptId, ...request, id, currency, payee, reference, paymentMethod, binding }
  return createHash('sha256').update(JSON.stringify(sent)).digest('hex')
}

function hasEvidence(event: PaymentEvent): event is PaymentEvent & { readonly by: Source } {
  return 'by' in event && typeof event.by === 'object' && event.by !== null
}
