import assert from 'node:assert/strict'
import { test } from 'node:test'

import { authorise, cancel, capture, complete, create, refund, reverse, ripen } from './charges.ts'
import type { Charge, ChargeStatus, Result } from './charges.ts'

const pace = { settleAfterMs: 500, processingMs: 100 }
const terms = {
  amount: 1000,
  currency: 'EUR',
  payee: 'acct_books',
  paymentMethod: null,
  reference: 'pay_1',
  metadata: {},
}
const yes = { says: 'yes', validForMs: 1_000 } as const
const made = {
  id: 're_1',
  amount: 100,
  status: 'succeeded',
  reference: 'r',
  metadata: {},
  createdAtMs: 0,
} as const

function ok(result: Result): Charge {
  if (typeof result === 'string') throw new Error(result)
  return result.charge
}

const created = create('ch_1', terms, 0)
const authorised = ok(authorise(created, yes, pace, 0))
const captured = ok(capture(authorised, 1000, pace, 0))
const inState: Readonly<Record<ChargeStatus, Charge>> = {
  created,
  authorised,
  captured,
  processing: ok(authorise(created, { says: 'later', validForMs: 1_000 }, pace, 0)),
  requires_action: ok(authorise(created, { says: 'ask_person', actionUrl: 'u' }, pace, 0)),
  cancelled: ok(cancel(authorised)),
  expired: ripen(authorised, pace, 1_000).charge,
  declined: ok(authorise(created, { says: 'no', code: 'x', reason: 'y' }, pace, 0)),
}

const acts = {
  authorise: (charge: Charge) => authorise(charge, yes, pace, 0),
  complete: (charge: Charge) => complete(charge, 1_000, pace, 0),
  capture: (charge: Charge) => capture(charge, 1000, pace, 0),
  cancel: (charge: Charge) => cancel(charge),
  refund: (charge: Charge) => refund(charge, made),
  reverse: (charge: Charge) => reverse(charge, 100),
}

const legal: Readonly<Record<string, string>> = {
  'created authorise': 'authorised',
  'created cancel': 'cancelled',
  'processing cancel': 'cancelled',
  'requires_action complete': 'authorised',
  'requires_action cancel': 'cancelled',
  'authorised capture': 'captured',
  'authorised cancel': 'cancelled',
  'captured refund': 'captured',
  'captured reverse': 'captured',
}

test('each action in each state leads where the table says, or is refused', () => {
  for (const [status, charge] of Object.entries(inState)) {
    assert.equal(charge.status, status)
    for (const [name, act] of Object.entries(acts)) {
      const result = act(charge)
      const to = typeof result === 'string' ? result : result.charge.status
      assert.equal(to, legal[`${status} ${name}`] ?? 'unexpected_state', `${status} ${name}`)
    }
  }
})

test('a capture takes at most what was authorised', () => {
  assert.equal(capture(authorised, 1001, pace, 0), 'amount_too_large')
  assert.equal(ok(capture(authorised, 400, pace, 0)).amountCaptured, 400)
})

test('refunds and disputes together take at most what was captured', () => {
  const disputed = ok(reverse(captured, 950))
  assert.equal(refund(disputed, made), 'amount_too_large')
  assert.equal(reverse(ok(refund(captured, made)), 901), 'amount_too_large')
})

test('one step is captured in the moment it is authorised', () => {
  const result = authorise(
    { ...created, captureAtOnce: true },
    yes,
    { ...pace, settleAfterMs: 0 },
    5,
  )
  assert.ok(typeof result !== 'string')
  assert.deepEqual(result.events, ['charge.authorised', 'charge.captured', 'charge.settled'])
  assert.equal(result.charge.amountCaptured, 1000)
})

test('what falls due is dated when it fell due, and only once', () => {
  const late = ripen({ ...inState.processing, captureAtOnce: true }, pace, 9_000)
  assert.equal(late.charge.capturedAtMs, 100)
  assert.equal(late.charge.settlement?.settledAtMs, 600)
  assert.deepEqual(ripen(late.charge, pace, 99_000), { charge: late.charge, events: [] })
})

test('nothing falls due a millisecond early', () => {
  assert.equal(ripen(authorised, pace, 999).charge.status, 'authorised')
  assert.equal(ripen(captured, pace, 499).charge.settlement, null)
  assert.notEqual(ripen(captured, pace, 500).charge.settlement, null)
})
