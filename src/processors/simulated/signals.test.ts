// The words of the simulated processor, one line each. The contract shows that they reach us.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { callOf } from '../contract/calls.ts'
import { readResponse } from '../response.ts'
import { answerTo } from './signals.ts'
import type { HttpResult } from '../http.ts'
import type { Answer, Call } from '../../ports.ts'

function answered(
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = { 'request-id': 'req_1' },
): Extract<HttpResult, { result: 'answered' }> {
  return { result: 'answered', status, headers, body: JSON.stringify(body) }
}

function answerOf(call: Call, ...given: Parameters<typeof answered>): Answer {
  return answerTo(call, readResponse(answered(...given), 0), null)
}

const words: readonly (readonly [number, string, string, object, string])[] = [
  [400, 'invalid_request', 'invalid_request', { param: 'amount' }, 'invalid_content'],
  [400, 'invalid_request', 'amount_too_large', { param: 'amount' }, 'invalid_content'],
  [400, 'invalid_request', 'malformed_body', {}, 'unlisted'],
  [400, 'idempotency_error', 'idempotency_mismatch', {}, 'key_mismatch'],
  [400, 'idempotency_error', 'idempotency_key_missing', {}, 'key_mismatch'],
  [401, 'authentication', 'unauthorised', {}, 'account_fault'],
  [403, 'authentication', 'account_closed', {}, 'account_fault'],
  [402, 'card_error', 'declined', { decline_code: 'insufficient_funds' }, 'declined'],
  [404, 'invalid_request', 'not_found', { param: 'id' }, 'invalid_content'],
  [404, 'invalid_request', 'not_found', {}, 'unlisted'],
  [409, 'state_error', 'unexpected_state', {}, 'already_in_state'],
  [409, 'state_error', 'reference_cancelled', {}, 'not_sent'],
  [409, 'idempotency_error', 'idempotency_key_in_use', {}, 'in_flight'],
  [409, 'state_error', 'something_new', {}, 'unlisted'],
  [413, 'invalid_request', 'body_too_large', {}, 'unlisted'],
  [422, 'invalid_request', 'unprocessable', { param: 'payee' }, 'invalid_content'],
  [429, 'rate_limit', 'rate_limited', {}, 'slow_down'],
  [500, 'api_error', 'internal', {}, 'server_error'],
  [502, 'api_error', 'internal', {}, 'unlisted'],
  [503, 'rate_limit', 'slow_down', {}, 'slow_down'],
  [503, 'api_error', 'maintenance', {}, 'unlisted'],
]

for (const [status, type, code, facts, signal] of words) {
  test(`${status} ${code}${'param' in facts ? ' about a field' : ''} is ${signal}`, () => {
    const answer = answerOf(callOf('authorise'), status, { error: { type, code, ...facts } })
    assert.equal(answer.signal, signal)
    const cause = 'decline_code' in facts ? facts.decline_code : code
    assert.equal(answer.cause, cause)
    const decline = { declined: 'declined', invalid_content: 'invalid' }[signal]
    assert.deepEqual(
      answer.decline,
      decline === undefined ? null : { reason: decline, code: cause },
    )
  })
}

test('without the processor’s number on it no refusal is its own', () => {
  for (const [status, type, code, facts] of words) {
    const { signal } = answerOf(
      callOf('authorise'),
      status,
      { error: { type, code, ...facts } },
      {},
    )
    assert.match(signal, /^(unlisted|gateway_error|server_error)$/, `${status} ${code}`)
  }
})

test('a wait is believed only of the processor itself', () => {
  const body = { error: { type: 'rate_limit', code: 'rate_limited' } }
  const call = callOf('authorise')
  const own = answerOf(call, 429, body, { 'request-id': 'req_1', 'retry-after': '2' })
  assert.equal(own.retryAfterMs, 2_000)
  assert.equal(answerOf(call, 429, body, { 'retry-after': '2' }).retryAfterMs, null)
})

const charge = {
  id: 'ch_1',
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
  metadata: { attempt: 'att_1_authorise_1' },
  decline_code: null,
  action_url: null,
  authorisation_expires_at: '2026-03-08T12:00:00.000Z',
  created_at: '2026-03-01T12:00:00.000Z',
  settlement: null,
  refunds: [],
}
const captured = { ...charge, status: 'captured', amount_captured: 1999 }
const refund = {
  id: 're_1',
  amount: 500,
  status: 'succeeded',
  metadata: { attempt: 'att_1_refund_1' },
}
const facts = { paymentId: 'pay_1', objectId: 'ch_1' }

const shown: readonly (readonly [string, Call, object, string])[] = [
  ['a charge as asked', callOf('authorise', facts), charge, 'done'],
  ['another amount', callOf('authorise', facts), { ...charge, amount: 1998 }, 'mismatched_answer'],
  [
    'another currency',
    callOf('authorise', facts),
    { ...charge, currency: 'USD' },
    'mismatched_answer',
  ],
  [
    'another reference',
    callOf('authorise', facts),
    { ...charge, reference: 'pay_2' },
    'mismatched_answer',
  ],
  ['another object', callOf('authorise', facts), { ...charge, id: 'ch_2' }, 'mismatched_answer'],
  [
    'a state we do not know',
    callOf('authorise', facts),
    { ...charge, status: 'new' },
    'unreadable',
  ],
  [
    'an amount with a fraction',
    callOf('authorise', facts),
    { ...charge, amount: 19.99 },
    'unreadable',
  ],
  [
    'a state that is not final',
    callOf('authorise', facts),
    { ...charge, status: 'processing' },
    'not_final',
  ],
  [
    'a wait for a person',
    callOf('authorise', facts),
    { ...charge, status: 'requires_action' },
    'not_final',
  ],
  [
    'an object of another kind',
    callOf('authorise', facts),
    { ...charge, object: 'refund' },
    'unreadable',
  ],
  ['a field more', callOf('authorise', facts), { ...charge, new_field: 1 }, 'done'],
  ['a capture as asked', callOf('capture', facts), captured, 'done'],
  [
    'a capture of less',
    callOf('capture', facts),
    { ...captured, amount_captured: 5 },
    'mismatched_answer',
  ],
  [
    'a refund as asked',
    callOf('refund', { ...facts, amount: 500 }),
    { ...captured, refunds: [refund] },
    'done',
  ],
  [
    'a refund of more',
    callOf('refund', { ...facts, amount: 499 }),
    { ...captured, refunds: [refund] },
    'mismatched_answer',
  ],
  [
    'a refund by somebody else',
    callOf('refund', { ...facts, amount: 500 }),
    { ...captured, refunds: [{ ...refund, metadata: {} }] },
    'mismatched_answer',
  ],
  ['no refund of ours', callOf('refund', { ...facts, amount: 500 }), captured, 'mismatched_answer'],
  ['a cancelled charge', callOf('void', facts), { ...charge, status: 'cancelled' }, 'done'],
]

for (const [what, call, body, signal] of shown) {
  test(`a 200 with ${what} is ${signal}`, () => {
    const answer = answerOf(call, 200, body)
    assert.equal(answer.signal, signal)
    // What is not believed is in the excerpt, where nothing acts on it.
    assert.equal(answer.object !== null, signal === 'done' || signal === 'not_final')
  })
}

const cancellation = { object: 'cancellation', reference: 'pay_1', blocked: true, charge: null }
const cancelled = { ...charge, status: 'cancelled' }

for (const [what, body, signal, status] of [
  ['with nothing there', cancellation, 'done', null],
  ['of a charge', { ...cancellation, charge: cancelled }, 'done', 'voided'],
  [
    'of a declined charge',
    { ...cancellation, charge: { ...charge, status: 'declined' } },
    'done',
    null,
  ],
  ['without the block', { ...cancellation, blocked: false }, 'unreadable', null],
  ['of another kind', { ...cancellation, object: 'list' }, 'unreadable', null],
  ['of another reference', { ...cancellation, reference: 'pay_2' }, 'mismatched_answer', null],
  [
    'of another’s charge',
    { ...cancellation, charge: { ...cancelled, reference: 'pay_2' } },
    'mismatched_answer',
    null,
  ],
  ['that is a charge', charge, 'unreadable', null],
  ['with half a charge', { ...cancellation, charge: { id: 'ch_1' } }, 'unreadable', null],
] as const) {
  test(`a cancellation by reference ${what} is ${signal}`, () => {
    const answer = answerOf(callOf('void', { paymentId: 'pay_1' }), 200, body)
    assert.deepEqual([answer.signal, answer.object?.status ?? null], [signal, status])
  })
}

test('“already in that state” shows the charge, whatever its amount, but not another’s', () => {
  const told = (shownCharge: object): Answer =>
    answerOf(callOf('capture', { ...facts, amount: 700 }), 409, {
      error: { type: 'state_error', code: 'unexpected_state', charge: shownCharge },
    })
  assert.equal(told(captured).signal, 'already_in_state')
  assert.equal(told(captured).object?.amountCaptured, 1999)
  assert.deepEqual([told({}).signal, told({}).object], ['already_in_state', null])
  assert.equal(told({ ...captured, reference: 'pay_2' }).signal, 'mismatched_answer')
})

test('a charge is seen whole', () => {
  const settlement = { id: 'st_1', settled_at: '2026-03-02T00:00:00.000Z', fee: 88, net: 1911 }
  const body = { ...captured, amount_reversed: 7, settlement, refunds: [refund] }
  assert.deepEqual(answerOf(callOf('capture', facts), 200, body).object, {
    objectId: 'ch_1',
    attemptId: 'att_1_authorise_1',
    status: 'captured',
    amount: 1999,
    currency: 'EUR',
    amountAuthorised: 1999,
    amountCaptured: 1999,
    amountReversed: 7,
    authorisationExpiresAtMs: Date.UTC(2026, 2, 8, 12),
    decline: null,
    actionUrl: null,
    settlement: { id: 'st_1', settledAtMs: Date.UTC(2026, 2, 2), fee: 88 },
    refunds: [{ objectId: 're_1', attemptId: 'att_1_refund_1', amount: 500, status: 'succeeded' }],
  })
})
