import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as fc from 'fast-check'

import type { PaymentEvent, Source } from '../../core/payment.ts'
import { captured, event, paymentRow, putPayment } from '../contract/builders.ts'
import { eventAttributes, isWorthAMark, readEventItem } from './event-items.ts'
import type { Item } from './items.ts'
import { pack, unpack } from './packed.ts'
import { keyOf, placeOf } from './places.ts'
import { createTableInput, eventKeyPrefix, streamFilter } from './table.ts'

test('packed: any value comes back as it was, in the same order', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(JSON.stringify(unpack(pack(value))), JSON.stringify(value))
    }),
  )
  const like = { a: 1, '~a': 2, payment: { a: 3, aa: 4 }, EUR: {} }
  assert.equal(JSON.stringify(unpack(pack(like))), JSON.stringify(like))
})

test('packed: a payment leaves out its own id, wherever it stands', () => {
  const id = 'pay_01M84M59R7PCW515DQ7VBBGTF4'
  const value = {
    id,
    operation: { attempt: { id: `att_${id.slice(4)}_capture_2` } },
    text: '\u0001',
  }
  const packed = pack(value, id)
  assert(!packed.includes(id.slice(4)))
  assert.equal(JSON.stringify(unpack(packed, id)), JSON.stringify(value))
  // Short ones would be taken for numbers.
  assert.equal(pack({ id: 'pay_1' }, 'pay_1'), '{"l":"pay_1"}')
})

test('packed: the short names are what is stored, for good', () => {
  assert.equal(pack({ payment: { id: 'x' }, dueAtMs: 1, distinctFrom: [] }), pinned)
  assert.throws(() => unpack('{"zz":1}'), /newer code/)
})

const pinned = '{"a":{"l":"x"},"b":1,"aK":[]}'

const source: Source = {
  source: 'answer',
  attemptId: 'att_1',
  send: 1,
  cause: 'captured',
  askedAtMs: 1,
  status: 200,
  requestId: 'req_1',
  excerpt: '{"id":"ch_1"}'.repeat(20),
}

function itemOf(events: readonly PaymentEvent[], dueAtMs: number | null): Item {
  const put = putPayment(paymentRow(captured('pay_1'), dueAtMs, 7))
  const stored = eventAttributes(events, put, { commitId: 'cmt_1', nowMs: 5, at: 1 })
  const present = Object.entries(stored).flatMap(([name, value]) =>
    value === null ? [] : [[name, value] as const],
  )
  return { ...Object.fromEntries(present), sk: { S: `${eventKeyPrefix}0000000002` } }
}

test('event items: one answer behind two events is kept once, and comes back for both', () => {
  const { type: _, ...stem } = event('pay_1', 1)
  const events: readonly PaymentEvent[] = [
    { ...stem, type: 'captured', amount: 5, by: source },
    { ...stem, seq: 2, type: 'object_cancelled', by: source },
    { ...stem, seq: 3, type: 'object_cancelled', by: { ...source, send: 2 } },
    { ...stem, seq: 4, type: 'approved', by: 'op', hash: '' },
  ]
  const item = itemOf(events, null)
  assert.deepEqual(readEventItem(item)?.events, events)
  assert.equal(item['j']?.S?.split('ch_1').length, 2 * 20 + 1)
})

test('event items: they tell what the relay has to know, and when a mark is worth a write', () => {
  const read = (dueAtMs: number | null) => readEventItem(itemOf([event('pay_1', 1)], dueAtMs))
  const about = { agent: 'agt_1', account: 'acct_1', processor: 'simulated', run: 7 }
  assert.deepEqual(read(9), {
    paymentId: 'pay_1',
    events: [event('pay_1', 1)],
    prevSeq: 0,
    throughSeq: 1,
    about: { ...about, dueAtMs: 9 },
  })
  const isWorth = (dueAtMs: number | null) => {
    const item = read(dueAtMs)
    return item !== null && isWorthAMark(item, 1_000)
  }
  assert.deepEqual([null, 0, 46_000, 61_000].map(isWorth), [true, false, false, true])
  assert.equal(readEventItem({ sk: { S: 'p' } }), null)
})

test('places: no two rows share an item, and long keys still have one', () => {
  const pks = [
    placeOf({ table: 'control', key: 'all' }, 3),
    placeOf({ table: 'control', key: '3#all' }),
    placeOf({ table: 'control', key: 'all#3' }),
    placeOf({ table: 'reference', key: 'a/b/c' }),
    placeOf({ table: 'reference', key: 'a/b' }),
    placeOf({ table: 'key', key: 'x'.repeat(5_000) }),
    placeOf({ table: 'key', key: `${'x'.repeat(4_999)}y` }),
  ].map(({ pk, sk }) => `${pk} ${sk}`)
  assert.equal(new Set(pks).size, pks.length)
  assert(pks.every((each) => each.length < 1_000))
  assert.equal(keyOf(placeOf({ table: 'alert', key: 'kind#1' }).pk), 'kind#1')
})

test('table: the definition is what is deployed', () => {
  const input = createTableInput('t')
  assert.deepEqual(
    input.GlobalSecondaryIndexes?.map(({ IndexName, KeySchema, Projection }) =>
      [
        IndexName,
        ...(KeySchema ?? []).map(({ AttributeName }) => AttributeName),
        Projection?.ProjectionType,
      ].join(),
    ),
    [
      'work,w,t,KEYS_ONLY',
      'account,a,pk,KEYS_ONLY',
      'all,l,pk,KEYS_ONLY',
      'reference,r,pk,KEYS_ONLY',
    ],
  )
  assert.deepEqual(
    input.AttributeDefinitions?.find(({ AttributeName }) => AttributeName === 't'),
    {
      AttributeName: 't',
      AttributeType: 'N',
    },
  )
  assert.deepEqual(streamFilter, {
    eventName: ['INSERT'],
    dynamodb: { Keys: { sk: { S: [{ prefix: 'e#' }] } } },
  })
})
