// Every cell of the table: what each answer means for each operation, written out as literals.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { object } from '../../test/build.ts'
import { classify, isDead, outcomeByObject, outcomeTable } from './outcome.ts'
import type { ObjectView, Outcome, Signal } from './outcome.ts'
import type { Attempt, OperationKind } from './payment.ts'

const kinds: readonly OperationKind[] = ['create', 'authorise', 'capture', 'void', 'refund']

const attempt = (objectId: string | null, oneStep = false): Attempt => ({
  id: 'att_1',
  number: 1,
  request: { amount: 1000, objectId, oneStep, apiVersion: '1' },
  sends: [],
})

// No object came along: then nothing is believed that would need one.
//                     create          authorise       capture         void            refund
const bare: Readonly<Record<Signal, string>> = {
  done: '              unknown         unknown         unknown         unknown         unknown',
  not_final: '         pending         pending         pending         pending         pending',
  already_in_state: '  unknown         unknown         unknown         unknown         unknown',
  declined: '          declined        declined        declined        declined        declined',
  invalid_content: '   declined        declined        declined        declined        declined',
  not_sent:
    '          not_executed    not_executed    not_executed    not_executed    not_executed',
  connection_lost: '   unknown         unknown         unknown         unknown         unknown',
  gateway_error: '     unknown         unknown         unknown         unknown         unknown',
  server_error: '      unknown         unknown         unknown         unknown         unknown',
  slow_down:
    '         not_executed    not_executed    not_executed    not_executed    not_executed',
  in_flight: '         unknown         unknown         unknown         unknown         unknown',
  key_mismatch: '      unknown         unknown         unknown         unknown         unknown',
  account_fault:
    '     not_executed    not_executed    not_executed    not_executed    not_executed',
  unreadable: '        unknown         unknown         unknown         unknown         unknown',
  mismatched_answer: ' unknown         unknown         unknown         unknown         unknown',
  unlisted: '          unknown         unknown         unknown         unknown         unknown',
}

test('each signal means for each operation what the table says', () => {
  assert.deepEqual(Object.keys(bare), Object.keys(outcomeTable))
  let cells = 0
  for (const [signal, row] of Object.entries(bare) as [Signal, string][]) {
    row
      .trim()
      .split(/\s+/)
      .forEach((expected, index) => {
        const kind = kinds[index] ?? assert.fail('a row has five cells')
        cells += 1
        assert.equal(
          classify(kind, attempt('obj_1'), { signal, object: null }),
          expected,
          `${signal} of ${kind}`,
        )
      })
  }
  assert.equal(cells, 16 * 5)
})

// An object came along, with `done` or `already_in_state`.
//                   create     authorise     in one step   capture       void       refund
const shown: Readonly<Record<ObjectView['status'], string>> = {
  created: '         succeeded  unknown       unknown       unknown       unknown    unknown',
  pending: '         succeeded  pending       pending       unknown       unknown    unknown',
  action_required: ' succeeded  pending       pending       unknown       unknown    unknown',
  authorised: '      succeeded  succeeded     pending       unknown       unknown    unknown',
  captured: '        succeeded  succeeded     succeeded     succeeded     declined   unknown',
  declined: '        succeeded  declined      declined      unknown       unknown    unknown',
  voided: '          succeeded  not_executed  not_executed  not_executed  succeeded  unknown',
  expired: '         succeeded  not_executed  not_executed  not_executed  succeeded  unknown',
}

const columns = [
  ['create', attempt(null)],
  ['authorise', attempt(null)],
  ['authorise', attempt(null, true)],
  ['capture', attempt('obj_1')],
  ['void', attempt('obj_1')],
  ['refund', attempt('obj_1')],
] as const

test('where the object decides, each of its states means what the table says', () => {
  let cells = 0
  for (const [status, row] of Object.entries(shown) as [ObjectView['status'], string][]) {
    row
      .trim()
      .split(/\s+/)
      .forEach((expected, index) => {
        const [kind, asked] = columns[index] ?? assert.fail('a row has six cells')
        for (const signal of ['done', 'already_in_state'] as const) {
          cells += 1
          const outcome = classify(kind, asked, { signal, object: object(status) })
          assert.equal(outcome, expected, `${signal} of ${kind}, object ${status}`)
        }
      })
  }
  assert.equal(cells, 8 * 6 * 2)
})

test('the object decides nothing where the signal already has: its own words count', () => {
  const decided = Object.entries(outcomeTable).filter(([, { outcome }]) => outcome !== 'by_object')
  for (const [signal, { outcome }] of decided as [Signal, { outcome: Outcome }][]) {
    for (const kind of kinds) {
      const answer = { signal, object: object('captured') }
      assert.equal(classify(kind, attempt('obj_1'), answer), outcome, `${signal} of ${kind}`)
    }
  }
})

test('a refund is what its own entry on the object says', () => {
  const refund = (
    attemptId: string | null,
    status: 'succeeded' | 'pending' | 'failed',
  ): ObjectView =>
    object('captured', { refunds: [{ objectId: 're_1', attemptId, amount: 400, status }] })
  const rows: readonly [ObjectView, Outcome][] = [
    [refund('att_1', 'succeeded'), 'succeeded'],
    [refund('att_1', 'pending'), 'pending'],
    [refund('att_1', 'failed'), 'declined'],
    [refund('att_2', 'succeeded'), 'unknown'],
    [refund(null, 'succeeded'), 'unknown'],
  ]
  for (const [view, expected] of rows) {
    assert.equal(outcomeByObject('refund', attempt('obj_1'), view), expected)
  }
})

test('a partly captured object counts as captured, whatever its status says', () => {
  const partly = object('authorised', { amountCaptured: 400 })
  assert.equal(outcomeByObject('capture', attempt('obj_1'), partly), 'succeeded')
  assert.equal(outcomeByObject('void', attempt('obj_1'), partly), 'declined')
})

test('only a void by our own reference succeeds without an object, and only where it was done', () => {
  assert.equal(classify('void', attempt(null), { signal: 'done', object: null }), 'succeeded')
  assert.equal(
    classify('void', attempt(null), { signal: 'already_in_state', object: null }),
    'unknown',
  )
  assert.equal(classify('void', attempt('obj_1'), { signal: 'done', object: null }), 'unknown')
})

test('only a cancelled or lapsed object takes no money any more; a declined one may be tried again', () => {
  const dead = Object.keys(shown).filter((status) => isDead(object(status as ObjectView['status'])))
  assert.deepEqual(dead, ['voided', 'expired'])
})
