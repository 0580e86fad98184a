// From the table's stream to the bus and the work queue. An event is marked as delivered once the bus has
// it, and everything before it; what could not be delivered is given back to the stream, and what the
// stream gives up is published by the sweep, because it has no mark.
import type { LogEntry } from '../engine/log.ts'
import { isWorthAMark } from '../stores/dynamodb/event-items.ts'
import type { EventItem } from '../stores/dynamodb/event-items.ts'
import type { DynamoStore } from '../stores/dynamodb/store.ts'
import { outgoingOf } from './bus.ts'
import type { Bus, Outgoing } from './bus.ts'
import { drives } from './work.ts'
import type { Work, WorkQueue } from './work.ts'

export interface Relaying {
  readonly bus: Bus
  readonly queue: WorkQueue
  readonly table: Pick<DynamoStore, 'markDelivered' | 'events'>
  readonly nowMs: () => number
  readonly log: (entry: LogEntry) => void
  /** What this instance knows to be delivered of a payment, without a gap from the first event on. */
  readonly delivered: Delivered
}

export interface Delivered {
  readonly through: (paymentId: string) => number
  readonly note: (paymentId: string, seq: number) => void
}

/** Enough for the payments that are under way at once in one shard. */
const mostRemembered = 20_000

export function rememberDelivered(most = mostRemembered): Delivered {
  const known = new Map<string, number>()
  return Object.freeze<Delivered>({
    through: (paymentId) => known.get(paymentId) ?? 0,
    note(paymentId, seq) {
      known.delete(paymentId)
      known.set(paymentId, seq)
      if (known.size <= most) return
      for (const oldest of known.keys()) {
        known.delete(oldest)
        return
      }
    },
  })
}

/** Delivers the items of one payment, in their order; false: some are to come again. */
export async function relayPayment(
  relaying: Relaying,
  items: readonly EventItem[],
): Promise<boolean> {
  const last = items.at(-1)
  if (last === undefined) return true
  const { paymentId, throughSeq } = last
  const { bus, delivered } = relaying
  const knownSeq = delivered.through(paymentId)
  const outgoing = [
    ...(await missingBefore(relaying, items)),
    ...items.flatMap(({ events, about }) => outgoingOf(events, about)),
  ].filter(({ event }) => event.seq > knownSeq)
  const taken = await bus.put(outgoing)
  const firstLost = taken.indexOf(false)
  const kept = firstLost < 0 ? outgoing : outgoing.slice(0, firstLost)
  const isWorkSent = await sendWork(relaying, items, kept)
  if (isWorkSent) noteDelivered(delivered, paymentId, kept)
  if (firstLost >= 0 || !isWorkSent) return false
  if (isWorthAMark(last, relaying.nowMs()) && delivered.through(paymentId) >= throughSeq) {
    await mark(relaying, paymentId, throughSeq)
  }
  return true
}

/** Up to the first gap: what lies in it may be one of those that the stream has given up. */
function noteDelivered(delivered: Delivered, paymentId: string, kept: readonly Outgoing[]): void {
  const before = delivered.through(paymentId)
  let through = before
  for (const { event } of kept) if (event.seq === through + 1) through = event.seq
  if (through > before) delivered.note(paymentId, through)
}

// Everything is delivered by then. Without its mark the sweep says it once more, and that is all.
async function mark({ table, log }: Relaying, paymentId: string, throughSeq: number) {
  try {
    await table.markDelivered(paymentId, throughSeq)
  } catch (error) {
    const detail = String(error)
    log({ level: 'warn', kind: 'mark_not_stored', payment_id: paymentId, detail })
  }
}

/** An instance that is new to a payment does not know what became of its earlier events. */
async function missingBefore(
  { delivered, table, nowMs }: Relaying,
  items: readonly EventItem[],
): Promise<readonly Outgoing[]> {
  const [first] = items
  const last = items.at(-1)
  if (first === undefined || last === undefined) return []
  const known = delivered.through(first.paymentId)
  // Whoever sees the first one, or all since, knows. Else it matters only once a mark is to be set.
  if (first.prevSeq <= known || !isWorthAMark(last, nowMs())) return []
  const events = await table.events(first.paymentId, known, first.prevSeq - known)
  return outgoingOf(events, first.about)
}

/** What drives goes to the queue as well, once the bus has it; a second message is harmless. */
async function sendWork(
  { queue }: Relaying,
  items: readonly EventItem[],
  kept: readonly Outgoing[],
): Promise<boolean> {
  const published = new Set(kept.map(({ event }) => event.seq))
  const work = items.flatMap(({ about, events, paymentId }): readonly Work[] => {
    const driving = events.findLast((event) => drives(event) && published.has(event.seq))
    if (about === null || driving === undefined) return []
    const { run, processor, agent } = about
    return [
      { paymentId, run, processor, agent, seq: driving.type === 'claimed' ? null : driving.seq },
    ]
  })
  if (work.length === 0) return true
  return (await queue.send(work)).every(Boolean)
}
