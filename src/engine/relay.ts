// Takes events from the outbox to a publisher: at least once, in order for each payment, a page at a
// time. Delivery is marked only after it happened, so that a crash in between repeats it. While the
// publisher takes nothing, nothing is read ahead; what it alone will not take is put aside, in order
// that the rest goes on.
import type { PaymentEvent } from '../core/payment.ts'
import { backoffMs } from '../core/policy.ts'
import type { DeadEvents } from '../delivery-ports.ts'
import type { Publisher } from '../ports.ts'
import type { Engine } from './engine.ts'

export interface Relayed {
  readonly delivered: number
  readonly result: 'empty' | 'delivered' | 'not_delivered'
}

/** Publishes one page; says how many events were delivered, or that the publisher did not take them. */
export async function relay(engine: Engine, publisher: Publisher, limit: number): Promise<Relayed> {
  const page = await engine.store.unpublished(publisher.name, limit)
  if (page.events.length === 0) return { delivered: 0, result: 'empty' }
  const result = await publisher.publish(page.events)
  if (result === 'not_delivered') return { delivered: 0, result }
  await engine.store.acknowledge(publisher.name, page.receipt)
  return { delivered: page.events.length, result }
}

// ── One that goes on ─────────────────────────────────────────────────────────────────────────────

export interface Relay {
  /** One page, or one look at why it is not taken. Rejects where the store is away. */
  readonly step: () => Promise<Relayed & { readonly restMs: number }>
}

export interface RelayOptions {
  /** Events of one page: also what is held in memory. */
  readonly limit: number
  readonly deadEvents: DeadEvents
}

/** Nothing to do: so long until the next look. */
const idleMs = 200
/** Nobody downstream is in a hurry by less than this. */
const gatherMs = 50
/** The first pause of a publisher that does not take its page, and the longest. */
const pace = { baseMs: 400, capMs: 30_000 }
/** A page that failed less often may have met a moment of trouble, and is only tried again. */
const triesBeforeSearch = 3
/** So often an event alone must fail, while others are taken, until it is put aside. */
const strikesToPutAside = 5
/** Events of other payments that are offered to see whether the publisher takes anything. */
const maxProbes = 3

export function createRelay(
  engine: Engine,
  publisher: Publisher,
  { limit, deadEvents }: RelayOptions,
): Relay {
  const state: Search = { failures: 0, strikes: new Map(), aside: new Set(), taken: null, why: '' }
  return Object.freeze<Relay>({
    async step() {
      const page = await engine.store.unpublished(publisher.name, limit)
      if (page.events.length === 0) return { delivered: 0, result: 'empty', restMs: idleMs }
      const todo = page.events.filter((event) => !state.aside.has(nameOf(event)))
      if (!(await offer(publisher, todo, state))) {
        state.failures += 1
        if (state.failures >= triesBeforeSearch) {
          await search(engine, publisher, todo, state, deadEvents)
        }
        const restMs = backoffMs(publisher.name, state.failures, pace)
        return { delivered: 0, result: 'not_delivered', restMs }
      }
      await engine.store.acknowledge(publisher.name, page.receipt)
      Object.assign(state, { failures: 0, strikes: new Map(), aside: new Set() })
      // A page that is not full costs as many fsyncs as one that is: the next one may gather.
      const restMs = page.events.length < limit ? gatherMs : 0
      return { delivered: todo.length, result: 'delivered', restMs }
    },
  })
}

interface Search {
  /** Of this page, one after the other. */
  failures: number
  /** How often an event has failed alone while another one was taken. */
  strikes: Map<string, number>
  /** Events of this page that are in the dead letters. */
  aside: Set<string>
  /** The last event that was taken: offered again it shows whether the publisher is there. */
  taken: PaymentEvent | null
  /** What it threw last. */
  why: string
}

const nameOf = ({ paymentId, seq }: PaymentEvent): string => `${paymentId}/${seq}`

async function offer(
  publisher: Publisher,
  events: readonly PaymentEvent[],
  state: Search,
): Promise<boolean> {
  if (events.length === 0) return true
  state.why = 'refused'
  const result = await Promise.resolve()
    .then(() => publisher.publish(events))
    .catch((error: unknown) => {
      state.why = error instanceof Error ? error.message.slice(0, 500) : 'threw'
      return 'not_delivered'
    })
  if (result === 'delivered') state.taken = events.at(-1) ?? state.taken
  return result === 'delivered'
}

/** Finds the first event that is not taken, and puts it aside once it was clear often enough. */
async function search(
  engine: Engine,
  publisher: Publisher,
  events: readonly PaymentEvent[],
  state: Search,
  deadEvents: DeadEvents,
): Promise<void> {
  const culprit = await firstRefused(publisher, events, state)
  if (culprit === null) return
  const { why } = state
  if (!(await takesOthers(publisher, events, culprit, state))) return
  const name = nameOf(culprit)
  const strikes = (state.strikes.get(name) ?? 0) + 1
  state.strikes.set(name, strikes)
  if (strikes < strikesToPutAside) return
  const { paymentId, seq } = culprit
  const atMs = engine.time.nowMs(0)
  await deadEvents.put({ publisher: publisher.name, paymentId, seq, reason: why, atMs })
  engine.log({
    level: 'error',
    kind: 'event_put_aside',
    payment_id: paymentId,
    publisher: publisher.name,
    seq,
    detail: why,
  })
  state.aside.add(name)
  // What is left of the page begins anew: there may be more like it.
  state.failures = triesBeforeSearch - 1
}

/** From left to right with smaller and smaller steps; what is before it was taken. */
async function firstRefused(
  publisher: Publisher,
  events: readonly PaymentEvent[],
  state: Search,
): Promise<PaymentEvent | null> {
  let from = 0
  let size = Math.ceil(events.length / 2)
  while (from < events.length) {
    const part = events.slice(from, from + size)
    if (await offer(publisher, part, state)) from += part.length
    else if (part.length === 1) return part[0] ?? null
    else size = Math.ceil(part.length / 2)
  }
  return null
}

/**
 * Does the publisher take anything else just now? Then it is not away. Of other payments the first event
 * of the page is offered, so that none is overtaken; else one that it has had already.
 */
async function takesOthers(
  publisher: Publisher,
  events: readonly PaymentEvent[],
  culprit: PaymentEvent,
  state: Search,
): Promise<boolean> {
  const firsts = new Map<string, PaymentEvent>()
  for (const event of events) {
    if (!firsts.has(event.paymentId)) firsts.set(event.paymentId, event)
  }
  firsts.delete(culprit.paymentId)
  const known = state.taken === null ? [] : [state.taken]
  for (const probe of [...known, ...[...firsts.values()].slice(-maxProbes)]) {
    if (await offer(publisher, [probe], state)) return true
  }
  return false
}
