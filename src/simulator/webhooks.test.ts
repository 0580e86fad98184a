import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import type { SimulatorOptions } from './options.ts'
import { bill, start } from './testkit.ts'
import type { ChargeJson, LiveBench } from './testkit.ts'
import { isLoopback } from './webhooks.ts'

interface Delivery {
  readonly signature: string
  readonly body: string
  readonly event: { readonly id: string; readonly type: string; readonly charge: ChargeJson }
}

interface Listening extends LiveBench {
  readonly deliveries: Delivery[]
  /** Waits until so many have come, and a little longer, so that one too many shows. */
  readonly types: (count: number) => Promise<readonly string[]>
}

/** A simulator with a receiver that answers each delivery with the next of `statuses`, then 200. */
async function listen(
  t: TestContext,
  options: SimulatorOptions = {},
  statuses: number[] = [],
): Promise<Listening> {
  const deliveries: Delivery[] = []
  const server = createServer((incoming, outgoing) => {
    void text(incoming).then((body) => {
      const signature = String(incoming.headers['simulated-signature'])
      deliveries.push({ signature, body, event: JSON.parse(body) as Delivery['event'] })
      outgoing.writeHead(statuses.shift() ?? 200).end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const live = await start(t, { webhookRetryMs: 5, webhookDelayMs: 400, ...options })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  assert.equal((await live.put('/v1/webhook', { url, secret: 'whsec_1' })).status, 200)
  const types = async (count: number): Promise<readonly string[]> => {
    for (let waits = 0; deliveries.length < count && waits < 100; waits += 1) await sleep(10)
    await sleep(30)
    return deliveries.map(({ event }) => event.type).toSorted()
  }
  return { ...live, deliveries, types }
}

test('each step is told once, signed over the raw body', async (t) => {
  const { post, types, deliveries } = await listen(t)
  const { id } = (await post('/v1/charges', bill())).json()
  await post(`/v1/charges/${id}/capture`, { amount: 1999 })
  await post(`/v1/charges/${id}/refunds`, { amount: 5, reference: 'r' })
  await post('/disputes', { charge: id, amount: 5 })
  const second = (await post('/v1/charges', bill({ reference: 'pay_2' }))).json()
  await post(`/v1/charges/${second.id}/cancel`)
  await post('/v1/charges', bill({ payee: 'acct_declined' }))
  assert.deepEqual(await types(8), [
    'charge.authorised',
    'charge.authorised',
    'charge.cancelled',
    'charge.captured',
    'charge.declined',
    'charge.reversed',
    'charge.settled',
    'refund.succeeded',
  ])
  for (const { body, signature, event } of deliveries) {
    const [, seconds = '', mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? []
    assert.equal(mac, createHmac('sha256', 'whsec_1').update(`${seconds}.${body}`).digest('hex'))
    assert.ok(Math.abs(Number(seconds) - Date.now() / 1000) < 5)
    assert.match(event.id, /^whe_/)
    assert.match(event.charge.id, /^ch_/)
  }
})

test('what happens by itself is told without anybody calling', async (t) => {
  const { post, types } = await listen(t, { processingMs: 30, settleAfterMs: 30 })
  await post('/v1/charges', bill({ payee: 'acct_expires' }))
  await post('/v1/charges', bill({ payee: 'acct_processing', capture: true, reference: 'pay_2' }))
  assert.deepEqual(await types(5), [
    'charge.authorised',
    'charge.authorised',
    'charge.captured',
    'charge.expired',
    'charge.settled',
  ])
})

test('a replay tells nothing', async (t) => {
  const { post, types } = await listen(t)
  await post('/v1/charges', bill(), 'k')
  await post('/v1/charges', bill(), 'k')
  assert.deepEqual(await types(1), ['charge.authorised'])
})

test('drop_webhook: done, and nobody is told', async (t) => {
  const { post, put, get, types } = await listen(t)
  await put('/faults', { rates: { authorise: { drop_webhook: 1 } } })
  assert.equal((await post('/v1/charges', bill())).json().status, 'authorised')
  assert.deepEqual(await types(0), [])
  const stats = (await get('/stats')).json<{ webhooks: { dropped: number } }>()
  assert.equal(stats.webhooks.dropped, 1)
})

test('duplicate_webhook: the same event twice', async (t) => {
  const { post, put, types, deliveries } = await listen(t)
  await put('/faults', { rates: { authorise: { duplicate_webhook: 1 } } })
  await post('/v1/charges', bill())
  assert.equal((await types(2)).length, 2)
  assert.equal(deliveries[0]?.body, deliveries[1]?.body)
})

test('delay_webhook: later events overtake it', async (t) => {
  const { post, put, types, deliveries } = await listen(t)
  await put('/faults', { rates: { authorise: { delay_webhook: 1 } } })
  const { id } = (await post('/v1/charges', bill())).json()
  await post(`/v1/charges/${id}/cancel`)
  await types(2)
  assert.deepEqual(
    deliveries.map(({ event }) => event.type),
    ['charge.cancelled', 'charge.authorised'],
  )
})

test('a receiver that refuses gets three repeats, and then no more', async (t) => {
  const recovered = await listen(t, {}, [500, 302, 503])
  await recovered.post('/v1/charges', bill())
  assert.equal((await recovered.types(4)).length, 4)
  assert.equal(new Set(recovered.deliveries.map(({ event }) => event.id)).size, 1)
  const lost = await listen(t, { webhookRetryMs: 1 }, [500, 500, 500, 500])
  await lost.post('/v1/charges', bill())
  assert.equal((await lost.types(4)).length, 4)
  const { webhooks } = (await lost.get('/stats')).json<{ webhooks: unknown }>()
  assert.deepEqual(webhooks, { delivered: 0, failed: 1, dropped: 0, waiting: 0 })
})

test('a receiver that hangs blocks no call', async (t) => {
  const live = await start(t)
  const silent = createServer(() => undefined).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => silent.close().closeAllConnections())
  const url = `http://localhost:${(silent.address() as AddressInfo).port}/`
  await live.put('/v1/webhook', { url, secret: 's' })
  for (let count = 0; count < 20; count += 1) {
    assert.equal((await live.post('/v1/charges', bill())).status, 200)
  }
  const { webhooks } = (await live.get('/stats')).json<{ webhooks: { waiting: number } }>()
  assert.equal(webhooks.waiting, 20)
})

test('only this machine may be told, and null switches it off', async (t) => {
  const { put, post, types, deliveries } = await listen(t)
  const allowed = [
    'http://localhost:1/',
    'http://127.0.0.1/x',
    'http://127.9.9.9',
    'http://[::1]:80/',
  ]
  const refused = [
    'http://example.com/',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'https://localhost/',
    'http://10.0.0.1/',
    'http://0.0.0.0/',
    'file:///etc/passwd',
    'nonsense',
  ]
  assert.deepEqual(allowed.filter(isLoopback), allowed)
  for (const url of refused) {
    assert.equal((await put('/v1/webhook', { url, secret: 's' })).status, 400, url)
  }
  assert.equal((await put('/v1/webhook', { url: allowed[0] })).status, 400, 'no secret')
  await put('/v1/webhook', { url: null })
  await post('/v1/charges', bill())
  assert.deepEqual([await types(0), deliveries], [[], []])
})
