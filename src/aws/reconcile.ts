// Lambda, each minute, for one processor: begins the reconciliation that is due, and goes on with what is
// under way, by schedule or because somebody asked. Before its time is over it keeps how far it is, and
// the next invocation goes on there, on whatever machine.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { awsVariables, environment } from '../config.ts'
import type { ReconciliationRow } from '../core/breaks.ts'
import { defaultReconcilePolicy as policy } from '../core/reconcile.ts'
import type { Engine } from '../engine/engine.ts'
import { beginWhatIsDue, longestWithoutRunMs } from '../engine/reconcile-due.ts'
import type { Rhythm } from '../engine/reconcile-due.ts'
import { runReconciliation, runsUnderWay } from '../engine/reconcile.ts'
import type { RecordIndex } from '../engine/record-index.ts'
import { openRecordIndex } from '../stores/sqlite/record-index.ts'
import { openCheckpoints } from './checkpoints.ts'
import type { Checkpoints } from './checkpoints.ts'
import type { Context } from './lambda.ts'
import { putMetrics } from './metrics.ts'
import type { WriteLine } from './metrics.ts'
import type { AwsEngine } from './open-engine.ts'
import { readSettings } from './settings.ts'
import type { ProcessorSettings, Settings } from './settings.ts'
import { engineFor } from './step-engine.ts'

export interface Input {
  readonly task: 'Reconcile'
  /** Left out: as long as there is time. It does one page at least. */
  readonly forSeconds?: number
}

export interface Reconciling extends Pick<AwsEngine, 'engine' | 'during'> {
  readonly processor: string
  /** All that there are: how long ago each was compared is told by whichever function lives. */
  readonly processors: readonly string[]
  readonly installation: string
  readonly rhythm: Rhythm
  readonly checkpoints: Checkpoints
  readonly write?: WriteLine
}

/** For the page that it is at, a call that hangs, and the file on its way to S3. */
const reserveMs = 120_000

export async function handler(input: Input, context: Context): Promise<object> {
  const settings = readSettings()
  const aws = await engineFor(settings)
  const given = { ...aws, ...settled(settings), checkpoints: checkpointsOf(settings) }
  return reconcileOnce(given, input, () => context.getRemainingTimeInMillis())
}

function settled(settings: Settings) {
  const processors = settings.json<Record<string, ProcessorSettings>>('PROCESSORS')
  return {
    processor: settings.text('PROCESSOR'),
    processors: Object.keys(processors),
    installation: settings.text('INSTALLATION'),
    rhythm: {
      everyMs: settings.number('RECONCILE_MINUTES') * 60_000,
      windowMs: settings.number('RECONCILE_DAYS') * 86_400_000,
    },
  }
}

function checkpointsOf(settings: Settings): Checkpoints {
  return openCheckpoints({
    host: settings.text('CHECKPOINT_HOST'),
    endpoint: environment()['AWS_ENDPOINT_URL'] ?? null,
    identity() {
      const variables = awsVariables()
      if (variables === null) throw new Error('the function has no AWS identity')
      const { region, ...identity } = variables
      if (region === null) throw new Error('AWS_REGION is not set')
      return { ...identity, region }
    },
  })
}

/** `ended`: runs that came to their end; `underWay`: those that the next invocation goes on with. */
export async function reconcileOnce(
  given: Reconciling,
  { forSeconds }: Input,
  leftMs: () => number,
): Promise<{ readonly ended: number; readonly underWay: number }> {
  const { engine, during, processor, processors, installation, rhythm, write } = given
  const forMs = forSeconds === undefined ? leftMs() : forSeconds * 1_000
  const stopsAtMs = Math.max(reserveMs, leftMs() - forMs)
  return during(leftMs, async () => {
    await beginWhatIsDue(engine, rhythm)
    const runs = (await runsUnderWay(engine)).filter(
      ({ value: { processor: of, file } }) => of === processor && file === undefined,
    )
    let ended = 0
    for (const { key } of runs) {
      const isOver = await goOn(
        given,
        key,
        pageAtLeast(() => leftMs() <= stopsAtMs),
      )
      if (isOver) ended += 1
      if (leftMs() <= stopsAtMs) break
    }
    const oldestMs = await longestWithoutRunMs(engine, processors)
    const ReconciledOldestSeconds = Math.round(oldestMs / 1_000)
    putMetrics(installation, { ReconciledOldestSeconds }, write)
    return { ended, underWay: runs.length - ended }
  })
}

/** An invocation that does nothing would be followed by others that do nothing. */
function pageAtLeast(isLate: () => boolean): () => boolean {
  let isFirst = true
  return () => {
    if (!isFirst) return isLate()
    isFirst = false
    return false
  }
}

async function goOn(
  { engine, checkpoints }: Reconciling,
  id: string,
  isStopping: () => boolean,
): Promise<boolean> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-reconcile-'))
  try {
    const file = join(folder, 'records.db')
    const wasKept = await checkpoints.fetch(id, file)
    const index = await opened(engine, id, file)
    let row: ReconciliationRow | null = null
    let isSpoilt = false
    try {
      row = await runReconciliation(engine, { id, index, policy, isStopping })
    } catch (error) {
      // The store was away, or a fault of ours: what was read until then is kept all the same, unless
      // it is the file itself that cannot be read.
      isSpoilt = error instanceof Error && 'code' in error && error.code === 'ERR_SQLITE_ERROR'
      engine.alarm({ kind: 'bug', paymentId: null, detail: `${id}: ${String(error)}` })
    } finally {
      index.close(false)
    }
    if (row === null && !isSpoilt) await checkpoints.keep(id, file)
    else if (wasKept) await checkpoints.forget(id)
    return row !== null
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** A file that cannot be opened is no reason to stand still: what it held is read again. */
async function opened(engine: Engine, id: string, file: string): Promise<RecordIndex> {
  try {
    return openRecordIndex(file)
  } catch (error) {
    engine.log({ level: 'error', kind: 'checkpoint_unreadable', run: id, detail: String(error) })
    await rm(file, { force: true })
    return openRecordIndex(file)
  }
}
