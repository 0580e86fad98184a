// The book of webhooks in a SQLite file of its own. It holds secrets, which no file but this one has:
// keep it as private as the tokens.
import type { SQLInputValue } from 'node:sqlite'

import type { FactType } from '../../core/payment.ts'
import type { Attempt, Delivery, DeliveryQuery, Endpoint } from '../../delivery-ports.ts'
import { openOwnFile } from '../file.ts'
import type { OwnFile } from '../file.ts'
import type { NewDelivery, Outcome, WebhookBook } from './book.ts'

const kind = {
  /** "QTNW" in the file's header. */
  applicationId: 0x51544e57,
  format: 1,
  what: 'book of webhooks of Quittance',
  advice: 'run that version',
  schema: `
CREATE TABLE endpoint (id TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE delivery (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  endpoint_id TEXT NOT NULL,
  payment_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  type TEXT NOT NULL,
  status TEXT NOT NULL,
  since_ms INTEGER NOT NULL,
  next_at_ms INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  ended_at_ms INTEGER,
  tries TEXT NOT NULL,
  UNIQUE (endpoint_id, payment_id, seq)
) STRICT;
CREATE INDEX delivery_by_endpoint ON delivery (endpoint_id, number);
CREATE INDEX delivery_pending ON delivery (endpoint_id, next_at_ms, number) WHERE status = 'pending';
CREATE INDEX delivery_dead ON delivery (endpoint_id, number) WHERE status = 'dead';
CREATE INDEX delivery_delivered ON delivery (ended_at_ms) WHERE status = 'delivered';
`,
}

/** Of one delivery: the first tries are of less interest than the last. */
const maxTries = 10
const maxNamed = 5

export function openSqliteBook(path: string, newId: () => string): WebhookBook {
  const file = openOwnFile(path, kind, newId)
  return Object.freeze<WebhookBook>({
    id: file.id,
    ...endpointsIn(file),
    ...queueIn(file),
    ...readsIn(file),
    close: () => file.db.close(),
  })
}

function endpointsIn({
  db,
  inOne,
}: OwnFile): Pick<WebhookBook, 'endpoints' | 'endpoint' | 'add' | 'change' | 'remove'> {
  const all = db.prepare('SELECT value FROM endpoint ORDER BY id DESC')
  const one = db.prepare('SELECT value FROM endpoint WHERE id = ?')
  const put = db.prepare(`INSERT INTO endpoint (id, value) VALUES (?, ?)
    ON CONFLICT (id) DO UPDATE SET value = excluded.value`)
  const remove = db.prepare('DELETE FROM endpoint WHERE id = ?')
  const forget = db.prepare('DELETE FROM delivery WHERE endpoint_id = ?')
  // Written by `put` from an endpoint.
  const endpointOf = (value: unknown): Endpoint => JSON.parse(String(value)) as Endpoint
  const read = (id: string): Endpoint | null => {
    const row = one.get(id)
    return row === undefined ? null : endpointOf(row['value'])
  }
  return {
    endpoints: async () => all.all().map(({ value }) => endpointOf(value)),
    endpoint: async (id) => read(id),
    async add(endpoint) {
      put.run(endpoint.id, JSON.stringify(endpoint))
    },
    // Nothing else runs in between: all of it is synchronous.
    async change(id, to) {
      const before = read(id)
      const after = before === null ? null : to(before)
      if (after !== null && after !== before) put.run(id, JSON.stringify(after))
      return after
    },
    remove: async (id) =>
      inOne(() => {
        forget.run(id)
        return Number(remove.run(id).changes) > 0
      }),
  }
}

type Queue = Pick<
  WebhookBook,
  'enqueue' | 'renew' | 'renewOne' | 'renewDead' | 'renewPending' | 'finish' | 'prune'
>

function queueIn({ db, inOne }: OwnFile): Queue {
  const isThere = 'EXISTS (SELECT 1 FROM endpoint WHERE id = ?1)'
  const columns =
    '(endpoint_id, payment_id, seq, type, status, since_ms, next_at_ms, attempts, tries)'
  const given = `SELECT ?1, ?2, ?3, ?4, 'pending', ?5, ?5, 0, '[]' WHERE ${isThere}`
  const again = `status = 'pending', since_ms = ?, next_at_ms = ?, attempts = 0, ended_at_ms = NULL`
  const add = db.prepare(`INSERT OR IGNORE INTO delivery ${columns} ${given}`)
  const renew = db.prepare(`INSERT INTO delivery ${columns} ${given}
    ON CONFLICT (endpoint_id, payment_id, seq) DO UPDATE SET status = 'pending',
    since_ms = excluded.since_ms, next_at_ms = excluded.next_at_ms, attempts = 0, ended_at_ms = NULL`)
  const one = db.prepare(`UPDATE delivery SET ${again} WHERE number = ? AND endpoint_id = ?`)
  const dead = db.prepare(`UPDATE delivery SET ${again} WHERE endpoint_id = ? AND status = 'dead'`)
  const pending = db.prepare(
    `UPDATE delivery SET ${again} WHERE endpoint_id = ? AND status = 'pending'`,
  )
  const triesOf = db.prepare(`SELECT tries FROM delivery WHERE number = ? AND status = 'pending'`)
  const end = db.prepare(`UPDATE delivery SET status = ?, next_at_ms = ?, attempts = attempts + 1,
    ended_at_ms = ?, tries = ? WHERE number = ?`)
  const prune = db.prepare(`DELETE FROM delivery WHERE number IN (SELECT number FROM delivery
    WHERE status = 'delivered' AND ended_at_ms < ? LIMIT ?)`)
  const each = (statement: typeof add, deliveries: readonly NewDelivery[], nowMs: number): number =>
    inOne(() =>
      deliveries.reduce(
        (sum, { endpointId, paymentId, seq, type }) =>
          sum + Number(statement.run(endpointId, paymentId, seq, type, nowMs).changes),
        0,
      ),
    )
  const finishOne = ({ number, status, nextAtMs, attempt }: Outcome): void => {
    const row = triesOf.get(number)
    if (row === undefined) return // removed meanwhile, or taken by another try
    const tries = [...triesIn(row['tries']), attempt].slice(-maxTries)
    const endedAtMs = status === 'pending' ? null : attempt.atMs
    end.run(status, nextAtMs, endedAtMs, JSON.stringify(tries), number)
  }
  return {
    async enqueue(deliveries, nowMs) {
      if (deliveries.length > 0) each(add, deliveries, nowMs)
    },
    renew: async (deliveries, nowMs) =>
      deliveries.length === 0 ? 0 : each(renew, deliveries, nowMs),
    renewOne: async (id, number, nowMs) => Number(one.run(nowMs, nowMs, number, id).changes),
    renewDead: async (id, nowMs) => Number(dead.run(nowMs, nowMs, id).changes),
    async renewPending(id, nowMs) {
      pending.run(nowMs, nowMs, id)
    },
    async finish(outcomes) {
      inOne(() => {
        for (const outcome of outcomes) finishOne(outcome)
      })
    },
    prune: async (beforeMs, limit) => Number(prune.run(beforeMs, limit).changes),
  }
}

type Reads = Pick<WebhookBook, 'due' | 'nextDueMs' | 'deliveries' | 'standing'>

function readsIn({ db }: OwnFile): Reads {
  const due = db.prepare(`SELECT * FROM delivery AS d
    WHERE d.endpoint_id = ? AND d.status = 'pending' AND d.next_at_ms <= ? AND NOT EXISTS (
      SELECT 1 FROM delivery AS e WHERE e.endpoint_id = d.endpoint_id
        AND e.payment_id = d.payment_id AND e.seq < d.seq AND e.status = 'pending' AND e.attempts < ?)
    ORDER BY d.next_at_ms, d.number LIMIT ?`)
  const next = db.prepare(
    `SELECT min(next_at_ms) AS at FROM delivery WHERE endpoint_id = ? AND status = 'pending'`,
  )
  const all = db.prepare('SELECT value FROM endpoint ORDER BY id')
  const count = (status: string) =>
    db.prepare(`SELECT count(*) AS n FROM delivery WHERE endpoint_id = ? AND status = '${status}'`)
  const [pending, dead] = [count('pending'), count('dead')]
  const oldest = db.prepare(
    `SELECT min(since_ms) AS at FROM delivery WHERE endpoint_id = ? AND status = 'pending'`,
  )
  const named = db.prepare(`SELECT payment_id FROM delivery WHERE endpoint_id = ?
    AND status = 'dead' ORDER BY number LIMIT ${maxNamed}`)
  const nullable = (value: unknown): number | null => (value == null ? null : Number(value))
  return {
    due: async (id, nowMs, limit, holdsUp) => due.all(id, nowMs, holdsUp, limit).map(deliveryOf),
    nextDueMs: async (id) => nullable(next.get(id)?.['at']),
    deliveries: async (query) => listIn(db, query),
    standing: async () =>
      all.all().map((row) => {
        const endpoint = JSON.parse(String(row['value'])) as Endpoint // as above
        const { id } = endpoint
        return {
          endpoint,
          pending: Number(pending.get(id)?.['n']),
          dead: Number(dead.get(id)?.['n']),
          oldestPendingMs: nullable(oldest.get(id)?.['at']),
          deadPaymentIds: named.all(id).map((each) => String(each['payment_id'])),
        }
      }),
  }
}

function listIn(
  db: OwnFile['db'],
  { endpointId, status, paymentId, limit, before }: DeliveryQuery,
): readonly Delivery[] {
  const filters: [sql: string, ...values: SQLInputValue[]][] = [['endpoint_id = ?', endpointId]]
  if (status !== undefined) filters.push(['status = ?', status])
  if (paymentId !== undefined) filters.push(['payment_id = ?', paymentId])
  if (before !== undefined) filters.push(['number < ?', before])
  const where = filters.map(([sql]) => sql).join(' AND ')
  return db
    .prepare(`SELECT * FROM delivery WHERE ${where} ORDER BY number DESC LIMIT ?`)
    .all(...filters.flatMap(([, ...values]) => values), limit)
    .map(deliveryOf)
}

// Columns of a STRICT table, written by `queueIn` from the types that they are read as.
const triesIn = (value: unknown): readonly Attempt[] => JSON.parse(String(value)) as Attempt[]

function deliveryOf(row: Readonly<Record<string, unknown>>): Delivery {
  const endedAtMs = row['ended_at_ms']
  return {
    number: Number(row['number']),
    endpointId: String(row['endpoint_id']),
    paymentId: String(row['payment_id']),
    seq: Number(row['seq']),
    type: String(row['type']) as FactType,
    status: String(row['status']) as Delivery['status'],
    sinceMs: Number(row['since_ms']),
    nextAtMs: Number(row['next_at_ms']),
    attempts: Number(row['attempts']),
    endedAtMs: endedAtMs == null ? null : Number(endedAtMs),
    tries: triesIn(row['tries']),
  }
}
