// Where a row is kept: from table and key to partition and sort key, and from a payment to its shards
// of the indexes. Keys stay readable, so that a person finds an item; only very long ones are hashed.
import { createHash } from 'node:crypto'

import type { RowKey, TableName } from '../../ports.ts'
import { eventKeyPrefix } from './table.ts'

export interface Place {
  readonly pk: string
  readonly sk: string
}

/** Letters, because every index entry and every stream record repeats them. */
const letters: Readonly<Record<Exclude<TableName, 'payment' | 'details'>, string>> = {
  key: 'k',
  reference: 'r',
  look_alike: 's',
  budget: 'b',
  agent: 'g',
  account: 'h',
  token: 'u',
  webhook: 'w',
  control: 'c',
  breaker: 'f',
  slot: 'q',
  audit: 'y',
  dead_letter: 'x',
  alert: 'i',
  reconciliation: 'n',
  break: 'm',
  clock: 'o',
}

/** Switches and breakers: each step of every payment reads them, so they are kept in copies. */
export const isCopied = (table: TableName): boolean => table === 'control' || table === 'breaker'

/** Which copy to look at; rows that are not copied have one. */
export const anyCopy = (table: TableName, copies: number, random: () => number): number =>
  isCopied(table) ? Math.floor(random() * copies) : 0

/** DynamoDB takes 2,048 bytes of partition key and 1,024 of sort key; an index key adds some. */
const longestKeyBytes = 900

const paymentPlace = (paymentId: string, sk: string): Place => ({
  pk: `p#${bounded(paymentId)}`,
  sk,
})

/** The payment's row, and beside it how far its events go and were delivered. */
export const headOf = (paymentId: string): Place => paymentPlace(paymentId, headSortKey)

export const headSortKey = 'p'

/**
 * Events are kept under the number of the **last** one in their item, so that a query from a number on
 * begins with the item that holds it.
 */
export const eventsPlace = (paymentId: string, lastSeq: number): Place =>
  paymentPlace(paymentId, eventSortKey(lastSeq))

export const eventSortKey = (seq: number): string =>
  `${eventKeyPrefix}${String(seq).padStart(10, '0')}`

/** How far a publisher other than the stream's own has been served. */
export const markPlace = (paymentId: string, publisher: string): Place =>
  paymentPlace(paymentId, `${markKeyPrefix}${bounded(publisher)}`)

const markKeyPrefix = 'o#'

/** `part`: which copy or shard of the row; rows that are not divided have one. */
export function placeOf({ table, key }: RowKey, part = 0): Place {
  if (table === 'payment') return headOf(key)
  if (table === 'details') return paymentPlace(key, 'd')
  if (table === 'reference') return referencePlace(key)
  // Copies and shards are for the sake of throughput, which is counted by partition key. The number
  // stands before the key, which may hold anything.
  return { pk: `${letters[table]}${part === 0 ? '' : part}#${bounded(key)}`, sk: '-' }
}

// `core/guards.ts` makes these keys: account, reference and payee, escaped, between slashes. All
// payees of one reference share a partition, so that a search reads them consistently.
function referencePlace(key: string): Place {
  const cut = key.lastIndexOf('/')
  return cut < 0
    ? { pk: `r#${bounded(key)}`, sk: '-' }
    : { pk: `r#${bounded(key.slice(0, cut))}`, sk: `-${bounded(key.slice(cut + 1))}` }
}

export const referencesOf = (account: string, reference: string): string =>
  `r#${bounded(`${encodeURIComponent(account)}/${encodeURIComponent(reference)}`)}`

/** The key of a row that people look through, from its partition key: such keys are never hashed. */
export const keyOf = (pk: string): string => pk.slice(pk.indexOf('#') + 1)

export const isShortKey = (key: string): boolean => Buffer.byteLength(key) <= longestKeyBytes

function bounded(text: string): string {
  if (isShortKey(text)) return text
  return `sha256:${createHash('sha256').update(text).digest('hex')}`
}

// ── Partitions of the indexes ────────────────────────────────────────────────────────────────────

/**
 * Over how many partitions of each index entries are spread: one takes 1,000 a second. They are part of
 * what is stored; more may be read than were written, never fewer.
 */
export interface Shards {
  /** Of the work index, for payments and for webhooks. */
  readonly workShards: number
  /** Of the list of all payments; the list of one account has a quarter of them. */
  readonly listShards: number
}

export const accountShards = ({ listShards }: Shards): number => Math.ceil(listShards / 4)

const two = (number: number): string => String(number).padStart(2, '0')

export const workPartition = (shard: number): string => `p#${two(shard)}`
export const webhookPartition = (shard: number): string => `w#${two(shard)}`

export const accountPartition = (account: string, shard: number): string =>
  `p#${bounded(account)}#${shard}`
export const allPartition = (shard: number): string => `p#${two(shard)}`
export const referencePartition = (reference: string): string => `p#${bounded(reference)}`

/** Of the tables that people look through; people make few of these, so one partition is enough. */
export const rowsPartition = (table: TableName): string => table
export const statusPartition = (table: TableName, status: string): string => `${table}#${status}`

/** The same for the same text, everywhere and for good (FNV-1a). */
export function shardOf(text: string, shards: number): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  return hash % shards
}
