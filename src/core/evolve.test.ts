import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { allCommands, laterMs } from '../../test/matrix.ts'
import { shapes } from '../../test/shapes.ts'
import { decide } from './decide.ts'
import { evolve, evolveAll, evolveFacts, stamp } from './evolve.ts'
import type { Fact, Payment, PaymentEvent } from './payment.ts'
import { transitions } from './transitions.ts'

const claimed: Fact = {
  type: 'claimed',
  terms: build.terms,
  notAfterMs: build.t0 + 1,
  approval: null,
  distinctFrom: [],
  reason: null,
}

test('facts take consecutive numbers, one time and the format', () => {
  const events = stamp('pay_1', 4, [{ type: 'validated' }, build.authorised()], build.t0)
  const heads = events.map(({ format, paymentId, seq, atMs, type }) => [
    format,
    paymentId,
    seq,
    atMs,
    type,
  ])
  assert.deepEqual(heads, [
    [1, 'pay_1', 5, build.t0, 'validated'],
    [1, 'pay_1', 6, build.t0, 'authorised'],
  ])
})

test('the first event is the claim, and there is only one', () => {
  const [first] = stamp('pay_1', 0, [claimed], build.t0)
  const [other] = stamp('pay_1', 0, [{ type: 'validated' }], build.t0)
  assert.ok(first !== undefined && other !== undefined)
  const payment = evolve(null, first)
  assert.equal(payment.state, 'initiated')
  assert.equal(payment.seq, 1)
  assert.throws(() => evolve(null, other), /before claimed/)
  assert.throws(() => evolve(payment, first), /claimed twice/)
  assert.throws(() => evolveAll(null, []), /no events/)
})

test('the events rebuild the payment: any life, all its events from nothing', () => {
  // Each shape's own history, and one command more; JSON as a store would keep it.
  for (const { payment } of shapes().filter(({ hold }) => hold === 'none')) {
    const events: PaymentEvent[] = []
    let at: Payment | null = null
    for (const fact of historyOf(payment)) {
      const [event] = stamp(payment.id, events.length, [fact], build.t0)
      assert.ok(event !== undefined)
      events.push(event)
      at = evolve(at, event)
    }
    const stored = JSON.parse(JSON.stringify(events)) as PaymentEvent[]
    assert.deepEqual(evolveAll(null, stored), at)
  }
})

// What leads to a payment like this one, as far as its state needs it.
function historyOf(payment: Payment): readonly Fact[] {
  const paid = [{ type: 'validated' } as const, build.authorised(), build.captured()]
  switch (payment.state) {
    case 'initiated':
      return [claimed]
    case 'validated':
      return [claimed, { type: 'validated' }]
    case 'authorised':
      return [claimed, { type: 'validated' }, build.authorised()]
    case 'captured':
      return [claimed, ...paid]
    case 'settled':
      return [claimed, ...paid, build.settled]
    case 'refunded':
      return [
        claimed,
        ...paid,
        build.refundRequested(),
        { type: 'refund_succeeded', refundId: 'ref_1', objectId: 're_1', by: build.by },
      ]
    case 'declined':
      return [claimed, { type: 'validated' }, build.declined]
    case 'rejected':
      return [claimed, { type: 'rejected', reason: 'too_late', by: 'x' }]
    case 'voided':
      return [claimed, { type: 'validated' }, build.voided]
    case 'expired':
      return [claimed, { type: 'validated' }, build.authorised(), { type: 'expired', by: build.by }]
  }
}

test('a payment stays what it was: nothing is changed in place', () => {
  for (const { payment } of shapes()) {
    const before = JSON.stringify(payment)
    for (const command of Object.values(allCommands)) {
      const { facts } = decide(payment, command, laterMs)
      if (facts !== undefined) evolveFacts(payment, facts, laterMs)
    }
    assert.equal(JSON.stringify(payment), before)
  }
})

test('no event moves a payment but along the table', () => {
  const moving: readonly Fact[] = [
    { type: 'validated' },
    build.authorised(),
    build.captured(),
    build.settled,
    build.declined,
    build.voided,
    { type: 'rejected', reason: 'too_late', by: 'x' },
    { type: 'expired', by: build.by },
    ...(['authorised', 'captured', 'voided', 'expired'] as const).map((to): Fact => ({
      type: 'corrected',
      to,
      object: build.object('captured'),
      by: build.by,
    })),
  ]
  let refused = 0
  for (const { payment, state } of shapes()) {
    for (const fact of moving) {
      let to: string
      try {
        to = evolveFacts(payment, [fact], build.t0).state
      } catch {
        refused += 1
        continue
      }
      if (to === state) continue
      const known = transitions.some(
        (each) => each.from === state && each.on === fact.type && each.to === to,
      )
      assert.ok(known, `${state} → ${to} on ${fact.type}`)
    }
  }
  assert.ok(refused > 4_000)
})

test('at an end nothing is held, asked or under way any more', () => {
  for (const { payment, state } of shapes()) {
    if (!['validated', 'authorised'].includes(state)) continue
    const after = evolveFacts(payment, [build.voided], build.t0)
    assert.deepEqual([after.holds, after.voidRequested, after.voiding], [[], null, null])
    assert.ok(!('operation' in after))
  }
})

test('an event about an operation that is not there is a bug, not a change', () => {
  const initiated = build.claimed()
  for (const fact of [
    build.observed({ kind: 'authorise' }, 'unknown'),
    build.observed({ kind: 'void' }, 'unknown'),
    build.observed({ kind: 'refund', refundId: 'ref_1' }, 'unknown'),
    build.refundRequested(),
  ]) {
    assert.throws(() => evolveFacts(initiated, [fact], build.t0), /payment history/)
  }
})

test('a redrive forgives what was sent and asked, and forgets nothing', () => {
  const payment = build.after(build.claimed(), [
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    build.observed({ kind: 'authorise' }, 'unknown'),
    build.held('dead_letter'),
    { type: 'redriven', by: 'ops', reason: 'x', notAfterMs: build.t0 + 5 },
  ])
  assert.ok(payment.state === 'validated' && payment.operation !== null)
  const { forgivenSends, attempt, inquiries } = payment.operation
  assert.deepEqual([forgivenSends, attempt.sends.length, inquiries.count], [1, 1, 0])
  assert.equal(attempt.sends[0]?.outcome, 'unknown')
  assert.deepEqual(payment.holds, [])
})
