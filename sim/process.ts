// One process of the service: the production engine and HTTP app over ports that this world holds in
// its hand. When it dies, nothing that it waits for is ever answered; what it had stored is there. The
// loops around the engine are in `driver.ts`.
import { defaultBreakerPolicy } from '../src/core/breaker.ts'
import { defaultClaimPolicy } from '../src/core/claim.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import { createBreakers } from '../src/engine/breakers.ts'
import { createChanges } from '../src/engine/changes.ts'
import type { Alarm, Engine } from '../src/engine/engine.ts'
import type { LogEntry } from '../src/engine/log.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { markStore } from '../src/engine/marks.ts'
import { createRestoreGate } from '../src/engine/restore-gate.ts'
import { createSlots } from '../src/engine/slots.ts'
import { keepTime } from '../src/engine/time.ts'
import { watchStore } from '../src/engine/watch-store.ts'
import { createApp } from '../src/http/app.ts'
import type { PaymentEvent } from '../src/core/payment.ts'
import type { Clock, Store, Write } from '../src/ports.ts'
import { createDriver } from './driver.ts'
import type { LoopName } from './driver.ts'
import { createProcessor } from './network.ts'
import type { Network } from './network.ts'
import { startChecked, withRecords } from './restored.ts'

export interface ProcessWorld extends Network {
  readonly store: Store
  /** The store answers nobody until then. */
  storeOutUntilMs: number
  readonly isHealed: () => boolean
  /** The store may be set back: processes ask the bank for its records before they begin. */
  readonly restores: boolean
  /** Something was committed for good. */
  readonly stored: (write: Write) => Promise<void>
  readonly delivered: (events: readonly PaymentEvent[]) => void
  readonly alarm: (alarm: Alarm) => void
  readonly died: (process: Process, where: string) => void
  readonly nextId: (prefix: string, nowMs: number) => string
  /** When the earliest payment is due, of those that `counts`; `null`: none is. */
  readonly earliestDueMs: (counts: (paymentId: string) => boolean) => number | null
}

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
  readonly ask: (request: Request) => Promise<Response>
}

/** What can go wrong at a port; made once, because they are asked for at every call. */
interface PortName {
  readonly name: string
  readonly before: string
  readonly after: string
  readonly stall: string
}

const portName = (name: string): PortName => ({
  name,
  before: `crash before ${name}`,
  after: `crash after ${name}`,
  stall: `stall after ${name}`,
})

const names = {
  read: portName('read'),
  commit: portName('commit'),
  acknowledge: portName('acknowledge'),
}

export function createProcess(world: ProcessWorld, number: number): Process {
  const { schedule, faults } = world
  const { rates } = world.options
  const life = {
    isAlive: true,
    skewMs: skewOf(world, number),
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
  const port = <T>(
    { name, before, after, stall }: PortName,
    effect: () => Promise<T>,
  ): Promise<T> =>
    new Promise((resolve, reject) => {
      const arrive = async (): Promise<void> => {
        if (!life.isAlive) return
        if (faults.strikes(before, rates.crash)) return kill(`before ${name}`)
        const done = await effect().then(
          (value) => () => resolve(value),
          (error: unknown) => () =>
            reject(error instanceof Error ? error : new Error(String(error))),
        )
        if (faults.strikes(after, rates.crash)) return kill(`after ${name}`)
        if (faults.strikes(stall, rates.stall)) {
          life.stalledUntilMs = schedule.nowMs() + world.random().pick([3_000, 30_000, 120_000])
        }
        whenAwake(done)
      }
      schedule.later(world.random().whole(0, 3), arrive)
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
  const isOut = (): boolean => schedule.nowMs() < world.storeOutUntilMs
  const look = <T>(effect: () => Promise<T>): Promise<T> =>
    port(names.read, () =>
      isOut() || faults.strikes('store away', rates.storeAway)
        ? Promise.reject(new Error('the store is away'))
        : effect(),
    )
  const store = watchStore({
    ...inner,
    read: (keys) => look(() => inner.read(keys)),
    commit: (write) =>
      port(names.commit, async () => {
        if (isOut() || faults.strikes('commit not written', rates.storeLost / 2)) {
          return { result: 'unknown', why: 'not written' }
        }
        const result = await inner.commit(write)
        if (result.result === 'committed') await world.stored(write)
        return faults.strikes('commit answer lost', rates.storeLost / 2)
          ? { result: 'unknown', why: 'its answer was lost' }
          : result
      }),
    events: (...given) => look(() => inner.events(...given)),
    due: (...given) => look(() => inner.due(...given)),
    scan: (query) => look(() => inner.scan(query)),
    list: (query) => look(() => inner.list(query)),
    unpublished: (...given) => look(() => inner.unpublished(...given)),
    acknowledge: (...given) => port(names.acknowledge, () => inner.acknowledge(...given)),
    unmatchedWebhooks: (limit) => look(() => inner.unmatchedWebhooks(limit)),
  })

  const bank = createProcessor(world, { isAlive, kill })
  const marked = world.restores ? markStore(store, { next: world.nextId }, clock.nowMs) : store
  const isOpen = (): boolean => gate === null || gate.state().status === 'open'
  const driver = createDriver(world, isAlive, () => engine)
  const wake = (paymentId: string, run: number): void => {
    if (isOpen()) driver.wake(paymentId, run)
  }
  const engine: Engine = Object.freeze({
    store: marked,
    processors: new Map([['bank', world.restores ? withRecords(world, bank, marked) : bank]]),
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
    log(entry: LogEntry) {
      if (entry.kind !== 'http_fault') return
      world.alarm({ kind: 'bug', paymentId: null, detail: String(entry['detail']) })
    },
    meter: silentMeter,
    changes: createChanges(),
    wake,
  })
  const gate = world.restores ? createRestoreGate(engine, life.bootMs - weekMs) : null
  // Most processes of a stormy life die before anybody asks them.
  let app: ReturnType<typeof createApp> | null = null
  const ask = async (request: Request): Promise<Response> => {
    app ??= createApp({
      engine,
      isReady: () => ({ ready: isOpen() }),
      ...(gate === null ? {} : { restore: gate }),
    })
    return app.fetch(request)
  }
  const process: Process = {
    number,
    isAlive,
    kill,
    start: () =>
      gate === null ? driver.start() : startChecked(gate, isAlive, clock, driver.start),
    setClock: (besideMs) => {
      life.skewMs = besideMs
      // What is due by the new time would else be found at an appointment made by the old one.
      driver.nudge('due')
    },
    stall: (forMs) => {
      life.stalledUntilMs = schedule.nowMs() + forMs
    },
    nudge: (loop) => {
      if (isOpen()) driver.nudge(loop)
    },
    wake,
    ask,
  }
  return process
}

/** Nothing in this world is older. */
const weekMs = 7 * 86_400_000

function skewOf({ randomOf, options, isHealed }: ProcessWorld, number: number): number {
  const skewMs = randomOf(`process ${number}`).whole(-options.skewMs, options.skewMs)
  return isHealed() ? 0 : skewMs
}
