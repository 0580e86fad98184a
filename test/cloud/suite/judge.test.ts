import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Payment } from '../../../src/client/index.ts'
import type { Charge } from '../../../src/cli/demo/processor-side.ts'
import { judge } from './judge.ts'
import type { Bill } from './setting.ts'

const bill: Bill = { amount: 5, currency: 'EUR', payee: 'acme', reference: 'INV-1' }

const payment = (id: string, over: Partial<Payment> = {}): Payment =>
  // Only what the judge looks at.
  ({
    id,
    state: 'captured',
    amount_captured: 5,
    hold: null,
    capture: 'automatic',
    ...over,
  }) as Payment

const charge = (reference: string, captures = 1): Charge => ({
  id: `ch_${reference}_${captures}`,
  status: 'captured',
  amount: 5,
  currency: 'EUR',
  amount_captured: captures === 0 ? 0 : 5,
  payee: 'acme',
  reference,
  captures,
})

const verdict = (
  ids: readonly string[],
  payments: readonly Payment[],
  charges: readonly Charge[],
) => {
  const { doubleCharges, lost } = judge(
    new Map(ids.map((id) => [id, bill])),
    new Map(payments.map((each) => [each.id, each])),
    charges,
  )
  return { doubleCharges, lost }
}

test('paid once and shown so: nothing to say', () => {
  assert.deepEqual(verdict(['a'], [payment('a')], [charge('a')]), { doubleCharges: 0, lost: 0 })
})

test('a charge that was captured twice, and two payments for one bill, are double charges', () => {
  assert.equal(verdict(['a'], [payment('a')], [charge('a', 2)]).doubleCharges, 1)
  const both = [payment('a'), payment('b')]
  assert.equal(verdict(['a', 'b'], both, [charge('a'), charge('b')]).doubleCharges, 1)
})

test('lost: not there, stuck without a word, money that nothing shows, money that nobody took', () => {
  const none = { state: 'voided', amount_captured: 0 } as const
  assert.equal(verdict(['a'], [], []).lost, 1)
  assert.equal(
    verdict(['a'], [payment('a', { state: 'validated', amount_captured: 0 })], []).lost,
    1,
  )
  assert.equal(verdict(['a'], [payment('a', none)], [charge('a')]).lost, 1)
  assert.equal(verdict(['a'], [payment('a')], [charge('a', 0)]).lost, 1)
})

test('in front of a person it is not lost', () => {
  const hold = { reason: 'dead_letter', since: null } as const
  const waiting = payment('a', { state: 'validated', amount_captured: 0, hold })
  assert.equal(verdict(['a'], [waiting], []).lost, 0)
})
