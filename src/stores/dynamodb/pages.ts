// What people look through: lists of payments, tables of a few rows, webhooks that nobody took up. Pages
// of keys from an index, over its shards; the rows themselves are read as they are now and judged by that.
import { normalise } from '../../core/normalise.ts'
import type {
  KeyedRow,
  PaymentQuery,
  PaymentRow,
  Row,
  ScannedTable,
  ScanQuery,
} from '../../ports.ts'
import { assertLimit, assertPage } from '../assert-write.ts'
import { numberOf, rowOf, text } from './items.ts'
import type { Item } from './items.ts'
import {
  accountPartition,
  accountShards,
  allPartition,
  headOf,
  keyOf,
  placeOf,
  referencePartition,
  referencesOf,
  rowsPartition,
  statusPartition,
  webhookPartition,
} from './places.ts'
import type { Shards } from './places.ts'
import { getEach, query } from './reading.ts'
import type { Reading } from './reading.ts'
import type { IndexName } from './table.ts'

type Lists = Reading & Shards

/** Rows that one page looks at, at most: a page of a rare kind may be short, and goes on by its cursor. */
const maxLooks = 1_000

interface Found<R> {
  readonly rows: readonly R[]
  readonly cursor: string | null
}

// ── Payments ─────────────────────────────────────────────────────────────────────────────────────

export async function list(reading: Lists, asked: PaymentQuery): Promise<Found<Row<'payment'>>> {
  assertPage(asked)
  const billed = await listOfBill(reading, asked)
  if (billed !== null) return billed
  const find = async (ids: readonly string[]) =>
    (await getEach(reading, ids.map(headOf))).map((item) => rowOf('payment', item))
  const page = await lookThrough(
    walkDown(reading, listSource(reading, asked), headOf(asked.cursor ?? '').pk, asked.limit),
    async (pks) => {
      const rows = await find(pks.map(keyOf))
      return rows.map((row) => (row !== null && matches(row.value, asked) ? row : null))
    },
    asked.limit,
  )
  return { rows: page.rows, cursor: page.cursor === null ? null : keyOf(page.cursor) }
}

function listSource(shards: Shards, { account, reference, cursor }: PaymentQuery): Source {
  const isContinued = cursor !== undefined
  if (reference !== undefined) {
    return { index: 'reference', partitions: [referencePartition(reference)], isContinued }
  }
  if (account === null) {
    return { index: 'all', partitions: each(shards.listShards, allPartition), isContinued }
  }
  const partitions = each(accountShards(shards), (shard) => accountPartition(account, shard))
  return { index: 'account', partitions, isContinued }
}

const each = (count: number, name: (shard: number) => string): readonly string[] =>
  Array.from({ length: count }, (_, shard) => name(shard))

function matches({ payment }: PaymentRow, asked: PaymentQuery): boolean {
  return (
    (asked.account === null || payment.account === asked.account) &&
    (asked.agent === undefined || payment.agent === asked.agent) &&
    (asked.state === undefined || payment.state === asked.state) &&
    (asked.reference === undefined || normalise(payment.reference) === asked.reference) &&
    (asked.hold === undefined || payment.holds.some(({ reason }) => reason === asked.hold)) &&
    (asked.cursor === undefined || payment.id < asked.cursor)
  )
}

/**
 * The payments of one account for one reference, by the bills' own guard rows: consistent, so that an
 * agent which has just claimed finds its payment. A guard names the last payment of its bill, and each
 * payment the one that it retries. `null`: there is no such row, or no such question.
 */
async function listOfBill(
  reading: Reading,
  asked: PaymentQuery,
): Promise<Found<Row<'payment'>> | null> {
  if (asked.account === null || asked.reference === undefined) return null
  const { items } = await query(reading, {
    KeyConditionExpression: 'pk = :pk',
    ExpressionAttributeValues: { ':pk': text(referencesOf(asked.account, asked.reference)) },
    ConsistentRead: true,
  })
  let ids = items.flatMap((item) => rowOf('reference', item)?.value.paymentId ?? [])
  if (ids.length === 0) return null
  const rows: Row<'payment'>[] = []
  while (ids.length > 0) {
    const found = (await getEach(reading, ids.map(headOf)))
      .map((item) => rowOf('payment', item))
      .filter((row) => row !== null)
    rows.push(...found)
    ids = found.flatMap(({ value }) => value.payment.retryOf ?? [])
  }
  const wanted = rows
    .filter(({ value }) => matches(value, asked))
    .toSorted((a, b) => (a.value.payment.id < b.value.payment.id ? 1 : -1))
  const page = wanted.slice(0, asked.limit)
  const last = page.at(-1)?.value.payment.id ?? null
  return { rows: page, cursor: wanted.length > page.length ? last : null }
}

// ── Tables that people look through ──────────────────────────────────────────────────────────────

export async function scan<T extends ScannedTable>(
  reading: Reading,
  asked: ScanQuery<T>,
): Promise<Found<KeyedRow<T>>> {
  assertPage(asked)
  const { table, status, cursor, limit } = asked
  const isContinued = cursor !== undefined
  const source: Source =
    status === undefined
      ? { index: 'all', partitions: [rowsPartition(table)], isContinued }
      : { index: 'account', partitions: [statusPartition(table, status)], isContinued }
  const from = cursor === undefined ? '' : placeOf({ table, key: cursor }).pk
  const page = await lookThrough(
    walkDown(reading, source, from, limit),
    async (pks) => {
      const items = await getEach(
        reading,
        pks.map((pk) => placeOf({ table, key: keyOf(pk) })),
      )
      return items.map((item, index): KeyedRow<T> | null => {
        const row = rowOf(table, item)
        const isWanted =
          row !== null &&
          (status === undefined || ('status' in row.value && row.value.status === status))
        return isWanted ? { key: keyOf(pks[index] ?? ''), ...row } : null
      })
    },
    limit,
  )
  return { rows: page.rows, cursor: page.cursor === null ? null : keyOf(page.cursor) }
}

// ── Walking an index ─────────────────────────────────────────────────────────────────────────────

interface Source {
  readonly index: IndexName
  readonly partitions: readonly string[]
  readonly isContinued: boolean
}

const hashKeys: Readonly<Record<Exclude<IndexName, 'work'>, string>> = {
  account: 'a',
  all: 'l',
  reference: 'r',
}

/** The partition keys of an index's items, last first, over all its shards, in portions. */
async function* walkDown(
  reading: Reading,
  { index, partitions, isContinued }: Source,
  from: string,
  limit: number,
): AsyncGenerator<readonly string[]> {
  if (index === 'work') throw new Error('the work index is no list')
  // So that most pages are answered by one question to each shard.
  const portion = Math.min(100, Math.ceil((2 * limit) / partitions.length) + 1)
  let shards = partitions.map((partition): DownShard => ({ partition, next: null, keys: [] }))
  while (shards.length > 0) {
    shards = await Promise.all(
      shards.map(async (shard) => {
        if (shard.keys.length > 0 || shard.next === undefined) return shard
        const { items, next } = await query(reading, {
          IndexName: index,
          KeyConditionExpression: `${hashKeys[index]} = :shard${isContinued ? ' AND pk < :from' : ''}`,
          ExpressionAttributeValues: {
            ':shard': text(shard.partition),
            ...(isContinued ? { ':from': text(from) } : {}),
          },
          ScanIndexForward: false,
          Limit: portion,
          ...(shard.next === null ? {} : { ExclusiveStartKey: shard.next }),
        })
        return { ...shard, keys: items.map(({ pk }) => pk?.S ?? ''), next }
      }),
    )
    shards = shards.filter(({ keys, next }) => keys.length > 0 || next !== undefined)
    // Down to the highest of the last keys of shards that have more: what is below may be preceded.
    const floor = shards
      .flatMap(({ keys, next }) => (next === undefined ? [] : [keys.at(-1) ?? '~']))
      .reduce((highest, key) => (key > highest ? key : highest), '')
    const isSure = (key: string): boolean => key >= floor
    yield shards.flatMap(({ keys }) => keys.filter(isSure)).toSorted((a, b) => (a < b ? 1 : -1))
    shards = shards
      .map((shard) => ({ ...shard, keys: shard.keys.filter((key) => !isSure(key)) }))
      .filter(({ keys, next }) => keys.length > 0 || next !== undefined)
  }
}

interface DownShard {
  readonly partition: string
  /** `null`: from the start; `undefined`: there is no more. */
  readonly next: Item | null | undefined
  /** Read, and not yet given out. */
  readonly keys: readonly string[]
}

/** Takes rows that fit until the page is full, one more tells whether another follows. */
async function lookThrough<R>(
  portions: AsyncGenerator<readonly string[]>,
  find: (pks: readonly string[]) => Promise<readonly (R | null)[]>,
  limit: number,
): Promise<Found<R>> {
  const found: { pk: string; row: R }[] = []
  let looked = 0
  for await (const pks of portions) {
    // An index may show a key twice while it catches up.
    const fresh = [...new Set(pks)]
    const rows = await find(fresh)
    for (const [index, pk] of fresh.entries()) {
      const row = rows[index] ?? null
      if (row !== null) found.push({ pk, row })
    }
    if (found.length > limit) break
    looked += fresh.length
    if (looked >= maxLooks)
      return { rows: found.map(({ row }) => row), cursor: fresh.at(-1) ?? null }
  }
  const page = found.slice(0, limit)
  const cursor = found.length > limit ? (page.at(-1)?.pk ?? null) : null
  return { rows: page.map(({ row }) => row), cursor }
}

// ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────

export async function unmatchedWebhooks(
  reading: Lists,
  limit: number,
): Promise<readonly Row<'webhook'>[]> {
  assertLimit(limit)
  const pages = await Promise.all(
    each(reading.workShards, webhookPartition).map((partition) =>
      query(reading, {
        IndexName: 'work',
        KeyConditionExpression: 'w = :shard',
        ExpressionAttributeValues: { ':shard': text(partition) },
        Limit: limit,
      }),
    ),
  )
  const entries = pages
    .flatMap(({ items }) => items)
    .map((item) => ({ pk: item['pk']?.S ?? '', atMs: numberOf(item, 't') ?? 0 }))
    .toSorted((a, b) => a.atMs - b.atMs || (a.pk < b.pk ? -1 : 1))
    .slice(0, limit)
  const items = await getEach(
    reading,
    entries.map(({ pk }) => placeOf({ table: 'webhook', key: keyOf(pk) })),
  )
  return items
    .map((item) => rowOf('webhook', item))
    .filter((row) => row !== null)
    .filter(({ value }) => value.observedAtMs === null)
}
