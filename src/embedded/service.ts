// Quittance on one machine: store, processor, driver, relay and door, put together. The only place
// of the embedded default that knows which adapters there are.
import { randomUUID } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

import type { Config } from '../config.ts'
import { defaultBreakerPolicy } from '../core/breaker.ts'
import { defaultClaimPolicy } from '../core/claim.ts'
import { defaultPolicy } from '../core/policy.ts'
import type { Policy } from '../core/policy.ts'
import { createBreakers } from '../engine/breakers.ts'
import { writeOffs } from '../engine/breaks.ts'
import { createChanges } from '../engine/changes.ts'
import { redriveByRule } from '../engine/dead-letters.ts'
import type { Alarm, Engine } from '../engine/engine.ts'
import type { LogEntry } from '../engine/log.ts'
import type { Meter } from '../engine/meter.ts'
import { markProcessor, markStore } from '../engine/marks.ts'
import { createRestoreGate } from '../engine/restore-gate.ts'
import type { RestoreGate } from '../engine/restore-gate.ts'
import { createSlots } from '../engine/slots.ts'
import { randomIds, systemClock } from '../engine/system.ts'
import { keepTime } from '../engine/time.ts'
import { watchStore } from '../engine/watch-store.ts'
import { observeWebhooks } from '../engine/webhooks.ts'
import { createApp } from '../http/app.ts'
import { withConsole } from '../http/console.ts'
import { openDoor } from '../http/door.ts'
import { createJwkSource } from '../http/jwk-source.ts'
import { createJwtVerifier } from '../http/jwt.ts'
import type { HttpService } from '../http/service.ts'
import { serveHttp } from '../http/serve.ts'
import { openMetrics } from '../metrics/metrics.ts'
import { openLedger } from '../publishers/ledger/ledger.ts'
import type { LedgerService } from '../publishers/ledger/ledger.ts'
import type { Processor, Publisher, Sink, Store } from '../ports.ts'
import { openSettlementFiles } from '../stores/sqlite/settlement-inbox.ts'
import type { SettlementFiles } from '../stores/sqlite/settlement-inbox.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import { openAlerts } from './alerts.ts'
import { openDelivery } from './delivery.ts'
import { createDriver } from './driver.ts'
import { installationId, openProcessor } from './processor.ts'
import { openReceiptKeys } from './receipt-keys.ts'
import { startReconciling } from './reconciling.ts'
import { repeat } from './repeat.ts'
import type { Repeating } from './repeat.ts'
import { askFirst, keepAsking, madeAtMs, readiness, restoreSightings } from './restoring.ts'
import { prepareTokens } from './tokens.ts'
import type { FirstTokens } from './tokens.ts'

export interface Service {
  readonly url: string
  readonly tokens: FirstTokens
  /** Ends what is under way, keeps the rest in the store, and lets go of the file. */
  readonly stop: () => Promise<void>
}

export interface ServiceOptions {
  readonly log: (entry: LogEntry) => void
  readonly publishers?: readonly Publisher[]
  /** Where alerts go besides the log and the webhook of the settings. */
  readonly sinks?: readonly Sink[]
}

/** How soon stored webhooks are taken up, and those that matched nothing are tried again. */
const webhooksEveryMs = 500

/** How soon a break that was written off is in the books; each is booked once. */
const writeOffsEveryMs = 5_000

export async function openService(config: Config, options: ServiceOptions): Promise<Service> {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  // The lock on the file comes first: a second process must not even call the processor.
  const store = openStore(config)
  try {
    const installation = await installationId(config)
    const processor = markProcessor(await openProcessor(config, installation), store)
    const driver = createDriver()
    const processors = new Map([[processor.binding.processor, processor]])
    const ledger = openLedgerBeside(store, config)
    const settlements = openSettlementFiles(config.dataFolder, systemClock.nowMs)
    const delivery = openDelivery(config, store, options.log)
    const publishers = [...(options.publishers ?? []), ledger.publisher, ...delivery.publishers]
    const metrics = await openMetrics({
      store,
      nowMs: systemClock.nowMs,
      processors,
      publishers: publishers.map(({ name }) => name),
      downstream: delivery.downstream,
    })
    let gate: RestoreGate | null = null
    const more = async () => [...(await delivery.sightings()), ...restoreSightings(gate)]
    const counts = metrics.standing
    const alerts = openAlerts(config, { ...options, publishers, counts, more })
    const alarm = soundTo(options.log, metrics.meter, alerts.alarm)
    const engine: Engine = Object.freeze({
      ...fixedParts(),
      store,
      processors,
      time: keepTime(systemClock, (byMs) =>
        alarm({ kind: 'clock_jumped', paymentId: null, detail: `by ${byMs} ms` }),
      ),
      policy: policyFor(config),
      secondOperator: config.secondOperatorToken !== null,
      rateLimits: rateLimits(config, processor),
      alarm,
      log: options.log,
      meter: metrics.meter,
      wake: driver.wake,
    })
    const tokens = await prepareTokens(engine, config)
    const restore = createRestoreGate(engine, madeAtMs(installation))
    gate = restore
    await askFirst(restore)
    const app = createApp({
      engine,
      metrics: metrics.text,
      ...callersOf(config, options.log),
      ledger: ledger.ledger,
      ...delivery.doors(publishers),
      settlements: settlements.inbox,
      receipts: await openReceiptKeys(config),
      restore,
      isReady: () => readiness(restore),
      alertRunbookUrl: config.alertRunbookUrl,
    })
    const server = await serveHttp(withConsole(app, engine, config), config)
    await delivery.start(engine, publishers)
    const alerting = alerts.start(engine)
    const loops: Repeating[] = [keepAsking(restore)]
    restore.onOpen(() => {
      loops.push(...startLoops(engine, config, settlements, ledger))
      driver.start(engine)
    })
    const stop = async (): Promise<void> => {
      await server.close()
      await Promise.all(loops.map((loop) => loop.stop()))
      await driver.stop()
      await alerting.stop()
      await delivery.stop()
      await processor.close()
      ledger.close()
      settlements.close()
      await store.close()
    }
    return Object.freeze({ url: server.url, tokens, stop })
  } catch (error) {
    await store.close()
    throw error
  }
}

function openStore({ dataFolder }: Config): Store {
  const file = openSqliteStore({ file: join(dataFolder, 'quittance.db') })
  return watchStore(markStore(file, randomIds, systemClock.nowMs))
}

/** A provider's keys are read when they are first needed: one that is down must not stop a start. */
function callersOf(
  { agentRate, jwt }: Config,
  log: ServiceOptions['log'],
): Pick<HttpService, 'door' | 'jwt'> {
  const door = openDoor(agentRate)
  if (jwt === null) return { door }
  const onFault = (detail: string): void => log({ level: 'error', kind: 'jwks_unreadable', detail })
  const source = createJwkSource(jwt.jwksUrl, { onFault })
  return { door, jwt: createJwtVerifier(jwt, source, systemClock.nowMs) }
}

/** What no setting changes. */
function fixedParts() {
  return {
    clock: systemClock,
    ids: randomIds,
    claimPolicy: defaultClaimPolicy,
    breakerPolicy: defaultBreakerPolicy,
    breakers: createBreakers(),
    slots: createSlots(),
    changes: createChanges(),
  }
}

/** What goes round while payments may move. */
function startLoops(
  engine: Engine,
  config: Config,
  settlements: SettlementFiles,
  ledger: LedgerService,
): readonly Repeating[] {
  return [
    startObserving(engine),
    startRedriving(engine),
    startReconciling(engine, config, settlements),
    startWritingOff(engine, ledger),
  ]
}

function startObserving(engine: Engine): Repeating {
  return repeat((isStopping) => observeWebhooks(engine, 100, isStopping), webhooksEveryMs)
}

function startWritingOff(engine: Engine, ledger: LedgerService): Repeating {
  return repeat(async () => {
    for await (const page of writeOffs(engine)) ledger.writeOff(page)
    return 0
  }, writeOffsEveryMs)
}

/** The books have a file of their own; lost, it is made anew from the events. */
function openLedgerBeside({ events: readEvents }: Store, { dataFolder }: Config): LedgerService {
  return openLedger({ file: join(dataFolder, 'ledger.db'), readEvents, newId: randomUUID })
}

function soundTo(
  log: ServiceOptions['log'],
  meter: Meter,
  alert: Engine['alarm'],
): Engine['alarm'] {
  return (alarm: Alarm) => {
    const { kind, paymentId, detail, traceId } = alarm
    alert(alarm)
    meter.alarmed(kind)
    log({ level: 'alarm', kind, payment_id: paymentId, trace_id: traceId ?? null, detail })
  }
}

function rateLimits({ processorRate }: Config, { binding }: Processor): Engine['rateLimits'] {
  return new Map(processorRate === null ? [] : [[binding.processor, processorRate]])
}

/** How soon a closed breaker's dead letters are taken up. */
const redriveEveryMs = 1_000

/** The rule that takes up again what an outage left behind, a page at a time. */
function startRedriving(engine: Engine): Repeating {
  let cursor: string | null = null
  return repeat(async (isStopping) => {
    const look = await redriveByRule(engine, cursor, isStopping)
    cursor = look.cursor
    return look.taken
  }, redriveEveryMs)
}

function policyFor({ callTimeoutMs }: Config): Policy {
  return {
    ...defaultPolicy,
    callTimeoutMs,
    // One machine has one clock; what it leaps while we run is seen.
    clockErrorMs: 2_000,
    // The sender reports before anybody recovers its send.
    recoverAfterMs: Math.ceil(callTimeoutMs * 1.5),
    startSendWithinMs: Math.min(defaultPolicy.startSendWithinMs, Math.floor(callTimeoutMs / 2)),
  }
}
