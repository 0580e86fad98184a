// The questions that the port asks, each one statement on one index (a test reads the query plans).
import type { PaymentEvent } from '../../core/payment.ts'
import type { PaymentQuery, Row, RowKey } from '../../ports.ts'
import { assertKeys, assertLimit, assertQuery } from '../assert-write.ts'
import { decode, decodeRow } from '../json.ts'
import type { RowsOf } from '../json.ts'
import { all, first } from './connection.ts'
import type { Connection } from './connection.ts'
import type { RowCache, StoredRow } from './row-cache.ts'

/** One consistent read: it is synchronous, and nobody else writes to the file. */
export function readRows<const K extends readonly RowKey[]>(
  connection: Connection,
  cache: RowCache,
  keys: K,
): RowsOf<K> {
  assertKeys(keys)
  const rows = keys.map((key) => {
    const row = cache.get(key) ?? readRow(connection, cache, key)
    return row === undefined ? null : decodeRow(key.table, row)
  })
  // `map` forgets that each place keeps its own table.
  return rows as RowsOf<K>
}

function readRow(connection: Connection, cache: RowCache, key: RowKey): StoredRow | undefined {
  const sql = `SELECT version, value FROM ${key.table} WHERE key = ?`
  const row = first<StoredRow>(connection, sql, key.key)
  if (row !== undefined) cache.set(key, row)
  return row
}

export function events(
  connection: Connection,
  paymentId: string,
  afterSeq: number,
  limit: number,
): readonly PaymentEvent[] {
  assertLimit(limit)
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

export function list(
  connection: Connection,
  query: PaymentQuery,
): { readonly rows: readonly Row<'payment'>[]; readonly cursor: string | null } {
  assertQuery(query)
  const { account, agent, state, reference, hold, cursor, limit } = query
  const values = [account, agent, state, reference, hold && `,${hold},`, cursor].filter(
    (value) => value !== null && value !== undefined,
  )
  // One more than asked for tells whether another page follows.
  const found = all<StoredRow>(connection, listSql(query), ...values, limit + 1)
  const rows = found.slice(0, limit).map((row) => decodeRow('payment', row))
  return { rows, cursor: found.length > limit ? (rows.at(-1)?.value.payment.id ?? null) : null }
}

export function unpublished(
  connection: Connection,
  publisher: string,
  limit: number,
): { readonly events: readonly PaymentEvent[]; readonly receipt: string } {
  assertLimit(limit)
  const start = acknowledged(connection, publisher)
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
