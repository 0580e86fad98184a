// The reference model of the store port: as plain as it can be, so that one look shows it right.
// Other stores are compared with it. Rows are kept as JSON text, so that no caller shares them.
import { normalise } from '../core/normalise.ts'
import type { PaymentEvent } from '../core/payment.ts'
import type {
  Action,
  Census,
  CommitResult,
  Condition,
  KeyedRow,
  PaymentQuery,
  PaymentRow,
  Row,
  RowKey,
  ScannedTable,
  ScanQuery,
  Store,
  TableName,
  Tables,
  Write,
} from '../ports.ts'
import { assertKeys, assertLimit, assertPage, assertWrite, readReceipt } from './assert-write.ts'
import { decode, decodeRow } from './json.ts'
import type { RowsOf } from './json.ts'

export interface MemoryOptions {
  /** For tests. Either way the answer is `unknown`: `lose_answer` has written, `drop` has not. */
  readonly onCommit?: (write: Write) => 'normal' | 'lose_answer' | 'drop'
}

interface Stored {
  readonly version: number
  readonly commitId: string
  readonly value: string
}

interface StoredEvent {
  readonly paymentId: string
  readonly seq: number
  readonly commitId: string
  readonly value: string
}

interface Memory {
  readonly tables: Readonly<Record<TableName, Map<string, Stored>>>
  /** In the order of their commits; an event's position is its index plus 1. */
  readonly log: StoredEvent[]
  /** The last position that a publisher acknowledged. */
  readonly acknowledged: Map<string, number>
}

type Conflicts = Extract<CommitResult, { result: 'conflict' }>['rows']

export function openMemoryStore(options: MemoryOptions = {}): Store {
  const memory: Memory = { tables: emptyTables(), log: [], acknowledged: new Map() }
  let closed = false
  const open = (): Memory => {
    if (closed) throw new Error('the store is closed')
    return memory
  }
  return Object.freeze<Store>({
    read: async (keys) => readRows(open(), keys),
    commit: async (write) => {
      assertWrite(write)
      if (closed) return { result: 'unknown', why: 'the store is closed' }
      return commitTold(memory, write, options.onCommit?.(write) ?? 'normal')
    },
    events: async (paymentId, afterSeq, limit) => events(open(), paymentId, afterSeq, limit),
    due: async (beforeMs, limit) => due(open(), beforeMs, limit),
    scan: async (query) => scan(open(), query),
    list: async (query) => list(open(), query),
    census: async () => census(open()),
    unpublished: async (publisher, limit) => unpublished(open(), publisher, limit),
    acknowledge: async (publisher, receipt) => acknowledge(open(), publisher, receipt),
    unmatchedWebhooks: async (limit) => unmatchedWebhooks(open(), limit),
    close: async () => {
      closed = true
    },
  })
}

function emptyTables(): Memory['tables'] {
  return {
    payment: new Map(),
    details: new Map(),
    key: new Map(),
    reference: new Map(),
    look_alike: new Map(),
    budget: new Map(),
    agent: new Map(),
    account: new Map(),
    token: new Map(),
    webhook: new Map(),
    control: new Map(),
    breaker: new Map(),
    slot: new Map(),
    clock: new Map(),
    audit: new Map(),
    dead_letter: new Map(),
    alert: new Map(),
    reconciliation: new Map(),
    break: new Map(),
  }
}

// ── Commit ───────────────────────────────────────────────────────────────────────────────────────

function commitTold(
  memory: Memory,
  write: Write,
  fault: 'normal' | 'lose_answer' | 'drop',
): CommitResult {
  if (fault === 'drop') return { result: 'unknown', why: 'a test dropped the write' }
  const result = commit(memory, write)
  return fault === 'normal' ? result : { result: 'unknown', why: 'a test lost the answer' }
}

function commit(memory: Memory, { commitId, actions }: Write): CommitResult {
  if (actions.some((action) => carries(memory, action, commitId))) return { result: 'committed' }
  const rows = actions.flatMap((action) => conflicts(memory, action))
  if (rows.length > 0) return { result: 'conflict', rows }
  for (const action of actions) apply(memory, action, commitId)
  return { result: 'committed' }
}

/** Was this write committed before? A row or an event that it wrote says so. */
function carries(memory: Memory, action: Action, commitId: string): boolean {
  return action.do === 'record'
    ? sameEvents(memory, action).some((event) => event.commitId === commitId)
    : memory.tables[action.table].get(action.key)?.commitId === commitId
}

function conflicts(memory: Memory, action: Action): Conflicts {
  if (action.do === 'record') {
    return sameEvents(memory, action).map(({ paymentId, seq }) => ({
      table: 'event',
      key: `${paymentId}/${seq}`,
    }))
  }
  const { table, key } = action
  const row = memory.tables[table].get(key)
  const addsToNothing = action.do === 'add' && row === undefined
  return holds(action.if, row) && !addsToNothing ? [] : [{ table, key }]
}

function sameEvents(
  memory: Memory,
  { paymentId, events: recorded }: Extract<Action, { do: 'record' }>,
): StoredEvent[] {
  const seqs = new Set(recorded.map(({ seq }) => seq))
  return memory.log.filter((event) => event.paymentId === paymentId && seqs.has(event.seq))
}

function holds(condition: Condition, row: Stored | undefined): boolean {
  if (condition === null) return true
  if ('absent' in condition) return row === undefined
  if (row === undefined) return false
  if ('version' in condition) return row.version === condition.version
  if ('paymentIs' in condition) {
    return decode<Tables['reference']>(row.value).paymentId === condition.paymentIs
  }
  const { left, mandateVersion, closed } = decode<Tables['budget']>(row.value)
  return left >= condition.leftAtLeast && mandateVersion === condition.mandateVersion && !closed
}

function apply(memory: Memory, action: Action, commitId: string): void {
  switch (action.do) {
    case 'check':
      return
    case 'record':
      for (const event of action.events) {
        const { paymentId, seq } = event
        memory.log.push({ paymentId, seq, commitId, value: JSON.stringify(event) })
      }
      return
    case 'delete':
      memory.tables[action.table].delete(action.key)
      return
    case 'put':
    case 'add':
    case 'append': {
      const table = memory.tables[action.table]
      const before = table.get(action.key)
      const value = JSON.stringify(valueAfter(action, before))
      table.set(action.key, { version: (before?.version ?? 0) + 1, commitId, value })
    }
  }
}

function valueAfter(
  action: Extract<Action, { do: 'put' | 'add' | 'append' }>,
  before: Stored | undefined,
): Tables[TableName] {
  if (action.do === 'put') return action.value
  if (action.do === 'append') {
    const row = before && decode<Tables['look_alike']>(before.value)
    return { paymentIds: [...(row?.paymentIds ?? []), action.paymentId] }
  }
  if (before === undefined) throw new Error('a budget row that does not exist passed its condition')
  const row = decode<Tables['budget']>(before.value)
  return { ...row, left: row.left + action.left, spent: row.spent + action.spent }
}

// ── Reads ────────────────────────────────────────────────────────────────────────────────────────

function readRows<const K extends readonly RowKey[]>(memory: Memory, keys: K): RowsOf<K> {
  assertKeys(keys)
  const rows = keys.map(({ table, key }) => {
    const row = memory.tables[table].get(key)
    return row === undefined ? null : decodeRow(table, row)
  })
  // `map` forgets that each place keeps its own table.
  return rows as RowsOf<K>
}

function events(
  memory: Memory,
  paymentId: string,
  afterSeq: number,
  limit: number,
): readonly PaymentEvent[] {
  assertLimit(limit)
  return memory.log
    .filter((event) => event.paymentId === paymentId && event.seq > afterSeq)
    .toSorted((a, b) => a.seq - b.seq)
    .slice(0, limit)
    .map(({ value }) => decode<PaymentEvent>(value))
}

function payments(memory: Memory): readonly Row<'payment'>[] {
  return [...memory.tables.payment.values()].map((row) => decodeRow('payment', row))
}

const compare = <T extends string | number>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0)

function due(
  memory: Memory,
  beforeMs: number,
  limit: number,
): readonly { readonly paymentId: string; readonly run: number }[] {
  assertLimit(limit)
  return payments(memory)
    .flatMap(({ value: { payment, dueAtMs, run } }) =>
      dueAtMs !== null && dueAtMs <= beforeMs ? [{ paymentId: payment.id, dueAtMs, run }] : [],
    )
    .toSorted((a, b) => compare(a.dueAtMs, b.dueAtMs) || compare(a.paymentId, b.paymentId))
    .slice(0, limit)
    .map(({ paymentId, run }) => ({ paymentId, run }))
}

function scan<T extends ScannedTable>(
  memory: Memory,
  query: ScanQuery<T>,
): { readonly rows: readonly KeyedRow<T>[]; readonly cursor: string | null } {
  assertPage(query)
  const { table, status, limit, cursor } = query
  const found = [...memory.tables[table]]
    .map(([key, stored]) => ({ key, ...decodeRow(table, stored) }))
    .filter(({ key }) => cursor === undefined || key < cursor)
    .filter(({ value }) => status === undefined || ('status' in value && value.status === status))
    .toSorted((a, b) => compare(b.key, a.key))
  const rows = found.slice(0, limit)
  return { rows, cursor: found.length > limit ? (rows.at(-1)?.key ?? null) : null }
}

function list(
  memory: Memory,
  query: PaymentQuery,
): { readonly rows: readonly Row<'payment'>[]; readonly cursor: string | null } {
  assertPage(query)
  const found = payments(memory)
    .filter(({ value }) => matches(value, query))
    .toSorted((a, b) => compare(b.value.payment.id, a.value.payment.id))
  const rows = found.slice(0, query.limit)
  return {
    rows,
    cursor: found.length > rows.length ? (rows.at(-1)?.value.payment.id ?? null) : null,
  }
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

function census(memory: Memory): Census {
  const all = payments(memory).map(({ value }) => value.payment)
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

function unpublished(
  memory: Memory,
  publisher: string,
  limit: number,
): { readonly events: readonly PaymentEvent[]; readonly receipt: string } {
  assertLimit(limit)
  const start = memory.acknowledged.get(publisher) ?? 0
  const page = memory.log.slice(start, start + limit)
  return {
    events: page.map(({ value }) => decode<PaymentEvent>(value)),
    receipt: String(start + page.length),
  }
}

function acknowledge(memory: Memory, publisher: string, receipt: string): void {
  const position = readReceipt(receipt, memory.log.length)
  const before = memory.acknowledged.get(publisher) ?? 0
  memory.acknowledged.set(publisher, Math.max(before, position))
}

function unmatchedWebhooks(memory: Memory, limit: number): readonly Row<'webhook'>[] {
  assertLimit(limit)
  return [...memory.tables.webhook]
    .map(([key, row]) => ({ key, row: decodeRow('webhook', row) }))
    .filter(({ row }) => row.value.observedAtMs === null)
    .toSorted(
      (a, b) =>
        compare(a.row.value.receivedAtMs, b.row.value.receivedAtMs) || compare(a.key, b.key),
    )
    .slice(0, limit)
    .map(({ row }) => row)
}
