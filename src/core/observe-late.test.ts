// Evidence that comes late, old, twice, or against an end that was already told.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Evidence } from './observe.ts'

import * as build from '../../test/build.ts'
import { object } from '../../test/build.ts'
import { shapes } from '../../test/shapes.ts'
import { answer, found, life, record } from '../../test/story.ts'
import type { Row } from '../../test/story.ts'
import { decide } from './decide.ts'
import { needsFreshLook } from './observe.ts'

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

// ── Old readings ─────────────────────────────────────────────────────────────────────────────────

test('an old reading never takes a payment back', () => {
  life([
    ...capturing,
    ...(['created', 'pending', 'action_required', 'declined', 'authorised'] as const).map(
      (status): Row => [3, record(object(status)), 'nothing', 'authorised'],
    ),
    [4, answer('capture', 2, 'done', captured), 'captured', 'captured'],
    ...(['created', 'pending', 'action_required', 'declined', 'authorised'] as const).map(
      (status): Row => [5, record(object(status)), 'nothing', 'captured'],
    ),
  ])
})

test('a reading of a decline is not believed while another send may still be executed', () => {
  life([...resent, [21, record(declined), 'nothing', 'validated']], storesNot)
  life([...unknown, [21, record(declined), 'declined', 'declined']], storesNot)
  life([...resent, [21, record(declined), 'declined', 'declined']], stores)
})

test('an object can still show the decline of an earlier attempt: it does not speak for this one', () => {
  const given = build.given({ objectFirst: true, keyCachesErrors: false })
  const rows: readonly Row[] = [
    [0, 'drive', 'send create', 'validated'],
    [1, answer('create', 1, 'done', object('created')), 'object_created', 'validated'],
    [1, 'drive', 'send authorise', 'validated'],
    [
      2,
      [build.observed({ kind: 'authorise' }, 'not_executed', 'all', 'absence')],
      'observed',
      'validated',
    ],
    [60, 'drive', 'send authorise', 'validated'],
  ]
  life([...rows, [61, record(declined), 'nothing', 'validated']], { given })
  const own = answer('authorise', 3, 'declined', declined)
  life([...rows, [61, own, 'observed, declined', 'declined']], { given })
})

test('the end of another attempt’s object says nothing about this one', () => {
  for (const status of ['declined', 'voided', 'expired'] as const) {
    const other = object(status, { attemptId: 'att_1_authorise_9' })
    life([...unknown, [21, record(other), 'nothing', 'validated']])
  }
})

// ── Against an end ───────────────────────────────────────────────────────────────────────────────

const voided: readonly Row[] = [
  ...sent,
  [1, { type: 'void', by: 'agt_1', reason: 'x' }, 'void_requested', 'validated'],
  [2, answer('authorise', 1, 'not_sent'), 'observed', 'validated'],
  [3, 'drive', 'finish_void: voided', 'voided'],
]

test('captured money corrects any end at once, and is spent though nothing was reserved any more', () => {
  life([
    ...voided,
    [4, record(captured), 'corrected', 'captured'],
    [5, record(captured), 'nothing', 'captured'],
  ])
  life([
    ...sent,
    [1, answer('authorise', 1, 'declined'), 'observed, declined', 'declined'],
    [2, answer('authorise', 1, 'done', captured), 'corrected', 'captured'],
  ])
})

test('an authorisation after an end is believed only from a fresh look, and then voided', () => {
  life([
    ...voided,
    [4, record(authorised), 'nothing', 'voided'],
    [4, answer('authorise', 1, 'done', authorised), 'nothing', 'voided'],
    [4, found(null, authorised, 2), 'nothing', 'voided'],
    [4, found(null, authorised, 3), 'corrected, void_requested', 'authorised'],
    [5, 'drive', 'send void', 'authorised'],
    [6, answer('void', 2, 'done', object('voided')), 'voided', 'voided'],
  ])
  for (const { payment, state } of shapes()) {
    const unpaid = ['declined', 'rejected', 'voided', 'expired'].includes(state)
    assert.equal(needsFreshLook(payment, authorised), unpaid, state)
    assert.equal(needsFreshLook(payment, captured), false, state)
  }
})

const paid: readonly Row[] = [
  ...capturing,
  [2, answer('capture', 2, 'done', captured), 'captured', 'captured'],
]

test('a capture that the processor took back is corrected too', () => {
  life([...paid, [9, record(object('voided')), 'corrected', 'voided']])
  life([...paid, [9, found('settlement', object('voided'), 9), 'corrected', 'voided']])
})

test('asking for the settlement counts only while it is still to come', () => {
  const settled = { ...captured, settlement: { id: 'po_1', settledAtMs: build.t0, fee: null } }
  const asked = 'settlement_asked'
  life([
    ...paid,
    [9, found('settlement', 'no answer', 9), asked, 'captured'],
    [99, 'drive', 'look up by object', 'captured'],
    [99, found('settlement', captured, 99), asked, 'captured'],
    [99, 'drive', 'done', 'captured'],
  ])
  life([...paid, [9, found('settlement', settled, 9), 'settled', 'settled']])
})

test('a second object that holds money is told, once, and changes nothing else', () => {
  const second = object('captured', { objectId: 'obj_2' })
  const payment = life([
    ...capturing,
    [2, record(second), 'duplicate_found', 'authorised'],
    [3, record(second), 'nothing', 'authorised'],
    [3, record(object('created', { objectId: 'obj_3' })), 'nothing', 'authorised'],
  ])
  assert.deepEqual(payment.duplicateObjects, ['obj_2'])
})

test('evidence is never refused: every reading of every shape gives facts, not a rejection', () => {
  const statuses = [
    'created',
    'pending',
    'action_required',
    'authorised',
    'captured',
    'declined',
    'voided',
    'expired',
  ] as const
  const signals = [
    'done',
    'already_in_state',
    'declined',
    'slow_down',
    'connection_lost',
    'not_final',
  ] as const
  for (const { payment, hold } of shapes()) {
    if (hold !== 'none' && hold !== 'dead_letter') continue
    for (const status of statuses) {
      const view = object(status)
      const answers = signals.flatMap((signal) => [
        answer('authorise', 1, signal, view),
        answer('capture', 2, signal, view),
        answer('void', 9, signal, view),
        answer('refund', 3, signal, view),
      ])
      for (const evidence of [
        record(view),
        found(null, view, 9),
        found('settlement', view, 9),
        ...answers,
      ]) {
        const { facts } = decide(
          payment,
          { type: 'observe', evidence, judgement: build.given() },
          build.t0 + 60_000,
        )
        assert.ok(facts !== undefined)
        const after = build.after(payment, facts, build.t0 + 60_000)
        if (status === 'captured') assert.ok('amountCaptured' in after)
      }
    }
  }
})

test('the same evidence twice is no news the second time', () => {
  for (const { payment, state, operation, voiding, hold } of shapes()) {
    for (const status of [
      'pending',
      'action_required',
      'authorised',
      'captured',
      'declined',
      'voided',
      'expired',
    ] as const) {
      const command = {
        type: 'observe',
        evidence: record(object(status)),
        judgement: build.given(),
      } as const
      const once = build.after(payment, decide(payment, command, build.t0).facts ?? [])
      const again = decide(once, command, build.t0).facts
      assert.deepEqual(again, [], `${status} on ${state}, ${operation}, ${voiding}, ${hold}`)
    }
  }
})

test('a read that was asked before the end is no fresh look, whatever the clocks say', () => {
  const ended = build.after(
    build.claimed({}),
    [
      { type: 'void_requested', by: 'agent', reason: 'not needed' },
      { type: 'voided', reason: 'not needed', by: null },
    ],
    build.t0,
  )
  const told = (askedSeq: number) => {
    const evidence = { ...found(null, object('authorised'), 0), askedSeq } as Evidence // a finding
    const { facts } = decide(
      ended,
      { type: 'observe', evidence, judgement: build.given() },
      build.t0,
    )
    return facts?.map(({ type }) => type)
  }
  // All of it in one millisecond.
  assert.deepEqual(told(ended.seq - 1), [])
  assert.deepEqual(told(ended.seq), ['corrected', 'void_requested'])
})
