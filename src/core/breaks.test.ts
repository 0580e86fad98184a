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
const binding = { processor: 'model', processorAccount: 'acct_1', livemode: true }
const books = { binding, isSettled: false }
const acted = (row: BreakRow, act: 'investigate' | 'resolve' | 'write_off'): BreakRow => {
  const after = actOn(row, act, word, books)
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

test('an object without a payment is one break, waited for or missed', () => {
  const theirs = { ours: 'no payment', paymentId: 'pay_unknown' }
  assert.equal(
    breakKey(difference('pending_timing', theirs)),
    breakKey(difference('missing_internally', theirs)),
  )
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
      assert.equal(actOn(over, next, word, books), null)
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

test('a write-off says once and for all what it does to the books', () => {
  const booked = (type: BreakType, amount: number): BreakRow =>
    seeBreak(null, {
      ...sighting(type, 'rec_1', 1),
      difference: difference(type, { booked: amount }),
    })
  const loss = { atMs: 9, currency: 'EUR', livemode: true, amount: 70 }
  const [losses, clearing, cash] = ['write_offs', 'clearing', 'cash'].map(
    (name) => `${name}:model/acct_1`,
  )
  const missing = acted(booked('missing_at_processor', 70), 'write_off')
  assert.deepEqual(missing.writtenOff, { ...loss, debit: losses, credit: clearing })
  // The processor has more than our books: it comes into them.
  const surplus = acted(booked('duplicate_at_processor', -70), 'write_off')
  assert.deepEqual(surplus.writtenOff, { ...loss, debit: clearing, credit: losses })
  const settled = actOn(booked('amount_mismatch', 70), 'write_off', word, {
    binding,
    isSettled: true,
  })
  assert.equal(settled?.writtenOff?.credit, cash)
  assert.equal(acted(booked('fee_variance', 70), 'write_off').writtenOff?.credit, cash)
  // What stands in no book is not taken out of one.
  assert.equal(acted(first, 'write_off').writtenOff, undefined)
  assert.equal(acted(booked('amount_mismatch', 70), 'resolve').writtenOff, undefined)
  const again = seeBreak(missing, {
    ...sighting('missing_at_processor', 'rec_2', 20),
    difference: difference('missing_at_processor', { booked: 900, valueAtRisk: 900 }),
  })
  assert.deepEqual([again.writtenOff, again.valueAtRisk], [missing.writtenOff, 100])
})

test('what no longer stands in the books is not written off from an older sight', () => {
  const before = seeBreak(null, {
    ...sighting('amount_mismatch', 'rec_1', 1),
    difference: difference('amount_mismatch', { booked: 70 }),
  })
  const now = seeBreak(before, sighting('amount_mismatch', 'rec_2', 2))
  assert.equal(acted(now, 'write_off').writtenOff, undefined)
})
