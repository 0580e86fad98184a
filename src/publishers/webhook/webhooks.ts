// Webhooks out: a publisher that notes for each endpoint what it is to be told, and the desk where
// endpoints are made and changed. The sender does the rest.
import { randomBytes } from 'node:crypto'
import type { lookup as systemLookup } from 'node:dns'

import type { PaymentEvent } from '../../core/payment.ts'
import type { Endpoint, Feed, ReplayFilter, Webhooks } from '../../delivery-ports.ts'
import type { LogEntry } from '../../engine/log.ts'
import { readAddress } from '../../outbound/post.ts'
import type { Rules } from '../../outbound/post.ts'
import type { Publisher, Store } from '../../ports.ts'
import { ownersOf } from '../owners.ts'
import type { Owner } from '../owners.ts'
import type { NewDelivery, WebhookBook } from './book.ts'
import { defaultPatience } from './patience.ts'
import type { Patience } from './patience.ts'
import { createSender } from './sender.ts'
import type { Sender, SenderOptions } from './sender.ts'

export interface WebhookOptions {
  readonly book: WebhookBook
  readonly store: Pick<Store, 'events' | 'read'>
  readonly feed: Pick<Feed, 'between'>
  readonly render: SenderOptions['render']
  readonly rules: Rules
  readonly nowMs: () => number
  readonly newId: (nowMs: number) => string
  readonly log: (entry: LogEntry) => void
  readonly patience?: Patience
  readonly timeoutMs?: number
  readonly lookup?: typeof systemLookup
}

export interface WebhookService {
  readonly publisher: Publisher
  readonly webhooks: Webhooks
  /** Goes on with whatever is pending. */
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Each has a line of its own, and four connections at most. */
const maxEndpoints = 500
/** Longer than a receiver should need, short enough that one that hangs is known for it. */
const defaultTimeoutMs = 15_000
/**
 * What happened so long before an endpoint was made is not news for it, wherever the relay stands; a
 * clock that was set back by less loses nothing.
 */
const historyMs = 86_400_000
/** The log of what was delivered goes back so far. */
const keepMs = 30 * 86_400_000
const pruneEveryMs = 60_000
const prunedAtOnce = 5_000

export function openWebhooks(options: WebhookOptions): WebhookService {
  const { book, store, nowMs } = options
  const sender = createSender({
    patience: defaultPatience,
    timeoutMs: defaultTimeoutMs,
    ...options,
  })
  let pruning: NodeJS.Timeout | null = null
  const publisher: Publisher = Object.freeze({
    name: `webhooks:${book.id}`,
    async publish(events: readonly PaymentEvent[]) {
      const endpoints = await book.endpoints()
      if (endpoints.length === 0) return 'delivered' as const
      const wanted = await wantedBy(endpoints, store, events)
      await book.enqueue(wanted, nowMs())
      for (const id of new Set(wanted.map(({ endpointId }) => endpointId))) sender.wake(id)
      return 'delivered' as const
    },
  })
  return Object.freeze<WebhookService>({
    publisher,
    webhooks: deskOn(options, sender),
    async start() {
      for (const { id } of await book.endpoints()) sender.wake(id)
      const prune = () => void book.prune(nowMs() - keepMs, prunedAtOnce).catch(() => undefined)
      pruning = setInterval(prune, pruneEveryMs)
    },
    async stop() {
      if (pruning !== null) clearInterval(pruning)
      await sender.stop()
      book.close()
    },
  })
}

// ── What an endpoint wants ───────────────────────────────────────────────────────────────────────

async function wantedBy(
  endpoints: readonly Endpoint[],
  store: Pick<Store, 'read'>,
  events: readonly PaymentEvent[],
): Promise<readonly NewDelivery[]> {
  const news = endpoints.flatMap((endpoint) =>
    events
      .filter((event) => wants(endpoint, event) && event.atMs > endpoint.createdAtMs - historyMs)
      .map((event) => ({ endpoint, event })),
  )
  return ofItsOwn(news, store)
}

/** Does its filter let such an event through? */
export function wants({ events }: Endpoint, { type }: Pick<PaymentEvent, 'type'>): boolean {
  return events.length === 0 || events.includes(type)
}

interface News {
  readonly endpoint: Endpoint
  readonly event: PaymentEvent
}

/** Whose payments they are is asked only where an endpoint is not for all. */
async function ofItsOwn(
  news: readonly News[],
  store: Pick<Store, 'read'>,
): Promise<readonly NewDelivery[]> {
  const isBound = ({ endpoint }: News): boolean =>
    endpoint.account !== null || endpoint.agent !== null
  const bound = news.filter(isBound).map(({ event }) => event)
  const owners = new Map(
    (await ownersOf(store, bound)).map((owner) => [owner.paymentId, owner] as const),
  )
  return news
    .filter((each) => !isBound(each) || isFor(each.endpoint, owners.get(each.event.paymentId)))
    .map(({ endpoint, event: { paymentId, seq, type } }) => ({
      endpointId: endpoint.id,
      paymentId,
      seq,
      type,
    }))
}

function isFor({ account, agent }: Endpoint, owner: Owner | undefined): boolean {
  if (owner === undefined) return false
  return (
    (account === null || account === owner.account) && (agent === null || agent === owner.agent)
  )
}

// ── The desk ─────────────────────────────────────────────────────────────────────────────────────

/** As `echo whsec_$(openssl rand -base64 32)` makes one. */
const makeSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

function deskOn(options: WebhookOptions, sender: Sender): Webhooks {
  const { book, rules, nowMs, newId } = options
  return Object.freeze<Webhooks>({
    async add(given) {
      const read = readAddress(given.url, rules)
      if ('fault' in read) return { result: 'bad_url', fault: read.fault }
      const all = await book.endpoints()
      const twin = all.find(
        ({ url, account, agent, callbackOf }) =>
          url === read.url.href &&
          account === given.account &&
          agent === given.agent &&
          callbackOf === given.callbackOf,
      )
      if (twin !== undefined) return { result: 'exists', id: twin.id }
      if (all.length >= maxEndpoints) return { result: 'no_room', most: maxEndpoints }
      const atMs = nowMs()
      const secret = makeSecret()
      const endpoint: Endpoint = {
        ...given,
        id: newId(atMs),
        url: read.url.href,
        reason: null,
        secrets: [{ secret, untilMs: null }],
        createdAtMs: atMs,
        updatedAtMs: atMs,
        failingSinceMs: null,
      }
      await book.add(endpoint)
      return { result: 'added', endpoint, secret }
    },
    change: (id, to) => change(options, sender, id, to),
    async rotate(id, overlapMs) {
      const secret = makeSecret()
      const atMs = nowMs()
      const endpoint = await book.change(id, (now) => {
        const [newest] = now.secrets
        // Two at most: a third signature would say that an old secret never ends.
        const before = newest === undefined ? [] : [{ ...newest, untilMs: atMs + overlapMs }]
        const secrets = [{ secret, untilMs: null }, ...(overlapMs === 0 ? [] : before)]
        return { ...now, secrets, updatedAtMs: atMs }
      })
      return endpoint === null ? null : { endpoint, secret }
    },
    async remove(id) {
      const removed = await book.remove(id)
      sender.wake(id)
      return removed
    },
    get: book.endpoint,
    async list({ limit, before }) {
      const all = await book.endpoints()
      return all.filter(({ id }) => before === undefined || id < before).slice(0, limit)
    },
    async ofAgent(agent) {
      return (await book.endpoints()).find(({ callbackOf }) => callbackOf === agent) ?? null
    },
    standing: book.standing,
    deliveries: book.deliveries,
    replay: (id, filter) => replay(options, sender, id, filter),
  })
}

async function change(
  { book, rules, nowMs }: WebhookOptions,
  sender: Sender,
  id: string,
  to: Parameters<Webhooks['change']>[1],
): ReturnType<Webhooks['change']> {
  const read = to.url === undefined ? null : readAddress(to.url, rules)
  if (read !== null && 'fault' in read) return { result: 'bad_url', fault: read.fault }
  const url = read === null ? {} : { url: read.url.href }
  const atMs = nowMs()
  const before = await book.endpoint(id)
  const endpoint = await book.change(id, (now) => {
    const isNew = to.status === 'enabled' && now.status !== 'enabled'
    const fresh = isNew ? { failingSinceMs: null, reason: null } : {}
    return { ...now, ...to, ...url, ...fresh, updatedAtMs: atMs }
  })
  if (endpoint === null) return { result: 'absent' }
  // What was kept for it meanwhile has all of its time before it.
  if (endpoint.status === 'enabled' && before?.status !== 'enabled') {
    await book.renewPending(id, atMs)
  }
  sender.wake(id)
  return { result: 'changed', endpoint }
}

/** Events of one page of a replay, and of one request. */
const replayPage = 500
const replayPages = 20

async function replay(
  { book, store, feed, nowMs }: WebhookOptions,
  sender: Sender,
  id: string,
  filter: ReplayFilter,
): ReturnType<Webhooks['replay']> {
  const endpoint = await book.endpoint(id)
  if (endpoint === null) return null
  const renew = async (events: readonly PaymentEvent[]): Promise<number> => {
    const news = events.filter((event) => wants(endpoint, event))
    const wanted = await ofItsOwn(
      news.map((event) => ({ endpoint, event })),
      store,
    )
    return book.renew(wanted, nowMs())
  }
  let replayed = 0
  let next: string | null = null
  if (filter.which === 'dead') replayed = await book.renewDead(id, nowMs())
  else if (filter.which === 'delivery') replayed = await book.renewOne(id, filter.number, nowMs())
  else if (filter.which === 'payment') {
    for (let seq = 0, events; ; seq += events.length) {
      events = await store.events(filter.paymentId, seq, replayPage)
      if (events.length === 0) break
      replayed += await renew(events)
    }
  } else {
    next = filter.after
    for (let pages = 0; pages < replayPages; pages += 1) {
      const page = await feed.between({ ...filter, after: next, limit: replayPage })
      replayed += await renew(page.events)
      next = page.next
      if (next === null) break
    }
  }
  sender.wake(id)
  return { replayed, next }
}
