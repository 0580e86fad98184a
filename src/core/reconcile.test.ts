// Breaks are put into records that agree, one of each kind, and found again; records that agree have none.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { breakTable, compare, defaultReconcilePolicy as policy, sharedObject } from './reconcile.ts'
import type { BreakType, ProcessorRecord } from './reconcile.ts'
import type { ObjectView } from './outcome.ts'
import type { Fact, Payment } from './payment.ts'

const { t0, hours, by } = build
const laterMs = t0 + 2 * hours

const authorisedFacts: readonly Fact[] = [
  { type: 'validated' },
  build.opened({ kind: 'authorise' }),
  build.authorised(),
]
const opened = build.opened({ kind: 'capture' }, { number: 2, objectId: build.objectId })
const capturedFacts = [...authorisedFacts, opened, build.captured()]
const payment = (facts: readonly Fact[]): Payment => build.after(build.claimed(), facts)

const record = (
  status: ObjectView['status'],
  over: Partial<ObjectView> = {},
  about: Partial<ProcessorRecord> = {},
): ProcessorRecord => ({
  object: build.object(status, over),
  paymentId: 'pay_1',
  isForeign: false,
  createdAtMs: t0,
  ...about,
})

const types = (
  given: Payment | null,
  records: readonly ProcessorRecord[],
  nowMs = laterMs,
): readonly BreakType[] =>
  compare(given, records, policy, nowMs).differences.map(({ type }) => type)

const settlement = { id: 'po_1', settledAtMs: t0, fee: 30 }
const refundAsked = build.refundRequested('ref_1', 400)
const refunded: Fact = { type: 'refund_succeeded', refundId: 'ref_1', objectId: 're_1', by }
const theirRefund = { objectId: 're_1', attemptId: null, amount: 400, status: 'succeeded' } as const

test('what agrees has no break, and counts by its captured money', () => {
  const agreeing: readonly (readonly [readonly Fact[], ProcessorRecord | null])[] = [
    [[], null],
    [
      [{ type: 'validated' }, build.opened({ kind: 'authorise' }), build.declined],
      record('declined'),
    ],
    [authorisedFacts, record('authorised')],
    [[...authorisedFacts, { type: 'expired', by }], record('expired')],
    [capturedFacts, record('captured')],
    [[...capturedFacts, build.settled], record('captured', { settlement })],
    [[...capturedFacts, refundAsked, refunded], record('captured', { refunds: [theirRefund] })],
    [[...capturedFacts, refundAsked], record('captured', { refunds: [theirRefund] })],
    [
      [...capturedFacts, { type: 'amount_reversed', total: 90, by }],
      record('captured', { amountReversed: 90 }),
    ],
  ]
  for (const [facts, theirs] of agreeing) {
    const given = payment(facts)
    const compared = compare(given, theirs === null ? [] : [theirs], policy, laterMs)
    assert.deepEqual(compared.differences, [], given.state)
    const captured = theirs?.object.amountCaptured ?? 0
    assert.deepEqual(compared.matched, { count: captured > 0 ? 1 : 0, value: captured })
  }
})

/** Of each type: what it looks like, with the money that is at stake. */
const broken: readonly (readonly [
  BreakType,
  valueAtRisk: number,
  Payment | null,
  readonly ProcessorRecord[],
])[] = [
  ['missing_at_processor', 1000, payment(capturedFacts), []],
  ['missing_at_processor', 1000, payment(authorisedFacts), [record('declined')]],
  ['missing_internally', 1000, null, [record('captured')]],
  ['status_mismatch', 1000, payment(authorisedFacts), [record('captured')]],
  [
    'status_mismatch',
    1000,
    payment([{ type: 'rejected', reason: 'too_late', by: 'x' }]),
    [record('captured')],
  ],
  ['status_mismatch', 1000, payment(capturedFacts), [record('authorised')]],
  [
    'status_mismatch',
    400,
    payment([...capturedFacts, refundAsked, refunded]),
    [record('captured')],
  ],
  [
    'status_mismatch',
    1000,
    payment(capturedFacts),
    [record('captured'), record('authorised', { objectId: 'obj_2' })],
  ],
  ['amount_mismatch', 100, payment(capturedFacts), [record('captured', { amountCaptured: 900 })]],
  ['currency_mismatch', 1000, payment(capturedFacts), [record('captured', { currency: 'USD' })]],
  [
    'duplicate_at_processor',
    700,
    payment(capturedFacts),
    [record('captured', { objectId: 'obj_2', amountCaptured: 700 }), record('captured')],
  ],
  ['reversed_externally', 90, payment(capturedFacts), [record('captured', { amountReversed: 90 })]],
  [
    'reversed_externally',
    400,
    payment(capturedFacts),
    [record('captured', { refunds: [theirRefund] })],
  ],
  [
    'fee_variance',
    5,
    payment([...capturedFacts, build.settled]),
    [record('captured', { settlement: { ...settlement, fee: 35 } })],
  ],
]

test('each kind of break is found as what it is, alone, with the money at stake', () => {
  for (const [type, valueAtRisk, given, records] of broken) {
    const { differences } = compare(given, records, policy, laterMs)
    const found = differences.map((each) => [each.type, each.valueAtRisk])
    assert.deepEqual(found, [[type, valueAtRisk]], `${given?.state}: ${type}`)
  }
})

test('what only one side knows is waited for, and then promoted', () => {
  for (const [given, records, overdue] of [
    [payment(capturedFacts), [], 'missing_at_processor'],
    [null, [record('captured')], 'missing_internally'],
  ] as const) {
    assert.deepEqual(types(given, records, t0 + policy.graceMs - 1), ['pending_timing'])
    assert.deepEqual(types(given, records, t0 + policy.graceMs), [overdue])
  }
})

test('a settlement is missed after its days and not before', () => {
  const records = [record('captured')]
  const atMs = t0 + policy.settleWithinMs
  assert.deepEqual(types(payment(capturedFacts), records, atMs - 1), [])
  assert.deepEqual(types(payment(capturedFacts), records, atMs), ['settlement_missing'])
})

test('while something may still take effect nothing is called a break', () => {
  for (const facts of [
    [...authorisedFacts, opened],
    [{ type: 'validated' } as const, build.opened({ kind: 'authorise' })],
  ]) {
    for (const records of [[], [record('captured')], [record('declined')]]) {
      assert.deepEqual(types(payment(facts), records), [])
    }
  }
})

test('two captures are told even then: no outcome makes that right', () => {
  const twice = [record('captured'), record('captured', { objectId: 'obj_2' })]
  assert.deepEqual(types(payment([...authorisedFacts, opened]), twice), ['duplicate_at_processor'])
})

test('objects of others are counted by whoever reads them, and break nothing', () => {
  const foreign = record('captured', {}, { isForeign: true })
  assert.deepEqual(types(null, [foreign]), [])
  assert.deepEqual(types(payment(capturedFacts), [record('captured'), foreign]), [])
})

const proofs = (given: Payment, theirs: ProcessorRecord) =>
  compare(given, [theirs], policy, laterMs).evidence.map(({ proof }) => proof)

test('an unknown of ours is resolved by a record with our attempt or our object, and by no other', () => {
  const made = payment([{ type: 'validated' }, build.opened({ kind: 'authorise' })])
  assert.deepEqual(proofs(made, record('captured')), ['resolves_unknown'])
  assert.deepEqual(proofs(made, record('captured', { attemptId: 'att_other' })), [])
  assert.deepEqual(proofs(made, record('captured', { attemptId: null })), [])
  const capturing = payment([...authorisedFacts, opened])
  assert.deepEqual(proofs(capturing, record('captured', { attemptId: null })), ['resolves_unknown'])
})

test('of what is decided only a settlement and money taken back are learnt', () => {
  const paid = payment(capturedFacts)
  assert.deepEqual(proofs(paid, record('captured', { settlement })), ['settles'])
  assert.deepEqual(proofs(paid, record('captured', { amountReversed: 90 })), ['reverses'])
  const other = { settlement, objectId: 'obj_2' }
  assert.deepEqual(proofs(paid, record('captured', other)), [])
  assert.deepEqual(proofs(paid, record('captured', { settlement, amountCaptured: 900 })), [])
  assert.deepEqual(proofs(payment(authorisedFacts), record('captured')), [])
})

test('one object under two payments is critical, with the money that is counted twice', () => {
  const both = [payment(capturedFacts), payment(capturedFacts)]
  const found = sharedObject(both, build.objectId)
  assert.deepEqual([found.type, found.valueAtRisk], ['duplicate_internal', 1000])
  assert.equal(breakTable[found.type].severity, 'critical')
})
