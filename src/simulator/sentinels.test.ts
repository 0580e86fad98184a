import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { SimulatorOptions } from './options.ts'
import { sentinels } from './sentinels.ts'
import { bill, open } from './testkit.ts'
import type { Bench, ErrorJson } from './testkit.ts'

/** What a client sees of a call, in a word. */
async function seen(sent: Promise<{ status: number; json(): unknown }>): Promise<string> {
  try {
    const reply = await sent
    if (reply.status !== 200) return String(reply.status)
    reply.json()
    return 'ok'
  } catch (error) {
    if (error instanceof SyntaxError) return 'garbage'
    if (!(error instanceof TypeError) || !(error.cause instanceof Error)) throw error
    return (error.cause as { code?: unknown }).code === 'ECONNRESET' ? 'reset' : 'silence'
  }
}

/** Authorises twice with one key, then captures twice with another, and says what was seen. */
async function story(t: TestContext, payee: string, options: SimulatorOptions = {}) {
  const bench = open(t, { maxHoldMs: 5, lateMs: 1_000, ...options })
  const body = bill({ payee: payee.toUpperCase() })
  const authorise = [
    await seen(bench.post('/v1/charges', body, 'a')),
    await seen(bench.post('/v1/charges', body, 'a')),
  ]
  const path = `/v1/charges/${await idOf(bench)}/capture`
  const capture = [
    await seen(bench.post(path, { amount: 1999 }, 'c')),
    await seen(bench.post(path, { amount: 1999 }, 'c')),
  ]
  return [...authorise, ...capture, await statusOf(bench)].join(' ')
}

async function listOf({ get }: Bench): Promise<readonly { id: string; status: string }[]> {
  return (await get('/v1/charges?payment=pay_1')).json<{ data: { id: string; status: string }[] }>()
    .data
}

async function idOf(bench: Bench): Promise<string> {
  return (await listOf(bench)).at(-1)?.id ?? 'none'
}

async function statusOf(bench: Bench): Promise<string> {
  return (await listOf(bench)).at(-1)?.status ?? 'nothing'
}

/** Authorise, the same again, capture, the same again, and where it stands then. */
const stories: Readonly<Record<string, string>> = {
  acct_504_after_authorise: '504 ok ok ok captured',
  acct_504_before_authorise: '504 ok ok ok captured',
  acct_504_after_capture: 'ok ok 504 ok captured',
  acct_504_before_capture: 'ok ok 504 ok captured',
  acct_timeout_after_authorise: 'silence ok ok ok captured',
  acct_timeout_after_capture: 'ok ok silence ok captured',
  acct_reset_after_authorise: 'reset ok ok ok captured',
  acct_reset_after_capture: 'ok ok reset ok captured',
  acct_500_then_done: '500 500 ok ok captured',
  acct_500_then_not: '500 500 404 404 nothing',
  acct_late_capture: 'ok ok 504 ok captured',
  acct_429: '429 ok 429 ok captured',
  acct_slow: 'ok ok ok ok captured',
  acct_garbage: 'garbage ok garbage ok captured',
  acct_declined: '402 402 409 409 declined',
  acct_insufficient_funds: '402 402 409 409 declined',
  acct_declined_once: '402 402 409 409 declined',
  acct_capture_declined: 'ok ok 402 402 authorised',
  acct_action_required: 'ok ok 409 409 requires_action',
  acct_processing: 'ok ok 409 409 processing',
  acct_expires: 'ok ok 409 409 expired',
  acct_unreachable: '504 504 404 404 nothing',
}

test('each sentinel has a story here and a line in the table', () => {
  assert.deepEqual(Object.keys(stories).toSorted(), Object.keys(sentinels).toSorted())
})

for (const [payee, expected] of Object.entries(stories)) {
  if (payee === 'acct_unreachable') continue
  test(`${payee}: ${expected}`, async (t) => {
    assert.equal(await story(t, payee), expected)
  })
}

test('before is nothing done, after is done', async (t) => {
  for (const [payee, status] of [
    ['acct_504_before_authorise', 'nothing'],
    ['acct_504_after_authorise', 'authorised'],
  ] as const) {
    const bench = open(t)
    await bench.post('/v1/charges', bill({ payee }))
    assert.equal(await statusOf(bench), status)
  }
  for (const [payee, status] of [
    ['acct_504_before_capture', 'authorised'],
    ['acct_504_after_capture', 'captured'],
    ['acct_late_capture', 'authorised'],
  ] as const) {
    const bench = open(t, { lateMs: 800 })
    await bench.post('/v1/charges', bill({ payee }))
    await bench.post(`/v1/charges/${await idOf(bench)}/capture`, { amount: 1999 })
    assert.equal(await statusOf(bench), status)
    bench.clock.nowMs += 800
    assert.equal(await statusOf(bench), payee === 'acct_late_capture' ? 'captured' : status)
  }
})

test('acct_unreachable: every call about it fails, look-ups too, and nothing is done', async (t) => {
  const bench = open(t, { maxHoldMs: 5, lookupLagMs: 0 })
  const calls = [
    () => bench.post('/v1/charges', bill({ payee: 'acct_unreachable' }), 'k'),
    () => bench.get('/v1/charges?payment=pay_1'),
    () => bench.get('/v1/charges?reference=pay_1'),
    () => bench.post('/v1/cancellations', { reference: 'pay_1' }),
  ]
  for (let round = 0; round < 4; round += 1) {
    for (const call of calls) assert.match(await seen(call()), /^(504|silence)$/)
  }
  assert.deepEqual((await bench.get('/ledger')).json<{ charges: unknown }>().charges, [])
})

test('acct_declined_once: by the hash of the bill, whatever the reference', async (t) => {
  const { post } = open(t)
  const pay = async (reference: string, hash: string): Promise<number> => {
    const metadata = { bill_hash: hash }
    return (await post('/v1/charges', bill({ payee: 'acct_declined_once', reference, metadata })))
      .status
  }
  assert.equal(await pay('pay_1', 'one'), 402)
  assert.equal(await pay('pay_2', 'one'), 200)
  assert.equal(await pay('pay_3', 'two'), 402)
})

test('acct_insufficient_funds says so', async (t) => {
  const { post } = open(t)
  const reply = await post('/v1/charges', bill({ payee: 'acct_insufficient_funds' }))
  assert.equal(reply.json<ErrorJson>().error.decline_code, 'insufficient_funds')
})

test('acct_capture_declined: in one step the charge is declined', async (t) => {
  const bench = open(t)
  const reply = await bench.post(
    '/v1/charges',
    bill({ payee: 'acct_capture_declined', capture: true }),
  )
  assert.equal(reply.json<ErrorJson>().error.decline_code, 'capture_declined')
  assert.equal(await statusOf(bench), 'declined')
})

test('a capture’s fault also befalls one step', async (t) => {
  const bench = open(t)
  const body = bill({ payee: 'acct_504_after_capture', capture: true })
  assert.equal(await seen(bench.post('/v1/charges', body)), '504')
  assert.equal(await statusOf(bench), 'captured')
})

test('acct_action_required: authorised once the person has acted', async (t) => {
  const bench = open(t)
  const charge = (await bench.post('/v1/charges', bill({ payee: 'acct_action_required' }))).json()
  assert.equal(charge.action_url, `http://localhost/v1/charges/${charge.id}/complete_action`)
  const done = await bench.post(`/v1/charges/${charge.id}/complete_action`)
  assert.deepEqual([done.json().status, done.json().action_url], ['authorised', null])
  assert.equal((await bench.post(`/v1/charges/${charge.id}/complete_action`)).status, 409)
})

test('acct_processing: authorised when its time has come', async (t) => {
  const bench = open(t, { processingMs: 1_000 })
  const { id, authorisation_expires_at: expiry } = (
    await bench.post('/v1/charges', bill({ payee: 'acct_processing' }))
  ).json()
  assert.equal(expiry, null)
  bench.clock.nowMs += 999
  assert.equal(await statusOf(bench), 'processing')
  bench.clock.nowMs += 1
  assert.equal(await statusOf(bench), 'authorised')
  assert.equal((await bench.post(`/v1/charges/${id}/capture`, { amount: 5 })).status, 200)
})
