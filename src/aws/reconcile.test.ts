// The function that reconciles: due runs begin, a run that its time does not suffice for goes on in the
// next invocation on another machine, and what is found is told.
import assert from 'node:assert/strict'
import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { createAwsWorld } from '../../test/aws-world.ts'
import { createHttpWorld } from '../../test/http-world.ts'
import {
  allBreaks,
  binding,
  casesOf,
  nowMs,
  pageAt,
  reconcileAll,
  storePayments,
} from '../../test/reconcile-world.ts'
import type { Case } from '../../test/reconcile-world.ts'
import { breakKey } from '../core/breaks.ts'
import { beginReconciliation } from '../engine/reconcile.ts'
import type { Engine } from '../engine/engine.ts'
import type { RecordsPage } from '../ports.ts'
import type { Checkpoints } from './checkpoints.ts'
import { describedProcessor } from './processors.ts'
import { reconcileOnce } from './reconcile.ts'
import type { Reconciling } from './reconcile.ts'

const minute = 60_000
const input = { task: 'Reconcile' } as const

/** What S3 keeps, in a folder. */
function bucketOf(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-bucket-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const placeOf = (run: string): string => join(folder, run)
  const calls: string[] = []
  const checkpoints: Checkpoints = {
    async fetch(run, file) {
      const isKept = existsSync(placeOf(run))
      calls.push(isKept ? 'fetch' : 'none')
      if (isKept) copyFileSync(placeOf(run), file)
      return isKept
    },
    async keep(run, file) {
      calls.push('keep')
      copyFileSync(file, placeOf(run))
    },
    async forget(run) {
      calls.push('forget')
      rmSync(placeOf(run))
    },
  }
  const spoil = (run: string): void => writeFileSync(placeOf(run), 'no database at all')
  return { checkpoints, calls, spoil, isKept: (run: string) => existsSync(placeOf(run)) }
}

/** `null`: the page that is there. */
type PageOf = (from: number) => RecordsPage | null

/** A function over these payments and their records, and everything that it told. */
async function functionOver(t: TestContext, cases: readonly Case[], pageOf?: PageOf) {
  const { aws, told, lines, metric, world } = await createAwsWorld()
  world.hand.nowMs = nowMs
  await storePayments(aws.engine.store, cases)
  const records = cases.flatMap((each) => each.records)
  const read = { pages: 0 }
  const model = aws.engine.processors.get('model')
  assert.ok(model !== undefined)
  const processor = {
    ...model,
    binding,
    async records({ cursor }: { readonly cursor: string | null }) {
      read.pages += 1
      const from = Number(cursor ?? 0)
      return pageOf?.(from) ?? pageAt(records, from)
    },
  }
  const engine: Engine = { ...aws.engine, processors: new Map([['model', processor]]) }
  const bucket = bucketOf(t)
  const given: Reconciling = {
    engine,
    during: aws.during,
    processor: 'model',
    processors: ['model'],
    installation: 'inst_1',
    rhythm: { everyMs: 60 * minute, windowMs: 10 * 24 * 60 * minute },
    checkpoints: bucket.checkpoints,
    write: (line) => void lines.push(JSON.parse(line)),
  }
  const runs = async () => {
    const { rows } = await engine.store.scan({ table: 'reconciliation', limit: 100 })
    return rows.map(({ key, value }) => ({ id: key, ...value }))
  }
  return { given, told, lines, metric, runs, bucket, read, hand: world.hand }
}

const plenty = (): number => 900_000

/** Of the records; another one than that of payments. */
const pageSize = 130

test('a run is begun when it is due, ends in one invocation, and keeps nothing', async (t) => {
  const { given, runs, bucket, metric, hand } = await functionOver(t, casesOf(1, 300, 0))
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 1, underWay: 0 })
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 0, underWay: 0 })
  hand.nowMs += 61 * minute
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 1, underWay: 0 })
  const all = await runs()
  assert.deepEqual(
    all.map(({ status, requestedBy }) => [status, requestedBy]),
    [
      ['finished', 'schedule'],
      ['finished', 'schedule'],
    ],
  )
  assert.equal(all[0]?.counts.payments, 300)
  assert.deepEqual(bucket.calls, ['none', 'none'])
  assert.equal(metric('ReconciledOldestSeconds'), 0)
})

test('a run that the processor did not let end is followed by the next one after five minutes', async (t) => {
  let isAway = true
  const away = { result: 'no_answer', cause: 'http_503', retryAfterMs: 1 } as const
  const { given, runs, hand } = await functionOver(t, casesOf(9, 50, 0), () =>
    isAway ? away : null,
  )
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 1, underWay: 0 })
  isAway = false
  hand.nowMs += 4 * minute
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 0, underWay: 0 })
  hand.nowMs += 2 * minute
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 1, underWay: 0 })
  assert.deepEqual(
    (await runs()).map(({ status }) => status),
    ['finished', 'failed'],
  )
})

/** No lines of files, and none that cannot be read: this function sees neither. */
const asRecords = (cases: readonly Case[]): readonly Case[] =>
  cases.map(({ payment, records, others = [] }) => ({ payment, others, records, expects: null }))

test('a run for which the time does not suffice goes on page by page, and ends as in one go', async (t) => {
  await asInOneGo(t, asRecords(casesOf(2, 1_200, 0.1)))
})

test('what it had learnt in a page that it was cut off in is counted once, too', async (t) => {
  // Of these there is nothing to be learnt any more when they are looked at again.
  const learnt = casesOf(9, 9_000, 0.95).filter(({ expects }) =>
    [null, 'reversed_externally'].includes(expects),
  )
  assert.ok(learnt.length > 500, String(learnt.length))
  await asInOneGo(t, asRecords(learnt))
})

async function asInOneGo(t: TestContext, cases: readonly Case[]): Promise<void> {
  const whole = await reconcileAll(cases)
  const records = cases.flatMap((each) => each.records)
  // So that it is cut off while it reads and in the middle of what it compares.
  const { given, runs, bucket, read } = await functionOver(t, cases, (from) => ({
    result: 'page',
    records: records.slice(from, from + pageSize),
    unreadable: [],
    cursor: from + pageSize < records.length ? String(from + pageSize) : null,
  }))
  let invocations = 0
  for (let underWay = 1; underWay > 0; invocations += 1) {
    assert.ok(invocations < 100, 'it never ends')
    ;({ underWay } = await reconcileOnce(given, { ...input, forSeconds: 0 }, plenty))
  }
  assert.ok(invocations > 10, `${invocations} invocations`)
  const [run, ...others] = await runs()
  assert.equal(others.length, 0)
  assert.deepEqual(run?.counts, whole.run.counts)
  const keys = async (store: Engine['store']) =>
    (await allBreaks(store)).map((each) => breakKey(each)).toSorted()
  assert.deepEqual(await keys(given.engine.store), await keys(whole.engine.store))
  // No page was read twice, and nothing is left behind.
  assert.equal(read.pages, Math.ceil(records.length / pageSize))
  assert.deepEqual([bucket.calls.at(-1), bucket.isKept(run?.id ?? '')], ['forget', false])
  await whole.close()
}

test('little time left: what is under way waits for the next invocation, kept as it is', async (t) => {
  const { given, bucket } = await functionOver(t, casesOf(3, 800, 0))
  assert.deepEqual(await reconcileOnce(given, input, () => 100_000), { ended: 0, underWay: 1 })
  assert.deepEqual(bucket.calls, ['none', 'keep'])
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 1, underWay: 0 })
  assert.deepEqual(bucket.calls.slice(2), ['fetch', 'forget'])
})

test('what was kept cannot be read: it is let go of, and everything is read anew', async (t) => {
  const { given, bucket, runs, told } = await functionOver(t, casesOf(4, 800, 0))
  await reconcileOnce(given, { ...input, forSeconds: 0 }, plenty)
  const [run] = await runs()
  bucket.spoil(run?.id ?? '')
  for (let underWay = 1, tries = 0; underWay > 0; tries += 1) {
    assert.ok(tries < 5, 'it never ends')
    ;({ underWay } = await reconcileOnce(given, input, plenty))
  }
  assert.equal((await runs())[0]?.counts.payments, 800)
  assert.ok(!told.some(({ kind }) => kind === 'reconciliation_break'))
})

test('what was asked for is carried out, and nobody else’s run', async (t) => {
  const { given, runs } = await functionOver(t, casesOf(5, 100, 0))
  const window = { fromMs: nowMs - 86_400_000, toMs: nowMs }
  const onDemand = { ...given, rhythm: { ...given.rhythm, everyMs: 0 } }
  await beginReconciliation(given.engine, { ...window, processor: 'model' }, 'ann')
  await beginReconciliation(given.engine, { ...window, processor: 'other' }, 'ann')
  assert.deepEqual(await reconcileOnce(onDemand, input, plenty), { ended: 1, underWay: 0 })
  const states = (await runs()).map(({ processor, status }) => `${processor} ${status}`)
  assert.deepEqual(states.toSorted(), ['model finished', 'other running'])
})

test('a break that is serious is told before the function is frozen', async (t) => {
  const cases = casesOf(6, 400, 0.1).filter(({ expects }) =>
    [null, 'missing_internally'].includes(expects),
  )
  const { given, told } = await functionOver(t, cases)
  await reconcileOnce(given, input, plenty)
  assert.ok(told.some(({ kind }) => kind === 'reconciliation_break'))
})

test('a store that fails in the middle: it is told, what was read is kept, and the rest follows', async (t) => {
  const made = await functionOver(t, casesOf(7, 800, 0))
  const { given, bucket, lines } = made
  const { store } = given.engine
  const list: typeof store.list = () => Promise.reject(new Error('the table is away'))
  const broken = { ...given, engine: { ...given.engine, store: { ...store, list } } }
  assert.deepEqual(await reconcileOnce(broken, input, plenty), { ended: 0, underWay: 1 })
  assert.deepEqual(bucket.calls, ['none', 'keep'])
  assert.ok(lines.some(({ kind, detail }) => kind === 'bug' && /is away/.test(String(detail))))
  const pages = made.read.pages
  assert.deepEqual(await reconcileOnce(given, input, plenty), { ended: 1, underWay: 0 })
  assert.equal(made.read.pages, pages)
})

test('how long nothing was compared is told, of the processor for which that is longest', async (t) => {
  const { given, metric, hand } = await functionOver(t, casesOf(8, 50, 0), () => ({
    result: 'no_answer',
    cause: 'http_503',
    retryAfterMs: 1,
  }))
  await reconcileOnce(given, input, plenty)
  hand.nowMs += 90 * minute
  await reconcileOnce(given, input, plenty)
  const seconds = Number(metric('ReconciledOldestSeconds'))
  assert.ok(seconds >= 5_400 && seconds < 5_500, String(seconds))
})

test('the door lets a run be asked for, and leaves it to the function', async () => {
  const account = { id: 'a', livemode: false }
  const model = describedProcessor('model', {
    kind: 'simulated',
    url: 'http://127.0.0.1:1',
    account,
  })
  const { ask } = await createHttpWorld({
    engine: () => ({ processors: new Map([['model', model]]) }),
  })
  const asked = await ask('POST', '/v1/reconciliations', { as: 'operator', body: {} })
  assert.equal(asked.status, 202)
  const query = { fromMs: 0, toMs: 1, cursor: null, timeoutMs: 1 }
  await assert.rejects(async () => model.records?.(query), /called by its own function only/)
})
