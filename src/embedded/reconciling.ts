// Reconciliation on one machine: every so often for each processor, and whenever somebody asks. A run is
// stored before it begins; what a kill left behind is found here and goes on from its index.
import { join } from 'node:path'

import type { Config } from '../config.ts'
import { defaultReconcilePolicy } from '../core/reconcile.ts'
import type { Engine } from '../engine/engine.ts'
import { beginReconciliation, runReconciliation, runsUnderWay } from '../engine/reconcile.ts'
import { openRecordIndex } from '../stores/sqlite/record-index.ts'
import { repeat } from './repeat.ts'
import type { Repeating } from './repeat.ts'

/** Windows overlap, so that nothing falls between two. */
type ReconcilingOptions = Pick<Config, 'dataFolder' | 'reconcileMinutes' | 'reconcileDays'>

const minute = 60_000
const day = 86_400_000

/** How soon a run that was asked for begins. */
const lookEveryMs = 500

export function startReconciling(engine: Engine, options: ReconcilingOptions): Repeating {
  return repeat(async (isStopping) => {
    if (options.reconcileMinutes > 0) await beginWhatIsDue(engine, options)
    const runs = await runsUnderWay(engine)
    for (const { key } of runs) {
      if (isStopping()) return 0
      await run(engine, options, key, isStopping)
    }
    return 0
  }, lookEveryMs)
}

async function run(
  engine: Engine,
  { dataFolder }: ReconcilingOptions,
  id: string,
  isStopping: () => boolean,
): Promise<void> {
  const index = openRecordIndex(join(dataFolder, `${id}.records.db`))
  let isOver = false
  try {
    const policy = defaultReconcilePolicy
    isOver = (await runReconciliation(engine, { id, index, policy, isStopping })) !== null
  } catch (error) {
    // It stays as it is and is tried again: the store was away, or a fault of ours.
    engine.alarm({ kind: 'bug', paymentId: null, detail: `${id}: ${String(error)}` })
    await engine.clock.sleep(lookEveryMs * 10)
  } finally {
    index.close(isOver)
  }
}

/** The last run of each processor tells when the next one is due, also over a restart. */
async function beginWhatIsDue(
  engine: Engine,
  { reconcileMinutes, reconcileDays }: ReconcilingOptions,
): Promise<void> {
  const nowMs = engine.time.nowMs(0)
  const { rows } = await engine.store.scan({ table: 'reconciliation', limit: 100 })
  for (const [processor, { records }] of engine.processors) {
    if (records === undefined) continue
    const last = rows.find(({ value }) => value.processor === processor)?.value
    if (last !== undefined && nowMs < last.startedAtMs + reconcileMinutes * minute) continue
    const window = { processor, fromMs: nowMs - reconcileDays * day, toMs: nowMs }
    await beginReconciliation(engine, window, 'schedule')
  }
}
