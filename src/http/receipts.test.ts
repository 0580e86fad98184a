// Receipts, their keys, and what is taken out of a payment, asked for over HTTP.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorldOptions } from '../../test/http-world.ts'
import { makeKey, signReceipt, verifyReceipt } from '../receipts/receipt.ts'
import type { PrivateKey } from '../receipts/receipt.ts'
import type { ReceiptKeys } from '../receipts/receipt-keys.ts'
import { routes } from './routes.ts'
import type { PaymentJson, ProblemJson } from './wire.ts'

interface ReceiptJson {
  readonly kid: string
  readonly jws: string
  readonly claims: Readonly<Record<string, unknown>>
}

async function worldWithKeys(options: HttpWorldOptions = {}) {
  const keys: [PrivateKey, ...PrivateKey[]] = [await makeKey()]
  const receipts: ReceiptKeys = {
    sign: (claims) => signReceipt(claims, keys[0]),
    publicKeys: () => keys.map(({ shown }) => shown),
    rotate: async () => {
      keys.unshift(await makeKey())
      return keys[0].shown.kid
    },
  }
  const world = await createHttpWorld({ ...options, service: { receipts } })
  const jwks = async (): Promise<readonly unknown[]> => {
    const reply = await world.ask<{ keys: unknown[] }>('GET', '/.well-known/jwks.json', {
      as: null,
    })
    return reply.body.keys
  }
  return { ...world, jwks }
}

test('a payment has a receipt once it is at its end, the same whenever it is asked for', async () => {
  const { ask, pay, toRest, jwks, world } = await worldWithKeys()
  const { id } = await pay({ description: 'not for others' })
  const path = `/v1/payments/${id}/receipt`
  const early = await ask('GET', path)
  assert.deepEqual([early.status, early.body.code], [409, 'no_receipt'])
  assert.equal(early.body.existing_payment?.id, id)
  assert.equal(early.body.next_action.type, 'wait')
  await toRest(id)
  const receipt = await ask<ReceiptJson>('GET', path)
  assert.equal(receipt.status, 200, receipt.text)
  const route = routes.find((each) => each.path === '/v1/payments/{id}/receipt')
  assert.deepEqual(route?.doc.answer.parse(receipt.body), receipt.body)
  const { claims, jws } = receipt.body
  assert.equal((await ask<ReceiptJson>('GET', path, { as: 'operator' })).body.jws, jws)
  const verified = await verifyReceipt(jws, await jwks())
  assert.ok(verified.valid)
  assert.deepEqual(verified.claims, claims)
  assert.deepEqual(
    [claims['payment_id'], claims['money_moved'], claims['amount_captured'], claims['reference']],
    [id, 'yes', 1999, 'INV-1'],
  )
  assert.doesNotMatch(receipt.text, /not for others/)
  const events = await ask<{ data: { type: string; at: string }[] }>(
    'GET',
    `/v1/payments/${id}/events`,
  )
  const entered = events.body.data.find(({ type }) => type === claims['outcome'])
  assert.equal(claims['outcome_at'], entered?.at)
  assert.equal((await ask('GET', path, { as: 'stranger' })).status, 404)
  // What happens afterwards makes a later receipt of the same end.
  world.hand.nowMs += 3_600_000
  const back = { reference: 'RET-1', amount: 500, reason: 'broken' }
  await ask('POST', `/v1/payments/${id}/refunds`, { key: 'back', body: back })
  const open = (await ask<ReceiptJson>('GET', path)).body.claims
  assert.deepEqual([open['amount_refunded'], open['amount_refund_open']], [0, 500])
  await toRest(id)
  const later = (await ask<ReceiptJson>('GET', path)).body.claims
  assert.deepEqual([later['amount_refunded'], later['amount_refund_open']], [500, 0])
  assert.deepEqual(
    [later['outcome'], later['outcome_at']],
    [claims['outcome'], claims['outcome_at']],
  )
  assert.ok(Number(later['version']) > Number(claims['version']))
})

test('while the outcome is unknown there is none, whatever else is known', async () => {
  // The money has moved, but every answer and every look-up is lost.
  const { ask, pay, toRest, world } = await worldWithKeys({
    fault: (kind) => (kind === 'look_up' ? 'no_answer' : 'lost_after'),
  })
  const { id } = await pay()
  await toRest(id)
  assert.equal(world.processor.charges.length, 1)
  const asked = await ask('GET', `/v1/payments/${id}/receipt`)
  assert.deepEqual([asked.status, asked.body.code], [409, 'no_receipt'])
  assert.equal(asked.body.money_moved, 'unknown')
})

test('a decline has a receipt that says so, and names no success', async () => {
  const { ask, pay, toRest } = await worldWithKeys({ fault: () => 'decline' })
  const { id } = await pay()
  await toRest(id)
  const { claims } = (await ask<ReceiptJson>('GET', `/v1/payments/${id}/receipt`)).body
  assert.deepEqual([claims['outcome'], claims['money_moved']], ['declined', 'no'])
  assert.equal(claims['amount_captured'], 0)
})

test('a key is turned by an operator, is in the audit, and earlier receipts stay valid', async () => {
  const { ask, pay, toRest, jwks } = await worldWithKeys()
  const { id } = await pay()
  await toRest(id)
  const path = `/v1/payments/${id}/receipt`
  const early = (await ask<ReceiptJson>('GET', path)).body
  const rotate = '/v1/receipts/rotate-key'
  assert.equal((await ask('POST', rotate, { body: { reason: 'x' } })).status, 403)
  assert.equal((await ask('POST', rotate, { as: 'operator', body: {} })).status, 400)
  const body = { reason: 'once a year' }
  const turned = await ask<{ kid: string }>('POST', rotate, { as: 'operator', body })
  const late = (await ask<ReceiptJson>('GET', path)).body
  assert.equal(late.kid, turned.body.kid)
  assert.notEqual(late.kid, early.kid)
  assert.deepEqual(late.claims, early.claims)
  for (const { jws } of [early, late]) {
    assert.equal((await verifyReceipt(jws, await jwks())).valid, true)
  }
  const audit = await ask<{ data: { act: string; reason: string }[] }>('GET', '/v1/audit', {
    as: 'operator',
  })
  assert.equal(audit.body.data[0]?.act, 'rotate_receipt_key')
})

test('a service without keys says so', async () => {
  const { ask, pay } = await createHttpWorld()
  const { id } = await pay()
  assert.equal((await ask('GET', `/v1/payments/${id}/receipt`)).status, 404)
  assert.equal((await ask('GET', '/.well-known/jwks.json', { as: null })).status, 404)
})

test('redacting takes the words, leaves what decides, and a replay is still a replay', async () => {
  const { ask, pay, toRest, commits } = await worldWithKeys()
  const words = { description: 'for Ms Miller', metadata: { patient: '4711' } }
  const { id } = await pay(words)
  await toRest(id)
  const events = async () => (await ask('GET', `/v1/payments/${id}/events`)).text
  const history = await events()
  const path = `/v1/payments/${id}/redact`
  const body = { reason: 'request 118' }
  assert.equal((await ask('POST', path, { body })).status, 403)
  assert.equal((await ask('POST', path, { as: 'operator', body: {} })).status, 400)
  const redacted = await ask<PaymentJson>('POST', path, { as: 'operator', body })
  assert.deepEqual(
    [redacted.status, redacted.body.description, redacted.body.metadata],
    [200, null, {}],
  )
  const seen = await ask('GET', `/v1/payments/${id}`)
  assert.doesNotMatch(seen.text, /Miller|4711/)
  assert.equal(seen.body.reference, 'INV-1')
  assert.equal(await events(), history)
  const replay = await ask('POST', '/v1/payments', { key: 'key-1', body: { ...bill, ...words } })
  assert.deepEqual([replay.status, replay.body.id], [202, id])
  assert.equal(replay.headers.get('idempotent-replayed'), 'true')
  const twin = await ask<ProblemJson>('POST', '/v1/payments', { key: 'other', body: bill })
  assert.equal(twin.body.code, 'duplicate_reference')
  const before = commits()
  assert.equal((await ask('POST', path, { as: 'operator', body })).status, 200)
  assert.equal(commits(), before, 'there is nothing left to take out')
  const audit = await ask<{ data: object[] }>('GET', '/v1/audit', { as: 'operator' })
  const acts = audit.body.data.map((each) => ({ ...each, id: '', at: '' }))
  assert.deepEqual(acts, [
    {
      id: '',
      object: 'audit',
      act: 'redact',
      target: id,
      by: 'Olga',
      reason: 'request 118',
      at: '',
    },
  ])
  const absent = `/v1/payments/pay_${'0'.repeat(26)}/redact`
  assert.equal((await ask('POST', absent, { as: 'operator', body })).status, 404)
})

test('of two operators who redact at once one does it, and both are told that it is done', async () => {
  const { ask, pay } = await worldWithKeys()
  const { id } = await pay({ description: 'for Ms Miller' })
  const redact = () =>
    ask('POST', `/v1/payments/${id}/redact`, { as: 'operator', body: { reason: 'both' } })
  const told = await Promise.all([redact(), redact()])
  assert.deepEqual(
    told.map(({ status }) => status),
    [200, 200],
  )
  const audit = await ask<{ data: object[] }>('GET', '/v1/audit', { as: 'operator' })
  assert.equal(audit.body.data.length, 1)
})
