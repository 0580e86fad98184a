// Lambda: one Task of a run, for one processor; or, each minute, what its webhooks said.
import type { Context } from './lambda.ts'
import { observeWebhooks } from '../engine/webhooks.ts'
import type { Processor } from '../ports.ts'
import { openSimulatedProcessor } from '../processors/simulated/simulated.ts'
import { openEngine } from './open-engine.ts'
import type { AwsEngine } from './open-engine.ts'
import { createSecrets } from './secrets.ts'
import { readSettings } from './settings.ts'
import type { ProcessorSettings, Settings } from './settings.ts'
import { longestWaitSeconds } from './state-machine.ts'
import { runStep } from './steps.ts'
import type { StepInput } from './steps.ts'

const longestSleepMs = 20_000
const commitsMs = 4_000

const readSecret = createSecrets()
let opened: { readonly key: string; readonly made: Promise<AwsEngine> } | null = null

/** One engine for as long as the key is the same. */
async function engineFor(settings: Settings): Promise<AwsEngine> {
  const key = await readSecret(settings.text('PROCESSOR_SECRET_ARN'))
  if (opened?.key !== key) opened = { key, made: open(settings, key) }
  return opened.made.catch((error: unknown) => {
    opened = null
    throw error
  })
}

async function open(settings: Settings, apiKey: string): Promise<AwsEngine> {
  const name = settings.text('PROCESSOR')
  const given = settings.json<Record<string, ProcessorSettings>>('PROCESSORS')[name]
  if (given === undefined) throw new Error(`there is no processor ${name}`)
  const installation = settings.text('INSTALLATION')
  const processor = await calledProcessor(name, given, { apiKey, installation })
  return openEngine({ settings, processors: new Map([[name, processor]]) })
}

function calledProcessor(
  name: string,
  { url, account, absenceAfterMs }: ProcessorSettings,
  { apiKey, installation }: { readonly apiKey: string; readonly installation: string },
): Promise<Processor> {
  return openSimulatedProcessor({
    name,
    url,
    apiKey,
    installation,
    known: account,
    // One call at a time; a second connection lets a look-up not wait for a call that hangs.
    connections: 2,
    capabilities: absenceAfterMs === undefined ? {} : { absenceAfterMs },
  })
}

export async function handler(
  input: StepInput | { readonly task: 'Observe' },
  context: Context,
): Promise<object> {
  const settings = readSettings()
  const { engine, flush } = await engineFor(settings)
  try {
    if (input.task === 'Observe') {
      const isStopping = (): boolean => context.getRemainingTimeInMillis() < 2 * commitsMs
      await observeWebhooks(engine, 100, isStopping)
      return {}
    }
    const { callTimeoutMs } = engine.policies?.get(settings.text('PROCESSOR')) ?? engine.policy
    const limits = {
      longestSleepMs,
      longestWaitMs: longestWaitSeconds[settings.workflow()] * 1000,
      stepNeedsMs: callTimeoutMs + commitsMs,
    }
    await runStep(engine, input, limits, () => context.getRemainingTimeInMillis())
    return {}
  } finally {
    await flush()
  }
}
