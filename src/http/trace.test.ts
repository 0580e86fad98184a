// The structured log of a request: each line says of which payment and in which trace, and none says
// what it should not.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld, tokens } from '../../test/http-world.ts'
import { traced } from './trace.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const traceparent = `00-${traceId}-00f067aa0ba902b7-01`

test('a request goes on with its trace: in its answer, in its lines and in what the engine says for it', async () => {
  const { ask, lines } = await createHttpWorld()
  const headers = { traceparent }
  const reply = await ask('POST', '/v1/payments', { key: 'k', body: bill, headers })
  assert.equal(reply.headers.get('trace-id'), traceId)
  assert.deepEqual(lines, [
    {
      level: 'info',
      kind: 'payment_claimed',
      payment_id: reply.body.id,
      state: 'initiated',
      version: 1,
      trace_id: traceId,
    },
  ])
})

test('without a trace one begins, with each request its own, also for a refusal', async () => {
  const { ask } = await createHttpWorld()
  const asked = [
    await ask('GET', '/v1/payments'),
    await ask('GET', '/v1/payments', { as: null }),
    await ask('GET', '/nowhere', { as: null, headers: { traceparent: 'mine' } }),
  ]
  const ids = asked.map(({ headers }) => headers.get('trace-id') ?? '')
  for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/)
  assert.equal(new Set(ids).size, ids.length)
})

test('a fault is logged with the trace that its answer names', async () => {
  const { ask, log } = await createHttpWorld({
    engine: (engine) => ({
      store: { ...engine.store, list: () => Promise.reject(new Error('disk I/O error')) },
    }),
  })
  const reply = await ask('GET', '/v1/payments', { headers: { traceparent } })
  assert.equal(reply.status, 503)
  assert.equal(log[0]?.trace_id, traceId)
  assert.equal(log[0]?.['request_id'], reply.headers.get('request-id'))
})

test('what the driver does later belongs to the payment, and to no request', async () => {
  const { pay, toRest, lines } = await createHttpWorld({
    fault: (kind) => (kind === 'look_up' ? 'no_answer' : 'lost_after'),
  })
  const { id } = await pay({}, { headers: { traceparent } })
  await toRest(id)
  const [claimed, ...later] = lines
  assert.equal(claimed?.trace_id, traceId)
  assert.ok(later.length > 0)
  assert.ok(later.every(({ trace_id: of }) => of === undefined))
  assert.ok(lines.every(({ payment_id: of }) => of === id))
  const kinds = new Set(later.map(({ level, kind }) => `${level} ${kind}`))
  assert.deepEqual([...kinds], ['warn payment_observed', 'warn payment_parked'])
})

test('an alarm that a request raises names its trace', async () => {
  const { engine, world } = await createHttpWorld()
  traced(engine, traceId).alarm({ kind: 'parked', paymentId: 'pay_1', detail: 'x' })
  assert.deepEqual(world.alarms, [{ kind: 'parked', paymentId: 'pay_1', detail: 'x', traceId }])
})

test('no line of the log, and no metric, holds a token, a key, a payee, a card number or a body', async () => {
  let answers = true
  const { ask, toRest, lines, world, pay } = await createHttpWorld({
    metrics: true,
    fault: (kind) => (answers || kind === 'look_up' ? null : 'decline'),
  })
  const secrets = {
    key: 'key-9f8e7d6c5b4a',
    payee: 'Secret Payee GmbH',
    reference: 'SECRET-REF-77',
    description: 'the word is swordfish',
    card: '4111111111111111',
    token: 'sk_live_51Hxyz0123456789',
  }
  const { key, payee, reference, description, card, token } = secrets
  const body = { ...bill, payee, reference, description, metadata: { note: description } }
  const paid = await ask('POST', '/v1/payments', { key, body })
  await toRest(paid.body.id)
  answers = false
  await toRest((await pay({ payee, reference: `${reference}-2`, amount: 5 })).id)
  await ask('POST', '/v1/payments', { key, body: { ...body, amount: 2 } })
  await ask('POST', '/v1/payments', { key: `${key}-2`, body: { ...body, description: card } })
  await ask('POST', '/v1/payments', { key: card, body: `{"payee": "${payee}", "amount": ` })
  await ask('GET', '/v1/payments', { as: null, headers: { authorization: `Bearer ${token}` } })
  await ask('GET', `/v1/payments?reference=${reference}&nonsense=${token}`)
  await ask('GET', `/${token}`, { as: null })
  await ask('POST', '/webhooks/model', { as: null, body: { token, card } })
  const { text } = await ask('GET', '/metrics', { as: 'operator' })
  assert.ok(lines.length >= 4)
  const told = JSON.stringify([lines, world.alarms]) + text
  for (const secret of [...Object.values(secrets), ...Object.values(tokens)]) {
    assert.ok(!told.includes(secret), `${secret} in ${told.slice(0, 2_000)}`)
  }
})
