// The payment as it is shown, over every shape that a payment can have, and the advice table of the
// design, row by row.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { advise, askHumanAfterMs } from '../core/advice.ts'
import type { Payment } from '../core/payment.ts'
import * as build from '../../test/build.ts'
import { shapes } from '../../test/shapes.ts'
import type { Shape } from '../../test/shapes.ts'
import type { PaymentView } from '../engine/read.ts'
import { toEventJson } from './events.ts'
import { rfc3339, shownAs, toPaymentJson } from './representation.ts'
import { eventJson, paymentJson } from './wire.ts'
import type { PaymentJson } from './wire.ts'

const details = { description: null, metadata: { a: 'b' }, distinctFrom: [], reason: null }

const show = (
  payment: Payment,
  nowMs = build.t0,
  blockade: PaymentView['blockade'] = null,
): PaymentJson =>
  toPaymentJson({ row: { payment, dueAtMs: build.t0 + 500, run: 1 }, details, blockade }, nowMs)

const all = shapes()

const shaped = (
  wanted: Partial<Pick<Shape, 'state' | 'operation' | 'voiding' | 'hold'>>,
): PaymentJson => {
  const asked = { voiding: 'none', hold: 'none', ...wanted }
  const found = all.find((shape) =>
    Object.entries(asked).every(([name, value]) => shape[name as keyof Shape] === value),
  )
  assert.ok(found, `no shape ${JSON.stringify(asked)}`)
  return show(found.payment)
}

test('every shape of a payment is shown as its schema says', () => {
  assert.ok(all.length > 100)
  for (const { payment } of all) {
    const shown = show(payment)
    assert.deepEqual(paymentJson.parse(shown), shown)
    assert.equal(shown.version, payment.seq)
  }
})

test('every field of a payment that is shown is a field of the schema', () => {
  for (const name of Object.values(shownAs)) {
    if (name !== null) assert.ok(Object.hasOwn(paymentJson.shape, name), name)
  }
})

test('what stands in the way is shown as a hold where there is none of its own and money may move', () => {
  const stopped = { why: 'stopped', sinceMs: build.t0, byBreaker: false } as const
  const suspended = { why: 'agent_suspended', sinceMs: null, byBreaker: false } as const
  for (const { payment } of all) {
    const own = show(payment).hold
    const isPaid = 'refunds' in payment && !payment.refunds.some(({ status }) => status === 'open')
    const seen = show(payment, build.t0, stopped).hold
    if (own !== null || isPaid) assert.deepEqual(seen, own)
    else assert.deepEqual(seen, { reason: 'stopped', since: '2026-01-15T12:00:00.000Z' })
  }
  const waiting = all.find(
    ({ payment }) => payment.state === 'initiated' && payment.holds.length === 0,
  )
  assert.ok(waiting)
  assert.deepEqual(show(waiting.payment, build.t0, suspended).hold, {
    reason: 'agent_suspended',
    since: null,
  })
})

test('the operation shown is the one towards money, or the void while one is at work', () => {
  assert.equal(shaped({ state: 'initiated' }).operation, null)
  assert.deepEqual(shaped({ state: 'validated', operation: 'authorise unknown' }).operation, {
    kind: 'authorise',
    status: 'unknown',
    attempt: 1,
    sends: 1,
    next_check_at: '2026-01-15T12:00:00.500Z',
  })
  const voiding = shaped({ state: 'validated', operation: 'authorise unknown', voiding: 'sent' })
  assert.equal(voiding.operation?.kind, 'void')
  assert.deepEqual(voiding.void_requested, {
    by: voiding.void_requested?.by,
    reason: voiding.void_requested?.reason,
    at: '2026-01-15T12:00:00.000Z',
  })
})

test('of several holds the first by precedence is shown', () => {
  const payment = build.after(build.claimed(), [
    build.held('approval_required'),
    build.held('possible_duplicate'),
    build.held('dead_letter'),
  ])
  assert.equal(show(payment).hold?.reason, 'dead_letter')
})

test('refunds are listed, and only those that succeeded count as refunded', () => {
  const open = shaped({ state: 'captured', operation: 'refund unknown' })
  assert.equal(open.amount_refunded, 0)
  assert.equal(open.refunds[0]?.status, 'open')
  const done = shaped({ state: 'captured', operation: 'refund succeeded' })
  assert.equal(done.amount_refunded, 400)
  assert.equal(done.amount_captured, 1000)
})

test('an end without money says why', () => {
  assert.equal(shaped({ state: 'rejected' }).state_reason, 'too_late')
  assert.notEqual(shaped({ state: 'declined', operation: 'none' }).state_reason, null)
  assert.equal(shaped({ state: 'captured', operation: 'none' }).state_reason, null)
})

test('a time that no calendar has stays a time', () => {
  assert.equal(rfc3339(1e20), '9999-12-31T23:59:59.999Z')
  assert.equal(rfc3339(Number.NaN), '9999-12-31T23:59:59.999Z')
  assert.equal(rfc3339(-5), '1970-01-01T00:00:00.000Z')
})

// ── The advice table of the design ───────────────────────────────────────────────────────────────

type Row = readonly [
  what: string,
  shown: PaymentJson,
  moneyMoved: PaymentJson['money_moved'],
  type: PaymentJson['next_action']['type'],
  newKeyAllowed: boolean,
]

const unknownShape = all.find(
  (shape) =>
    shape.operation === 'authorise unknown' && shape.voiding === 'none' && shape.hold === 'none',
)
const oldUnknown = (): PaymentJson => {
  assert.ok(unknownShape)
  return show(unknownShape.payment, build.t0 + askHumanAfterMs + 1)
}

const rows: readonly Row[] = [
  ['nothing sent yet', shaped({ state: 'initiated' }), 'no', 'wait', false],
  [
    'not executed, in retry',
    shaped({ state: 'validated', operation: 'authorise due' }),
    'no',
    'wait',
    false,
  ],
  ['sent', shaped({ state: 'validated', operation: 'authorise sent' }), 'unknown', 'wait', false],
  [
    'pending',
    shaped({ state: 'validated', operation: 'authorise pending' }),
    'unknown',
    'wait',
    false,
  ],
  [
    'unknown',
    shaped({ state: 'validated', operation: 'authorise unknown' }),
    'unknown',
    'wait',
    false,
  ],
  [
    'capture unknown',
    shaped({ state: 'authorised', operation: 'capture unknown' }),
    'unknown',
    'wait',
    false,
  ],
  ['unknown for long', oldUnknown(), 'unknown', 'ask_human', false],
  [
    'unknown, parked',
    shaped({ state: 'validated', operation: 'authorise unknown', hold: 'dead_letter' }),
    'unknown',
    'ask_human',
    false,
  ],
  [
    'authorised',
    shaped({ state: 'authorised', operation: 'none, automatic' }),
    'no',
    'wait',
    false,
  ],
  [
    'authorised, manual',
    shaped({ state: 'authorised', operation: 'none, manual' }),
    'no',
    'none',
    false,
  ],
  ['captured', shaped({ state: 'captured', operation: 'none' }), 'yes', 'none', false],
  ['settled', shaped({ state: 'settled', operation: 'none' }), 'yes', 'none', false],
  ['refunded', shaped({ state: 'refunded' }), 'yes', 'none', false],
  ['declined', shaped({ state: 'declined', operation: 'none' }), 'no', 'none', true],
  ['voided', shaped({ state: 'voided' }), 'no', 'none', true],
  ['expired', shaped({ state: 'expired' }), 'no', 'none', true],
  ['rejected, too late', shaped({ state: 'rejected' }), 'no', 'none', true],
  [
    'held for approval',
    shaped({ state: 'initiated', hold: 'approval_required' }),
    'no',
    'ask_human',
    false,
  ],
]

for (const [what, shown, moneyMoved, type, newKeyAllowed] of rows) {
  test(`advice: ${what}: money moved ${moneyMoved}, ${type}`, () => {
    assert.equal(shown.money_moved, moneyMoved)
    assert.equal(shown.next_action.type, type)
    assert.equal(shown.new_key_allowed, newKeyAllowed)
    assert.equal(shown.next_action.url, `/v1/payments/${shown.id}`)
    assert.equal(shown.next_action.after, type === 'wait' ? 1 : null)
  })
}

test('the advice block is that of core, for every shape', () => {
  for (const { payment } of all) {
    const { moneyMoved, nextAction, newKeyAllowed } = advise(payment, build.t0)
    const shown = show(payment)
    assert.deepEqual(
      [shown.money_moved, shown.next_action.type, shown.new_key_allowed],
      [moneyMoved, nextAction.type, newKeyAllowed],
    )
  }
})

test('an event shows its fact in our words, and no name of a counter', () => {
  const terms = { ...build.terms, retryOf: 'pay_0' }
  const event = toEventJson({
    type: 'claimed',
    terms,
    notAfterMs: build.t0,
    approval: null,
    distinctFrom: ['pay_9'],
    reason: null,
    format: 1,
    paymentId: 'pay_1',
    seq: 1,
    atMs: build.t0,
  })
  assert.deepEqual(eventJson.parse(event), event)
  assert.equal(event.id, 'evt_1_1')
  assert.equal(event.data['not_after'], '2026-01-15T12:00:00.000Z')
  assert.deepEqual(event.data['distinct_from'], ['pay_9'])
  const shown = JSON.stringify(event)
  assert.match(shown, /"retry_of":"pay_0"/)
  assert.doesNotMatch(shown, /budgets|"[a-z]+[A-Z]\w*":|_ms"/)
})
