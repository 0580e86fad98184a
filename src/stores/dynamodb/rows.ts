// The port's `read`, `events` and `census`.
import type { HoldReason, Payment, PaymentEvent } from '../../core/payment.ts'
import type { Census, RowKey } from '../../ports.ts'
import { assertKeys, assertLimit } from '../assert-write.ts'
import type { RowsOf } from '../json.ts'
import { sumOf } from './budget-shards.ts'
import type { EntryTimes } from './entry-times.ts'
import { readEventItem } from './event-items.ts'
import { numberOf, rowOf, text } from './items.ts'
import type { Item } from './items.ts'
import { anyCopy, eventSortKey, headOf, headSortKey, placeOf } from './places.ts'
import type { Place } from './places.ts'
import { getTogether, maxTogether, query, scanAll } from './reading.ts'
import type { Reading } from './reading.ts'
import { eventKeyPrefix } from './table.ts'

export interface Rows extends Reading {
  readonly copies: number
  readonly budgetShards: number
  readonly entryTimes: EntryTimes
}

/** One key is read for half of what it costs in the company of others. */
export async function readRows<const K extends readonly RowKey[]>(
  setting: Rows,
  keys: K,
): Promise<RowsOf<K>> {
  assertKeys(keys)
  const wanted = keys.map((key) => placesOf(key, setting))
  const places = new Map(wanted.flat().map((place) => [nameOf(place), place]))
  if (places.size > maxTogether) {
    throw new Error(`the shards of these rows are more than ${maxTogether} items`)
  }
  const items = await getTogether(setting, [...places.values()])
  const found = new Map([...places.keys()].map((name, index) => [name, items[index]]))
  const rows = keys.map(({ table, key }, index) => {
    const parts = (wanted[index] ?? []).map((place) => found.get(nameOf(place)))
    const item = parts.length === 1 ? parts[0] : sumOf(parts)
    if (table === 'payment') setting.entryTimes.note(key, numberOf(item, 't'))
    return rowOf(table, item)
  })
  // `map` forgets that each place keeps its own table.
  return rows as RowsOf<K>
}

function placesOf(key: RowKey, { copies, budgetShards, random }: Rows): readonly Place[] {
  if (key.table === 'budget') return budgetPlaces(key.key, budgetShards)
  return [placeOf(key, anyCopy(key.table, copies, random))]
}

export const budgetPlaces = (key: string, shards: number): readonly Place[] =>
  Array.from({ length: shards }, (_, shard) => placeOf({ table: 'budget', key }, shard))

const nameOf = ({ pk, sk }: Place): string => JSON.stringify([pk, sk])

/** From the item that holds the first of them on: items are kept under their last number. */
export async function events(
  reading: Reading,
  paymentId: string,
  afterSeq: number,
  limit: number,
): Promise<readonly PaymentEvent[]> {
  assertLimit(limit)
  const found: PaymentEvent[] = []
  const items = await eventItems(reading, paymentId, afterSeq, limit)
  for (const item of items) found.push(...(readEventItem(item)?.events ?? []))
  return found.filter(({ seq }) => seq > afterSeq).slice(0, limit)
}

/** Items with events after a number, until they hold so many or there are no more. */
export async function eventItems(
  reading: Reading,
  paymentId: string,
  afterSeq: number,
  limit: number,
): Promise<readonly Item[]> {
  const found: Item[] = []
  let from: Item | undefined
  do {
    const page = await query(reading, {
      KeyConditionExpression: 'pk = :pk AND sk BETWEEN :from AND :to',
      ExpressionAttributeValues: {
        ':pk': text(headOf(paymentId).pk),
        ':from': text(eventSortKey(Math.max(0, afterSeq) + 1)),
        // Above every digit.
        ':to': text(`${eventKeyPrefix}~`),
      },
      ConsistentRead: true,
      Limit: limit - found.length,
      ...(from === undefined ? {} : { ExclusiveStartKey: from }),
    })
    found.push(...page.items)
    from = page.next
  } while (from !== undefined && found.length < limit)
  return found
}

/** Reads the whole table, so what it counts is of no single moment while payments are made. */
export async function census(reading: Reading): Promise<Census> {
  const states = new Map<Payment['state'], number>()
  const holds = new Map<HoldReason, number>()
  const heads = {
    FilterExpression: 'sk = :head AND attribute_exists(v)',
    ExpressionAttributeValues: { ':head': text(headSortKey) },
  }
  await scanAll(reading, heads, (item) => {
    const payment = rowOf('payment', item)?.value.payment
    if (payment === undefined) return
    states.set(payment.state, (states.get(payment.state) ?? 0) + 1)
    for (const { reason } of payment.holds) holds.set(reason, (holds.get(reason) ?? 0) + 1)
  })
  return { states, holds }
}
