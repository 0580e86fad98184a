// All events, one after the other: as pages with a cursor that can be gone on with at any time, and as
// they happen (server-sent events). Agents see what is their account's.
import * as z from 'zod'

import type { FeedEntry } from '../delivery-ports.ts'
import { reject } from '../core/rejections.ts'
import { toEventJson } from './events.ts'
import { headerOf } from './exchange.ts'
import { invalid } from './faults.ts'
import { openStream, waitForPage } from './feed-stream.ts'
import { read } from './route.ts'
import type { Reading, Reply, Route } from './route.ts'
import { integer, object, time } from './schemas.ts'
import { ok } from './service.ts'
import type { HttpService } from './service.ts'
import { list, time as wireTime } from './wire.ts'

const feedEventJson = z
  .strictObject({
    id: z.string(),
    object: z.literal('event'),
    payment_id: z.string(),
    seq: z.int().min(1),
    prev_seq: z
      .int()
      .min(0)
      .meta({ description: 'The event of this payment before it; 0: it is the first.' }),
    type: z.string(),
    at: wireTime,
    data: z.record(z.string(), z.unknown()).meta({ description: 'What the type holds.' }),
    agent: z.string(),
    account: z.string(),
    livemode: z.boolean(),
    cursor: z.string().meta({ description: 'Goes on after this event.' }),
  })
  .meta({ id: 'FeedEvent' })

export type FeedEventJson = z.output<typeof feedEventJson>

const feedJson = z
  .strictObject({
    ...list(feedEventJson),
    cursor: z.string().meta({ description: 'Goes on after this page; there always is one.' }),
  })
  .meta({ id: 'Feed' })

const cursorPattern = /^(start|now|\w{1,8}\.\d{1,15})$/

const feedQuery = object({
  cursor: z
    .string()
    .regex(cursorPattern, 'must be a cursor of this feed, `start` or `now`')
    .optional()
    .meta({ description: 'Default: `start`; of a stream `now`.' }),
  since: time('Instead of a cursor: begins no later than with what happened then.').optional(),
  limit: integer(1, 100, 'Default: 100.'),
})

type Query = z.output<typeof feedQuery>

const noFeed: Reply = { rejection: reject('not_found', 'This service keeps no feed.') }

const example: FeedEventJson = {
  id: 'evt_01JD4Z0M8QW3R5T7V9X1B2C4D6_7',
  object: 'event',
  payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  seq: 7,
  prev_seq: 6,
  type: 'settled',
  at: '2026-01-31T12:20:00.000Z',
  data: { settlement: { id: 'po_1', settled_at: '2026-01-31T12:20:00.000Z', fee: 12 } },
  agent: 'agent_books',
  account: 'default',
  livemode: false,
  cursor: '5f0c1a2b.1042',
}

const events = read(
  '/v1/events',
  {
    name: 'readFeed',
    summary: 'All events in order, from any point; with `Accept: text/event-stream` as they happen',
    status: 200,
    answer: feedJson,
    example: { object: 'list', data: [example], cursor: example.cursor },
  },
  feedQuery,
  async (given) => {
    const { feed: door } = given.x.service
    if (door === undefined) return noFeed
    const wantsStream = headerOf(given.x, 'accept')?.includes('text/event-stream') === true
    const begun = await beginning(given, door.feed, wantsStream ? 'now' : 'start')
    if ('rejection' in begun) return begun
    return wantsStream ? stream(given, door, begun.after) : page(given, door, begun.after)
  },
  ['prefer'],
)

type Door = NonNullable<HttpService['feed']>

async function beginning(
  { x, query: { cursor, since } }: Reading<Query>,
  feed: Door['feed'],
  otherwise: 'start' | 'now',
): Promise<{ readonly after: string } | Extract<Reply, { rejection: unknown }>> {
  // What a client that was cut off has seen comes before what it asked for at first.
  const last = headerOf(x, 'last-event-id')
  const asked = last === undefined || last === '' ? cursor : last
  if (asked !== undefined && asked === cursor && since !== undefined) {
    return { rejection: invalid('Send `cursor` or `since`, not both.') }
  }
  if (asked === 'start' || asked === 'now') return { after: await feed.cursorAt(asked) }
  if (asked !== undefined) {
    if (feed.knows(asked)) return { after: asked }
    const detail =
      'This is no cursor of this feed; it may have been made anew since. Begin with `since`, a while ' +
      'before your last event, and drop what you have seen by `payment_id` and `seq`.'
    const pointer = asked === cursor ? '/cursor' : '/last-event-id'
    return { rejection: invalid(detail, [{ pointer, reason: 'is no cursor of this feed' }]) }
  }
  if (since !== undefined) return { after: await feed.cursorAt(Date.parse(since)) }
  return { after: await feed.cursorAt(otherwise) }
}

const defaultPage = 100

async function page(
  { x, account, only, waitMs, query: { limit = defaultPage } }: Reading<Query>,
  { feed }: Door,
  after: string,
): Promise<Reply> {
  const found = await waitForPage(feed, { account, after, limit }, waitMs, goneOf(x))
  const seen = found.entries.filter(({ agent }) => only === null || agent === only)
  const data = seen.map(toFeedJson)
  return ok(200, { object: 'list', data, cursor: found.cursor })
}

function stream(
  { x, account, agent, only }: Reading<Query>,
  { feed, streams }: Door,
  after: string,
): Reply {
  // Agents' names cannot hold a space.
  const onEnd = streams.take(agent ?? 'the operators')
  if (onEnd === null) {
    const detail = 'There are as many open streams as there may be; close one, or read pages.'
    return { rejection: reject('rate_limited', detail, { retryAfterMs: fullRetryMs }) }
  }
  // Where it stands goes on also over what this agent may not see.
  const show = (entry: FeedEntry): string =>
    only === null || entry.agent === only
      ? `id: ${entry.cursor}\ndata: ${JSON.stringify(toFeedJson(entry))}\n\n`
      : `id: ${entry.cursor}\n\n`
  const body = openStream({ feed, account, after, show, gone: goneOf(x), onEnd })
  return { status: 200, body, headers: { 'content-type': 'text/event-stream; charset=utf-8' } }
}

const fullRetryMs = 10_000

function goneOf({ request, closing }: Reading<Query>['x']): AbortSignal {
  return closing === null ? request.signal : AbortSignal.any([request.signal, closing])
}

function toFeedJson({ event, cursor, agent, account, livemode }: FeedEntry): FeedEventJson {
  const { data, ...shown } = toEventJson(event)
  return { ...shown, prev_seq: event.seq - 1, data, agent, account, livemode, cursor }
}

export const feedRoutes: readonly Route[] = [events]
