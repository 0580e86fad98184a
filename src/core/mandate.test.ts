import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import * as build from '../../test/build.ts'
import { allCommands, laterMs } from '../../test/matrix.ts'
import { shapes } from '../../test/shapes.ts'
import { decide } from './decide.ts'
import {
  approvalThreshold,
  budgetChange,
  budgetKey,
  countersOf,
  heldAmount,
  leftUnder,
  otherBudgetKey,
  refusalBy,
  refusalByTerms,
  spentAmount,
} from './mandate.ts'
import type { BindingMandate, BudgetRow, Limits, Mandate } from './mandate.ts'
import type { Payment } from './payment.ts'

const limits = (over: Partial<Limits> = {}): Limits => ({
  perPayment: 5_000,
  perDay: 10_000,
  approvalAbove: null,
  ...over,
})
const mandate = (over: Partial<Limits> = {}, version = 1): Mandate => ({
  version,
  limits: { EUR: limits(over) },
})
const row = (left: number, over: Partial<BudgetRow> = {}): BudgetRow => ({
  left,
  spent: 0,
  limit: 10_000,
  mandateVersion: 1,
  closed: false,
  ...over,
})
const binding = (given: Mandate, value: BudgetRow | null = null): BindingMandate => ({
  scope: 'agent',
  mandate: given,
  budgetKey: 'agent:agt_1:EUR:2026-01-15',
  budget: value === null ? null : { value, version: 1 },
})

test('a claim is refused for the first limit that it breaks', () => {
  const code = (given: BindingMandate, amount: number, currency = 'EUR'): string =>
    refusalBy(given, amount, currency)?.code ?? 'allowed'
  const rows: readonly [string, string][] = [
    [code(binding(mandate()), 5_000), 'allowed'],
    [code(binding(mandate()), 5_001), 'mandate_per_payment'],
    [code(binding(mandate()), 100, 'USD'), 'mandate_currency'],
    [code(binding(mandate()), 100, 'constructor'), 'mandate_currency'],
    [code(binding(mandate(), row(4_000)), 4_000), 'allowed'],
    [code(binding(mandate(), row(4_000)), 4_001), 'mandate_per_day'],
    [code(binding(mandate(), row(-1)), 1), 'mandate_per_day'],
    [code(binding(mandate(), row(4_000, { closed: true })), 1), 'mandate_per_day'],
    [code(binding(mandate({ perPayment: null, perDay: null })), 1_000_000), 'allowed'],
    [code(binding(mandate({ perPayment: null, perDay: null }), row(0)), 1_000_000), 'allowed'],
    [code(binding(mandate({ perPayment: 0 })), 1), 'mandate_per_payment'],
  ]
  for (const [found, expected] of rows) assert.equal(found, expected)
})

test('what is left never reads below nothing, and the figures are told', () => {
  assert.deepEqual(refusalBy(binding(mandate(), row(-500)), 1, 'EUR'), {
    code: 'mandate_per_day',
    scope: 'agent',
    limit: 10_000,
    left: 0,
  })
})

test('a changed mandate binds new claims at once and touches no reservation', () => {
  const rows: readonly [number, BudgetRow | null, number][] = [
    [10_000, null, 10_000],
    [10_000, row(3_000), 3_000],
    [12_000, row(3_000), 5_000], // raised by 2,000
    [8_000, row(3_000), 1_000], // lowered by 2,000
    [1_000, row(3_000), -6_000], // below what is reserved
  ]
  for (const [perDay, counter, left] of rows) {
    assert.equal(leftUnder(mandate({}, perDay === 10_000 ? 1 : 2), perDay, counter), left)
  }
})

test('the strictest approval threshold counts', () => {
  const above = (approvalAbove: number | null): BindingMandate =>
    binding(mandate({ approvalAbove }))
  assert.equal(approvalThreshold([above(500), above(200), above(null)], 'EUR'), 200)
  assert.equal(approvalThreshold([above(null)], 'EUR'), null)
  assert.equal(approvalThreshold([above(0)], 'EUR'), 0)
  assert.equal(approvalThreshold([above(500)], 'USD'), null)
  assert.equal(approvalThreshold([], 'EUR'), null)
})

test('a counter belongs to a UTC day', () => {
  assert.equal(
    budgetKey('agent', 'agt_1', 'EUR', Date.UTC(2026, 0, 15, 23, 59, 59, 999)),
    'agent:agt_1:EUR:2026-01-15',
  )
  assert.equal(
    budgetKey('account', 'acc_1', 'EUR', Date.UTC(2026, 0, 16)),
    'account:acc_1:EUR:2026-01-16',
  )
})

test('a payment holds what it may still cost: all of it while open, what was captured, then nothing', () => {
  for (const { payment, state } of shapes()) {
    const paid = ['captured', 'settled', 'refunded'].includes(state)
    const open = ['initiated', 'validated', 'authorised'].includes(state)
    assert.equal(heldAmount(payment), paid || open ? 1000 : 0, state)
    assert.equal(spentAmount(payment), paid ? 1000 : 0, state)
  }
})

// A counter and a payment: the claim takes the amount, every change is added, as the engine does.
function live(
  start: Payment,
  choices: readonly number[],
): { payment: Payment; released: number; spent: number } {
  const commands = Object.values(allCommands)
  let payment = start
  let released = 0
  let spent = 0
  for (const choice of choices) {
    const command = commands[choice % commands.length]
    if (command === undefined) continue
    const { facts } = decide(payment, command, laterMs)
    if (facts === undefined || facts.length === 0) continue
    const after = build.after(payment, facts, laterMs)
    const change = budgetChange(payment, after)
    released += change?.left ?? 0
    spent += change?.spent ?? 0
    payment = after
  }
  return { payment, released, spent }
}

test('over any life, what was reserved is held, or released once', () => {
  const starts = shapes().map(({ payment }) => payment)
  const lives = fc.array(fc.nat(100), { maxLength: 12 })
  fc.assert(
    fc.property(fc.nat(starts.length - 1), lives, (index, choices) => {
      const start = starts[index] ?? assert.fail()
      const { payment, released, spent } = live(start, choices)
      assert.equal(heldAmount(start), heldAmount(payment) + released)
      assert.equal(spent, spentAmount(payment) - spentAmount(start))
      const isOpen = ['initiated', 'validated', 'authorised'].includes(payment.state)
      if (!isOpen) assert.equal(heldAmount(payment), spentAmount(payment))
    }),
    { numRuns: 5_000 },
  )
})

test('a capture of less gives the rest back, a correction takes it again above the limit', () => {
  const authorised = build.after(build.claimed(), [{ type: 'validated' }, build.authorised()])
  const partly = build.after(authorised, [build.captured(600)])
  assert.deepEqual(budgetChange(authorised, partly), { left: 400, spent: 600 })
  const lost = build.after(authorised, [{ type: 'voided', reason: 'x', by: build.by }])
  assert.deepEqual(budgetChange(authorised, lost), { left: 1000, spent: 0 })
  const corrected = build.after(lost, [
    { type: 'corrected', to: 'captured', object: build.object('captured'), by: build.by },
  ])
  assert.deepEqual(budgetChange(lost, corrected), { left: -1000, spent: 1000 })
  const undone = build.after(corrected, [
    { type: 'corrected', to: 'voided', object: build.object('voided'), by: build.by },
  ])
  assert.deepEqual(budgetChange(corrected, undone), { left: 1000, spent: -1000 })
  assert.equal(budgetChange(authorised, authorised), null)
})

test('a refund gives no budget back', () => {
  for (const { payment, operation, state } of shapes()) {
    if (state !== 'captured' || operation !== 'refund succeeded') continue
    assert.equal(heldAmount(payment), 1000)
  }
})

test('a claim is refused by every window that it does not fit into', () => {
  const given = mandate({ perDay: null, perMonth: 9_000, perPayeeAndDay: 3_000 })
  const counters = (payee: number | null, month: number | null): BindingMandate => ({
    ...binding(given),
    more: [
      { window: 'payee_and_day', key: 'p', budget: read(payee, 3_000) },
      { window: 'month', key: 'm', budget: read(month, 9_000) },
    ],
  })
  const read = (left: number | null, limit: number) =>
    left === null ? null : { value: row(left, { limit }), version: 1 }
  const code = (bound: BindingMandate, amount: number): string =>
    refusalBy(bound, amount, 'EUR')?.code ?? 'allowed'
  assert.equal(code(counters(null, null), 3_000), 'allowed')
  assert.equal(code(counters(null, null), 3_001), 'mandate_per_payee_and_day')
  assert.equal(code(counters(99, 9_000), 100), 'mandate_per_payee_and_day')
  assert.equal(code(counters(3_000, 99), 100), 'mandate_per_month')
  assert.equal(code(counters(100, 100), 100), 'allowed')
  assert.deepEqual(
    countersOf(counters(1, 2), 'EUR').map(({ key, limit }) => [key, limit]),
    [
      ['p', 3_000],
      ['m', 9_000],
    ],
  )
  assert.deepEqual(countersOf(counters(1, 2), 'USD'), [])
})

test('the windows of a claim are its UTC day and month, to the millisecond', () => {
  const lastMs = Date.UTC(2026, 0, 31, 23, 59, 59, 999)
  const key = (window: 'month' | 'payee_and_day', atMs: number, payee = 'acme') =>
    otherBudgetKey(window, 'account', 'shop', { currency: 'EUR', payee }, atMs)
  assert.equal(key('month', lastMs), 'account:shop:EUR:2026-01')
  assert.equal(key('month', lastMs + 1), 'account:shop:EUR:2026-02')
  assert.equal(key('payee_and_day', lastMs), 'account:shop:EUR:2026-01-31:payee:acme')
  assert.equal(key('payee_and_day', lastMs + 1), 'account:shop:EUR:2026-02-01:payee:acme')
  assert.equal(key('payee_and_day', lastMs, ' ACME '), key('payee_and_day', lastMs))
  assert.notEqual(key('payee_and_day', lastMs, 'a:b'), key('payee_and_day', lastMs, 'a'))
})

test('a mandate names payees letter by letter, payment methods, and its end', () => {
  const nowMs = Date.UTC(2026, 0, 31)
  const code = (over: Partial<Mandate>, payee = 'acme', paymentMethod: string | null = null) =>
    refusalByTerms(binding({ ...mandate(), ...over }), { payee, paymentMethod }, nowMs)?.code
  const payees = [{ exact: 'acme' }, { prefix: 'cloud-' }]
  assert.equal(code({}), undefined)
  assert.equal(code({ payees }), undefined)
  assert.equal(code({ payees }, 'cloud-west'), undefined)
  for (const payee of ['acme2', 'Acme', 'аcme', 'acme ', 'my-cloud-', 'cloud']) {
    assert.equal(code({ payees }, payee), 'mandate_payee', payee)
  }
  assert.equal(code({ payees: [] }), 'mandate_payee')
  const paymentMethods = ['pm_1']
  assert.equal(code({ paymentMethods }, 'acme', 'pm_1'), undefined)
  assert.equal(code({ paymentMethods }, 'acme', 'pm_2'), 'mandate_payment_method')
  assert.equal(code({ paymentMethods }), 'mandate_payment_method')
  assert.equal(code({ expiresAtMs: nowMs + 1 }), undefined)
  assert.equal(code({ expiresAtMs: nowMs }), 'mandate_expired')
})
