// One of everything downstream of the outbox, for tests that look at how it is shown.
import type { Delivery, Endpoint } from '../src/delivery-ports.ts'
import { createStreams } from '../src/http/feed-stream.ts'
import type { HttpService } from '../src/http/service.ts'
import { historyOf } from '../src/publishers/webhook/testkit.ts'

const id = `whe_${'0'.repeat(26)}`

const endpoint: Endpoint = {
  id,
  url: 'https://example.com/hook',
  description: '',
  events: ['captured'],
  account: null,
  agent: 'agent_1',
  callbackOf: 'agent_1',
  status: 'enabled',
  reason: null,
  secrets: [{ secret: 'whsec_', untilMs: null }],
  createdBy: 'agent_1',
  createdAtMs: 0,
  updatedAtMs: 0,
  failingSinceMs: null,
}

const delivery: Delivery = {
  number: 1,
  endpointId: id,
  paymentId: 'pay_1',
  seq: 1,
  type: 'captured',
  status: 'pending',
  sinceMs: 0,
  nextAtMs: 0,
  attempts: 1,
  endedAtMs: null,
  tries: [{ atMs: 0, status: null, error: 'timeout', tookMs: 1 }],
}

const [event] = historyOf('pay_1', 1)
const dead = { publisher: 'books', paymentId: 'pay_1', seq: 1, reason: 'x', atMs: 0 }

/** By the variables of paths. */
export const stubNames = { '{endpointId}': id, '{publisher}': 'books' } as const

export const deliveryStub: Pick<HttpService, 'feed' | 'webhooks' | 'publishers' | 'deadEvents'> = {
  feed: {
    streams: createStreams(),
    feed: {
      read: async () => ({
        entries:
          event === undefined
            ? []
            : [{ cursor: 'a.1', event, agent: 'agent_1', account: 'a', livemode: false }],
        cursor: 'a.1',
      }),
      cursorAt: async () => 'a.0',
      knows: () => true,
      between: async () => ({ events: [], next: null }),
      news: async () => undefined,
    },
  },
  webhooks: {
    add: async () => ({ result: 'no_room', most: 0 }),
    change: async () => ({ result: 'changed', endpoint }),
    rotate: async () => ({ endpoint, secret: 'whsec_' }),
    remove: async () => true,
    get: async () => endpoint,
    list: async () => [endpoint],
    ofAgent: async () => endpoint,
    standing: async () => [
      { endpoint, pending: 1, dead: 0, oldestPendingMs: 0, deadPaymentIds: [] },
    ],
    deliveries: async () => [delivery],
    replay: async () => ({ replayed: 0, next: null }),
  },
  publishers: new Map([['books', { name: 'books', publish: async () => 'delivered' as const }]]),
  deadEvents: {
    put: async () => undefined,
    take: async () => undefined,
    list: async () => [dead],
    counts: async () => new Map([['books', 1]]),
  },
}
