// What the tests of webhooks share: receivers on loopback, each with its own way to answer, and a
// service of webhooks over a store of a few payments.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { stamp } from '../../core/evolve.ts'
import type { Fact, PaymentEvent } from '../../core/payment.ts'
import type { Delivery, Endpoint } from '../../delivery-ports.ts'
import { openSqliteBook } from './sqlite-book.ts'
import { openWebhooks, wants } from './webhooks.ts'
import type { WebhookOptions, WebhookService } from './webhooks.ts'

export interface Received {
  readonly headers: Record<string, string>
  readonly body: string
  readonly atMs: number
}

export interface Receiver {
  readonly url: string
  readonly received: Received[]
  /** How it answers from now on. */
  answer: (response: ServerResponse, count: number) => void
}

export async function receiver(
  t: TestContext,
  answer: Receiver['answer'] = (response) => response.end(),
): Promise<Receiver> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      received.push({ headers: textOf(request.headers), body, atMs: Date.now() })
      made.answer(response, received.length)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  const made: Receiver = { url, received, answer }
  return made
}

function textOf(headers: IncomingHttpHeaders): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))
}

export async function until(holds: () => boolean | Promise<boolean>, withinMs = 5_000) {
  const untilMs = Date.now() + withinMs
  while (!(await holds())) {
    if (Date.now() > untilMs) throw new Error('it does not come to pass')
    await sleep(10)
  }
}

const t0 = Date.UTC(2026, 0, 31, 12)

/** So many events of one payment; the last one captures. */
export function historyOf(paymentId: string, count: number, atMs = t0): readonly PaymentEvent[] {
  const source = {
    source: 'answer',
    attemptId: null,
    send: null,
    cause: 'x',
    askedAtMs: 0,
  } as const
  const by = { ...source, status: null, requestId: null, excerpt: null }
  const facts: Fact[] = Array.from({ length: count }, (_, at) =>
    at + 1 === count ? { type: 'captured', amount: 5, by } : { type: 'validated' },
  )
  return stamp(paymentId, 0, facts, atMs)
}

export interface WebhookWorld extends WebhookService {
  readonly clock: { nowMs: number }
  readonly events: Map<string, readonly PaymentEvent[]>
  /** Publishes all that a payment has. */
  readonly happen: (paymentId: string, count: number) => Promise<void>
  readonly addEndpoint: (
    url: string,
    more?: Partial<Pick<Endpoint, 'events' | 'status' | 'agent' | 'account'>>,
  ) => Promise<{ readonly endpoint: Endpoint; readonly secret: string }>
  readonly deliveries: (endpoint: Endpoint) => Promise<readonly Delivery[]>
}

export function webhookWorld(
  t: TestContext,
  file: string,
  over: Partial<WebhookOptions> = {},
): WebhookWorld {
  let offsetMs = 0
  const clock = {
    get nowMs() {
      return Date.now() + offsetMs
    },
    set nowMs(ms: number) {
      offsetMs = ms - Date.now()
    },
  }
  const events = new Map<string, readonly PaymentEvent[]>()
  const store: WebhookOptions['store'] = {
    events: async (id, after, limit) => (events.get(id) ?? []).slice(after, after + limit),
    read: () => Promise.reject(new Error('nobody asks for it here')),
  }
  let count = 0
  const service = openWebhooks({
    book: openSqliteBook(file, () => 'book'),
    store,
    feed: {
      between: async ({ fromMs, toMs }) => ({
        events: [...events.values()].flat().filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
        next: null,
      }),
    },
    render: async ({ paymentId, seq }, endpoint) => {
      const event = events.get(paymentId)?.[seq - 1]
      if (event === undefined) return null
      const body = JSON.stringify({ payment_id: paymentId, seq, wanted: wants(endpoint, event) })
      return { id: `evt_${paymentId}_${seq}`, body }
    },
    rules: { loopback: true, privateHosts: new Set() },
    nowMs: () => clock.nowMs,
    newId: () => `whe_${String((count += 1)).padStart(4, '0')}`,
    log: () => undefined,
    patience: {
      deliveryMs: 60_000,
      endpointMs: 180_000,
      pace: { baseMs: 20, capMs: 40 },
      endpointPace: { baseMs: 5, capMs: 10 },
    },
    timeoutMs: 300,
    ...over,
  })
  let isOpen = true
  const stop = async (): Promise<void> => {
    if (isOpen) await service.stop()
    isOpen = false
  }
  t.after(stop)
  return {
    ...service,
    stop,
    clock,
    events,
    async happen(paymentId, howMany) {
      const own = historyOf(paymentId, howMany, clock.nowMs)
      events.set(paymentId, own)
      await service.publisher.publish(own)
    },
    async addEndpoint(url, more = {}) {
      const added = await service.webhooks.add({
        url,
        description: '',
        events: [],
        account: null,
        agent: null,
        callbackOf: null,
        createdBy: 'Olga',
        status: 'enabled',
        ...more,
      })
      if (added.result !== 'added') throw new Error(JSON.stringify(added))
      return added
    },
    deliveries: (endpoint) => service.webhooks.deliveries({ endpointId: endpoint.id, limit: 100 }),
  }
}
