// What all sends of an operation say together: every combination of up to three sends, judged by a
// second, slower reading of the rule.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import type { Outcome } from './outcome.ts'
import {
  attemptId,
  isOpen,
  lastSend,
  operationAt,
  refusedByAnswers,
  sendsSpent,
  statusOf,
  targetOfAttempt,
} from './operation.ts'
import type { Operation, OperationStatus } from './payment.ts'

type Said = Outcome | null

const said: readonly Said[] = [null, 'succeeded', 'declined', 'not_executed', 'pending', 'unknown']

function operation(outcomes: readonly Said[], storesDeclines: boolean): Operation {
  const sends = outcomes.map((outcome, index) => ({ ...build.send(index + 1), outcome }))
  const request = { amount: 1000, objectId: null, oneStep: false, apiVersion: '1' }
  return {
    kind: 'authorise',
    attempt: { id: 'att_1', number: 1, request, sends },
    earlierSends: 0,
    inquiries: { count: 0, lastAtMs: 0, answered: false, absentAtMs: [] },
    forgivenSends: 0,
    storesDeclines,
  }
}

// Design §4 in plain words. One success settles it. What the processor calls unfinished is pending.
// While a send has no answer, or an unknown one, nobody knows; only a decline that is stored under
// the key speaks for those too. Without open sends a decline is a failure, and if every send was
// proved not executed, it is due again.
function inPlainWords(outcomes: readonly Said[], storesDeclines: boolean): OperationStatus {
  const count = (what: Said): number => outcomes.filter((outcome) => outcome === what).length
  if (count('succeeded') > 0) return 'succeeded'
  if (count('pending') > 0) return 'pending'
  const notKnown = count(null) + count('unknown')
  if (notKnown === 0) return count('declined') > 0 ? 'failed' : 'due'
  if (count('declined') > 0 && storesDeclines) return 'failed'
  return outcomes.length === 1 && count(null) === 1 ? 'sent' : 'unknown'
}

const combinations: readonly (readonly Said[])[] = [
  ...said.map((one) => [one]),
  ...said.flatMap((one) => said.map((two) => [one, two])),
  ...said.flatMap((one) => said.flatMap((two) => said.map((three) => [one, two, three]))),
]

test('all combinations of up to three sends say what the rule says', () => {
  assert.equal(combinations.length, 6 + 36 + 216)
  for (const outcomes of combinations) {
    for (const stores of [true, false]) {
      assert.equal(
        statusOf(operation(outcomes, stores)),
        inPlainWords(outcomes, stores),
        `${outcomes.join(', ')}, ${stores ? 'declines stored' : 'declines not stored'}`,
      )
    }
  }
})

test('the cases that catastrophes are made of', () => {
  const rows: readonly [readonly Said[], boolean, OperationStatus][] = [
    [[null], false, 'sent'],
    [['unknown'], false, 'unknown'],
    [['unknown', 'not_executed'], false, 'unknown'],
    [['unknown', 'declined'], false, 'unknown'],
    [['unknown', 'declined'], true, 'failed'],
    [[null, 'declined'], false, 'unknown'],
    [['not_executed', null], false, 'unknown'],
    [['not_executed', 'not_executed'], false, 'due'],
    [['not_executed', 'declined'], false, 'failed'],
    [['unknown', 'succeeded'], false, 'succeeded'],
    [['declined', 'succeeded'], true, 'succeeded'],
    [['unknown', 'pending', 'declined'], true, 'pending'],
  ]
  for (const [outcomes, stores, expected] of rows) {
    assert.equal(statusOf(operation(outcomes, stores)), expected, outcomes.join(', '))
  }
})

test('it is open while something of it may still take effect', () => {
  for (const outcomes of combinations) {
    const each = operation(outcomes, false)
    const expected = ['sent', 'pending', 'unknown'].includes(inPlainWords(outcomes, false))
    assert.equal(isOpen(each), expected, outcomes.join(', '))
  }
  assert.equal(isOpen(null), false)
})

test('the same key is for what its own answers refused, never for what another proof settled', () => {
  const answered = operation(['not_executed'], true)
  assert.equal(refusedByAnswers(answered), true)
  const proof = build.after(build.claimed(), [
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    build.observed({ kind: 'authorise' }, 'not_executed', 'all', 'absence'),
  ])
  const proved = operationAt(proof, { kind: 'authorise' })
  assert.equal(proved !== null && refusedByAnswers(proved), false)
  assert.equal(proved?.attempt.sends[0]?.cause, 'proof:absence')
})

test('sends count over all attempts, less those that a redrive forgave', () => {
  const each = { ...operation(['unknown', null], true), earlierSends: 3, forgivenSends: 4 }
  assert.equal(sendsSpent(each), 1)
  assert.equal(lastSend(each).number, 2)
  assert.throws(() => lastSend(operation([], true)))
})

test('an attempt’s id names the payment, the operation and the number, and leads back to its target', () => {
  assert.equal(attemptId('pay_01J', 'capture', 3), 'att_01J_capture_3')
  const payment = build.after(build.claimed(), [
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    build.voidRequested,
    build.opened({ kind: 'void' }, { number: 2 }),
  ])
  assert.deepEqual(targetOfAttempt(payment, 'att_1_authorise_1'), { kind: 'authorise' })
  assert.deepEqual(targetOfAttempt(payment, 'att_1_void_2'), { kind: 'void' })
  assert.equal(targetOfAttempt(payment, 'att_1_authorise_2'), null)
})
