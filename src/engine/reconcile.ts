// One reconciliation: the processor's records of a window are read into an index, then compared with our
// payments, both ways. Nothing of a payment is changed but what a record proves of it. Each part can be
// repeated: a run that died goes on where it was, and what it had found is found again as the same.
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
import { createTally } from './reconcile-tally.ts'
import type { Group, Tally } from './reconcile-tally.ts'

export interface Window {
  readonly processor: string
  /** Payments made, and objects of the processor made, from here on. */
  readonly fromMs: number
  readonly toMs: number
}

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
  if (running.some(({ value }) => value.processor === window.processor)) return null
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
    return finish(engine, id, { status: 'failed', cause: 'this processor tells no records' })
  }
  const read = await readRecords(engine, processor, row.value, reconciling)
  if (read === 'stopped') return null
  if (read !== 'complete') return finish(engine, id, { status: 'failed', cause: read })
  const tally = createTally()
  const compared = await compareAll(engine, row.value, reconciling, tally)
  if (!compared) return null
  const counts = tally.counts(index.count())
  return finish(engine, id, { status: 'finished', cause: null, counts })
}

/** Ended runs are never changed: a twin that ends it as well changes nothing. */
async function finish(
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
  if (result === 'conflict') return finish(engine, id, end)
  throw new Error('the store did not take the end of the run')
}

// ── Records ──────────────────────────────────────────────────────────────────────────────────────

async function readRecords(
  engine: Engine,
  processor: Processor,
  { fromMs, toMs }: Window,
  { index, isStopping, onProgress }: Reconciling,
): Promise<'complete' | 'stopped' | (string & {})> {
  for (let tries = 1; ;) {
    const { cursor, isComplete } = index.place()
    if (isComplete) return 'complete'
    if (isStopping?.() === true) return 'stopped'
    const page = await processor.records?.({ fromMs, toMs, cursor, timeoutMs: callTimeoutMs })
    if (page?.result !== 'page') {
      if (page === undefined || tries >= maxTries) return page?.cause ?? 'no records'
      await engine.clock.sleep(page.retryAfterMs ?? tries * tries * 250)
      tries += 1
      continue
    }
    // It would go round for ever, and call the rest of the window missing.
    if (page.cursor !== null && page.cursor === cursor) return 'its pages repeat'
    tries = 1
    index.add(page)
    onProgress?.({ records: index.count(), payments: 0 })
  }
}

// ── Both ways ────────────────────────────────────────────────────────────────────────────────────

async function compareAll(
  engine: Engine,
  window: Window,
  reconciling: Reconciling,
  tally: Tally,
): Promise<boolean> {
  const { index, isStopping, onProgress } = reconciling
  const isOver = (): boolean => {
    onProgress?.({ records: index.count(), payments: tally.payments() })
    return isStopping?.() !== true
  }
  for (let after = ''; ;) {
    const groups = index.groups(after, batchSize)
    if (groups.length === 0) break
    await compareGroups(engine, groups, window, reconciling, tally)
    after = groups.at(-1)?.paymentId ?? after
    if (!isOver()) return false
  }
  await compareNameless(engine, window, reconciling, tally)
  if (!(await compareOurs(engine, window, reconciling, tally, isOver))) return false
  await endWhatAgrees(engine, reconciling.id, window, (paymentId) => index.has(paymentId))
  return true
}

async function compareGroups(
  engine: Engine,
  given: readonly Omit<Group, 'payment'>[],
  { processor }: Window,
  { id, policy }: Reconciling,
  tally: Tally,
): Promise<void> {
  const groups = await withPayments(engine, given)
  const nowMs = engine.time.nowMs(0)
  const proved = groups.filter(
    ({ payment, records }) => compare(payment, records, policy, nowMs).evidence.length > 0,
  )
  const found: Difference[] = []
  for (const group of proved) {
    tally.proved()
    found.push(...(await apply(engine, group, policy, nowMs)))
  }
  const fresh = proved.length === 0 ? groups : await withPayments(engine, given)
  for (const group of fresh) {
    const compared = compare(group.payment, group.records, policy, nowMs)
    tally.group(group, compared)
    found.push(...compared.differences)
  }
  tally.found(found)
  await keepBreaks(engine, { differences: found, processor, run: id })
}

async function withPayments(
  engine: Engine,
  groups: readonly Omit<Group, 'payment'>[],
): Promise<readonly Group[]> {
  const keys = groups.map(({ paymentId }) => ({ table: 'payment', key: paymentId }) as const)
  const rows = await engine.store.read(keys)
  return groups.map((group, place) => ({ ...group, payment: rows[place]?.value.payment ?? null }))
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
  { processor, fromMs, toMs }: Window,
  { id, index, policy }: Reconciling,
  tally: Tally,
  goesOn: () => boolean,
): Promise<boolean> {
  // Ids sort by the time of the claim.
  let cursor: string | null = engine.ids.next('pay', toMs)
  while (cursor !== null) {
    const page = await engine.store.list({ account: null, limit: batchSize, cursor })
    const payments = page.rows.map(({ value }) => value.payment)
    const inside = payments.filter(({ createdAtMs }) => createdAtMs >= fromMs)
    const nowMs = engine.time.nowMs(0)
    const found = inside
      .filter(({ binding, id: paymentId }) => {
        return binding.processor === processor && !index.has(paymentId)
      })
      .flatMap((payment) => withoutRecords(index, payment, policy, nowMs, tally))
    const others = await Promise.all(found.map((each) => named(engine, index, each)))
    tally.found(others)
    await keepBreaks(engine, { differences: others, processor, run: id })
    if (!goesOn()) return false
    cursor = inside.length < payments.length ? null : page.cursor
  }
  return true
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
