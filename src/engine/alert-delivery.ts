// Brings alerts to sinks, each sink at its own pace. What a sink was last told is in the alert's row:
// one that was away for hours is told how things stand now, once. It is tried for ever, with pauses
// that grow to a minute; a sink that hangs is given up after a while and keeps nobody else waiting.
import { noticeOf } from '../core/alert-life.ts'
import type { AlertRow } from '../core/alerts.ts'
import { backoffMs } from '../core/policy.ts'
import type { Sink } from '../ports.ts'
import { changeAlert } from './alert-rows.ts'
import type { AlertRows } from './alert-rows.ts'
import type { Engine } from './engine.ts'

/** One try. */
const deliverWithinMs = 10_000
const retryPace = { baseMs: 1_000, capMs: 60_000 }
/** What ended longer ago is not told to a sink that never heard of it: it is new here. */
const oldNewsMs = 86_400_000

export interface Delivery {
  /** Says how things stand; returns at once. */
  readonly offer: (engine: Engine, rows: AlertRows) => void
  /** When nothing is under way any more. */
  readonly settled: () => Promise<void>
}

export function createDelivery(sinks: readonly Sink[], runbookUrl: string): Delivery {
  const lines = sinks.map((sink) => createLine(sink, runbookUrl))
  return Object.freeze({
    offer: (engine: Engine, rows: AlertRows) => {
      for (const line of lines) line.offer(engine, rows)
    },
    settled: async () => {
      await Promise.all(lines.map((line) => line.settled()))
    },
  })
}

function createLine(sink: Sink, runbookUrl: string): Delivery {
  const waits = new Map<string, { readonly failures: number; readonly untilMs: number }>()
  // In case the store does not take it: whoever has an edition is not sent it again.
  const delivered = new Map<string, number>()
  let latest: AlertRows = new Map()
  let running: Promise<void> | null = null

  const work = async (engine: Engine): Promise<void> => {
    for (const key of latest.keys()) {
      // Looked at again each time: a slow sink is not told what was so a minute ago.
      const row = latest.get(key)?.value
      if (row === undefined || !isNews(engine, row)) continue
      if ((delivered.get(key) ?? 0) < row.edition && !(await attempt(engine, key, row))) continue
      await remember(engine, row)
    }
  }

  const isNews = (engine: Engine, row: AlertRow): boolean => {
    const told = row.told[sink.name]
    if ((told ?? 0) >= row.edition) return false
    const endedAtMs = row.resolvedAtMs ?? Infinity
    return told !== undefined || engine.time.nowMs(0) - endedAtMs < oldNewsMs
  }

  const attempt = async (engine: Engine, key: string, row: AlertRow): Promise<boolean> => {
    const { failures = 0, untilMs = 0 } = waits.get(key) ?? {}
    if (engine.clock.steadyMs() < untilMs) return false
    const isTaken = await deliver(engine, sink, row, runbookUrl)
    if (isTaken) {
      // It is back: what else waits for it need not wait any longer.
      waits.clear()
      delivered.set(key, row.edition)
      return true
    }
    if (failures === 0)
      engine.log({ level: 'warn', kind: 'alert_waits', sink: sink.name, alert: key })
    const pauseMs = backoffMs(`${sink.name} ${key}`, failures + 1, retryPace)
    waits.set(key, { failures: failures + 1, untilMs: engine.clock.steadyMs() + pauseMs })
    return false
  }

  const remember = (engine: Engine, { edition, ...group }: AlertRow): Promise<void> =>
    changeAlert(engine, group, (row) => {
      if (row === null || (row.told[sink.name] ?? 0) >= edition) return null
      return { ...row, told: { ...row.told, [sink.name]: edition } }
    })

  return Object.freeze({
    offer(engine: Engine, rows: AlertRows) {
      latest = rows
      running ??= work(engine)
        .catch(() => undefined) // the store is away; the next offer goes on
        .finally(() => {
          running = null
        })
    },
    settled: async () => running ?? undefined,
  })
}

async function deliver(
  engine: Engine,
  sink: Sink,
  row: AlertRow,
  runbookUrl: string,
): Promise<boolean> {
  const over = new AbortController()
  const late = engine.clock.sleep(deliverWithinMs, over.signal).then(() => 'not_delivered')
  // A sink that throws has a bug; it is no reason to leave the others untold.
  const told = Promise.resolve()
    .then(() => sink.deliver(noticeOf(row, runbookUrl)))
    .catch(() => 'not_delivered')
  const result = await Promise.race([told, late])
  over.abort()
  return result === 'delivered'
}
