// What evidence changes: answers, look-ups and records, in every order in which they can come.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { object } from '../../test/build.ts'
import { answer, found, life, record } from '../../test/story.ts'
import type { Row } from '../../test/story.ts'
import { operationOf, statusOf } from './operation.ts'

const authorise = { kind: 'authorise' } as const
const capture = { kind: 'capture' } as const
const authorised = object('authorised')
const captured = object('captured')
const declined = object('declined')

const sent: readonly Row[] = [[0, 'drive', 'send authorise', 'validated']]
const unknown: readonly Row[] = [
  ...sent,
  [10, answer('authorise', 1, 'connection_lost'), 'observed', 'validated'],
]
const resent: readonly Row[] = [...unknown, [20, 'drive', 're-send authorise', 'validated']]
const capturing: readonly Row[] = [
  ...sent,
  [1, answer('authorise', 1, 'done', authorised), 'authorised', 'authorised'],
  [1, 'drive', 'send capture', 'authorised'],
]

const stores = { given: build.given() }
const storesNot = { given: build.given({ keyCachesErrors: false }) }

// ── One answer, several sends ────────────────────────────────────────────────────────────────────

test('a refusal of the second send says nothing about the first', () => {
  const payment = life([
    ...resent,
    [21, answer('authorise', 1, 'slow_down', null, { send: 2 }), 'observed', 'validated'],
  ])
  const operation = operationOf(payment)
  assert.equal(operation !== null && statusOf(operation), 'unknown')
})

test('a decline of the second send is believed only where declines are stored under the key', () => {
  const second = answer('authorise', 1, 'declined', null, { send: 2 })
  life([...resent, [21, second, 'observed, declined', 'declined']], stores)
  life([...resent, [21, second, 'observed', 'validated']], storesNot)
})

test('an answer is recorded for its send even where its object decides nothing', () => {
  const second = answer('authorise', 1, 'declined', declined, { send: 2 })
  const payment = life([...resent, [21, second, 'observed', 'validated']], storesNot)
  assert.equal(operationOf(payment)?.attempt.sends[1]?.outcome, 'declined')
  const refused = answer('capture', 2, 'slow_down', authorised)
  life([
    ...capturing,
    [2, refused, 'observed', 'authorised'],
    [60, 'drive', 're-send capture', 'authorised'],
  ])
})

test('where declines are not stored, the last open send to be settled lets the decline stand', () => {
  life(
    [
      ...resent,
      [21, answer('authorise', 1, 'declined', null, { send: 2 }), 'observed', 'validated'],
      [22, answer('authorise', 1, 'not_sent', null, { send: 1 }), 'observed, declined', 'declined'],
    ],
    storesNot,
  )
})

test('past the key window a stored decline is forgotten: it speaks for its own send only', () => {
  const given = build.given({ objectFirst: true, objectOnce: true })
  const day = 86_400
  life(
    [
      [0, 'drive', 'send create', 'validated'],
      [1, answer('create', 1, 'done', object('created')), 'object_created', 'validated'],
      [1, 'drive', 'send authorise', 'validated'],
      [2, answer('authorise', 2, 'done', authorised), 'authorised', 'authorised'],
      [2, 'drive', 'send capture', 'authorised'],
      [day, 'drive', 'look up by object', 'authorised'],
      [day, found(capture, authorised, day), 'inquired', 'authorised'],
      [day + 60, 'drive', 're-send capture', 'authorised'],
      [day + 61, answer('capture', 3, 'declined', null, { send: 1 }), 'observed', 'authorised'],
      [day + 62, answer('capture', 3, 'done', captured, { send: 2 }), 'captured', 'captured'],
    ],
    { given, over: { notAfterMs: build.t0 + 9 * day * 1000 } },
  )
})

test('an answer that comes twice, or a vaguer word after a clear one, is no news', () => {
  life([
    ...sent,
    [1, answer('authorise', 1, 'slow_down'), 'observed', 'validated'],
    [2, answer('authorise', 1, 'slow_down'), 'nothing', 'validated'],
    [3, answer('authorise', 1, 'connection_lost'), 'nothing', 'validated'],
    [4, answer('authorise', 1, 'done', authorised), 'authorised', 'authorised'],
    [5, answer('authorise', 1, 'done', authorised), 'nothing', 'authorised'],
  ])
})

test('an answer to an attempt nobody knows changes nothing but what its object shows', () => {
  life([
    ...sent,
    [1, answer('authorise', 7, 'declined'), 'nothing', 'validated'],
    [1, answer('authorise', 1, 'declined', null, { send: 5 }), 'nothing', 'validated'],
    [2, answer('authorise', 7, 'done', authorised), 'authorised', 'authorised'],
  ])
})

test('an object with another amount or currency is believed for nothing', () => {
  for (const other of [{ amount: 999 }, { currency: 'USD' }]) {
    const payment = life([
      ...sent,
      [1, record(object('captured', other)), 'nothing', 'validated'],
      [1, found(authorise, object('captured', other), 1), 'inquired', 'validated'],
      [2, answer('authorise', 1, 'done', object('authorised', other)), 'observed', 'validated'],
    ])
    const operation = operationOf(payment)
    assert.equal(operation?.attempt.sends[0]?.outcome, 'unknown')
    assert.equal(operation.attempt.sends[0]?.cause, 'mismatched_answer')
    assert.deepEqual(operation.inquiries.absentAtMs, [])
  }
})

// ── Absence ──────────────────────────────────────────────────────────────────────────────────────

// The send is over at 10 s, and nothing arrives later than 60 s after that.
test('absence is no proof before the clocks of all our machines agree that it is', () => {
  const exact = build.given()
  const differ = { ...exact, policy: { ...exact.policy, clockErrorMs: 60_000 } }
  const rows = (at: number, last: string): readonly Row[] => [
    ...unknown,
    [at - 1, found(authorise, null, at - 1), 'inquired', 'validated'],
    [at, found(authorise, null, at), last, 'validated'],
  ]
  // 10 s for the call and 60 s on its way; a minute for the clocks.
  life(rows(130, 'inquired'), { given: differ })
  life(rows(132, 'inquired, observed'), { given: differ })
  // Sent 40 s before our clock leapt forward by four minutes.
  const leapt = { ...exact, leap: { byMs: 240_000, atMs: build.t0 + 40_000 } }
  life(rows(310, 'inquired'), { given: leapt })
  life(rows(312, 'inquired, observed'), { given: leapt })
  // What was sent after a leap is as old as it seems.
  const before = { ...exact, leap: { byMs: 240_000, atMs: build.t0 - 1 } }
  life(rows(72, 'inquired, observed'), { given: before })
})

test('absence that another clock has seen does not prove it before our own has', () => {
  const ahead = found(authorise, null, 400)
  life([
    ...unknown,
    [30, ahead, 'inquired', 'validated'],
    [31, ahead, 'inquired, observed', 'validated'],
  ])
  life([
    ...unknown,
    [30, ahead, 'inquired', 'validated'],
    [31, found(authorise, null, 31), 'inquired', 'validated'],
    [32, found(authorise, null, 32), 'inquired', 'validated'],
  ])
})

test('not found is no proof; two consistent reads, both late enough, are one', () => {
  const early: readonly Row[] = [
    ...unknown,
    [30, found(authorise, null, 30), 'inquired', 'validated'],
    [70, found(authorise, null, 70), 'inquired', 'validated'],
  ]
  life([
    ...early,
    [71, found(authorise, null, 71), 'inquired', 'validated'],
    [80, found(authorise, null, 80), 'inquired, observed', 'validated'],
    [200, 'drive', 'send authorise', 'validated'],
  ])
  // Asked early and told late is early.
  life([
    ...early,
    [90, found(authorise, null, 69), 'inquired', 'validated'],
    [91, found(authorise, null, 80), 'inquired', 'validated'],
  ])
  // A search that may lag proves nothing, however often it is asked.
  life([
    ...early,
    ...[100, 200, 300].map((at): Row => [
      at,
      found(authorise, null, at, false),
      'inquired',
      'validated',
    ]),
  ])
  life([
    ...early,
    ...[100, 200, 300].map((at): Row => [
      at,
      found(authorise, 'no answer', at),
      'inquired',
      'validated',
    ]),
  ])
})

test('one consistent read and one that may lag are not two', () => {
  life([
    ...unknown,
    [100, found(authorise, null, 100), 'inquired', 'validated'],
    [101, found(authorise, null, 101, false), 'inquired', 'validated'],
    [102, found(authorise, null, 102), 'inquired, observed', 'validated'],
  ])
})

test('without a bound on late arrivals nothing is ever absent', () => {
  const given = build.given({ absenceAfterMs: null })
  const reads = [100, 1_000, 100_000].map((at): Row => [
    at,
    found(authorise, null, at),
    'inquired',
    'validated',
  ])
  life([...unknown, ...reads], { given })
})

test('a re-send starts the proof anew', () => {
  life([
    ...unknown,
    [71, found(authorise, null, 71), 'inquired', 'validated'],
    [72, 'drive', 're-send authorise', 'validated'],
    [150, found(authorise, null, 150), 'inquired', 'validated'],
    [160, found(authorise, null, 160), 'inquired, observed', 'validated'],
  ])
})

test('an object that shows nothing done counts as absence of the capture', () => {
  life([
    ...capturing,
    [90, found(capture, authorised, 90), 'inquired', 'authorised'],
    [91, found(capture, authorised, 91), 'inquired, observed', 'authorised'],
    [200, 'drive', 'send capture', 'authorised'],
  ])
})

test('once the rest is proved absent, a decline that one send got stands: no new attempt', () => {
  life(
    [
      ...resent,
      [21, answer('authorise', 1, 'declined', null, { send: 2 }), 'observed', 'validated'],
      [100, found(authorise, null, 100), 'inquired', 'validated'],
      [101, found(authorise, null, 101), 'inquired, declined', 'declined'],
    ],
    storesNot,
  )
  life(
    [
      ...resent,
      [100, found(authorise, declined, 100), 'inquired', 'validated'],
      [101, found(authorise, declined, 101), 'inquired, declined', 'declined'],
    ],
    storesNot,
  )
})

test('a stored error is not asked for again: only look-ups can tell', () => {
  life([
    ...sent,
    [1, answer('authorise', 1, 'server_error'), 'observed', 'validated'],
    [5, 'drive', 're-send authorise', 'validated'],
    [
      6,
      answer('authorise', 1, 'server_error', null, { send: 2, replayed: true }),
      'observed',
      'validated',
    ],
    [10, 'drive', 'look up by records', 'validated'],
  ])
})

// ── Unfinished ───────────────────────────────────────────────────────────────────────────────────

test('an unfinished answer names its object, is never sent again, and holds where a person must act', () => {
  const pending = answer('authorise', 1, 'not_final', object('pending'))
  life([
    ...sent,
    [0, pending, 'object_created, observed', 'validated'],
    [0, 'drive', 'wait for look_up', 'validated'],
    [60, 'drive', 'look up by object', 'validated'],
    [60, found(authorise, object('action_required'), 60), 'held', 'validated'],
    [61, found(authorise, object('action_required'), 61), 'inquired', 'validated'],
    [99, record(authorised), 'hold_lifted, authorised', 'authorised'],
  ])
})

test('in one step an authorised object is not the end', () => {
  life(
    [
      ...sent,
      [1, answer('authorise', 1, 'done', authorised), 'object_created, observed', 'validated'],
      [2, record(captured), 'authorised, captured', 'captured'],
    ],
    { given: build.given({ twoStep: false }) },
  )
})

test('the unfinished object of an earlier attempt is not taken for this one’s', () => {
  const earlier = object('pending', { objectId: 'obj_old', attemptId: 'att_1_authorise_9' })
  life([...sent, [1, record(earlier), 'nothing', 'validated']])
})
