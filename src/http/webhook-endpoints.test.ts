// Webhook endpoints, callbacks and publishers over HTTP, up to what a receiver gets.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Webhook } from 'standardwebhooks'

import { createDeliveryWorld } from '../../test/delivery-world.ts'
import type { DeliveryWorld } from '../../test/delivery-world.ts'
import type { DeliveryJson, EndpointJson, PublisherJson } from './webhook-schemas.ts'
import type { PaymentJson } from './wire.ts'

const path = '/v1/webhook-endpoints'
const as = 'operator'

interface Told {
  readonly id: string
  readonly type: string
  readonly payment_id: string
  readonly seq: number
  readonly prev_seq: number
  readonly timestamp: string
  readonly payment: PaymentJson
}

interface List<Item> {
  readonly data: readonly Item[]
  readonly cursor: string | null
}

type WithSecret = EndpointJson & { readonly secret: string }

/** Its clock is that of the service, which stands still in a test. */
async function receiver(t: TestContext) {
  const got: { readonly body: string; readonly headers: Record<string, string> }[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      got.push({ body, headers: request.headers as Record<string, string> })
      response.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.closeAllConnections())
  t.after(() => server.close())
  t.mock.timers.enable({ apis: ['Date'], now: 1_800_000_000_000 })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1`
  const told = (secret: string): readonly Told[] =>
    got.map(({ body, headers }) => new Webhook(secret).verify(body, headers) as Told)
  const until = async (count: number): Promise<void> => {
    for (let tries = 0; got.length < count; tries += 1) {
      if (tries > 300) throw new Error(`${got.length} of ${count} came`)
      await sleep(10)
    }
  }
  return { url, told, until, got }
}

const add = ({ ask }: DeliveryWorld, body: object) => ask<WithSecret>('POST', path, { as, body })

test('a receiver gets the event, the one before it that its filter let through, and the payment', async (t) => {
  const world = await createDeliveryWorld(t)
  const there = await receiver(t)
  const { status, body } = await add(world, { url: there.url, events: ['claimed', 'captured'] })
  assert.equal(status, 201)
  assert.match(body.secret, /^whsec_[\w+/]{43}=$/)
  const { id } = await world.pay()
  await world.toRest(id)
  await world.keep()
  await there.until(2)
  const [first, second] = there.told(body.secret)
  const events = await world.engine.store.events(id, 0, 100)
  const captured = events.find(({ type }) => type === 'captured')?.seq
  assert.partialDeepStrictEqual(first, { payment_id: id, seq: 1, prev_seq: 0, type: 'claimed' })
  assert.partialDeepStrictEqual(second, { payment_id: id, seq: captured, prev_seq: 1 })
  const shown = await world.ask('GET', `/v1/payments/${id}`)
  assert.deepEqual(second?.payment, shown.body)
  assert.equal(there.got[0]?.headers['webhook-id'], first?.id)
  const all = await world.ask<{ data: { id: string }[] }>('GET', `/v1/payments/${id}/events`)
  assert.ok(all.body.data.some((each) => each.id === second?.id))
})

test('an endpoint is made, shown without its secret, changed, rotated and removed', async (t) => {
  const world = await createDeliveryWorld(t)
  const { ask } = world
  const made = await add(world, { url: 'https://example.com/hook', description: 'the shop' })
  const one = `${path}/${made.body.id}`
  const again = await add(world, { url: 'https://example.com/hook' })
  assert.equal(again.status, 400)
  assert.ok(again.text.includes(made.body.id))
  const shown = await ask<EndpointJson>('GET', one, { as })
  assert.ok(!('secret' in shown.body))
  assert.ok(!shown.text.includes('whsec_'))
  const changed = await ask<EndpointJson>('PATCH', one, { as, body: { events: ['captured'] } })
  assert.deepEqual(
    [changed.body.events, changed.body.description, changed.body.url],
    [['captured'], 'the shop', 'https://example.com/hook'],
  )
  const rotated = await ask<WithSecret>('POST', `${one}/rotate`, { as, body: {} })
  assert.notEqual(rotated.body.secret, made.body.secret)
  assert.ok(rotated.body.old_secret_until !== null)
  const disabled = await ask<EndpointJson>('POST', `${one}/disable`, { as, body: { reason: 'x' } })
  assert.deepEqual([disabled.body.status, disabled.body.reason], ['disabled', 'operator'])
  const enabled = await ask<EndpointJson>('POST', `${one}/enable`, { as, body: {} })
  assert.deepEqual([enabled.body.status, enabled.body.reason], ['enabled', null])
  await add(world, { url: 'https://example.com/other' })
  const page = await ask<List<EndpointJson>>('GET', `${path}?limit=1`, { as })
  const rest = await ask<List<EndpointJson>>('GET', `${path}?cursor=${page.body.cursor}`, { as })
  assert.deepEqual(rest.body.data, [enabled.body])
  const audit = await ask<List<{ act: string; target: string }>>('GET', '/v1/audit', { as })
  assert.ok(audit.body.data.some(({ act }) => act === 'webhook_rotate'))
  assert.ok(!audit.text.includes('/hook'))
  assert.equal((await ask('DELETE', one, { as })).status, 200)
  assert.equal((await ask('DELETE', one, { as })).status, 404)
  assert.equal((await ask('GET', one, { as })).status, 404)
})

test('what cannot be meant is refused, and agents have no access', async (t) => {
  const world = await createDeliveryWorld(t)
  for (const body of [
    {},
    { url: 5 },
    { url: 'http://example.com/' },
    { url: 'https://10.0.0.1/' },
    { url: 'https://example.com/', events: ['paid'] },
    { url: 'https://example.com/', evnts: [] },
    { url: `https://example.com/${'x'.repeat(3_000)}` },
  ]) {
    const refused = await add(world, body)
    assert.equal(refused.status, 400, JSON.stringify(body))
  }
  const { id } = (await add(world, { url: 'https://example.com/hook' })).body
  for (const body of [
    {},
    { payment: 'x' },
    { from: '2026-01-31T12:00:00Z' },
    { dead_letters: true, delivery: 1 },
    { dead_letters: false },
  ]) {
    const refused = await world.ask('POST', `${path}/${id}/replay`, { as, body })
    assert.equal(refused.status, 400, JSON.stringify(body))
  }
  for (const [method, place] of [
    ['GET', path],
    ['POST', path],
    ['GET', `${path}/${id}`],
    ['PATCH', `${path}/${id}`],
    ['DELETE', `${path}/${id}`],
    ['GET', `${path}/${id}/deliveries`],
    ['POST', `${path}/${id}/enable`],
    ['GET', '/v1/publishers'],
    ['POST', '/v1/publishers/books/replay'],
  ] as const) {
    assert.equal((await world.ask(method, place)).status, 403, `${method} ${place}`)
    assert.equal((await world.ask(method, place, { as: null })).status, 401)
  }
  assert.equal((await world.ask('GET', '/v1/callback', { as })).status, 403)
})

test('the log of deliveries says what became of each, and each is sent again when asked', async (t) => {
  const world = await createDeliveryWorld(t)
  const there = await receiver(t)
  const { id } = (await add(world, { url: there.url, events: ['claimed', 'captured'] })).body
  const payment = await world.pay()
  await world.toRest(payment.id)
  await world.keep()
  await there.until(2)
  const read = async (query = '') =>
    (await world.ask<List<DeliveryJson>>('GET', `${path}/${id}/deliveries${query}`, { as })).body
  for (let tries = 0; (await read('?status=delivered')).data.length < 2; tries += 1) {
    assert.ok(tries < 300)
    await sleep(10)
  }
  const [newest] = (await read('?limit=1')).data
  assert.partialDeepStrictEqual(newest, { type: 'captured', status: 'delivered', attempts: 1 })
  assert.equal(newest?.tries[0]?.status, 200)
  assert.equal((await read(`?cursor=${newest?.number}`)).data.length, 1)
  assert.equal((await read('?status=dead')).data.length, 0)
  const replay = (body: object) => world.ask('POST', `${path}/${id}/replay`, { as, body })
  assert.partialDeepStrictEqual((await replay({ delivery: newest?.number })).body, { replayed: 1 })
  await there.until(3)
  assert.partialDeepStrictEqual((await replay({ payment: payment.id })).body, { replayed: 2 })
  await there.until(5)
  const ids = there.got.map(({ headers }) => headers['webhook-id'])
  assert.deepEqual(new Set(ids.slice(2)), new Set(ids.slice(0, 2)))
})

test('an agent names its callback, an operator lets it in, and it hears of its own payments', async (t) => {
  const world = await createDeliveryWorld(t)
  const there = await receiver(t)
  const { ask } = world
  assert.equal((await ask('GET', '/v1/callback')).status, 404)
  const body = { url: there.url, events: ['claimed'] }
  const named = await ask<WithSecret>('PUT', '/v1/callback', { body })
  assert.partialDeepStrictEqual(named.body, { status: 'waiting', callback: true, agent: 'agent_1' })
  const again = await ask<WithSecret>('PUT', '/v1/callback', { body })
  assert.deepEqual([again.body.id, again.body.secret], [named.body.id, null])
  await world.pay({ reference: 'INV-A' })
  await world.pay({ reference: 'INV-B', payee: 'B' }, { as: 'colleague' })
  await world.keep()
  await sleep(50)
  assert.equal(there.got.length, 0)
  await ask('POST', `${path}/${named.body.id}/enable`, { as, body: {} })
  await there.until(1)
  assert.equal(there.told(named.body.secret)[0]?.payment.agent, 'agent_1')
  const other = { url: 'https://example.com/elsewhere' }
  const moved = await ask<EndpointJson>('PUT', '/v1/callback', { body: other })
  assert.deepEqual([moved.body.id, moved.body.status], [named.body.id, 'waiting'])
  const rotated = await ask<WithSecret>('POST', '/v1/callback/rotate', { body: {} })
  assert.notEqual(rotated.body.secret, named.body.secret)
  assert.equal((await ask('GET', '/v1/callback', { as: 'colleague' })).status, 404)
  const inside = await ask('PUT', '/v1/callback', { body: { url: 'https://169.254.169.254/' } })
  assert.equal(inside.status, 400)
  assert.equal((await ask('DELETE', '/v1/callback')).status, 200)
  assert.equal((await ask('DELETE', '/v1/callback')).status, 404)
})

test('publishers are shown with their lag and dead letters, and offered events once more', async (t) => {
  const world = await createDeliveryWorld(t)
  const { ask } = world
  const list = async () =>
    (await ask<List<PublisherJson>>('GET', '/v1/publishers', { as })).body.data
  const { id } = await world.pay()
  world.world.hand.nowMs += 5_000
  const late = await list()
  assert.ok(late.every(({ lag_seconds: lag }) => lag >= 5))
  await world.keep()
  assert.ok((await list()).every(({ lag_seconds: lag }) => lag === 0))
  const dead = { publisher: 'books', paymentId: id, seq: 1, reason: 'x', atMs: 0 }
  await world.deadEvents.put(dead)
  const letters = `/v1/publishers/books/dead-letters`
  assert.equal((await ask<List<object>>('GET', letters, { as })).body.data.length, 1)
  const replay = (body: object, name = 'books') =>
    ask<{ replayed: number; refused: number }>('POST', `/v1/publishers/${name}/replay`, {
      as,
      body,
    })
  world.books.refuses = () => true
  assert.partialDeepStrictEqual((await replay({ dead_letters: true })).body, { refused: 1 })
  world.books.refuses = () => false
  assert.partialDeepStrictEqual((await replay({ dead_letters: true })).body, { replayed: 1 })
  assert.equal((await ask<List<object>>('GET', letters, { as })).body.data.length, 0)
  const all = await world.engine.store.events(id, 0, 100)
  const window = { from: '2020-01-01T00:00:00Z', to: '2100-01-01T00:00:00Z' }
  for (const body of [{ payment: id }, window]) {
    const seen = world.books.received.length
    assert.equal((await replay(body)).body.replayed, all.length)
    assert.equal(world.books.received.length, seen + all.length)
  }
  assert.equal((await replay({ payment: id }, 'nobody')).status, 404)
})
