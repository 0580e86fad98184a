// Offers a publisher events that it has had, or did not take, once more: of one payment, of a span of
// time, or all of its dead letters. Whoever consumes state or facts drops what it knows.
import type { PaymentEvent } from '../core/payment.ts'
import type { DeadEvents, Feed } from '../delivery-ports.ts'
import type { Publisher } from '../ports.ts'
import type { Engine } from './engine.ts'

export interface Replayed {
  readonly replayed: number
  /** The publisher would not take these; what came before them it has. */
  readonly refused: number
  /** Continues; `null`: that was all, or it was refused. */
  readonly next: string | null
}

/** Events that are read and offered at once. */
const pageSize = 500
/** Pages of one request: some seconds at most. */
const maxPages = 20
const maxDeadLetters = 500

/** One event is offered alone, so that one that is refused stops no other payment. */
export async function replayDeadLetters(
  engine: Engine,
  publisher: Publisher,
  deadEvents: DeadEvents,
): Promise<Replayed> {
  const dead = await deadEvents.list({ publisher: publisher.name, limit: maxDeadLetters })
  const stuck = new Set<string>()
  let replayed = 0
  for (const { paymentId, seq } of dead.toSorted((a, b) => a.seq - b.seq)) {
    if (stuck.has(paymentId)) continue
    const events = await engine.store.events(paymentId, seq - 1, 1)
    if (await offer(publisher, deadEvents, events)) replayed += 1
    else stuck.add(paymentId)
  }
  return { replayed, refused: dead.length - replayed, next: null }
}

export async function replayPayment(
  engine: Engine,
  publisher: Publisher,
  deadEvents: DeadEvents,
  paymentId: string,
): Promise<Replayed> {
  let replayed = 0
  for (;;) {
    const events = await engine.store.events(paymentId, replayed, pageSize)
    if (events.length === 0) return { replayed, refused: 0, next: null }
    if (!(await offer(publisher, deadEvents, events))) {
      return { replayed, refused: events.length, next: null }
    }
    replayed += events.length
  }
}

/** By the time at which events happened, oldest first, a few thousand for each request. */
export async function replayWindow(
  publisher: Publisher,
  deadEvents: DeadEvents,
  feed: Pick<Feed, 'between'>,
  window: { readonly fromMs: number; readonly toMs: number; readonly after: string | null },
): Promise<Replayed> {
  let { after } = window
  let replayed = 0
  for (let pages = 0; pages < maxPages; pages += 1) {
    const page = await feed.between({ ...window, after, limit: pageSize })
    if (!(await offer(publisher, deadEvents, page.events))) {
      return { replayed, refused: page.events.length, next: null }
    }
    replayed += page.events.length
    after = page.next
    if (after === null) break
  }
  return { replayed, refused: 0, next: after }
}

/** False: the publisher did not take them, and nothing else has changed. */
async function offer(
  publisher: Publisher,
  deadEvents: DeadEvents,
  events: readonly PaymentEvent[],
): Promise<boolean> {
  if (events.length === 0) return true
  const result = await Promise.resolve()
    .then(() => publisher.publish(events))
    .catch(() => 'not_delivered')
  if (result !== 'delivered') return false
  for (const { paymentId, seq } of events) await deadEvents.take(publisher.name, paymentId, seq)
  return true
}
