import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { evolveFacts } from './evolve.ts'
import { attemptId } from './operation.ts'
import type { Fact, Payment } from './payment.ts'
import { defaultReconcilePolicy as policy, lateSettlement } from './reconcile.ts'
import { compareLines, matchLine, namedPayment, withoutRepeats } from './settlement.ts'
import type { SettlementLine } from './settlement.ts'

const id = 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6'

const line = (over: Partial<SettlementLine> = {}): SettlementLine => ({
  line: 1,
  kind: 'captured',
  paymentId: id,
  attemptId: null,
  objectId: build.objectId,
  movementId: null,
  reference: null,
  currency: 'EUR',
  amount: 1_000,
  fee: 30,
  batch: '12',
  settledAtMs: build.t0,
  ...over,
})

function payment(facts: readonly Fact[], over: Partial<Payment> = {}): Payment {
  const claimed = build.claimed({ ...build.terms, id })
  return { ...evolveFacts(claimed, facts, build.t0), ...over } as Payment // only its names differ
}

const held = [
  { type: 'validated' },
  build.opened({ kind: 'authorise' }),
  build.authorised(),
] as const
const capturing = [
  ...held,
  build.opened({ kind: 'capture' }, { number: 2, objectId: build.objectId }),
]
const captured = payment([...capturing, build.captured()])
const settled = payment([...capturing, build.captured(), build.settled])

const told = (of: Payment | null, lines: readonly SettlementLine[]) => {
  const { differences, evidence, hint, matched } = compareLines(of, lines, policy, build.t0)
  const proofs = evidence.map(({ proof }) => proof)
  return { types: differences.map(({ type }) => type), proofs, hint: hint !== null, matched }
}

test('a line of what was captured settles it, with its fee', () => {
  assert.deepEqual(told(captured, [line()]), {
    types: [],
    proofs: ['settles'],
    hint: false,
    matched: { count: 1, value: 1_000 },
  })
  const [{ record } = { record: null }] = compareLines(captured, [line()], policy, 0).evidence
  assert.deepEqual(record?.object.settlement, { id: '12', settledAtMs: build.t0, fee: 30 })
  assert.deepEqual(told(settled, [line()]).proofs, [])
  assert.deepEqual(told(settled, [line({ fee: 31 })]).types, ['fee_variance'])
  assert.deepEqual(told(settled, [line({ fee: null })]).types, [])
})

test('what contradicts our payment proves nothing of it', () => {
  const cases: readonly (readonly [Payment, Partial<SettlementLine>, string])[] = [
    [captured, { amount: 999 }, 'amount_mismatch'],
    [captured, { currency: 'USD' }, 'currency_mismatch'],
    [captured, { objectId: 'ch_other' }, 'duplicate_at_processor'],
    [payment(held), {}, 'status_mismatch'],
  ]
  for (const [of, over, type] of cases) {
    const { types, proofs } = told(of, [line(over)])
    assert.deepEqual([types, proofs], [[type], []], type)
  }
  const twice = [line(), line({ line: 2, objectId: 'ch_other' })]
  assert.deepEqual(told(captured, twice).types, ['duplicate_at_processor'])
  assert.deepEqual(told(null, [line()]).types, ['missing_internally'])
  assert.deepEqual(told(null, [line({ kind: 'refunded' })]).types, ['missing_internally'])
})

test('an unknown outcome is resolved by our attempt’s id or our object’s, and by the whole amount only', () => {
  const open = payment(held.slice(0, 2))
  const ours = { attemptId: attemptId(build.terms.id, 'authorise', 1), objectId: 'ch_new' }
  assert.deepEqual(told(open, [line(ours)]).proofs, ['resolves_unknown'])
  assert.deepEqual(told(open, [line({ ...ours, amount: 999 })]).proofs, [])
  assert.deepEqual(told(open, [line({ objectId: 'ch_new' })]), {
    types: [],
    proofs: [],
    hint: false,
    matched: { count: 0, value: 0 },
  })
})

test('money that went back unknown to us is named and looked up, never learnt from the line', () => {
  const back = line({ kind: 'reversed', amount: 400, line: 2 })
  assert.deepEqual(told(settled, [line(), back]), {
    types: ['reversed_externally'],
    proofs: [],
    hint: true,
    matched: { count: 1, value: 1_000 },
  })
  const known = payment([
    ...capturing,
    build.captured(),
    build.settled,
    { type: 'amount_reversed', total: 400, by: build.by },
  ])
  assert.deepEqual(told(known, [line(), back]).types, [])
  assert.deepEqual(told(known, [back]).types, [])
})

test('an attempt’s id names its payment, and the same line twice is one', () => {
  const att = 'att_01JD4Z0M8QW3R5T7V9X1B2C4D6_capture_2'
  assert.equal(namedPayment(line({ paymentId: null, attemptId: att })), id)
  assert.equal(namedPayment(line({ paymentId: null, attemptId: 'att_x' })), null)
  const lines = [line(), line({ line: 7 }), line({ line: 8, amount: 1 })]
  assert.deepEqual(
    withoutRepeats(lines).map((each) => each.line),
    [1, 8],
  )
})

test('by reference and amount nothing is ever matched, only told', () => {
  const nameless = line({ paymentId: null, reference: 'INV-1' })
  const open = payment(held.slice(0, 1))
  const match = (
    candidates: readonly Payment[],
    over: Partial<SettlementLine> = {},
    all = false,
  ) => {
    const found = matchLine({ ...nameless, ...over }, candidates, all)
    return found.match === 'break' ? found.difference.type : found.match
  }
  assert.equal(match([captured]), 'payment')
  assert.equal(match([open]), 'ambiguous_match')
  assert.equal(match([open, open], { objectId: null }), 'ambiguous_match')
  assert.equal(match([captured], { objectId: null }), 'ambiguous_match')
  assert.equal(match([captured], { objectId: 'ch_other' }), 'missing_internally')
  assert.equal(match([captured, captured]), 'duplicate_internal')
  assert.equal(match([]), 'foreign')
  assert.equal(match([], {}, true), 'missing_internally')
  assert.equal(match([], { kind: 'refunded' }, true), 'foreign')
})

test('captured long ago and in no settlement is late, and not a moment before', () => {
  const dueAtMs = build.t0 + policy.settleWithinMs
  assert.equal(lateSettlement(captured, policy, dueAtMs - 1), null)
  assert.equal(lateSettlement(captured, policy, dueAtMs)?.type, 'settlement_missing')
  assert.equal(lateSettlement(settled, policy, dueAtMs), null)
})
