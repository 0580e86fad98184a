// Who has to be looked at: payments that are due, and events that nobody is known to have delivered. The
// index tells where to look, and may lag or be early; the payment's head, read consistently, decides.
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb'

import { assertLimit } from '../assert-write.ts'
import { committedAtMs, readEventItem, redeliverAfterMs } from './event-items.ts'
import type { EventItem } from './event-items.ts'
import { update } from './expressions.ts'
import { numberOf, rowOf, text, versionOf, whole } from './items.ts'
import type { Item } from './items.ts'
import { headOf, headSortKey, keyOf, workPartition } from './places.ts'
import type { Shards } from './places.ts'
import { getEach, query } from './reading.ts'
import type { Reading } from './reading.ts'
import { eventItems } from './rows.ts'

export interface Work extends Reading, Shards {
  readonly now: () => number
  /** An entry that is early by less is left where it is: to look again costs less than to move it. */
  readonly movedWhenEarlyByMs: number
}

/** Entries that one question looks at, at most; what is behind them is found by the next one. */
const maxLooks = 1_000

/** Of each shard at first: enough for the whole answer where payments are spread evenly. */
const pageSize = 50

/** An entry of the index with the head of its payment as it is now. */
interface Found {
  readonly paymentId: string
  readonly head: Item
}

export async function due(
  work: Work,
  beforeMs: number,
  limit: number,
): Promise<readonly { readonly paymentId: string; readonly run: number }[]> {
  assertLimit(limit)
  const overdue: { paymentId: string; run: number; dueAtMs: number }[] = []
  const early: Found[] = []
  await walk(work, beforeMs, async (found, earliestLeftMs) => {
    for (const each of found) {
      const dueAtMs = numberOf(each.head, 'd')
      const row = dueAtMs !== null && dueAtMs <= beforeMs ? rowOf('payment', each.head) : null
      if (row === null || dueAtMs === null) early.push(each)
      else overdue.push({ paymentId: each.paymentId, run: row.value.run, dueAtMs })
    }
    // Entries are never later than their payments: nobody who is left can be overdue for longer.
    return overdue.filter(({ dueAtMs }) => dueAtMs < earliestLeftMs).length >= limit
  })
  await moveEarly(work, early, beforeMs)
  return overdue
    .toSorted((a, b) => a.dueAtMs - b.dueAtMs || (a.paymentId < b.paymentId ? -1 : 1))
    .slice(0, limit)
    .map(({ paymentId, run }) => ({ paymentId, run }))
}

export interface Undelivered extends Pick<EventItem, 'paymentId' | 'events' | 'throughSeq'> {
  /** The payment as the last of these events left it. */
  readonly about: EventItem['about']
  /** When the first of them was committed. */
  readonly sinceMs: number
  /** Why its events cannot be read: they are named, in order that nobody takes them for delivered. */
  readonly unreadable: string | null
}

/** Payments with events that were committed before a time and are not marked as delivered. */
export async function undelivered(
  work: Work,
  beforeMs: number,
  limit: number,
): Promise<readonly Undelivered[]> {
  assertLimit(limit)
  const late: Undelivered[] = []
  await walk(work, beforeMs + redeliverAfterMs, async (found) => {
    for (const { paymentId, head } of found) {
      if (late.length >= limit || isDelivered(head)) continue
      const items = await eventItems(work, paymentId, deliveredSeq(head), eventsAtOnce)
      const [first] = items
      if (first !== undefined && committedAtMs(first) < beforeMs)
        late.push(readable(paymentId, items, head))
    }
    return late.length >= limit
  })
  return late
}

/** What is behind them is republished after them. */
const eventsAtOnce = 100

// One payment's items keep no other payment's from being published.
function readable(paymentId: string, items: readonly Item[], head: Item): Undelivered {
  const [first] = items
  const sinceMs = first === undefined ? 0 : committedAtMs(first)
  try {
    return { ...together(items, head), sinceMs, unreadable: null }
  } catch (error) {
    const none = { events: [], throughSeq: deliveredSeq(head), about: null }
    return { paymentId, ...none, sinceMs, unreadable: String(error) }
  }
}

type Together = Omit<Undelivered, 'sinceMs' | 'unreadable'>

function together(items: readonly Item[], head: Item): Together {
  const read = items.map(readEventItem).filter((item) => item !== null)
  const events = read.flatMap((item) => item.events).filter(({ seq }) => seq > deliveredSeq(head))
  const last = read.at(-1)
  return {
    paymentId: last?.paymentId ?? '',
    events,
    throughSeq: last?.throughSeq ?? 0,
    about: last?.about ?? null,
  }
}

export const deliveredSeq = (head: Item): number => numberOf(head, 'm') ?? 0

export const isDelivered = (head: Item): boolean => deliveredSeq(head) >= (numberOf(head, 'n') ?? 0)

// ── Walking the index ────────────────────────────────────────────────────────────────────────────

/**
 * Entries up to a time, over all shards, earliest first, in portions, until somebody has seen enough.
 * `earliestLeftMs`: no entry earlier than that is still to come.
 */
export async function walk(
  work: Work,
  untilMs: number,
  see: (found: readonly Found[], earliestLeftMs: number) => Promise<boolean>,
): Promise<void> {
  let shards = Array.from({ length: work.workShards }, (_, shard): Shard => ({
    partition: workPartition(shard),
    next: undefined,
  }))
  const seen = new Set<string>()
  while (shards.length > 0 && seen.size < maxLooks) {
    const pages = await Promise.all(shards.map((shard) => readShard(work, shard, untilMs)))
    // An entry that was just moved may show twice.
    const ids = pages
      .flatMap(({ paymentIds }) => paymentIds)
      .filter((paymentId) => !seen.has(paymentId))
    for (const paymentId of ids) seen.add(paymentId)
    const heads = await getEach(work, [...new Set(ids)].map(headOf))
    const found = [...new Set(ids)].flatMap((paymentId, index) => {
      const head = heads[index]
      return head === undefined ? [] : [{ paymentId, head }]
    })
    shards = pages.flatMap(({ shard }) => (shard === null ? [] : [shard]))
    const left = pages.flatMap(({ shard, lastMs }) => (shard === null ? [] : [lastMs]))
    if (await see(found, Math.min(Infinity, ...left))) return
  }
}

interface Shard {
  readonly partition: string
  /** Where it goes on. */
  readonly next: Item | undefined
}

async function readShard(work: Work, { partition, next }: Shard, untilMs: number) {
  const page = await query(work, {
    IndexName: 'work',
    KeyConditionExpression: 'w = :shard AND t <= :until',
    ExpressionAttributeValues: { ':shard': text(partition), ':until': whole(untilMs) },
    Limit: pageSize,
    ...(next === undefined ? {} : { ExclusiveStartKey: next }),
  })
  return {
    paymentIds: page.items
      .filter(({ sk }) => sk?.S === headSortKey)
      .map(({ pk }) => keyOf(pk?.S ?? '')),
    lastMs: numberOf(page.items.at(-1), 't') ?? 0,
    shard: page.next === undefined ? null : { partition, next: page.next },
  }
}

// ── Moving entries ───────────────────────────────────────────────────────────────────────────────

/** So many are moved by one question: the others cost a look until their turn comes. */
const maxMoves = 100

async function moveEarly(work: Work, early: readonly Found[], beforeMs: number): Promise<void> {
  const moves = early.flatMap(({ paymentId, head }) => {
    const toMs = laterTime(head, beforeMs + work.movedWhenEarlyByMs)
    return toMs === 'stays' ? [] : [{ paymentId, head, toMs }]
  })
  await Promise.all(moves.slice(0, maxMoves).map((move) => moveEntry(work, move)))
}

/** `null`: nobody has to come back at all. */
function laterTime(head: Item, worthItAfterMs: number): number | null | 'stays' {
  // The sweep for events finds it here; it is moved once they are marked.
  if (!isDelivered(head)) return 'stays'
  const dueAtMs = versionOf(head) === null ? null : numberOf(head, 'd')
  if (dueAtMs === null) return null
  return dueAtMs > worthItAfterMs ? dueAtMs : 'stays'
}

/**
 * Only while the payment and its entry are as they were seen. A commit that comes later was told of the
 * earlier entry, and its own condition finds this one too late.
 */
async function moveEntry(
  work: Work,
  move: { readonly paymentId: string; readonly head: Item; readonly toMs: number | null },
): Promise<void> {
  const { paymentId, head, toMs } = move
  const unchanged = ['v', 'n', 'm', 't', 'd'].map((name) => {
    const value = head[name]
    return value === undefined
      ? { expression: `attribute_not_exists(${name})` }
      : { expression: `${name} = :seen_${name}`, values: { [`:seen_${name}`]: value } }
  })
  const attributes = toMs === null ? { w: null, t: null } : { t: whole(toMs) }
  const { Update: request } = update(work.table, headOf(paymentId), { attributes }, unchanged)
  if (request === undefined) return
  // Whoever was faster knows better; an entry that stays costs the next sweep a look.
  await work.client.send(new UpdateItemCommand(request)).catch(() => undefined)
}
