// One process of the service: the production engine and HTTP app over ports that this world holds in
// its hand. When it dies, nothing that it waits for is ever answered; what it had stored is there.
import { defaultBreakerPolicy } from '../src/core/breaker.ts'
import { defaultClaimPolicy } from '../src/core/claim.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import { advance } from '../src/engine/advance.ts'
import { createBreakers } from '../src/engine/breakers.ts'
import { createChanges } from '../src/engine/changes.ts'
import { redriveByRule } from '../src/engine/dead-letters.ts'
import type { Alarm, Engine } from '../src/engine/engine.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { relay } from '../src/engine/relay.ts'
import { createSlots } from '../src/engine/slots.ts'
import { sweep } from '../src/engine/sweep.ts'
import { keepTime } from '../src/engine/time.ts'
import { isUnreadable, watchStore } from '../src/engine/watch-store.ts'
import { observeWebhooks } from '../src/engine/webhooks.ts'
import { createApp } from '../src/http/app.ts'
import type { PaymentEvent } from '../src/core/payment.ts'
import type { Clock, Publisher, Store, Write } from '../src/ports.ts'
import { createProcessor } from './network.ts'
import type { Network } from './network.ts'

export interface ProcessWorld extends Network {
  readonly store: Store
  readonly isHealed: () => boolean
  /** Something was committed for good. */
  readonly stored: (write: Write) => Promise<void>
  readonly delivered: (events: readonly PaymentEvent[]) => void
  readonly alarm: (alarm: Alarm) => void
  readonly died: (process: Process, where: string) => void
  readonly nextId: (prefix: string, nowMs: number) => string
  /** When the earliest payment is due; `null`: none is. */
  readonly earliestDueMs: () => number | null
}

/** The sweep, the outbox, the inbox, and the rule that redrives. */
export type LoopName = 'due' | 'events' | 'webhooks' | 'recovered'

export interface Process {
  readonly number: number
  readonly isAlive: () => boolean
  readonly kill: (where: string) => void
  readonly start: () => void
  /** The clock of this machine leaps to so much beside the true time, without a word. */
  readonly setClock: (besideMs: number) => void
  /** Nothing of it goes on until then. */
  readonly stall: (forMs: number) => void
  /** Somebody has stored what one of its loops takes up. */
  readonly nudge: (loop: LoopName) => void
  /** It is told of a payment that another one may be driving. */
  readonly wake: (paymentId: string, run: number) => void
  readonly ask: (path: string, init: RequestInit) => Promise<Response>
}

export function createProcess(world: ProcessWorld, number: number): Process {
  const { schedule, random, faults } = world
  const { rates } = world.options
  const life = {
    isAlive: true,
    skewMs: skewOf(world),
    bootMs: schedule.nowMs(),
    stalledUntilMs: 0,
  }
  const isAlive = (): boolean => life.isAlive

  const kill = (where: string): void => {
    if (!life.isAlive) return
    life.isAlive = false
    world.died(process, where)
  }

  // Each call of a port takes its time, and the process can die on both sides of its effect.
  const port = <T>(name: string, effect: () => Promise<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      const arrive = async (): Promise<void> => {
        if (!life.isAlive) return
        if (faults.strikes(`crash before ${name}`, rates.crash)) return kill(`before ${name}`)
        const done = await effect().then(
          (value) => () => resolve(value),
          (error: unknown) => () =>
            reject(error instanceof Error ? error : new Error(String(error))),
        )
        if (faults.strikes(`crash after ${name}`, rates.crash)) return kill(`after ${name}`)
        if (faults.strikes(`stall after ${name}`, rates.stall)) {
          life.stalledUntilMs = schedule.nowMs() + random.pick([3_000, 30_000, 120_000])
        }
        whenAwake(done)
      }
      schedule.later(random.whole(0, 3), arrive)
    })

  const whenAwake = (go: () => void): void => {
    const sleepMs = life.stalledUntilMs - schedule.nowMs()
    if (sleepMs <= 0) {
      if (life.isAlive) go()
      return
    }
    schedule.later(sleepMs, () => whenAwake(go))
  }

  const clock: Clock = {
    nowMs: () => schedule.nowMs() + life.skewMs,
    steadyMs: () => schedule.nowMs() - life.bootMs,
    sleep: (forMs) =>
      new Promise((resolve) =>
        schedule.later(Math.max(1, forMs), () => whenAwake(() => resolve())),
      ),
  }

  const { store: inner } = world
  const store = watchStore({
    ...inner,
    read: (keys) =>
      port('read', () =>
        faults.strikes('store away', rates.storeAway)
          ? Promise.reject(new Error('the store is away'))
          : inner.read(keys),
      ),
    commit: (write) =>
      port('commit', async () => {
        if (faults.strikes('commit not written', rates.storeLost / 2)) {
          return { result: 'unknown', why: 'not written' }
        }
        const result = await inner.commit(write)
        if (result.result === 'committed') await world.stored(write)
        return faults.strikes('commit answer lost', rates.storeLost / 2)
          ? { result: 'unknown', why: 'its answer was lost' }
          : result
      }),
    events: (...given) => port('read', () => inner.events(...given)),
    due: (...given) => port('read', () => inner.due(...given)),
    scan: (query) => port('read', () => inner.scan(query)),
    list: (query) => port('read', () => inner.list(query)),
    unpublished: (...given) => port('read', () => inner.unpublished(...given)),
    acknowledge: (...given) => port('acknowledge', () => inner.acknowledge(...given)),
    unmatchedWebhooks: (limit) => port('read', () => inner.unmatchedWebhooks(limit)),
  })

  const driver = createDriver(world, isAlive, () => engine)
  const engine: Engine = Object.freeze({
    store,
    processors: new Map([['bank', createProcessor(world, isAlive)]]),
    clock,
    time: keepTime(clock, () => undefined),
    ids: { next: world.nextId },
    policy: defaultPolicy,
    claimPolicy: defaultClaimPolicy,
    secondOperator: false,
    breakerPolicy: defaultBreakerPolicy,
    rateLimits: new Map(
      world.options.rateLimit === null ? [] : [['bank', world.options.rateLimit]],
    ),
    breakers: createBreakers(),
    slots: createSlots(),
    alarm: world.alarm,
    log: () => undefined,
    meter: silentMeter,
    changes: createChanges(),
    wake: driver.wake,
  })
  const app = createApp({ engine, isReady: () => ({ ready: true }) })
  const process: Process = {
    number,
    isAlive,
    kill,
    start: driver.start,
    setClock: (besideMs) => {
      life.skewMs = besideMs
    },
    stall: (forMs) => {
      life.stalledUntilMs = schedule.nowMs() + forMs
    },
    nudge: driver.nudge,
    wake: driver.wake,
    ask: async (path, init) => app.request(path, init),
  }
  return process
}

function skewOf({ random, options, isHealed }: ProcessWorld): number {
  const skewMs = random.whole(-options.skewMs, options.skewMs)
  return isHealed() ? 0 : skewMs
}

// ── The loops around the engine ──────────────────────────────────────────────────────────────────

const publisherName = 'listener'
const sweepEveryMs = 500

/** As the driver of one machine, but with the world's timers. */
function createDriver(world: ProcessWorld, isAlive: () => boolean, engine: () => Engine) {
  const { schedule, faults } = world
  const runs = new Map<string, number>()
  const active = new Set<string>()
  const resting = new Set<string>()

  const wake = (paymentId: string, run: number): void => {
    runs.set(paymentId, Math.max(run, runs.get(paymentId) ?? 0))
    if (active.has(paymentId) || !isAlive()) return
    active.add(paymentId)
    schedule.later(0, () => void drive(paymentId))
  }

  const drive = async (paymentId: string): Promise<void> => {
    const run = runs.get(paymentId) ?? 1
    runs.delete(paymentId)
    let pauseMs: number | null = null
    try {
      let progress = await advance(engine(), paymentId, run)
      while (progress.next === 'go_on') progress = await advance(engine(), paymentId, run)
      if (progress.next === 'wait') pauseMs = progress.untilMs - engine().clock.nowMs()
      if (progress.next === 'store_unavailable') pauseMs = 500
    } catch (error) {
      if (!isUnreadable(error)) world.alarm({ kind: 'bug', paymentId, detail: String(error) })
      pauseMs = 1_000
    }
    active.delete(paymentId)
    if (runs.has(paymentId)) return wake(paymentId, run)
    // A longer wait is the sweep's business.
    if (pauseMs === null || pauseMs > 30_000 || resting.has(paymentId)) return
    resting.add(paymentId)
    schedule.later(Math.max(0, pauseMs), () => {
      resting.delete(paymentId)
      wake(paymentId, run)
    })
  }

  const isDriven = (paymentId: string): boolean => active.has(paymentId) || resting.has(paymentId)

  const publisher: Publisher = {
    name: publisherName,
    publish: (events) =>
      new Promise((resolve) => {
        const { publisherLost } = world.options.rates
        schedule.later(5, () => {
          if (!isAlive()) return
          if (faults.strikes('publisher away', publisherLost)) return resolve('not_delivered')
          world.delivered(events)
          resolve(faults.strikes('delivery unheard', publisherLost) ? 'not_delivered' : 'delivered')
        })
      }),
  }

  // Each loop rests while there is nothing to do, and is woken by whoever stores something for it.
  const loops: Readonly<Record<LoopName, Loop>> = {
    due: createLoop(world, isAlive, async () => {
      await sweep(engine(), 100, isDriven, (paymentId, run, error) => {
        if (!isUnreadable(error)) world.alarm({ kind: 'bug', paymentId, detail: String(error) })
      })
      const dueMs = world.earliestDueMs()
      if (dueMs === null) return null
      return Math.max(sweepEveryMs, dueMs - engine().clock.nowMs())
    }),
    events: createLoop(world, isAlive, async () => {
      const { result } = await relay(engine(), publisher, 100)
      return result === 'empty' ? null : 200
    }),
    webhooks: createLoop(world, isAlive, async () => {
      await observeWebhooks(engine(), 100)
      const left = await world.store.unmatchedWebhooks(1)
      return left.length === 0 ? null : 5_000
    }),
    recovered: createLoop(world, isAlive, async () => {
      await redriveByRule(engine(), null)
      return null
    }),
  }
  const start = (): void => {
    for (const loop of Object.values(loops)) loop.nudge()
  }
  return { wake, nudge: (name: LoopName) => loops[name].nudge(), start }
}

interface Loop {
  readonly nudge: () => void
}

/** Looks again after what `work` says; `null`: when it is nudged. */
function createLoop(
  { schedule }: ProcessWorld,
  isAlive: () => boolean,
  work: () => Promise<number | null>,
): Loop {
  let dueMs = Infinity
  let isBusy = false
  let isNudged = false
  const at = (inMs: number): void => {
    const atMs = schedule.nowMs() + inMs
    if (atMs >= dueMs) return
    dueMs = atMs
    schedule.later(inMs, () => {
      // Only the newest appointment counts.
      if (dueMs === atMs && isAlive()) void look()
    })
  }
  const look = async (): Promise<void> => {
    isBusy = true
    dueMs = Infinity
    const againMs = await work().catch(() => 1_000)
    isBusy = false
    if (againMs !== null) at(againMs)
    if (isNudged) nudge()
  }
  const nudge = (): void => {
    isNudged = isBusy
    if (!isBusy) at(sweepEveryMs)
  }
  return { nudge }
}
