// The record of a payment that was parked past the retry policy. It is written in the commit that
// parks, and follows the payment: only a person, a rule or evidence ends it.
import { operationAt, operationOf, refundsOf, sendsSpent } from './operation.ts'
import type {
  Attempt,
  OperationKind,
  ParkReason,
  Payment,
  PaymentEvent,
  Source,
  Target,
} from './payment.ts'

export type DeadLetterStatus = 'open' | 'redriven' | 'resolved'

export interface DeadLetterRow {
  readonly paymentId: string
  readonly agent: string
  readonly account: string
  readonly processor: string
  readonly status: DeadLetterStatus
  /** The operation that got stuck; `null` where none had begun. */
  readonly step: OperationKind | null
  readonly reason: ParkReason
  readonly attempts: number
  readonly sends: number
  /** The first send of the operation's last attempt, or the claim. */
  readonly firstAtMs: number
  readonly parkedAtMs: number
  /** SHA-256 of the request that was sent last: the same bytes give the same hash. */
  readonly requestHash: string | null
  readonly lastEvidence: Source | null
  /** How often it was taken up again, by whomever. */
  readonly redrives: number
  /** Of these, by the rule; past its bound a person is asked. */
  readonly ruleRedrives: number
  /** Who ended it: an operator's name, an agent that voided it, `rule` or `evidence`. */
  readonly endedBy: string | null
  readonly endedAtMs: number | null
  /** An operator's note to the next one. */
  readonly note: string | null
  /** The word of a first operator, where a second one is needed. */
  readonly proposal: Proposal | null
}

export interface Proposal {
  readonly by: string
  readonly atMs: number
  readonly finding: 'paid' | 'not_paid'
  readonly processorReference: string | null
  readonly reason: string
  /** The payment's version that was shown: whoever agrees must have seen the same. */
  readonly seq: number
}

/** The name under which the rule redrives; no operator can have it. */
export const byRule = 'rule'

/** The rule takes a payment up again so often; then a person is asked. */
export const maxRuleRedrives = 3

/** The reasons that a processor's recovery may have removed. */
export const ruleReasons: readonly ParkReason[] = ['retries_exhausted', 'outcome_unknown']

/** What the engine adds, because a payment does not carry it. */
export interface ParkedWith {
  readonly requestHash: string | null
  readonly lastEvidence: Source | null
}

const isParked = (payment: Payment): boolean =>
  payment.holds.some(({ reason }) => reason === 'dead_letter')

/** The record after these events, or `null` where they do not change it. */
export function deadLetterAfter(
  row: DeadLetterRow | null,
  before: Payment,
  after: Payment,
  events: readonly PaymentEvent[],
  parkedWith: ParkedWith,
): DeadLetterRow | null {
  const parked = events.findLast((event) => event.type === 'parked')
  if (parked !== undefined && isParked(after)) return opened(row, after, parked, parkedWith)
  if (row === null || !isParked(before) || isParked(after)) return null
  const endedAtMs = events.at(-1)?.atMs ?? after.updatedAtMs
  const redriven = events.find((event) => event.type === 'redriven')
  if (redriven !== undefined) {
    return {
      ...row,
      status: 'redriven',
      redrives: row.redrives + 1,
      ruleRedrives: row.ruleRedrives + (redriven.by === byRule ? 1 : 0),
      endedBy: redriven.by,
      endedAtMs,
      proposal: null,
    }
  }
  return { ...row, status: 'resolved', endedBy: whoEnded(events), endedAtMs, proposal: null }
}

function whoEnded(events: readonly PaymentEvent[]): string {
  const resolved = events.find((event) => event.type === 'resolved')
  if (resolved !== undefined) return resolved.by.cause
  // Nothing was ever sent: whoever asked for the void ended it, not the processor.
  const isUnsent = events.some((event) => event.type === 'voided' && event.by === null)
  const asked = events.find((event) => event.type === 'void_requested')
  return isUnsent && asked !== undefined ? asked.by : 'evidence'
}

function opened(
  row: DeadLetterRow | null,
  payment: Payment,
  parked: Extract<PaymentEvent, { type: 'parked' }>,
  parkedWith: ParkedWith,
): DeadLetterRow {
  const target = stuckTarget(payment)
  const operation = target === null ? null : operationAt(payment, target)
  return {
    paymentId: payment.id,
    agent: payment.agent,
    account: payment.account,
    processor: payment.binding.processor,
    status: 'open',
    step: target?.kind ?? null,
    reason: parked.reason,
    attempts: operation?.attempt.number ?? 0,
    sends: operation === null ? 0 : sendsSpent(operation),
    firstAtMs: operation?.attempt.sends[0]?.atMs ?? payment.createdAtMs,
    parkedAtMs: parked.atMs,
    ...parkedWith,
    redrives: row?.redrives ?? 0,
    ruleRedrives: row?.ruleRedrives ?? 0,
    endedBy: null,
    endedAtMs: null,
    note: row?.note ?? null,
    proposal: null,
  }
}

/** The operation that a parked payment is stuck in: the void first, then its own, then a refund. */
function stuckTarget(payment: Payment): Target | null {
  if (payment.voiding !== null) return { kind: 'void' }
  const own = operationOf(payment)
  if (own !== null) return { kind: own.kind } as Target // an own operation is no void and no refund
  const refund = refundsOf(payment).find(
    ({ status, operation }) => status === 'open' && operation !== null,
  )
  return refund === undefined ? null : { kind: 'refund', refundId: refund.id }
}

/** The request that a parked payment sent last, to be hashed as evidence. */
export function stuckRequest(payment: Payment): Attempt | null {
  const target = stuckTarget(payment)
  return target === null ? null : (operationAt(payment, target)?.attempt ?? null)
}

/** Every reason, in the order in which people read them. */
export const parkReasons = [
  'outcome_unknown',
  'retries_exhausted',
  'configuration',
  'too_late',
  'answer_mismatch',
  'request_mismatch',
  'pending_too_long',
  'void_refused',
] as const satisfies readonly ParkReason[]
