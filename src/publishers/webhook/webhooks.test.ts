// Webhooks against receivers that behave badly, judged by the public `standardwebhooks` package.
import assert from 'node:assert/strict'
import type { lookup } from 'node:dns'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Webhook } from 'standardwebhooks'

import type { Delivery } from '../../delivery-ports.ts'
import { historyOf, receiver, until, webhookWorld } from './testkit.ts'
import type { Received, WebhookWorld } from './testkit.ts'

const day = 86_400_000

function fileOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-webhooks-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'webhooks.db')
}

const memory = ':memory:'

/** As a receiver that uses the public package would see it. */
function verifies(secret: string, { body, headers }: Received): boolean {
  try {
    new Webhook(secret).verify(body, headers)
    return true
  } catch {
    return false
  }
}

const idsOf = (received: readonly Received[]): readonly string[] =>
  received.map(({ headers }) => headers['webhook-id'] ?? '')

async function statusesOf(
  world: WebhookWorld,
  endpoint: Parameters<WebhookWorld['deliveries']>[0],
) {
  const count = (all: readonly Delivery[], status: string) =>
    all.filter((each) => each.status === status).length
  const all = await world.deliveries(endpoint)
  return {
    pending: count(all, 'pending'),
    delivered: count(all, 'delivered'),
    dead: count(all, 'dead'),
  }
}

test('an event is signed as the public package verifies it, under an id that stays the same', async (t) => {
  const world = webhookWorld(t, memory)
  const there = await receiver(t, (response, count) => {
    response.writeHead(count === 1 ? 500 : 200).end()
  })
  const { endpoint, secret } = await world.addEndpoint(there.url)
  await world.happen('pay_1', 1)
  await until(async () => (await statusesOf(world, endpoint)).delivered === 1)
  assert.deepEqual(idsOf(there.received), ['evt_pay_1_1', 'evt_pay_1_1'])
  for (const each of there.received) {
    assert.equal(verifies(secret, each), true)
    assert.equal(verifies(secret, { ...each, body: `${each.body} ` }), false)
    const other = `whsec_${Buffer.from('somebody else, 24 bytes!').toString('base64')}`
    assert.equal(verifies(other, each), false)
  }
  const [delivery] = await world.deliveries(endpoint)
  assert.deepEqual(
    delivery?.tries.map(({ status }) => status),
    [500, 200],
  )
})

test('while one secret takes over from another both sign, and then only the new one', async (t) => {
  const world = webhookWorld(t, memory)
  const there = await receiver(t)
  const { endpoint, secret: first } = await world.addEndpoint(there.url)
  const rotated = await world.webhooks.rotate(endpoint.id, 3_600_000)
  const second = rotated?.secret ?? ''
  await world.happen('pay_1', 1)
  await until(() => there.received.length === 1)
  const [both] = there.received
  assert.ok(both)
  assert.deepEqual([verifies(first, both), verifies(second, both)], [true, true])
  // Again: never more than two.
  const third = (await world.webhooks.rotate(endpoint.id, 3_600_000))?.secret ?? ''
  await world.happen('pay_2', 1)
  await until(() => there.received.length === 2)
  const [, two] = there.received
  assert.ok(two)
  assert.deepEqual(
    [first, second, third].map((secret) => verifies(secret, two)),
    [false, true, true],
  )
  const overlap = await world.webhooks.rotate(endpoint.id, 0)
  await world.happen('pay_3', 1)
  await until(() => there.received.length === 3)
  const [, , only] = there.received
  assert.ok(only)
  assert.deepEqual(
    [third, overlap?.secret ?? ''].map((secret) => verifies(secret, only)),
    [false, true],
  )
  await world.webhooks.rotate(endpoint.id, 3_600_000)
  world.clock.nowMs += 3_600_001
  await world.happen('pay_4', 1)
  await until(() => there.received.length === 4)
  const signatures = there.received.map(({ headers }) => headers['webhook-signature']?.split(' '))
  assert.deepEqual(
    signatures.map((each) => each?.length),
    [2, 2, 1, 1],
  )
})

test('a filter lets its own types through, and an endpoint of an agent only the agent’s', async (t) => {
  const terms = { agent: 'agent_1', account: 'a', binding: { livemode: false } }
  const world = webhookWorld(t, memory, {
    store: {
      events: async (id, after, limit) => (world.events.get(id) ?? []).slice(after, after + limit),
      // Of a payment only its owner is asked for.
      read: (async (keys: readonly { key: string }[]) =>
        keys.map(({ key: id }) => ({
          value: { payment: { ...terms, id, agent: id === 'pay_2' ? 'agent_2' : 'agent_1' } },
        }))) as never,
    },
  })
  const there = await receiver(t)
  const own = await receiver(t)
  await world.addEndpoint(there.url, { events: ['captured'] })
  await world.addEndpoint(own.url, { agent: 'agent_2', events: ['captured'] })
  await world.happen('pay_1', 3)
  await world.happen('pay_2', 3)
  await until(() => there.received.length === 2 && own.received.length === 1)
  await sleep(50)
  assert.deepEqual(idsOf(there.received).toSorted(), ['evt_pay_1_3', 'evt_pay_2_3'])
  assert.deepEqual(idsOf(own.received), ['evt_pay_2_3'])
})

test('of one payment in order, until an event has failed three times', async (t) => {
  const world = webhookWorld(t, memory)
  let isPicky = true
  const there = await receiver(t, (response) => {
    const last = there.received.at(-1)?.headers['webhook-id'] ?? ''
    response.writeHead(isPicky && last === 'evt_pay_1_2' ? 500 : 200).end()
  })
  const { endpoint } = await world.addEndpoint(there.url)
  await world.happen('pay_1', 4)
  await until(() => idsOf(there.received).includes('evt_pay_1_4'))
  const before = idsOf(there.received).slice(0, idsOf(there.received).indexOf('evt_pay_1_3'))
  assert.deepEqual(before, ['evt_pay_1_1', ...Array<string>(3).fill('evt_pay_1_2')])
  isPicky = false
  await until(async () => (await statusesOf(world, endpoint)).delivered === 4)
})

test('a day of failures ends in the dead letters, and a replay brings it under the same id', async (t) => {
  const world = webhookWorld(t, memory)
  let status = 503
  const there = await receiver(t, (response) => response.writeHead(status).end())
  const { endpoint } = await world.addEndpoint(there.url)
  await world.happen('pay_1', 2)
  await until(() => there.received.length >= 3)
  assert.equal((await statusesOf(world, endpoint)).dead, 0)
  world.clock.nowMs += 60_000
  await until(async () => (await statusesOf(world, endpoint)).dead === 2)
  const [standing] = await world.webhooks.standing()
  assert.deepEqual([standing?.dead, standing?.deadPaymentIds], [2, ['pay_1', 'pay_1']])
  assert.equal((await world.webhooks.get(endpoint.id))?.status, 'enabled')
  status = 200
  assert.deepEqual(await world.webhooks.replay(endpoint.id, { which: 'dead' }), {
    replayed: 2,
    next: null,
  })
  await until(async () => (await statusesOf(world, endpoint)).delivered === 2)
  assert.deepEqual(idsOf(there.received).slice(-2), ['evt_pay_1_1', 'evt_pay_1_2'])
})

test('who answers 200 and lies is sent it again by payment, by time and by delivery', async (t) => {
  const world = webhookWorld(t, memory)
  const there = await receiver(t)
  const { endpoint } = await world.addEndpoint(there.url)
  await world.happen('pay_1', 2)
  await until(async () => (await statusesOf(world, endpoint)).delivered === 2)
  const { replay } = world.webhooks
  const fromMs = world.clock.nowMs - 60_000
  const window = { which: 'window', fromMs, toMs: fromMs + 70_000, after: null } as const
  const [delivery] = await world.deliveries(endpoint)
  for (const [filter, count] of [
    [{ which: 'payment', paymentId: 'pay_1' }, 2],
    [window, 2],
    [{ which: 'delivery', number: delivery?.number ?? 0 }, 1],
    [{ which: 'delivery', number: 999 }, 0],
    [{ which: 'payment', paymentId: 'pay_9' }, 0],
  ] as const) {
    const seen = there.received.length
    assert.equal((await replay(endpoint.id, filter))?.replayed, count)
    await until(() => there.received.length === seen + count)
    await until(async () => (await statusesOf(world, endpoint)).pending === 0)
  }
  assert.equal(await replay('whe_none', { which: 'dead' }), null)
})

test('one that hangs, one without end and one that redirects to this machine delay no other', async (t) => {
  const world = webhookWorld(t, memory)
  const secretPlace = await receiver(t)
  const hanging = await receiver(t, () => undefined)
  let written = 0
  const endless = await receiver(t, (response) => {
    response.writeHead(500)
    const write = (): void => {
      if (response.destroyed || response.closed) return
      written += 65_536
      response.write(Buffer.alloc(65_536), () => setImmediate(write))
    }
    write()
  })
  const redirecting = await receiver(t, (response) => {
    response.writeHead(307, { location: secretPlace.url }).end()
  })
  const well = await receiver(t)
  const bad = [hanging, endless, redirecting]
  const endpoints = []
  for (const { url } of [...bad, well]) endpoints.push((await world.addEndpoint(url)).endpoint)
  const beganMs = Date.now()
  for (let number = 0; number < 30; number += 1) await world.happen(`pay_${number}`, 1)
  await until(() => well.received.length === 30)
  assert.ok(Date.now() - beganMs < 2_000, `${Date.now() - beganMs} ms`)
  await until(() => bad.every(({ received }) => received.length > 0))
  // Four at first, and one at a time once nothing is taken.
  assert.ok(hanging.received.length <= 8, String(hanging.received.length))
  const [ofHanging] = endpoints
  assert.ok(ofHanging)
  await until(async () => {
    const all = await world.deliveries(ofHanging)
    return all.some(({ tries }) => tries.some(({ error }) => error === 'timeout'))
  })
  assert.ok(written < 50_000_000, 'it was cut off')
  assert.equal(secretPlace.received.length, 0)
})

test('a name that resolves to this machine is refused where the connection is made', async (t) => {
  const inside = await receiver(t)
  const port = new URL(inside.url).port
  const toThisMachine = ((_: string, __: object, done: (error: null, found: object[]) => void) =>
    done(null, [{ address: '127.0.0.1', family: 4 }])) as unknown as typeof lookup // as it is used
  const world = webhookWorld(t, memory, { lookup: toThisMachine })
  const { endpoint } = await world.addEndpoint(`https://hook.example:${port}/`)
  await world.happen('pay_1', 1)
  await until(async () => {
    const [delivery] = await world.deliveries(endpoint)
    return (delivery?.tries.at(-1)?.error ?? '').includes(
      'resolves to an address that is not public',
    )
  })
  assert.equal(inside.received.length, 0)
})

test('addresses that lead inside are refused when they are given', async (t) => {
  const outside = webhookWorld(t, memory, {
    rules: { loopback: false, privateHosts: new Set(['hooks.internal', '10.0.0.5']) },
  })
  for (const url of [
    'http://example.com/hook',
    'http://127.0.0.1/hook',
    'https://127.0.0.1/hook',
    'https://localhost/hook',
    'https://10.0.0.6/hook',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00:ec2::254]/hook',
    'https://user:pass@example.com/hook',
    'http://10.0.0.5/hook',
    'no url',
  ]) {
    const added = await outside.webhooks.add({
      url,
      description: '',
      events: [],
      account: null,
      agent: null,
      callbackOf: null,
      createdBy: 'Olga',
      status: 'enabled',
    })
    assert.equal(added.result, 'bad_url', url)
  }
  for (const url of [
    'https://example.com/hook',
    'https://hooks.internal/x',
    'https://10.0.0.5/x',
  ]) {
    assert.equal((await outside.addEndpoint(url)).endpoint.url, url)
  }
})

test('an endpoint that is gone or takes nothing for days is disabled; what happens is kept', async (t) => {
  const world = webhookWorld(t, memory)
  let status = 410
  const there = await receiver(t, (response) => response.writeHead(status).end())
  const { endpoint } = await world.addEndpoint(there.url)
  await world.happen('pay_1', 1)
  const readEndpoint = () => world.webhooks.get(endpoint.id)
  await until(async () => (await readEndpoint())?.reason === 'gone')
  await world.happen('pay_2', 1)
  await sleep(60)
  assert.equal(there.received.length, 1)
  status = 500
  await world.webhooks.change(endpoint.id, { status: 'enabled' })
  await until(() => there.received.length >= 3)
  assert.equal((await readEndpoint())?.status, 'enabled')
  world.clock.nowMs += 180_000
  await until(async () => (await readEndpoint())?.reason === 'failing')
  status = 200
  await world.webhooks.change(endpoint.id, { status: 'enabled' })
  await world.webhooks.replay(endpoint.id, { which: 'dead' })
  await until(async () => (await statusesOf(world, endpoint)).delivered === 2)
  assert.equal((await readEndpoint())?.failingSinceMs, null)
})

test('one that waits for an operator is sent nothing, and then all that was kept', async (t) => {
  const world = webhookWorld(t, memory)
  const there = await receiver(t)
  const { endpoint } = await world.addEndpoint(there.url, { status: 'waiting' })
  await world.happen('pay_1', 2)
  await sleep(60)
  assert.equal(there.received.length, 0)
  await world.webhooks.change(endpoint.id, { status: 'enabled' })
  await until(() => there.received.length === 2)
})

test('a page that comes again adds nothing; a crash between answer and book repeats, never loses', async (t) => {
  const file = fileOf(t)
  const there = await receiver(t)
  const first = webhookWorld(t, file)
  const { endpoint } = await first.addEndpoint(there.url, { status: 'waiting' })
  await first.happen('pay_1', 3)
  await first.publisher.publish(first.events.get('pay_1') ?? [])
  assert.equal((await first.deliveries(endpoint)).length, 3)
  await first.webhooks.change(endpoint.id, { status: 'enabled' })
  await until(() => there.received.length > 0)
  // What the process knew is lost in this moment; the file is what it is.
  await first.stop()
  const again = webhookWorld(t, file)
  again.events.set('pay_1', first.events.get('pay_1') ?? [])
  await again.start()
  await until(async () => (await statusesOf(again, endpoint)).delivered === 3)
  assert.deepEqual(
    [...new Set(idsOf(there.received))],
    [1, 2, 3].map((n) => `evt_pay_1_${n}`),
  )
  const seen = there.received.length
  await again.publisher.publish(again.events.get('pay_1') ?? [])
  await sleep(60)
  assert.equal(there.received.length, seen)
  assert.equal(statSync(file).mode & 0o777, 0o600)
})

test('what happened long before an endpoint was made is no news for it', async (t) => {
  const world = webhookWorld(t, memory)
  const there = await receiver(t)
  const { endpoint } = await world.addEndpoint(there.url)
  await world.publisher.publish(historyOf('pay_old', 2, world.clock.nowMs - 2 * day))
  await world.happen('pay_1', 1)
  await until(() => there.received.length === 1)
  assert.deepEqual(
    (await world.deliveries(endpoint)).map(({ paymentId }) => paymentId),
    ['pay_1'],
  )
})

test('an endpoint that is removed is forgotten, with what was pending for it', async (t) => {
  const world = webhookWorld(t, memory)
  const there = await receiver(t, (response) => response.writeHead(500).end())
  const { endpoint } = await world.addEndpoint(there.url)
  await world.happen('pay_1', 1)
  await until(() => there.received.length > 0)
  assert.equal(await world.webhooks.remove(endpoint.id), true)
  assert.equal(await world.webhooks.remove(endpoint.id), false)
  await sleep(80)
  const seen = there.received.length
  await world.happen('pay_2', 1)
  await sleep(80)
  assert.equal(there.received.length, seen)
  assert.equal((await world.deliveries(endpoint)).length, 0)
})
