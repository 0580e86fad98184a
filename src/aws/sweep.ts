// Lambda, each minute: drives what is due, publishes what nobody has marked as delivered, and looks at
// everything that people are called for. What it does not get done is done by the next one.
import { listProcessors } from '../engine/control.ts'
import { sweep } from '../engine/sweep.ts'
import type { Engine } from '../engine/engine.ts'
import { systemClock } from '../engine/system.ts'
import type { Clock, Processor } from '../ports.ts'
import type { DynamoStore } from '../stores/dynamodb/store.ts'
import { openBus, outgoingOf } from './bus.ts'
import type { Bus } from './bus.ts'
import type { Context } from './lambda.ts'
import { putMetrics } from './metrics.ts'
import type { MetricName, WriteLine } from './metrics.ts'
import { openEngine } from './open-engine.ts'
import type { AwsEngine } from './open-engine.ts'
import { describedProcessor } from './processors.ts'
import { readSettings } from './settings.ts'
import type { ProcessorSettings, Settings } from './settings.ts'
import { topicSink } from './topic.ts'
import { openWorkQueue } from './work.ts'
import type { Work, WorkQueue } from './work.ts'

export interface Sweeping extends AwsEngine {
  readonly bus: Bus
  readonly queue: WorkQueue
  readonly installation: string
  readonly clock: Clock
  readonly write?: WriteLine
  /** Payments to be driven, found by the sweep. */
  readonly found: Map<string, number>
}

/** Payments that are taken up at once: a bounded rate, however many are due. */
const pageSize = 100
const pageEveryMs = 2_000
/** Entries of the index that one look of the store goes through. */
const mostAtOnce = 1_000
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
    ...openEngine({
      settings,
      processors: describedProcessors(settings),
      sink: topicSink(settings),
      wake,
    }),
    bus: openBus(settings.text('BUS')),
    queue: openWorkQueue(settings.text('WORK_QUEUE_URL')),
    installation: settings.text('INSTALLATION'),
    clock: systemClock,
    found,
  }
}

export async function handler(_: unknown, context: Context): Promise<object> {
  sweeping ??= open()
  return sweepOnce(sweeping, () => context.getRemainingTimeInMillis())
}

/** Each part is done whatever becomes of the others; then the first failure is told. */
export async function sweepOnce(given: Sweeping, leftMs: () => number): Promise<object> {
  const { look, during, installation, write } = given
  return during(leftMs, async () => {
    const parts = [
      await settled(() => driveDue(given, leftMs)),
      await settled(() => publishAgain(given, leftMs)),
      await settled(async () => {
        await look()
        return numbersOf(given)
      }),
    ]
    const numbers = Object.assign({}, ...parts.map(({ value }) => value ?? {}))
    const failure = parts.find(({ error }) => error !== undefined)
    putMetrics(installation, { ...numbers, ...(failure ? {} : { SweepFinished: 1 }) }, write)
    if (failure !== undefined) throw failure.error
    return {}
  })
}

type Numbers = Readonly<Partial<Record<MetricName, number>>>

async function settled(
  work: () => Promise<Numbers | void>,
): Promise<{ readonly value?: Numbers; readonly error?: unknown }> {
  try {
    return { value: (await work()) ?? {} }
  } catch (error) {
    return { error: error ?? new Error('it failed without a word') }
  }
}

const ageOf = ({ clock }: Sweeping, sinceMs: number | null): number =>
  sinceMs === null ? 0 : Math.max(0, Math.round((clock.nowMs() - sinceMs) / 1000))

// ── What is due ──────────────────────────────────────────────────────────────────────────────────

async function driveDue(given: Sweeping, leftMs: () => number): Promise<Numbers> {
  const { engine, found, clock } = given
  const DueOldestSeconds = ageOf(given, await oldestDue(engine))
  // What was sent to the queue a moment ago stays due until its run has begun: it is passed over.
  const sent = new Set<string>()
  while (leftMs() > reserveMs && sent.size + pageSize <= mostAtOnce) {
    found.clear()
    const isSent = (paymentId: string): boolean => sent.has(paymentId)
    const count = await sweep(engine, sent.size + pageSize, isSent, (paymentId, _run, error) => {
      sent.add(paymentId)
      engine.alarm({ kind: 'bug', paymentId, detail: `sweep: ${String(error)}` })
    })
    for (const paymentId of found.keys()) sent.add(paymentId)
    await sendWork(given)
    if (count < pageSize) break
    await clock.sleep(pageEveryMs)
  }
  return { DueOldestSeconds }
}

async function sendWork({ engine, found, queue }: Sweeping): Promise<void> {
  const ids = [...found]
  for (let from = 0; from < ids.length; from += pageSize) {
    const page = ids.slice(from, from + pageSize)
    const rows = await engine.store.read(
      page.map(([paymentId]) => ({ table: 'payment', key: paymentId }) as const),
    )
    const work = page.flatMap(([paymentId, run], place): readonly Work[] => {
      const payment = rows[place]?.value.payment
      if (payment === undefined) return []
      const { binding, agent } = payment
      return [{ paymentId, run, processor: binding.processor, agent, seq: null }]
    })
    // What the queue does not take is due still.
    await queue.send(work)
  }
}

async function oldestDue(engine: Engine): Promise<number | null> {
  const [first] = await engine.store.due(engine.time.nowMs(0), 1)
  if (first === undefined) return null
  const [row] = await engine.store.read([{ table: 'payment', key: first.paymentId }])
  return row?.value.dueAtMs ?? null
}

// ── What nobody has marked ───────────────────────────────────────────────────────────────────────

/**
 * To the bus only: what has to be driven is due, and found above. A payment that cannot be published
 * keeps nobody else waiting.
 */
async function publishAgain(given: Sweeping, leftMs: () => number): Promise<Numbers> {
  const { engine, table, bus, clock } = given
  let oldestMs: number | null = null
  while (leftMs() > reserveMs) {
    const page = await table.undelivered(clock.nowMs() - redeliverAfterMs, pageSize)
    let marked = 0
    for (const each of page) {
      if (leftMs() < reserveMs) break
      oldestMs = Math.min(oldestMs ?? each.sinceMs, each.sinceMs)
      const isMarked = await publishOne(each, table, bus).catch((error: unknown) => {
        const detail = String(error)
        engine.log({ level: 'error', kind: 'not_published', payment_id: each.paymentId, detail })
        return false
      })
      if (isMarked) marked += 1
    }
    // Where nothing goes out there is no use in asking for more.
    if (page.length < pageSize || marked === 0) break
  }
  return { OutboxOldestSeconds: ageOf(given, oldestMs) }
}

type Undelivered = Awaited<ReturnType<DynamoStore['undelivered']>>[number]

async function publishOne(
  { paymentId, events, throughSeq, about, unreadable }: Undelivered,
  table: Pick<DynamoStore, 'markDelivered'>,
  bus: Bus,
): Promise<boolean> {
  if (unreadable !== null) throw new Error(unreadable)
  const outgoing = outgoingOf(events, about)
  if (!(await bus.put(outgoing)).every(Boolean)) return false
  await table.markDelivered(paymentId, throughSeq)
  return true
}

// ── How things stand ─────────────────────────────────────────────────────────────────────────────

async function numbersOf(given: Sweeping): Promise<Numbers> {
  const { engine, standing } = given
  const letters = await engine.store.scan({ table: 'dead_letter', status: 'open', limit: 100 })
  const processors = await listProcessors(engine)
  const open = processors.filter(({ breaker }) => (breaker?.state ?? 'closed') !== 'closed')
  return {
    UnknownOldestSeconds: ageOf(given, standing.unknownOldestMs()),
    // More than a page of them is no less urgent.
    DeadLetters: letters.rows.length,
    BreakersOpen: open.length,
  }
}
