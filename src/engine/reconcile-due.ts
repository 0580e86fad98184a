// When the next reconciliation is due. The last run of each processor tells it, so that neither a restart
// nor a function that begins anew forgets it or begins one too many.
import type { ReconciliationRow } from '../core/breaks.ts'
import type { Engine } from './engine.ts'
import { beginReconciliation } from './reconcile.ts'

export interface Rhythm {
  /** 0: only when somebody asks. */
  readonly everyMs: number
  /** Windows overlap, so that nothing falls between two. */
  readonly windowMs: number
}

/** A processor that could not be read for a moment is not left uncompared for a whole round. */
const retryAfterMs = 300_000

/** Begins a run for each processor that tells records and whose last one is so long ago, or failed. */
export async function beginWhatIsDue(engine: Engine, { everyMs, windowMs }: Rhythm): Promise<void> {
  if (everyMs <= 0) return
  const nowMs = engine.time.nowMs(0)
  const latest = await latestRuns(engine)
  for (const [processor, { records }] of engine.processors) {
    if (records === undefined) continue
    const last = latest.find((run) => run.processor === processor)
    if (last !== undefined && nowMs < dueAtMs(last, everyMs)) continue
    const window = { processor, fromMs: nowMs - windowMs, toMs: nowMs }
    await beginReconciliation(engine, window, 'schedule')
  }
}

function dueAtMs({ status, startedAtMs, endedAtMs }: ReconciliationRow, everyMs: number): number {
  const nextMs = startedAtMs + everyMs
  return status === 'failed' ? Math.min(nextMs, (endedAtMs ?? startedAtMs) + retryAfterMs) : nextMs
}

/** How long ago the last run ended that read everything, of the processor for which that is longest. */
export async function longestWithoutRunMs(
  engine: Engine,
  processors: readonly string[],
): Promise<number> {
  const nowMs = engine.time.nowMs(0)
  const latest = await latestRuns(engine)
  const ages = processors.map((processor) => {
    const own = latest.filter((run) => run.processor === processor)
    const finished = own.find(({ status }) => status === 'finished')
    // Where none has ended well, it waits since the first that was begun.
    return nowMs - (finished?.endedAtMs ?? own.at(-1)?.startedAtMs ?? nowMs)
  })
  return Math.max(0, ...ages)
}

/** Over the processors' own records, newest first; a settlement file is no look at them. */
async function latestRuns(engine: Engine): Promise<readonly ReconciliationRow[]> {
  const { rows } = await engine.store.scan({ table: 'reconciliation', limit: 100 })
  return rows.map(({ value }) => value).filter(({ file }) => file === undefined)
}
