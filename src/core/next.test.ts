// What is done when: waits, the ladder of an unknown, deadlines and windows. What must never be
// done, whatever the shape, is in `test/matrix.test.ts`.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { object } from '../../test/build.ts'
import { answer, found, life, wordFor } from '../../test/story.ts'
import type { Row } from '../../test/story.ts'
import { next } from './next.ts'
import type { Payment } from './payment.ts'
import type { Circumstances } from './policy.ts'
import { dueAtMs } from './step.ts'

const { t0, seconds, hours } = build
const authorise = { kind: 'authorise' } as const
const capture = { kind: 'capture' } as const
const validated = { type: 'validated' } as const

const at = (payment: Payment, afterMs: number, given: Circumstances = build.given()): string =>
  wordFor(next(payment, given, t0 + afterMs))

const sent = build.after(build.claimed(), [validated, build.opened(authorise)])
const unknown = build.after(sent, [build.observed(authorise, 'unknown', 1, 'connection_lost')])
const refused = build.after(sent, [build.observed(authorise, 'not_executed', 1, 'slow_down')])
const captureUnknown = build.after(sent, [
  build.authorised(),
  build.opened(capture, { number: 2, objectId: build.objectId }),
  build.observed(capture, 'unknown'),
])

test('a send belongs to its sender for fifteen seconds; then it is recovered, never repeated anew', () => {
  assert.equal(at(sent, 14_999), 'wait for sender')
  assert.equal(dueAtMs(next(sent, build.given(), t0 + 1), t0 + 1), t0 + 15_000)
  assert.equal(at(sent, 15_000), 're-send authorise')
})

test('an unknown is looked up by its object first, then sent again under its key, then looked up', () => {
  life([
    [
      0,
      [validated, build.opened(authorise), build.authorised()],
      'validated, attempt_opened, authorised',
      'authorised',
    ],
    [0, 'drive', 'send capture', 'authorised'],
    [10, answer('capture', 2, 'connection_lost'), 'observed', 'authorised'],
    [11, 'drive', 'look up by object', 'authorised'],
    [11, found(capture, object('authorised'), 11), 'inquired', 'authorised'],
    [15, 'drive', 're-send capture', 'authorised'],
    [25, answer('capture', 2, 'connection_lost', null, { send: 2 }), 'observed', 'authorised'],
    [30, 'drive', 'look up by object', 'authorised'],
  ])
})

test('four sends under one key, then look-ups, then a person', () => {
  const lost = (send: number): Row => [
    send * 100,
    answer('authorise', 1, 'connection_lost', null, { send }),
    'observed',
    'validated',
  ]
  const again = (send: number): Row => [send * 100 - 50, 'drive', 're-send authorise', 'validated']
  const asked = Array.from({ length: 12 }, (_, index): readonly Row[] => [
    [1_000 + index * 100, 'drive', 'look up by reference', 'validated'],
    [
      1_000 + index * 100,
      found(authorise, null, 1_000 + index * 100, false),
      'inquired',
      'validated',
    ],
  ])
  life(
    [
      [0, 'drive', 'send authorise', 'validated'],
      lost(1),
      again(2),
      lost(2),
      again(3),
      lost(3),
      again(4),
      lost(4),
      ...asked.flat(),
      [9_000, 'drive', 'park: parked', 'validated'],
      [9_001, 'drive', 'idle', 'validated'],
    ],
    { given: build.given({ absenceAfterMs: null }) },
  )
})

test('where nothing can be looked up, a person is asked once the key may not be used any more', () => {
  const blind = build.given({ absenceAfterMs: null, lookupByReference: false })
  assert.equal(at(unknown, 22 * hours, blind), 're-send authorise')
  assert.equal(at(unknown, 23 * hours, blind), 'park')
})

test('the key is used until an hour before its window ends', () => {
  const long = { ...unknown, notAfterMs: t0 + 99 * hours }
  assert.equal(at(long, 23 * hours - 1), 're-send authorise')
  assert.equal(at(long, 23 * hours), 'look up by records')
  assert.equal(at(refused, 1 * hours), 're-send authorise')
  const refusedLong = { ...refused, notAfterMs: t0 + 99 * hours }
  assert.equal(at(refusedLong, 23 * hours), 'send authorise')
})

test('past the window only an object that acts once is sent to again, after a look at it', () => {
  const once = build.given({ objectFirst: true, objectOnce: true })
  const day = 24 * 3600
  const rows: readonly Row[] = [
    [0, 'drive', 'send create', 'validated'],
    [1, answer('create', 1, 'done', object('created')), 'object_created', 'validated'],
    [1, 'drive', 'send authorise', 'validated'],
    [2, answer('authorise', 2, 'connection_lost'), 'observed', 'validated'],
    [day, 'drive', 'look up by object', 'validated'],
    [day, found(authorise, object('created'), day), 'inquired', 'validated'],
  ]
  const over = { notAfterMs: t0 + 99 * hours }
  life([...rows, [day + 90, 'drive', 're-send authorise', 'validated']], { given: once, over })
  const unanswered = rows.with(5, [
    day,
    found(authorise, 'no answer', day),
    'inquired',
    'validated',
  ])
  life([...unanswered, [day + 90, 'drive', 'look up by object', 'validated']], {
    given: once,
    over,
  })
  const many = build.given({ objectFirst: true })
  life([...rows, [day + 90, 'drive', 'look up by object', 'validated']], { given: many, over })
})

test('a fault of our own key is never sent again', () => {
  const mismatch = build.after(sent, [build.observed(authorise, 'unknown', 1, 'key_mismatch')])
  assert.equal(at(mismatch, 60 * seconds), 'look up by records')
  const blind = build.given({ absenceAfterMs: null, lookupByReference: false })
  assert.equal(at(mismatch, 60 * seconds, blind), 'park')
})

test('a fault of the account is a matter for a person at once, and tried again after a redrive', () => {
  life([
    [0, 'drive', 'send authorise', 'validated'],
    [1, answer('authorise', 1, 'account_fault'), 'observed', 'validated'],
    [2, 'drive', 'park: parked', 'validated'],
    [
      9,
      { type: 'redrive', by: 'ops', reason: 'new key', notAfterMs: null },
      'redriven',
      'validated',
    ],
    [10, 'drive', 're-send authorise', 'validated'],
  ])
})

test('what was refused is tried again later and later, as the processor asks, ten times', () => {
  const rows: Row[] = [[0, 'drive', 'send authorise', 'validated']]
  for (let send = 1; send <= 10; send += 1) {
    const told = send < 10 ? 're-send authorise' : 'park: parked'
    rows.push(
      [send * 100, answer('authorise', 1, 'slow_down', null, { send }), 'observed', 'validated'],
      [send * 100 + 60, 'drive', told, 'validated'],
    )
  }
  life(rows)
  life([
    [0, 'drive', 'send authorise', 'validated'],
    [
      0,
      answer('authorise', 1, 'slow_down', null, { retryAfterMs: 90_000 }),
      'observed',
      'validated',
    ],
    [89, 'drive', 'wait for retry', 'validated'],
    [90, 'drive', 're-send authorise', 'validated'],
  ])
})

test('what a proof has settled is tried again under a new key', () => {
  const proved = build.after(sent, [build.observed(authorise, 'not_executed', 'all', 'absence')])
  assert.equal(at(proved, 60 * seconds), 'send authorise')
})

test('an unfinished operation is looked up at growing distances, and parked after a day', () => {
  const pending = build.after(sent, [build.objectCreated, build.observed(authorise, 'pending')])
  assert.equal(at(pending, 1 * seconds), 'look up by object')
  const asked = build.after(
    pending,
    [
      {
        type: 'inquired',
        target: authorise,
        finding: 'unchanged',
        consistent: true,
        by: build.by,
      },
    ],
    t0 + 23 * hours,
  )
  assert.equal(at(asked, 24 * hours - 1), 'look up by object')
  assert.equal(at({ ...asked, notAfterMs: t0 + 99 * hours }, 24 * hours + 1), 'park')
  // A redrive asks once more before it parks again.
  const parked = build.after(asked, [build.held('dead_letter')], t0 + 25 * hours)
  const redriven = build.after(parked, [
    { type: 'redriven', by: 'ops', reason: 'x', notAfterMs: t0 + 99 * hours },
  ])
  assert.equal(at(redriven, 30 * hours), 'look up by object')
})

// ── Deadlines ────────────────────────────────────────────────────────────────────────────────────

test('what was not sent by its deadline is rejected; what was refused by then is voided', () => {
  assert.equal(at(build.claimed(), 24 * hours - 1), 'send authorise')
  assert.equal(at(build.claimed(), 24 * hours), 'reject')
  assert.equal(at(refused, 24 * hours), 'void')
})

test('an unknown past its deadline is voided by a fence where there is one, else looked up', () => {
  assert.equal(at(unknown, 24 * hours), 'void')
  const rows: readonly Row[] = [
    [0, 'drive', 'send authorise', 'validated'],
    [10, answer('authorise', 1, 'connection_lost'), 'observed', 'validated'],
    [86_400, 'drive', 'void: void_requested', 'validated'],
  ]
  const byReference = { given: build.given({ cancelByReference: true }) }
  life([...rows, [86_400, 'drive', 'send void', 'validated']], byReference)
  life([...rows, [86_400, 'drive', 'look up by records', 'validated']])
})

test('the deadline does not bind a capture that the agent asked for', () => {
  const manual = build.after(build.claimed({ capture: 'manual' }), [
    validated,
    build.authorised(t0 + 100 * hours),
    { type: 'capture_requested', amount: 1000, by: 'agt_1' },
  ])
  assert.equal(at(manual, 99 * hours), 'send capture')
  const automatic = build.after(build.claimed(), [validated, build.authorised()])
  assert.equal(at(automatic, 24 * hours - 1), 'send capture')
  assert.equal(at(automatic, 24 * hours), 'void')
})

test('an authorisation that nobody captures is given up when it has lapsed', () => {
  const idle = build.after(build.claimed({ capture: 'manual' }), [
    validated,
    build.authorised(t0 + 100 * hours),
  ])
  assert.equal(at(idle, 100 * hours - 1), 'idle')
  assert.equal(dueAtMs(next(idle, build.given(), t0), t0), t0 + 100 * hours)
  assert.equal(at(idle, 100 * hours), 'void')
})

test('waiting for a retry ends at the deadline, and past it no driver spins', () => {
  const asked = build.after(sent, [
    {
      type: 'observed',
      target: authorise,
      sends: 1,
      outcome: 'not_executed',
      retryAtMs: t0 + 90 * hours,
      by: build.by,
    },
  ])
  assert.equal(dueAtMs(next(asked, build.given(), t0 + hours), t0 + hours), t0 + 24 * hours)
  const voiding = build.after(captureUnknown, [
    build.voidRequested,
    build.opened({ kind: 'void' }, { number: 3, objectId: build.objectId, atMs: t0 + 25 * hours }),
    {
      type: 'observed',
      target: { kind: 'void' },
      sends: 1,
      outcome: 'not_executed',
      retryAtMs: t0 + 26 * hours,
      by: build.by,
    },
  ])
  const nowMs = t0 + 25 * hours + 60 * seconds
  assert.equal(dueAtMs(next(voiding, build.given(), nowMs), nowMs), t0 + 26 * hours)
})

// ── Voids and settlement ─────────────────────────────────────────────────────────────────────────

test('a refused void is looked up, and a person is asked if the object does not explain it', () => {
  const rows: readonly Row[] = [
    [0, [validated, build.authorised()], 'validated, authorised', 'authorised'],
    [0, { type: 'void', by: 'agt_1', reason: 'x' }, 'void_requested', 'authorised'],
    [0, 'drive', 'send void', 'authorised'],
    [1, answer('void', 1, 'declined'), 'observed', 'authorised'],
    [1, 'drive', 'look up by object', 'authorised'],
  ]
  life([...rows, [2, found({ kind: 'void' }, object('voided'), 2), 'voided', 'voided']])
  life([
    ...rows,
    [2, found({ kind: 'void' }, object('captured'), 2), 'void_too_late, captured', 'captured'],
  ])
  life([
    ...rows,
    [2, found({ kind: 'void' }, object('authorised'), 2), 'inquired', 'authorised'],
    [3, 'drive', 'park: parked', 'authorised'],
    [4, { type: 'redrive', by: 'ops', reason: 'x', notAfterMs: null }, 'redriven', 'authorised'],
    [5, 'drive', 'send void', 'authorised'],
  ])
})

test('a settlement is asked for once, and again only while nobody answers, five times', () => {
  const paid = build.after(build.claimed(), [validated, build.authorised(), build.captured()])
  assert.equal(at(paid, 1), 'look up by object')
  const asked = (times: number, answered: boolean): Payment =>
    build.after(
      paid,
      Array.from({ length: times }, () => ({ type: 'settlement_asked', answered }) as const),
    )
  assert.equal(at(asked(1, true), hours), 'done')
  assert.equal(at(asked(1, false), hours), 'look up by object')
  assert.equal(at(asked(4, false), hours), 'look up by object')
  assert.equal(at(asked(5, false), hours), 'done')
})

test('of several refunds the one that can be acted on goes first, else the nearest time counts', () => {
  const paid = build.after(build.claimed(), [
    validated,
    build.authorised(),
    build.captured(),
    build.settled,
  ])
  const two = build.after(paid, [
    build.refundRequested('ref_1', 1),
    build.refundRequested('ref_2', 2),
  ])
  const first = build.after(two, [
    build.opened({ kind: 'refund', refundId: 'ref_1' }, { number: 3 }),
  ])
  const step = next(first, build.given(), t0 + 1)
  assert.deepEqual(step, {
    do: 'send',
    target: { kind: 'refund', refundId: 'ref_2' },
    again: false,
  })
  const both = build.after(first, [
    build.opened({ kind: 'refund', refundId: 'ref_2' }, { number: 4, atMs: t0 + 5 }),
  ])
  assert.equal(dueAtMs(next(both, build.given(), t0 + 6), t0 + 6), t0 + 15_000)
})

test('a payment that moved to another processor’s configuration is held, and let go when it is back', () => {
  const elsewhere = { ...build.given(), bindingMatches: false }
  assert.equal(at(unknown, 60 * seconds, elsewhere), 'hold')
  const held = build.after(unknown, [build.held('processor_changed')])
  assert.equal(at(held, 60 * seconds, elsewhere), 'idle')
  assert.equal(at(held, 60 * seconds), 'lift_hold')
})

test('while something stands in the way nothing is sent, and it is looked at again', () => {
  const stopped = { ...build.given(), blocked: 'stopped' as const }
  // After half of the time for which nothing has happened to it, and spread out.
  for (const [idleMs, leastMs, mostMs] of [
    [0, 500, 1_000],
    [60 * seconds, 15 * seconds, 30 * seconds],
    [3_600 * seconds, 150 * seconds, 300 * seconds],
  ] as const) {
    const step = next(build.claimed(), stopped, t0 + idleMs)
    assert(step.do === 'wait' && step.for === 'unblocking')
    const waitMs = step.untilMs - t0 - idleMs
    assert(waitMs > leastMs && waitMs <= mostMs, `${waitMs} ms after ${idleMs}`)
  }
  assert.equal(at(unknown, 60 * seconds, stopped), 'look up by records')
  // Behind an open breaker look-ups go on, at a slower pace.
  const broken = { ...build.given(), blocked: 'processor_paused' as const, reachable: false }
  assert.match(at(unknown, 9 * seconds, broken), /^wait/)
  assert.equal(at(unknown, 60 * seconds, broken), 'look up by records')
})
