// The demo's check must be able to fail: each mistake is planted alone, and each must be found.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Payment } from '../../client/index.ts'
import { check } from './check.ts'
import type { Found } from './check.ts'
import type { DemoBill } from './bills.ts'
import type { Charge } from './processor-side.ts'

const bill = (id: string, isPayable = true): DemoBill => ({
  id,
  account: 'a',
  payee: `payee of ${id}`,
  reference: `INV-${id}`,
  amount: 1000,
  currency: 'EUR',
  description: '',
  script: isPayable ? 'patient' : 'declined',
  isPayable,
})

function payment(of: DemoBill, state: Payment['state'], more: Partial<Payment> = {}): Payment {
  const captured = state === 'captured' || state === 'settled' ? of.amount : 0
  const { payee, reference, amount, currency } = of
  const shown = {
    payee,
    reference,
    amount,
    currency,
    amount_captured: captured,
    metadata: { bill: of.id },
  }
  // The check reads these fields and no others.
  return { id: `pay_${of.id}`, state, hold: null, operation: null, ...shown, ...more } as Payment
}

function charge(of: DemoBill, status: string, more: Partial<Charge> = {}): Charge {
  const captures = status === 'captured' ? 1 : 0
  const { payee, amount, currency } = of
  const booked = { amount, currency, amount_captured: captures * amount, captures }
  return { id: `ch_${of.id}`, status, payee, reference: `pay_${of.id}`, ...booked, ...more }
}

const [paid, unpaid] = [bill('1'), bill('2', false)]

const right: Found = {
  bills: [paid, unpaid],
  acknowledged: new Map([
    ['1', new Set(['pay_1'])],
    ['2', new Set(['pay_2'])],
  ]),
  surprises: [],
  payments: [payment(paid, 'settled'), payment(unpaid, 'declined')],
  charges: [charge(paid, 'captured'), charge(unpaid, 'declined')],
}

const kindsOf = (found: Found): readonly string[] => check(found).breaks.map(({ kind }) => kind)

test('books that agree have no break', () => {
  const { breaks, ...counts } = check(right)
  assert.deepEqual(breaks, [])
  assert.deepEqual(counts, {
    paid: 1,
    declined: 1,
    open: 0,
    captures: 1,
    doubleCharges: 0,
    lost: 0,
  })
})

test('a second charge for a bill beside Quittance is a double charge and money that nothing shows', () => {
  const beside = charge(paid, 'captured', { id: 'ch_x', reference: paid.reference })
  const found = { ...right, charges: [...right.charges, beside] }
  assert.deepEqual(kindsOf(found), ['double_charge', 'lost', 'sum'])
  assert.equal(check(found).doubleCharges, 1)
})

test('two payments for one bill are a double charge though each was charged once', () => {
  const again = payment(paid, 'captured', { id: 'pay_1b', reference: 'invoice no. 1' })
  const charges = [...right.charges, charge(paid, 'captured', { id: 'ch_1b', reference: 'pay_1b' })]
  assert.deepEqual(kindsOf({ ...right, payments: [...right.payments, again], charges }), [
    'double_charge',
  ])
})

test('one charge that was captured twice is a double charge', () => {
  const [first, ...rest] = right.charges
  assert.ok(first)
  assert.deepEqual(kindsOf({ ...right, charges: [{ ...first, captures: 2 }, ...rest] }), [
    'double_charge',
  ])
})

test('a bill that nobody asked for is open and not paid', () => {
  const found = {
    ...right,
    acknowledged: new Map(),
    payments: right.payments.slice(1),
    charges: right.charges.slice(1),
  }
  assert.deepEqual(kindsOf(found), ['not_paid'])
  assert.equal(check(found).open, 1)
})

test('an acknowledged payment that is not there, or at no end and without a reason, is lost', () => {
  assert.deepEqual(kindsOf({ ...right, payments: right.payments.slice(0, 1) }), ['lost'])
  const stuck = payment(unpaid, 'validated')
  assert.deepEqual(kindsOf({ ...right, payments: [right.payments[0] ?? stuck, stuck] }), ['lost'])
  const held = payment(unpaid, 'validated', { hold: { reason: 'dead_letter', since: '' } })
  assert.deepEqual(kindsOf({ ...right, payments: [right.payments[0] ?? held, held] }), ['open'])
})

test('money against the script, a wrong amount and an authorisation that is left are breaks', () => {
  const paidAll = [right.payments[0] ?? payment(paid, 'settled'), payment(unpaid, 'captured')]
  const both = [charge(paid, 'captured'), charge(unpaid, 'captured')]
  assert.deepEqual(kindsOf({ ...right, payments: paidAll, charges: both }), ['paid_against_script'])
  const less = [charge(paid, 'captured', { amount_captured: 999 }), charge(unpaid, 'declined')]
  assert.deepEqual(kindsOf({ ...right, charges: less }), ['differs', 'sum'])
  const words = check({ ...right, charges: less })
    .breaks.map(({ what }) => what)
    .join('; ')
  assert.match(
    words,
    /shows 10\.00 EUR captured, the processor 9\.99 EUR; 10\.00 EUR here, 9\.99 EUR/,
  )
  const left = [charge(paid, 'captured'), charge(unpaid, 'authorised')]
  assert.deepEqual(kindsOf({ ...right, charges: left }), ['differs'])
})

test('a payment that shows money which the processor never took is a break', () => {
  const found = { ...right, charges: right.charges.slice(1) }
  assert.deepEqual(kindsOf(found), ['not_paid', 'differs', 'sum'])
})

test('an answer that no script expected is a break', () => {
  assert.deepEqual(kindsOf({ ...right, surprises: [{ bill: '1', what: 'x' }] }), [
    'unexpected_answer',
  ])
})
