// Who reads the outbox, how far behind each of them is, what it would not take, and how it is offered
// that once more.
import { reject } from '../core/rejections.ts'
import { recordAct } from '../engine/audit.ts'
import type { Engine } from '../engine/engine.ts'
import { replayDeadLetters, replayPayment, replayWindow } from '../engine/replay.ts'
import type { Replayed } from '../engine/replay.ts'
import { rfc3339 } from './representation.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Operating, Reply, Route } from './route.ts'
import { limit, noQuery, object } from './schemas.ts'
import { ok } from './service.ts'
import { noSuchPublisher } from './variables.ts'
import {
  deadEventListJson,
  publisherListJson,
  publisherReplayRequest,
  replayedJson,
} from './webhook-schemas.ts'
import type { PublisherJson } from './webhook-schemas.ts'

const path = '/v1/publishers'
const defaultPage = 20

const example: PublisherJson = {
  object: 'publisher',
  name: 'ledger:9f0c2d1e-6a53-4f1e-8c1b-7d0a4e5b6c7d',
  lag_seconds: 0.2,
  dead_letters: 0,
}

async function lagSeconds({ store, time }: Engine, publisher: string): Promise<number> {
  const [oldest] = (await store.unpublished(publisher, 1)).events
  return oldest === undefined ? 0 : Math.max(0, time.nowMs(0) - oldest.atMs) / 1000
}

const listAll = operatorRead(
  path,
  {
    name: 'listPublishers',
    summary: 'Who reads the outbox, and how far behind each of them is',
    status: 200,
    answer: publisherListJson,
    example: { object: 'list', data: [example] },
  },
  noQuery,
  async ({ engine, x: { service } }) => {
    const dead = (await service.deadEvents?.counts()) ?? new Map<string, number>()
    const names = [...(service.publishers?.keys() ?? [])]
    const data = await Promise.all(
      names.map(async (name) => ({
        object: 'publisher',
        name,
        lag_seconds: await lagSeconds(engine, name),
        dead_letters: dead.get(name) ?? 0,
      })),
    )
    return ok(200, { object: 'list', data })
  },
)

const deadLetters = operatorRead(
  `${path}/{publisher}/dead-letters`,
  {
    name: 'listDeadEvents',
    summary: 'Events that a publisher would not take while it took others, oldest first',
    status: 200,
    answer: deadEventListJson,
    example: {
      object: 'list',
      data: [
        {
          object: 'dead_event',
          publisher: example.name,
          payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
          seq: 3,
          reason: 'no such account',
          at: '2026-01-31T12:20:00.000Z',
        },
      ],
    },
  },
  object({ limit }),
  async ({ x: { service }, id, query: { limit: most = defaultPage } }) => {
    if (service.publishers?.has(id) !== true) return noSuchPublisher
    const dead = (await service.deadEvents?.list({ publisher: id, limit: most })) ?? []
    const data = dead.map(({ publisher, paymentId, seq, reason, atMs }) => ({
      object: 'dead_event',
      publisher,
      payment_id: paymentId,
      seq,
      reason,
      at: rfc3339(atMs),
    }))
    return ok(200, { object: 'list', data })
  },
)

interface ReplayBody {
  readonly payment?: string | undefined
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly cursor?: string | undefined
  readonly reason?: string | undefined
}

const replay = operatorPost(
  `${path}/{publisher}/replay`,
  {
    name: 'replayPublisher',
    summary: 'Offer a publisher events once more; it drops what it knows',
    status: 200,
    answer: replayedJson,
    example: { object: 'replay', replayed: 12, refused: 0, cursor: null },
  },
  { schema: publisherReplayRequest, example: { dead_letters: true } },
  async (given) => {
    const { engine, id, operator, body } = given
    const line = { act: 'publisher_replay', target: id, by: operator } as const
    if (given.x.service.publishers?.has(id) !== true) return noSuchPublisher
    const stored = await recordAct(engine, { ...line, reason: body.reason ?? '' })
    if (typeof stored === 'object') return { rejection: stored }
    const done = await replayed(given)
    if ('rejection' in done) return done
    const { replayed: count, refused, next: cursor } = done
    return ok(200, { object: 'replay', replayed: count, refused, cursor })
  },
)

async function replayed({
  engine,
  x: { service },
  id,
  body,
}: Operating<ReplayBody>): Promise<Replayed | Extract<Reply, { rejection: unknown }>> {
  const { feed, deadEvents } = service
  const publisher = service.publishers?.get(id)
  if (publisher === undefined || deadEvents === undefined) return noSuchPublisher
  const { payment, from, to, cursor } = body
  if (payment !== undefined) return replayPayment(engine, publisher, deadEvents, payment)
  if (from === undefined || to === undefined) {
    return replayDeadLetters(engine, publisher, deadEvents)
  }
  if (feed === undefined) return { rejection: reject('not_found', 'This service keeps no feed.') }
  const window = { fromMs: Date.parse(from), toMs: Date.parse(to), after: cursor ?? null }
  return replayWindow(publisher, deadEvents, feed.feed, window)
}

export const publisherRoutes: readonly Route[] = [listAll, deadLetters, replay]
