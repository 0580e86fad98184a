// The feed of all events, one after the other, for whoever wants to catch up from any point. It is
// kept from the outbox like any publisher's events; the events themselves are read from the store.
import type { PaymentEvent } from '../../core/payment.ts'
import type { Feed, FeedEntry, FeedStart } from '../../delivery-ports.ts'
import type { Publisher, Store } from '../../ports.ts'
import { ownersOf } from '../owners.ts'
import { openIndexFile } from './index-file.ts'
import type { IndexFile, Place } from './index-file.ts'

export interface FeedService {
  /** Reads the outbox under the file's own name: a new file begins with the first event. */
  readonly publisher: Publisher
  readonly feed: Feed
  readonly close: () => void
}

export interface FeedOptions {
  /** `:memory:` ends with the process. */
  readonly file: string
  readonly store: Pick<Store, 'events' | 'read'>
  readonly newId: () => string
}

export function openFeed({ file, store, newId }: FeedOptions): FeedService {
  const index = openIndexFile(file, newId)
  const tag = index.id.replaceAll(/[^0-9A-Za-z]/g, '').slice(0, 8)
  const waiting = new Set<() => void>()
  const publisher: Publisher = Object.freeze({
    name: `feed:${index.id}`,
    async publish(events: readonly PaymentEvent[]) {
      const added = index.add(await ownersOf(store, events, index.owners), events)
      if (added > 0) for (const wake of waiting) wake()
      return 'delivered' as const
    },
  })
  return Object.freeze({
    publisher,
    feed: feedOn(index, store, tag, waiting),
    close: index.close,
  })
}

// ── Reading ──────────────────────────────────────────────────────────────────────────────────────

function feedOn(
  index: IndexFile,
  store: Pick<Store, 'events'>,
  tag: string,
  waiting: Set<() => void>,
): Feed {
  const cursorOf = (number: number): string => `${tag}.${number}`
  const numberOf = (cursor: string): number => {
    const [own, digits = ''] = cursor.split('.')
    if (own !== tag || !/^\d{1,15}$/.test(digits)) throw new Error('no cursor of this feed')
    return Number(digits)
  }
  return Object.freeze<Feed>({
    async read({ account, after, limit }) {
      const places = index.after(account, numberOf(after), limit)
      const events = await eventsAt(store, places)
      const entries = places.flatMap(({ number, agent, account: owner, livemode }, place) => {
        const event = events[place]
        // After a restore the store may know less than the feed did.
        if (event == null) return []
        const cursor = cursorOf(number)
        return [{ cursor, event, agent, account: owner, livemode } satisfies FeedEntry]
      })
      return { entries, cursor: cursorOf(places.at(-1)?.number ?? numberOf(after)) }
    },
    cursorAt: async (start) => cursorOf(startAt(index, start)),
    knows: (cursor) => /^\w{1,8}\.\d{1,15}$/.test(cursor) && cursor.startsWith(`${tag}.`),
    async between({ fromMs, toMs, after, limit }) {
      const [atMs = 0, number = 0] = (after ?? '').split('.').map(Number)
      const from = after === null ? null : { atMs, number }
      const places = index.between(fromMs, toMs, from, limit)
      const events = (await eventsAt(store, places)).filter((event) => event !== null)
      const last = places.at(-1)
      const more = places.length === limit && last !== undefined
      return { events, next: more ? `${last.atMs}.${last.number}` : null }
    },
    news: (withinMs, signal) => news(waiting, withinMs, signal),
  })
}

function startAt(index: IndexFile, start: FeedStart): number {
  if (start === 'start') return 0
  return start === 'now' ? index.last() : index.lastBefore(start)
}

/** The events at these places; of one payment they are read together. `null`: it is not there. */
async function eventsAt(
  store: Pick<Store, 'events'>,
  places: readonly Place[],
): Promise<readonly (PaymentEvent | null)[]> {
  const found = new Map<string, PaymentEvent>()
  for (const [paymentId, own] of Map.groupBy(places, (place) => place.paymentId)) {
    const seqs = own.map(({ seq }) => seq)
    const [first, last] = [Math.min(...seqs), Math.max(...seqs)]
    for (const event of await store.events(paymentId, first - 1, last - first + 1)) {
      found.set(`${paymentId}/${event.seq}`, event)
    }
  }
  return places.map(({ paymentId, seq }) => found.get(`${paymentId}/${seq}`) ?? null)
}

function news(waiting: Set<() => void>, withinMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      waiting.delete(done)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, withinMs)
    waiting.add(done)
    signal.addEventListener('abort', done)
  })
}
