// What a line of a settlement file says of a payment. A file tells movements (a capture that was paid
// out, a refund, a dispute), never how an object stands; what it does not tell contradicts nothing.
import { formatAmount } from './money.ts'
import { operationOf, isOpen, refundsOf } from './operation.ts'
import type { ObjectView } from './outcome.ts'
import type { Payment } from './payment.ts'
import { compare, difference, moneyOf, sharedObject } from './reconcile.ts'
import type { Compared, Difference, ProcessorRecord, ReconcilePolicy } from './reconcile.ts'

export const lineKinds = ['captured', 'refunded', 'reversed', 'other'] as const

/** `other`: fees without a payment, transfers to the bank: counted, and compared with nothing. */
export type LineKind = (typeof lineKinds)[number]

export interface SettlementLine {
  /** Its place in the file, from 1 on; the header is none. */
  readonly line: number
  readonly kind: LineKind
  readonly paymentId: string | null
  readonly attemptId: string | null
  /** The processor's id of the payment's object. */
  readonly objectId: string | null
  /** The processor's id of this movement: a capture, a refund, a dispute. */
  readonly movementId: string | null
  /** The bill's own reference, where the line carries no id of ours. */
  readonly reference: string | null
  readonly currency: string
  /** Gross, minor units, never negative. */
  readonly amount: number
  readonly fee: number | null
  readonly batch: string | null
  readonly settledAtMs: number | null
}

/** The payment that a line names by an id of ours; `null`: by none. */
export function namedPayment({ paymentId, attemptId }: SettlementLine): string | null {
  if (paymentId !== null) return paymentId
  // An attempt's id begins with its payment's (`attemptId` in operation.ts).
  const found = /^att_([0-9A-Za-z]{26})_[a-z]+_\d+$/.exec(attemptId ?? '')
  return found?.[1] === undefined ? null : `pay_${found[1]}`
}

/** The same line again, as a file has it that was put together twice, is one line. */
export function withoutRepeats(lines: readonly SettlementLine[]): readonly SettlementLine[] {
  const seen = new Set<string>()
  return lines.filter((line) => {
    const content = JSON.stringify({ ...line, line: 0 })
    if (seen.has(content)) return false
    seen.add(content)
    return true
  })
}

export interface ComparedLines extends Compared {
  /** The lines as records: for control totals. */
  readonly records: readonly ProcessorRecord[]
  /** Money went back that we know nothing of: how the object stands now is worth a look. */
  readonly hint: ProcessorRecord | null
}

const nothing: Compared = { differences: [], evidence: [], matched: { count: 0, value: 0 } }

/** All lines of a file that name this payment, and the payment, or none. */
export function compareLines(
  payment: Payment | null,
  lines: readonly SettlementLine[],
  policy: ReconcilePolicy,
  nowMs: number,
): ComparedLines {
  const records = recordsOf(payment, lines)
  const compared = records.length === 0 ? nothing : compare(payment, records, policy, nowMs)
  if (payment === null) {
    const back = records.length > 0 ? [] : lines.filter(({ kind }) => kind !== 'other')
    const orphans = back.map((line) => lineDifference('missing_internally', line, 'no payment', 0))
    const differences = [...compared.differences, ...orphans]
    return { ...compared, differences, records, hint: null }
  }
  const swapped = records.find((record) => isSecondObject(payment, record.object))
  const excess = goneBackUnknown(payment, lines)
  const shown = records[0] ?? recordOf(payment, lines.slice(0, 1))
  const back =
    excess > 0 ? [difference(payment, shown.object, 'reversed_externally', excess, 0)] : []
  if (swapped === undefined || records.length > 1) {
    const evidence = compared.evidence.filter(({ record }) => isWhole(payment, record.object))
    const differences = [...compared.differences, ...back]
    return { ...compared, evidence, differences, records, hint: excess > 0 ? shown : null }
  }
  const { object } = swapped
  const { amountCaptured: value } = object
  const again = difference(payment, object, 'duplicate_at_processor', value, -value)
  const matched = { count: 0, value: 0 } as const
  return { differences: [again, ...back], evidence: [], matched, records, hint: null }
}

// Another object than ours was captured and paid out for a payment that was paid.
const isSecondObject = (payment: Payment, { objectId }: ObjectView): boolean =>
  'amountCaptured' in payment && payment.objectId !== null && payment.objectId !== objectId

/** What an open operation asked for is all there; a part of it proves less than the whole. */
function isWhole(payment: Payment, { amountCaptured }: ObjectView): boolean {
  const operation = operationOf(payment)
  return !isOpen(operation) || operation.attempt.request.amount === amountCaptured
}

function recordsOf(
  payment: Payment | null,
  lines: readonly SettlementLine[],
): readonly ProcessorRecord[] {
  const captures = lines.filter(({ kind }) => kind === 'captured')
  const nameOf = ({ objectId, movementId, line }: SettlementLine): string =>
    objectId ?? payment?.objectId ?? movementId ?? `line ${line}`
  return [...Map.groupBy(captures, nameOf).values()].map((own) => recordOf(payment, own))
}

/** As the object would look if these lines and what we know were all of it. */
function recordOf(payment: Payment | null, own: readonly SettlementLine[]): ProcessorRecord {
  const [first] = own
  const captured = own
    .filter(({ kind }) => kind === 'captured')
    .reduce((sum, { amount }) => sum + amount, 0)
  const fees = own.flatMap(({ fee }) => (fee === null ? [] : [fee]))
  const settledAtMs = first?.settledAtMs ?? 0
  const fee = fees.length === 0 ? null : fees.reduce((sum, each) => sum + each, 0)
  const amount = payment?.amount ?? captured
  const object: ObjectView = {
    objectId: first?.objectId ?? payment?.objectId ?? first?.movementId ?? `line ${first?.line}`,
    attemptId: own.find(({ attemptId }) => attemptId !== null)?.attemptId ?? null,
    status: 'captured',
    amount,
    currency: first?.currency ?? '',
    amountAuthorised: amount,
    amountCaptured: captured,
    amountReversed: payment === null ? 0 : moneyOf(payment).reversed,
    authorisationExpiresAtMs: null,
    decline: null,
    actionUrl: null,
    settlement: { id: first?.batch ?? 'unnamed batch', settledAtMs, fee },
    refunds: payment === null ? [] : ourRefunds(payment),
  }
  const paymentId = first === undefined ? null : namedPayment(first)
  // What was paid out is never too fresh to be known here: payments are stored before they are sent.
  return { object, paymentId, isForeign: false, createdAtMs: 0 }
}

function ourRefunds(payment: Payment): ObjectView['refunds'] {
  return refundsOf(payment)
    .filter(({ status }) => status === 'succeeded')
    .map(({ id, operation, amount }) => ({
      objectId: id,
      // Never `null`: that would be a refund made by others.
      attemptId: operation?.attempt.id ?? id,
      amount,
      status: 'succeeded',
    }))
}

/** Money that the file takes back from a payment beyond all refunds and reversals that we know of. */
function goneBackUnknown(payment: Payment, lines: readonly SettlementLine[]): number {
  const back = lines.filter(({ kind }) => kind === 'refunded' || kind === 'reversed')
  const sum = back.reduce((total, { amount }) => total + amount, 0)
  const { refunded, refunding, reversed } = moneyOf(payment)
  return Math.max(0, sum - refunded - refunding - reversed)
}

// ── Lines without an id of ours ──────────────────────────────────────────────────────────────────

export type Matched =
  | { readonly match: 'payment'; readonly payment: Payment }
  /** Named to people, and changes nothing. */
  | { readonly match: 'break'; readonly difference: Difference }
  /** Nothing of ours: counted, and no break. */
  | { readonly match: 'foreign' }

/**
 * `candidates` have the line's reference. Only the processor's own id makes one of them the payment; by
 * amount, however well it fits, nothing is ever learnt.
 */
export function matchLine(
  line: SettlementLine,
  candidates: readonly Payment[],
  isExclusive: boolean,
): Matched {
  const { objectId, currency, amount } = line
  const exact = candidates.filter((payment) => objectId !== null && payment.objectId === objectId)
  const [payment] = exact
  if (payment !== undefined && exact.length === 1) return { match: 'payment', payment }
  if (exact.length > 1) return { match: 'break', difference: sharedObject(exact, objectId ?? '') }
  if (line.kind !== 'captured') return { match: 'foreign' }
  const possible = candidates.filter(
    (each) =>
      (each.objectId === null || objectId === null) &&
      each.currency === currency &&
      each.amount === amount,
  )
  if (possible.length > 0) {
    const ours = possible.map(({ id, state }) => `${id} (${state})`).join(', ')
    const found = `${ours}: same reference and amount, and no id of ours`
    return { match: 'break', difference: lineDifference('ambiguous_match', line, found, 0) }
  }
  if (candidates.length === 0 && !isExclusive) return { match: 'foreign' }
  const ours =
    candidates.length === 0
      ? 'no payment'
      : `${candidates.map(({ id }) => id).join(', ')}: of another object or amount`
  const difference = lineDifference('missing_internally', line, ours, -amount)
  return { match: 'break', difference }
}

function lineDifference(
  type: 'ambiguous_match' | 'missing_internally',
  each: SettlementLine,
  ours: string,
  booked: number,
): Difference {
  const { line, kind, objectId, movementId, reference, amount, currency, batch } = each
  const named = objectId ?? movementId ?? `${reference} ${amount} ${currency}`
  const place = `line ${line}${batch === null ? '' : ` of batch ${batch}`}`
  return {
    type,
    paymentId: null,
    objectId: named,
    currency,
    valueAtRisk: amount,
    ...(booked === 0 ? {} : { booked }),
    ours: ours.slice(0, maxWords),
    theirs: `${place}: ${named}, reference ${reference}, ${formatAmount(amount, currency)} ${kind}`,
  }
}

/** There may be many candidates; the first of them are enough to begin with. */
const maxWords = 300
