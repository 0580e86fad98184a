import assert from 'node:assert/strict'
import { test } from 'node:test'

import { parsePlan } from './fault-plan.ts'
import { chooseFault, draw, faultKinds, noFaults, operations } from './faults.ts'
import type { CallFacts, FaultPlan } from './faults.ts'
import { open } from './testkit.ts'

const call: CallFacts = {
  operation: 'capture',
  reference: 'pay_1',
  payee: 'acct_books',
  captures: false,
  nth: 1,
}
const rated: FaultPlan = { ...noFaults(7), rates: { capture: { '504_after': 0.3, late: 0.2 } } }

test('the choice depends on seed, operation, reference and count, and on nothing else', () => {
  const calls = Array.from({ length: 200 }, (_, index) => ({ ...call, reference: `pay_${index}` }))
  const forwards = calls.map((each) => chooseFault(rated, each))
  const backwards = calls.toReversed().map((each) => chooseFault(rated, each))
  assert.deepEqual(backwards.toReversed(), forwards)
  const differ = (other: (facts: CallFacts) => unknown): boolean =>
    calls.some((each, index) => other(each) !== forwards[index])
  assert.ok(
    differ((each) => chooseFault({ ...rated, seed: 8 }, each)),
    'seed',
  )
  assert.ok(
    differ((each) => chooseFault(rated, { ...each, nth: 2 })),
    'count',
  )
  assert.ok(!differ((each) => chooseFault(rated, { ...each, payee: 'acct_other' })), 'payee')
})

test('rates are met', () => {
  const counts: Record<string, number> = {}
  for (let nth = 1; nth <= 4_000; nth += 1) {
    const fault = chooseFault(rated, { ...call, nth }) ?? 'none'
    counts[fault] = (counts[fault] ?? 0) + 1
  }
  assert.ok(Math.abs((counts['504_after'] ?? 0) / 4_000 - 0.3) < 0.03, JSON.stringify(counts))
  assert.ok(Math.abs((counts['late'] ?? 0) / 4_000 - 0.2) < 0.03, JSON.stringify(counts))
})

test('a pinned draw: a seed printed today means the same tomorrow', () => {
  assert.equal(draw(1, call, 'fault').toFixed(12), '0.201685941060')
})

test('the script goes before the rates, first line first, and matches all that it names', () => {
  const plan: FaultPlan = {
    ...rated,
    rates: { capture: { slow: 1 } },
    script: [
      { match: { operation: 'capture', nth: 2 }, fault: '429' },
      { match: { reference: 'pay_2' }, fault: 'decline' },
      { match: { payee: 'acct_books', operation: 'refund' }, fault: 'redirect' },
    ],
  }
  assert.equal(chooseFault(plan, call), 'slow')
  assert.equal(chooseFault(plan, { ...call, nth: 2, reference: 'pay_2' }), '429')
  assert.equal(chooseFault(plan, { ...call, reference: 'pay_2' }), 'decline')
  assert.equal(chooseFault(plan, { ...call, operation: 'refund' }), 'redirect')
  assert.equal(chooseFault(plan, { ...call, operation: 'refund', payee: 'x' }), null)
  const lookUp = { ...call, operation: 'look_up', reference: 'pay_2' } as const
  assert.equal(chooseFault(plan, lookUp), null, 'nothing is declined by reading')
})

test('a payee typed to see one thing go wrong sees no drawn fault', () => {
  const all = { ...noFaults(1), rates: { void: { '429': 1 } } }
  assert.equal(chooseFault(all, { ...call, operation: 'void' }), '429')
  assert.equal(chooseFault(all, { ...call, operation: 'void', payee: 'acct_slow' }), null)
})

test('a plan with a mistake is refused whole, in words', async (t) => {
  const { get, put } = open(t)
  await put('/faults', { seed: 5, rates: { refund: { slow: 0.5 } } })
  const mistakes: readonly [unknown, RegExp][] = [
    [{ colour: 'red' }, /unknown field colour/],
    [{ seed: 1.5 }, /seed/],
    [{ rates: { pay: {} } }, /unknown operation pay/],
    [{ rates: { capture: { boom: 1 } } }, /unknown fault boom/],
    [{ rates: { capture: { slow: -1 } } }, /probability/],
    [{ rates: { capture: { slow: 0.6, late: 0.6 } } }, /more than 1/],
    [{ rates: { look_up: { decline: 0.1 } } }, /decline cannot happen to look_up/],
    [{ script: {} }, /list/],
    [{ script: [{ fault: 'slow' }] }, /\{match, fault\}/],
    [{ script: [{ match: { nth: 'first' }, fault: 'slow' }] }, /nth/],
    [{ script: [{ match: { color: 1 }, fault: 'slow' }] }, /match\.color/],
    [{ script: [{ match: { operation: 'look_up' }, fault: 'late' }] }, /cannot happen/],
    [{ outage: { from_ms: 'now', until_ms: 5 } }, /unix ms/],
  ]
  for (const [plan, words] of mistakes) {
    const reply = await put('/faults', plan)
    assert.equal(reply.status, 400, JSON.stringify(plan))
    assert.match(reply.text, words)
  }
  assert.deepEqual((await get('/faults')).json(), {
    seed: 5,
    rates: { refund: { slow: 0.5 } },
    script: [],
    outage: null,
  })
})

test('every kind can be planned for every operation that changes something', () => {
  for (const operation of operations) {
    for (const [fault, { reads }] of Object.entries(faultKinds)) {
      const plan = parsePlan({ rates: { [operation]: { [fault]: 1 } } }, 1)
      const fits = operation !== 'look_up' || reads
      assert.equal(typeof plan === 'object', fits, `${operation} ${fault}`)
    }
  }
})
