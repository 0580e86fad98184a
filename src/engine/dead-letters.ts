// The desk of dead letters: what waits for a person, and what a person or the rule does about many at
// once. One at a time is `command.ts` and `resolve.ts`.
import { byRule, maxRuleRedrives, ruleReasons } from '../core/dead-letter.ts'
import type { DeadLetterRow } from '../core/dead-letter.ts'
import { processorKey } from '../core/control.ts'
import type { OperationKind, ParkReason } from '../core/payment.ts'
import type { Blocked } from '../core/policy.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action, KeyedRow } from '../ports.ts'
import { operatePayment } from './command.ts'
import type { Engine } from './engine.ts'
import { blockadeOf, readGates } from './gates.ts'
import { readPayment } from './read.ts'
import type { PaymentView } from './read.ts'
import { isUnreadable } from './watch-store.ts'

export interface DeadLetterFilter {
  readonly status?: DeadLetterRow['status']
  readonly reason?: ParkReason
  readonly step?: OperationKind
  readonly processor?: string
  readonly agent?: string
  /** Parked at or before. */
  readonly parkedBeforeMs?: number
}

/** A page may hold fewer than were asked for although more follow: see `maxScanned`. */
export interface DeadLetterPage {
  readonly letters: readonly DeadLetter[]
  readonly cursor: string | null
}

export interface DeadLetter {
  readonly letter: DeadLetterRow
  readonly view: PaymentView
}

/** Filters other than the status are applied after reading; so many rows at most for one page. */
const maxScanned = 1_000

export async function listDeadLetters(
  engine: Engine,
  filter: DeadLetterFilter,
  limit: number,
  cursor?: string,
): Promise<DeadLetterPage> {
  const page = await find(engine, filter, limit, cursor)
  const letters = page.rows.map(async ({ key, value }) => {
    const view = await readPayment(engine, key, null)
    return view === null ? [] : [{ letter: value, view }]
  })
  return { letters: (await Promise.all(letters)).flat(), cursor: page.cursor }
}

async function find(
  engine: Engine,
  filter: DeadLetterFilter,
  limit: number,
  cursor: string | undefined,
): Promise<{ readonly rows: readonly KeyedRow<'dead_letter'>[]; readonly cursor: string | null }> {
  const rows: KeyedRow<'dead_letter'>[] = []
  let next = cursor
  for (let scanned = 0; scanned < maxScanned; scanned += 100) {
    const { status } = filter
    const page = await engine.store.scan({
      table: 'dead_letter',
      limit: 100,
      ...(status === undefined ? {} : { status }),
      ...(next === undefined ? {} : { cursor: next }),
    })
    for (const row of page.rows) {
      if (!matches(row.value, filter)) continue
      rows.push(row)
      // The rest of this page is read again with the next one.
      if (rows.length === limit) return { rows, cursor: isLast(row, page) ? null : row.key }
    }
    if (page.cursor === null) return { rows, cursor: null }
    next = page.cursor
  }
  return { rows, cursor: next ?? null }
}

function isLast(
  row: KeyedRow<'dead_letter'>,
  page: { readonly rows: readonly KeyedRow<'dead_letter'>[]; readonly cursor: string | null },
): boolean {
  return page.cursor === null && page.rows.at(-1)?.key === row.key
}

function matches(letter: DeadLetterRow, filter: DeadLetterFilter): boolean {
  const { reason, step, processor, agent, parkedBeforeMs } = filter
  return (
    (reason === undefined || letter.reason === reason) &&
    (step === undefined || letter.step === step) &&
    (processor === undefined || letter.processor === processor) &&
    (agent === undefined || letter.agent === agent) &&
    (parkedBeforeMs === undefined || letter.parkedAtMs <= parkedBeforeMs)
  )
}

export async function readDeadLetter(
  engine: Engine,
  paymentId: string,
): Promise<DeadLetter | null> {
  const [row] = await engine.store.read([{ table: 'dead_letter', key: paymentId }])
  const view = await readPayment(engine, paymentId, null)
  return row === null || view === null ? null : { letter: row.value, view }
}

export type NoteResult =
  | { readonly result: 'changed' }
  | { readonly result: 'rejected'; readonly rejection: Rejection }

const rejected = (rejection: Rejection): NoteResult => ({ result: 'rejected', rejection })

/** Puts a note on a record, for the next operator; it stays when the payment is parked again. */
export async function noteDeadLetter(
  engine: Engine,
  paymentId: string,
  note: string | null,
  by: string,
): Promise<NoteResult> {
  for (let conflicts = 0; conflicts < 10; conflicts += 1) {
    const [row] = await engine.store.read([{ table: 'dead_letter', key: paymentId }])
    if (row === null) return rejected(reject('not_parked', 'It was never in the dead letters.'))
    const atMs = engine.time.nowMs(0)
    const value = { ...row.value, note }
    const condition = { version: row.version }
    const audit = { act: 'note', target: paymentId, by, reason: note ?? '', atMs } as const
    const actions: readonly Action[] = [
      { do: 'put', table: 'dead_letter', key: paymentId, value, if: condition },
      {
        do: 'put',
        table: 'audit',
        key: engine.ids.next('aud', atMs),
        value: audit,
        if: { absent: true },
      },
    ]
    const commitId = engine.ids.next('cmt', atMs)
    const { result } = await engine.store.commit({ commitId, actions })
    if (result === 'committed') return { result: 'changed' }
    if (result === 'unknown') break
  }
  return rejected(reject('retry_same_key', 'The store did not say whether the note was written.'))
}

// ── Many at once ─────────────────────────────────────────────────────────────────────────────────

export interface RedriveManyResult {
  readonly redriven: readonly string[]
  /** Not taken up, and the code of the reason: it has moved on meanwhile, most of the time. */
  readonly left: readonly { readonly paymentId: string; readonly code: string }[]
  /** Why it ended before the page did: what is redriven now would only wait. */
  readonly stoppedBy: Blocked | null
  readonly cursor: string | null
}

/** Between two of many, so that a thousand of them are a minute's work and not a blow. */
const redrivePauseMs = 20

/** Takes up to `limit` open dead letters up again, one after the other. */
export async function redriveMany(
  engine: Engine,
  filter: DeadLetterFilter,
  act: { readonly by: string; readonly reason: string },
  limit: number,
  cursor?: string,
): Promise<RedriveManyResult> {
  const page = await find(engine, { ...filter, status: 'open' }, limit, cursor)
  const redriven: string[] = []
  const left: { paymentId: string; code: string }[] = []
  let last = cursor ?? null
  if (page.rows.length > 0) await orderMany(engine, act)
  for (const { key: paymentId, value } of page.rows) {
    const blockade = await blockadeNow(engine, value)
    if (blockade !== null) return { redriven, left, stoppedBy: blockade, cursor: last }
    const done = await redriveOne(engine, paymentId, act)
    if (done === null) redriven.push(paymentId)
    else left.push({ paymentId, code: done.code })
    last = paymentId
    await engine.clock.sleep(redrivePauseMs)
  }
  return { redriven, left, stoppedBy: null, cursor: page.cursor }
}

// Who ordered it is known even where the first of them is not taken up. Rejects where it is not
// stored: nothing is redriven on nobody's word.
async function orderMany(
  engine: Engine,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<void> {
  const atMs = engine.time.nowMs(0)
  const { result } = await engine.store.commit({
    commitId: engine.ids.next('cmt', atMs),
    actions: [
      {
        do: 'put',
        table: 'audit',
        key: engine.ids.next('aud', atMs),
        value: { act: 'redrive_many', target: 'dead_letters', by, reason, atMs },
        if: { absent: true },
      },
    ],
  })
  if (result !== 'committed') throw new Error(`the order to redrive was not stored: ${result}`)
}

async function blockadeNow(engine: Engine, letter: DeadLetterRow): Promise<Blocked | null> {
  const [row] = await engine.store.read([{ table: 'payment', key: letter.paymentId }])
  if (row === null) return null
  const { payment } = row.value
  const gates = await readGates(engine, payment)
  const why = blockadeOf(engine, gates, payment.id)?.why ?? null
  // One agent's suspension is no reason to leave the others where they are.
  if (why !== null && why !== 'agent_suspended') return why
  const state = gates.breaker?.value.state ?? 'closed'
  return state === 'closed' ? null : 'processor_paused'
}

async function redriveOne(
  engine: Engine,
  paymentId: string,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<Rejection | null> {
  const command = { type: 'redrive', by, reason, notAfterMs: null } as const
  const result = await operatePayment(engine, paymentId, command, null)
  return result.result === 'rejected' ? result.rejection : null
}

// ── The rule ─────────────────────────────────────────────────────────────────────────────────────

/** An outage begins before the breaker has noticed: what was parked so shortly before is its work too. */
const foretellingMs = 60_000

/** What was parked up to so long after the breaker had closed still counts as the outage's. */
const aftermathMs = 60_000

/** Read in one look. */
const rulePageSize = 100

/**
 * Takes up again what a processor's outage left behind, once its breaker has closed: each payment at
 * most `maxRuleRedrives` times, and never past its deadline; then it is a person's. It looks at one
 * page of what is stored and at nothing else, so a crash in between loses nothing. `cursor`: where
 * the next look goes on; after the last page it begins anew.
 */
export async function redriveByRule(
  engine: Engine,
  cursor: string | null,
  isStopping: () => boolean = () => false,
): Promise<{ readonly taken: number; readonly cursor: string | null }> {
  const recovered = await recoveredProcessors(engine)
  if (recovered.size === 0) return { taken: 0, cursor: null }
  const page = await engine.store.scan({
    table: 'dead_letter',
    status: 'open',
    limit: rulePageSize,
    ...(cursor === null ? {} : { cursor }),
  })
  let taken = 0
  for (const { key } of page.rows) {
    if (isStopping()) break
    const done = await redriveIfRuled(engine, key, recovered).catch((error: unknown) => {
      if (isUnreadable(error)) throw error
      engine.alarm({ kind: 'bug', paymentId: key, detail: `redrive rule: ${String(error)}` })
      return false
    })
    if (!done) continue
    taken += 1
    await engine.clock.sleep(redrivePauseMs)
  }
  return { taken, cursor: page.cursor }
}

interface Outage {
  readonly openedAtMs: number
  readonly closedAtMs: number
}

/** The last outage of each processor whose breaker is closed now. */
async function recoveredProcessors(engine: Engine): Promise<ReadonlyMap<string, Outage>> {
  const recovered = new Map<string, Outage>()
  for (const [name, processor] of engine.processors) {
    const key = processorKey(processor.binding)
    const [row] = await engine.store.read([{ table: 'breaker', key }])
    if (row?.value.state !== 'closed') continue
    const { openedAtMs, closedAtMs } = row.value
    if (openedAtMs !== null && closedAtMs !== null) recovered.set(name, { openedAtMs, closedAtMs })
  }
  return recovered
}

// Looked at afresh, and acted on only as it was seen: a person may have it in hand meanwhile.
async function redriveIfRuled(
  engine: Engine,
  paymentId: string,
  recovered: ReadonlyMap<string, Outage>,
): Promise<boolean> {
  const [row, letter] = await engine.store.read([
    { table: 'payment', key: paymentId },
    { table: 'dead_letter', key: paymentId },
  ])
  if (row === null || letter === null) return false
  const { payment } = row.value
  if (engine.time.nowMs(0) >= payment.notAfterMs) return false
  if (!isForTheRule(letter.value, recovered.get(letter.value.processor))) return false
  if ((await blockadeNow(engine, letter.value)) !== null) return false
  const command = {
    type: 'redrive',
    by: byRule,
    reason: 'the breaker has closed',
    notAfterMs: null,
  } as const
  const { result } = await operatePayment(engine, paymentId, command, payment.seq)
  return result !== 'rejected'
}

// What was parked for a reason of its own before the outage, or has a person's word on it, is a person's.
function isForTheRule(letter: DeadLetterRow, outage: Outage | undefined): boolean {
  if (outage === undefined || letter.status !== 'open') return false
  if (letter.proposal !== null || letter.note !== null) return false
  if (letter.parkedAtMs < outage.openedAtMs - foretellingMs) return false
  if (letter.parkedAtMs > outage.closedAtMs + aftermathMs) return false
  return letter.ruleRedrives < maxRuleRedrives && ruleReasons.includes(letter.reason)
}
