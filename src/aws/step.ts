// Lambda: one Task of a run, for one processor; or, each minute, what its webhooks said.
import type { Engine } from '../engine/engine.ts'
import { observeWebhooks } from '../engine/webhooks.ts'
import { isStepError } from './errors.ts'
import type { Context } from './lambda.ts'
import type { AwsEngine } from './open-engine.ts'
import { readSettings } from './settings.ts'
import type { Settings } from './settings.ts'
import { longestWaitSeconds } from './state-machine.ts'
import { engineFor } from './step-engine.ts'
import { runStep } from './steps.ts'
import type { StepInput } from './steps.ts'

/** Cheaper than three transitions of the machine. */
const longestSleepMs = 20_000
/** A slot of the rate limit, and the commits before and after. */
const aroundCallMs = 6_000

type Input = StepInput | { readonly task: 'Observe' }

export async function handler(input: Input, context: Context): Promise<object> {
  const settings = readSettings()
  const aws = await engineFor(settings)
  return stepOf(aws, settings, input, () => context.getRemainingTimeInMillis())
}

export async function stepOf(
  { engine, during }: Pick<AwsEngine, 'engine' | 'during'>,
  settings: Settings,
  input: Input,
  leftMs: () => number,
): Promise<object> {
  const processor = settings.text('PROCESSOR')
  return during(leftMs, async () => {
    if (input.task === 'Observe') return observe(engine, processor, leftMs)
    const { callTimeoutMs } = engine.policies?.get(processor) ?? engine.policy
    const limits = {
      longestSleepMs,
      longestWaitMs: longestWaitSeconds[settings.workflow()] * 1000,
      stepNeedsMs: callTimeoutMs + aroundCallMs,
    }
    await runStep(engine, input, limits, leftMs).catch((error: unknown) => {
      if (!isStepError(error)) tellBug(engine, input.paymentId, error)
      throw error
    })
    return {}
  })
}

// The machine fails with it, and the sweep begins the next run: somebody has to know why.
function tellBug(engine: Engine, paymentId: string, error: unknown): void {
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  engine.alarm({ kind: 'bug', paymentId, detail })
}

const webhooksAtOnce = 100

/**
 * Takes up this processor's own messages only: of another one's it cannot ask what they are about. As
 * long as that gets somewhere, because the next minute brings more.
 */
async function observe(
  engine: Engine,
  processor: string,
  leftMs: () => number,
): Promise<{ readonly observed: number }> {
  const isStopping = (): boolean => leftMs() < 2 * aroundCallMs
  const { store } = engine
  const own: Engine = {
    ...engine,
    store: {
      ...store,
      unmatchedWebhooks: async (limit) =>
        (await store.unmatchedWebhooks(limit)).filter(({ value }) => value.processor === processor),
    },
  }
  let observed = 0
  for (;;) {
    const matched = await observeWebhooks(own, webhooksAtOnce, isStopping)
    observed += matched
    if (matched === 0 || isStopping()) return { observed }
  }
}
