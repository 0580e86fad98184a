// Every fault as a client sees it, over a real socket, and what the ledger shows afterwards.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { bill, open, start } from './testkit.ts'
import type { ChargeJson, ErrorJson, LiveBench, Reply } from './testkit.ts'
import type { SimulatorOptions } from './options.ts'

interface Faulty extends LiveBench {
  /** How many charges there are for the payment. */
  readonly charges: () => Promise<readonly ChargeJson[]>
}

/** A simulator whose first authorisation meets the fault. */
async function withFault(
  t: TestContext,
  fault: string,
  options: SimulatorOptions = {},
): Promise<Faulty> {
  const live = await start(t, options)
  const script = [{ match: { operation: 'authorise', nth: 1 }, fault }]
  const planned = await live.put('/faults', { script })
  assert.equal(planned.status, 200)
  const charges = async (): Promise<readonly ChargeJson[]> =>
    listed(await live.get('/v1/charges?payment=pay_1'))
  return { ...live, charges }
}

function listed(reply: Reply): readonly ChargeJson[] {
  return reply.json<{ data: ChargeJson[] }>().data
}

/** Waits for what comes by itself, up to five seconds. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 250; tries += 1) {
    if (await holds()) return
    await sleep(20)
  }
  assert.fail('it never came')
}

function assertGateway(reply: Reply, status: number): void {
  assert.equal(reply.status, status)
  assert.equal(reply.headers.get('request-id'), null)
  assert.match(reply.headers.get('content-type') ?? '', /^text\/html/)
  assert.match(reply.text, /<html>/)
}

async function lossOf(sent: Promise<Reply>): Promise<unknown> {
  const error: unknown = await sent.then(
    (reply) => assert.fail(`an answer came: ${reply.status}`),
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof TypeError && error.cause instanceof Error, String(error))
  return (error.cause as { code?: unknown }).code
}

for (const [fault, status, done] of [
  ['504_before', 504, 0],
  ['504_after', 504, 1],
  ['502_after', 502, 1],
  ['503_gateway', 503, 0],
] as const) {
  test(`${fault}: a page of the gateway, ${done === 1 ? 'done' : 'nothing done'}`, async (t) => {
    const { post, charges } = await withFault(t, fault)
    assertGateway(await post('/v1/charges', bill(), 'k'), status)
    assert.equal((await charges()).length, done)
    const again = await post('/v1/charges', bill(), 'k')
    assert.equal(again.status, 200)
    assert.equal(again.headers.get('idempotent-replayed'), done === 1 ? 'true' : null)
    assert.equal((await charges()).length, 1)
  })
}

for (const [fault, done] of [
  ['reset_before', 0],
  ['reset_after', 1],
] as const) {
  test(`${fault}: the socket is reset, ${done === 1 ? 'done' : 'nothing done'}`, async (t) => {
    const { post, charges } = await withFault(t, fault)
    assert.equal(await lossOf(post('/v1/charges', bill())), 'ECONNRESET')
    assert.equal((await charges()).length, done)
  })
}

for (const [fault, done] of [
  ['timeout_before', 0],
  ['timeout_after', 1],
] as const) {
  test(`${fault}: silence until the server ends it, ${done === 1 ? 'done' : 'nothing done'}`, async (t) => {
    const { post, charges } = await withFault(t, fault, { maxHoldMs: 120 })
    const sentAtMs = performance.now()
    assert.equal(await lossOf(post('/v1/charges', bill())), 'UND_ERR_SOCKET')
    assert.ok(performance.now() - sentAtMs >= 119)
    assert.equal((await charges()).length, done)
  })
}

for (const [fault, done] of [
  ['500_then_done', 1],
  ['500_then_not', 0],
] as const) {
  test(`${fault}: the key answers 500 for good, ${done === 1 ? 'done' : 'nothing done'}`, async (t) => {
    const { post, charges } = await withFault(t, fault)
    const first = await post('/v1/charges', bill(), 'k')
    assert.equal(first.status, 500)
    assert.equal(first.json<ErrorJson>().error.code, 'internal')
    assert.notEqual(first.headers.get('request-id'), null)
    const again = await post('/v1/charges', bill(), 'k')
    assert.equal(again.status, 500)
    assert.equal(again.headers.get('idempotent-replayed'), 'true')
    assert.equal(again.text, first.text)
    assert.equal((await charges()).length, done)
  })
}

for (const [fault, status, code] of [
  ['429', 429, 'rate_limited'],
  ['503_slow_down', 503, 'slow_down'],
] as const) {
  test(`${fault}: the processor’s own refusal with Retry-After, nothing done or stored`, async (t) => {
    const { post, charges } = await withFault(t, fault)
    const reply = await post('/v1/charges', bill(), 'k')
    assert.equal(reply.status, status)
    assert.equal(reply.json<ErrorJson>().error.code, code)
    assert.notEqual(reply.headers.get('request-id'), null)
    assert.match(reply.headers.get('retry-after') ?? '', /^(1|0\.500|.* GMT)$/)
    assert.equal((await charges()).length, 0)
    const again = await post('/v1/charges', bill(), 'k')
    assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [200, null])
  })
}

test('429: Retry-After comes in whole seconds, in a fraction and as a date', async (t) => {
  const { put, get } = await start(t)
  await put('/faults', { rates: { look_up: { '429': 1 } } })
  const forms = new Set<string>()
  for (let count = 0; count < 30; count += 1) {
    const value = (await get(`/v1/charges/ch_${count}`)).headers.get('retry-after') ?? ''
    forms.add(value.replace(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/, 'date'))
  }
  assert.deepEqual([...forms].toSorted(), ['0.500', '1', 'date'])
})

test('slow: the key is in use until the answer comes, and other content is a mismatch', async (t) => {
  const { post, get, charges } = await withFault(t, 'slow', { slowMs: [400, 410] })
  const sentAtMs = performance.now()
  const first = post('/v1/charges', bill(), 'k')
  await until(async () => (await get('/stats')).text.includes('"slow":1'))
  const busy = await post('/v1/charges', bill(), 'k')
  assert.equal(busy.status, 409)
  assert.equal(busy.json<ErrorJson>().error.code, 'idempotency_key_in_use')
  const other = await post('/v1/charges', bill({ amount: 7 }), 'k')
  assert.equal(other.json<ErrorJson>().error.code, 'idempotency_mismatch')
  assert.equal((await charges()).length, 0, 'its effect comes at the end')
  assert.equal((await first).status, 200)
  assert.ok(performance.now() - sentAtMs >= 399)
  const replay = await post('/v1/charges', bill(), 'k')
  assert.deepEqual([replay.status, replay.text], [200, (await first).text])
  assert.equal((await charges()).length, 1)
})

test('late: a 504 at once, and the request arrives and is done afterwards', async (t) => {
  const { post, charges } = await withFault(t, 'late', { lateMs: 300 })
  assertGateway(await post('/v1/charges', bill()), 504)
  assert.equal((await charges()).length, 0)
  await until(async () => (await charges()).length === 1)
})

for (const [key, count] of [
  ['k', 1],
  ['another', 2],
] as const) {
  test(`late: sent again with ${key === 'k' ? 'its' : 'another'} key meanwhile, there are ${count}`, async (t) => {
    const { post, put, get, clock } = open(t, { lateMs: 800 })
    await put('/faults', { script: [{ match: { nth: 1, operation: 'authorise' }, fault: 'late' }] })
    await post('/v1/charges', bill(), 'k')
    assert.equal((await post('/v1/charges', bill(), key)).status, 200)
    clock.nowMs += 800
    assert.equal(listed(await get('/v1/charges?payment=pay_1')).length, count)
  })
}

test('late: a cancellation by reference blocks the arrival', async (t) => {
  const { post, put, get, clock } = open(t, { lateMs: 800 })
  await put('/faults', { rates: { authorise: { late: 1 } } })
  await post('/v1/charges', bill())
  assert.equal((await post('/v1/cancellations', { reference: 'pay_1' })).status, 200)
  clock.nowMs += 800
  assert.equal(listed(await get('/v1/charges?payment=pay_1')).length, 0)
})

test('decline: a card error, and a declined charge that can be read', async (t) => {
  const { post, charges } = await withFault(t, 'decline')
  const reply = await post('/v1/charges', bill())
  assert.equal(reply.status, 402)
  const { error } = reply.json<ErrorJson>()
  assert.deepEqual(
    [error.type, error.code, error.decline_code],
    ['card_error', 'declined', 'do_not_honour'],
  )
  const [charge] = await charges()
  assert.deepEqual([charge?.id, charge?.status], [error.charge_id, 'declined'])
})

test('garbage_answer: done, 200, and a body that breaks off; the key knows the whole', async (t) => {
  const { post, charges } = await withFault(t, 'garbage_answer')
  const reply = await post('/v1/charges', bill(), 'k')
  assert.equal(reply.status, 200)
  assert.throws(() => reply.json(), SyntaxError)
  const again = await post('/v1/charges', bill(), 'k')
  assert.deepEqual(again.json(), (await charges())[0])
})

test('wrong_amount: done, but the answer shows another amount', async (t) => {
  const { post, charges } = await withFault(t, 'wrong_amount')
  const shown = (await post('/v1/charges', bill({ capture: true }))).json()
  assert.deepEqual([shown.amount, shown.amount_captured, shown.amount_refunded], [2000, 2000, 0])
  assert.equal((await charges())[0]?.amount, 1999)
})

test('redirect: 307 to somewhere else, nothing done', async (t) => {
  const { post, charges } = await withFault(t, 'redirect')
  const reply = await post('/v1/charges', bill())
  assertGateway(reply, 307)
  assert.equal(reply.headers.get('location'), 'https://elsewhere.invalid/')
  assert.equal((await charges()).length, 0)
})

test('an outage answers 503 to everything but the tests’ own routes, until it is over', async (t) => {
  const { get, put, post, charges } = await withFault(t, 'slow')
  const nowMs = Date.now()
  await put('/faults', { outage: { from_ms: nowMs, until_ms: nowMs + 60_000 } })
  assertGateway(await get('/v1/account'), 503)
  assertGateway(await post('/v1/charges', bill()), 503)
  await put('/faults', { outage: { from_ms: nowMs - 2, until_ms: nowMs - 1 } })
  assert.equal((await charges()).length, 0)
})

test('each operation can be hit, and reads too', async (t) => {
  const { post, get, put } = await start(t)
  const { id } = (await post('/v1/charges', bill({ confirm: false }))).json()
  const calls = {
    create: () => post('/v1/charges', bill({ confirm: false })),
    authorise: () => post(`/v1/charges/${id}/confirm`),
    capture: () => post(`/v1/charges/${id}/capture`, { amount: 5 }),
    refund: () => post(`/v1/charges/${id}/refunds`, { amount: 5, reference: 'r' }),
    void: () => post(`/v1/charges/${id}/cancel`),
    look_up: () => get(`/v1/charges/${id}`),
  }
  for (const [operation, call] of Object.entries(calls)) {
    await put('/faults', { rates: { [operation]: { '504_before': 1 } } })
    assertGateway(await call(), 504)
    for (const [other, each] of Object.entries(calls)) {
      if (other !== operation) assert.notEqual((await each()).status, 504, `${operation} ${other}`)
    }
  }
  const stats = (await get('/stats')).json<{ faults: unknown; calls: Record<string, number> }>()
  assert.deepEqual(stats.faults, { '504_before': 6 })
  assert.equal(stats.calls['create'], 7)
})

test('a body over 64 KiB is refused, whether its length is declared or not', async (t) => {
  const { post, send } = await start(t)
  const body = bill({ payee: 'x'.repeat(65_536) })
  assert.equal((await post('/v1/charges', body)).status, 413)
  const headers = { authorization: 'Bearer sim_test_key', 'idempotency-key': 'k' }
  const stream = new Blob([JSON.stringify(body)]).stream()
  const chunked = { headers, body: stream, duplex: 'half' } as const
  assert.equal((await send('POST', '/v1/charges', chunked)).status, 413)
})

test('closing drops held connections at once', async (t) => {
  const { simulator, post, get } = await withFault(t, 'timeout_before', { maxHoldMs: 60_000 })
  const lost = lossOf(post('/v1/charges', bill()))
  await until(async () => (await get('/stats')).text.includes('"timeout_before":1'))
  const closedAtMs = performance.now()
  await simulator.close()
  await lost
  assert.ok(performance.now() - closedAtMs < 1_000)
})
