// A break is a difference between our payments and the processor's records, kept for good: found by a
// run, seen again by later ones, and ended by a person, or by a run that finds both sides to agree.
import type { Binding } from './payment.ts'
import { breakTable, noPayment } from './reconcile.ts'
import type { BreakType, Difference, Severity } from './reconcile.ts'

export type BreakStatus = 'open' | 'investigating' | 'resolved' | 'written_off'

export interface BreakRow extends Difference {
  readonly status: BreakStatus
  readonly severity: Severity
  /** The configured name of the processor. */
  readonly processor: string
  readonly firstSeenAtMs: number
  readonly lastSeenAtMs: number
  /** The runs that saw it first and last. */
  readonly firstRun: string
  readonly lastRun: string
  /** Who said last what is with it, and why; `quittance` where a run found both sides to agree. */
  readonly by: string | null
  readonly reason: string | null
  readonly endedAtMs: number | null
  /** What a write-off takes out of the books or puts into them; never changed once it is there. */
  readonly writtenOff?: WriteOff
}

/** The books follow from it alone, as they follow from events. */
export interface WriteOff {
  readonly atMs: number
  readonly currency: string
  readonly livemode: boolean
  /** Minor units from the credit account to the debit account; more than 0. */
  readonly amount: number
  readonly debit: string
  readonly credit: string
}

/** One comparison of a window, immutable once it has ended. */
export interface ReconciliationRow {
  readonly status: 'running' | 'finished' | 'failed'
  readonly processor: string
  readonly requestedBy: string
  /** Payments that were made from here on, and records of objects. */
  readonly fromMs: number
  readonly toMs: number
  readonly startedAtMs: number
  readonly endedAtMs: number | null
  /** Why it failed; `null`: it did not. */
  readonly cause: string | null
  readonly counts: ReconciliationCounts
  /** The settlement file that was compared; missing: the processor's own records were. */
  readonly file?: SettlementFile
}

export interface SettlementFile {
  /** Names it, and where its lines are kept. */
  readonly id: string
  /** As its sender called it. */
  readonly name: string
  /** Every line is ours: one that matches nothing is money that we have no payment for. */
  readonly isExclusive: boolean
  readonly batches: readonly string[]
  /** Batches that an earlier run has read as well: harmless, and told. */
  readonly repeats: readonly { readonly batch: string; readonly run: string }[]
}

export interface ReconciliationCounts {
  readonly payments: number
  readonly records: number
  /** Records of other installations: counted, and no break. */
  readonly foreign: number
  /** Payments whose captured money agrees. */
  readonly matched: number
  /** Payments with captured money on either side. */
  readonly matchable: number
  /** Captured minor units by currency: ours, theirs, and what agrees. */
  readonly totals: Readonly<Record<string, Totals>>
  /** Differences by type, those seen before among them. */
  readonly breaks: Readonly<Partial<Record<BreakType, number>>>
  /** Payments that a record settled, resolved or took back from. */
  readonly evidence: number
  /** Lines of a file that were there more than once, and count once. */
  readonly repeated?: number
}

export interface Totals {
  readonly ours: number
  readonly theirs: number
  readonly matched: number
}

export const noCounts: ReconciliationCounts = {
  payments: 0,
  records: 0,
  foreign: 0,
  matched: 0,
  matchable: 0,
  totals: {},
  breaks: {},
  evidence: 0,
}

/** What only one side knows is one break, whether it is waited for or missed. */
const oneSided: ReadonlySet<BreakType> = new Set<BreakType>([
  'pending_timing',
  'missing_internally',
  'missing_at_processor',
])

/** However often it is found, in however many windows, a difference is one break. */
export function breakKey({ type, paymentId, objectId, ours }: Difference): string {
  // Waited for first and missed later, it is of the processor's object both times.
  const isTheirs =
    type === 'missing_internally' || (type === 'pending_timing' && ours === noPayment)
  const subject = isTheirs || paymentId === null ? objectId : paymentId
  return `${subject ?? 'nothing'}/${oneSided.has(type) ? 'one_sided' : type}`
}

const isOver = ({ status }: BreakRow): boolean => status === 'resolved' || status === 'written_off'

export interface Sighting {
  readonly difference: Difference
  readonly processor: string
  readonly run: string
  readonly atMs: number
}

/** The break as a run sees it now. What was ended and is there still opens anew. */
export function seeBreak(row: BreakRow | null, sighting: Sighting): BreakRow {
  const { difference, processor, run, atMs } = sighting
  const seen = {
    ...difference,
    severity: breakTable[difference.type].severity,
    processor,
    lastSeenAtMs: atMs,
    lastRun: run,
  }
  if (row === null || (isOver(row) && row.status === 'resolved')) {
    const first = row ?? { firstSeenAtMs: atMs, firstRun: run }
    const { firstSeenAtMs, firstRun } = first
    const open = { status: 'open', by: null, reason: null, endedAtMs: null } as const
    return { ...seen, ...open, firstSeenAtMs, firstRun }
  }
  // A loss that was written off stays so, and as large as it was; whoever investigates goes on.
  return row.status === 'written_off'
    ? { ...row, lastSeenAtMs: atMs, lastRun: run }
    : { ...withoutBooked(row), ...seen }
}

/** What stood in the books then is not what stands in them now. */
function withoutBooked(row: BreakRow): BreakRow {
  const { booked, ...rest } = row
  return booked === undefined ? row : rest
}

/** Is it news for people: not seen before, or worse than before? */
export function isNews(before: BreakRow | null, after: BreakRow): boolean {
  if (after.status === 'written_off') return false
  return before === null || isOver(before) || before.type !== after.type
}

/** These stay until a person has looked: that both sides agree now does not undo what happened. */
const needsPerson: ReadonlySet<BreakType> = new Set<BreakType>([
  'duplicate_at_processor',
  'duplicate_internal',
  'reversed_externally',
  'unparseable_row',
  'ambiguous_match',
])

/** May a run that no longer finds it end it? */
export const endsByAgreement = (row: BreakRow): boolean =>
  !isOver(row) && !needsPerson.has(row.type)

export const agreed = (row: BreakRow, run: string, atMs: number): BreakRow => ({
  ...row,
  status: 'resolved',
  by: 'quittance',
  reason: `both sides agree in ${run}`,
  endedAtMs: atMs,
})

export type BreakAct = 'investigate' | 'resolve' | 'write_off'

const statusAfter = {
  investigate: 'investigating',
  resolve: 'resolved',
  write_off: 'written_off',
} as const

/** A person's word; `null`: it is over already. */
export function actOn(
  row: BreakRow,
  act: BreakAct,
  { by, reason, atMs }: { readonly by: string; readonly reason: string; readonly atMs: number },
  books: BooksOf,
): BreakRow | null {
  if (isOver(row)) return null
  const endedAtMs = act === 'investigate' ? null : atMs
  const writtenOff = act === 'write_off' ? writeOffOf(row, books, atMs) : null
  const booked = writtenOff === null ? {} : { writtenOff }
  return { ...row, status: statusAfter[act], by, reason, endedAtMs, ...booked }
}

/** Where the money of the break stands in the books. */
export interface BooksOf {
  readonly binding: Binding
  /** A settlement has taken it from the clearing account to the cash account. */
  readonly isSettled: boolean
}

// What our books have and the processor has not is a loss; what it has beyond them is owed to somebody.
function writeOffOf(row: BreakRow, { binding, isSettled }: BooksOf, atMs: number): WriteOff | null {
  const { type, booked = 0, currency } = row
  if (booked === 0 || currency === '') return null
  const party = `${binding.processor}/${binding.processorAccount}`
  const stands = isSettled || type === 'fee_variance' ? 'cash' : 'clearing'
  const [losses, held] = [`write_offs:${party}`, `${stands}:${party}`]
  const [debit, credit] = booked > 0 ? [losses, held] : [held, losses]
  return { atMs, currency, livemode: binding.livemode, amount: Math.abs(booked), debit, credit }
}
