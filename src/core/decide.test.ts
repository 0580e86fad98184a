// What commands do, as lives told row by row. The whole table of commands is `test/matrix.test.ts`.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { object } from '../../test/build.ts'
import { answer, life, record } from '../../test/story.ts'
import type { Row } from '../../test/story.ts'
import { decide } from './decide.ts'
import type { Command } from './decide.ts'

const by = 'agt_1'
const voidIt: Command = { type: 'void', by, reason: 'not needed' }
const captureIt = (amount: number | null = null): Command => ({ type: 'capture', by, amount })
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

test('a payment in one step passes through authorised in the same commit, up to what is shown', () => {
  life(
    [
      [0, 'drive', 'send authorise', 'validated'],
      [1, answer('authorise', 1, 'done', settled), 'authorised, captured, settled', 'settled'],
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

test('the same payment, command and time always give the same answer', () => {
  const payment = build.after(build.claimed(), [
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
  ])
  const frozen = JSON.stringify(payment)
  assert.deepEqual(decide(payment, voidIt, build.t0), decide(payment, voidIt, build.t0))
  assert.equal(JSON.stringify(payment), frozen)
})
