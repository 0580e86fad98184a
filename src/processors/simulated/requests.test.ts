// The bytes of each version, for good: an attempt that was frozen with it may be sent again by any
// later code. A change here needs a new version beside these.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { callOf } from '../contract/calls.ts'
import type { CallFacts } from '../contract/calls.ts'
import type { Operation, OperationKind } from '../../core/payment.ts'
import type { Call } from '../../ports.ts'
import { requestOf } from './requests.ts'

const paymentId = 'pay_01'
const objectId = 'ch_1'
const ids = (attempt: string): string =>
  `"metadata":{"installation":"inst_1","payment":"pay_01","attempt":"${attempt}"`
const bill = '"reference_hash":"d066760071f36b05d5607233dc3ea5dfda9c70d837b40d799d05888e8a41e0c5"'
const terms = '{"amount":1999,"currency":"EUR","payee":"acct_books","reference":"pay_01",'

const pinned: readonly (readonly [string, OperationKind, CallFacts, string, string, string])[] = [
  [
    'create',
    'create',
    {},
    'att_01_create_1',
    '/v1/charges',
    `${terms}"payment_method":null,${ids('att_01_create_1')},${bill}},"confirm":false}`,
  ],
  [
    'authorise',
    'authorise',
    { paymentMethod: 'pm_1' },
    'att_01_authorise_1',
    '/v1/charges',
    `${terms}"payment_method":"pm_1",${ids('att_01_authorise_1')},${bill}},"capture":false}`,
  ],
  [
    'authorise in one step',
    'authorise',
    { oneStep: true },
    'att_01_authorise_1',
    '/v1/charges',
    `${terms}"payment_method":null,${ids('att_01_authorise_1')},${bill}},"capture":true}`,
  ],
  [
    'authorise a made object',
    'authorise',
    { objectId, number: 2 },
    'att_01_authorise_2',
    '/v1/charges/ch_1/confirm',
    '{"capture":false}',
  ],
  [
    'capture',
    'capture',
    { objectId, number: 3, amount: 700 },
    'att_01_capture_3',
    '/v1/charges/ch_1/capture',
    '{"amount":700}',
  ],
  ['void', 'void', { objectId }, 'att_01_void_1', '/v1/charges/ch_1/cancel', '{}'],
  ['void by reference', 'void', {}, 'att_01_void_1', '/v1/cancellations', '{"reference":"pay_01"}'],
  [
    'refund',
    'refund',
    { objectId, amount: 500 },
    'att_01_refund_1',
    '/v1/charges/ch_1/refunds',
    `{"amount":500,"reference":"att_01_refund_1",${ids('att_01_refund_1')}}}`,
  ],
]

for (const [what, kind, facts, key, path, body] of pinned) {
  test(`${what}: the bytes of version 1`, () => {
    const call = callOf(kind, { paymentId, ...facts })
    assert.deepEqual(requestOf(call, 'inst_1'), { path, key, body })
  })
}

test('an object’s id cannot leave its place in the path', () => {
  const call = callOf('capture', { paymentId, objectId: '../x?y#z' })
  assert.equal(requestOf(call, 'inst_1').path, '/v1/charges/..%2Fx%3Fy%23z/capture')
})

test('two spellings of one bill carry one hash, and another bill another', () => {
  const hashOf = (payee: string): unknown => {
    const body = requestOf(callOf('authorise', { paymentId, payee }), 'inst_1').body
    return (JSON.parse(body) as { metadata: Record<string, string> }).metadata['reference_hash']
  }
  assert.equal(hashOf(' ACCT_Books '), hashOf('acct_books'))
  assert.notEqual(hashOf('acct_book'), hashOf('acct_books'))
})

// ── Version 2 ────────────────────────────────────────────────────────────────────────────────────

/** As a payment comes from the engine. */
function secondVersion(kind: 'authorise' | 'refund', over: Partial<Call['payment']> = {}): Call {
  const call = callOf(kind, { paymentId, ...(kind === 'refund' ? { objectId, amount: 500 } : {}) })
  const request = { ...call.attempt.request, apiVersion: '2' }
  const claimed = {
    amount: 1999,
    agent: 'agent_1',
    account: 'account_1',
    capture: 'automatic',
    batch: 'march',
    retryOf: 'pay_00',
    retryCount: 1,
    asked: { key: 'a2V5', request: '00ff' },
  } as const
  return {
    ...call,
    attempt: { ...call.attempt, request },
    payment: { ...call.payment, ...claimed, ...over },
  }
}

test('authorise: the bytes of version 2 tell whose it is, and bill and key as hashes', () => {
  const { key, body } = requestOf(secondVersion('authorise'), 'inst_1')
  assert.equal(key, 'att_01_authorise_1')
  const marks =
    '"account":"account_1","agent":"agent_1","capture":"automatic","batch":"march","retry_of":"pay_00",' +
    '"retry_count":"1","look_alike_hash":"ALIKE","key_hash":"a2V5","request_hash":"AP8"'
  const expected = `${terms}"payment_method":null,${ids('att_01_authorise_1')},${bill},${marks}},"capture":false}`
  assert.equal(body.replace(/"look_alike_hash":"[\w-]{43}"/, '"look_alike_hash":"ALIKE"'), expected)
})

test('refund: the bytes of version 2 tell by which reference it was asked for', () => {
  const attempt = secondVersion('refund').attempt
  const operation = { attempt } as Operation // no more of it is read
  const refunds = [{ id: 'ref_1', reference: 'RMA-1', operation }]
  const { body } = requestOf(secondVersion('refund', { refunds }), 'inst_1')
  const told = '"refund":"ref_1","refund_reference":"RMA-1"'
  assert.equal(
    body,
    `{"amount":500,"reference":"att_01_refund_1",${ids('att_01_refund_1')},${told}}}`,
  )
})

test('a payment that was claimed before marks were kept has none, each time', () => {
  const { asked: _, ...payment } = secondVersion('authorise').payment
  const { body } = requestOf({ ...secondVersion('authorise'), payment }, 'inst_1')
  assert(!body.includes('key_hash') && !body.includes('request_hash'))
})
