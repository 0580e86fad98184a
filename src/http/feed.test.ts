// The feed over HTTP: pages from any point, and streams that come back to where they were.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { createDeliveryWorld } from '../../test/delivery-world.ts'
import type { DeliveryWorld } from '../../test/delivery-world.ts'
import { tokens } from '../../test/http-world.ts'
import type { Who } from '../../test/http-world.ts'
import type { Feed } from '../delivery-ports.ts'
import type { FeedEventJson } from './feed.ts'
import { openStream } from './feed-stream.ts'
import { defaultServeLimits, serveHttp } from './serve.ts'

interface Page {
  readonly data: readonly FeedEventJson[]
  readonly cursor: string
}

const namesOf = (events: readonly FeedEventJson[]) =>
  events.map(({ payment_id: id, seq }) => `${id}/${seq}`)

const readPage = async ({ ask }: DeliveryWorld, query: string, as: Who = 'operator') =>
  (await ask<Page>('GET', `/v1/events${query}`, { as })).body

async function readAll(world: DeliveryWorld, as: Who, from = 'start', limit = 3) {
  const all: FeedEventJson[] = []
  for (let cursor = from; ;) {
    const page = await readPage(world, `?limit=${limit}&cursor=${cursor}`, as)
    if (page.data.length === 0) return { all, cursor: page.cursor }
    all.push(...page.data)
    cursor = page.cursor
  }
}

async function withPayments(world: DeliveryWorld) {
  const own = await world.pay({ reference: 'INV-A' })
  const other = await world.pay({ reference: 'INV-B' }, { as: 'stranger' })
  for (const { id } of [own, other]) await world.toRest(id)
  await world.keep()
  return { own: own.id, other: other.id }
}

test('all events come once and in order, whatever the pages; agents see their account’s', async (t) => {
  const world = await createDeliveryWorld(t)
  const { own, other } = await withPayments(world)
  const { all } = await readAll(world, 'operator')
  for (const id of [own, other]) {
    const events = await world.engine.store.events(id, 0, 100)
    assert.deepEqual(
      all.filter((each) => each.payment_id === id).map(({ seq, prev_seq: prev }) => [seq, prev]),
      events.map(({ seq }) => [seq, seq - 1]),
    )
  }
  const mine = (await readAll(world, 'agent')).all
  assert.deepEqual(new Set(mine.map(({ payment_id: id }) => id)), new Set([own]))
  assert.deepEqual(new Set(mine.map(({ account }) => account)), new Set(['account_1']))
  assert.deepEqual(namesOf((await readAll(world, 'colleague')).all), namesOf(mine))
  const foreign = (await readAll(world, 'stranger')).all
  assert.deepEqual(new Set(foreign.map(({ payment_id: id }) => id)), new Set([other]))
})

test('a page can be gone on with from any event, from now, and from a time', async (t) => {
  const world = await createDeliveryWorld(t)
  await withPayments(world)
  const { all, cursor } = await readAll(world, 'operator')
  for (const [place, { cursor: after }] of all.entries()) {
    const rest = (await readAll(world, 'operator', after, 100)).all
    assert.deepEqual(namesOf(rest), namesOf(all.slice(place + 1)))
  }
  assert.equal((await readPage(world, '?cursor=now')).cursor, cursor)
  const later = await world.pay({ reference: 'INV-C', payee: 'C' })
  await world.keep()
  const news = await readPage(world, `?cursor=${cursor}`)
  assert.deepEqual(new Set(news.data.map(({ payment_id: id }) => id)), new Set([later.id]))
  const [first] = news.data
  const since = await readPage(world, `?since=${first?.at}`)
  assert.ok(namesOf(since.data).includes(`${later.id}/1`))
  assert.equal((await readPage(world, '?since=2100-01-01T00:00:00Z')).data.length, 0)
})

test('a repeated page adds nothing, and what cannot be meant is refused', async (t) => {
  const world = await createDeliveryWorld(t)
  const { own } = await withPayments(world)
  const before = (await readAll(world, 'operator')).all
  const [publisher] = [...(await world.engine.store.events(own, 0, 100))]
  assert.ok(publisher)
  for (const query of [
    '?cursor=x',
    '?cursor=other.12',
    '?limit=0',
    '?limit=101',
    '?since=yesterday',
    '?cursor=start&since=2026-01-31T12:00:00Z',
    '?x=1',
  ]) {
    assert.equal((await world.ask('GET', `/v1/events${query}`)).status, 400, query)
  }
  assert.equal((await world.ask('GET', '/v1/events', { as: null })).status, 401)
  await world.keep()
  assert.deepEqual(namesOf((await readAll(world, 'operator')).all), namesOf(before))
})

interface Stream {
  /** The next event, without heartbeats and ids alone. */
  readonly next: () => Promise<FeedEventJson & { readonly id_line: string }>
  readonly status: number
  readonly close: () => Promise<void>
  readonly ended: () => Promise<boolean>
}

async function openOn(
  { app }: Pick<DeliveryWorld, 'app'>,
  headers: Readonly<Record<string, string>> = {},
  as: Who = 'operator',
  closing?: AbortSignal,
): Promise<Stream> {
  const request = new Request('http://service.test/v1/events', {
    headers: { authorization: `Bearer ${tokens[as]}`, accept: 'text/event-stream', ...headers },
  })
  const response = await app.fetch(request, closing === undefined ? {} : { closing })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  const block = async (): Promise<string> => {
    for (;;) {
      const end = text.indexOf('\n\n')
      if (end >= 0) {
        const found = text.slice(0, end)
        text = text.slice(end + 2)
        return found
      }
      const { value, done } = (await reader?.read()) ?? { done: true, value: undefined }
      if (done) throw new Error('the stream has ended')
      text += value
    }
  }
  return {
    status: response.status,
    async next() {
      for (;;) {
        const found = await block()
        const data = /^data: (.*)$/m.exec(found)?.[1]
        const id = /^id: (.*)$/m.exec(found)?.[1] ?? ''
        if (data !== undefined) return { ...JSON.parse(data), id_line: id }
      }
    },
    close: async () => reader?.cancel(),
    ended: async () => (await reader?.read())?.done === true,
  }
}

test('a stream tells what happens, and one that was cut off goes on where it was', async (t) => {
  const world = await createDeliveryWorld(t)
  await withPayments(world)
  const stream = await openOn(world)
  assert.equal(stream.status, 200)
  const { id } = await world.pay({ reference: 'INV-C', payee: 'C' })
  await world.keep()
  const first = await stream.next()
  assert.deepEqual([first.payment_id, first.seq, first.id_line], [id, 1, first.cursor])
  await stream.close()
  await world.toRest(id)
  await world.keep()
  const again = await openOn(world, { 'last-event-id': first.id_line })
  const events = await world.engine.store.events(id, 1, 100)
  for (const { seq } of events) assert.equal((await again.next()).seq, seq)
  await again.close()
  const foreign = await openOn(world, { 'last-event-id': first.id_line }, 'stranger')
  const other = await world.pay({ reference: 'INV-D', payee: 'D' }, { as: 'stranger' })
  await world.keep()
  assert.equal((await foreign.next()).payment_id, other.id)
  await foreign.close()
})

test('there are only so many streams; one that ends makes room', async (t) => {
  const world = await createDeliveryWorld(t, { most: 3, mostOfOne: 2 })
  const [one, two] = [await openOn(world), await openOn(world)]
  assert.equal((await openOn(world)).status, 429)
  const other = await openOn(world, {}, 'agent')
  assert.equal(other.status, 200)
  assert.equal((await openOn(world, {}, 'stranger')).status, 429)
  await one.close()
  const three = await openOn(world)
  assert.equal(three.status, 200)
  for (const each of [two, three, other]) await each.close()
})

test('a stream ends when the service closes', async (t) => {
  const world = await createDeliveryWorld(t)
  const closing = new AbortController()
  const stream = await openOn(world, {}, 'operator', closing.signal)
  const ended = (async () => {
    while (!(await stream.ended()));
    return true
  })()
  await sleep(10)
  closing.abort()
  assert.equal(await ended, true)
})

test('behind a socket a client that goes away makes room', async (t) => {
  const world = await createDeliveryWorld(t, { most: 1, mostOfOne: 1 })
  const server = await serveHttp(world.app, { host: '127.0.0.1', port: 0 }, quickly)
  const leaving = new AbortController()
  const first = await openAt(server.url, leaving.signal)
  assert.equal(first.status, 200)
  assert.match(first.headers.get('content-type') ?? '', /^text\/event-stream/)
  assert.equal((await openAt(server.url)).status, 429)
  leaving.abort()
  for (let tries = 0; (await openAt(server.url)).status !== 200; tries += 1) {
    assert.ok(tries < 100)
    await sleep(20)
  }
  await server.close()
})

test('an open stream does not hold up the end of the service', async (t) => {
  const world = await createDeliveryWorld(t)
  const server = await serveHttp(world.app, { host: '127.0.0.1', port: 0 })
  const reader = (await openAt(server.url)).body?.getReader()
  await reader?.read()
  const beganMs = Date.now()
  await server.close()
  assert.ok(Date.now() - beganMs < 2_000, `${Date.now() - beganMs} ms`)
  assert.equal((await reader?.read())?.done, true)
})

const quickly = { ...defaultServeLimits, closeWithinMs: 100 }

const openAt = (url: string, signal: AbortSignal = AbortSignal.timeout(5_000)) =>
  fetch(`${url}/v1/events?cursor=start`, {
    headers: { authorization: `Bearer ${tokens.operator}`, accept: 'text/event-stream' },
    signal,
  })

/** Events without end, however fast they are read. */
function endlessFeed(): { readonly feed: Feed; readonly reads: () => number } {
  let reads = 0
  const feed: Feed = {
    async read({ after }) {
      reads += 1
      return { entries: [{ cursor: 'a.1' } as never], cursor: `${after}x` }
    },
    cursorAt: async () => 'a.0',
    knows: () => true,
    between: async () => ({ events: [], next: null }),
    news: async () => undefined,
  }
  return { feed, reads: () => reads }
}

test('a client that does not read costs a page, and one that waits hears that we are there', async () => {
  const { feed, reads } = endlessFeed()
  const gone = new AbortController()
  const common = { account: null, after: 'a.0', gone: gone.signal, onEnd: () => undefined }
  let ended = 0
  const onEnd = (): void => void (ended += 1)
  const unread = openStream({ ...common, feed, show: () => 'x'.repeat(10_000), onEnd })
  await sleep(50)
  assert.ok(reads() <= 2, `${reads()} pages`)
  await unread.cancel()
  assert.ok(ended > 0)
  const silent: Feed = {
    ...feed,
    read: async ({ after }) => ({ entries: [], cursor: after }),
    news: (withinMs) => sleep(withinMs),
  }
  const heard: string[] = []
  const heartbeats = openStream({
    ...common,
    feed: silent,
    show: () => '',
    heartbeatMs: 20,
    lifetimeMs: 300,
  })
  for await (const chunk of heartbeats) heard.push(new TextDecoder().decode(chunk))
  assert.match(heard[0] ?? '', /^retry: \d+\nid: a\.0\n\n$/)
  assert.ok(heard.slice(1).every((each) => each === ': nothing new\n\n'))
  assert.ok(heard.length >= 2 && heard.length <= 16, String(heard.length))
})
