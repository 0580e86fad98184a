// Quittance on one machine: store, processor, driver, relay and door, put together. The only place
// of the embedded default that knows which adapters there are.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Config } from '../config.ts'
import { ConfigError } from '../config.ts'
import { defaultClaimPolicy } from '../core/claim.ts'
import { defaultPolicy } from '../core/policy.ts'
import type { Policy } from '../core/policy.ts'
import { createChanges } from '../engine/changes.ts'
import type { Alarm, Engine } from '../engine/engine.ts'
import { randomIds, systemClock } from '../engine/system.ts'
import { keepTime } from '../engine/time.ts'
import { observeWebhooks } from '../engine/webhooks.ts'
import { createApp } from '../http/app.ts'
import { serveHttp } from '../http/serve.ts'
import type { Processor, Publisher } from '../ports.ts'
import { openSimulatedProcessor } from '../processors/simulated/simulated.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import { createDriver } from './driver.ts'
import { repeat } from './repeat.ts'
import { startRelay } from './relay.ts'
import { prepareTokens } from './tokens.ts'
import type { FirstTokens } from './tokens.ts'
import type { LogEntry } from './log.ts'

export interface Service {
  readonly url: string
  readonly tokens: FirstTokens
  /** Ends what is under way, keeps the rest in the store, and lets go of the file. */
  readonly stop: () => Promise<void>
}

export interface ServiceOptions {
  readonly log: (entry: LogEntry) => void
  readonly publishers?: readonly Publisher[]
}

/** How soon stored webhooks are taken up, and those that matched nothing are tried again. */
const webhooksEveryMs = 500

export async function openService(config: Config, options: ServiceOptions): Promise<Service> {
  await mkdir(config.dataFolder, { recursive: true, mode: 0o700 })
  // The lock on the file comes first: a second process must not even call the processor.
  const store = openSqliteStore({ file: join(config.dataFolder, 'quittance.db') })
  try {
    const processor = await openProcessor(config)
    const driver = createDriver()
    const alarm = (raised: Alarm): void => options.log({ level: 'alarm', ...raised })
    const engine: Engine = Object.freeze({
      store,
      processors: new Map([[processor.binding.processor, processor]]),
      clock: systemClock,
      time: keepTime(systemClock, (byMs) =>
        alarm({ kind: 'clock_jumped', paymentId: null, detail: `by ${byMs} ms` }),
      ),
      ids: randomIds,
      policy: policyFor(config),
      claimPolicy: defaultClaimPolicy,
      blocked: () => null,
      stopped: () => false,
      alarm,
      changes: createChanges(),
      wake: driver.wake,
    })
    const tokens = await prepareTokens(engine, config)
    const app = createApp({ engine, log: options.log, isReady: () => ({ ready: true }) })
    const server = await serveHttp(app, config)
    driver.start(engine)
    const relays = (options.publishers ?? []).map((publisher) => startRelay(engine, publisher))
    const webhooks = repeat(
      (isStopping) => observeWebhooks(engine, 100, isStopping),
      webhooksEveryMs,
    )
    const stop = async (): Promise<void> => {
      await server.close()
      await driver.stop()
      await webhooks.stop()
      await Promise.all(relays.map((relay) => relay.stop()))
      await processor.close()
      await store.close()
    }
    return Object.freeze({ url: server.url, tokens, stop })
  } catch (error) {
    await store.close()
    throw error
  }
}

function policyFor({ callTimeoutMs }: Config): Policy {
  return {
    ...defaultPolicy,
    callTimeoutMs,
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
  return openSimulatedProcessor({
    url: config.simulatorUrl,
    apiKey: config.simulatorKey,
    webhookSecret: config.simulatorWebhookSecret,
    installation: await installationId(config),
    capabilities: { absenceAfterMs: config.absenceAfterMs },
  })
}

/** Marks our objects at the processor; made once for a data folder. */
async function installationId({ dataFolder }: Config): Promise<string> {
  const path = join(dataFolder, 'installation')
  const kept = await readFile(path, 'utf8').catch(absentOnly)
  if (kept !== null && kept.trim() !== '') return kept.trim()
  const made = randomIds.next('inst', Date.now())
  await writeFile(path, `${made}\n`, { mode: 0o600 })
  return made
}

// Any other fault must not look like a new installation: our own objects would be strangers then.
function absentOnly(error: unknown): null {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
  throw error
}
