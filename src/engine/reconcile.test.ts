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
import {
  allBreaks,
  engineOver,
  settleLines,
  storePayments,
  windowMs,
} from '../../test/reconcile-world.ts'
import type { Case } from '../../test/reconcile-world.ts'
import { breakKey } from '../core/breaks.ts'
import type { BreakRow } from '../core/breaks.ts'
import type { Payment } from '../core/payment.ts'
import { defaultReconcilePolicy as policy } from '../core/reconcile.ts'
import { openConnection, storeOn } from '../stores/sqlite/store.ts'
import { beginReconciliation, runReconciliation } from './reconcile.ts'
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
  const { run, breaks, close } = await reconcileAll(casesOf(5, 50, 0), {
    pageOf: (records, from) => ({
      ...(pageAt(records, from) as Extract<ReturnType<typeof pageAt>, { result: 'page' }>),
      unreadable: ['{"object":"charge"'],
    }),
  })
  assert.equal(run.status, 'finished')
  assert.deepEqual(
    breaks.map(({ type, theirs }) => [type, theirs]),
    [['unparseable_row', '{"object":"charge"']],
  )
  await close()
})

test('pages that go round end the run: what was not read is not called missing', async () => {
  const { run, breaks, close } = await reconcileAll(casesOf(6, 50, 0), {
    pageOf: (records) => ({
      ...(pageAt(records, 0) as Extract<ReturnType<typeof pageAt>, { result: 'page' }>),
      cursor: '0',
    }),
  })
  assert.deepEqual([run.status, run.cause], ['failed', 'its pages repeat'])
  assert.deepEqual(breaks, [])
  await close()
})

test('a processor that does not answer ends the run, and no break comes of it', async () => {
  const { run, breaks, close } = await reconcileAll(casesOf(7, 50, 0.5).map(withoutLines), {
    pageOf: () => ({
      result: 'no_answer',
      cause: 'http_503',
      retryAfterMs: null,
    }),
  })
  assert.deepEqual([run.status, run.cause], ['failed', 'http_503'])
  assert.deepEqual(breaks, [])
  await close()
})

test('records that come twice count once', async () => {
  const cases = casesOf(8, 700, 0)
  const { run, breaks, close } = await reconcileAll(cases, {
    pageOf: (records, from) => {
      const all = [...records, ...records]
      return pageAt(all, from)
    },
  })
  assert.deepEqual(breaks, [])
  assert.equal(run.counts.records, cases.flatMap((each) => each.records).length)
  await close()
})

test('the next run finds the same breaks, ends what agrees by then, and learns what was settled', async () => {
  const cases = casesOf(10, 600, 0.2).map(withoutLines).filter(isInRecords)
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

// What only a file or another page tells is not told again by the records.
const withoutLines = ({ lines = [], ...rest }: Case): Case =>
  lines.length === 0 ? rest : { ...rest }
const isInRecords = ({ expects, records, payment }: Case): boolean =>
  expects !== 'unparseable_row' &&
  expects !== 'ambiguous_match' &&
  (payment !== null || records.length > 0)

const withCaptured = (record: ProcessorRecord, amountCaptured: number): ProcessorRecord => ({
  ...record,
  object: { ...record.object, amountCaptured },
})

function inSettlement(record: ProcessorRecord): ProcessorRecord {
  const { object } = record
  const settlement = object.amountCaptured > 0 ? { id: 'po_1', settledAtMs: nowMs, fee: 30 } : null
  return { ...record, object: { ...object, settlement: object.settlement ?? settlement } }
}

test('a settlement file settles what was captured, with its fee, once, and changes nothing else', async () => {
  const cases = casesOf(11, 300, 0).map(withoutLines)
  const { engine, close } = await reconcileAll(cases)
  const [captured, other] = cases.flatMap(({ payment }) =>
    payment?.state === 'captured' ? [payment] : [],
  )
  assert(captured !== undefined && other !== undefined)
  const { id, objectId, amount, reference } = captured
  const line = {
    kind: 'captured',
    paymentId: null,
    attemptId: null,
    objectId,
    movementId: null,
    reference: ` ${reference.toLowerCase()} `,
    currency: 'EUR',
    amount,
    fee: 41,
    batch: 'B1',
    settledAtMs: nowMs,
  } as const
  // The other one is named by reference and amount only.
  const weak = { ...line, objectId: null, reference: other.reference, amount: other.amount }
  const run = await settleLines(engine, [line, line, weak])
  assert.deepEqual(
    [run.counts.breaks, run.counts.evidence, run.counts.repeated, run.counts.matched],
    [{ ambiguous_match: 1 }, 1, 1, 1],
  )
  const read = async (key: string) =>
    (await engine.store.read([{ table: 'payment', key }]))[0]?.value.payment
  const settled = await read(id)
  assert(settled?.state === 'settled')
  assert.deepEqual(settled.settlement, { id: 'B1', settledAtMs: nowMs, fee: 41 })
  assert.deepEqual(await read(other.id), other)
  const again = await settleLines(engine, [line])
  assert.deepEqual([again.counts.evidence, again.counts.breaks], [0, {}])
  assert.deepEqual(await read(id), settled)
  await close()
})

test('a run that died between two pages, or in the middle of its breaks, finds what it would have found', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-killed-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const cases = casesOf(12, 2_000, 0.1).map(withoutLines).filter(isInRecords)
  const whole = await reconcileAll(cases)
  const keys = (breaks: readonly BreakRow[]) => breaks.map((each) => breakKey(each)).toSorted()
  const expected = keys(whole.breaks)
  assert(expected.length > 100)
  await whole.close()
  for (const dying of ['page', 'break'] as const) {
    const store = storeOn(openConnection(':memory:'), () => undefined)
    await storePayments(store, cases)
    const records = cases.flatMap((each) => each.records)
    const given = { store, pageOf: pageAt, skewMs: 0 }
    let [pages, commits] = [0, 0]
    const engine = engineOver(
      {
        ...given,
        pageOf: (all, from) => {
          pages += 1
          if (dying === 'page' && pages === 3) throw new Error('killed')
          return pageAt(all, from)
        },
        store: {
          ...store,
          commit: async (write) => {
            commits += 1
            if (dying === 'break' && commits === 60) throw new Error('killed')
            return store.commit(write)
          },
        },
      },
      records,
      nowMs,
    )
    const file = join(folder, `${dying}.db`)
    const window = { processor: 'model', fromMs: nowMs - windowMs, toMs: nowMs }
    const id = (await beginReconciliation(engine, window, 'test')) ?? ''
    const first = openRecordIndex(file)
    await assert.rejects(runReconciliation(engine, { id, index: first, policy }), /killed/)
    first.close(false)
    const second = openRecordIndex(file)
    const reborn = engineOver(given, records, nowMs + 60_000)
    const run = await runReconciliation(reborn, { id, index: second, policy })
    second.close(true)
    assert.equal(run?.status, 'finished', dying)
    // What was compared before it died is counted once.
    const { payments, matchable, totals } = whole.run.counts
    assert.deepEqual(
      [run.counts.payments, run.counts.matchable, run.counts.totals],
      [payments, matchable, totals],
      dying,
    )
    assert.deepEqual(keys(await allBreaks(store)), expected, dying)
    await store.close()
  }
})

test('a payment that went on while its records were read is no break; two captures of it are', async () => {
  const cases = casesOf(13, 200, 0).map(withoutLines)
  const { again, close, engine } = await reconcileAll(cases)
  const held = cases.find(({ payment }) => payment?.state === 'authorised')
  assert(held?.payment != null)
  const { payment } = held
  // It was authorised in the records, and is captured by the time that it is compared.
  const captured = { ...payment, updatedAtMs: nowMs + 7_200_001, state: 'captured' }
  const full = {
    ...captured,
    operation: undefined,
    amountCaptured: payment.amount,
    amountReversed: 0,
    capturedAtMs: nowMs,
    refunds: [],
  } as unknown as Payment // as it would have become
  const value = { payment: full, dueAtMs: null, run: 1 }
  const put = { do: 'put', table: 'payment', key: payment.id, value, if: null } as const
  await engine.store.commit({ commitId: 'cmt_moved', actions: [put] })
  const records = cases.flatMap((each) => each.records)
  assert.deepEqual((await again(records, 7_200_000)).breaks, [])
  const [own] = held.records
  assert(own !== undefined)
  const twice = ['ch_a', 'ch_b'].map((objectId) => ({
    ...own,
    object: { ...own.object, objectId, amountCaptured: 5 },
  }))
  const found = await again([...records, ...twice], 7_200_000)
  assert.deepEqual(
    found.breaks.map(({ type }) => type),
    ['duplicate_at_processor'],
  )
  await close()
})

test('cursors that go round by a longer way end the run as well', async () => {
  const { run, breaks, close } = await reconcileAll(casesOf(14, 50, 0).map(withoutLines), {
    pageOf: (records, from) => ({
      ...(pageAt(records, 0) as Extract<ReturnType<typeof pageAt>, { result: 'page' }>),
      cursor: String((from + 1) % 3),
    }),
  })
  assert.deepEqual([run.status, run.cause, breaks], ['failed', 'its pages repeat', []])
  await close()
})

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
