// The engine of one function. What it has in hand beyond the store (breaker reports, slots) lives as
// long as the instance, and may be lost with it.
import { defaultBreakerPolicy } from '../core/breaker.ts'
import { defaultClaimPolicy } from '../core/claim.ts'
import { defaultPolicy } from '../core/policy.ts'
import type { Policy } from '../core/policy.ts'
import { createAlerts } from '../engine/alerts.ts'
import type { Alerts } from '../engine/alerts.ts'
import { createBreakers } from '../engine/breakers.ts'
import { createChanges } from '../engine/changes.ts'
import type { Alarm, Engine } from '../engine/engine.ts'
import { silentMeter } from '../engine/meter.ts'
import { createSlots } from '../engine/slots.ts'
import { randomIds, systemClock } from '../engine/system.ts'
import { keepTime } from '../engine/time.ts'
import { watchStore } from '../engine/watch-store.ts'
import type { Processor, Sink, Store } from '../ports.ts'
import { openDynamoStore } from '../stores/dynamodb/store.ts'
import type { DynamoStore } from '../stores/dynamodb/store.ts'
import { logLine, putMetrics } from './metrics.ts'
import { refuseSimulated } from './processors.ts'
import type { ProcessorSettings, Settings } from './settings.ts'
import { countOpen } from './standing.ts'
import { createTopicSink } from './topic.ts'

export interface AwsEngine {
  readonly engine: Engine
  readonly alerts: Alerts
  readonly table: DynamoStore
  /** Alarms of this invocation stored and told: before the function is frozen. */
  readonly flush: () => Promise<void>
}

export interface OpenOptions {
  readonly settings: Settings
  readonly processors: ReadonlyMap<string, Processor>
  /** Tells whoever drives that a payment is due now; without it the relay or the sweep does. */
  readonly wake?: Engine['wake']
  /** For tests. */
  readonly table?: DynamoStore
  readonly sink?: Sink
}

/** Call < function (30 s) < Task (40 s) < when another sender may recover the send. */
export const recoverAfterMs = 45_000
const defaultCallTimeoutMs = 10_000

/** A little longer than alerts gather what is alike. */
const gatherMs = 1_100

function policyFor({ callTimeoutMs = defaultCallTimeoutMs }: ProcessorSettings): Policy {
  return {
    ...defaultPolicy,
    callTimeoutMs,
    recoverAfterMs,
    startSendWithinMs: Math.min(defaultPolicy.startSendWithinMs, Math.floor(callTimeoutMs / 2)),
  }
}

export function openEngine(options: OpenOptions): AwsEngine {
  const { settings, processors, wake = () => undefined } = options
  const described = settings.json<Record<string, ProcessorSettings>>('PROCESSORS')
  refuseSimulated(described, settings.text('SANDBOX') === '1')
  const table = options.table ?? openDynamoStore({ table: settings.text('TABLE') })
  const store = watchStore(table)
  const log = logLine()
  const installation = settings.text('INSTALLATION')
  const alerts = createAlerts({
    sinks: [options.sink ?? createTopicSink(settings.text('ALERT_TOPIC_ARN'))],
    runbookUrl: settings.text('ALERT_RUNBOOK_URL'),
    counts: countOpen(store, systemClock),
    // Its lag is told by the age of what the sweep has to publish again.
    publishers: [],
    unknownAfterMs: settings.number('UNKNOWN_ALERT_MINUTES') * 60_000,
  })
  let isRaised = false
  const alarm = (raised: Alarm): void => {
    isRaised = true
    const { kind, paymentId, detail, traceId } = raised
    alerts.alarm(raised)
    if (kind === 'parked') putMetrics(installation, { Parked: 1 })
    log({ level: 'alarm', kind, payment_id: paymentId, trace_id: traceId ?? null, detail })
  }
  const engine = engineOf({ settings, processors, described, store, alarm, log, wake })
  const flush = async (): Promise<void> => {
    if (isRaised) {
      isRaised = false
      await alerts.look(engine)
      // What may come in numbers is told a moment after the first of it.
      await systemClock.sleep(gatherMs)
      await alerts.look(engine)
    }
    await alerts.settled()
  }
  return Object.freeze({ engine, alerts, table, flush })
}

function engineOf({
  processors,
  described,
  store,
  alarm,
  log,
  wake,
}: Pick<OpenOptions, 'processors' | 'settings'> &
  Pick<Engine, 'alarm' | 'log' | 'wake'> & {
    readonly described: Readonly<Record<string, ProcessorSettings>>
    readonly store: Store
  }): Engine {
  const entries = Object.entries(described)
  return Object.freeze<Engine>({
    store,
    processors,
    clock: systemClock,
    time: keepTime(systemClock, (byMs) =>
      alarm({ kind: 'clock_jumped', paymentId: null, detail: `by ${byMs} ms` }),
    ),
    ids: randomIds,
    policy: { ...defaultPolicy, recoverAfterMs },
    policies: new Map(entries.map(([name, given]) => [name, policyFor(given)])),
    claimPolicy: defaultClaimPolicy,
    secondOperator: false,
    breakerPolicy: defaultBreakerPolicy,
    rateLimits: new Map(
      entries.flatMap(([name, { rate }]) => (rate === undefined ? [] : [[name, rate] as const])),
    ),
    breakers: createBreakers(),
    slots: createSlots(),
    alarm,
    log,
    meter: silentMeter,
    changes: createChanges(),
    wake,
  })
}
