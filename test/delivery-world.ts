// The HTTP world with everything downstream of the outbox: feed, webhooks and dead letters, all in memory,
// and a publisher that a test can make refuse.
import type { TestContext } from 'node:test'

import type { PaymentEvent } from '../src/core/payment.ts'
import { relay } from '../src/engine/relay.ts'
import { createStreams } from '../src/http/feed-stream.ts'
import type { StreamLimits } from '../src/http/feed-stream.ts'
import { webhookMessage } from '../src/http/webhook-body.ts'
import type { Publisher, Store } from '../src/ports.ts'
import { openDeadEvents } from '../src/publishers/dead-events/dead-events.ts'
import { openFeed } from '../src/publishers/feed/feed.ts'
import { openSqliteBook } from '../src/publishers/webhook/sqlite-book.ts'
import { openWebhooks, wants } from '../src/publishers/webhook/webhooks.ts'
import { createHttpWorld } from './http-world.ts'
import type { HttpWorld } from './http-world.ts'

export interface DeliveryWorld extends HttpWorld {
  /** Everything that has happened goes to everybody. */
  readonly keep: () => Promise<void>
  readonly books: { readonly received: PaymentEvent[]; refuses: (event: PaymentEvent) => boolean }
  readonly deadEvents: ReturnType<typeof openDeadEvents>
}

export async function createDeliveryWorld(
  t: TestContext,
  limits?: StreamLimits,
): Promise<DeliveryWorld> {
  const made = Promise.withResolvers<HttpWorld>()
  const store: Pick<Store, 'events' | 'read'> = {
    events: async (...given) => (await made.promise).engine.store.events(...given),
    read: async (keys) => (await made.promise).engine.store.read(keys),
  }
  const feed = openFeed({ file: ':memory:', store, newId: () => 'feed-of-a-test' })
  const deadEvents = openDeadEvents(':memory:')
  let count = 0
  const webhooks = openWebhooks({
    book: openSqliteBook(':memory:', () => 'one'),
    store,
    feed: feed.feed,
    render: async (delivery, endpoint) =>
      webhookMessage((await made.promise).engine, delivery, (event) => wants(endpoint, event)),
    rules: { loopback: true, privateHosts: new Set() },
    // The world's own clock stands still between steps.
    nowMs: () => 1_800_000_000_000,
    newId: () => `whe_${String((count += 1)).padStart(26, '0')}`,
    log: () => undefined,
  })
  const books: DeliveryWorld['books'] = { received: [], refuses: () => false }
  const booksPublisher: Publisher = {
    name: 'books',
    async publish(events) {
      if (events.some(books.refuses)) return 'not_delivered'
      books.received.push(...events)
      return 'delivered'
    },
  }
  const publishers = [feed.publisher, webhooks.publisher, booksPublisher]
  const world = await createHttpWorld({
    service: {
      feed: { feed: feed.feed, streams: createStreams(limits) },
      webhooks: webhooks.webhooks,
      deadEvents,
      publishers: new Map(publishers.map((publisher) => [publisher.name, publisher])),
    },
  })
  made.resolve(world)
  t.after(async () => {
    await webhooks.stop()
    feed.close()
    deadEvents.close()
  })
  return {
    ...world,
    books,
    deadEvents,
    async keep() {
      for (const publisher of publishers) {
        while ((await relay(world.engine, publisher, 500)).result === 'delivered');
      }
    },
  }
}
