// The engine of one function. What it has in hand beyond the store (breaker reports, slots) lives as
// long as the instance, and may be lost with it. Between two invocations the instance is frozen, and
// its steady clock with it: whatever compares the two clocks begins anew with each invocation.
import { defaultBreakerPolicy } from '../core/breaker.ts'
import { defaultClaimPolicy } from '../core/claim.ts'
import { defaultPolicy } from '../core/policy.ts'
import type { Policy } from '../core/policy.ts'
import { createLogSink } from '../alerts/log.ts'
import { createAlerts } from '../engine/alerts.ts'
import { createBreakers } from '../engine/breakers.ts'
import { createChanges } from '../engine/changes.ts'
import type { Alarm, Engine } from '../engine/engine.ts'
import { silentMeter } from '../engine/meter.ts'
import { createSlots, rowsForRivals } from '../engine/slots.ts'
import { randomIds, systemClock } from '../engine/system.ts'
import { keepTime } from '../engine/time.ts'
import type { Time } from '../engine/time.ts'
import { watchStore } from '../engine/watch-store.ts'
import type { Clock, Processor, Sink, Store } from '../ports.ts'
import { openDynamoStore } from '../stores/dynamodb/store.ts'
import type { DynamoStore } from '../stores/dynamodb/store.ts'
import { readGatesApart } from './gate-reads.ts'
import { logLine, putMetrics } from './metrics.ts'
import type { WriteLine } from './metrics.ts'
import { refuseSimulated } from './processors.ts'
import type { ProcessorSettings, Settings } from './settings.ts'
import { countOpen } from './standing.ts'
import type { Standing } from './standing.ts'

export interface AwsEngine {
  readonly engine: Engine
  readonly table: DynamoStore
  readonly standing: Standing
  /** One look at everything that people are called for, told before it returns. */
  readonly look: () => Promise<void>
  /**
   * One invocation. What it raised is stored and told before the function is frozen, as far as there is
   * time for it; that it cannot be told changes nothing about what the invocation answers.
   */
  readonly during: <T>(leftMs: () => number, work: () => Promise<T>) => Promise<T>
}

export interface OpenOptions {
  readonly settings: Settings
  readonly processors: ReadonlyMap<string, Processor>
  /** Tells whoever drives that a payment is due now; without it the relay or the sweep does. */
  readonly wake?: Engine['wake']
  /** Who tells people. Without one what is raised is stored, and told by the next sweep. */
  readonly sink?: Sink
  /** Nothing is looked at here: what people must hear of is an event, and what is no event is in the log. */
  readonly isBlind?: boolean
  /** For tests. */
  readonly table?: DynamoStore
  readonly clock?: Clock
  readonly write?: WriteLine
}

/** Call < function (30 s) < Task (40 s) < when another sender may recover the send. */
export const recoverAfterMs = 45_000
const defaultCallTimeoutMs = 10_000
/** With the wait for a slot and the commits around it, it has to fit into the step's 30 s. */
const longestCallTimeoutMs = 15_000

/** A little longer than alerts gather what is alike. */
const gatherMs = 1_100
/** A look takes a fraction of it. */
const lookMs = 2_000
/** Where hundreds are parked at once, not each of them looks at everything. */
const tellEveryMs = 5_000

function policyFor({ callTimeoutMs = defaultCallTimeoutMs }: ProcessorSettings): Policy {
  if (callTimeoutMs > longestCallTimeoutMs) {
    throw new Error(
      `callTimeoutMs is ${callTimeoutMs}; at most ${longestCallTimeoutMs} fit into a step`,
    )
  }
  return {
    ...defaultPolicy,
    callTimeoutMs,
    recoverAfterMs,
    startSendWithinMs: Math.min(defaultPolicy.startSendWithinMs, Math.floor(callTimeoutMs / 2)),
  }
}

export function openEngine(options: OpenOptions): AwsEngine {
  const { settings, processors, wake = () => undefined, clock = systemClock } = options
  const described = settings.json<Record<string, ProcessorSettings>>('PROCESSORS')
  refuseSimulated(described, settings.text('SANDBOX') === '1')
  const table = options.table ?? openDynamoStore({ table: settings.text('TABLE') })
  const log = logLine(options.write)
  const installation = settings.text('INSTALLATION')
  let isRaised = false
  const store = watchBreakers(watchStore(readGatesApart(table)), (isOpen) => {
    isRaised = true
    putMetrics(installation, { BreakersOpen: isOpen ? 1 : 0 }, options.write)
  })
  const standing = countOpen(store, clock)
  const alerts = createAlerts({
    sinks: [createLogSink(log), ...(options.sink === undefined ? [] : [options.sink])],
    runbookUrl: settings.text('ALERT_RUNBOOK_URL'),
    counts: standing,
    // Its lag is told by the age of what the sweep has to publish again.
    publishers: [],
    unknownAfterMs: settings.number('UNKNOWN_ALERT_MINUTES') * 60_000,
  })
  const alarm = (raised: Alarm): void => {
    isRaised = true
    const { kind, paymentId, detail, traceId } = raised
    alerts.alarm(raised)
    if (kind === 'parked') putMetrics(installation, { Parked: 1 }, options.write)
    log({ level: 'alarm', kind, payment_id: paymentId, trace_id: traceId ?? null, detail })
  }
  const { time, thaw } = timeOfInvocation(clock, (byMs) =>
    alarm({ kind: 'clock_jumped', paymentId: null, detail: `by ${byMs} ms` }),
  )
  const engine = engineOf({ processors, described, store, clock, time, alarm, log, wake })
  const alerting = alertingEngine(engine, standing)
  const look = async (): Promise<void> => {
    await alerts.look(alerting)
    await alerts.settled()
  }
  let toldAtMs = -Infinity
  const tell = async (leftMs: () => number): Promise<void> => {
    if (
      options.isBlind === true ||
      !isRaised ||
      leftMs() < lookMs ||
      clock.nowMs() - toldAtMs < tellEveryMs
    )
      return
    isRaised = false
    toldAtMs = clock.nowMs()
    await within(clock, lookMs, look)
    if (leftMs() < gatherMs + lookMs) return
    // What may come in numbers is told a moment after the first of it.
    await clock.sleep(gatherMs)
    await within(clock, lookMs, look)
  }
  const during: AwsEngine['during'] = async (leftMs, work) => {
    thaw()
    try {
      return await work()
    } finally {
      await tell(leftMs).catch((error: unknown) =>
        log({ level: 'error', kind: 'not_told', detail: String(error) }),
      )
    }
  }
  return Object.freeze<AwsEngine>({ engine, table, standing, look, during })
}

async function within(clock: Clock, forMs: number, work: () => Promise<void>): Promise<void> {
  const over = new AbortController()
  try {
    await Promise.race([work(), clock.sleep(forMs, over.signal)])
  } finally {
    over.abort()
  }
}

/**
 * While an instance is frozen the wall clock goes on and the steady one need not: that is no leap, and
 * nothing that a payment waits for takes longer by it.
 */
function timeOfInvocation(
  clock: Clock,
  onJump: (byMs: number) => void,
): { readonly time: Time; readonly thaw: () => void } {
  let now = keepTime(clock, onJump)
  return {
    time: Object.freeze<Time>({
      nowMs: (lastCommittedMs) => now.nowMs(lastCommittedMs),
      jumped: (lastCommittedMs) => now.jumped(lastCommittedMs),
      leap: () => now.leap(),
      setBack: () => now.setBack(),
      remember: (seen) => now.remember(seen),
    }),
    thaw() {
      const seen = now.setBack()
      now = keepTime(clock, onJump)
      if (seen !== null) now.remember(seen)
    },
  }
}

/** A breaker that opens or closes is stored with a line of the audit, and only then. */
function watchBreakers(store: Store, tell: (isOpen: boolean) => void): Store {
  return Object.freeze<Store>({
    ...store,
    async commit(write) {
      const committed = await store.commit(write)
      if (committed.result !== 'committed') return committed
      const isAct = write.actions.some((each) => each.do === 'put' && each.table === 'audit')
      for (const action of write.actions) {
        if (isAct && action.do === 'put' && action.table === 'breaker') {
          tell(action.value.state !== 'closed')
        }
      }
      return committed
    },
  })
}

/**
 * Alerts count time while the instance is frozen, too. Which payments are held is known from the count: a
 * list by hold would walk through all payments that there are.
 */
function alertingEngine(engine: Engine, standing: Standing): Engine {
  const { clock, store } = engine
  const list: Store['list'] = async (query) =>
    query.hold === undefined
      ? store.list(query)
      : { rows: standing.held(query.hold).slice(0, query.limit), cursor: null }
  return Object.freeze<Engine>({
    ...engine,
    clock: { ...clock, steadyMs: clock.nowMs },
    store: { ...store, list },
  })
}

function engineOf({
  described,
  ...given
}: Pick<Engine, 'processors' | 'store' | 'clock' | 'time' | 'alarm' | 'log' | 'wake'> & {
  readonly described: Readonly<Record<string, ProcessorSettings>>
}): Engine {
  const entries = Object.entries(described)
  return Object.freeze<Engine>({
    ...given,
    ids: randomIds,
    policy: { ...defaultPolicy, recoverAfterMs },
    policies: new Map(entries.map(([name, settings]) => [name, policyFor(settings)])),
    claimPolicy: defaultClaimPolicy,
    secondOperator: false,
    breakerPolicy: defaultBreakerPolicy,
    rateLimits: new Map(
      entries.flatMap(([name, { rate }]) => (rate === undefined ? [] : [[name, rate] as const])),
    ),
    breakers: createBreakers(),
    slots: createSlots(rowsForRivals),
    meter: silentMeter,
    changes: createChanges(),
  })
}
