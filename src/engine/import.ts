// Puts an exported store into an empty one, whichever it is. The file is read twice: first to its end,
// so that nothing is written of one that is cut short or altered, then once more to write it. While it is
// being written the store is marked, so that half of one never opens for business.
import { createHash } from 'node:crypto'

import * as z from 'zod'

import { restoreKey } from '../core/control.ts'
import type { ControlRow } from '../core/control.ts'
import type { PaymentEvent } from '../core/payment.ts'
import { maxActions } from '../ports.ts'
import type { Action, Clock, Ids, Store, TableName } from '../ports.ts'
import { exportedTables, exportFormat } from './export.ts'

export interface ImportReport {
  readonly installation: string
  readonly rows: number
  readonly events: number
}

/** What is wrong with a file or its target, in a sentence; nothing was written. */
export class ImportRefused extends Error {}

const refuse = (why: string): never => {
  throw new ImportRefused(why)
}

const tables = exportedTables as [TableName, ...TableName[]] // there are some
const header = z.object({
  line: z.literal('header'),
  format: z.int().min(1),
  installation: z.string().min(1).max(200),
  made_at: z.string(),
  counts: z.record(z.string(), z.int().min(0)),
})
const end = z.object({ line: z.literal('end'), lines: z.int(), sha256: z.string() })
const row = z.object({
  line: z.literal('row'),
  table: z.enum(tables),
  key: z.string().min(1),
  value: z.record(z.string(), z.unknown()),
})
const event = z.object({
  line: z.literal('event'),
  event: z.looseObject({ paymentId: z.string().min(1), seq: z.int().min(1) }),
})
const publisher = z.object({
  line: z.literal('publisher'),
  name: z.string().min(1),
  acknowledged: z.int().min(0),
})
const body = z.discriminatedUnion('line', [row, event, publisher])

type Lines = () => AsyncIterable<string>

/** `lines` gives the file anew each time, without the ends of its lines. */
export async function importStore(
  target: { readonly store: Store; readonly ids: Ids; readonly clock: Clock },
  lines: Lines,
): Promise<ImportReport> {
  const { installation } = await verify(lines)
  await refuseFilled(target.store)
  const write = createWriter(target)
  await write.now([restoreMark(underWay(target.clock.nowMs()), { absent: true })])
  const kept: { restore: ControlRow | null } = { restore: null }
  const publishers: { name: string; acknowledged: number }[] = []
  let [rows, events] = [0, 0]
  for await (const text of lines()) {
    const read = parse(text)
    if (read === null) continue
    if (read.line === 'publisher') publishers.push(read)
    if (read.line === 'event') {
      events += 1
      await write.event(read.event as unknown as PaymentEvent) // as it was exported
    }
    if (read.line !== 'row') continue
    rows += 1
    const isMark = read.table === 'control' && read.key === restoreKey
    if (isMark) kept.restore = read.value as unknown as ControlRow // as it was exported
    else await write.row(read.table, read.key, read.value)
  }
  await write.flush()
  await acknowledge(target.store, lines, publishers)
  await finish(write, kept.restore)
  return { installation, rows, events }
}

function parse(text: string): z.output<typeof body> | null {
  const value: unknown = JSON.parse(text)
  return body.safeParse(value).data ?? null
}

// ── Before anything is written ───────────────────────────────────────────────────────────────────

async function verify(lines: Lines): Promise<z.output<typeof header>> {
  const hash = createHash('sha256')
  const counts = new Map<string, number>()
  let head: z.output<typeof header> | null = null
  let last: z.output<typeof end> | null = null
  let count = 0
  for await (const text of lines()) {
    if (last !== null) refuse(`There is more after its end, in line ${count + 2}.`)
    const value = jsonOf(text, count + 1)
    head ??= readHeader(value)
    last = end.safeParse(value).data ?? null
    if (last !== null) continue
    if (count > 0) tally(counts, value, count + 1)
    hash.update(`${text}\n`)
    count += 1
  }
  if (head === null) return refuse('It is empty.')
  if (last === null)
    return refuse(`It breaks off after line ${count}: it was not written to its end.`)
  if (last.lines !== count) refuse(`It has ${count} lines, and says that it has ${last.lines}.`)
  if (last.sha256 !== hash.digest('hex')) refuse('It was altered: its hash is another one.')
  for (const [name, promised] of Object.entries(head.counts)) {
    const found = counts.get(name) ?? 0
    if (found !== promised) refuse(`It has ${found} of ${name}, and promises ${promised}.`)
  }
  return head
}

function jsonOf(text: string, number: number): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return refuse(`Line ${number} is no JSON: it was cut short or altered.`)
  }
}

function readHeader(value: unknown): z.output<typeof header> {
  const head = header.safeParse(value).data
  if (head === undefined) return refuse('Its first line is no header of `quittance export`.')
  if (head.format > exportFormat) {
    refuse(
      `A newer Quittance wrote it (format ${head.format}, this program knows ${exportFormat}).`,
    )
  }
  return head
}

function tally(counts: Map<string, number>, value: unknown, number: number): void {
  const read = body.safeParse(value).data
  if (read === undefined) return refuse(`Line ${number} is nothing that an export holds.`)
  if (read.line === 'publisher') return
  const name = read.line === 'row' ? read.table : 'event'
  counts.set(name, (counts.get(name) ?? 0) + 1)
}

const looked = ['agent', 'audit', 'dead_letter', 'alert', 'reconciliation', 'break'] as const

async function refuseFilled(store: Store): Promise<void> {
  const { states } = await store.census()
  const pages = await Promise.all(looked.map((table) => store.scan({ table, limit: 1 })))
  const [mark] = await store.read([{ table: 'control', key: restoreKey }])
  if (mark?.value.by === importer && mark.value.halted) {
    refuse('An import into this store broke off: begin again with an empty one.')
  }
  if (states.size > 0 || pages.some(({ rows }) => rows.length > 0) || mark !== null) {
    refuse('There is something in the store already; an import needs an empty one.')
  }
}

// ── Writing ──────────────────────────────────────────────────────────────────────────────────────

const importer = 'import'

const underWay = (atMs: number): ControlRow => ({
  halted: true,
  by: importer,
  reason: 'an import is under way, or broke off',
  atMs,
  sinceMs: 0,
})

const restoreMark = (
  value: ControlRow,
  condition: Extract<Action, { do: 'put' }>['if'],
): Action => ({
  do: 'put',
  table: 'control',
  key: restoreKey,
  value,
  if: condition,
})

interface Writer {
  readonly now: (actions: readonly Action[]) => Promise<void>
  readonly row: (table: TableName, key: string, value: unknown) => Promise<void>
  /** In order; what follows for the same payment goes into one action. */
  readonly event: (event: PaymentEvent) => Promise<void>
  readonly flush: () => Promise<void>
}

/** Tries of a commit whose outcome is not known; it carries its id, so that it is written once. */
const maxTries = 6
const maxEventsAtOnce = 100

function createWriter({ store, ids, clock }: Parameters<typeof importStore>[0]): Writer {
  let actions: Action[] = []
  const records = new Map<string, PaymentEvent[]>()
  let waiting = 0
  const now = async (written: readonly Action[]): Promise<void> => {
    const commitId = ids.next('cmt', clock.nowMs())
    for (let tries = 1; ; tries += 1) {
      const committed = await store.commit({ commitId, actions: written })
      if (committed.result === 'committed') return
      if (committed.result === 'conflict') throw new Error('somebody else writes to this store')
      if (tries >= maxTries) throw new Error(`the store did not answer: ${committed.why}`)
      await clock.sleep(tries * 250)
    }
  }
  const flush = async (): Promise<void> => {
    const all: readonly Action[] = [
      ...actions,
      ...[...records].map(([paymentId, events]): Action => ({ do: 'record', paymentId, events })),
    ]
    actions = []
    records.clear()
    waiting = 0
    if (all.length > 0) await now(all)
  }
  return {
    now,
    flush,
    async row(table, key, value) {
      const absent = { absent: true } as const
      actions.push({ do: 'put', table, key, value, if: absent } as Action) // of the table it came from
      if (actions.length >= maxActions) await flush()
    },
    async event(next) {
      if (actions.length > 0) await flush()
      const known = records.get(next.paymentId)
      if (known === undefined) records.set(next.paymentId, [next])
      else known.push(next)
      waiting += 1
      if (records.size >= maxActions || waiting >= maxEventsAtOnce) await flush()
    },
  }
}

async function finish(write: Writer, kept: ControlRow | null): Promise<void> {
  if (kept !== null) return write.now([restoreMark(kept, null)])
  await write.now([{ do: 'delete', table: 'control', key: restoreKey, if: null }])
}

// ── Publishers ───────────────────────────────────────────────────────────────────────────────────

/**
 * Each goes on where it was. In a store that keeps another order it is offered a little again rather than
 * too little.
 */
async function acknowledge(
  store: Store,
  lines: Lines,
  publishers: readonly { readonly name: string; readonly acknowledged: number }[],
): Promise<void> {
  for (const { name, acknowledged } of publishers) {
    const open = await openFor(lines, acknowledged)
    for (;;) {
      const { events, receipt } = await store.unpublished(name, 500)
      const isKnown = (each: PaymentEvent): boolean =>
        each.seq < (open.get(each.paymentId) ?? Infinity)
      if (events.length === 0) break
      if (events.every(isKnown)) {
        await store.acknowledge(name, receipt)
        continue
      }
      await acknowledgeFirst(
        store,
        name,
        events.findIndex((each) => !isKnown(each)),
      )
      break
    }
  }
}

async function acknowledgeFirst(store: Store, name: string, count: number): Promise<void> {
  if (count <= 0) return
  const { receipt } = await store.unpublished(name, count)
  await store.acknowledge(name, receipt)
}

/** The first event of each payment that was not acknowledged. */
async function openFor(lines: Lines, acknowledged: number): Promise<ReadonlyMap<string, number>> {
  const open = new Map<string, number>()
  let count = 0
  for await (const text of lines()) {
    const read = text.startsWith('{"line":"event"') ? parse(text) : null
    if (read?.line !== 'event') continue
    count += 1
    const { paymentId, seq } = read.event
    if (count > acknowledged && !open.has(paymentId)) open.set(paymentId, seq)
  }
  return open
}
