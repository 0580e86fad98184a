// What a store's file holds, read without the service, and whether it is whole: SQLite's own check,
// numbers of events without a gap, and payments that their events rebuild.
import { DatabaseSync } from 'node:sqlite'
import { isDeepStrictEqual } from 'node:util'

import { evolveAll } from '../src/core/evolve.ts'
import type { Payment, PaymentEvent } from '../src/core/payment.ts'
import { openSqliteStore } from '../src/stores/sqlite/store.ts'

export interface Books {
  readonly payments: ReadonlyMap<string, Payment>
  /** Row key → payment. */
  readonly keys: ReadonlyMap<string, string>
  readonly agents: ReadonlySet<string>
  /** Row keys of the processor's messages. */
  readonly webhooks: ReadonlySet<string>
  /** Attempts that were recorded. */
  readonly attempts: ReadonlySet<string>
  readonly events: number
  readonly faults: readonly string[]
}

/** Opens the file as the service would, which recovers it, and reads all of it. Never throws. */
export async function readBooks(file: string): Promise<Books> {
  try {
    await (await openAndClose(file)).close()
    return readFile(file)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { ...nothing, faults: [`the store does not open: ${why}`] }
  }
}

const openAndClose = async (file: string) => {
  const store = openSqliteStore({ file })
  await store.census()
  return store
}

const nothing: Books = {
  payments: new Map(),
  keys: new Map(),
  agents: new Set(),
  webhooks: new Set(),
  attempts: new Set(),
  events: 0,
  faults: [],
}

function readFile(file: string): Books {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    // Each query's columns are those of its type.
    const rows = <T>(sql: string): readonly T[] => db.prepare(sql).all() as unknown as T[]
    const check = rows<{ integrity_check: string }>('PRAGMA integrity_check')
    const faults = check
      .filter(({ integrity_check: found }) => found !== 'ok')
      .map(({ integrity_check: found }) => `SQLite: ${found}`)
    const values = rows<{ value: string }>('SELECT value FROM payment')
    const payments = values.map(({ value }) => (JSON.parse(value) as { payment: Payment }).payment)
    const events = rows<{ value: string }>('SELECT value FROM event ORDER BY payment_id, seq').map(
      ({ value }) => JSON.parse(value) as PaymentEvent, // the store's own rows
    )
    const keys = rows<{ key: string; value: string }>('SELECT key, value FROM key').map(
      ({ key, value }) => [key, (JSON.parse(value) as { paymentId: string }).paymentId] as const,
    )
    const names = (table: string): ReadonlySet<string> =>
      new Set(rows<{ key: string }>(`SELECT key FROM ${table}`).map(({ key }) => key))
    return {
      payments: new Map(payments.map((payment) => [payment.id, payment])),
      keys: new Map(keys),
      agents: names('agent'),
      webhooks: names('webhook'),
      attempts: new Set(events.flatMap(attemptsOf)),
      events: events.length,
      faults: [...faults, ...faultsOf(payments, events)],
    }
  } finally {
    db.close()
  }
}

/** The id of the attempt that an event opened. */
function attemptsOf(event: PaymentEvent): readonly string[] {
  return event.type === 'attempt_opened' ? [event.attempt.id] : []
}

function faultsOf(
  payments: readonly Payment[],
  events: readonly PaymentEvent[],
): readonly string[] {
  const histories = Map.groupBy(events, ({ paymentId }) => paymentId)
  const known = new Set(payments.map(({ id }) => id))
  const strays = [...histories.keys()].filter((id) => !known.has(id))
  return [
    ...strays.map((id) => `${id} has events and no row`),
    ...payments.flatMap((payment) => faultOf(payment, histories.get(payment.id) ?? [])),
  ]
}

function faultOf(payment: Payment, history: readonly PaymentEvent[]): readonly string[] {
  const numbers = history.map(({ seq }) => seq)
  if (numbers.some((seq, index) => seq !== index + 1)) {
    return [`${payment.id} has the events ${numbers.join()}`]
  }
  try {
    // What was stored as JSON has no fields that are undefined.
    const rebuilt: unknown = JSON.parse(JSON.stringify(evolveAll(null, history)))
    return isDeepStrictEqual(rebuilt, payment)
      ? []
      : [`${payment.id}: its events do not rebuild it`]
  } catch (error) {
    return [`${payment.id}: ${error instanceof Error ? error.message : String(error)}`]
  }
}
