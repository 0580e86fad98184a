// What commands do, as lives told row by row. The whole table of commands is `test/matrix.test.ts`.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { object } from '../../test/build.ts'
import { answer, life, record } from '../../test/story.ts'
import type { Row } from '../../test/story.ts'
import { decide, maxRefunds, refundableAmount } from './decide.ts'
import type { Command } from './decide.ts'
import type { Payment } from './payment.ts'

const by = 'agt_1'
const voidIt: Command = { type: 'void', by, reason: 'not needed' }
const captureIt = (amount: number | null = null): Command => ({ type: 'capture', by, amount })
const refundIt = (reference: string, amount: number | null, refundId = 'ref_1'): Command => ({
  type: 'refund',
  refundId,
  reference,
  amount,
  reason: 'returned',
  by,
})
const redrive = (notAfterMs: number | null = null): Command => ({
  type: 'redrive',
  by: 'ops',
  reason: 'looked at it',
  notAfterMs,
})
const resolve = (resolution: Extract<Command, { type: 'resolve' }>['resolution']): Command => ({
  type: 'resolve',
  by: 'ops',
  reason: 'told on the phone',
  resolution,
})

const authorised = object('authorised')
const captured = object('captured')
const settled = object('captured', { settlement: { id: 'po_1', settledAtMs: build.t0, fee: 30 } })
const voided = object('voided')

const paid: readonly Row[] = [
  [0, 'drive', 'send authorise', 'validated'],
  [1, answer('authorise', 1, 'done', authorised), 'authorised', 'authorised'],
  [1, 'drive', 'send capture', 'authorised'],
  [2, answer('capture', 2, 'done', captured), 'captured', 'captured'],
]

test('a payment in two steps is authorised, captured, and settled when the processor shows it', () => {
  const payment = life([
    ...paid,
    [2, 'drive', 'look up by object', 'captured'],
    [86_400, record(settled), 'settled', 'settled'],
    [86_401, 'drive', 'done', 'settled'],
  ])
  assert.equal(payment.seq, 7)
  assert.equal(payment.state === 'settled' && payment.settlement.id, 'po_1')
})

test('a payment in one step passes through authorised in the same commit', () => {
  life(
    [
      [0, 'drive', 'send authorise', 'validated'],
      [1, answer('authorise', 1, 'done', settled), 'authorised, captured', 'captured'],
    ],
    { given: build.given({ twoStep: false }) },
  )
})

test('where the object comes first, its id is committed before anything acts on it', () => {
  const payment = life(
    [
      [0, 'drive', 'send create', 'validated'],
      [1, answer('create', 1, 'done', object('created')), 'object_created', 'validated'],
      [1, 'drive', 'send authorise', 'validated'],
    ],
    { given: build.given({ objectFirst: true }) },
  )
  assert.equal(
    payment.state === 'validated' && payment.operation?.attempt.request.objectId,
    'obj_1',
  )
})

test('a decline ends the payment; an object that it leaves behind is cancelled', () => {
  const end: Row = [2, answer('authorise', 1, 'declined'), 'observed, declined', 'declined']
  life([[0, 'drive', 'send authorise', 'validated'], end, [2, 'drive', 'done', 'declined']])
  const left = life(
    [
      [0, 'drive', 'send create', 'validated'],
      [1, answer('create', 1, 'done', object('created')), 'object_created', 'validated'],
      [1, 'drive', 'send authorise', 'validated'],
      [2, answer('authorise', 2, 'declined', object('declined')), 'declined', 'declined'],
      [2, 'drive', 'send void', 'declined'],
      [3, answer('void', 3, 'done', voided), 'object_cancelled', 'declined'],
      [3, 'drive', 'done', 'declined'],
    ],
    { given: build.given({ objectFirst: true }) },
  )
  assert.equal(left.state === 'declined' && left.decline.code, 'do_not_honour')
})

test('a capture that is declined for good gives the authorisation back', () => {
  const payment = life([
    ...paid.slice(0, 3),
    [2, answer('capture', 2, 'declined'), 'observed, capture_declined', 'authorised'],
    [2, 'drive', 'send void', 'authorised'],
    [3, answer('void', 3, 'done', voided), 'voided', 'voided'],
  ])
  assert.equal(payment.state === 'voided' && payment.reason, 'capture_declined')
})

// ── Voids ────────────────────────────────────────────────────────────────────────────────────────

test('a void before anything is out ends the payment at once', () => {
  life([
    [0, voidIt, 'void_requested, voided', 'voided'],
    [1, voidIt, 'nothing', 'voided'],
    [1, 'drive', 'done', 'voided'],
  ])
})

test('a void while a send is out is kept; nothing more is begun; the outcome decides how it ends', () => {
  const asked: readonly Row[] = [
    [0, 'drive', 'send authorise', 'validated'],
    [1, voidIt, 'void_requested', 'validated'],
    [1, voidIt, 'nothing', 'validated'],
    [1, 'drive', 'wait for sender', 'validated'],
  ]
  life([...asked, [2, answer('authorise', 1, 'declined'), 'observed, declined', 'declined']])
  life([
    ...asked,
    [2, answer('authorise', 1, 'not_sent'), 'observed', 'validated'],
    [2, 'drive', 'finish_void: voided', 'voided'],
  ])
  life([
    ...asked,
    [2, answer('authorise', 1, 'done', authorised), 'authorised', 'authorised'],
    [2, 'drive', 'send void', 'authorised'],
    [3, answer('void', 2, 'done', voided), 'voided', 'voided'],
  ])
  life([
    ...asked,
    [
      2,
      answer('authorise', 1, 'done', captured),
      'authorised, void_too_late, captured',
      'captured',
    ],
    [3, voidIt, 'already_captured', 'captured'],
  ])
})

test('a void meets a capture that is under way: whichever the processor did first counts', () => {
  const asked: readonly Row[] = [
    ...paid.slice(0, 3),
    [2, voidIt, 'void_requested', 'authorised'],
    [20, 'drive', 'send void', 'authorised'],
  ]
  life([
    ...asked,
    [21, answer('void', 3, 'done', voided), 'observed, voided', 'voided'],
    [30, answer('capture', 2, 'already_in_state', voided), 'nothing', 'voided'],
  ])
  life([
    ...asked,
    [21, answer('void', 3, 'already_in_state', captured), 'void_too_late, captured', 'captured'],
    [30, answer('capture', 2, 'done', captured), 'nothing', 'captured'],
  ])
})

test('a processor without a fence is not asked to void while a capture may still arrive', () => {
  life(
    [
      ...paid.slice(0, 3),
      [2, voidIt, 'void_requested', 'authorised'],
      [20, 'drive', 'look up by object', 'authorised'],
    ],
    { given: build.given({ fence: false }) },
  )
})

// ── Manual capture ───────────────────────────────────────────────────────────────────────────────

test('the agent captures once, at most what is authorised, and before it lapses', () => {
  const ready: readonly Row[] = [
    [0, captureIt(), 'not_capturable', 'initiated'],
    [0, 'drive', 'send authorise', 'validated'],
    [1, answer('authorise', 1, 'done', authorised), 'authorised', 'authorised'],
    [1, 'drive', 'idle', 'authorised'],
    [2, captureIt(1001), 'capture_too_large', 'authorised'],
  ]
  const over = { capture: 'manual' } as const
  const payment = life(
    [
      ...ready,
      [3, captureIt(600), 'capture_requested', 'authorised'],
      [3, captureIt(600), 'not_capturable', 'authorised'],
      [3, 'drive', 'send capture', 'authorised'],
    ],
    { over },
  )
  assert.equal(payment.state === 'authorised' && payment.operation?.attempt.request.amount, 600)
  life(
    [
      ...ready,
      [3, voidIt, 'void_requested', 'authorised'],
      [3, captureIt(), 'not_capturable', 'authorised'],
    ],
    { over },
  )
  life([...paid.slice(0, 2), [2, captureIt(), 'not_capturable', 'authorised']])
  const lapsing = object('authorised', { authorisationExpiresAtMs: build.t0 + 10_000 })
  life(
    [
      [0, 'drive', 'send authorise', 'validated'],
      [1, answer('authorise', 1, 'done', lapsing), 'authorised', 'authorised'],
      [10, captureIt(), 'not_capturable', 'authorised'],
      [10, 'drive', 'void: void_requested', 'authorised'],
    ],
    { over },
  )
})

// ── Refunds ──────────────────────────────────────────────────────────────────────────────────────

test('refunds take no more than what is left, and each reference refunds once', () => {
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

// ── People ───────────────────────────────────────────────────────────────────────────────────────

test('an approval is for exactly what was shown, once, and in time', () => {
  const approval = { hash: 'h1', expiresAtMs: build.t0 + 100_000, approvedBy: null }
  const held: Row = [0, [build.held('approval_required')], 'held', 'initiated']
  const approve = (hash: string): Command => ({ type: 'approve', by: 'ops', hash })
  const over = { approval }
  life(
    [
      held,
      [1, 'drive', 'idle', 'initiated'],
      [1, approve('h2'), 'approval_mismatch', 'initiated'],
      [2, approve('h1'), 'approved', 'initiated'],
      [2, approve('h1'), 'not_held_for_approval', 'initiated'],
      [3, 'drive', 'send authorise', 'validated'],
    ],
    { over },
  )
  life(
    [
      held,
      [100, approve('h1'), 'not_held_for_approval', 'initiated'],
      [100, 'drive', 'reject: rejected', 'rejected'],
    ],
    { over },
  )
  life(
    [
      held,
      [5, { type: 'deny', by: 'ops' }, 'rejected', 'rejected'],
      [6, 'drive', 'done', 'rejected'],
    ],
    { over },
  )
  // A hold that was lifted by mistake is set again: the approval itself is the fact.
  life([[1, 'drive', 'hold: held', 'initiated']], { over })
})

const parked: readonly Row[] = [
  [0, 'drive', 'send authorise', 'validated'],
  [1, answer('authorise', 1, 'connection_lost'), 'observed', 'validated'],
  [2, { type: 'park', reason: 'outcome_unknown' }, 'parked', 'validated'],
  [2, { type: 'park', reason: 'outcome_unknown' }, 'nothing', 'validated'],
  [3, 'drive', 'idle', 'validated'],
]

test('what is parked is left alone until a person redrives it', () => {
  life([
    ...parked,
    [9_000, 'drive', 'idle', 'validated'],
    [9_001, redrive(), 'redriven', 'validated'],
    [9_001, 'drive', 're-send authorise', 'validated'],
  ])
  life([...paid, [3, redrive(), 'not_parked', 'captured']])
})

test('a redrive may give more time and never takes any', () => {
  const day = 86_400
  const longer = life([
    ...parked,
    [day, redrive(build.t0 + 2 * day * 1000), 'redriven', 'validated'],
  ])
  assert.equal(longer.notAfterMs, build.t0 + 2 * day * 1000)
  const shorter = life([...parked, [9, redrive(build.t0), 'redriven', 'validated']])
  assert.equal(shorter.notAfterMs, build.t0 + day * 1000)
})

test('a person’s word ends an unknown, with what it rests on', () => {
  const payment = life([
    ...parked,
    [10, resolve({ finding: 'not_paid' }), 'resolved, observed, voided', 'voided'],
  ])
  assert.equal(payment.state === 'voided' && payment.reason, 'resolved_not_paid')
  const found = life([
    ...parked,
    [
      10,
      resolve({ finding: 'paid', object: captured }),
      'resolved, authorised, captured',
      'captured',
    ],
  ])
  assert.deepEqual(found.holds, [])
  const doubtful: readonly Row[] = [
    ...parked,
    [10, resolve({ finding: 'paid', object: authorised }), 'resolve_contradicts', 'validated'],
    [
      10,
      resolve({ finding: 'paid', object: object('captured', { amount: 999 }) }),
      'resolve_contradicts',
      'validated',
    ],
  ]
  life(doubtful)
})

test('a resolution that proves wrong is corrected by evidence', () => {
  life([
    ...parked,
    [10, resolve({ finding: 'not_paid' }), 'resolved, observed, voided', 'voided'],
    [99, record(captured), 'corrected', 'captured'],
  ])
})

test('the same payment, command and time always give the same answer', () => {
  const payment = build.after(build.claimed(), [
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
  ])
  const frozen = JSON.stringify(payment)
  assert.deepEqual(decide(payment, voidIt, build.t0), decide(payment, voidIt, build.t0))
  assert.equal(JSON.stringify(payment), frozen)
})
