// What is stored, as anybody finds it who reads the store: kept beside the run so that the auditor
// and the world need not ask the engine.
import type { Action, RowKey, Store, Write } from '../src/ports.ts'
import type { Bill, Charge, Standing, StoredEvent, StoredRow } from './witness.ts'

export interface Shelf {
  /** The rows that a committed write has changed, as they are now. */
  readonly take: (store: Store, write: Write) => Promise<readonly StoredRow[]>
  /** When the earliest payment is due, by its row, of those that `counts`; `null`: none. */
  readonly earliestDueMs: (counts: (paymentId: string) => boolean) => number | null
  readonly payments: () => number
  readonly parked: () => readonly string[]
  readonly held: () => readonly string[]
  /** As it has been for so long at least. */
  readonly breakerFor: (ms: number) => 'closed' | 'open' | 'half_open'
  readonly haltedFor: (ms: number) => boolean
  /** What is stored now; to be called when the store is set back to it. */
  readonly snapshot: () => () => void
  readonly standing: (
    store: Store,
    bills: readonly Bill[],
    charges: readonly Charge[],
  ) => Promise<Standing>
}

interface PaymentRow {
  readonly dueAtMs: number | null
  readonly payment: {
    readonly state: string
    readonly holds: readonly { readonly reason: string }[]
  }
}

/** A state that is told apart by when it began. */
interface Since<T> {
  readonly value: T
  readonly sinceMs: number
}

export function createShelf(nowMs: () => number): Shelf {
  const rows = new Map<string, StoredRow>()
  const due = new Map<string, number>()
  const holding = new Map<string, ReadonlySet<string>>()
  let breaker: Since<string> = { value: 'closed', sinceMs: 0 }
  const halted = new Map<string, Since<boolean>>()

  const note = (row: StoredRow): void => {
    rows.set(`${row.table} ${row.key}`, row)
    if (row.table === 'payment') notePayment(row.key, row.value as PaymentRow) // the store's own row
    if (row.table === 'breaker') {
      const { state } = row.value as { state: string } // as above
      if (state !== breaker.value) breaker = { value: state, sinceMs: nowMs() }
    }
    if (row.table === 'control') {
      const { halted: value } = row.value as { halted: boolean } // as above
      if (halted.get(row.key)?.value !== value) halted.set(row.key, { value, sinceMs: nowMs() })
    }
  }

  const notePayment = (key: string, { dueAtMs, payment }: PaymentRow): void => {
    if (dueAtMs === null) due.delete(key)
    else due.set(key, dueAtMs)
    holding.set(key, new Set(payment.holds.map(({ reason }) => reason)))
  }

  const withHold = (reason: string): readonly string[] =>
    [...holding].filter(([, holds]) => holds.has(reason)).map(([id]) => id)

  return {
    async take(store, { actions }) {
      const changed = actions.flatMap((action) => (isChange(action) ? [keyOf(action)] : []))
      // What was put is what is there; only what was added to has to be read.
      const computed = actions.some(({ do: does }) => does === 'add' || does === 'append')
      const read = computed ? await store.read(changed) : []
      const seen = changed.map((key, index): StoredRow => {
        const put = actions.find((action) => isPutOf(action, key))
        const value = put?.do === 'put' ? put.value : (read[index]?.value ?? null)
        return { ...key, value }
      })
      for (const row of seen) note(row)
      return seen
    },
    earliestDueMs(counts) {
      let earliest = Infinity
      for (const [id, dueMs] of due) if (dueMs < earliest && counts(id)) earliest = dueMs
      return earliest === Infinity ? null : earliest
    },
    payments: () => holding.size,
    parked: () => withHold('dead_letter'),
    held: () => withHold('approval_required'),
    breakerFor: (ms) =>
      nowMs() - breaker.sinceMs >= ms
        ? (breaker.value as 'closed' | 'open' | 'half_open')
        : 'closed',
    haltedFor: (ms) =>
      [...halted.values()].some(({ value, sinceMs }) => value && nowMs() - sinceMs >= ms),
    snapshot() {
      const [rowsThen, dueThen, holdingThen] = [new Map(rows), new Map(due), new Map(holding)]
      return () => {
        putBack(rows, rowsThen)
        putBack(due, dueThen)
        putBack(holding, holdingThen)
      }
    },
    async standing(store, bills, charges) {
      const all = [...rows.values()]
      const events: StoredEvent[] = []
      for (const { table, key } of all) {
        if (table !== 'payment') continue
        for (const event of await store.events(key, 0, 1000)) {
          events.push({ paymentId: key, seq: event.seq, type: event.type, body: event })
        }
      }
      const { events: left } = await store.unpublished('listener', 100)
      return {
        atMs: nowMs(),
        bills,
        rows: await readAll(store, all),
        events,
        unpublished: left.length,
        charges,
      }
    },
  }
}

function putBack<K, V>(map: Map<K, V>, then: ReadonlyMap<K, V>): void {
  map.clear()
  for (const [key, value] of then) map.set(key, value)
}

const isChange = ({ do: does }: Action): boolean =>
  does === 'put' || does === 'delete' || does === 'add' || does === 'append'

const keyOf = (action: Action): RowKey =>
  action.do === 'record' ? { table: 'payment', key: action.paymentId } : action

const isPutOf = (action: Action, { table, key }: RowKey): boolean =>
  action.do === 'put' && action.table === table && action.key === key

async function readAll(store: Store, rows: readonly StoredRow[]): Promise<readonly StoredRow[]> {
  const read: StoredRow[] = []
  for (let from = 0; from < rows.length; from += 100) {
    // The tables are those of writes that were committed.
    const keys = rows.slice(from, from + 100).map(({ table, key }) => ({ table, key }) as RowKey)
    const found = await store.read(keys)
    keys.forEach((key, index) => read.push({ ...key, value: found[index]?.value ?? null }))
  }
  return read
}
