// Quittance on one machine: store, processor, driver, relay and door, put together. The only place
// of the embedded default that knows which adapters there are.
import { randomUUID } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Config } from '../config.ts'
import { ConfigError } from '../config.ts'
import { defaultBreakerPolicy } from '../core/breaker.ts'
import { defaultClaimPolicy } from '../core/claim.ts'
import { defaultPolicy } from '../core/policy.ts'
import type { Policy } from '../core/policy.ts'
import { createBreakers } from '../engine/breakers.ts'
import { createChanges } from '../engine/changes.ts'
import { redriveByRule } from '../engine/dead-letters.ts'
import type { Alarm, Engine } from '../engine/engine.ts'
import type { LogEntry } from '../engine/log.ts'
import type { Meter } from '../engine/meter.ts'
import { createSlots } from '../engine/slots.ts'
import { randomIds, systemClock } from '../engine/system.ts'
import { keepTime } from '../engine/time.ts'
import { watchStore } from '../engine/watch-store.ts'
import { observeWebhooks } from '../engine/webhooks.ts'
import { createApp } from '../http/app.ts'
import { openDoor } from '../http/door.ts'
import { serveHttp } from '../http/serve.ts'
import { openMetrics } from '../metrics/metrics.ts'
import { openLedger } from '../publishers/ledger/ledger.ts'
import type { LedgerService } from '../publishers/ledger/ledger.ts'
import type { Processor, Publisher, Sink, Store } from '../ports.ts'
import { openSimulatedProcessor } from '../processors/simulated/simulated.ts'
import type { Account } from '../processors/simulated/simulated.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import { openAlerts } from './alerts.ts'
import { createDriver } from './driver.ts'
import { keepFile } from './keep-file.ts'
import { startReconciling } from './reconciling.ts'
import { repeat } from './repeat.ts'
import type { Repeating } from './repeat.ts'
import { startRelay } from './relay.ts'
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

export async function openService(config: Config, options: ServiceOptions): Promise<Service> {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  // The lock on the file comes first: a second process must not even call the processor.
  const store = watchStore(openSqliteStore({ file: join(config.dataFolder, 'quittance.db') }))
  try {
    const processor = await openProcessor(config)
    const driver = createDriver()
    const processors = new Map([[processor.binding.processor, processor]])
    const ledger = openLedgerBeside(store, config)
    const publishers = [...(options.publishers ?? []), ledger.publisher]
    const metrics = await openMetrics({
      store,
      nowMs: systemClock.nowMs,
      processors,
      publishers: publishers.map(({ name }) => name),
    })
    const alerts = openAlerts(config, { ...options, publishers, counts: metrics.standing })
    const alarm = soundTo(options.log, metrics.meter, alerts.alarm)
    const engine: Engine = Object.freeze({
      store,
      processors,
      clock: systemClock,
      time: keepTime(systemClock, (byMs) =>
        alarm({ kind: 'clock_jumped', paymentId: null, detail: `by ${byMs} ms` }),
      ),
      ids: randomIds,
      policy: policyFor(config),
      claimPolicy: defaultClaimPolicy,
      secondOperator: config.secondOperatorToken !== null,
      breakerPolicy: defaultBreakerPolicy,
      rateLimits: rateLimits(config, processor),
      breakers: createBreakers(),
      slots: createSlots(),
      alarm,
      log: options.log,
      meter: metrics.meter,
      changes: createChanges(),
      wake: driver.wake,
    })
    const tokens = await prepareTokens(engine, config)
    const app = createApp({
      engine,
      metrics: metrics.text,
      door: openDoor(config.agentRate),
      ledger: ledger.ledger,
      isReady: () => ({ ready: true }),
      alertRunbookUrl: config.alertRunbookUrl,
    })
    const server = await serveHttp(app, config)
    driver.start(engine)
    const relays = publishers.map((publisher) => startRelay(engine, publisher))
    const webhooks = repeat(
      (isStopping) => observeWebhooks(engine, 100, isStopping),
      webhooksEveryMs,
    )
    const redriving = startRedriving(engine)
    const alerting = alerts.start(engine)
    const reconciling = startReconciling(engine, config)
    const stop = async (): Promise<void> => {
      await server.close()
      await redriving.stop()
      await reconciling.stop()
      await driver.stop()
      await webhooks.stop()
      await Promise.all(relays.map((relay) => relay.stop()))
      await alerting.stop()
      await processor.close()
      ledger.close()
      await store.close()
    }
    return Object.freeze({ url: server.url, tokens, stop })
  } catch (error) {
    await store.close()
    throw error
  }
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

async function openProcessor(config: Config): Promise<Processor> {
  if (config.simulatorUrl === null) {
    throw new ConfigError(
      'There is no processor: set QUITTANCE_SIMULATOR_URL to a running `quittance simulator`, or ' +
        'use `quittance start`, which runs one beside the service.',
    )
  }
  const known = await knownAccount(config)
  const processor = await openSimulatedProcessor({
    known,
    url: config.simulatorUrl,
    apiKey: config.simulatorKey,
    webhookSecret: config.simulatorWebhookSecret,
    installation: await installationId(config),
    capabilities: { absenceAfterMs: config.absenceAfterMs },
  })
  await keepAccount(config, processor)
  return processor
}

const accountFile = ({ dataFolder }: Config): string => join(dataFolder, 'processor.json')

/** Who we were at the processor the last time that this service started. */
async function knownAccount(config: Config): Promise<Account | null> {
  const kept = await readFile(accountFile(config), 'utf8').catch(absentOnly)
  try {
    return kept === null ? null : (JSON.parse(kept) as Account) // only `keepAccount` writes this file
  } catch {
    return null // torn by a power loss: the processor is asked, as at the first start
  }
}

async function keepAccount(config: Config, { binding }: Processor): Promise<void> {
  const { processorAccount: id, livemode } = binding
  await keepFile(accountFile(config), JSON.stringify({ id, livemode }))
}

/** Marks our objects at the processor; made once for a data folder. */
async function installationId({ dataFolder }: Config): Promise<string> {
  const path = join(dataFolder, 'installation')
  const kept = await readFile(path, 'utf8').catch(absentOnly)
  if (kept !== null && kept.trim() !== '') return kept.trim()
  const made = randomIds.next('inst', Date.now())
  await keepFile(path, `${made}\n`)
  return made
}

// Any other fault must not look like a new installation: our own objects would be strangers then.
function absentOnly(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}
