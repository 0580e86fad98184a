import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, open } from './testkit.ts'
import type { ChargeJson, ErrorJson } from './testkit.ts'

interface ListJson {
  readonly data: readonly ChargeJson[]
  readonly has_more: boolean
  readonly next_cursor: string | null
}

test('a charge has exactly the fields of the contract', async (t) => {
  const { post, clock } = open(t)
  const charge = (await post('/v1/charges', bill())).json<Record<string, unknown>>()
  const { id, ...rest } = charge
  assert.match(String(id), /^ch_[0-9a-z]{21}$/)
  assert.deepEqual(rest, {
    object: 'charge',
    status: 'authorised',
    amount: 1999,
    currency: 'EUR',
    amount_captured: 0,
    amount_refunded: 0,
    amount_reversed: 0,
    payee: 'acct_books',
    payment_method: null,
    reference: 'pay_1',
    metadata: { payment: 'pay_1' },
    decline_code: null,
    decline_reason: null,
    action_url: null,
    authorisation_expires_at: '2026-03-08T12:00:00.000Z',
    created_at: new Date(clock.nowMs).toISOString(),
    authorised_at: new Date(clock.nowMs).toISOString(),
    captured_at: null,
    settlement: null,
    refunds: [],
  })
})

test('two steps: authorise, capture less, refund part', async (t) => {
  const { post } = open(t)
  const { id } = (await post('/v1/charges', bill())).json()
  const captured = (await post(`/v1/charges/${id}/capture`, { amount: 1000 })).json()
  assert.equal(captured.status, 'captured')
  assert.equal(captured.amount_captured, 1000)
  const body = { amount: 400, reference: 'damaged', metadata: { attempt: 'att_1' } }
  const refunded = (await post(`/v1/charges/${id}/refunds`, body)).json()
  assert.equal(refunded.amount_refunded, 400)
  assert.equal(refunded.refunds[0]?.reference, 'damaged')
  const tooMuch = await post(`/v1/charges/${id}/refunds`, { amount: 601, reference: 'x' })
  assert.equal(tooMuch.status, 400)
  assert.equal(tooMuch.json<ErrorJson>().error.code, 'amount_too_large')
})

test('one step: captured at once, without an amount', async (t) => {
  const { post } = open(t)
  const charge = (await post('/v1/charges', bill({ capture: true }))).json()
  assert.equal(charge.status, 'captured')
  assert.equal(charge.amount_captured, 1999)
})

test('object first: nothing moves until it is confirmed, and it is confirmed once', async (t) => {
  const { post } = open(t)
  const made = (await post('/v1/charges', bill({ confirm: false }))).json()
  assert.equal(made.status, 'created')
  const confirmed = (await post(`/v1/charges/${made.id}/confirm`, { capture: true })).json()
  assert.equal(confirmed.status, 'captured')
  const again = await post(`/v1/charges/${made.id}/confirm`)
  assert.equal(again.status, 409)
  assert.equal(again.json<ErrorJson>().error.code, 'unexpected_state')
  assert.equal(again.json<ErrorJson>().error.charge?.status, 'captured')
})

test('an authorisation past its window is expired and cannot be captured', async (t) => {
  const { post, get, clock } = open(t, { authorisationWindowMs: 1_000 })
  const { id } = (await post('/v1/charges', bill())).json()
  clock.nowMs += 1_000
  const refused = await post(`/v1/charges/${id}/capture`, { amount: 1999 })
  assert.equal(refused.status, 409)
  assert.equal(refused.json<ErrorJson>().error.charge?.status, 'expired')
  assert.equal((await get(`/v1/charges/${id}`)).json().status, 'expired')
})

test('a wrong key, an unknown route, an unknown id and a missing key are refused', async (t) => {
  const { get, post, send } = open(t)
  const stranger = await send('GET', '/v1/account', { headers: { authorization: 'Bearer x' } })
  assert.equal(stranger.status, 401)
  assert.equal(stranger.json<ErrorJson>().error.type, 'authentication')
  assert.equal(stranger.json<ErrorJson>().error.code, 'unauthorised')
  assert.equal((await get('/v1/nothing')).status, 404)
  assert.equal((await get('/v1/charges/ch_0')).json<ErrorJson>().error.code, 'not_found')
  assert.equal((await post('/v1/charges/ch_0/capture', { amount: 1 })).status, 404)
  const keyless = await post('/v1/charges', bill(), '')
  assert.equal(keyless.json<ErrorJson>().error.code, 'idempotency_key_missing')
})

test('each wrong field is named, and a field that nobody knows is wrong', async (t) => {
  const { post } = open(t)
  const wrong = {
    amount: [1.5, -1, 0, '1', 1e13, null],
    currency: ['eur', 'EURO', 1],
    payee: ['', ' ', 7, 'x'.repeat(256)],
    reference: ['', null],
    capture: ['yes'],
    metadata: [{ a: 1 }, []],
    colour: ['red'],
  }
  for (const [param, values] of Object.entries(wrong)) {
    for (const value of values) {
      const reply = await post('/v1/charges', bill({ [param]: value }))
      assert.equal(reply.status, 400, `${param} ${JSON.stringify(value)}`)
      assert.equal(reply.json<ErrorJson>().error.code, 'invalid_request')
      assert.equal(reply.json<ErrorJson>().error.param, param)
    }
  }
})

test('a body over 64 KiB, no JSON, or nested without end is refused', async (t) => {
  const { post, send } = open(t)
  const large = await post('/v1/charges', bill({ payee: 'x'.repeat(65_536) }))
  assert.equal(large.status, 413)
  const headers = { authorization: 'Bearer sim_test_key', 'idempotency-key': 'k' }
  for (const body of [
    '{"amount":',
    '[]',
    '"x"',
    `{"a":${'['.repeat(9_999)}${']'.repeat(9_999)}}`,
  ]) {
    const reply = await send('POST', '/v1/charges', { headers, body })
    assert.equal(reply.status, 400)
    assert.equal(reply.json<ErrorJson>().error.code, 'malformed_body')
  }
})

test('a look-up by reference lags; by id, payment and time it does not', async (t) => {
  const { get, post, clock } = open(t, { lookupLagMs: 2_000 })
  const { id } = (await post('/v1/charges', bill())).json()
  const found = async (query: string): Promise<number> =>
    (await get(`/v1/charges?${query}`)).json<ListJson>().data.length
  const from = new Date(clock.nowMs).toISOString()
  assert.equal(await found('reference=pay_1'), 0)
  assert.equal(await found('payment=pay_1'), 1)
  assert.equal(await found(`created_from=${from}`), 1)
  assert.equal(await found(`created_to=${from}`), 0)
  assert.equal((await get(`/v1/charges/${id}`)).status, 200)
  clock.nowMs += 1_999
  assert.equal(await found('reference=pay_1'), 0)
  clock.nowMs += 1
  assert.equal(await found('reference=pay_1'), 1)
})

test('a list by time is complete, oldest first, page by page', async (t) => {
  const { get, post, clock } = open(t)
  for (let count = 0; count < 5; count += 1) {
    await post('/v1/charges', bill({ reference: `pay_${count}` }))
    // Two of them in the same millisecond.
    if (count !== 2) clock.nowMs += 1
  }
  const references: unknown[] = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`
    const list: ListJson = (await get(`/v1/charges?limit=2${after}`)).json()
    references.push(...list.data.map((each) => (each as { reference?: string }).reference))
    assert.equal(list.has_more, list.next_cursor !== null)
    cursor = list.next_cursor
  }
  assert.deepEqual(references, ['pay_0', 'pay_1', 'pay_2', 'pay_3', 'pay_4'])
})

test('a wrong query is refused, never ignored', async (t) => {
  const { get } = open(t)
  const queries = ['limit=0', 'limit=x', 'cursor=x', 'created_from=yesterday', 'colour=red']
  for (const query of [...queries, 'reference=a&payment=b', 'payment=b&limit=3']) {
    assert.equal((await get(`/v1/charges?${query}`)).status, 400, query)
  }
})

test('cancelling by reference cancels what is there', async (t) => {
  const { get, post } = open(t)
  const { id } = (await post('/v1/charges', bill())).json()
  const reply = await post('/v1/cancellations', { reference: 'pay_1' })
  const { object, blocked, charge } = reply.json<{
    object: string
    blocked: boolean
    charge: ChargeJson
  }>()
  assert.deepEqual(
    [object, blocked, charge.id, charge.status],
    ['cancellation', true, id, 'cancelled'],
  )
  assert.equal((await get(`/v1/charges/${id}`)).json().status, 'cancelled')
})

test('cancelling by reference blocks what arrives later, under any key', async (t) => {
  const { get, post } = open(t)
  const reply = await post('/v1/cancellations', { reference: 'pay_1' })
  assert.equal(reply.json<{ charge: null }>().charge, null)
  for (const confirm of [true, false]) {
    const late = await post('/v1/charges', bill({ confirm }))
    assert.equal(late.status, 409)
    assert.equal(late.json<ErrorJson>().error.code, 'reference_cancelled')
  }
  assert.equal((await get('/v1/charges?payment=pay_1')).json<ListJson>().data.length, 0)
  assert.equal((await post('/v1/charges', bill({ reference: 'pay_2' }))).status, 200)
})

test('cancelling by reference changes nothing where money has moved', async (t) => {
  const { post } = open(t)
  await post('/v1/charges', bill({ capture: true }))
  const refused = await post('/v1/cancellations', { reference: 'pay_1' })
  assert.equal(refused.status, 409)
  assert.equal(refused.json<ErrorJson>().error.code, 'unexpected_state')
  assert.equal(refused.json<ErrorJson>().error.charge?.status, 'captured')
  assert.equal((await post('/v1/charges', bill())).status, 200, 'not blocked')
})

test('the account, the health page and the numbers of responses', async (t) => {
  const { get, send } = open(t)
  const first = await get('/v1/account')
  assert.deepEqual(first.json(), { id: 'acct_simulated', object: 'account', livemode: false })
  const second = await get('/v1/account')
  assert.match(first.headers.get('request-id') ?? '', /^req_/)
  assert.notEqual(first.headers.get('request-id'), second.headers.get('request-id'))
  assert.equal((await send('GET', '/healthz', {})).status, 200)
})

test('the checkers’ ledger counts captures and sums by currency', async (t) => {
  const { get, post } = open(t)
  const charge = (await post('/v1/charges', bill({ capture: true }))).json()
  await post('/v1/charges', bill({ currency: 'USD', amount: 500 }))
  await post('/disputes', { charge: charge.id, amount: 99 })
  const ledger = (await get('/ledger')).json<{
    charges: readonly (ChargeJson & { captures: number })[]
    totals: Record<string, unknown>
  }>()
  assert.deepEqual(
    ledger.charges.map(({ captures }) => captures),
    [1, 0],
  )
  const sums = { charges: 1, refunded: 0 }
  assert.deepEqual(ledger.totals, {
    EUR: { ...sums, captures: 1, captured: 1999, reversed: 99, fees: 88, open: 0 },
    USD: { ...sums, captures: 0, captured: 0, reversed: 0, fees: 0, open: 500 },
  })
})
