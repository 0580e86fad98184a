// What others would do on the same machine: our HTTP front and our two calls to the processor, and in
// between no store at all, a bare group commit, or one commit for each change. No guards, no events,
// no validation, nothing that is looked at again after a crash. A floor to be compared with, no design.
//
// `node bench/rivals.ts no-store|bare|plain PROCESSOR FILE`
import { randomUUID } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

import { Hono } from 'hono'

import { serveHttp } from '../src/http/serve.ts'
import { openHttpClient } from '../src/processors/http.ts'
import { connect, makeDurable } from '../src/stores/sqlite/connection.ts'

type State = 'claimed' | 'authorising' | 'capturing' | 'settled'

/** Says when the state is durable. */
type Keep = (id: string, state: State, value: string) => Promise<void> | void

const table = `CREATE TABLE payment (
  id TEXT NOT NULL PRIMARY KEY, state TEXT NOT NULL, value TEXT NOT NULL
) STRICT, WITHOUT ROWID`
const upsert = `INSERT INTO payment (id, state, value) VALUES (?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET state = excluded.state, value = excluded.value`

function openKeep(kind: string, file: string): Keep {
  if (kind === 'no-store') return () => undefined
  const connection = connect(file)
  makeDurable(connection)
  connection.db.exec(table)
  return kind === 'bare' ? inGroups(connection.db) : oneByOne(connection.db)
}

/** Each change is a transaction of its own, as most programs do it. */
function oneByOne(db: DatabaseSync): Keep {
  const statement = db.prepare(upsert)
  return (id, state, value) => void statement.run(id, state, value)
}

/** Whatever arrives in one turn of the event loop shares one fsync. */
function inGroups(db: DatabaseSync): Keep {
  const statement = db.prepare(upsert)
  let waiting: { readonly row: [string, string, string]; readonly done: () => void }[] = []
  const turn = (): void => {
    const group = waiting
    waiting = []
    db.exec('BEGIN IMMEDIATE')
    for (const { row } of group) statement.run(...row)
    db.exec('COMMIT')
    for (const { done } of group) done()
  }
  return (id, state, value) =>
    new Promise<void>((resolve) => {
      if (waiting.length === 0) setImmediate(turn)
      waiting.push({ row: [id, state, value], done: resolve })
    })
}

const [kind = '', processor = '', file = ''] = process.argv.slice(2)
const keep = openKeep(kind, file)
const http = openHttpClient(processor, 64)
const app = new Hono()

async function call(path: string, body: unknown): Promise<{ readonly id: string }> {
  const headers = {
    authorization: 'Bearer sim_test_key',
    'content-type': 'application/json',
    'idempotency-key': randomUUID(),
  }
  const text = JSON.stringify(body)
  const told = await http.call({ method: 'POST', path, headers, body: text, timeoutMs: 10_000 })
  if (told.result !== 'answered') throw new Error(told.cause)
  return JSON.parse(told.body ?? '') as { id: string } // the bench's own processor
}

app.post('/v1/payments', async (c) => {
  const bill = await c.req.json<{ readonly amount: number; readonly currency: string }>()
  const id = `pay_${randomUUID()}`
  const value = JSON.stringify(bill)
  await keep(id, 'claimed', value)
  await keep(id, 'authorising', value)
  const { amount, currency } = bill
  const asked = { amount, currency, reference: id, metadata: { payment: id } }
  const charge = await call('/v1/charges', asked)
  await keep(id, 'capturing', value)
  await call(`/v1/charges/${charge.id}/capture`, { amount })
  await keep(id, 'settled', value)
  return c.json({ id, state: 'settled', money_moved: 'yes', ...bill }, 202)
})

const server = await serveHttp(app, { host: '127.0.0.1', port: 0 })
process.stdout.write(`listening on ${server.url}\n`)
const end = (): void => void server.close().then(() => process.exit(0))
process.once('SIGTERM', end)
process.stdin.once('end', end).resume()
