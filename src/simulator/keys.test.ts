import assert from 'node:assert/strict'
import { test } from 'node:test'

import { fingerprintOf } from './keys.ts'
import { bill, open } from './testkit.ts'
import type { Bench, ErrorJson } from './testkit.ts'

async function chargesOf({ get }: Bench): Promise<number> {
  return (await get('/v1/charges?payment=pay_1')).json<{ data: unknown[] }>().data.length
}

test('the same key gets the same answer byte for byte, with a header that says so', async (t) => {
  const bench = open(t)
  const first = await bench.post('/v1/charges', bill(), 'k')
  // Meanwhile the charge has moved on; the key answers what it answered.
  await bench.post(`/v1/charges/${first.json().id}/cancel`)
  const again = await bench.post('/v1/charges', bill(), 'k')
  assert.equal(again.text, first.text)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.equal(first.headers.get('idempotent-replayed'), null)
  assert.equal(await chargesOf(bench), 1)
})

test('the order of fields does not matter, the content and the path do', async (t) => {
  const { post } = open(t)
  const body = bill()
  const { id } = (await post('/v1/charges', body, 'k')).json()
  const turned = Object.fromEntries(Object.entries(body).toReversed())
  assert.equal((await post('/v1/charges', turned, 'k')).headers.get('idempotent-replayed'), 'true')
  const other = (await post('/v1/charges', bill({ reference: 'pay_2' }))).json()
  await post(`/v1/charges/${other.id}/cancel`, {}, 'cancel')
  for (const [path, content, key] of [
    ['/v1/charges', bill({ amount: 2000 }), 'k'],
    [`/v1/charges/${id}/cancel`, {}, 'cancel'],
  ] as const) {
    const reply = await post(path, content, key)
    assert.equal(reply.status, 400)
    assert.equal(reply.json<ErrorJson>().error.type, 'idempotency_error')
    assert.equal(reply.json<ErrorJson>().error.code, 'idempotency_mismatch')
  }
})

test('fingerprints tell lists, objects and nesting apart', () => {
  const prints = [
    { a: [1, 2] },
    { a: [2, 1] },
    { a: { 0: 1, 1: 2 } },
    { a: '[1,2]' },
    { a: null },
    {},
  ]
  assert.equal(new Set(prints.map((each) => fingerprintOf('/', each))).size, prints.length)
})

test('past its window a key is forgotten: the same request makes a new charge', async (t) => {
  const bench = open(t, { keyWindowMs: 86_400_000 })
  const first = await bench.post('/v1/charges', bill(), 'k')
  bench.clock.nowMs += 86_399_999
  assert.equal((await bench.post('/v1/charges', bill(), 'k')).text, first.text)
  bench.clock.nowMs += 1
  const second = await bench.post('/v1/charges', bill(), 'k')
  assert.notEqual(second.json().id, first.json().id)
  assert.equal(second.headers.get('idempotent-replayed'), null)
  assert.equal(await chargesOf(bench), 2)
  assert.equal((await bench.post('/v1/charges', bill(), 'k')).text, second.text, 'a new window')
})

test('old keys are swept out of the file, young ones stay', async (t) => {
  const { post, simulator, clock } = open(t, { keyWindowMs: 1_000 })
  await post('/v1/charges', bill(), 'old')
  clock.nowMs += 1_000
  await post('/v1/charges', bill(), 'young')
  for (let count = 0; count < 100; count += 1) await post('/v1/charges', {})
  assert.equal(simulator.ledger.answered('old'), null)
  assert.notEqual(simulator.ledger.answered('young'), null)
})

test('where errors are stored, a decline and a refusal are replayed', async (t) => {
  const { post } = open(t)
  const declined = bill({ payee: 'acct_declined' })
  const first = await post('/v1/charges', declined, 'k')
  const again = await post('/v1/charges', declined, 'k')
  assert.deepEqual([again.status, again.text], [402, first.text])
  await post('/v1/charges', { amount: 1 }, 'bad')
  const bad = await post('/v1/charges', { amount: 1 }, 'bad')
  assert.deepEqual([bad.status, bad.headers.get('idempotent-replayed')], [400, 'true'])
})

test('where only 2xx are stored, a decline is carried out afresh', async (t) => {
  const bench = open(t, { keyCachesErrors: false })
  const once = bill({ payee: 'acct_declined_once' })
  assert.equal((await bench.post('/v1/charges', once, 'k')).status, 402)
  const second = await bench.post('/v1/charges', once, 'k')
  assert.deepEqual([second.status, second.headers.get('idempotent-replayed')], [200, null])
  assert.equal((await bench.post('/v1/charges', once, 'k')).text, second.text)
  assert.equal(await chargesOf(bench), 2)
})

test('where only 2xx are stored, the key still protects what a 500 hid', async (t) => {
  const bench = open(t, { keyCachesErrors: false })
  const done = bill({ payee: 'acct_500_then_done' })
  assert.equal((await bench.post('/v1/charges', done, 'k')).status, 500)
  const again = await bench.post('/v1/charges', done, 'k')
  assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [200, 'true'])
  assert.equal(await chargesOf(bench), 1)
})

test('what never ran is not stored: no key, no access, no JSON', async (t) => {
  const { post, send } = open(t)
  const headers = { 'idempotency-key': 'k' }
  const body = JSON.stringify(bill())
  assert.equal((await send('POST', '/v1/charges', { headers, body })).status, 401)
  const known = { ...headers, authorization: 'Bearer sim_test_key' }
  assert.equal((await send('POST', '/v1/charges', { headers: known, body: '{' })).status, 400)
  const reply = await post('/v1/charges', bill(), 'k')
  assert.deepEqual([reply.status, reply.headers.get('idempotent-replayed')], [200, null])
})
