// Breaks as they are kept: found by runs, looked at and ended by people. Ending one moves no money and
// changes no payment.
import { createHash } from 'node:crypto'

import { actOn, agreed, breakKey, endsByAgreement, isNews, seeBreak } from '../core/breaks.ts'
import type { BooksOf, BreakAct, BreakRow } from '../core/breaks.ts'
import { positionOf } from '../core/ledger.ts'
import type { BreakType, Difference } from '../core/reconcile.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action, CommitResult, Row } from '../ports.ts'
import type { Engine } from './engine.ts'

export interface Found {
  readonly differences: readonly Difference[]
  /** Configured name. */
  readonly processor: string
  readonly run: string
}

/** Another run or a person wrote the row meanwhile. */
const maxConflicts = 10

/** Stores what was found, each difference as one break however often it is found; calls for what is new. */
export async function keepBreaks(
  engine: Engine,
  { differences, processor, run }: Found,
): Promise<void> {
  for (const difference of differences) {
    const atMs = engine.time.nowMs(0)
    const sighting = { difference, processor, run, atMs }
    const changed = await changeBreak(engine, breakId(difference), (row) => seeBreak(row, sighting))
    if (changed === null || !isNews(changed.before, changed.after)) continue
    const { severity, type, paymentId } = changed.after
    if (severity === 'critical' || severity === 'high') {
      engine.alarm({ kind: 'reconciliation_break', paymentId, detail: type })
    }
  }
}

/** The same difference has the same id, in whatever run. */
const breakId = (difference: Difference): string =>
  `brk_${createHash('sha256').update(breakKey(difference)).digest('hex').slice(0, 26)}`

async function changeBreak(
  engine: Engine,
  key: string,
  change: (row: BreakRow | null) => BreakRow | null,
): Promise<{ readonly before: BreakRow | null; readonly after: BreakRow } | null> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [row] = await engine.store.read([{ table: 'break', key }])
    const after = change(row?.value ?? null)
    if (after === null) return null
    const result = await putBreak(engine, key, row, after)
    if (result === 'committed') return { before: row?.value ?? null, after }
    if (result === 'unknown') await engine.clock.sleep(250)
  }
  throw new Error(`the store did not take the break ${key}`)
}

async function putBreak(
  engine: Engine,
  key: string,
  row: Row<'break'> | null,
  value: BreakRow,
  more: readonly Action[] = [],
): Promise<CommitResult['result']> {
  const condition = row === null ? ({ absent: true } as const) : { version: row.version }
  const put: Action = { do: 'put', table: 'break', key, value, if: condition }
  const commitId = engine.ids.next('cmt', engine.time.nowMs(0))
  return (await engine.store.commit({ commitId, actions: [put, ...more] })).result
}

/**
 * Ends the open breaks that this run would have found again and did not: both sides agree now. Only
 * what the run has looked at counts.
 */
export async function endWhatAgrees(
  engine: Engine,
  run: string,
  window: { readonly processor: string; readonly fromMs: number; readonly toMs: number },
  isInRecords: (paymentId: string) => boolean,
  types: ReadonlySet<BreakType> | null = null,
): Promise<void> {
  for (const status of ['open', 'investigating'] as const) {
    let cursor: string | null = null
    do {
      const page: Awaited<ReturnType<typeof scanBreaks>> = await scanBreaks(engine, {
        status,
        limit: 100,
        ...(cursor === null ? {} : { cursor }),
      })
      for (const { key, value } of page.rows) {
        if (value.lastRun === run || value.processor !== window.processor) continue
        if (types !== null && !types.has(value.type)) continue
        if (!endsByAgreement(value) || !(await isCovered(engine, value, window, isInRecords)))
          continue
        await changeBreak(engine, key, (row) =>
          row === null || row.lastRun === run || !endsByAgreement(row)
            ? null
            : agreed(row, run, engine.time.nowMs(0)),
        )
      }
      cursor = page.cursor
    } while (cursor !== null)
  }
}

async function isCovered(
  engine: Engine,
  { paymentId }: BreakRow,
  { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number },
  isInRecords: (paymentId: string) => boolean,
): Promise<boolean> {
  if (paymentId === null) return false
  if (isInRecords(paymentId)) return true
  const [row] = await engine.store.read([{ table: 'payment', key: paymentId }])
  const createdAtMs = row?.value.payment.createdAtMs ?? -1
  return createdAtMs >= fromMs && createdAtMs < toMs
}

// ── For people ───────────────────────────────────────────────────────────────────────────────────

export interface BreakQuery {
  readonly status?: BreakRow['status']
  readonly limit: number
  readonly cursor?: string
}

export function scanBreaks(engine: Engine, query: BreakQuery) {
  return engine.store.scan({ table: 'break', ...query })
}

async function booksOf(engine: Engine, { paymentId, processor }: BreakRow): Promise<BooksOf> {
  const key = paymentId ?? ''
  const [row] = key === '' ? [null] : await engine.store.read([{ table: 'payment', key }])
  const payment = row?.value.payment
  if (payment !== undefined) {
    return { binding: payment.binding, isSettled: positionOf(payment).settled > 0 }
  }
  const unknown = { processor, processorAccount: 'unknown', livemode: false }
  return { binding: engine.processors.get(processor)?.binding ?? unknown, isSettled: false }
}

export type BreakActResult =
  | { readonly result: 'changed'; readonly row: Row<'break'> }
  | { readonly result: 'rejected'; readonly rejection: Rejection }

const rejected = (rejection: Rejection): BreakActResult => ({ result: 'rejected', rejection })

/** Every break that was written off and touches the books, a page at a time. */
export async function* writeOffs(engine: Pick<Engine, 'store'>) {
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof scanBreaks>> = await engine.store.scan({
      table: 'break',
      status: 'written_off',
      limit: 100,
      ...(cursor === null ? {} : { cursor }),
    })
    yield page.rows.flatMap(({ key, value: { paymentId, writtenOff } }) =>
      writtenOff === undefined ? [] : [{ breakId: key, paymentId, ...writtenOff }],
    )
    cursor = page.cursor
  } while (cursor !== null)
}

/** A person's word on a break, on the version that was shown, into the audit with it. */
export async function actOnBreak(
  engine: Engine,
  key: string,
  act: BreakAct,
  word: { readonly by: string; readonly reason: string },
  version: number,
): Promise<BreakActResult> {
  const [row] = await engine.store.read([{ table: 'break', key }])
  if (row === null) return rejected(reject('not_found', 'There is no such break.'))
  const moved = reject('break_changed', 'Read it again, and act on what it shows then.')
  if (row.version !== version) return rejected(moved)
  const atMs = engine.time.nowMs(0)
  const after = actOn(row.value, act, { ...word, atMs }, await booksOf(engine, row.value))
  if (after === null) {
    return rejected(reject('break_ended', `It is ${row.value.status}: nothing is left to do.`))
  }
  const audit: Action = {
    do: 'put',
    table: 'audit',
    key: engine.ids.next('aud', atMs),
    value: { act: `break_${act}`, target: key, ...word, atMs },
    if: { absent: true },
  }
  const result = await putBreak(engine, key, row, after, [audit])
  if (result === 'committed')
    return { result: 'changed', row: { value: after, version: version + 1 } }
  if (result === 'conflict') return rejected(moved)
  return rejected(reject('retry_same_key', 'The store did not say whether it was written.'))
}
