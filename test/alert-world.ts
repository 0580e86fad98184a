// Alerts in a world that a test holds in its hand: rows and events as the engine would write them, a
// clock that moves when the test says so, and sinks that remember what they were told.
import { setImmediate as nextTurn } from 'node:timers/promises'

import type { Sighting } from '../src/core/alert-life.ts'
import type { Notice } from '../src/core/alerts.ts'
import type { DeadLetterRow } from '../src/core/dead-letter.ts'
import type { Fact, HoldReason, ParkReason } from '../src/core/payment.ts'
import { paymentFormat } from '../src/core/payment.ts'
import { createAlertPublisher } from '../src/engine/alert-events.ts'
import { createAlerts } from '../src/engine/alerts.ts'
import type { Alerts } from '../src/engine/alerts.ts'
import type { Engine } from '../src/engine/engine.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { relay } from '../src/engine/relay.ts'
import { keepTime } from '../src/engine/time.ts'
import { openStanding } from '../src/metrics/standing.ts'
import type { Action, Clock, Sink, Store } from '../src/ports.ts'
import { initiated, paymentRow, put, putPayment, write } from '../src/stores/contract/builders.ts'
import { openMemoryStore } from '../src/stores/memory.ts'
import { createTestEngine } from './engine-world.ts'

export interface TestSink extends Sink {
  readonly told: Notice[]
}

/** `takes` says of each try what becomes of it. */
export function testSink(
  name: string,
  takes: () => 'delivered' | 'not_delivered' | 'hangs' = () => 'delivered',
): TestSink {
  const told: Notice[] = []
  return {
    name,
    told,
    async deliver(notice) {
      const fate = takes()
      if (fate === 'hangs') return new Promise(() => undefined)
      if (fate === 'delivered') told.push(notice)
      return fate
    },
  }
}

export interface AlertWorld {
  readonly engine: Engine
  /** One process's alerts; `restart` makes new ones on the same store. */
  alerts: Alerts
  readonly restart: () => Promise<void>
  /** Moves the clock in steps, with relay and looks as often as the service has them. */
  readonly pass: (forMs: number) => Promise<void>
  /** Moves the clock at once, as if nothing had been looked at meanwhile. */
  readonly leap: (forMs: number) => void
  /** Publishes one page to the alerts, without the acknowledgement: as a crash would have it. */
  readonly publish: () => Promise<void>
  readonly commit: (...actions: Action[]) => Promise<void>
  /** A payment with a hold, committed with its event. */
  readonly hold: (paymentId: string, reason: HoldReason) => Promise<void>
  readonly park: (paymentId: string, reason?: ParkReason) => Promise<void>
  readonly unpark: (paymentId: string) => Promise<void>
  /** What somebody else sees at each look. */
  sightings: readonly Sighting[]
  /** Something that happened to a payment of its own. */
  readonly happen: (paymentId: string, fact: Fact) => Promise<void>
}

export interface AlertWorldOptions {
  readonly sinks: readonly Sink[]
  readonly store?: Store
  readonly publishers?: readonly string[]
}

const stepMs = 100
const relayEveryMs = 200
const lookEveryMs = 2_000

export async function createAlertWorld(options: AlertWorldOptions): Promise<AlertWorld> {
  const { hand, engine: base } = createTestEngine()
  const clock = handClock(hand)
  const store = options.store ?? openMemoryStore()
  let standing = await openStanding(store)
  let seq = 0
  const alarm: Engine['alarm'] = (raised) => world.alerts.alarm(raised)
  const engine: Engine = {
    ...base,
    store,
    clock,
    time: keepTime(clock, () => alarm({ kind: 'clock_jumped', paymentId: null, detail: '' })),
    alarm,
    meter: {
      ...silentMeter,
      committed: (change) => standing.follow(change),
      inDoubt: () => standing.inDoubt(),
    },
  }
  const open = (): Alerts =>
    createAlerts({
      sinks: options.sinks,
      runbookUrl: 'docs/guides/alerts.md',
      counts: {
        settle: () => standing.settle(),
        heldBy: (reason) => standing.heldBy(reason),
        unknown: (sinceMs) => standing.unknown(sinceMs),
        unknownIds: (sinceMs, limit) => standing.unknownIds(sinceMs, limit),
      },
      publishers: options.publishers ?? [],
      unknownAfterMs: 900_000,
      more: async () => world.sightings,
    })
  const publisher = createAlertPublisher(engine)
  const commit = async (...actions: Action[]): Promise<void> => {
    const { result } = await store.commit(write(...actions))
    if (result !== 'committed') throw new Error(`the test's own write was a ${result}`)
    standing.inDoubt()
  }
  const record = (paymentId: string, fact: Fact): Action => {
    seq += 1
    const event = { ...fact, format: paymentFormat, paymentId, seq, atMs: hand.nowMs }
    return { do: 'record', paymentId, events: [event] }
  }
  const world: AlertWorld = {
    engine,
    alerts: open(),
    sightings: [],
    commit,
    async restart() {
      standing = await openStanding(store)
      world.alerts = open()
    },
    async pass(forMs) {
      for (const untilMs = hand.nowMs + forMs; hand.nowMs < untilMs;) {
        clock.move(stepMs)
        if (hand.steadyMs % relayEveryMs === 0) await relay(engine, publisher, 500)
        if (hand.steadyMs % lookEveryMs === 0) await world.alerts.look(engine)
        await nextTurn()
      }
    },
    leap: (forMs) => clock.move(forMs),
    async publish() {
      const page = await store.unpublished(publisher.name, 500)
      await publisher.publish(page.events)
    },
    async hold(paymentId, reason) {
      const row = paymentRow(initiated(paymentId, { holds: [reason] }))
      await commit(putPayment(row), record(paymentId, { type: 'held', reason, detail: '' }))
    },
    async park(paymentId, reason = 'outcome_unknown') {
      const row = paymentRow(initiated(paymentId, { holds: ['dead_letter'] }))
      const parked = record(paymentId, { type: 'parked', reason, attempts: 1 })
      await commit(
        putPayment(row),
        put('dead_letter', paymentId, letter(paymentId, reason, 'open')),
        parked,
      )
    },
    async unpark(paymentId) {
      const resolved = letter(paymentId, 'outcome_unknown', 'resolved')
      await commit(
        putPayment(paymentRow(initiated(paymentId))),
        put('dead_letter', paymentId, resolved),
      )
    },
    happen: (paymentId, fact) => commit(record(paymentId, fact)),
  }
  return world
}

export function letter(
  paymentId: string,
  reason: ParkReason,
  status: DeadLetterRow['status'],
): DeadLetterRow {
  return {
    paymentId,
    agent: 'agt_1',
    account: 'acct_1',
    processor: 'simulated',
    status,
    step: 'authorise',
    reason,
    attempts: 1,
    sends: 1,
    firstAtMs: 1,
    parkedAtMs: 1,
    requestHash: null,
    lastEvidence: null,
    redrives: 0,
    ruleRedrives: 0,
    endedBy: null,
    endedAtMs: null,
    note: null,
    proposal: null,
  }
}

function handClock(hand: {
  nowMs: number
  steadyMs: number
}): Clock & { move: (byMs: number) => void } {
  const sleepers = new Set<{ readonly atMs: number; readonly wake: () => void }>()
  return {
    nowMs: () => hand.nowMs,
    steadyMs: () => hand.steadyMs,
    sleep: (forMs, signal) =>
      new Promise((resolve) => {
        const sleeper = { atMs: hand.steadyMs + forMs, wake: resolve }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', () => {
          sleepers.delete(sleeper)
          resolve()
        })
      }),
    move(byMs) {
      hand.nowMs += byMs
      hand.steadyMs += byMs
      for (const sleeper of sleepers) {
        if (sleeper.atMs > hand.steadyMs) continue
        sleepers.delete(sleeper)
        sleeper.wake()
      }
    },
  }
}
