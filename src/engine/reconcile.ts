// One reconciliation: the processor's records of a window are read into an index, then compared with our
// payments, both ways. Nothing of a payment is changed but what a record proves of it. Each part can be
// repeated: a run that died goes on where it was, page by page, and what it had found is found again as
// the same.
import { noCounts } from '../core/breaks.ts'
import type { ReconciliationRow } from '../core/breaks.ts'
import type { Payment } from '../core/payment.ts'
import { compare, sharedObject } from '../core/reconcile.ts'
import type { Difference, ReconcilePolicy } from '../core/reconcile.ts'
import type { Action, Processor } from '../ports.ts'
import type { RecordIndex } from './record-index.ts'
import { followHint, observeEvidence } from './advance.ts'
import { endWhatAgrees, keepBreaks } from './breaks.ts'
import type { Engine } from './engine.ts'
import { keepProgress, progressOf } from './reconcile-progress.ts'
import type { Progress } from './reconcile-progress.ts'
import { createTally } from './reconcile-tally.ts'
import type { Group, Tally } from './reconcile-tally.ts'

export interface Window {
  readonly processor: string
  /** Payments made, and objects of the processor made, from here on. */
  readonly fromMs: number
  readonly toMs: number
}

/** The window of a run that is under way. */
type Run = Window & { readonly startedAtMs: number }

export interface Reconciling {
  readonly id: string
  readonly index: RecordIndex
  readonly policy: ReconcilePolicy
  /** Ends between two pages; the run stays as it is and goes on the next time. */
  readonly isStopping?: () => boolean
  readonly onProgress?: (done: { readonly records: number; readonly payments: number }) => void
}

/** Payments that are compared at once. */
const batchSize = 100

const callTimeoutMs = 30_000

/** Their clock may be so far from ours: what they say was made then is looked for around our window. */
const maxSkewMs = 25 * 3_600_000

/** Pages in a row without anything new: they go round, by whatever cursors. */
const maxStalePages = 100

/** Tries of one page, a second apart and then longer; an outage is waited for by the next run. */
const maxTries = 6

/**
 * Stores that a run is to be made, so that it is made whatever happens. `null`: one of this processor is
 * under way. Rejects where the store is away.
 */
export async function beginReconciliation(
  engine: Engine,
  window: Window,
  requestedBy: string,
): Promise<string | null> {
  const running = await runsUnderWay(engine)
  const isSame = ({ processor, file }: ReconciliationRow): boolean =>
    processor === window.processor && file === undefined
  if (running.some(({ value }) => isSame(value))) return null
  const startedAtMs = engine.time.nowMs(0)
  const id = engine.ids.next('rec', startedAtMs)
  const none = { endedAtMs: null, cause: null, counts: noCounts } as const
  const value: ReconciliationRow = {
    status: 'running',
    ...window,
    requestedBy,
    startedAtMs,
    ...none,
  }
  const put: Action = { do: 'put', table: 'reconciliation', key: id, value, if: { absent: true } }
  const commitId = engine.ids.next('cmt', startedAtMs)
  const { result } = await engine.store.commit({ commitId, actions: [put] })
  if (result !== 'committed') throw new Error('the store did not take the run')
  return id
}

/** Of twins that began at one moment both are run: what they find is found once. */
export async function runsUnderWay(engine: Engine) {
  const page = await engine.store.scan({ table: 'reconciliation', status: 'running', limit: 100 })
  return page.rows
}

/** Runs it to its end; `null`: it was told to stop, or was not there to be run. */
export async function runReconciliation(
  engine: Engine,
  reconciling: Reconciling,
): Promise<ReconciliationRow | null> {
  const { id, index } = reconciling
  const [row] = await engine.store.read([{ table: 'reconciliation', key: id }])
  if (row?.value.status !== 'running') return null
  const processor = engine.processors.get(row.value.processor)
  if (processor?.records === undefined) {
    return finishRun(engine, id, { status: 'failed', cause: 'this processor tells no records' })
  }
  const read = await readRecords(engine, processor, row.value, reconciling)
  if (read === 'stopped') return null
  if (read !== 'complete') return finishRun(engine, id, { status: 'failed', cause: read })
  const tally = createTally(progressOf(index)?.tally)
  const compared = await compareAll(engine, row.value, reconciling, tally)
  if (!compared) return null
  const counts = tally.counts(index.count())
  return finishRun(engine, id, { status: 'finished', cause: null, counts })
}

/** Ended runs are never changed: a twin that ends it as well changes nothing. */
export async function finishRun(
  engine: Engine,
  id: string,
  end: Pick<ReconciliationRow, 'status' | 'cause'> & Partial<ReconciliationRow>,
): Promise<ReconciliationRow | null> {
  const [row] = await engine.store.read([{ table: 'reconciliation', key: id }])
  if (row?.value.status !== 'running') return row?.value ?? null
  const nowMs = engine.time.nowMs(0)
  const value: ReconciliationRow = { ...row.value, ...end, endedAtMs: nowMs }
  const condition = { version: row.version }
  const put: Action = { do: 'put', table: 'reconciliation', key: id, value, if: condition }
  const commitId = engine.ids.next('cmt', nowMs)
  const { result } = await engine.store.commit({ commitId, actions: [put] })
  if (result === 'committed') return value
  if (result === 'conflict') return finishRun(engine, id, end)
  throw new Error('the store did not take the end of the run')
}

// ── Records ──────────────────────────────────────────────────────────────────────────────────────

async function readRecords(
  engine: Engine,
  processor: Processor,
  { fromMs, toMs }: Window,
  { index, isStopping, onProgress }: Reconciling,
): Promise<'complete' | 'stopped' | (string & {})> {
  let stale = 0
  for (let tries = 1; ;) {
    const { cursor, isComplete } = index.place()
    if (isComplete) return 'complete'
    if (isStopping?.() === true) return 'stopped'
    const page = await processor.records?.({
      fromMs: Math.max(0, fromMs - maxSkewMs),
      toMs: toMs + maxSkewMs,
      cursor,
      timeoutMs: callTimeoutMs,
    })
    if (page?.result !== 'page') {
      if (page === undefined || tries >= maxTries) return page?.cause ?? 'no records'
      await engine.clock.sleep(page.retryAfterMs ?? tries * tries * 250)
      tries += 1
      continue
    }
    // It would go round for ever, and call the rest of the window missing.
    if (page.cursor !== null && page.cursor === cursor) return 'its pages repeat'
    tries = 1
    const isNews = index.add(page) > 0 || page.unreadable.length > 0
    stale = isNews ? 0 : stale + 1
    if (stale >= maxStalePages) return 'its pages repeat'
    onProgress?.({ records: index.count(), payments: 0 })
  }
}

// ── Both ways ────────────────────────────────────────────────────────────────────────────────────

async function compareAll(
  engine: Engine,
  window: Run,
  reconciling: Reconciling,
  tally: Tally,
): Promise<boolean> {
  const { id, index } = reconciling
  if (!(await compareBoth(engine, window, reconciling, tally))) return false
  await compareNameless(engine, window, reconciling, tally)
  await endWhatAgrees(engine, id, window, (paymentId) => index.has(paymentId))
  return true
}

/**
 * Both sides sorted by the payment's id, the last one first, side by side: ids sort by the time of the
 * claim. Each page of ours is compared with the records of the ids that it spans.
 */
async function compareBoth(
  engine: Engine,
  window: Run,
  reconciling: Reconciling,
  tally: Tally,
): Promise<boolean> {
  const { index, isStopping, onProgress } = reconciling
  const start = { cursor: engine.ids.next('pay', window.toMs), before: null }
  let { cursor, before }: Omit<Progress, 'tally'> = progressOf(index) ?? start
  while (cursor !== null) {
    const page: Awaited<ReturnType<typeof engine.store.list>> = await engine.store.list({
      account: null,
      limit: batchSize,
      cursor,
    })
    const ours = new Map(page.rows.map(({ value: { payment } }) => [payment.id, payment]))
    const isLast = [...ours.values()].some(({ createdAtMs }) => createdAtMs < window.fromMs)
    const next: string | null = isLast ? null : page.cursor
    const span: Span = { page: cursor, before, from: next ?? '' }
    const reached = await compareTheirs(engine, span, ours, window, reconciling, tally)
    if (reached === 'stopped') return false
    await compareOurs(engine, [...ours.values()], window, reconciling, tally)
    cursor = next
    before = lowest(reached, span.from)
    keepProgress(index, { cursor, before, tally: tally.state() })
    onProgress?.({ records: 0, payments: tally.payments() })
    if (isStopping?.() === true) return false
  }
  return true
}

/** The page of ours, and ids before `before` and not before `from`; `null`: from the last one on. */
interface Span {
  readonly page: string
  readonly before: string | null
  readonly from: string
}

/** The records of a span of ids, as far as it came; takes out of `ours` what they speak of. */
async function compareTheirs(
  engine: Engine,
  span: Span,
  ours: Map<string, Payment>,
  window: Run,
  reconciling: Reconciling,
  tally: Tally,
): Promise<'stopped' | (string & {}) | null> {
  const { index, isStopping } = reconciling
  let { before } = span
  // Of a run that goes on in the middle of a page.
  for (const paymentId of ours.keys()) {
    if (before !== null && paymentId >= before && index.has(paymentId)) ours.delete(paymentId)
  }
  for (;;) {
    const groups = index.groups(before, span.from, batchSize)
    const last = groups.at(-1)
    if (last === undefined) return before
    const known = new Map(ours)
    for (const { paymentId } of groups) ours.delete(paymentId)
    await compareGroups(engine, groups, known, window, reconciling, tally)
    before = last.paymentId
    keepProgress(index, { cursor: span.page, before, tally: tally.state() })
    if (isStopping?.() === true) return 'stopped'
  }
}

/** A payment that a list showed late may have moved the end of its page up. */
const lowest = (reached: string | null, from: string): string =>
  reached === null || from < reached ? from : reached

async function compareGroups(
  engine: Engine,
  given: readonly Omit<Group, 'payment'>[],
  known: ReadonlyMap<string, Payment>,
  { processor, startedAtMs }: Run,
  { id, policy }: Reconciling,
  tally: Tally,
): Promise<void> {
  const groups = await withPayments(engine, given, known)
  const nowMs = engine.time.nowMs(0)
  const proved = groups.filter(
    ({ payment, records }) => compare(payment, records, policy, nowMs).evidence.length > 0,
  )
  const learnt = new Set(proved.map(({ paymentId }) => paymentId))
  const found: Difference[] = []
  for (const group of proved) {
    tally.proved()
    found.push(...(await apply(engine, group, policy, nowMs)))
  }
  const fresh = proved.length === 0 ? groups : await withPayments(engine, given, new Map())
  for (const group of fresh) {
    const compared = compare(group.payment, group.records, policy, nowMs)
    tally.group(group, compared)
    // The records were read before it went on: only what no later step can explain is a break.
    const wentOn = (group.payment?.updatedAtMs ?? 0) >= startedAtMs && !learnt.has(group.paymentId)
    const lasting = compared.differences.filter(({ type }) => type === 'duplicate_at_processor')
    found.push(...(wentOn ? lasting : compared.differences))
  }
  tally.found(found)
  await keepBreaks(engine, { differences: found, processor, run: id })
}

/** What the page of ours has not, because it is older or the list lags, is read by its key. */
async function withPayments(
  engine: Engine,
  groups: readonly Omit<Group, 'payment'>[],
  known: ReadonlyMap<string, Payment>,
): Promise<readonly Group[]> {
  const keys = groups
    .filter(({ paymentId }) => !known.has(paymentId))
    .map(({ paymentId }) => ({ table: 'payment', key: paymentId }) as const)
  const rows = keys.length === 0 ? [] : await engine.store.read(keys)
  const read = new Map(rows.flatMap((row) => (row === null ? [] : [[row.value.payment.id, row]])))
  return groups.map((group) => {
    const payment = known.get(group.paymentId) ?? read.get(group.paymentId)?.value.payment
    return { ...group, payment: payment ?? null }
  })
}

/** What went back without us is told before it is learnt: afterwards both sides agree about it. */
async function apply(
  engine: Engine,
  { payment, records }: Group,
  policy: ReconcilePolicy,
  nowMs: number,
): Promise<readonly Difference[]> {
  if (payment === null) return []
  const { evidence, differences } = compare(payment, records, policy, nowMs)
  for (const { proof, record } of evidence) {
    const { object } = record
    // An unknown is resolved by how things stand now, not by a page that was read a while ago.
    if (proof === 'resolves_unknown') await followHint(engine, payment.id, object)
    else await observeEvidence(engine, payment.id, { kind: 'record', object, askedAtMs: nowMs })
  }
  return differences.filter(({ type }) => type === 'reversed_externally')
}

async function compareNameless(
  engine: Engine,
  { processor }: Window,
  { id, index, policy }: Reconciling,
  tally: Tally,
): Promise<void> {
  const nowMs = engine.time.nowMs(0)
  for (let offset = 0; ; offset += batchSize) {
    const records = index.nameless(batchSize, offset)
    if (records.length === 0) break
    const compared = compare(null, records, policy, nowMs)
    tally.group({ paymentId: '', payment: null, records }, compared)
    tally.found(compared.differences)
    await keepBreaks(engine, { differences: compared.differences, processor, run: id })
  }
  const differences = index.unreadable().map((line): Difference => ({
    type: 'unparseable_row',
    paymentId: null,
    objectId: line.slice(0, 100),
    currency: '',
    valueAtRisk: 0,
    ours: 'not compared',
    theirs: line,
  }))
  tally.found(differences)
  await keepBreaks(engine, { differences, processor, run: id })
}

/** Payments of the window that no record speaks of. */
async function compareOurs(
  engine: Engine,
  ours: readonly Payment[],
  { processor, fromMs }: Window,
  { id, index, policy }: Reconciling,
  tally: Tally,
): Promise<void> {
  const nowMs = engine.time.nowMs(0)
  const found = ours
    .filter(({ binding, createdAtMs }) => binding.processor === processor && createdAtMs >= fromMs)
    .flatMap((payment) => withoutRecords(index, payment, policy, nowMs, tally))
  const differences = await Promise.all(found.map((each) => named(engine, index, each)))
  tally.found(differences)
  await keepBreaks(engine, { differences, processor, run: id })
}

function withoutRecords(
  index: RecordIndex,
  payment: Payment,
  policy: ReconcilePolicy,
  nowMs: number,
  tally: Tally,
): readonly Difference[] {
  const compared = compare(payment, [], policy, nowMs)
  tally.group({ paymentId: payment.id, payment, records: [] }, compared)
  const owner = payment.objectId === null ? null : index.ownerOf(payment.objectId)
  if (owner === null || payment.objectId === null) return compared.differences
  return [sharedObject([payment], payment.objectId)]
}

/** Both payments that claim one object are named. */
async function named(
  engine: Engine,
  index: RecordIndex,
  difference: Difference,
): Promise<Difference> {
  const { type, objectId, paymentId } = difference
  const owner = objectId === null ? null : index.ownerOf(objectId)
  if (type !== 'duplicate_internal' || owner === null || objectId === null) return difference
  const keys = [owner, paymentId ?? owner].map((key) => ({ table: 'payment', key }) as const)
  const rows = await engine.store.read(keys)
  const payments = rows.flatMap((row) => (row === null ? [] : [row.value.payment]))
  return payments.length === 2 ? sharedObject(payments, objectId) : difference
}
