// The run over a settlement file: each payment that its lines name is compared with them, what they prove
// is learnt, and what was captured long ago and is in no settlement yet is named. A file tells only of
// what was paid out, so that a payment is never called missing for not being in it.
import { noCounts } from '../core/breaks.ts'
import type { ReconciliationRow, SettlementFile } from '../core/breaks.ts'
import { maxNameLength, normalise } from '../core/normalise.ts'
import type { Payment } from '../core/payment.ts'
import { lateSettlement } from '../core/reconcile.ts'
import type { Difference, ReconcilePolicy } from '../core/reconcile.ts'
import { compareLines, matchLine, withoutRepeats } from '../core/settlement.ts'
import type { ComparedLines, SettlementLine } from '../core/settlement.ts'
import type { Action } from '../ports.ts'
import { followHint, observeEvidence } from './advance.ts'
import { endWhatAgrees, keepBreaks } from './breaks.ts'
import type { Engine } from './engine.ts'
import { finishRun, runsUnderWay } from './reconcile.ts'
import { createTally } from './reconcile-tally.ts'
import type { Tally } from './reconcile-tally.ts'
import type { LineGroup, SettlementIndex } from './settlement-index.ts'

export interface Settling {
  readonly id: string
  readonly index: SettlementIndex
  readonly policy: ReconcilePolicy
  readonly isStopping?: () => boolean
}

/** Subjects that are compared at once. */
const batchSize = 100

/** Payments of one reference that a line may mean; more of them make it no clearer. */
const maxCandidates = 100

/** Stores that the file is to be compared. Rejects where the store is away. */
export async function beginSettlement(
  engine: Engine,
  processor: string,
  file: SettlementFile,
  requestedBy: string,
): Promise<string> {
  // Its sender may not have heard of the run, and asks again.
  const underWay = await runsUnderWay(engine)
  const known = underWay.find(({ value }) => value.file?.id === file.id)
  if (known !== undefined) return known.key
  const nowMs = engine.time.nowMs(0)
  const id = engine.ids.next('rec', nowMs)
  const window = { fromMs: nowMs, toMs: nowMs, startedAtMs: nowMs, endedAtMs: null }
  const rest = { cause: null, counts: noCounts, file } as const
  const value: ReconciliationRow = { status: 'running', processor, requestedBy, ...window, ...rest }
  const put: Action = { do: 'put', table: 'reconciliation', key: id, value, if: { absent: true } }
  const { result } = await engine.store.commit({
    commitId: engine.ids.next('cmt', nowMs),
    actions: [put],
  })
  if (result !== 'committed') throw new Error('the store did not take the run')
  return id
}

/** Runs it to its end; `null`: it was told to stop, or was not there to be run. */
export async function runSettlement(
  engine: Engine,
  settling: Settling,
): Promise<ReconciliationRow | null> {
  const { id, index, isStopping } = settling
  const [row] = await engine.store.read([{ table: 'reconciliation', key: id }])
  const run = row?.value
  if (run?.status !== 'running' || run.file === undefined) return null
  if (!index.isComplete()) {
    const cause = 'its lines are not here any more: send the file again'
    return finishRun(engine, id, { status: 'failed', cause })
  }
  const tally = createTally()
  let repeated = 0
  for (let after = ''; ;) {
    const groups = index.groups(after, batchSize)
    const last = groups.at(-1)
    if (last === undefined) break
    repeated += await settleGroups(engine, groups, run, settling, tally)
    after = last.subject
    if (isStopping?.() === true) return null
  }
  await keepUnreadable(engine, run, settling, tally)
  if (!(await nameLate(engine, run, settling, tally))) return null
  const has = (paymentId: string): boolean => index.has(paymentId)
  const { processor } = run
  await endWhatAgrees(engine, id, { processor, fromMs: 0, toMs: 0 }, has, endedByFiles)
  const counts = { ...tally.counts(index.received()), repeated }
  return finishRun(engine, id, { status: 'finished', cause: null, counts })
}

/** Of the rest a file says too little to call it mended. */
const endedByFiles = new Set(['settlement_missing', 'fee_variance'] as const)

interface Settled {
  readonly payment: Payment | null
  readonly paymentId: string
  readonly lines: readonly SettlementLine[]
}

/** How many lines were there twice. */
async function settleGroups(
  engine: Engine,
  groups: readonly LineGroup[],
  run: ReconciliationRow,
  { id, index, policy }: Settling,
  tally: Tally,
): Promise<number> {
  const nowMs = engine.time.nowMs(0)
  const own = groups.map((group) => ({ ...group, lines: withoutRepeats(group.lines) }))
  const all = groups.reduce((sum, { lines }) => sum + lines.length, 0)
  const once = own.reduce((sum, { lines }) => sum + lines.length, 0)
  const found: Difference[] = []
  const named = await namedPayments(engine, own, run.processor)
  const matched: Settled[] = []
  for (const group of own.filter(({ paymentId }) => paymentId === null)) {
    matched.push(...(await matchGroup(engine, group, run, tally, found)))
  }
  const settled = joined([...named, ...matched])
  const before = settled.map(({ payment, lines }) => compareLines(payment, lines, policy, nowMs))
  for (const [place, each] of settled.entries()) {
    const compared = before[place]
    if (compared !== undefined && (await learn(engine, each, compared, nowMs))) {
      tally.proved()
      found.push(...compared.differences.filter(({ type }) => type === 'reversed_externally'))
    }
  }
  for (const { paymentId, payment, lines } of await again(engine, settled)) {
    const compared = compareLines(payment, lines, policy, nowMs)
    tally.group({ paymentId, payment, records: compared.records }, compared)
    found.push(...compared.differences)
  }
  index.seen(settled.map(({ paymentId }) => paymentId))
  const differences = [...new Map(found.map((each) => [JSON.stringify(each), each])).values()]
  tally.found(differences)
  await keepBreaks(engine, { differences, processor: run.processor, run: id })
  return all - once
}

async function namedPayments(
  engine: Engine,
  groups: readonly LineGroup[],
  processor: string,
): Promise<readonly Settled[]> {
  const named = groups.flatMap(({ paymentId, lines }) =>
    paymentId === null ? [] : [{ paymentId, lines }],
  )
  const rows = await engine.store.read(
    named.map(({ paymentId }) => ({ table: 'payment', key: paymentId }) as const),
  )
  return named.map((each, place) => {
    const payment = rows[place]?.value.payment ?? null
    // Of another processor's payment this one's file proves nothing.
    return { ...each, payment: payment?.binding.processor === processor ? payment : null }
  })
}

async function matchGroup(
  engine: Engine,
  { lines }: LineGroup,
  { processor, file }: ReconciliationRow,
  tally: Tally,
  found: Difference[],
): Promise<readonly Settled[]> {
  const reference = lines[0]?.reference ?? null
  const candidates =
    reference === null || reference.length > maxNameLength
      ? []
      : await withReference(engine, reference, processor)
  return lines.flatMap((line): readonly Settled[] => {
    const matched = matchLine(line, candidates, file?.isExclusive ?? false)
    if (matched.match === 'payment') {
      const { payment } = matched
      return [{ payment, paymentId: payment.id, lines: [line] }]
    }
    if (matched.match === 'break') found.push(matched.difference)
    const { records } = compareLines(null, [line], noPolicy, 0)
    const isForeign = matched.match === 'foreign'
    const shown = records.map((record) => ({ ...record, isForeign }))
    tally.group({ paymentId: '', payment: null, records: shown }, nothingAgrees)
    return []
  })
}

const noPolicy: ReconcilePolicy = { graceMs: 0, settleWithinMs: 0, feeTolerance: 0 }
const nothingAgrees = { differences: [], evidence: [], matched: { count: 0, value: 0 } } as const

async function withReference(
  engine: Engine,
  reference: string,
  processor: string,
): Promise<readonly Payment[]> {
  const page = await engine.store.list({
    account: null,
    reference: normalise(reference),
    limit: maxCandidates,
  })
  return page.rows
    .map(({ value }) => value.payment)
    .filter(({ binding }) => binding.processor === processor)
}

/** Lines of one payment, by whatever they named it. */
function joined(settled: readonly Settled[]): readonly Settled[] {
  return [...Map.groupBy(settled, ({ paymentId }) => paymentId)].map(([paymentId, own]) => ({
    paymentId,
    payment: own[0]?.payment ?? null,
    lines: own.flatMap(({ lines }) => lines),
  }))
}

/** Did it learn anything? What a line proves is observed; what it only hints at is looked up. */
async function learn(
  engine: Engine,
  { payment }: Settled,
  { evidence, hint }: ComparedLines,
  nowMs: number,
): Promise<boolean> {
  if (payment === null) return false
  for (const { proof, record } of evidence) {
    const { object } = record
    // How things stand now says more than a file of yesterday; where nobody answers, the file does.
    const followed =
      proof === 'resolves_unknown' ? await followHint(engine, payment.id, object) : 'no_answer'
    if (followed !== 'observed') {
      await observeEvidence(engine, payment.id, { kind: 'record', object, askedAtMs: nowMs })
    }
  }
  if (hint !== null) await followHint(engine, payment.id, hint.object)
  return evidence.length > 0 || hint !== null
}

async function again(engine: Engine, settled: readonly Settled[]): Promise<readonly Settled[]> {
  const fresh: Settled[] = []
  for (let from = 0; from < settled.length; from += batchSize) {
    const part = settled.slice(from, from + batchSize)
    const rows = await engine.store.read(
      part.map(({ paymentId }) => ({ table: 'payment', key: paymentId }) as const),
    )
    for (const [place, each] of part.entries()) {
      const payment = each.payment === null ? null : (rows[place]?.value.payment ?? null)
      fresh.push({ ...each, payment })
    }
  }
  return fresh
}

async function keepUnreadable(
  engine: Engine,
  { processor }: ReconciliationRow,
  { id, index }: Settling,
  tally: Tally,
): Promise<void> {
  const differences = index.unreadable(0, index.unreadableCount()).map((line): Difference => ({
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

/** Captured long ago, and in no settlement: told by whoever tells of settlements. */
async function nameLate(
  engine: Engine,
  { processor }: ReconciliationRow,
  { id, index, policy, isStopping }: Settling,
  tally: Tally,
): Promise<boolean> {
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof engine.store.list>> = await engine.store.list({
      account: null,
      state: 'captured',
      limit: batchSize,
      ...(cursor === null ? {} : { cursor }),
    })
    const nowMs = engine.time.nowMs(0)
    const differences = page.rows.flatMap(({ value: { payment } }) => {
      const isOurs = payment.binding.processor === processor && !index.has(payment.id)
      const late = isOurs ? lateSettlement(payment, policy, nowMs) : null
      return late === null ? [] : [late]
    })
    tally.found(differences)
    await keepBreaks(engine, { differences, processor, run: id })
    if (isStopping?.() === true) return false
    cursor = page.cursor
  } while (cursor !== null)
  return true
}
