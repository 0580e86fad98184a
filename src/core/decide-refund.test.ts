// Refunds, as lives told row by row.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { object } from '../../test/build.ts'
import { answer, life, record } from '../../test/story.ts'
import type { Row } from '../../test/story.ts'
import { decide, maxRefunds, refundableAmount } from './decide.ts'
import type { Command } from './decide.ts'
import type { Payment } from './payment.ts'

const captured = object('captured')

const refundIt = (reference: string, amount: number | null, refundId = 'ref_1'): Command => ({
  type: 'refund',
  refundId,
  reference,
  amount,
  reason: 'returned',
  by: 'agt_1',
})

const paid: readonly Row[] = [
  [0, 'drive', 'send authorise', 'validated'],
  [1, answer('authorise', 1, 'done', object('authorised')), 'authorised', 'authorised'],
  [1, 'drive', 'send capture', 'authorised'],
  [2, answer('capture', 2, 'done', captured), 'captured', 'captured'],
]

const entry = (
  attempt: string,
  amount: number,
  status: 'succeeded' | 'failed',
): (typeof captured.refunds)[number] => ({
  objectId: `re_${attempt}`,
  attemptId: attempt,
  amount,
  status,
})

test('refunds take no more than what is left, and each reference refunds once', () => {
  const one = entry('att_1_refund_3', 400, 'succeeded')
  const payment = life([
    ...paid,
    [3, refundIt('CN-1', 400), 'refund_requested', 'captured'],
    [3, refundIt('CN-1', 400), 'nothing', 'captured'],
    [3, refundIt('CN-1', 500), 'refund_reference_reused', 'captured'],
    [3, refundIt('CN-2', 601, 'ref_2'), 'refund_too_large', 'captured'],
    [3, 'drive', 'send refund', 'captured'],
    [
      4,
      answer('refund', 3, 'done', { ...captured, refunds: [one] }),
      'refund_succeeded',
      'captured',
    ],
    [5, refundIt('CN-2', null, 'ref_2'), 'refund_requested', 'captured'],
    [5, refundIt('CN-3', 1, 'ref_3'), 'not_refundable', 'captured'],
    [5, 'drive', 'send refund', 'captured'],
    [6, answer('refund', 4, 'declined'), 'observed, refund_failed', 'captured'],
    [7, refundIt('CN-3', null, 'ref_3'), 'refund_requested', 'captured'],
    [7, 'drive', 'send refund', 'captured'],
    [
      8,
      record({ ...captured, refunds: [one, entry('att_1_refund_5', 600, 'succeeded')] }),
      'refund_succeeded',
      'refunded',
    ],
    [9, refundIt('CN-4', 1, 'ref_4'), 'not_refundable', 'refunded'],
  ])
  assert.deepEqual(
    'refunds' in payment && payment.refunds.map(({ amount, status }) => [amount, status]),
    [
      [400, 'succeeded'],
      [600, 'failed'],
      [600, 'succeeded'],
    ],
  )
})

test('money that came back otherwise is not refunded once more', () => {
  const disputed = object('captured', { amountReversed: 700 })
  const payment = life([
    ...paid,
    [3, record(disputed), 'amount_reversed', 'captured'],
    [3, record(disputed), 'nothing', 'captured'],
    [4, refundIt('CN-1', 301), 'refund_too_large', 'captured'],
    [4, refundIt('CN-1', 300), 'refund_requested', 'captured'],
  ])
  assert.equal('refunds' in payment && refundableAmount(payment), 0)
})

test('a payment is refunded only when no refund is open any more', () => {
  const late = { ...captured, refunds: [entry('att_1_refund_3', 1000, 'succeeded')] }
  life([
    ...paid,
    [3, refundIt('CN-1', 1000), 'refund_requested', 'captured'],
    [3, 'drive', 'send refund', 'captured'],
    [4, answer('refund', 3, 'declined'), 'observed, refund_failed', 'captured'],
    [5, refundIt('CN-2', 1000, 'ref_2'), 'refund_requested', 'captured'],
    [5, 'drive', 'send refund', 'captured'],
    [6, record(late), 'refund_succeeded', 'captured'],
    [7, answer('refund', 4, 'declined'), 'observed, refund_failed', 'captured'],
  ])
})

test('a payment has at most twenty refunds', () => {
  let payment: Payment = build.after(build.claimed(), [
    { type: 'validated' },
    build.authorised(),
    build.captured(),
  ])
  for (let count = 0; count < maxRefunds; count += 1) {
    payment = build.after(payment, [build.refundRequested(`ref_${count}`, 1)])
  }
  assert.equal(maxRefunds, 20)
  assert.equal(
    decide(payment, refundIt('CN-x', 1, 'ref_x'), build.t0).rejection?.code,
    'too_many_refunds',
  )
})
