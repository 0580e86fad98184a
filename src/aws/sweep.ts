// Lambda, each minute: drives what is due, publishes what nobody has marked as delivered, and looks at
// everything that people are called for. What it does not get done is done by the next one.
import { processorKey } from '../core/control.ts'
import { sweep } from '../engine/sweep.ts'
import type { Engine } from '../engine/engine.ts'
import { systemClock } from '../engine/system.ts'
import type { Processor } from '../ports.ts'
import type { DynamoStore } from '../stores/dynamodb/store.ts'
import { openBus } from './bus.ts'
import type { Bus } from './bus.ts'
import type { Context } from './lambda.ts'
import { putMetrics } from './metrics.ts'
import { openEngine } from './open-engine.ts'
import type { AwsEngine } from './open-engine.ts'
import { describedProcessor } from './processors.ts'
import { readSettings } from './settings.ts'
import type { ProcessorSettings, Settings } from './settings.ts'
import { countOpen } from './standing.ts'
import { drives, openWorkQueue } from './work.ts'
import type { Work, WorkQueue } from './work.ts'

export interface Sweeping extends AwsEngine {
  readonly bus: Bus
  readonly queue: WorkQueue
  readonly installation: string
  /** Payments to be driven, found by the sweep. */
  readonly found: Map<string, number>
}

/** Payments that are taken up at once: a bounded rate, however many are due. */
const pageSize = 100
/** Events are on the bus within seconds; what has no mark by then is published again. */
const redeliverAfterMs = 120_000
/** Before the function's own end. */
const reserveMs = 15_000

let sweeping: Sweeping | null = null

export const describedProcessors = (settings: Settings): ReadonlyMap<string, Processor> =>
  new Map(
    Object.entries(settings.json<Record<string, ProcessorSettings>>('PROCESSORS')).map(
      ([name, given]) => [name, describedProcessor(name, given)],
    ),
  )

function open(): Sweeping {
  const settings = readSettings()
  const found = new Map<string, number>()
  const wake = (paymentId: string, run: number): void => void found.set(paymentId, run)
  return {
    ...openEngine({ settings, processors: describedProcessors(settings), wake }),
    bus: openBus(settings.text('BUS')),
    queue: openWorkQueue(settings.text('WORK_QUEUE_URL')),
    installation: settings.text('INSTALLATION'),
    found,
  }
}

export async function handler(_: unknown, context: Context): Promise<object> {
  sweeping ??= open()
  return sweepOnce(sweeping, () => context.getRemainingTimeInMillis())
}

export async function sweepOnce(given: Sweeping, leftMs: () => number): Promise<object> {
  const { engine, alerts, flush, installation } = given
  const dueOldestMs = await driveDue(given, leftMs)
  const outboxOldestMs = await publishAgain(given, leftMs)
  await alerts.look(engine)
  await flush()
  const standing = await look(engine)
  putMetrics(installation, {
    ...standing,
    DueOldestSeconds: ageOf(dueOldestMs),
    OutboxOldestSeconds: ageOf(outboxOldestMs),
    SweepFinished: 1,
  })
  return {}
}

const ageOf = (sinceMs: number | null): number =>
  sinceMs === null ? 0 : Math.max(0, Math.round((systemClock.nowMs() - sinceMs) / 1000))

// ── What is due ──────────────────────────────────────────────────────────────────────────────────

/** The oldest of what was due; `null`: nothing was. */
async function driveDue(given: Sweeping, leftMs: () => number): Promise<number | null> {
  const { engine, found } = given
  const oldestMs = await oldestDue(engine)
  while (leftMs() > reserveMs) {
    found.clear()
    // What was sent to the queue a moment ago stays due until its run has begun: one page, then again
    // only if a full one came.
    const count = await sweep(engine, pageSize, () => false, tellBug(engine))
    await sendWork(given)
    if (count < pageSize) break
  }
  return oldestMs
}

const tellBug =
  (engine: Engine) =>
  (paymentId: string, _run: number, error: unknown): void =>
    engine.alarm({ kind: 'bug', paymentId, detail: `sweep: ${String(error)}` })

async function sendWork({ engine, found, queue }: Sweeping): Promise<void> {
  const ids = [...found]
  if (ids.length === 0) return
  const rows = await engine.store.read(
    ids.map(([paymentId]) => ({ table: 'payment', key: paymentId }) as const),
  )
  const work = ids.flatMap(([paymentId, run], place): readonly Work[] => {
    const payment = rows[place]?.value.payment
    if (payment === undefined) return []
    const { binding, agent } = payment
    return [{ paymentId, run, processor: binding.processor, agent, seq: null }]
  })
  // What the queue does not take is due still.
  await queue.send(work)
}

async function oldestDue(engine: Engine): Promise<number | null> {
  const [first] = await engine.store.due(engine.time.nowMs(0), 1)
  if (first === undefined) return null
  const [row] = await engine.store.read([{ table: 'payment', key: first.paymentId }])
  return row?.value.dueAtMs ?? null
}

// ── What nobody has marked ───────────────────────────────────────────────────────────────────────

async function publishAgain(
  { table, bus, queue }: Pick<Sweeping, 'table' | 'bus' | 'queue'>,
  leftMs: () => number,
): Promise<number | null> {
  let oldestMs: number | null = null
  while (leftMs() > reserveMs) {
    const page = await table.undelivered(systemClock.nowMs() - redeliverAfterMs, pageSize)
    let marked = 0
    for (const each of page) {
      const firstMs = each.events[0]?.atMs ?? null
      if (firstMs !== null) oldestMs = Math.min(oldestMs ?? firstMs, firstMs)
      if (leftMs() < reserveMs) break
      if (await publishOne(each, table, bus, queue)) marked += 1
    }
    // Where nothing goes out there is no use in asking for more.
    if (page.length < pageSize || marked === 0) break
  }
  return oldestMs
}

type Undelivered = Awaited<ReturnType<DynamoStore['undelivered']>>[number]

async function publishOne(
  { paymentId, events, throughSeq, about }: Undelivered,
  table: DynamoStore,
  bus: Bus,
  queue: WorkQueue,
): Promise<boolean> {
  const outgoing = events.map((event) => ({
    event,
    prevSeq: event.seq - 1,
    agent: about?.agent ?? null,
    account: about?.account ?? null,
    drive: drives(event),
  }))
  if (!(await bus.put(outgoing)).every(Boolean)) return false
  const driving = events.findLast(drives)
  if (driving !== undefined && about !== null) {
    const { run, processor, agent } = about
    const work = { paymentId, run, processor, agent, seq: driving.seq }
    if (!(await queue.send([work])).every(Boolean)) return false
  }
  await table.markDelivered(paymentId, throughSeq)
  return true
}

// ── How things stand ─────────────────────────────────────────────────────────────────────────────

async function look(engine: Engine) {
  const standing = countOpen(engine.store, engine.clock)
  await standing.settle()
  const letters = await engine.store.scan({ table: 'dead_letter', status: 'open', limit: 100 })
  const breakers = await Promise.all(
    [...engine.processors.values()].map(async ({ binding }) => {
      const key = processorKey(binding)
      const [row] = await engine.store.read([{ table: 'breaker', key }])
      return (row?.value.state ?? 'closed') === 'closed' ? 0 : 1
    }),
  )
  return {
    UnknownOldestSeconds: ageOf(standing.unknownOldestMs()),
    // More than a page of them is no less urgent.
    DeadLetters: letters.rows.length,
    BreakersOpen: breakers.reduce<number>((sum, open) => sum + open, 0),
  }
}
