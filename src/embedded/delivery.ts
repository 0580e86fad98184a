// Everything downstream of the outbox on one machine, put together: the feed, webhooks, dead letters of
// publishers, and what people are to be called for. Each has a file of its own beside the store.
import { randomUUID } from 'node:crypto'
import { join } from 'node:path'

import type { Config } from '../config.ts'
import type { Sighting } from '../core/alert-life.ts'
import type { DeadEvents, Webhooks } from '../delivery-ports.ts'
import type { Engine } from '../engine/engine.ts'
import type { LogEntry } from '../engine/log.ts'
import { randomIds, systemClock } from '../engine/system.ts'
import { createStreams } from '../http/feed-stream.ts'
import type { HttpService } from '../http/service.ts'
import { webhookMessage } from '../http/webhook-body.ts'
import type { Downstream } from '../metrics/metrics.ts'
import { openDeadEvents } from '../publishers/dead-events/dead-events.ts'
import { openFeed } from '../publishers/feed/feed.ts'
import { openSqliteBook } from '../publishers/webhook/sqlite-book.ts'
import { openWebhooks, wants } from '../publishers/webhook/webhooks.ts'
import type { Publisher, Store } from '../ports.ts'
import { startRelay } from './relay.ts'
import type { Repeating } from './repeat.ts'

export interface DeliveryService {
  readonly publishers: readonly Publisher[]
  /** What the door needs; `publishers` are all that read the outbox. */
  readonly doors: (
    publishers: readonly Publisher[],
  ) => Pick<HttpService, 'feed' | 'webhooks' | 'publishers' | 'deadEvents'>
  /** What is so right now and should not stay so. */
  readonly sightings: () => Promise<readonly Sighting[]>
  readonly downstream: () => Promise<Downstream>
  /** A relay for each of those that read the outbox, and whatever waits to be sent. */
  readonly start: (engine: Engine, publishers: readonly Publisher[]) => Promise<void>
  readonly stop: () => Promise<void>
}

const newEndpointId = (nowMs: number): string =>
  randomIds.next('inst', nowMs).replace(/^inst_/, 'whe_')

export function openDelivery(
  config: Config,
  store: Store,
  log: (entry: LogEntry) => void,
): DeliveryService {
  const file = (name: string): string => join(config.dataFolder, name)
  const engine = Promise.withResolvers<Engine>()
  let relays: readonly Repeating[] = []
  const feed = openFeed({ file: file('feed.db'), store, newId: randomUUID })
  const deadEvents = openDeadEvents(file('dead-events.db'))
  const webhooks = openWebhooks({
    book: openSqliteBook(file('webhooks.db'), randomUUID),
    store,
    feed: feed.feed,
    render: async (delivery, endpoint) =>
      webhookMessage(await engine.promise, delivery, (event) => wants(endpoint, event)),
    rules: { loopback: isDevelopment(config), privateHosts: new Set(config.webhookPrivateHosts) },
    nowMs: systemClock.nowMs,
    newId: newEndpointId,
    log,
  })
  return Object.freeze<DeliveryService>({
    publishers: [feed.publisher, webhooks.publisher],
    doors: (publishers) => ({
      feed: { feed: feed.feed, streams: createStreams() },
      webhooks: webhooks.webhooks,
      publishers: new Map(publishers.map((each) => [each.name, each])),
      deadEvents,
    }),
    sightings: () => sightings(webhooks.webhooks, deadEvents),
    downstream: () => downstream(webhooks.webhooks, deadEvents),
    async start(started, publishers) {
      engine.resolve(started)
      await webhooks.start()
      relays = publishers.map((each) => startRelay(started, each, deadEvents))
    },
    async stop() {
      await Promise.all(relays.map((relay) => relay.stop()))
      await webhooks.stop()
      feed.close()
      deadEvents.close()
    },
  })
}

/** Nobody but this machine can reach the service: it is where somebody tries things out. */
function isDevelopment({ host }: Config): boolean {
  return ['127.0.0.1', '::1', 'localhost'].includes(host)
}

async function sightings(webhooks: Webhooks, deadEvents: DeadEvents): Promise<readonly Sighting[]> {
  const [standing, dead] = await Promise.all([webhooks.standing(), deadEvents.counts()])
  const ofEndpoints = standing.flatMap(({ endpoint, dead: count, deadPaymentIds }) => {
    const { id, status, reason } = endpoint
    // One that an operator has disabled needs nobody to look at it.
    const isOut = status === 'disabled' && reason !== 'operator'
    return [
      ...(isOut ? [sighting('webhook_disabled', id, 1)] : []),
      ...(count > 0 ? [sighting('webhook_dead_letters', id, count, deadPaymentIds)] : []),
    ]
  })
  const ofPublishers = [...dead].map(([name, count]) => sighting('events_put_aside', name, count))
  return [...ofEndpoints, ...ofPublishers]
}

async function downstream(webhooks: Webhooks, deadEvents: DeadEvents): Promise<Downstream> {
  const [standing, aside] = await Promise.all([webhooks.standing(), deadEvents.counts()])
  const sum = (of: 'pending' | 'dead'): number =>
    standing.reduce((total, each) => total + each[of], 0)
  const oldest = standing.flatMap(({ endpoint, oldestPendingMs: ms }) =>
    // What is kept for an endpoint that is not enabled is late for nobody.
    endpoint.status === 'enabled' && ms !== null ? [ms] : [],
  )
  const oldestMs = oldest.length === 0 ? null : Math.min(...oldest)
  return { aside, pending: sum('pending'), dead: sum('dead'), oldestMs }
}

function sighting(
  kind: Sighting['group']['kind'],
  subject: string,
  count: number,
  paymentIds: readonly string[] = [],
): Sighting {
  return { group: { kind, subject, detail: '' }, count, paymentIds }
}
