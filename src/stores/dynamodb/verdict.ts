// What an answer of the table means: from errors and cancellation reasons to the port's results.
import type { CancellationReason } from '@aws-sdk/client-dynamodb'

import type { CommitResult } from '../../ports.ts'
import type { Item } from './items.ts'
import type { ConflictRow, Judgement, Step } from './step.ts'

/** What the error of a request says about it. */
export type Failure =
  /** Not carried out, and worth another try: throttled, or in the way of another transaction. */
  | { readonly failure: 'busy'; readonly why: string }
  /** It may have been carried out, or may be yet. */
  | { readonly failure: 'in_doubt'; readonly why: string }
  /** Conditions failed, and what the items were; by the place of the action in the request. */
  | { readonly failure: 'refused'; readonly reasons: readonly Refused[] }
  /** It cannot be carried out as things are: no rights, no table. */
  | { readonly failure: 'impossible'; readonly why: string }
  /** A mistake of ours in the request. */
  | { readonly failure: 'bug'; readonly why: string }

/** A condition that failed, and the item as it was. */
export interface Refused {
  readonly index: number
  readonly before: Item | undefined
}

const busyErrors = new Set([
  'ProvisionedThroughputExceededException',
  'RequestLimitExceeded',
  'ThrottlingException',
  'Throttling',
  'ThrottledException',
  'TransactionConflictException',
  'ReplicatedWriteConflictException',
  'LimitExceededException',
])

const busyReasons = new Set([
  'TransactionConflict',
  'ThrottlingError',
  'ProvisionedThroughputExceeded',
  'RequestLimitExceeded',
])

/** The request itself is wrong; it will be wrong each time. */
const bugErrors = new Set([
  'IdempotentParameterMismatchException',
  'SerializationException',
  'ValidationException',
])

const impossibleErrors = new Set([
  'AccessDeniedException',
  'CredentialsProviderError',
  'ExpiredTokenException',
  'IncompleteSignatureException',
  'InvalidSignatureException',
  'MissingAuthenticationTokenException',
  'ResourceNotFoundException',
  'UnrecognizedClientException',
])

/** An error as the client throws it; what is not there is not told. */
interface ServiceError {
  readonly name?: unknown
  readonly message?: unknown
  readonly Item?: Item
  readonly CancellationReasons?: readonly CancellationReason[]
}

export function failureOf(error: unknown): Failure {
  // Anything can be thrown; these properties are looked at before they are used.
  const { name, message, Item: item, CancellationReasons: reasons } = (error ?? {}) as ServiceError
  const why = `${String(name)}: ${String(message)}`
  const called = String(name)
  if (called === 'ConditionalCheckFailedException') {
    return { failure: 'refused', reasons: [{ index: 0, before: item }] }
  }
  if (called === 'TransactionCanceledException') return cancelled(reasons ?? [], why)
  if (busyErrors.has(called)) return { failure: 'busy', why }
  if (bugErrors.has(called)) return { failure: 'bug', why }
  if (impossibleErrors.has(called)) return { failure: 'impossible', why }
  // A transaction under our own token that is still under way, an answer that was lost, a server that
  // failed half way, and everything that nobody has seen yet.
  return { failure: 'in_doubt', why }
}

function cancelled(reasons: readonly CancellationReason[], why: string): Failure {
  const codes = reasons.map(({ Code = 'None' }) => Code)
  // Whoever met another transaction has judged nothing: also not the conditions that failed beside it.
  const busy = codes.find((code) => busyReasons.has(code))
  if (busy !== undefined) return { failure: 'busy', why: busy }
  const wrong = codes.find((code) => code !== 'None' && code !== 'ConditionalCheckFailed')
  if (wrong !== undefined) {
    const told = reasons.find(({ Code }) => Code === wrong)?.Message ?? ''
    return { failure: 'bug', why: `${wrong}: ${told}` }
  }
  const refused = reasons.flatMap(({ Code, Item: before }, index) =>
    Code === 'ConditionalCheckFailed' ? [{ index, before: presentOnly(before) }] : [],
  )
  // A cancellation without a reason: nothing was written, and nothing is known.
  return refused.length === 0 ? { failure: 'busy', why } : { failure: 'refused', reasons: refused }
}

const presentOnly = (item: Item | undefined): Item | undefined =>
  item === undefined || Object.keys(item).length === 0 ? undefined : item

// ── Conditions that failed ───────────────────────────────────────────────────────────────────────

export type Verdict =
  | Exclude<CommitResult, { result: 'unknown' }>
  /** Only what we had assumed did not hold: plan again. */
  | { readonly result: 'stale' }
  /** Our own request may still be carried out, or was and has been overwritten since. */
  | { readonly result: 'in_doubt' }

/** `inDoubt`: an earlier try of the same request had no answer. */
export function judge(
  steps: readonly Step[],
  reasons: readonly Refused[],
  inDoubt: boolean,
): Verdict {
  const judged = reasons.flatMap(({ index, before }): readonly Judgement[] => {
    const step = steps[index]
    return step === undefined ? [] : [step.judge(before)]
  })
  if (judged.some(({ isOurs }) => isOurs)) return { result: 'committed' }
  const rows = judged
    .flatMap((each) => each.rows)
    .toSorted((a, b) => a.at - b.at)
    .map(({ row }) => row)
  if (rows.length > 0) {
    // What a lost try waits for may come true before it arrives, unless it never can.
    const isSure = !inDoubt || judged.some(({ isForGood }) => isForGood)
    return isSure ? { result: 'conflict', rows: distinct(rows) } : { result: 'in_doubt' }
  }
  return judged.some(({ isStale }) => isStale) ? { result: 'stale' } : { result: 'in_doubt' }
}

/** The copies of a row fail together, and are one row. */
function distinct(rows: readonly ConflictRow[]): readonly ConflictRow[] {
  const byName = new Map(rows.map((row) => [`${row.table} ${row.key}`, row]))
  return [...byName.values()]
}
