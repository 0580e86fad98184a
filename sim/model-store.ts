// The store port as a model that is quick: rows are kept as frozen values, so that a read costs nothing.
// Most lives run on it and every eighth on SQLite; both pass the contract of stores, and one seed is
// the same story on either, byte for byte.
import type { PaymentEvent } from '../src/core/payment.ts'
import { normalise } from '../src/core/normalise.ts'
import type {
  Action,
  CommitResult,
  Condition,
  PaymentQuery,
  PaymentRow,
  Row,
  RowKey,
  ScannedTable,
  ScanQuery,
  Store,
  TableName,
  Tables,
  WebhookRow,
  Write,
} from '../src/ports.ts'
import {
  assertKeys,
  assertLimit,
  assertPage,
  assertWrite,
  readReceipt,
} from '../src/stores/assert-write.ts'

interface Kept {
  readonly table: TableName
  readonly key: string
  readonly commitId: string
  /** What a reader gets. */
  readonly row: Row<TableName>
}

interface KeptEvent {
  readonly commitId: string
  readonly event: PaymentEvent
}

interface Model {
  readonly tables: Map<TableName, Map<string, Kept>>
  readonly log: PaymentEvent[]
  /** Of each payment, by number. */
  readonly events: Map<string, Map<number, KeptEvent>>
  readonly acknowledged: Map<string, number>
  /** Keys of messages that nobody has taken up. */
  readonly unmatched: Set<string>
}

type Conflicts = Extract<CommitResult, { result: 'conflict' }>['rows']

const empty = (): Model => ({
  tables: new Map(),
  log: [],
  events: new Map(),
  acknowledged: new Map(),
  unmatched: new Set(),
})

const models = new WeakMap<Store, Model>()

/** Another store that is as this one is now. */
export function copyModelStore(store: Store): Store {
  const from = models.get(store)
  if (from === undefined) throw new Error('this store is no model')
  return openModelStore({
    tables: new Map([...from.tables].map(([table, rows]) => [table, new Map(rows)])),
    log: [...from.log],
    events: new Map([...from.events].map(([id, own]) => [id, new Map(own)])),
    acknowledged: new Map(from.acknowledged),
    unmatched: new Set(from.unmatched),
  })
}

export function openModelStore(model: Model = empty()): Store {
  let closed = false
  const open = (): Model => {
    if (closed) throw new Error('the store is closed')
    return model
  }
  const store = Object.freeze<Store>({
    read: async (keys) => {
      assertKeys(keys)
      const from = open()
      // `map` forgets that each place keeps its own table.
      return keys.map((key) => keptAt(from, key)?.row ?? null) as never
    },
    commit: async (write) => {
      assertWrite(write)
      if (closed) return { result: 'unknown', why: 'the store is closed' }
      return commit(model, write)
    },
    events: async (paymentId, afterSeq, limit) => {
      assertLimit(limit)
      const own = [...(open().events.get(paymentId)?.values() ?? [])].map(({ event }) => event)
      return own
        .filter(({ seq }) => seq > afterSeq)
        .toSorted((a, b) => a.seq - b.seq)
        .slice(0, limit)
    },
    due: async (beforeMs, limit) => due(open(), beforeMs, limit),
    scan: async (query) => scan(open(), query),
    list: async (query) => list(open(), query),
    census: async () => census(open()),
    unpublished: async (publisher, limit) => {
      assertLimit(limit)
      const start = open().acknowledged.get(publisher) ?? 0
      const events = open().log.slice(start, start + limit)
      return { events, receipt: String(start + events.length) }
    },
    acknowledge: async (publisher, receipt) => {
      const position = readReceipt(receipt, open().log.length)
      const before = model.acknowledged.get(publisher) ?? 0
      model.acknowledged.set(publisher, Math.max(before, position))
    },
    unmatchedWebhooks: async (limit) => unmatchedWebhooks(open(), limit),
    close: async () => {
      closed = true
    },
  })
  models.set(store, model)
  return store
}

const tableOf = ({ tables }: Model, table: TableName): Map<string, Kept> => {
  const known = tables.get(table)
  if (known !== undefined) return known
  const made = new Map<string, Kept>()
  tables.set(table, made)
  return made
}

const keptAt = ({ tables }: Model, { table, key }: RowKey): Kept | undefined =>
  tables.get(table)?.get(key)

const kept = new WeakSet<object>()

/** As it would come back from a disk, and nobody can change it. What is ours already is not copied again. */
function keep<T>(value: T): T {
  if (typeof value !== 'object' || value === null || kept.has(value)) return value
  const copy: object = Array.isArray(value) ? value.map(keep) : keepFields(value)
  kept.add(Object.freeze(copy))
  return copy as T // field by field
}

function keepFields(value: object): object {
  const copy: Record<string, unknown> = { ...value }
  for (const name in copy) {
    const each = copy[name]
    // JSON would not have it either.
    if (each === undefined) delete copy[name]
    else if (typeof each === 'object') copy[name] = keep(each)
  }
  return copy
}

// ── Commit ───────────────────────────────────────────────────────────────────────────────────────

function commit(model: Model, { commitId, actions }: Write): CommitResult {
  const isCarried = actions.some((action) => writersOf(model, action).includes(commitId))
  if (isCarried) return { result: 'committed' }
  const rows = actions.flatMap((action) => conflicts(model, action))
  if (rows.length > 0) return { result: 'conflict', rows }
  for (const action of actions) apply(model, action, commitId)
  return { result: 'committed' }
}

/** Who wrote what this action is about. */
function writersOf(model: Model, action: Action): readonly string[] {
  if (action.do === 'record') return sameEvents(model, action).map(({ commitId }) => commitId)
  const found = keptAt(model, action)
  return found === undefined ? [] : [found.commitId]
}

function sameEvents(
  { events }: Model,
  { paymentId, events: recorded }: Extract<Action, { do: 'record' }>,
): readonly KeptEvent[] {
  const own = events.get(paymentId)
  return own === undefined ? [] : recorded.flatMap(({ seq }) => own.get(seq) ?? [])
}

function conflicts(model: Model, action: Action): Conflicts {
  if (action.do === 'record') {
    return sameEvents(model, action).map(({ event: { paymentId, seq } }) => ({
      table: 'event',
      key: `${paymentId}/${seq}`,
    }))
  }
  const { table, key } = action
  const found = keptAt(model, action)
  const addsToNothing = action.do === 'add' && found === undefined
  return holds(action.if, found) && !addsToNothing ? [] : [{ table, key }]
}

function holds(condition: Condition, found: Kept | undefined): boolean {
  if (condition === null) return true
  if ('absent' in condition) return found === undefined
  if (found === undefined) return false
  const { value, version } = found.row
  if ('version' in condition) return version === condition.version
  // Each of these two conditions is of one table only.
  if ('paymentIs' in condition) {
    return (value as Tables['reference']).paymentId === condition.paymentIs
  }
  const { left, mandateVersion, closed } = value as Tables['budget']
  return left >= condition.leftAtLeast && mandateVersion === condition.mandateVersion && !closed
}

function apply(model: Model, action: Action, commitId: string): void {
  switch (action.do) {
    case 'check':
      return
    case 'record': {
      const own = model.events.get(action.paymentId) ?? new Map<number, KeptEvent>()
      model.events.set(action.paymentId, own)
      for (const event of action.events.map(keep)) {
        model.log.push(event)
        own.set(event.seq, { commitId, event })
      }
      return
    }
    case 'delete':
      tableOf(model, action.table).delete(action.key)
      if (action.table === 'webhook') model.unmatched.delete(action.key)
      return
    case 'put':
    case 'add':
    case 'append': {
      const { table, key } = action
      const before = keptAt(model, action)
      const value = keep(valueAfter(action, before))
      const version = (before?.row.version ?? 0) + 1
      const row = Object.freeze({ value, version }) as Row<TableName> // of its table
      tableOf(model, table).set(key, { table, key, commitId, row })
      if (table !== 'webhook') return
      if ((value as WebhookRow).observedAtMs === null) model.unmatched.add(key)
      else model.unmatched.delete(key)
    }
  }
}

function valueAfter(
  action: Extract<Action, { do: 'put' | 'add' | 'append' }>,
  before: Kept | undefined,
): Tables[TableName] {
  if (action.do === 'put') return action.value
  // Only look-alikes are appended to, only budgets added to.
  if (action.do === 'append') {
    const known = before?.row.value as Tables['look_alike'] | undefined
    return { paymentIds: [...(known?.paymentIds ?? []), action.paymentId] }
  }
  const row = before?.row.value as Tables['budget']
  return { ...row, left: row.left + action.left, spent: row.spent + action.spent }
}

// ── Reads ────────────────────────────────────────────────────────────────────────────────────────

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

const rowsOf = <T extends TableName>(model: Model, table: T): readonly Row<T>[] =>
  [...tableOf(model, table).values()].map(({ row }) => row as Row<T>) // its table's

function due(model: Model, beforeMs: number, limit: number) {
  assertLimit(limit)
  const found: { paymentId: string; run: number; dueAtMs: number }[] = []
  for (const { key, row } of tableOf(model, 'payment').values()) {
    const { dueAtMs, run } = row.value as PaymentRow // its table's
    if (dueAtMs !== null && dueAtMs <= beforeMs) found.push({ paymentId: key, run, dueAtMs })
  }
  return found
    .toSorted((a, b) => compare(a.dueAtMs, b.dueAtMs) || compare(a.paymentId, b.paymentId))
    .slice(0, limit)
    .map(({ paymentId, run }) => ({ paymentId, run }))
}

function scan<T extends ScannedTable>(model: Model, query: ScanQuery<T>) {
  assertPage(query)
  const { table, status, limit, cursor } = query
  const found = [...tableOf(model, table).values()]
    .filter(({ key }) => cursor === undefined || key < cursor)
    .map(({ key, row }) => ({ key, ...(row as Row<T>) })) // its table's
    .filter(({ value }) => status === undefined || ('status' in value && value.status === status))
    .toSorted((a, b) => compare(b.key, a.key))
  const rows = found.slice(0, limit)
  return { rows, cursor: found.length > limit ? (rows.at(-1)?.key ?? null) : null }
}

function list(model: Model, query: PaymentQuery) {
  assertPage(query)
  const found = rowsOf(model, 'payment')
    .filter(({ value }) => matches(value, query))
    .toSorted((a, b) => compare(b.value.payment.id, a.value.payment.id))
  const rows = found.slice(0, query.limit)
  const last = rows.at(-1)?.value.payment.id ?? null
  return { rows, cursor: found.length > rows.length ? last : null }
}

function matches({ payment }: PaymentRow, query: PaymentQuery): boolean {
  return (
    (query.account === null || payment.account === query.account) &&
    (query.agent === undefined || payment.agent === query.agent) &&
    (query.state === undefined || payment.state === query.state) &&
    (query.reference === undefined || normalise(payment.reference) === query.reference) &&
    (query.hold === undefined || payment.holds.some(({ reason }) => reason === query.hold)) &&
    (query.cursor === undefined || payment.id < query.cursor)
  )
}

function census(model: Model) {
  const all = rowsOf(model, 'payment').map(({ value }) => value.payment)
  return {
    states: countEach(all.map(({ state }) => state)),
    holds: countEach(all.flatMap(({ holds }) => holds.map(({ reason }) => reason))),
  }
}

function countEach<K>(names: readonly K[]): Map<K, number> {
  const counts = new Map<K, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return counts
}

function unmatchedWebhooks(model: Model, limit: number): readonly Row<'webhook'>[] {
  assertLimit(limit)
  const found = [...model.unmatched].map((key) => {
    const found = keptAt(model, { table: 'webhook', key })
    return { key, row: found?.row as Row<'webhook'> } // never deleted
  })
  return found
    .toSorted(
      (a, b) =>
        compare(a.row.value.receivedAtMs, b.row.value.receivedAtMs) || compare(a.key, b.key),
    )
    .slice(0, limit)
    .map(({ row }) => row)
}
