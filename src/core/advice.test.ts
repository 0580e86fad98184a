// What an agent is told, pinned situation by situation (design §4, "What the agent is told").
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { shapes } from '../../test/shapes.ts'
import { situations } from '../../test/situations.ts'
import { advise, adviseRejection } from './advice.ts'
import { rejectionTable } from './rejections.ts'
import type { RejectionCode } from './rejections.ts'

const told: Readonly<Record<string, string>> = {
  'claimed, nothing sent yet': 'no, wait',
  'held for an approval': 'no, ask_human',
  'held as a possible duplicate': 'no, ask_human',
  'an object is being made: no money can move': 'no, wait',
  'authorise sent': 'unknown, wait',
  'authorise proved not executed, to be tried again': 'no, wait',
  'authorise unfinished at the processor': 'unknown, wait',
  'authorise unfinished, a person must act': 'unknown, ask_human',
  'authorise unknown': 'unknown, wait',
  'authorise unknown, older than 15 minutes': 'unknown, ask_human',
  'authorise unknown, parked': 'unknown, ask_human',
  'authorise unknown, a void is asked for': 'unknown, wait',
  'retries exhausted with nothing executed, parked': 'no, ask_human',
  'authorised, captured automatically': 'no, wait',
  'authorised, the agent is to capture': 'no, none',
  'authorised, being voided': 'no, wait',
  'capture sent': 'unknown, wait',
  'capture unknown': 'unknown, wait',
  'capture unknown, older than 15 minutes': 'unknown, ask_human',
  captured: 'yes, none',
  settled: 'yes, none',
  'captured, a refund is under way': 'yes, none',
  refunded: 'yes, none',
  declined: 'no, none, new key',
  'declined, after three retries of the bill': 'no, ask_human',
  'declined, while another object of it holds money': 'unknown, ask_human',
  voided: 'no, none, new key',
  expired: 'no, none, new key',
  'rejected: too late': 'no, none, new key',
  'rejected: approval denied': 'no, none, new key',
  'rejected: approval expired': 'no, none, new key',
  'rejected: processor not available': 'no, fix_request, new key',
  'rejected: payment method not available': 'no, fix_request, new key',
}

test('each situation is told as the design’s table says', () => {
  assert.deepEqual(
    situations.map(({ name }) => name),
    Object.keys(told),
  )
  for (const { name, payment, afterMs } of situations) {
    const { moneyMoved, nextAction, newKeyAllowed } = advise(payment, build.t0 + afterMs)
    const words = [moneyMoved, nextAction.type, ...(newKeyAllowed ? ['new key'] : [])]
    assert.equal(words.join(', '), told[name], name)
    assert.equal(nextAction.url, '/v1/payments/pay_1')
    assert.equal(nextAction.afterSeconds, nextAction.type === 'wait' ? 1 : null, name)
  }
})

test('an unknown becomes a person’s business after fifteen minutes, not before', () => {
  const unknown =
    situations.find(({ name }) => name === 'capture unknown')?.payment ?? assert.fail()
  const minutes = 60 * build.seconds
  assert.equal(advise(unknown, build.t0 + 15 * minutes).nextAction.type, 'wait')
  assert.equal(advise(unknown, build.t0 + 15 * minutes + 1).nextAction.type, 'ask_human')
})

test('no refusal ever allows a new key by itself, and none of ours says that nothing happened', () => {
  for (const code of Object.keys(rejectionTable) as RejectionCode[]) {
    const { newKeyAllowed, moneyMoved, nextAction } = adviseRejection(
      { code, detail: '' },
      null,
      build.t0,
    )
    assert.equal(newKeyAllowed, false, code)
    const { status } = rejectionTable[code]
    if (status < 500 && status !== 429) continue
    assert.equal(moneyMoved, 'unknown', code)
    assert.equal(nextAction.type, 'retry_same_key', code)
    assert.ok((nextAction.afterSeconds ?? 0) >= 1, code)
  }
})

test('where a payment stands in the way, its own situation is told, and never a correction of the request', () => {
  for (const { payment } of shapes()) {
    const own = advise(payment, build.t0)
    for (const code of [
      'duplicate_reference',
      'idempotency_key_reused',
      'retry_of_invalid',
    ] as const) {
      const advice = adviseRejection({ code, detail: '' }, payment, build.t0)
      assert.equal(advice.moneyMoved, own.moneyMoved)
      assert.equal(advice.newKeyAllowed, own.newKeyAllowed)
      assert.notEqual(advice.nextAction.type, 'fix_request')
    }
    // Of another bill nothing is told, whatever became of the payment that used the key.
    const { moneyMoved, nextAction } = adviseRejection(
      { code: 'idempotency_key_of_another_bill', detail: '' },
      payment,
      build.t0,
    )
    assert.deepEqual(
      [moneyMoved, nextAction.type, nextAction.url],
      ['unknown', 'fix_request', null],
    )
    const alike = adviseRejection({ code: 'possible_duplicate', detail: '' }, payment, build.t0)
    assert.deepEqual(
      [alike.moneyMoved, alike.nextAction.type, alike.newKeyAllowed],
      [own.moneyMoved, 'use_existing', false],
    )
  }
  const unavailable =
    situations.find(({ name }) => name.includes('processor not'))?.payment ?? assert.fail()
  const { nextAction } = adviseRejection(
    { code: 'duplicate_reference', detail: '' },
    unavailable,
    build.t0,
  )
  assert.equal(nextAction.type, 'none')
})

test('the time to come back is whole seconds, rounded up', () => {
  const after = (retryAfterMs: number): number | null =>
    adviseRejection({ code: 'rate_limited', detail: '', retryAfterMs }, null, build.t0).nextAction
      .afterSeconds
  assert.deepEqual([after(0), after(1), after(1_000), after(1_001)], [1, 1, 1, 2])
})
