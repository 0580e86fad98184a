// What is so right now and should not stay so: switches, breakers, holds, ages. Each is read from what
// is stored, or counted from commit to commit, so nothing has to be remembered over a restart.
import type { Sighting } from '../core/alert-life.ts'
import { maxNamed } from '../core/alert-life.ts'
import { alertKey } from '../core/alerts.ts'
import type { AlertKind } from '../core/alerts.ts'
import type { HoldReason } from '../core/payment.ts'
import type { AlertRows } from './alert-rows.ts'
import { listProcessors, readStopped } from './control.ts'
import type { Engine } from './engine.ts'

/** How payments stand, as whoever counts them knows it. */
export interface Counts {
  /** Makes sure that they are whole. Rejects where the store cannot be read for that. */
  readonly settle: () => Promise<void>
  readonly heldBy: (reason: HoldReason) => number
  /** Those with a send that is unknown since then, or longer. */
  readonly unknown: (sinceMs: number) => { readonly count: number }
  /** The first few of these. */
  readonly unknownIds: (sinceMs: number, limit: number) => readonly string[]
}

export interface Watched {
  readonly counts: Counts
  readonly publishers: readonly string[]
  readonly unknownAfterMs: number
  /** What whoever puts it together knows besides. */
  readonly more?: () => Promise<readonly Sighting[]>
}

/** Ages that count as stuck; once they do, it is over when they are half as old. */
const overdueAfterMs = 60_000
const lagAfterMs = 60_000

/** Overdue payments are counted up to here; what is more is no less urgent. */
const maxOverdue = 100

/** Everything that holds now; what is not among it has ended. Rejects where the store is away. */
export async function lookAround(
  engine: Engine,
  watched: Watched,
  rows: AlertRows,
): Promise<readonly Sighting[]> {
  await watched.counts.settle()
  const seen = await Promise.all([
    switches(engine),
    queues(engine, watched, rows),
    unknowns(engine, watched),
    overdue(engine, rows),
    lags(engine, watched, rows),
    watched.more?.() ?? [],
  ])
  return seen.flat()
}

function sighting(
  kind: AlertKind,
  subject: string | null = null,
  count = 1,
  paymentIds: readonly string[] = [],
): Sighting {
  return { group: { kind, subject, detail: '' }, count, paymentIds }
}

async function switches(engine: Engine): Promise<readonly Sighting[]> {
  const [stopped, processors] = await Promise.all([readStopped(engine), listProcessors(engine)])
  const each = processors.flatMap(({ name, control, breaker }) => [
    ...(control?.halted === true ? [sighting('processor_paused', name)] : []),
    ...((breaker?.state ?? 'closed') === 'closed' ? [] : [sighting('breaker_open', name)]),
  ])
  return stopped?.halted === true ? [sighting('stopped'), ...each] : each
}

const queueReasons = [
  'approval_required',
  'possible_duplicate',
  'action_required',
  'processor_changed',
] as const satisfies readonly HoldReason[]

async function queues(
  engine: Engine,
  { counts }: Watched,
  rows: AlertRows,
): Promise<readonly Sighting[]> {
  const waiting = queueReasons.filter((reason) => counts.heldBy(reason) > 0)
  return Promise.all(
    waiting.map(async (reason) => {
      const count = counts.heldBy(reason)
      const known = firing(rows, reason)
      // The list is walked through only where there is something new in it.
      if (known?.count === count) return sighting(reason, null, count, known.paymentIds)
      const page = await engine.store.list({ account: null, hold: reason, limit: maxNamed })
      return sighting(
        reason,
        null,
        count,
        page.rows.map(({ value }) => value.payment.id),
      )
    }),
  )
}

function firing(rows: AlertRows, kind: AlertKind, subject: string | null = null) {
  const row = rows.get(alertKey({ kind, subject, detail: '' }))?.value
  return row?.status === 'firing' ? row : null
}

async function unknowns(
  engine: Engine,
  { counts, unknownAfterMs }: Watched,
): Promise<readonly Sighting[]> {
  const sinceMs = engine.time.nowMs(0) - unknownAfterMs
  const { count } = counts.unknown(sinceMs)
  if (count === 0) return []
  return [sighting('unknown_too_long', null, count, counts.unknownIds(sinceMs, maxNamed))]
}

async function overdue(engine: Engine, rows: AlertRows): Promise<readonly Sighting[]> {
  const ageMs = firing(rows, 'payments_overdue') === null ? overdueAfterMs : overdueAfterMs / 2
  const late = await engine.store.due(engine.time.nowMs(0) - ageMs, maxOverdue)
  if (late.length === 0) return []
  const named = late.slice(0, maxNamed).map(({ paymentId }) => paymentId)
  return [sighting('payments_overdue', null, late.length, named)]
}

async function lags(
  engine: Engine,
  { publishers }: Watched,
  rows: AlertRows,
): Promise<readonly Sighting[]> {
  const late = await Promise.all(
    publishers.map(async (name) => {
      const ageMs = firing(rows, 'outbox_lag', name) === null ? lagAfterMs : lagAfterMs / 2
      const [oldest] = (await engine.store.unpublished(name, 1)).events
      const isLate = oldest !== undefined && engine.time.nowMs(0) - oldest.atMs >= ageMs
      return isLate ? [sighting('outbox_lag', name)] : []
    }),
  )
  return late.flat()
}
