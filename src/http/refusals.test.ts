// Bad input is a clear 4xx that names what is wrong, and stores nothing. Never a 5xx.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import * as fc from 'fast-check'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { Asking, HttpWorld } from '../../test/http-world.ts'
import { paymentRequest } from './schemas.ts'
import { problemJson } from './wire.ts'
import type { ProblemJson } from './wire.ts'

// One world for all: a refused request must leave nothing for the next.
let made: HttpWorld
let commitsBefore = 0
before(async () => {
  made = await createHttpWorld()
  commitsBefore = made.commits()
})
after(() => {
  assert.equal(made.commits(), commitsBefore, 'a refused request wrote something')
  assert.deepEqual(made.log, [], 'a refused request was logged as a fault')
})

async function refused(asking: Asking, path = '/v1/payments'): Promise<ProblemJson> {
  const reply = await made.ask<ProblemJson>('POST', path, { key: 'k', ...asking })
  assert.ok(reply.status >= 400 && reply.status < 500, `${reply.status} ${reply.text}`)
  assert.equal(reply.headers.get('content-type'), 'application/problem+json')
  assert.deepEqual(problemJson.parse(reply.body), reply.body)
  assert.equal(reply.body.status, reply.status)
  assert.equal(reply.body.new_key_allowed, false)
  return reply.body
}

async function faultAt(change: object, pointer: string, reason: RegExp): Promise<void> {
  const body = await refused({ body: { ...bill, ...change } })
  assert.equal(body.code, 'invalid_request', JSON.stringify(body))
  assert.equal(body.next_action.type, 'fix_request')
  assert.equal(body.money_moved, 'no')
  const fault = body.errors?.find((each) => each.pointer === pointer)
  assert.match(fault?.reason ?? 'no such fault', reason, JSON.stringify(body.errors))
}

// ── The body as a whole ──────────────────────────────────────────────────────────────────────────

const big = JSON.stringify({ ...bill, description: 'x'.repeat(65_536) })

test('a body over 64 KiB is refused, with and without a declared length', async () => {
  assert.equal(
    (await refused({ body: big, headers: { 'content-length': '70000' } })).code,
    'body_too_large',
  )
  assert.equal((await refused({ body: big })).code, 'body_too_large')
  const lying = await refused({ body: big, headers: { 'content-length': '10' } })
  assert.equal(lying.status, 413)
})

test('a body without an end is read no further than 64 KiB', async () => {
  let pulled = 0
  const endless = new ReadableStream({
    pull(controller) {
      pulled += 1
      controller.enqueue(new Uint8Array(1024).fill(32))
    },
  })
  assert.equal((await refused({ body: endless })).status, 413)
  assert.ok(pulled < 70, String(pulled))
})

test('a body of exactly 64 KiB is read', async () => {
  const padded = JSON.stringify({ ...bill, x: 1 }).padEnd(65_536)
  assert.equal((await refused({ body: padded })).code, 'invalid_request')
  assert.equal((await refused({ body: `${padded} ` })).status, 413)
})

test('a body that breaks off is refused', async () => {
  const broken = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('{"amount":'))
      controller.error(new Error('gone'))
    },
  })
  assert.equal((await refused({ body: broken })).code, 'invalid_json')
})

test('only JSON is taken', async () => {
  for (const type of [
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=utf-16',
    '',
  ]) {
    const body = await refused({ body: JSON.stringify(bill), headers: { 'content-type': type } })
    assert.equal(body.code, 'unsupported_media_type', type)
  }
})

test('what is not UTF-8 is refused', async () => {
  const bytes = new Uint8Array([...new TextEncoder().encode('{"payee":"'), 0xff, 0xfe, 34, 125])
  assert.match((await refused({ body: bytes })).detail, /UTF-8/)
})

test('what is not JSON, or nested too deep, is refused', async () => {
  for (const body of [
    '{',
    '{"amount":1,}',
    "{'a':1}",
    'NaN',
    ' ',
    '{} {}',
    '[1',
    `{"a":${'['.repeat(20)}${']'.repeat(20)}}`,
  ]) {
    assert.equal((await refused({ body })).code, 'invalid_json', body)
  }
})

test('JSON that is no object is refused', async () => {
  for (const body of ['null', '[]', '"x"', '1', 'true', '[{}]']) {
    const refusal = await refused({ body })
    assert.deepEqual(refusal.errors, [{ pointer: '', reason: 'must be an object' }], body)
  }
})

test('a key that is given twice and __proto__ are refused and named', async () => {
  const twice = await refused({
    body: '{"amount":1,"currency":"EUR","payee":"A","reference":"R","amount":2}',
  })
  assert.deepEqual(twice.errors, [{ pointer: '/amount', reason: 'is given twice' }])
  const proto = await refused({ body: '{"amount":1,"__proto__":{"currency":"EUR"}}' })
  assert.equal(proto.errors?.[0]?.pointer, '/__proto__')
  const inner = await refused({ body: '{"metadata":{"__proto__":"x"}}' })
  assert.equal(inner.errors?.[0]?.pointer, '/metadata/__proto__')
})

test('an empty body lacks each field that is needed', async () => {
  const { errors } = await refused({})
  const expected = ['/amount', '/currency', '/payee', '/reference']
  assert.deepEqual(
    errors,
    expected.map((pointer) => ({ pointer, reason: 'is missing' })),
  )
})

test('each unknown field is named', async () => {
  const { errors } = await refused({ body: { ...bill, amuont: 1, 'a/b': 2, constructor: 3 } })
  assert.deepEqual(
    errors?.map(({ pointer }) => pointer),
    ['/amuont', '/a~1b', '/constructor'],
  )
})

test('an answer lists twenty faults at most', async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, index) => [`f${index}`, 1]))
  assert.equal((await refused({ body: { ...bill, ...many } })).errors?.length, 20)
})

// ── Fields ───────────────────────────────────────────────────────────────────────────────────────

test('an amount is a whole number of minor units, from 1 to a trillion', async () => {
  for (const amount of [
    0,
    -0,
    -1,
    1.5,
    0.1,
    1e12 + 1,
    1e15,
    '1999',
    null,
    true,
    [1],
    { value: 1 },
  ]) {
    await faultAt({ amount }, '/amount', /must be a/)
  }
  for (const literal of [
    '1e400',
    '9007199254740993',
    '1.0000000000000000001',
    '19999999999999999999',
  ]) {
    const body = `{"amount":${literal},"currency":"EUR","payee":"A","reference":"R"}`
    assert.equal((await refused({ body })).errors?.[0]?.pointer, '/amount')
  }
})

test('a currency is one of ISO 4217, in capitals', async () => {
  for (const currency of ['eur', 'EURO', 'XTS', 'XAU', '', 978, 'toString', '__proto__']) {
    await faultAt({ currency }, '/currency', /must be/)
  }
})

test('names hold nothing invisible and are not too long', async () => {
  for (const field of ['payee', 'reference', 'batch', 'processor', 'payment_method']) {
    for (const [value, reason] of [
      ['INV\u0000', /control/],
      ['INV\u200b1', /control/],
      ['\u202e1-VNI', /bidirectional/],
      ['\ud800', /control/],
      ['x'.repeat(257), /longer than 256/],
      [' \u00a0 ', /empty/],
      ['', /empty/],
      [7, /must be text/],
    ] as const) {
      await faultAt({ [field]: value }, `/${field}`, reason)
    }
  }
})

test('metadata is at most 20 texts with short names', async () => {
  const entries = (count: number) =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, 'v']))
  await faultAt({ metadata: entries(21) }, '/metadata', /20 entries/)
  await faultAt({ metadata: { a: 1 } }, '/metadata/a', /must be text/)
  await faultAt({ metadata: { a: { b: 'c' } } }, '/metadata/a', /must be text/)
  await faultAt({ metadata: { a: 'x'.repeat(501) } }, '/metadata/a', /longer than 500/)
  await faultAt(
    { metadata: { ['x'.repeat(41)]: 'v' } },
    `/metadata/${'x'.repeat(41)}`,
    /longer than 40/,
  )
  await faultAt({ metadata: { '': 'v' } }, '/metadata/', /empty name/)
  await faultAt({ metadata: [] }, '/metadata', /object of texts/)
  await faultAt({ metadata: { a: '\ud800' } }, '/metadata/a', /control/)
})

test('texts for people are bounded and hold no control characters', async () => {
  for (const field of ['description', 'reason']) {
    await faultAt({ [field]: 'x'.repeat(501) }, `/${field}`, /longer than 500/)
    await faultAt({ [field]: 'a\u0007b' }, `/${field}`, /control/)
    await faultAt({ [field]: 5 }, `/${field}`, /must be text/)
  }
})

test('distinct_from is at most 20 payments, and needs a reason', async () => {
  const id = `pay_${'0'.repeat(26)}`
  await faultAt({ distinct_from: [id] }, '/reason', /needed with distinct_from/)
  await faultAt({ distinct_from: [id], reason: '' }, '/reason', /needed with distinct_from/)
  await faultAt({ distinct_from: Array(21).fill(id), reason: 'r' }, '/distinct_from', /20 entries/)
  await faultAt({ distinct_from: ['x'], reason: 'r' }, '/distinct_from/0', /id of a payment/)
  await faultAt({ distinct_from: id, reason: 'r' }, '/distinct_from', /list/)
  await faultAt({ retry_of: 'x' }, '/retry_of', /id of a payment/)
})

test('a deadline is a time of RFC 3339', async () => {
  for (const at of [
    'tomorrow',
    '2027-02-30T00:00:00Z',
    '2027-01-01',
    '2027-01-01T00:00:00',
    1_800_000_000,
    '',
  ]) {
    await faultAt({ not_after: at }, '/not_after', /RFC 3339/)
  }
})

test('capture is automatic or manual', async () => {
  await faultAt({ capture: 'later' }, '/capture', /automatic or manual/)
})

test('a card number is refused in whatever text it stands, named and not repeated', async () => {
  const card = '4242424242424242'
  for (const [change, pointer] of [
    [{ reference: card }, '/reference'],
    [{ payee: 'Ann 4242 4242 4242 4242' }, '/payee'],
    [{ description: `pay with ${card} please` }, '/description'],
    [{ metadata: { note: '4242-4242-4242-4242' } }, '/metadata/note'],
    [{ metadata: { [card]: 'x' } }, '/metadata'],
    [{ payment_method: card }, '/payment_method'],
    [{ batch: card }, '/batch'],
    [{ reason: card }, '/reason'],
  ] as const) {
    const body = await refused({ body: { ...bill, ...change } })
    assert.equal(body.code, 'card_number_refused', JSON.stringify(change))
    assert.deepEqual(body.errors, [{ pointer, reason: 'holds a card number' }])
    assert.match(body.detail, /Never alter a reference/)
    assert.doesNotMatch(JSON.stringify(body), /4242/)
  }
})

test('commands check their fields as well', async () => {
  const path = `/v1/payments/pay_${'0'.repeat(26)}`
  for (const [command, body, pointer] of [
    ['capture', { amount: 0 }, '/amount'],
    ['capture', { amonut: 5 }, '/amonut'],
    ['void', { reason: 7 }, '/reason'],
    ['refunds', { amount: 5 }, '/reference'],
    ['refunds', { reference: 'r', amount: 1.5 }, '/amount'],
  ] as const) {
    const refusal = await refused({ body }, `${path}/${command}`)
    assert.equal(refusal.errors?.[0]?.pointer, pointer)
  }
  const card = await refused({ body: { reason: '4242424242424242' } }, `${path}/void`)
  assert.equal(card.code, 'card_number_refused')
})

test('the first reason by precedence is the one that is told', async () => {
  const text = { 'content-type': 'text/plain' }
  const told = async (asking: Asking) => (await refused(asking)).code
  assert.equal(await told({ as: null, body: big, key: null, headers: text }), 'unauthenticated')
  assert.equal(await told({ as: 'operator', body: big, key: null, headers: text }), 'forbidden')
  assert.equal(await told({ body: big, key: null, headers: text }), 'body_too_large')
  assert.equal(await told({ body: '{', key: null, headers: text }), 'unsupported_media_type')
  assert.equal(await told({ body: '{', key: null }), 'idempotency_key_missing')
  assert.equal(await told({ body: '{', key: '' }), 'idempotency_key_invalid')
  assert.equal(await told({ body: '{' }), 'invalid_json')
})

// ── Anything ─────────────────────────────────────────────────────────────────────────────────────

const odd = fc.oneof(
  fc.jsonValue({ maxDepth: 4 }),
  fc.constantFrom<unknown>(null, -1, 0, 1e21, 'pay_', '4242424242424242', '\u202e', [], {}, [[]]),
)
const names = Object.keys(paymentRequest.shape)
const almostABill = fc
  .tuple(fc.dictionary(fc.constantFrom(...names, 'x'), odd, { maxKeys: 5 }), fc.boolean())
  .map(([fields, whole]) => JSON.stringify(whole ? { ...bill, ...fields } : fields))
const anything = fc.oneof(almostABill, fc.json(), fc.string({ unit: 'binary' }))

test('whatever is sent is accepted with a payment, or refused with nothing stored; never a 5xx', async () => {
  const world = await createHttpWorld()
  let count = 0
  await fc.assert(
    fc.asyncProperty(anything, async (body) => {
      count += 1
      const commits = world.commits()
      const { status, text } = await world.ask('POST', '/v1/payments', { key: `k${count}`, body })
      if (status === 202) return
      assert.ok(status >= 400 && status < 500, `${status} ${text}`)
      assert.equal(world.commits(), commits, text)
    }),
    { numRuns: 2000 },
  )
  assert.deepEqual(world.log, [])
})

test('whatever bytes are sent, the answer is never a 5xx', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await refused({ body: bytes.slice() })
    }),
    { numRuns: 500 },
  )
})
