import assert from 'node:assert/strict'
import { test } from 'node:test'

import { feeOf } from './settlements.ts'
import { bill, open } from './testkit.ts'
import type { Bench } from './testkit.ts'

interface RecordJson {
  readonly type: string
  readonly amount: number
  readonly charge: string
  readonly settlement: string | null
  readonly metadata: Record<string, string>
  readonly refund: { readonly metadata: Record<string, string> } | null
}

const dayMs = 86_400_000

async function captured(bench: Bench, given: Record<string, unknown> = {}): Promise<string> {
  return (await bench.post('/v1/charges', bill({ capture: true, ...given }))).json().id
}

async function recordsOf({ get }: Bench, query = ''): Promise<readonly RecordJson[]> {
  return (await get(`/v1/records${query}`)).json<{ data: RecordJson[] }>().data
}

test('the fee is 2.9 % and 30, rounded half up, never above the amount', () => {
  const fees = [1, 30, 31, 500, 1_000, 1_999, 1_000_000_000_000].map(feeOf)
  // 500 × 2.9 % is 14.5: half goes up.
  assert.deepEqual(fees, [1, 30, 31, 45, 59, 88, 29_000_000_030])
})

test('with no delay a capture is settled in its own answer', async (t) => {
  const { post } = open(t)
  const charge = (await post('/v1/charges', bill({ capture: true }))).json()
  assert.deepEqual(charge.settlement, {
    id: 'set_20260301_EUR',
    settled_at: '2026-03-01T12:00:00.000Z',
    fee: 88,
    net: 1911,
  })
})

test('with a delay it is settled when its time has come, and stays as it is', async (t) => {
  const bench = open(t, { settleAfterMs: 2 * dayMs })
  const id = await captured(bench)
  const settlement = async (): Promise<unknown> =>
    (await bench.get(`/v1/charges/${id}`)).json().settlement?.id ?? null
  bench.clock.nowMs += 2 * dayMs - 1
  assert.equal(await settlement(), null)
  assert.deepEqual(
    (await recordsOf(bench)).map(({ type, settlement: set }) => [type, set]),
    [['capture', null]],
  )
  bench.clock.nowMs += 1
  assert.equal(await settlement(), 'set_20260303_EUR')
  bench.clock.nowMs += 5 * dayMs
  assert.equal(await settlement(), 'set_20260303_EUR')
  assert.deepEqual(
    (await recordsOf(bench)).map(({ type, settlement: set }) => [type, set]),
    [
      ['capture', 'set_20260303_EUR'],
      ['fee', 'set_20260303_EUR'],
    ],
  )
})

test('records show every movement of money, signed, with the metadata on both sides', async (t) => {
  const bench = open(t)
  const id = await captured(bench)
  const metadata = { attempt: 'att_9' }
  await bench.post(`/v1/charges/${id}/refunds`, { amount: 400, reference: 'r', metadata })
  await bench.post('/disputes', { charge: id, amount: 100 })
  const records = await recordsOf(bench)
  assert.deepEqual(
    records.map(({ type, amount, charge }) => [type, amount, charge]),
    [
      ['capture', 1999, id],
      ['fee', -88, id],
      ['refund', -400, id],
      ['reversal', -100, id],
    ],
  )
  assert.ok(records.every((each) => each.metadata['payment'] === 'pay_1'))
  assert.deepEqual(records[2]?.refund?.metadata, metadata)
})

test('records come by time window and page by page', async (t) => {
  const bench = open(t)
  await captured(bench)
  bench.clock.nowMs += 1_000
  await captured(bench)
  assert.equal((await recordsOf(bench, '?from=2026-03-01T12:00:00.001Z')).length, 2)
  assert.equal((await recordsOf(bench, '?to=2026-03-01T12:00:01Z')).length, 2)
  const { data, next_cursor: cursor } = (await bench.get('/v1/records?limit=3')).json<{
    data: unknown[]
    next_cursor: string
  }>()
  assert.equal(data.length, 3)
  assert.equal((await recordsOf(bench, `?limit=3&cursor=${cursor}`)).length, 1)
})

test('settlements add up by UTC day and currency', async (t) => {
  const bench = open(t)
  const id = await captured(bench)
  await captured(bench, { currency: 'USD', amount: 1_000 })
  bench.clock.nowMs += dayMs
  await captured(bench)
  await bench.post(`/v1/charges/${id}/refunds`, { amount: 99, reference: 'r' })
  const list = (await bench.get('/v1/settlements')).json<{ data: unknown[] }>().data
  const day = { object: 'settlement', refunds: 0, reversals: 0, count: 2 }
  assert.deepEqual(list, [
    {
      ...day,
      id: 'set_20260301_EUR',
      currency: 'EUR',
      date: '2026-03-01',
      status: 'paid',
      gross: 1999,
      fees: -88,
      net: 1911,
    },
    {
      ...day,
      id: 'set_20260301_USD',
      currency: 'USD',
      date: '2026-03-01',
      status: 'paid',
      gross: 1000,
      fees: -59,
      net: 941,
    },
    {
      ...day,
      id: 'set_20260302_EUR',
      currency: 'EUR',
      date: '2026-03-02',
      status: 'open',
      gross: 1999,
      fees: -88,
      refunds: -99,
      net: 1812,
      count: 3,
    },
  ])
  const one = await bench.get('/v1/settlements/set_20260302_EUR')
  assert.deepEqual(one.json(), list[2])
  const { data, next_cursor: cursor } = (await bench.get('/v1/settlements?limit=2')).json<{
    data: unknown[]
    next_cursor: string
  }>()
  assert.deepEqual([data.length, cursor], [2, 'set_20260301_USD'])
  const rest = await bench.get(`/v1/settlements?limit=2&cursor=${cursor}`)
  assert.deepEqual(rest.json<{ data: unknown[] }>().data, list.slice(2))
  assert.equal((await bench.get('/v1/settlements/set_20990101_EUR')).status, 404)
})

test('the payout file has a line for each movement, quoted as CSV asks', async (t) => {
  const bench = open(t)
  const id = await captured(bench, { reference: 'a "b", c' })
  const file = await bench.get('/v1/settlements/set_20260301_EUR.csv')
  assert.match(file.headers.get('content-type') ?? '', /^text\/csv/)
  const tail = id.slice(3)
  const at = '2026-03-01T12:00:00.000Z'
  const place = `${at},${id},,"a ""b"", c",pay_1`
  assert.equal(
    file.text,
    [
      'settlement_id,record_id,type,created_at,charge_id,refund_id,reference,payment,amount,currency',
      `set_20260301_EUR,txn_${tail}_c,capture,${place},1999,EUR`,
      `set_20260301_EUR,txn_${tail}_f,fee,${place},-88,EUR`,
      '',
    ].join('\r\n'),
  )
})
