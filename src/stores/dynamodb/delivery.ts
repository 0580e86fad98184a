// What was delivered. For the publisher that the table's stream feeds, one mark on the payment's head,
// which at the end of its life also takes it out of the work index: one write for each payment that goes
// its usual way. Publishers of other names have marks of their own; to find their events the whole table
// is read, so they are for tests and tools.
import assert from 'node:assert/strict'
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'

import type { PaymentEvent } from '../../core/payment.ts'
import { assertLimit } from '../assert-write.ts'
import type { Clause } from './conditions.ts'
import { orderOfItem, readEventItem } from './event-items.ts'
import { update } from './expressions.ts'
import { numberOf, text, textOf, whole } from './items.ts'
import type { Attributes, Item } from './items.ts'
import { eventSortKey, headOf, markPlace } from './places.ts'
import type { Place } from './places.ts'
import { getEach, patiently, scanAll } from './reading.ts'
import { eventItems } from './rows.ts'
import { eventKeyPrefix } from './table.ts'
import { failureOf } from './verdict.ts'
import { deliveredSeq, isDelivered, walk } from './work.ts'
import type { Work } from './work.ts'

export interface Delivery extends Work {
  /** Who the stream's relay delivers for. */
  readonly publisher: string
}

/**
 * `at_rest`: it was the last event of a payment that nobody has to look at, and its entry is gone.
 * `known`: as much or more was marked before.
 */
export type Marked = 'marked' | 'at_rest' | 'known'

export async function markDelivered(
  delivery: Delivery,
  paymentId: string,
  throughSeq: number,
): Promise<Marked> {
  assert(Number.isSafeInteger(throughSeq) && throughSeq >= 1, 'events are numbered from 1')
  const through = { ':through': whole(throughSeq) }
  const place = headOf(paymentId)
  // A mark never goes back. In the common case it is the last one; a payment that has gone on since, or
  // is due, keeps its entry.
  const isNews = notYet(throughSeq)
  const rests = [
    { expression: 'n = :through AND attribute_not_exists(d)', values: through },
    isNews,
  ]
  const gone = { m: whole(throughSeq), w: null, t: null }
  if ((await mark(delivery, place, gone, rests)) === 'done') return 'at_rest'
  const reached = [{ expression: 'n >= :through', values: through }, isNews]
  const marked = await mark(delivery, place, { m: whole(throughSeq) }, reached)
  if (marked === 'done') return 'marked'
  const head = marked.before
  assert((numberOf(head, 'n') ?? 0) >= throughSeq, `${paymentId} has no event ${throughSeq}`)
  return 'known'
}

const notYet = (throughSeq: number): Clause => ({
  expression: '(attribute_not_exists(m) OR m < :marked)',
  values: { ':marked': whole(throughSeq) },
})

/** Marks may be repeated, so a plain request will do, whatever became of the one before. */
async function mark(
  delivery: Delivery,
  place: Place,
  attributes: Attributes,
  clauses: readonly Clause[],
): Promise<'done' | { readonly before: Item | undefined }> {
  const { Update: request } = update(delivery.table, place, { attributes }, clauses)
  if (request === undefined) throw new Error('a mark is an update')
  try {
    await patiently(delivery, () => delivery.client.send(new UpdateItemCommand(request)))
    return 'done'
  } catch (error) {
    const failure = failureOf(error)
    if (failure.failure !== 'refused') throw error
    return { before: failure.reasons[0]?.before }
  }
}

// ── The port's outbox ────────────────────────────────────────────────────────────────────────────

/** Ordered as they were committed, by the clocks of those who did; in order for each payment. */
export async function unpublished(
  delivery: Delivery,
  publisher: string,
  limit: number,
): Promise<{ readonly events: readonly PaymentEvent[]; readonly receipt: string }> {
  assertLimit(limit)
  const left =
    publisher === delivery.publisher
      ? await leftByIndex(delivery, limit)
      : await leftByTable(delivery, publisher)
  const events = left
    .toSorted((a, b) => (orderOfItem(a.item) < orderOfItem(b.item) ? -1 : 1))
    .flatMap(({ item, afterSeq }) =>
      (readEventItem(item)?.events ?? []).filter(({ seq }) => seq > afterSeq),
    )
    .slice(0, limit)
  const through = Object.fromEntries(events.map(({ paymentId, seq }) => [paymentId, seq]))
  return { events, receipt: JSON.stringify(through) }
}

interface Left {
  readonly item: Item
  readonly afterSeq: number
}

async function leftByIndex(delivery: Delivery, limit: number): Promise<readonly Left[]> {
  const left: Left[] = []
  await walk(delivery, Number.MAX_SAFE_INTEGER, async (found) => {
    for (const { paymentId, head } of found) {
      if (isDelivered(head)) continue
      const afterSeq = deliveredSeq(head)
      const items = await eventItems(delivery, paymentId, afterSeq, limit)
      left.push(...items.map((item) => ({ item, afterSeq })))
    }
    return false
  })
  return left
}

async function leftByTable(delivery: Delivery, publisher: string): Promise<readonly Left[]> {
  const own = markPlace('', publisher).sk
  const items: Item[] = []
  const marks = new Map<string | null, number>()
  const filter = {
    FilterExpression: 'begins_with(sk, :event) OR sk = :own',
    ExpressionAttributeValues: { ':event': text(eventKeyPrefix), ':own': text(own) },
  }
  await scanAll(delivery, filter, (item) => {
    if (textOf(item, 'sk') === own) marks.set(textOf(item, 'pk'), deliveredSeq(item))
    else items.push(item)
  })
  return items.flatMap((item) => {
    const afterSeq = marks.get(textOf(item, 'pk')) ?? 0
    const isLeft = (textOf(item, 'sk') ?? '') > eventSortKey(afterSeq)
    return isLeft ? [{ item, afterSeq }] : []
  })
}

export async function acknowledge(
  delivery: Delivery,
  publisher: string,
  receipt: string,
): Promise<void> {
  const through = Object.entries(await readReceipt(delivery, receipt))
  for (const [paymentId, seq] of through) {
    if (publisher === delivery.publisher) await markDelivered(delivery, paymentId, seq)
    else {
      const place = markPlace(paymentId, publisher)
      await mark(delivery, place, { m: whole(seq) }, [notYet(seq)])
    }
  }
}

/** Which events of which payments; anything but what `unpublished` gave out would skip events. */
async function readReceipt(
  delivery: Delivery,
  receipt: string,
): Promise<Readonly<Record<string, number>>> {
  const refused = `no such receipt: ${receipt}`
  const told = parsed(receipt)
  assert(typeof told === 'object' && told !== null && !Array.isArray(told), refused)
  const entries = Object.entries(told)
  const heads = await getEach(
    delivery,
    entries.map(([paymentId]) => headOf(paymentId)),
  )
  return Object.fromEntries(
    entries.map(([paymentId, seq]: [string, unknown], index) => {
      const last = numberOf(heads[index], 'n') ?? 0
      assert(typeof seq === 'number' && Number.isSafeInteger(seq), refused)
      assert(seq >= 1 && seq <= last, refused)
      return [paymentId, seq]
    }),
  )
}

function parsed(receipt: string): unknown {
  try {
    return JSON.parse(receipt)
  } catch {
    return null
  }
}
