// Compares one payment with what the processor's records say of it. Pure: who reads the records, in
// which window and how often, is for others. Nothing here changes a payment; what the records prove
// (an unknown that was resolved, a settlement, money taken back) is named, and observed as evidence.
import type { Marks } from './marks.ts'
import { formatAmount } from './money.ts'
import { isOpen, operationOf, refundsOf } from './operation.ts'
import type { ObjectView } from './outcome.ts'
import type { Operation, PaidPayment, Payment } from './payment.ts'

/** What the processor keeps of one of its objects. */
export interface ProcessorRecord {
  readonly object: ObjectView
  /** Ours, from its metadata; `null`: it carries none. */
  readonly paymentId: string | null
  /** Another installation's metadata, or none in an account that is not only ours. */
  readonly isForeign: boolean
  readonly createdAtMs: number
  /** What else its metadata tells of the payment; missing where the adapter reads none. */
  readonly marks?: Marks
}

export interface ReconcilePolicy {
  /** What only one side knows is given so long to arrive at the other. */
  readonly graceMs: number
  /** Captured money is in a settlement by then. */
  readonly settleWithinMs: number
  /** Fees may differ by so many minor units. */
  readonly feeTolerance: number
}

export const defaultReconcilePolicy: ReconcilePolicy = {
  graceMs: 3_600_000,
  settleWithinMs: 7 * 86_400_000,
  feeTolerance: 0,
}

/** In order of precedence: of what contradicts each other in one payment the first is told. */
export const breakTable = {
  duplicate_at_processor: { severity: 'critical', meaning: 'two captures for one payment' },
  duplicate_internal: {
    severity: 'critical',
    meaning: 'two payments, one object of the processor',
  },
  missing_internally: {
    severity: 'critical',
    meaning: 'the processor moved money that we have no payment for',
  },
  missing_at_processor: {
    severity: 'critical',
    meaning: 'we say money is held or taken; the processor has nothing',
  },
  currency_mismatch: { severity: 'high', meaning: 'the currencies differ' },
  status_mismatch: {
    severity: 'critical',
    meaning: 'ours and theirs contradict each other about money',
  },
  amount_mismatch: { severity: 'high', meaning: 'the captured amounts differ' },
  reversed_externally: {
    severity: 'high',
    meaning: 'money went back without us: a dispute, a return, a refund made elsewhere',
  },
  settlement_missing: { severity: 'medium', meaning: 'captured long ago and in no settlement' },
  fee_variance: { severity: 'low', meaning: 'the fee is not the one that we know' },
  ambiguous_match: { severity: 'medium', meaning: 'a line could belong to several payments' },
  unparseable_row: { severity: 'medium', meaning: 'a line that cannot be read' },
  pending_timing: { severity: 'info', meaning: 'only one side knows it yet' },
} as const satisfies Readonly<Record<string, { severity: Severity; meaning: string }>>

export type BreakType = keyof typeof breakTable
export type Severity = 'critical' | 'high' | 'medium' | 'low' | 'info'

export interface Difference {
  readonly type: BreakType
  readonly paymentId: string | null
  readonly objectId: string | null
  readonly currency: string
  /** Minor units that one side has and the other has not. */
  readonly valueAtRisk: number
  /**
   * Captured minor units that our books have and the processor has not; negative: it has more. What a
   * write-off takes out of the books, or puts into them; missing: it touches none.
   */
  readonly booked?: number
  /** Both sides in a few words, for people. */
  readonly ours: string
  readonly theirs: string
}

/** What a record proves; everything else in it changes nothing. */
export type Proof = 'resolves_unknown' | 'settles' | 'reverses'

export interface Compared {
  readonly differences: readonly Difference[]
  /** Records to be observed as evidence of this payment. */
  readonly evidence: readonly { readonly proof: Proof; readonly record: ProcessorRecord }[]
  /** Captured money of both sides that agrees. */
  readonly matched: { readonly count: 0 | 1; readonly value: number }
}

const nothing: Compared = { differences: [], evidence: [], matched: { count: 0, value: 0 } }

/** One payment of ours, or none, and all records that carry its id. */
export function compare(
  payment: Payment | null,
  records: readonly ProcessorRecord[],
  policy: ReconcilePolicy,
  nowMs: number,
): Compared {
  const own = records.filter(({ isForeign }) => !isForeign)
  if (payment === null) return withoutPayment(own, policy, nowMs)
  const theirs = own.filter(({ object }) => movesMoney(object))
  const taken = theirs.filter(({ object }) => object.amountCaptured > 0)
  const evidence = evidenceOf(payment, own)
  if (taken.length > 1) return { ...nothing, differences: [duplicate(payment, taken)], evidence }
  const record = taken[0] ?? theirs[0] ?? null
  // What the records resolve is decided again once it is observed; so is what is still under way.
  if (isUndecided(payment)) return { ...nothing, evidence }
  if (record === null) return { ...nothing, ...withoutRecord(payment, policy, nowMs), evidence }
  const differences = [
    ...between(payment, record, policy, nowMs),
    ...theirs.filter((each) => each !== record).map(({ object }) => orphan(payment, object)),
  ]
  const agrees = !differences.some(({ type }) => breaksMatch.has(type))
  const captured = agrees ? record.object.amountCaptured : 0
  return { differences, evidence, matched: { count: captured > 0 ? 1 : 0, value: captured } }
}

/** A fee or a late settlement does not make the money itself doubtful. */
const breaksMatch: ReadonlySet<BreakType> = new Set<BreakType>([
  'currency_mismatch',
  'status_mismatch',
  'amount_mismatch',
])

/** An object that two payments claim: records of the processor cannot show this, ours do. */
export function sharedObject(payments: readonly Payment[], objectId: string): Difference {
  const [first] = payments
  return {
    type: 'duplicate_internal',
    paymentId: first?.id ?? null,
    objectId,
    currency: first?.currency ?? '',
    valueAtRisk: payments.slice(1).reduce((sum, payment) => sum + moneyOf(payment).captured, 0),
    booked: payments.slice(1).reduce((sum, payment) => sum + moneyOf(payment).captured, 0),
    ours: payments.map(({ id }) => id).join(' and '),
    theirs: objectId,
  }
}

/** What our side has of an object that no payment of ours is known for. */
export const noPayment = 'no payment'

// ── One side only ────────────────────────────────────────────────────────────────────────────────

function withoutPayment(
  own: readonly ProcessorRecord[],
  { graceMs }: ReconcilePolicy,
  nowMs: number,
): Compared {
  const differences = own
    .filter(({ object }) => movesMoney(object))
    .map(({ object, paymentId, createdAtMs }): Difference => {
      const isFresh = nowMs < createdAtMs + graceMs
      return {
        type: isFresh ? 'pending_timing' : 'missing_internally',
        paymentId,
        objectId: object.objectId,
        currency: object.currency,
        valueAtRisk: Math.max(object.amountCaptured, object.amountAuthorised),
        booked: -object.amountCaptured,
        ours: noPayment,
        theirs: shown(object),
      }
    })
  return { ...nothing, differences }
}

function withoutRecord(
  payment: Payment,
  { graceMs }: ReconcilePolicy,
  nowMs: number,
): Pick<Compared, 'differences'> {
  const { authorised, captured } = moneyOf(payment)
  if (authorised === 0 && captured === 0) return nothing
  const isFresh = nowMs < payment.updatedAtMs + graceMs
  const type = isFresh ? 'pending_timing' : 'missing_at_processor'
  const value = Math.max(authorised, captured)
  return { differences: [difference(payment, null, type, value, captured)] }
}

function duplicate(payment: Payment, taken: readonly ProcessorRecord[]): Difference {
  const known = taken.find(({ object }) => object.objectId === payment.objectId) ?? taken[0]
  const others = taken.filter((record) => record !== known)
  const value = others.reduce((sum, { object }) => sum + object.amountCaptured, 0)
  return {
    ...difference(payment, others[0]?.object ?? null, 'duplicate_at_processor', value, -value),
    theirs: taken.map(({ object }) => shown(object)).join(' and '),
  }
}

/** Money that is held twice for one payment; the second one lapses, but until then it is missed. */
const orphan = (payment: Payment, object: ObjectView): Difference =>
  difference(payment, object, 'status_mismatch', object.amountAuthorised, 0)

// ── Both sides ───────────────────────────────────────────────────────────────────────────────────

function between(
  payment: Payment,
  { object }: ProcessorRecord,
  policy: ReconcilePolicy,
  nowMs: number,
): readonly Difference[] {
  const money = moneyOf(payment)
  const more = money.captured - object.amountCaptured
  const found = (type: BreakType, valueAtRisk: number, booked: number): readonly Difference[] => [
    difference(payment, object, type, valueAtRisk, booked),
  ]
  if (object.currency !== payment.currency) {
    // Two currencies cannot be taken from each other: nobody knows the rate.
    return found('currency_mismatch', Math.max(object.amountCaptured, money.captured), 0)
  }
  // Our object is not there, and another one was captured for the same payment.
  if (object.objectId !== payment.objectId && money.captured > 0 && object.amountCaptured > 0) {
    return found('status_mismatch', object.amountCaptured, 0)
  }
  if (object.amountCaptured > 0 !== money.captured > 0) {
    return found('status_mismatch', Math.max(object.amountCaptured, money.captured), more)
  }
  // Held by them and ended by us: it lapses, but until then the payer misses it.
  if (money.captured === 0 && object.amountAuthorised > 0 !== money.authorised > 0) {
    return found('status_mismatch', Math.max(object.amountAuthorised, money.authorised), 0)
  }
  if (object.amountCaptured !== money.captured) {
    return found('amount_mismatch', Math.abs(more), more)
  }
  return [...goneBack(payment, object), ...inSettlement(payment, object, policy, nowMs)]
}

/** Compared as a whole: what was taken back and what was refunded elsewhere are both without us. */
function goneBack(payment: Payment, object: ObjectView): readonly Difference[] {
  const refunds = object.refunds.filter(({ status }) => status === 'succeeded')
  const theirs = refunds.reduce((sum, { amount }) => sum + amount, object.amountReversed)
  const { refunded, refunding, reversed } = moneyOf(payment)
  const without = theirs - refunded - refunding - reversed
  if (without > 0) return [difference(payment, object, 'reversed_externally', without, 0)]
  const pending = object.refunds.filter(({ status }) => status === 'pending')
  const possible = pending.reduce((sum, { amount }) => sum + amount, theirs)
  // We told somebody that money is back, and it is not.
  const lacking = refunded + reversed - possible
  return lacking > 0 ? [difference(payment, object, 'status_mismatch', lacking, 0)] : []
}

function inSettlement(
  payment: Payment,
  object: ObjectView,
  { settleWithinMs, feeTolerance }: ReconcilePolicy,
  nowMs: number,
): readonly Difference[] {
  if (!('amountCaptured' in payment)) return []
  const known = payment.state === 'captured' ? null : payment.settlement
  if (object.settlement === null) {
    const isLate = known === null && nowMs >= payment.capturedAtMs + settleWithinMs
    return isLate ? [unsettled(payment, object)] : []
  }
  const [ours, theirs] = [known?.fee ?? null, object.settlement.fee]
  if (ours === null || theirs === null || Math.abs(ours - theirs) <= feeTolerance) return []
  return [difference(payment, object, 'fee_variance', Math.abs(ours - theirs), theirs - ours)]
}

const unsettled = (payment: PaidPayment, object: ObjectView | null): Difference => {
  const { amountCaptured: value } = payment
  return difference(payment, object, 'settlement_missing', value, value)
}

/** Captured, and in no settlement that anybody has shown us, for too long; `null`: it is not. */
export function lateSettlement(
  payment: Payment,
  { settleWithinMs }: ReconcilePolicy,
  nowMs: number,
): Difference | null {
  if (payment.state !== 'captured' || nowMs < payment.capturedAtMs + settleWithinMs) return null
  return unsettled(payment, null)
}

// ── Evidence ─────────────────────────────────────────────────────────────────────────────────────

// A match by amount and date never resolves anything: only a record that carries our attempt does.
function evidenceOf(payment: Payment, own: readonly ProcessorRecord[]): Compared['evidence'] {
  return own.flatMap((record) => {
    const proof = proofOf(payment, record.object)
    return proof === null ? [] : [{ proof, record }]
  })
}

function proofOf(payment: Payment, object: ObjectView): Proof | null {
  if (object.currency !== payment.currency) return null
  const operation = operationOf(payment)
  if (isOpen(operation)) return carries(payment, operation, object) ? 'resolves_unknown' : null
  if (object.objectId !== payment.objectId) return null
  if (!('amountCaptured' in payment)) return null
  if (payment.amountCaptured !== object.amountCaptured) return null
  if (payment.state === 'captured' && object.settlement !== null) return 'settles'
  return object.amountReversed > payment.amountReversed ? 'reverses' : null
}

const carries = (payment: Payment, { attempt }: Operation, object: ObjectView): boolean =>
  object.attemptId === attempt.id || object.objectId === payment.objectId

/** Something of it may still take effect: a comparison would speak of a moment that is over. */
function isUndecided(payment: Payment): boolean {
  return isOpen(operationOf(payment)) || isOpen(payment.voiding)
}

// ── Words and sums ───────────────────────────────────────────────────────────────────────────────

interface Money {
  readonly authorised: number
  readonly captured: number
  readonly refunded: number
  /** Asked for and not known to have failed. */
  readonly refunding: number
  readonly reversed: number
}

export function moneyOf(payment: Payment): Money {
  const refunds = refundsOf(payment)
  const sum = (status: 'open' | 'succeeded'): number =>
    refunds.reduce((total, each) => total + (each.status === status ? each.amount : 0), 0)
  const isPaid = 'amountCaptured' in payment
  return {
    authorised: payment.state === 'authorised' ? payment.amountAuthorised : 0,
    captured: isPaid ? payment.amountCaptured : 0,
    refunded: sum('succeeded'),
    refunding: sum('open'),
    reversed: isPaid ? payment.amountReversed : 0,
  }
}

const movesMoney = ({ amountAuthorised, amountCaptured }: ObjectView): boolean =>
  amountAuthorised > 0 || amountCaptured > 0

export function difference(
  payment: Payment,
  object: ObjectView | null,
  type: BreakType,
  valueAtRisk: number,
  booked: number,
): Difference {
  const { captured } = moneyOf(payment)
  return {
    type,
    paymentId: payment.id,
    objectId: object?.objectId ?? payment.objectId,
    currency: payment.currency,
    valueAtRisk,
    ...(booked === 0 ? {} : { booked }),
    ours: `${payment.state}, ${formatAmount(captured, payment.currency)} captured`,
    theirs: object === null ? 'nothing' : shown(object),
  }
}

const shown = ({ objectId, status, amountCaptured, currency }: ObjectView): string =>
  `${objectId}: ${status}, ${formatAmount(amountCaptured, currency)} captured`
