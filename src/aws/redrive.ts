// Lambda, each minute: the rule that takes up dead letters again once the breaker of their processor has
// closed. What an operator redrives goes over the API.
import { redriveByRule } from '../engine/dead-letters.ts'
import type { Context } from './lambda.ts'
import { openEngine } from './open-engine.ts'
import type { AwsEngine } from './open-engine.ts'
import { readSettings } from './settings.ts'
import { describedProcessors } from './sweep.ts'

const reserveMs = 10_000

let opened: AwsEngine | null = null

function open(): AwsEngine {
  const settings = readSettings()
  return openEngine({ settings, processors: describedProcessors(settings) })
}

export async function handler(_: unknown, context: Context): Promise<object> {
  opened ??= open()
  return redriveOnce(opened, () => context.getRemainingTimeInMillis())
}

export async function redriveOnce(
  { engine, during }: Pick<AwsEngine, 'engine' | 'during'>,
  leftMs: () => number,
): Promise<object> {
  const isStopping = (): boolean => leftMs() < reserveMs
  return during(leftMs, async () => {
    let cursor: string | null = null
    let taken = 0
    do {
      const look: Awaited<ReturnType<typeof redriveByRule>> = await redriveByRule(
        engine,
        cursor,
        isStopping,
      )
      cursor = look.cursor
      taken += look.taken
    } while (cursor !== null && !isStopping())
    return { taken }
  })
}
