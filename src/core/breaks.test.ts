import assert from 'node:assert/strict'
import { test } from 'node:test'

import { actOn, agreed, breakKey, endsByAgreement, isNews, seeBreak } from './breaks.ts'
import type { BreakRow } from './breaks.ts'
import { breakTable } from './reconcile.ts'
import type { BreakType, Difference } from './reconcile.ts'

const difference = (type: BreakType, over: Partial<Difference> = {}): Difference => ({
  type,
  paymentId: 'pay_1',
  objectId: 'ch_1',
  currency: 'EUR',
  valueAtRisk: 100,
  ours: 'ours',
  theirs: 'theirs',
  ...over,
})

const sighting = (type: BreakType, run: string, atMs: number) => ({
  difference: difference(type),
  processor: 'model',
  run,
  atMs,
})

const first = seeBreak(null, sighting('amount_mismatch', 'rec_1', 1))
const word = { by: 'Olga', reason: 'ticket 4711', atMs: 9 }
const acted = (row: BreakRow, act: 'investigate' | 'resolve' | 'write_off'): BreakRow => {
  const after = actOn(row, act, word)
  assert(after !== null)
  return after
}

test('what is seen again is the same break, with its first sight and its last', () => {
  const again = seeBreak(first, sighting('amount_mismatch', 'rec_2', 5))
  assert.deepEqual(again, { ...first, lastRun: 'rec_2', lastSeenAtMs: 5 })
  assert.equal(isNews(null, first), true)
  assert.equal(isNews(first, again), false)
})

test('what was waited for and is overdue is promoted, and that is news', () => {
  const waiting = seeBreak(null, sighting('pending_timing', 'rec_1', 1))
  assert.equal(breakKey(difference('pending_timing')), breakKey(difference('missing_at_processor')))
  const missed = seeBreak(waiting, sighting('missing_at_processor', 'rec_2', 5))
  assert.deepEqual([missed.severity, missed.firstSeenAtMs], ['critical', 1])
  assert.equal(isNews(waiting, missed), true)
})

test('one break for one subject and kind, whatever else differs', () => {
  const keys = new Set([
    breakKey(difference('amount_mismatch')),
    breakKey(difference('amount_mismatch', { valueAtRisk: 5, objectId: 'ch_2' })),
  ])
  assert.equal(keys.size, 1)
  const others = [
    difference('fee_variance'),
    difference('amount_mismatch', { paymentId: 'pay_2' }),
    difference('missing_internally', { objectId: 'ch_3' }),
    difference('missing_internally', { objectId: 'ch_4' }),
  ]
  assert.equal(new Set([...keys, ...others.map(breakKey)]).size, 5)
})

test('an investigation goes on while it is still seen; what was resolved opens anew', () => {
  const investigating = acted(first, 'investigate')
  const seen = seeBreak(investigating, sighting('amount_mismatch', 'rec_2', 12))
  assert.deepEqual([seen.status, seen.by, seen.reason], ['investigating', 'Olga', 'ticket 4711'])
  const resolved = acted(seen, 'resolve')
  assert.equal(resolved.endedAtMs, 9)
  const anew = seeBreak(resolved, sighting('amount_mismatch', 'rec_3', 20))
  assert.deepEqual([anew.status, anew.by, anew.endedAtMs], ['open', null, null])
  assert.equal(anew.firstSeenAtMs, 1)
  assert.equal(isNews(resolved, anew), true)
})

test('a loss that was accepted stays accepted', () => {
  const written = acted(first, 'write_off')
  const seen = seeBreak(written, sighting('amount_mismatch', 'rec_2', 12))
  assert.equal(seen.status, 'written_off')
  assert.equal(isNews(written, seen), false)
})

test('nothing is done to what has ended', () => {
  for (const act of ['resolve', 'write_off'] as const) {
    const over = acted(first, act)
    for (const next of ['investigate', 'resolve', 'write_off'] as const) {
      assert.equal(actOn(over, next, word), null)
    }
  }
})

test('agreement ends what may be mended, never what a person has to look at', () => {
  const person = Object.keys(breakTable).filter((type) => {
    const row = seeBreak(null, sighting(type as BreakType, 'rec_1', 1)) // the table's own keys
    return !endsByAgreement(row)
  })
  assert.deepEqual(person.toSorted(), [
    'ambiguous_match',
    'duplicate_at_processor',
    'duplicate_internal',
    'reversed_externally',
    'unparseable_row',
  ])
  const over = agreed(first, 'rec_2', 7)
  assert.deepEqual([over.status, over.by, over.endedAtMs], ['resolved', 'quittance', 7])
  assert.equal(endsByAgreement(over), false)
})
