// The head of a payment: its row, how far its events go, how far they were delivered, and its entry in
// the work index, all in one item, so that one write changes them together.
//
// The entry says when somebody has to come back. Its time may be earlier than that, never later: so a
// commit leaves the entry of a payment in progress alone, and pays for no index. Whoever sweeps and finds
// it early moves it (`work.ts`). That it is still early enough is a condition of the commit, because an
// entry may be moved or taken away between a read and a commit.
import { clausesOf, failedForGood, holds, isAbsent, isPlain, notByUs } from './conditions.ts'
import type { Clause } from './conditions.ts'
import { redeliverAfterMs } from './event-items.ts'
import { check, update } from './expressions.ts'
import type { Change } from './expressions.ts'
import { attributesOf, listEntries, numberOf, rowAttributes, text, textOf, whole } from './items.ts'
import type { Attributes, Item } from './items.ts'
import { headOf, shardOf, workPartition } from './places.ts'
import type { Shards } from './places.ts'
import type { Judgement, Of, Placed, RowAction, Setting, Step } from './step.ts'

/** What is asked of the item together: the payment's row, its events, or both. */
interface Asked {
  readonly row: Placed<RowAction> | null
  readonly record: Placed<Of<'record'>> | null
}

/** Where the entry has to be: kept where it is, if no later than this, or put there. */
interface Entry {
  readonly latestMs: number
  readonly isKept: boolean
}

export function headStep(
  paymentId: string,
  row: Placed<RowAction> | null,
  record: Placed<Of<'record'>> | null,
  commitId: string,
  setting: Setting,
): readonly Step[] {
  const asked = { row, record }
  const entry = entryFor(paymentId, asked, setting)
  const change = changeOf(asked, commitId, setting)
  const place = headOf(paymentId)
  const clauses = [
    ...clausesOf(row?.action.if ?? null),
    ...(row?.action.do === 'put' ? [notByUs(commitId)] : []),
    ...(record === null ? [] : [noneSince(record.action.events[0]?.seq ?? 0)]),
    ...(entry?.isKept === true ? [stillEarly(entry.latestMs)] : []),
  ]
  const attributes = { ...change.attributes, ...newEntry(paymentId, entry, setting) }
  const writes = Object.keys(attributes).length > 0
  if (!writes && clauses.length === 0) return []
  return [
    {
      action: writes
        ? update(setting.table, place, { ...change, attributes }, clauses)
        : check(setting.table, place, clauses),
      entry: entry === null || entry.isKept ? null : { paymentId, atMs: entry.latestMs },
      isPlain: row !== null && record === null && isPlain(row.action),
      judge: (before) => judgeHead(paymentId, asked, entry, before, commitId),
    },
  ]
}

/** Numbers of events have no gap: one above the last is free, one below is taken. */
const noneSince = (first: number): Clause => ({
  expression: '(attribute_not_exists(n) OR n < :first)',
  values: { ':first': whole(first) },
})

const stillEarly = (latestMs: number): Clause => ({
  expression: 't <= :latest',
  values: { ':latest': whole(latestMs) },
})

function changeOf({ row, record }: Asked, commitId: string, shards: Shards): Change {
  const last = record?.action.events.at(-1)?.seq
  const recorded = last === undefined ? {} : { n: whole(last) }
  const action = row?.action
  if (action?.do === 'put' && action.table === 'payment') {
    // The lists' entries are as they were claimed; an update does not name them.
    const isNew = action.if === null || isAbsent(action.if)
    const lists = isNew ? listEntries(action.value, shards) : {}
    return {
      attributes: { ...attributesOf(action, shards), ...lists, c: text(commitId), ...recorded },
      computed: { v: 'if_not_exists(v, :zero) + :one' },
      values: { ':zero': whole(0), ':one': whole(1) },
    }
  }
  if (action?.do === 'delete' && !isAbsent(action.if)) {
    const gone = Object.fromEntries(rowAttributes.map((name) => [name, null]))
    return { attributes: { ...gone, ...recorded } }
  }
  return { attributes: recorded }
}

// ── The entry ────────────────────────────────────────────────────────────────────────────────────

/** `null`: this write gives nobody a reason to come back. */
function entryFor(paymentId: string, { row, record }: Asked, setting: Setting): Entry | null {
  const action = row?.action
  const put = action?.do === 'put' && action.table === 'payment' ? action.value : null
  const dueAtMs = put?.dueAtMs ?? null
  if (record === null && dueAtMs === null) return null
  const latestMs = Math.min(dueAtMs ?? Infinity, setting.nowMs + redeliverAfterMs)
  const knownMs = setting.entryOf(paymentId)
  return { latestMs, isKept: knownMs !== null && knownMs <= latestMs }
}

function newEntry(paymentId: string, entry: Entry | null, { workShards }: Setting): Attributes {
  if (entry === null || entry.isKept) return {}
  return {
    w: text(workPartition(shardOf(paymentId, workShards))),
    t: whole(entry.latestMs),
  }
}

// ── What a failure means ─────────────────────────────────────────────────────────────────────────

function judgeHead(
  paymentId: string,
  { row, record }: Asked,
  entry: Entry | null,
  before: Item | undefined,
  commitId: string,
): Judgement {
  const condition = row?.action.if ?? null
  const isHeld = holds(condition, before)
  const last = numberOf(before, 'n') ?? 0
  const taken = (record?.action.events ?? []).filter(({ seq }) => seq <= last)
  const payment = { at: row?.at ?? 0, row: { table: 'payment', key: paymentId } } as const
  const events = taken.map(({ seq }) => ({
    at: record?.at ?? 0,
    row: { table: 'event', key: `${paymentId}/${seq}` } as const,
  }))
  const entryMs = numberOf(before, 't')
  return {
    isOurs: row?.action.do === 'put' && textOf(before, 'c') === commitId,
    rows: isHeld ? events : [payment, ...events],
    isForGood: taken.length > 0 || (!isHeld && failedForGood(condition, before)),
    isStale: entry?.isKept === true && (entryMs === null || entryMs > entry.latestMs),
  }
}
