// The bytes of version 1, for good: an attempt that was frozen with it may be sent again by any
// later code. A change here needs a new version beside this one.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { callOf } from '../contract/calls.ts'
import type { CallFacts } from '../contract/calls.ts'
import type { OperationKind } from '../../core/payment.ts'
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
