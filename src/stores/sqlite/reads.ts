// The questions that the port asks, each one statement on one index (a test reads the query plans).
import type { HoldReason, Payment, PaymentEvent } from '../../core/payment.ts'
import type {
  Census,
  KeyedRow,
  PaymentQuery,
  Row,
  RowKey,
  ScannedTable,
  ScanQuery,
} from '../../ports.ts'
import { assertKeys, assertLimit, assertPage } from '../assert-write.ts'
import { decode, decodeRow } from '../json.ts'
import type { RowsOf } from '../json.ts'
import { all, first } from './connection.ts'
import type { Connection } from './connection.ts'
import type { RecentEvents } from './recent-events.ts'
import type { RowCache, StoredRow } from './row-cache.ts'

/** One consistent read: it is synchronous, and nobody else writes to the file. */
export function readRows<const K extends readonly RowKey[]>(
  connection: Connection,
  cache: RowCache,
  keys: K,
): RowsOf<K> {
  assertKeys(keys)
  const rows = keys.map((key) => {
    const known = cache.get(key)
    if (known !== undefined) return known
    const row = readRow(connection, cache, key)
    return row === null ? null : decodeRow(key.table, row)
  })
  // `map` forgets that each place keeps its own table.
  return rows as RowsOf<K>
}

function readRow(connection: Connection, cache: RowCache, key: RowKey): StoredRow | null {
  const sql = `SELECT version, value FROM ${key.table} WHERE key = ?`
  const row = first<StoredRow>(connection, sql, key.key) ?? null
  cache.set(key, row)
  return row
}

export function events(
  connection: Connection,
  recent: RecentEvents,
  paymentId: string,
  afterSeq: number,
  limit: number,
): readonly PaymentEvent[] {
  assertLimit(limit)
  const known = recent.of(paymentId, afterSeq, limit)
  if (known !== null) return known
  return all<StoredRow>(
    connection,
    'SELECT value FROM event WHERE payment_id = ? AND seq > ? ORDER BY seq LIMIT ?',
    paymentId,
    afterSeq,
    limit,
  ).map(({ value }) => decode<PaymentEvent>(value))
}

export function due(
  connection: Connection,
  beforeMs: number,
  limit: number,
): readonly { readonly paymentId: string; readonly run: number }[] {
  assertLimit(limit)
  return all<{ key: string; run: number }>(
    connection,
    'SELECT key, run FROM payment WHERE due_at_ms <= ? ORDER BY due_at_ms, key LIMIT ?',
    beforeMs,
    limit,
  ).map(({ key, run }) => ({ paymentId: key, run }))
}

/** The statement of a query, apart from its values. Filters that are not asked for are left out. */
export function listSql(query: PaymentQuery): string {
  const filters = [
    query.account === null ? '' : 'account = ?',
    query.agent === undefined ? '' : 'agent = ?',
    query.state === undefined ? '' : 'state = ?',
    query.reference === undefined ? '' : 'reference = ?',
    query.hold === undefined ? '' : "holds <> '' AND instr(holds, ?)",
    query.cursor === undefined ? '' : 'key < ?',
  ].filter((filter) => filter !== '')
  const where = filters.length === 0 ? '' : `WHERE ${filters.join(' AND ')}`
  return `SELECT version, value FROM payment ${where} ORDER BY key DESC LIMIT ?`
}

export function scanSql({ table, status, cursor }: ScanQuery<ScannedTable>): string {
  const filters = [
    status === undefined ? '' : 'status = ?',
    cursor === undefined ? '' : 'key < ?',
  ].filter((filter) => filter !== '')
  const where = filters.length === 0 ? '' : `WHERE ${filters.join(' AND ')}`
  return `SELECT key, version, value FROM ${table} ${where} ORDER BY key DESC LIMIT ?`
}

type KeyedStoredRow = StoredRow & { readonly key: string }

export function scan<T extends ScannedTable>(
  connection: Connection,
  query: ScanQuery<T>,
): { readonly rows: readonly KeyedRow<T>[]; readonly cursor: string | null } {
  assertPage(query)
  const { table, status, cursor, limit } = query
  const values = [status, cursor].filter((value) => value !== undefined)
  const found = all<KeyedStoredRow>(connection, scanSql(query), ...values, limit + 1)
  const rows = found.slice(0, limit).map((row) => ({ key: row.key, ...decodeRow(table, row) }))
  return { rows, cursor: found.length > limit ? (rows.at(-1)?.key ?? null) : null }
}

export function list(
  connection: Connection,
  query: PaymentQuery,
): { readonly rows: readonly Row<'payment'>[]; readonly cursor: string | null } {
  assertPage(query)
  const { account, agent, state, reference, hold, cursor, limit } = query
  const values = [account, agent, state, reference, hold && `,${hold},`, cursor].filter(
    (value) => value !== null && value !== undefined,
  )
  // One more than asked for tells whether another page follows.
  const found = all<StoredRow>(connection, listSql(query), ...values, limit + 1)
  const rows = found.slice(0, limit).map((row) => decodeRow('payment', row))
  return { rows, cursor: found.length > limit ? (rows.at(-1)?.value.payment.id ?? null) : null }
}

/** The first walks the index of states and nothing else, the second only what is held. */
export const censusSql = {
  states: 'SELECT state, count(*) AS count FROM payment GROUP BY state',
  holds: "SELECT holds, count(*) AS count FROM payment WHERE holds <> '' GROUP BY holds",
} as const

export function census(connection: Connection): Census {
  const states = all<{ state: Payment['state']; count: number }>(connection, censusSql.states)
  const held = all<{ holds: string; count: number }>(connection, censusSql.holds)
  const holds = new Map<HoldReason, number>()
  for (const { holds: reasons, count } of held) {
    // Written by `steps.ts` from a payment's own holds.
    for (const reason of reasons.slice(1, -1).split(',') as HoldReason[]) {
      holds.set(reason, (holds.get(reason) ?? 0) + count)
    }
  }
  return { states: new Map(states.map(({ state, count }) => [state, count])), holds }
}

export function unpublished(
  connection: Connection,
  recent: RecentEvents,
  publisher: string,
  limit: number,
): { readonly events: readonly PaymentEvent[]; readonly receipt: string } {
  assertLimit(limit)
  const start = acknowledged(connection, publisher)
  if (!recent.isKnown()) recent.begin(lastPosition(connection))
  const known = recent.after(start, limit)
  if (known !== null) {
    const receipt = String(known.at(-1)?.position ?? start)
    return { events: known.map(({ event }) => event), receipt }
  }
  const page = all<{ position: number; value: string }>(
    connection,
    'SELECT position, value FROM event WHERE position > ? ORDER BY position LIMIT ?',
    start,
    limit,
  )
  return {
    events: page.map(({ value }) => decode<PaymentEvent>(value)),
    receipt: String(page.at(-1)?.position ?? start),
  }
}

function acknowledged(connection: Connection, publisher: string): number {
  const sql = 'SELECT position FROM publisher WHERE name = ?'
  return first<{ position: number }>(connection, sql, publisher)?.position ?? 0
}

export function lastPosition(connection: Connection): number {
  const sql = 'SELECT max(position) AS position FROM event'
  return first<{ position: number | null }>(connection, sql)?.position ?? 0
}

export function unmatchedWebhooks(
  connection: Connection,
  limit: number,
): readonly Row<'webhook'>[] {
  assertLimit(limit)
  return all<StoredRow>(
    connection,
    `SELECT version, value FROM webhook WHERE observed_at_ms IS NULL
      ORDER BY received_at_ms, key LIMIT ?`,
    limit,
  ).map((row) => decodeRow('webhook', row))
}
