// The store on AWS: one DynamoDB table for everything. What makes it safe is in the parts: conditions are
// judged by the table (`steps.ts`), a commit is one request under one token (`commit.ts`), and what its
// answer means is told apart in `verdict.ts`. Nothing here decides about payments.
import { setTimeout as wait } from 'node:timers/promises'

import type { CommitResult, Store, Write } from '../../ports.ts'
import { assertWrite } from '../assert-write.ts'
import { openClient } from './client.ts'
import type { Client } from './client.ts'
import { commitPlanned } from './commit.ts'
import type { Moment } from './commit.ts'
import { acknowledge, markDelivered, unpublished } from './delivery.ts'
import type { Delivery, Marked } from './delivery.ts'
import { rememberEntryTimes } from './entry-times.ts'
import type { Item } from './items.ts'
import { list, scan, unmatchedWebhooks } from './pages.ts'
import { getTogether } from './reading.ts'
import { budgetPlaces, census, events, readRows } from './rows.ts'
import type { Rows } from './rows.ts'
import type { BudgetShards, Step } from './step.ts'
import { stepsOf } from './steps.ts'
import { due, undelivered } from './work.ts'
import type { Undelivered } from './work.ts'

export interface DynamoOptions {
  readonly table: string
  /** Default: one of its own, with the settings of where it runs. It should not try again by itself. */
  readonly client?: Client
  readonly now?: () => number
  /** 0 to below 1. */
  readonly random?: () => number
  readonly sleep?: (forMs: number) => Promise<void>
  /** Partitions of the indexes (see `places.ts`). May be raised, never lowered. */
  readonly workShards?: number
  readonly listShards?: number
  /** Of each switch and breaker. Fixed by the first write. */
  readonly copies?: number
  /** Items that a budget's counter is spread over. Fixed by the first write of each budget. */
  readonly budgetShards?: number
  /** Whom the stream's relay delivers for. */
  readonly publisher?: string
  /** An entry of the work index that is early by less is not moved. */
  readonly movedWhenEarlyByMs?: number
  /** For tests: what it throws is a network that failed. */
  readonly onMoment?: (moment: Moment) => void
}

export interface DynamoStore extends Store {
  /**
   * Events up to this number were delivered. Conditional, never goes back, may be repeated; rejects where
   * it may not be stored, and the events are delivered again then. The caller knows that everything
   * before it was delivered as well.
   */
  markDelivered(paymentId: string, throughSeq: number): Promise<Marked>
  /** Payments with events that were committed before a time and are not marked, those events, in order. */
  undelivered(beforeMs: number, limit: number): Promise<readonly Undelivered[]>
}

type Setting = Rows & Delivery & { readonly onMoment: (moment: Moment) => void }

export function openDynamoStore(options: DynamoOptions): DynamoStore {
  const setting = settingOf(options)
  const underWay = new Set<Promise<unknown>>()
  let closed = false
  const open = (): Setting => {
    if (closed) throw new Error('the store is closed')
    return setting
  }
  return Object.freeze<DynamoStore>({
    read: async (keys) => readRows(open(), keys),
    commit: async (write) => {
      assertWrite(write)
      if (closed) return { result: 'unknown', why: 'the store is closed' }
      const committing = commit(setting, write)
      underWay.add(committing)
      return committing.finally(() => underWay.delete(committing))
    },
    events: async (paymentId, afterSeq, limit) => events(open(), paymentId, afterSeq, limit),
    due: async (beforeMs, limit) => due(open(), beforeMs, limit),
    scan: async (asked) => scan(open(), asked),
    list: async (asked) => list(open(), asked),
    census: async () => census(open()),
    unpublished: async (publisher, limit) => unpublished(open(), publisher, limit),
    acknowledge: async (publisher, receipt) => acknowledge(open(), publisher, receipt),
    unmatchedWebhooks: async (limit) => unmatchedWebhooks(open(), limit),
    markDelivered: async (paymentId, seq) => markDelivered(open(), paymentId, seq),
    undelivered: async (beforeMs, limit) => undelivered(open(), beforeMs, limit),
    close: async () => {
      if (closed) return
      closed = true
      await Promise.allSettled(underWay)
      if (options.client === undefined) setting.client.destroy()
    },
  })
}

function settingOf(options: DynamoOptions): Setting {
  return {
    table: options.table,
    client: options.client ?? openClient(),
    now: options.now ?? Date.now,
    random: options.random ?? Math.random,
    sleep: options.sleep ?? wait,
    workShards: options.workShards ?? 16,
    listShards: options.listShards ?? 16,
    copies: options.copies ?? 16,
    budgetShards: options.budgetShards ?? 1,
    publisher: options.publisher ?? 'eventbridge',
    // Sweeps are a minute apart: who is due before the next one would be moved for nothing.
    movedWhenEarlyByMs: options.movedWhenEarlyByMs ?? 60_000,
    onMoment: options.onMoment ?? (() => undefined),
    entryTimes: rememberEntryTimes(),
  }
}

async function commit(setting: Setting, asked: Write): Promise<CommitResult> {
  // What the caller changes later is not stored, also where it has to be planned again.
  const write = structuredClone(asked)
  const { entryTimes } = setting
  const nowMs = setting.now()
  let steps: readonly Step[] = []
  const result = await commitPlanned(setting, write, async (again) => {
    const seen = await readShards(setting, write)
    steps = stepsOf(write, {
      ...setting,
      nowMs,
      budgets: { shards: setting.budgetShards, seen },
      // What was remembered did not hold.
      entryOf: (paymentId) => (again > 0 ? null : entryTimes.get(paymentId)),
    })
    return steps
  })
  if (result.result === 'committed') {
    for (const { entry } of steps) if (entry !== null) entryTimes.note(entry.paymentId, entry.atMs)
  }
  return result
}

/** Budgets in several shards are planned on what is in each of them. */
async function readShards(setting: Setting, { actions }: Write): Promise<BudgetShards['seen']> {
  const seen = new Map<string, readonly (Item | undefined)[]>()
  if (setting.budgetShards === 1) return seen
  for (const action of actions) {
    if (action.do === 'record' || action.table !== 'budget') continue
    const places = budgetPlaces(action.key, setting.budgetShards)
    seen.set(action.key, await getTogether(setting, places))
  }
  return seen
}
