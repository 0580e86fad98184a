// Alerts: who is called for what, and once. There are three ways in. Events come from the outbox and
// are never missed; conditions are looked at again and again; what has neither (a bug, a leap of the
// clock) comes by `alarm`, is kept in memory until the next look, and is lost with the process. Only
// the log has it then.
import { edited, maxNamed, moreOf, over, standing } from '../core/alert-life.ts'
import type { Sighting } from '../core/alert-life.ts'
import { alertKey, natureOf } from '../core/alerts.ts'
import type { AlertRow } from '../core/alerts.ts'
import type { Row, Sink } from '../ports.ts'
import { lookAround } from './alert-conditions.ts'
import type { Watched } from './alert-conditions.ts'
import { createDelivery } from './alert-delivery.ts'
import { changeAlert, putAlert, readAlerts } from './alert-rows.ts'
import type { AlertRows } from './alert-rows.ts'
import { createDeadLetterSweep } from './alert-sweep.ts'
import type { Walked } from './alert-sweep.ts'
import type { Alarm, Engine } from './engine.ts'

export interface AlertOptions extends Watched {
  readonly sinks: readonly Sink[]
  /** The page with a heading for each kind. */
  readonly runbookUrl: string
}

export interface Alerts {
  readonly alarm: (alarm: Alarm) => void
  /** One look at everything; nothing that a sink does keeps it waiting. Call it every two seconds. */
  readonly look: (engine: Engine) => Promise<void>
  /** When no delivery is under way any more. */
  readonly settled: () => Promise<void>
}

/**
 * Unknown payments are counted from commit to commit, and after a start each is met anew when it is
 * due: within a minute, or five where something stands in its way. Before, none is called over.
 */
const countsAreWholeAfterMs = 360_000

/** The others of its kinds are events, or holds, and come from what is stored. */
const byAlarmOnly = [
  'replayed_first_send',
  'evidence_not_stored',
  'clock_jumped',
  'reconciliation_break',
  'bug',
] as const

export function createAlerts(options: AlertOptions): Alerts {
  const alarms = new Map<string, Sighting>()
  const sweep = createDeadLetterSweep()
  let startedMs: number | null = null
  const delivery = createDelivery(options.sinks, options.runbookUrl)

  const storeAlarms = async (engine: Engine): Promise<void> => {
    for (const [kind, sighting] of alarms) {
      alarms.delete(kind)
      await changeAlert(engine, sighting.group, (row) =>
        moreOf(row, sighting, engine.time.nowMs(0)),
      ).catch((error: unknown) => {
        keep(sighting)
        throw error
      })
    }
  }

  const keep = ({ group, count, paymentIds }: Sighting): void => {
    const known = alarms.get(group.kind)
    const named = [...new Set([...(known?.paymentIds ?? []), ...paymentIds])].slice(0, maxNamed)
    alarms.set(group.kind, { group, count: (known?.count ?? 0) + count, paymentIds: named })
  }

  return Object.freeze<Alerts>({
    alarm({ kind: raised, paymentId }) {
      const kind = byAlarmOnly.find((each) => each === raised)
      if (kind === undefined) return
      const group = { kind, subject: null, detail: '' } as const
      keep({ group, count: 1, paymentIds: paymentId === null ? [] : [paymentId] })
    },
    async look(engine) {
      await storeAlarms(engine)
      const rows = await readAlerts(engine)
      const walked = await sweep.look(engine, rows)
      const seen = await lookAround(engine, options, rows)
      startedMs ??= engine.clock.steadyMs()
      const isWarm = engine.clock.steadyMs() - startedMs >= countsAreWholeAfterMs
      const knows = (row: Row<'alert'>): boolean => {
        if (row.value.kind === 'dead_letter') return walkedSince(walked, row)
        return row.value.kind !== 'unknown_too_long' || isWarm
      }
      delivery.offer(
        engine,
        await judgeAll(engine, rows, [...seen, ...(walked?.groups ?? [])], knows),
      )
    },
    settled: delivery.settled,
  })
}

/**
 * The alerts as they are after this look. `knows`: what was not seen of an alert is not there, and
 * what was seen of a queue is all of it.
 */
async function judgeAll(
  engine: Engine,
  rows: AlertRows,
  seen: readonly Sighting[],
  knows: (row: Row<'alert'>) => boolean,
): Promise<AlertRows> {
  const sightings = new Map(seen.map((each) => [alertKey(each.group), each]))
  const after = new Map(rows)
  for (const key of new Set([...rows.keys(), ...sightings.keys()])) {
    const row = rows.get(key) ?? null
    const value = judge(engine, row, sightings.get(key) ?? null, knows)
    if (value === null || value === row?.value) continue
    // `null`: it was changed meanwhile, so this look knows too little; the next one knows more.
    const stored = await putAlert(engine, row, value)
    if (stored !== null) after.set(key, stored)
  }
  return after
}

function judge(
  engine: Engine,
  row: Row<'alert'> | null,
  sighting: Sighting | null,
  knows: (row: Row<'alert'>) => boolean,
): AlertRow | null {
  const nowMs = engine.time.nowMs(0)
  if (row === null) return sighting && edited(standing(null, sighting, nowMs), nowMs)
  if (natureOf(row.value.kind) === 'event') return edited(row.value, nowMs)
  if (sighting === null) return knows(row) ? over(row.value, nowMs) : edited(row.value, nowMs)
  const isCounted = row.value.kind !== 'dead_letter' || knows(row)
  return edited(isCounted ? standing(row.value, sighting, nowMs) : row.value, nowMs)
}

/** Has a walk through the dead letters ended that began when the alert was as it is now? */
function walkedSince(walked: Walked | null, { value, version }: Row<'alert'>): boolean {
  return walked !== null && walked.began.get(alertKey(value))?.version === version
}
