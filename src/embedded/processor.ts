// The processor of one machine, as the settings name it, and what is kept of it beside the store: the
// installation's id, which marks our objects there, and who we were at the last start.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

import type { Config } from '../config.ts'
import { ConfigError } from '../config.ts'
import { randomIds } from '../engine/system.ts'
import type { Processor } from '../ports.ts'
import { openSimulatedProcessor } from '../processors/simulated/simulated.ts'
import type { Account } from '../processors/simulated/simulated.ts'
import { openStripeProcessor } from '../processors/stripe/stripe.ts'
import { keepFile } from './keep-file.ts'

/** Rejects where it cannot be told who we are there. */
export async function openProcessor(config: Config, installation: string): Promise<Processor> {
  const known = await knownAccount(config)
  const processor =
    config.stripe === null
      ? await openSimulated(config, installation, known)
      : await openStripeProcessor({ ...config.stripe, installation, known })
  await keepAccount(config, processor)
  return processor
}

function openSimulated(
  config: Config,
  installation: string,
  known: Account | null,
): Promise<Processor> {
  if (config.simulatorUrl === null) {
    throw new ConfigError(
      'There is no processor: set QUITTANCE_SIMULATOR_URL to a running `quittance simulator`, or ' +
        'use `quittance start`, which runs one beside the service. Payments through Stripe: ' +
        'QUITTANCE_PROCESSOR=stripe.',
    )
  }
  return openSimulatedProcessor({
    known,
    url: config.simulatorUrl,
    apiKey: config.simulatorKey,
    webhookSecret: config.simulatorWebhookSecret,
    installation,
    capabilities: { absenceAfterMs: config.absenceAfterMs },
  })
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
export async function installationId({ dataFolder }: Config): Promise<string> {
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
