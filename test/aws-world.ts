// What the functions on AWS work with, in a test's hand: their settings, a table in memory, a bus, a
// queue and a topic that remember what they were given.
import type { AwsEngine } from '../src/aws/open-engine.ts'
import { openEngine } from '../src/aws/open-engine.ts'
import type { Outgoing } from '../src/aws/bus.ts'
import { readSettings } from '../src/aws/settings.ts'
import type { Settings } from '../src/aws/settings.ts'
import type { Sweeping } from '../src/aws/sweep.ts'
import type { Work } from '../src/aws/work.ts'
import type { Notice } from '../src/core/alerts.ts'
import type { PaymentEvent } from '../src/core/payment.ts'
import type { Clock, Store } from '../src/ports.ts'
import type { DynamoStore } from '../src/stores/dynamodb/store.ts'
import { aCaller, aRequest, createTestEngine, requestKey } from './engine-world.ts'
import type { TestWorld, TestWorldOptions } from './engine-world.ts'
import { submit } from '../src/engine/submit.ts'

export const environment = {
  QUITTANCE_TABLE: 'table',
  QUITTANCE_INSTALLATION: 'inst_1',
  QUITTANCE_PROCESSOR: 'model',
  QUITTANCE_PROCESSORS: JSON.stringify({
    model: { kind: 'simulated', url: 'http://127.0.0.1:1', account: { id: 'a', livemode: false } },
  }),
  QUITTANCE_SANDBOX: '1',
  QUITTANCE_ALERT_TOPIC_ARN: 'arn:aws:sns:us-east-1:123456789012:alerts',
  QUITTANCE_ALERT_RUNBOOK_URL: 'https://example.com/alerts',
  QUITTANCE_UNKNOWN_ALERT_MINUTES: '15',
  QUITTANCE_WORKFLOW: 'standard',
}

export interface AwsWorld {
  readonly world: TestWorld
  readonly settings: Settings
  readonly aws: AwsEngine
  readonly sweeping: Sweeping
  /** Put on the bus, as `payment/seq`. */
  readonly published: string[]
  readonly sent: Work[]
  readonly told: Notice[]
  readonly marks: Map<string, number>
  /** Lines of the log, and of the metrics. */
  readonly lines: Record<string, unknown>[]
  /** What was measured last under this name. */
  readonly metric: (name: string) => unknown
  readonly leftMs: () => number
  readonly pay: (reference: string) => Promise<string>
}

export interface AwsWorldOptions extends TestWorldOptions {
  /** Does the bus take this event? */
  readonly takes?: (event: PaymentEvent) => boolean
  /** Wraps the table, to break it. */
  readonly table?: (table: DynamoStore) => DynamoStore
}

/** Sleeps pass at once; whatever is only to be given up after a while is never given up. */
function patient({ sleep, ...clock }: Clock): Clock {
  return {
    ...clock,
    sleep: (forMs, signal) =>
      signal === undefined
        ? sleep(forMs)
        : new Promise((resolve) => {
            if (signal.aborted) resolve()
            signal.addEventListener('abort', () => resolve())
          }),
  }
}

export async function createAwsWorld(options: AwsWorldOptions = {}): Promise<AwsWorld> {
  const world = await createTestEngine(options).ready()
  const { clock: ownClock, processors, store } = world.engine
  const clock = patient(ownClock)
  const settings = readSettings(environment)
  const published: string[] = []
  const sent: Work[] = []
  const told: Notice[] = []
  const marks = new Map<string, number>()
  const lines: Record<string, unknown>[] = []
  const found = new Map<string, number>()
  const table = tableOf(store, marks)
  const write = (line: string): void => void lines.push(JSON.parse(line))
  const aws = openEngine({
    settings,
    processors,
    clock,
    write,
    table: options.table?.(table) ?? table,
    wake: (paymentId, run) => void found.set(paymentId, run),
    sink: {
      name: 'sns',
      async deliver(notice) {
        told.push(notice)
        return 'delivered'
      },
    },
  })
  const bus = {
    put: async (outgoing: readonly Outgoing[]) =>
      outgoing.map(({ event }) => {
        if (options.takes?.(event) === false) return false
        published.push(`${event.paymentId}/${event.seq}`)
        return true
      }),
  }
  const queue = {
    send: async (work: readonly Work[]) => {
      sent.push(...work)
      return work.map(() => true)
    },
  }
  const startedMs = world.hand.nowMs
  return {
    world,
    settings,
    aws,
    sweeping: { ...aws, bus, queue, installation: 'inst_1', clock, write, found },
    published,
    sent,
    told,
    marks,
    lines,
    metric: (name) => lines.findLast((line) => '_aws' in line && name in line)?.[name],
    // As long as the sweep's own function has, from the start of the test on.
    leftMs: () => Math.max(0, 50_000 - (world.hand.nowMs - startedMs)),
    async pay(reference) {
      const request = { ...aRequest, reference, amount: 1000 + sent.length }
      const made = await submit(world.engine, aCaller, requestKey(reference), {
        ...request,
        batch: 'b',
      })
      if (made.result !== 'accepted') throw new Error(JSON.stringify(made))
      return made.paymentId
    },
  }
}

/** The memory store with the marks that the real one keeps on its payments. */
function tableOf(store: Store, marks: Map<string, number>): DynamoStore {
  return {
    ...store,
    async markDelivered(paymentId, throughSeq) {
      marks.set(paymentId, Math.max(throughSeq, marks.get(paymentId) ?? 0))
      return 'marked'
    },
    async undelivered(beforeMs, limit) {
      const { events } = await store.unpublished('test', 1_000)
      const late = events.filter(
        ({ paymentId, seq, atMs }) => atMs < beforeMs && seq > (marks.get(paymentId) ?? 0),
      )
      return [...Map.groupBy(late, ({ paymentId }) => paymentId)]
        .slice(0, limit)
        .map(([paymentId, own]) => ({
          paymentId,
          events: own,
          throughSeq: own.at(-1)?.seq ?? 0,
          about: null,
          sinceMs: own[0]?.atMs ?? 0,
          unreadable: null,
        }))
    },
  }
}
