// What people decide: approvals, dead letters, a word that ends an unknown.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { object } from '../../test/build.ts'
import { answer, life, record } from '../../test/story.ts'
import type { Row } from '../../test/story.ts'
import type { Command } from './decide.ts'

const authorised = object('authorised')
const captured = object('captured')

const redrive = (notAfterMs: number | null = null): Command => ({
  type: 'redrive',
  by: 'ops',
  reason: 'looked at it',
  notAfterMs,
})
const resolve = (resolution: Extract<Command, { type: 'resolve' }>['resolution']): Command => ({
  type: 'resolve',
  by: 'ops',
  reason: 'told on the phone',
  resolution,
})

const paid: readonly Row[] = [
  [0, 'drive', 'send authorise', 'validated'],
  [1, answer('authorise', 1, 'done', authorised), 'authorised', 'authorised'],
  [1, 'drive', 'send capture', 'authorised'],
  [2, answer('capture', 2, 'done', captured), 'captured', 'captured'],
]

test('an approval is for exactly what was shown, once, and in time', () => {
  const approval = { hash: 'h1', expiresAtMs: build.t0 + 100_000, approvedBy: null }
  const held: Row = [0, [build.held('approval_required')], 'held', 'initiated']
  const approve = (hash: string): Command => ({ type: 'approve', by: 'ops', hash })
  const over = { approval }
  life(
    [
      held,
      [1, 'drive', 'idle', 'initiated'],
      [1, approve('h2'), 'approval_mismatch', 'initiated'],
      [2, approve('h1'), 'approved', 'initiated'],
      [2, approve('h1'), 'not_held_for_approval', 'initiated'],
      [3, 'drive', 'send authorise', 'validated'],
    ],
    { over },
  )
  life(
    [
      held,
      [100, approve('h1'), 'not_held_for_approval', 'initiated'],
      [100, 'drive', 'reject: rejected', 'rejected'],
    ],
    { over },
  )
  life(
    [
      held,
      [5, { type: 'deny', by: 'ops' }, 'rejected', 'rejected'],
      [6, 'drive', 'done', 'rejected'],
    ],
    { over },
  )
  // A hold that was lifted by mistake is set again: the approval itself is the fact.
  life([[1, 'drive', 'hold: held', 'initiated']], { over })
})

const parked: readonly Row[] = [
  [0, 'drive', 'send authorise', 'validated'],
  [1, answer('authorise', 1, 'connection_lost'), 'observed', 'validated'],
  [2, { type: 'park', reason: 'outcome_unknown' }, 'parked', 'validated'],
  [2, { type: 'park', reason: 'outcome_unknown' }, 'nothing', 'validated'],
  [3, 'drive', 'idle', 'validated'],
]

test('what is parked is left alone until a person redrives it', () => {
  life([
    ...parked,
    [9_000, 'drive', 'idle', 'validated'],
    [9_001, redrive(), 'redriven', 'validated'],
    [9_001, 'drive', 're-send authorise', 'validated'],
  ])
  life([...paid, [3, redrive(), 'not_parked', 'captured']])
})

test('a redrive may give more time and never takes any', () => {
  const day = 86_400
  const longer = life([
    ...parked,
    [day, redrive(build.t0 + 2 * day * 1000), 'redriven', 'validated'],
  ])
  assert.equal(longer.notAfterMs, build.t0 + 2 * day * 1000)
  const shorter = life([...parked, [9, redrive(build.t0), 'redriven', 'validated']])
  assert.equal(shorter.notAfterMs, build.t0 + day * 1000)
})

test('a person’s word ends an unknown, with what it rests on', () => {
  const payment = life([
    ...parked,
    [10, resolve({ finding: 'not_paid' }), 'resolved, observed, voided', 'voided'],
  ])
  assert.equal(payment.state === 'voided' && payment.reason, 'resolved_not_paid')
  const found = life([
    ...parked,
    [
      10,
      resolve({ finding: 'paid', object: captured }),
      'resolved, authorised, captured',
      'captured',
    ],
  ])
  assert.deepEqual(found.holds, [])
  const doubtful: readonly Row[] = [
    ...parked,
    [10, resolve({ finding: 'paid', object: authorised }), 'resolve_contradicts', 'validated'],
    [
      10,
      resolve({ finding: 'paid', object: object('captured', { amount: 999 }) }),
      'resolve_contradicts',
      'validated',
    ],
  ]
  life(doubtful)
})

test('a resolution that proves wrong is corrected by evidence', () => {
  life([
    ...parked,
    [10, resolve({ finding: 'not_paid' }), 'resolved, observed, voided', 'voided'],
    [99, record(captured), 'corrected', 'captured'],
  ])
})
