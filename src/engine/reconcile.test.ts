// Whole runs over payments and records that were made to disagree at known places.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import {
  casesOf,
  injections,
  judge,
  nowMs,
  pageAt,
  reconcileAll,
} from '../../test/reconcile-world.ts'
import type { ProcessorRecord } from '../core/reconcile.ts'
import { openRecordIndex } from '../stores/sqlite/record-index.ts'

test('what agrees has no break, and all of it matches', async () => {
  const cases = casesOf(1, 1_000, 0)
  const { run, breaks, close } = await reconcileAll(cases)
  assert.deepEqual(breaks, [])
  assert.equal(run.status, 'finished')
  const { payments, records, matched, matchable, totals, evidence } = run.counts
  assert.equal(payments, 1_000)
  assert.equal(records, cases.flatMap((each) => each.records).length)
  assert(matchable > 500 && matched === matchable)
  const { ours, theirs, matched: agreed } = totals['EUR'] ?? { ours: 0, theirs: 1, matched: 2 }
  assert(ours > 500_000 && ours === theirs && theirs === agreed)
  assert.equal(evidence, 0)
  await close()
})

test('every kind of break is found with its type, each time, and none besides', async () => {
  const types = new Set<string>()
  for (const seed of [1, 2, 3]) {
    const cases = casesOf(seed, 1_500, 0.1)
    const { breaks, close } = await reconcileAll(cases)
    const { injected, found, mistyped, falseBreaks } = judge(cases, breaks)
    assert(injected > 100)
    assert.deepEqual([found, mistyped, falseBreaks], [injected, 0, 0], `seed ${seed}`)
    for (const { type } of breaks) types.add(type)
    await close()
  }
  assert.deepEqual([...types].toSorted(), Object.keys(injections).toSorted())
})

test('one object of two payments is told once, with both of them', async () => {
  const [first, second] = casesOf(4, 200, 0).filter(({ payment }) => payment?.state === 'settled')
  assert(first?.payment != null && second?.payment != null)
  const claimed = { ...second.payment, objectId: first.payment.objectId ?? '' }
  const both = [first, { ...second, payment: claimed, records: [] }]
  const { breaks, close } = await reconcileAll(both)
  assert.deepEqual(
    breaks.map(({ type }) => type),
    ['duplicate_internal'],
  )
  assert(breaks[0]?.ours.includes(first.payment.id) && breaks[0].ours.includes(claimed.id))
  await close()
})

test('a line that cannot be read is kept, and the run goes on', async () => {
  const { run, breaks, close } = await reconcileAll(casesOf(5, 50, 0), (records, from) => ({
    ...(pageAt(records, from) as Extract<ReturnType<typeof pageAt>, { result: 'page' }>),
    unreadable: ['{"object":"charge"'],
  }))
  assert.equal(run.status, 'finished')
  assert.deepEqual(
    breaks.map(({ type, theirs }) => [type, theirs]),
    [['unparseable_row', '{"object":"charge"']],
  )
  await close()
})

test('pages that go round end the run: what was not read is not called missing', async () => {
  const { run, breaks, close } = await reconcileAll(casesOf(6, 50, 0), (records) => ({
    ...(pageAt(records, 0) as Extract<ReturnType<typeof pageAt>, { result: 'page' }>),
    cursor: '0',
  }))
  assert.deepEqual([run.status, run.cause], ['failed', 'its pages repeat'])
  assert.deepEqual(breaks, [])
  await close()
})

test('a processor that does not answer ends the run, and no break comes of it', async () => {
  const { run, breaks, close } = await reconcileAll(casesOf(7, 50, 0.5), () => ({
    result: 'no_answer',
    cause: 'http_503',
    retryAfterMs: null,
  }))
  assert.deepEqual([run.status, run.cause], ['failed', 'http_503'])
  assert.deepEqual(breaks, [])
  await close()
})

test('records that come twice count once', async () => {
  const cases = casesOf(8, 700, 0)
  const { run, breaks, close } = await reconcileAll(cases, (records, from) => {
    const all = [...records, ...records]
    return pageAt(all, from)
  })
  assert.deepEqual(breaks, [])
  assert.equal(run.counts.records, cases.flatMap((each) => each.records).length)
  await close()
})

test('the next run finds the same breaks, ends what agrees by then, and learns what was settled', async () => {
  const cases = casesOf(10, 600, 0.2)
  const { engine, breaks, close, again } = await reconcileAll(cases)
  assert(breaks.length > 50)
  const second = await again(cases.flatMap((each) => each.records))
  assert.deepEqual(
    second.breaks.map((each) => ({ ...each, lastRun: '' })),
    breaks.map((each) => ({ ...each, lastRun: '' })),
  )
  // The processor's side is mended where only an amount was wrong, and all that agrees is settled.
  const third = await again(
    cases.flatMap(({ payment, records, expects }) => {
      if (expects === null) return records.map(inSettlement)
      const captured = payment !== null && 'amountCaptured' in payment ? payment.amountCaptured : 0
      return expects === 'amount_mismatch'
        ? records.map((each) => withCaptured(each, captured))
        : records
    }),
  )
  assert(third.run.counts.evidence > 30)
  const ended = third.breaks.filter(({ status }) => status === 'resolved')
  const wrong = breaks.filter(({ type }) => type === 'amount_mismatch')
  assert(wrong.length > 3)
  assert.deepEqual(
    ended.map(({ type, paymentId, by }) => [type, paymentId, by]),
    wrong.map(({ type, paymentId }) => [type, paymentId, 'quittance']),
  )
  const settled = await engine.store.list({ account: null, state: 'captured', limit: 100 })
  const left = settled.rows.filter(({ value }) =>
    cases.some((each) => each.expects === null && each.payment?.id === value.payment.id),
  )
  assert.deepEqual(left, [])
  await close()
})

const withCaptured = (record: ProcessorRecord, amountCaptured: number): ProcessorRecord => ({
  ...record,
  object: { ...record.object, amountCaptured },
})

function inSettlement(record: ProcessorRecord): ProcessorRecord {
  const { object } = record
  const settlement = object.amountCaptured > 0 ? { id: 'po_1', settledAtMs: nowMs, fee: 30 } : null
  return { ...record, object: { ...object, settlement: object.settlement ?? settlement } }
}

test('an index goes on where its process died', () => {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-records-'))
  const file = join(folder, 'records.db')
  const records = casesOf(9, 900, 0).flatMap((each) => each.records)
  const first = openRecordIndex(file)
  const page = pageAt(records, 0)
  assert(page.result === 'page')
  first.add(page)
  first.close(false)
  const again = openRecordIndex(file)
  assert.deepEqual(again.place(), { cursor: '500', isComplete: false })
  assert.equal(again.count(), 500)
  again.close(true)
  const anew = openRecordIndex(file)
  assert.deepEqual([anew.place().cursor, anew.count()], [null, 0])
  anew.close(true)
  rmSync(folder, { recursive: true })
  assert(nowMs > 0)
})
