import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { allCommands, cells } from '../../test/matrix.ts'
import { evolveFacts, stamp } from './evolve.ts'
import { entriesOf, movesMoney, positionOf } from './ledger.ts'
import type { Fact, PaymentEvent } from './payment.ts'

const { by } = build
const claim: Fact = {
  type: 'claimed',
  terms: build.terms,
  notAfterMs: build.t0 + 1,
  approval: null,
  distinctFrom: [],
  reason: null,
}
const paid: readonly Fact[] = [
  claim,
  { type: 'validated' },
  build.opened({ kind: 'authorise' }),
  build.authorised(),
  build.opened({ kind: 'capture' }, { number: 2, objectId: build.objectId }),
  build.captured(600),
]
const history = (facts: readonly Fact[]): readonly PaymentEvent[] =>
  stamp('pay_1', 0, facts, build.t0)

const [clearing, cash, fees] = ['clearing', 'cash', 'fees'].map(
  (name) => `${name}:simulated/acct_1`,
)

const lines = (facts: readonly Fact[], afterSeq = 0) =>
  entriesOf(history(facts), afterSeq).map(({ kind, postings: [debit, credit], seq }) =>
    [seq, kind, debit.account, credit.account, debit.amount].join(' '),
  )

test('captured money is owed by the processor until it is paid out, less the fee', () => {
  const facts = [...paid, build.settled]
  assert.deepEqual(lines(facts), [
    `6 capture ${clearing} account:acc_1 600`,
    `7 settlement ${cash} ${clearing} 600`,
    `7 fee ${fees} ${cash} 30`,
  ])
  assert.deepEqual(lines(facts, 6), lines(facts).slice(1))
})

test('a refund counts once it has succeeded, and only by what is refunded', () => {
  const asked = [...paid, build.refundRequested('ref_1', 400)]
  assert.equal(lines(asked).length, 1)
  const done: Fact = { type: 'refund_succeeded', refundId: 'ref_1', objectId: 're_1', by }
  assert.deepEqual(lines([...asked, done], 6), [`8 refund account:acc_1 ${clearing} 400`])
})

test('of a reversal the total is told, and what is new of it is booked', () => {
  const facts = [150, 150, 400].map((total): Fact => ({ type: 'amount_reversed', total, by }))
  assert.deepEqual(lines([...paid, ...facts], 6), [
    `7 reversal account:acc_1 ${clearing} 150`,
    `9 reversal account:acc_1 ${clearing} 250`,
  ])
})

test('evidence against an end takes the books along, there and back', () => {
  const voided: Fact = { type: 'corrected', to: 'voided', object: build.object('voided'), by }
  assert.deepEqual(lines([...paid, voided], 6), [`7 capture ${clearing} account:acc_1 -600`])
})

test('each journal of each payment is in balance', () => {
  for (const { postings } of entriesOf(history([...paid, build.settled]), 0)) {
    assert.equal(
      postings.reduce((sum, { amount }) => sum + amount, 0),
      0,
    )
  }
})

test('no other event moves money, whatever is asked of whatever payment', () => {
  let moved = 0
  for (const { shape, decision } of cells(allCommands)) {
    let { payment } = shape
    for (const fact of decision.facts ?? []) {
      const before = positionOf(payment)
      payment = evolveFacts(payment, [fact], build.t0 + 60_000)
      if (JSON.stringify(positionOf(payment)) === JSON.stringify(before)) continue
      moved += 1
      assert(movesMoney(fact), `${fact.type} moved money`)
    }
  }
  assert(moved > 50, `only ${moved} of all these facts moved money`)
})
