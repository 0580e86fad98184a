// The metrics of one process, as Prometheus reads them. Counts are kept as things happen; ages are
// asked of the store at each scrape, each by one look at the end of an index.
import { Registry, collectDefaultMetrics } from 'prom-client'

import { processorKey } from '../core/control.ts'
import type { HoldReason, PaymentEvent } from '../core/payment.ts'
import { rejectionTable } from '../core/rejections.ts'
import type { RejectionCode } from '../core/rejections.ts'
import { states } from '../core/transitions.ts'
import type { Meter } from '../engine/meter.ts'
import type { Processor, Store, Tables } from '../ports.ts'
import { createInstruments } from './instruments.ts'
import type { Instruments } from './instruments.ts'
import { openStanding } from './standing.ts'
import type { Standing } from './standing.ts'

export interface MetricsOptions {
  readonly store: Store
  readonly nowMs: () => number
  readonly processors: ReadonlyMap<string, Processor>
  readonly publishers: readonly string[]
  /** What became of news further on; without it, there is nothing to tell. */
  readonly downstream?: () => Promise<Downstream>
}

export interface Downstream {
  /** By publisher, how many events it would not take. */
  readonly aside: ReadonlyMap<string, number>
  readonly pending: number
  readonly dead: number
  /** Since when the oldest delivery is pending. */
  readonly oldestMs: number | null
}

export interface Metrics {
  readonly meter: Meter
  readonly standing: Standing
  /** The text exposition format, version 0.0.4. */
  readonly text: () => Promise<string>
}

/** A dead letter has a metric of its own. */
const holds: readonly HoldReason[] = [
  'approval_required',
  'possible_duplicate',
  'action_required',
  'processor_changed',
]

type BreakerState = Tables['breaker']['state']
const breakerStates = {
  closed: true,
  open: true,
  half_open: true,
} satisfies Record<BreakerState, true>

export async function openMetrics(options: MetricsOptions): Promise<Metrics> {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const instruments = createInstruments(registry)
  // A counter that is not there yet cannot be seen to rise from nothing.
  for (const code of Object.keys(rejectionTable)) instruments.rejections.inc({ code }, 0)
  const standing = await openStanding(options.store)
  return Object.freeze({
    meter: createMeter(instruments, standing),
    standing,
    async text() {
      await refresh(instruments, standing, options)
      return registry.metrics()
    },
  })
}

// ── As things happen ─────────────────────────────────────────────────────────────────────────────

function createMeter(instruments: Instruments, standing: Standing): Meter {
  return Object.freeze<Meter>({
    called({ processor, operation, outcome, tookMs }) {
      instruments.calls.observe({ processor, operation, outcome }, tookMs / 1000)
    },
    committed(change) {
      standing.follow(change)
      for (const event of change.events) {
        instruments.events.inc({ type: event.type })
        cameTo(instruments, event, change.after.createdAtMs)
      }
    },
    inDoubt: () => standing.inDoubt(),
    rejected: (code: RejectionCode) => instruments.rejections.inc({ code }),
    alarmed: (kind) => instruments.alarms.inc({ kind }),
    slotWaited: (processor, waitedMs) =>
      instruments.slotWaits.observe({ processor }, waitedMs / 1000),
    doorRefused: () => instruments.doorRefusals.inc(),
  })
}

// One commit may pass through two states; an event that leads to one has its name.
function cameTo(
  { paymentSeconds }: Instruments,
  { type, atMs }: PaymentEvent,
  createdAtMs: number,
): void {
  const state = states.find((each) => each === type)
  if (state !== undefined) paymentSeconds.observe({ state }, (atMs - createdAtMs) / 1000)
}

// ── At a scrape ──────────────────────────────────────────────────────────────────────────────────

async function refresh(
  instruments: Instruments,
  standing: Standing,
  options: MetricsOptions,
): Promise<void> {
  const { storeReadable, dueOldest, outboxLag, breaker } = instruments
  // A scrape tells most where something is broken: what the store does not say is left out.
  const readable = await askStore(instruments, standing, options).catch(() => false)
  storeReadable.set(readable ? 1 : 0)
  if (!readable) {
    dueOldest.remove()
    outboxLag.reset()
    breaker.reset()
  }
  showStanding(instruments, standing, options.nowMs())
  await showDownstream(instruments, options)
}

async function showDownstream(
  { eventsAside, webhooksPending, webhooksOldest, webhooksDead }: Instruments,
  { publishers, downstream, nowMs }: MetricsOptions,
): Promise<void> {
  const now = await downstream?.().catch(() => undefined)
  if (now === undefined) return
  for (const publisher of publishers) eventsAside.set({ publisher }, now.aside.get(publisher) ?? 0)
  webhooksPending.set(now.pending)
  webhooksDead.set(now.dead)
  webhooksOldest.set(now.oldestMs === null ? 0 : Math.max(0, nowMs() - now.oldestMs) / 1000)
}

function showStanding(
  { payments, held, deadLetters, unknown, unknownOldest }: Instruments,
  standing: Standing,
  nowMs: number,
): void {
  for (const state of states) payments.set({ state }, standing.inState(state))
  for (const reason of holds) held.set({ reason }, standing.heldBy(reason))
  deadLetters.set(standing.heldBy('dead_letter'))
  const { count, oldestMs } = standing.unknown(nowMs)
  unknown.set(count)
  unknownOldest.set((nowMs - oldestMs) / 1000)
}

async function askStore(
  { dueOldest, outboxLag, breaker }: Instruments,
  standing: Standing,
  { store, nowMs, processors, publishers }: MetricsOptions,
): Promise<true> {
  await standing.settle()
  const seconds = (sinceMs: number | null): number =>
    sinceMs === null ? 0 : Math.max(0, nowMs() - sinceMs) / 1000
  dueOldest.set(seconds(await oldestDueMs(store, nowMs())))
  for (const publisher of publishers) {
    const [oldest] = (await store.unpublished(publisher, 1)).events
    outboxLag.set({ publisher }, seconds(oldest?.atMs ?? null))
  }
  for (const [processor, { binding }] of processors) {
    const [row] = await store.read([{ table: 'breaker', key: processorKey(binding) }])
    const now = row?.value.state ?? 'closed'
    for (const state of Object.keys(breakerStates)) {
      breaker.set({ processor, state }, state === now ? 1 : 0)
    }
  }
  return true
}

async function oldestDueMs(store: Store, nowMs: number): Promise<number | null> {
  const [first] = await store.due(nowMs, 1)
  if (first === undefined) return null
  const [row] = await store.read([{ table: 'payment', key: first.paymentId }])
  return row?.value.dueAtMs ?? null
}
