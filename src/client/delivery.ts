// The feed, webhooks and publishers, over HTTP. The feed and its own callback an agent may use as well.
import type { Asking, Send } from './ask.ts'
import type {
  DeadEvent,
  FeedEvent,
  PublisherStatus,
  Replay,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointWithSecret,
} from './delivery-types.ts'
import { search } from './search.ts'
import type { Refused } from './types.ts'

type Told<Facts> = ({ readonly ok: true } & Facts) | Refused

interface Paging {
  readonly limit?: number
  readonly cursor?: string
}

type Page<Item> = Told<{ readonly data: readonly Item[]; readonly cursor: string | null }>

export type FeedResult = Told<{ readonly events: readonly FeedEvent[]; readonly cursor: string }>
export type EndpointResult = Told<{ readonly endpoint: WebhookEndpoint }>
export type EndpointSecretResult = Told<{ readonly endpoint: WebhookEndpointWithSecret }>
export type ReplayResult = Told<{ readonly replay: Replay }>
export type RemovedResult = Told<{ readonly id: string }>

export interface FeedQuery {
  /** Of an earlier page or event, `start` or `now`. Default: `start`. */
  readonly cursor?: string
  /** Instead of a cursor: RFC 3339. */
  readonly since?: string
  readonly limit?: number
}

export interface EndpointRequest {
  readonly url: string
  readonly description?: string
  readonly events?: readonly string[]
  readonly account?: string
  readonly agent?: string
  readonly reason?: string
}

/** Just one of: a payment, a delivery, a span of time, or all dead letters. */
export interface ReplayRequest {
  readonly payment?: string
  /** Its number; of endpoints only. */
  readonly delivery?: number
  readonly from?: string
  readonly to?: string
  readonly cursor?: string
  readonly dead_letters?: true
  readonly reason?: string
}

export interface DeliveryClient {
  /** All events from any point, oldest first; asked again with the cursor it goes on. */
  readonly feed: (
    query?: FeedQuery,
    how?: Asking & { readonly waitSeconds?: number },
  ) => Promise<FeedResult>
  readonly webhooks: (query?: Paging, how?: Asking) => Promise<Page<WebhookEndpoint>>
  readonly webhook: (id: string, how?: Asking) => Promise<EndpointResult>
  readonly addWebhook: (endpoint: EndpointRequest, how?: Asking) => Promise<EndpointSecretResult>
  readonly changeWebhook: (
    id: string,
    to: Pick<Partial<EndpointRequest>, 'url' | 'description' | 'events' | 'reason'>,
    how?: Asking,
  ) => Promise<EndpointResult>
  readonly enableWebhook: (
    id: string,
    why?: { readonly reason?: string },
    how?: Asking,
  ) => Promise<EndpointResult>
  readonly disableWebhook: (
    id: string,
    why?: { readonly reason?: string },
    how?: Asking,
  ) => Promise<EndpointResult>
  readonly rotateWebhook: (
    id: string,
    what?: { readonly overlap_seconds?: number; readonly reason?: string },
    how?: Asking,
  ) => Promise<EndpointSecretResult>
  readonly removeWebhook: (id: string, how?: Asking) => Promise<RemovedResult>
  readonly webhookDeliveries: (
    id: string,
    query?: Paging & { readonly status?: WebhookDelivery['status']; readonly payment?: string },
    how?: Asking,
  ) => Promise<Page<WebhookDelivery>>
  readonly replayWebhooks: (id: string, what: ReplayRequest, how?: Asking) => Promise<ReplayResult>

  readonly publishers: (how?: Asking) => Promise<Page<PublisherStatus>>
  readonly deadEvents: (
    publisher: string,
    query?: Pick<Paging, 'limit'>,
    how?: Asking,
  ) => Promise<Page<DeadEvent>>
  readonly replayPublisher: (
    publisher: string,
    what: Omit<ReplayRequest, 'delivery'>,
    how?: Asking,
  ) => Promise<ReplayResult>

  /** An agent's own; nothing is sent before an operator has enabled it. */
  readonly callback: (how?: Asking) => Promise<EndpointResult>
  readonly setCallback: (
    to: Pick<EndpointRequest, 'url' | 'events'>,
    how?: Asking,
  ) => Promise<EndpointSecretResult>
  readonly rotateCallback: (how?: Asking) => Promise<EndpointSecretResult>
  readonly removeCallback: (how?: Asking) => Promise<RemovedResult>
}

const [endpoints, publishers, own] = ['/v1/webhook-endpoints', '/v1/publishers', '/v1/callback']

export function deliveryClient(send: Send): DeliveryClient {
  return { feed: feedOf(send), ...webhooksOf(send), ...publishersOf(send), ...callbackOf(send) }
}

// The casts below: what a route answers is the service's own, and its schema is tested there.

function feedOf(send: Send): DeliveryClient['feed'] {
  return async (query = {}, { waitSeconds = 0, ...how } = {}) => {
    const headers: Record<string, string> =
      waitSeconds > 0 ? { prefer: `wait=${Math.floor(waitSeconds)}` } : {}
    const reply = await send({ method: 'GET', path: `/v1/events${search(query)}`, headers }, how)
    if (!reply.ok) return reply
    const { data, cursor } = reply.body as { data: readonly FeedEvent[]; cursor: string }
    return { ok: true, events: data, cursor }
  }
}

type Asked = Parameters<Send>[0]

async function endpointOf<E extends WebhookEndpoint>(
  send: Send,
  asked: Asked,
  how?: Asking,
): Promise<Told<{ readonly endpoint: E }>> {
  const reply = await send(asked, how)
  return reply.ok ? { ok: true, endpoint: reply.body as E } : reply
}

async function removedOf(send: Send, path: string, how?: Asking): Promise<RemovedResult> {
  const reply = await send({ method: 'DELETE', path }, how)
  return reply.ok ? { ok: true, id: (reply.body as { id: string }).id } : reply
}

async function replayOf(
  send: Send,
  path: string,
  body: ReplayRequest,
  how?: Asking,
): Promise<ReplayResult> {
  const reply = await send({ method: 'POST', path: `${path}/replay`, body }, how)
  return reply.ok ? { ok: true, replay: reply.body as Replay } : reply
}

async function pageOf<Item>(send: Send, path: string, how?: Asking): Promise<Page<Item>> {
  const reply = await send({ method: 'GET', path }, how)
  if (!reply.ok) return reply
  const { data, cursor } = reply.body as { data: readonly Item[]; cursor?: string | null }
  return { ok: true, data, cursor: cursor ?? null }
}

function webhooksOf(
  send: Send,
): Omit<
  DeliveryClient,
  | 'feed'
  | 'publishers'
  | 'deadEvents'
  | 'replayPublisher'
  | 'callback'
  | 'setCallback'
  | 'rotateCallback'
  | 'removeCallback'
> {
  const one = (id: string): string => `${endpoints}/${part(id)}`
  const post = <E extends WebhookEndpoint>(path: string, body: object, how?: Asking) =>
    endpointOf<E>(send, { method: 'POST', path, body }, how)
  return {
    webhooks: (query = {}, how) => pageOf(send, `${endpoints}${search(query)}`, how),
    webhook: (id, how) => endpointOf(send, { method: 'GET', path: one(id) }, how),
    addWebhook: (endpoint, how) => post(endpoints, endpoint, how),
    changeWebhook: (id, to, how) =>
      endpointOf(send, { method: 'PATCH', path: one(id), body: to }, how),
    enableWebhook: (id, why = {}, how) => post(`${one(id)}/enable`, why, how),
    disableWebhook: (id, why = {}, how) => post(`${one(id)}/disable`, why, how),
    rotateWebhook: (id, what = {}, how) => post(`${one(id)}/rotate`, what, how),
    removeWebhook: (id, how) => removedOf(send, one(id), how),
    webhookDeliveries: (id, query = {}, how) =>
      pageOf(send, `${one(id)}/deliveries${search(query)}`, how),
    replayWebhooks: (id, what, how) => replayOf(send, one(id), what, how),
  }
}

function publishersOf(
  send: Send,
): Pick<DeliveryClient, 'publishers' | 'deadEvents' | 'replayPublisher'> {
  const one = (name: string): string => `${publishers}/${part(name)}`
  return {
    publishers: (how) => pageOf(send, publishers, how),
    deadEvents: (name, query = {}, how) =>
      pageOf(send, `${one(name)}/dead-letters${search(query)}`, how),
    replayPublisher: (name, what, how) => replayOf(send, one(name), what, how),
  }
}

function callbackOf(
  send: Send,
): Pick<DeliveryClient, 'callback' | 'setCallback' | 'rotateCallback' | 'removeCallback'> {
  return {
    callback: (how) => endpointOf(send, { method: 'GET', path: own }, how),
    setCallback: (to, how) => endpointOf(send, { method: 'PUT', path: own, body: to }, how),
    rotateCallback: (how) =>
      endpointOf(send, { method: 'POST', path: `${own}/rotate`, body: {} }, how),
    removeCallback: (how) => removedOf(send, own, how),
  }
}

const part = (text: string): string => encodeURIComponent(text)
