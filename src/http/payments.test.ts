// The agents' routes through the app, without a socket: claims, keys, replays, guards, commands.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'

const payments = '/v1/payments'

test('a request for a payment is answered at once with 202 and the payment', async () => {
  const { ask } = await createHttpWorld()
  const reply = await ask('POST', payments, { key: 'k', body: bill })
  assert.equal(reply.status, 202)
  assert.equal(reply.body.object, 'payment')
  assert.equal(reply.body.state, 'initiated')
  assert.equal(reply.body.money_moved, 'no')
  assert.deepEqual(reply.body.next_action, {
    type: 'wait',
    after: 1,
    url: `/v1/payments/${reply.body.id}`,
  })
  assert.equal(reply.headers.get('location'), `/v1/payments/${reply.body.id}`)
  assert.equal(reply.headers.get('content-type'), 'application/json')
  assert.equal(reply.headers.get('cache-control'), 'no-store')
  assert.equal(reply.headers.get('idempotent-replayed'), null)
})

test('all that was asked is shown again', async () => {
  const { ask } = await createHttpWorld()
  const asked = {
    ...bill,
    description: 'two\nlines',
    metadata: { order: '7', constructor: 'x' },
    processor: 'model',
    payment_method: 'pm_1',
    capture: 'manual',
    reason: 'monthly',
    batch: 'jan',
    not_after: '2027-02-01T10:00:00+02:00',
  }
  const { body, text } = await ask('POST', payments, { key: 'k', body: asked })
  assert.equal(body.not_after, '2027-02-01T08:00:00.000Z', text)
  const { amount, currency, payee, reference, description, metadata, processor, capture } = body
  const { payment_method: method, batch } = body
  assert.deepEqual(
    {
      amount,
      currency,
      payee,
      reference,
      description,
      metadata,
      processor,
      capture,
      method,
      batch,
    },
    {
      ...bill,
      description: 'two\nlines',
      metadata: { order: '7', constructor: 'x' },
      processor: 'model',
      capture: 'manual',
      method: 'pm_1',
      batch: 'jan',
    },
  )
})

test('null stands for a field that is left out', async () => {
  const { ask } = await createHttpWorld()
  const body = { ...bill, description: null, metadata: null, capture: null, retry_of: null }
  const reply = await ask('POST', payments, { key: 'k', body: { ...body, distinct_from: null } })
  assert.equal(reply.status, 202)
  assert.equal(reply.body.capture, 'automatic')
})

// ── Keys ─────────────────────────────────────────────────────────────────────────────────────────

test('a request without a key is refused and stores nothing', async () => {
  const { ask, commits } = await createHttpWorld()
  const before = commits()
  const { status, body } = await ask('POST', payments, { body: bill })
  assert.deepEqual(
    [status, body.code, body.title],
    [400, 'idempotency_key_missing', 'Idempotency-Key is missing'],
  )
  assert.equal(commits(), before)
})

test('a key that is not visible ASCII is refused and not echoed', async () => {
  const { ask } = await createHttpWorld()
  for (const key of ['', 'a b', 'x'.repeat(256), '"open', 'ä']) {
    const { status, body, headers } = await ask('POST', payments, { key, body: bill })
    assert.deepEqual([status, body.code], [400, 'idempotency_key_invalid'])
    assert.equal(headers.get('idempotency-key'), null)
  }
})

test('a known key with the same body replays the payment with the status of the first answer', async () => {
  const { ask, commits } = await createHttpWorld()
  const first = await ask('POST', payments, { key: 'k', body: bill })
  const before = commits()
  const again = await ask('POST', payments, { key: 'k', body: bill })
  assert.equal(again.status, 202)
  assert.equal(again.body.id, first.body.id)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
  assert.equal(commits(), before)
})

test('a quoted key and a bare one are the same key, and each is echoed as it came', async () => {
  const { ask } = await createHttpWorld()
  const bare = await ask('POST', payments, { key: 'k-1', body: bill })
  const quoted = await ask('POST', payments, { key: '"k-1"', body: bill })
  assert.equal(quoted.headers.get('idempotent-replayed'), 'true')
  assert.equal(quoted.body.id, bare.body.id)
  assert.equal(bare.headers.get('idempotency-key'), 'k-1')
  assert.equal(quoted.headers.get('idempotency-key'), '"k-1"')
})

test('another order of fields and 1999.0 for 1999 replay; null for absent does not', async () => {
  const { ask } = await createHttpWorld()
  const post = (body: string) => ask('POST', payments, { key: 'k', body })
  const first = await post('{"amount":1999,"currency":"EUR","payee":"A","reference":"R"}')
  assert.equal(first.status, 202)
  const same = await post(' {"reference":"R","payee":"A","currency":"EUR","amount":1999.0} ')
  assert.equal(same.headers.get('idempotent-replayed'), 'true')
  const other = await post(
    '{"amount":1999,"currency":"EUR","payee":"A","reference":"R","batch":null}',
  )
  assert.deepEqual([other.status, other.body.code], [422, 'idempotency_key_reused'])
})

test('a known key with another body is refused with the situation of its own payment', async () => {
  const { ask, pay, toRest, commits } = await createHttpWorld()
  const paid = await pay({}, { key: 'k' })
  await toRest(paid.id)
  const before = commits()
  const { status, body } = await ask('POST', payments, { key: 'k', body: { ...bill, amount: 1 } })
  assert.equal(status, 422)
  assert.equal(body.title, 'Idempotency-Key is already used')
  assert.deepEqual(body.existing_payment, { id: paid.id, state: 'settled' })
  assert.equal(body.money_moved, 'yes')
  assert.equal(body.next_action.type, 'none')
  assert.equal(body.new_key_allowed, false)
  assert.equal(commits(), before)
})

test('a replay is answered before suspension, stop and limits', async () => {
  const { world, ask, pay } = await createHttpWorld()
  const paid = await pay({}, { key: 'k' })
  const [agent] = await world.engine.store.read([{ table: 'agent', key: 'agent_1' }])
  assert.ok(agent)
  const value = { ...agent.value, suspended: true }
  const action = { do: 'put', table: 'agent', key: 'agent_1', value, if: null } as const
  await world.engine.store.commit({ commitId: 'suspend', actions: [action] })
  const again = await ask('POST', payments, { key: 'k', body: bill })
  assert.equal(again.body.id, paid.id)
  const other = await ask('POST', payments, { key: 'k2', body: { ...bill, reference: 'INV-2' } })
  assert.deepEqual([other.status, other.body.code], [403, 'agent_suspended'])
  assert.equal(other.body.next_action.type, 'ask_human')
})

test('the keys of two agents are two keys', async () => {
  const { ask, pay } = await createHttpWorld()
  await pay({}, { key: 'k' })
  const body = { ...bill, payee: 'Other', reference: 'INV-9' }
  const other = await ask('POST', payments, { as: 'colleague', key: 'k', body })
  assert.equal(other.status, 202)
  assert.equal(other.headers.get('idempotent-replayed'), null)
})

test('twenty requests at the same instant with one key are one payment', async () => {
  const { ask } = await createHttpWorld()
  const all = await Promise.all(
    Array.from({ length: 20 }, () => ask('POST', payments, { key: 'k', body: bill })),
  )
  assert.deepEqual([...new Set(all.map(({ status }) => status))], [202])
  assert.equal(new Set(all.map(({ body }) => body.id)).size, 1)
  const replayed = all.filter(({ headers }) => headers.get('idempotent-replayed') === 'true')
  assert.equal(replayed.length, 19)
})

test('a claim whose commit is unknown is 503, retry_same_key, and the retry replays', async () => {
  let lose = true
  const { ask } = await createHttpWorld({
    onCommit: ({ actions }) => {
      if (!lose || !actions.some((action) => action.do === 'put' && action.table === 'key'))
        return 'normal'
      lose = false
      return 'lose_answer'
    },
  })
  const first = await ask('POST', payments, { key: 'k', body: bill })
  assert.equal(first.status, 503)
  assert.equal(first.body.code, 'retry_same_key')
  assert.equal(first.body.money_moved, 'unknown')
  assert.deepEqual(first.body.next_action, { type: 'retry_same_key', after: 1, url: null })
  assert.equal(first.body.new_key_allowed, false)
  assert.equal(first.headers.get('retry-after'), '1')
  const again = await ask('POST', payments, { key: 'k', body: bill })
  assert.equal(again.status, 202)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
})

// ── Guards ───────────────────────────────────────────────────────────────────────────────────────

test('a bill that has a payment is refused with that payment and its advice', async () => {
  const { ask, pay } = await createHttpWorld()
  const paid = await pay()
  const body = { ...bill, payee: ' acme ', reference: 'inv-1' }
  const reply = await ask('POST', payments, { key: 'other', body })
  assert.deepEqual([reply.status, reply.body.code], [409, 'duplicate_reference'])
  assert.deepEqual(reply.body.existing_payment, { id: paid.id, state: 'initiated' })
  assert.equal(reply.body.next_action.type, 'wait')
  assert.equal(reply.body.next_action.url, `/v1/payments/${paid.id}`)
  assert.equal(reply.headers.get('content-type'), 'application/problem+json')
  assert.equal(reply.body.type, '/docs/errors#duplicate_reference')
  assert.equal(reply.body.instance, payments)
})

test('a colleague is shown id, state and advice of the payment in the way, and nothing else', async () => {
  const { ask, pay } = await createHttpWorld()
  const paid = await pay({ description: 'secret plans', metadata: { a: 'hidden' } })
  const { body, text } = await ask('POST', payments, { as: 'colleague', key: 'k', body: bill })
  assert.equal(body.existing_payment?.id, paid.id)
  assert.doesNotMatch(text, /secret plans|hidden|agent_1|1999/)
})

test('a stranger may pay the same bill and is told nothing of ours', async () => {
  const { ask, pay } = await createHttpWorld()
  const paid = await pay()
  const reply = await ask('POST', payments, { as: 'stranger', key: 'k', body: bill })
  assert.equal(reply.status, 202)
  assert.notEqual(reply.body.id, paid.id)
  const retry = { ...bill, reference: 'INV-7', retry_of: paid.id }
  const refused = await ask('POST', payments, { as: 'stranger', key: 'k2', body: retry })
  assert.equal(refused.body.code, 'retry_of_invalid')
  assert.equal(refused.body.existing_payment, undefined)
})

test('a look-alike is refused: use the existing one; named with a reason it goes through', async () => {
  const { ask, pay } = await createHttpWorld()
  const first = await pay()
  const body = { ...bill, reference: 'INV-2' }
  const refused = await ask('POST', payments, { key: 'k2', body })
  assert.deepEqual([refused.status, refused.body.code], [409, 'possible_duplicate'])
  assert.equal(refused.body.next_action.type, 'use_existing')
  assert.equal(refused.body.existing_payment?.id, first.id)
  const named = { ...body, distinct_from: [first.id], reason: 'another month' }
  const second = await ask('POST', payments, { key: 'k2', body: named })
  assert.equal(second.status, 202)
  const third = await ask('POST', payments, { key: 'k3', body: { ...bill, reference: 'INV-3' } })
  assert.deepEqual(third.body.existing_payments?.toSorted(), [first.id, second.body.id].toSorted())
})

test('a payment that ended without money may be asked again with retry_of', async () => {
  const { ask, pay, toRest } = await createHttpWorld({ fault: () => 'decline' })
  const declined = await pay()
  await toRest(declined.id)
  const seen = await ask('GET', `${payments}/${declined.id}`)
  assert.deepEqual([seen.body.state, seen.body.new_key_allowed], ['declined', true])
  assert.equal(seen.body.state_reason, 'insufficient_funds')
  const again = await ask('POST', payments, {
    key: 'new',
    body: { ...bill, retry_of: declined.id },
  })
  assert.equal(again.status, 202)
  assert.equal(again.body.retry_of, declined.id)
})

test('a mandate that refuses sends to a person, never to a change of the request', async () => {
  const limits = { EUR: { perPayment: 1000, perDay: 5000, approvalAbove: null } }
  const { ask, commits } = await createHttpWorld({ accountMandate: { version: 1, limits } })
  const before = commits()
  const over = await ask('POST', payments, { key: 'k', body: bill })
  assert.deepEqual([over.status, over.body.code], [403, 'mandate_per_payment'])
  assert.equal(over.body.next_action.type, 'ask_human')
  const currency = await ask('POST', payments, { key: 'k', body: { ...bill, currency: 'USD' } })
  assert.equal(currency.body.code, 'mandate_currency')
  assert.equal(commits(), before)
})

test('a processor that is not configured, and a deadline in the past, store nothing', async () => {
  const { ask, commits } = await createHttpWorld()
  const before = commits()
  const unknown = await ask('POST', payments, { key: 'k', body: { ...bill, processor: 'x' } })
  assert.deepEqual([unknown.status, unknown.body.code], [400, 'processor_unknown'])
  const late = { ...bill, not_after: '2020-01-01T00:00:00Z' }
  const past = await ask('POST', payments, { key: 'k', body: late })
  assert.deepEqual([past.status, past.body.code], [400, 'too_late'])
  assert.equal(commits(), before)
})

// ── Commands ─────────────────────────────────────────────────────────────────────────────────────

test('capture, void and refunds need a key, take an empty body as {}, and replay', async () => {
  const { ask, pay, toRest } = await createHttpWorld()
  const { id } = await pay({ capture: 'manual' })
  await toRest(id)
  assert.equal(
    (await ask('POST', `${payments}/${id}/capture`)).body.code,
    'idempotency_key_missing',
  )
  const first = await ask('POST', `${payments}/${id}/capture`, { key: 'c' })
  assert.equal(first.status, 202)
  const again = await ask('POST', `${payments}/${id}/capture`, { key: 'c', body: {} })
  assert.deepEqual([again.status, again.headers.get('idempotent-replayed')], [202, 'true'])
  const other = await ask('POST', `${payments}/${id}/capture`, { key: 'c', body: { amount: 5 } })
  assert.equal(other.body.code, 'idempotency_key_reused')
  await toRest(id)
  const refund = { reference: 'r-1', amount: 500 }
  const refunded = await ask('POST', `${payments}/${id}/refunds`, { key: 'r', body: refund })
  assert.equal(refunded.status, 202)
  assert.deepEqual(
    refunded.body.refunds.map(({ reference, amount, status }) => [reference, amount, status]),
    [['r-1', 500, 'open']],
  )
  await toRest(id)
  assert.equal((await ask('GET', `${payments}/${id}`)).body.amount_refunded, 500)
})

test('one key for voiding two payments is two keys', async () => {
  const { ask, pay } = await createHttpWorld()
  const a = await pay()
  const b = await pay({ payee: 'B', reference: 'B' })
  for (const { id } of [a, b]) {
    const voided = await ask('POST', `${payments}/${id}/void`, { key: 'v', body: { reason: 'no' } })
    assert.deepEqual(
      [voided.status, voided.body.state, voided.body.state_reason],
      [202, 'voided', 'no'],
    )
    assert.equal(voided.headers.get('idempotent-replayed'), null)
  }
})

test('a void while the outcome is unknown is recorded, and the answer is: wait', async () => {
  const { world, engine, ask, pay } = await createHttpWorld({ fault: () => 'lost_before' })
  const { id } = await pay()
  const { advance } = await import('../engine/advance.ts')
  await advance(engine, id, 1)
  const voided = await ask('POST', `${payments}/${id}/void`, { key: 'v' })
  assert.equal(voided.status, 202)
  assert.equal(voided.body.state, 'validated')
  assert.equal(voided.body.money_moved, 'unknown')
  assert.equal(voided.body.next_action.type, 'wait')
  assert.equal(voided.body.void_requested?.by, 'agent_1')
  assert.equal(world.processor.sends.length, 1)
})

test('commands that cannot be are refused with the situation of the payment', async () => {
  const { ask, pay, toRest } = await createHttpWorld()
  const { id } = await pay()
  await toRest(id)
  const post = async (path: string, body: object) =>
    (await ask('POST', `${payments}/${id}/${path}`, { key: path, body })).body
  const voided = await post('void', {})
  assert.deepEqual(
    [voided.status, voided.code, voided.money_moved],
    [409, 'already_captured', 'yes'],
  )
  assert.equal((await post('capture', {})).code, 'not_capturable')
  assert.equal((await post('refunds', { reference: 'r', amount: 2000 })).code, 'refund_too_large')
  assert.equal((await post('refunds', {})).errors?.[0]?.pointer, '/reference')
})

// ── Waiting ──────────────────────────────────────────────────────────────────────────────────────

test('a request that prefers to wait is answered at the end, still with 202', async () => {
  const { ask } = await createHttpWorld({ driven: true })
  const headers = { prefer: 'wait=10' }
  const startedMs = performance.now()
  const reply = await ask('POST', payments, { key: 'k', body: bill, headers })
  assert.equal(reply.status, 202)
  assert.equal(reply.body.money_moved, 'yes')
  assert.ok(performance.now() - startedMs < 5_000)
  const seen = await ask('GET', `${payments}/${reply.body.id}`, { headers })
  assert.equal(seen.status, 200)
})

test('waiting ends when the time is up', async () => {
  const { ask, pay } = await createHttpWorld()
  const { id } = await pay()
  const reply = await ask('GET', `${payments}/${id}`, { headers: { prefer: 'wait=60' } })
  assert.equal(reply.body.next_action.type, 'wait')
})
