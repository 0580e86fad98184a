// Reconciliation on one machine: every so often for each processor, and whenever somebody asks. A run is
// stored before it begins; what a kill left behind is found here and goes on from its index.
import { join } from 'node:path'

import type { Config } from '../config.ts'
import type { ReconciliationRow } from '../core/breaks.ts'
import { defaultReconcilePolicy } from '../core/reconcile.ts'
import type { Engine } from '../engine/engine.ts'
import { beginWhatIsDue } from '../engine/reconcile-due.ts'
import { runReconciliation, runsUnderWay } from '../engine/reconcile.ts'
import { runSettlement } from '../engine/settle-file.ts'
import { openRecordIndex } from '../stores/sqlite/record-index.ts'
import type { SettlementFiles } from '../stores/sqlite/settlement-inbox.ts'
import { repeat } from './repeat.ts'
import type { Repeating } from './repeat.ts'

type ReconcilingOptions = Pick<Config, 'dataFolder' | 'reconcileMinutes' | 'reconcileDays'>

const minute = 60_000
const day = 86_400_000

/** How soon a run that was asked for begins. */
const lookEveryMs = 500

export function startReconciling(
  engine: Engine,
  options: ReconcilingOptions,
  files: SettlementFiles,
): Repeating {
  const { reconcileMinutes, reconcileDays } = options
  const rhythm = { everyMs: reconcileMinutes * minute, windowMs: reconcileDays * day }
  return repeat(async (isStopping) => {
    await beginWhatIsDue(engine, rhythm)
    const runs = await runsUnderWay(engine)
    for (const { key, value } of runs) {
      if (isStopping()) return 0
      const { file } = value
      const goesOn =
        file === undefined
          ? await overRecords(engine, options, key, isStopping)
          : await overFile(engine, files, { id: key, file: file.id }, isStopping)
      if (!goesOn) await engine.clock.sleep(lookEveryMs * 10)
    }
    return 0
  }, lookEveryMs)
}

/** Did it come as far as it could? What failed stays as it is and is tried again. */
async function overRecords(
  engine: Engine,
  { dataFolder }: ReconcilingOptions,
  id: string,
  isStopping: () => boolean,
): Promise<boolean> {
  const index = openRecordIndex(join(dataFolder, `${id}.records.db`))
  return letGo(engine, id, index, () =>
    runReconciliation(engine, { id, index, policy, isStopping }),
  )
}

async function overFile(
  engine: Engine,
  files: SettlementFiles,
  { id, file }: { readonly id: string; readonly file: string },
  isStopping: () => boolean,
): Promise<boolean> {
  const index = files.indexOf(file)
  return letGo(engine, id, index, () => runSettlement(engine, { id, index, policy, isStopping }))
}

const policy = defaultReconcilePolicy

async function letGo(
  engine: Engine,
  id: string,
  index: { readonly close: (forget: boolean) => void },
  run: () => Promise<ReconciliationRow | null>,
): Promise<boolean> {
  let isOver = false
  try {
    isOver = (await run()) !== null
    return true
  } catch (error) {
    // The store was away, or a fault of ours.
    engine.alarm({ kind: 'bug', paymentId: null, detail: `${id}: ${String(error)}` })
    return false
  } finally {
    index.close(isOver)
  }
}
