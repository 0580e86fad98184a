// What all sends of an operation say together. An answer speaks for its own send; while one send
// has no answer, or an unknown one, the operation is unknown, whatever later sends said.
import type {
  Attempt,
  Operation,
  OperationKind,
  OperationStatus,
  Payment,
  Send,
  Target,
} from './payment.ts'
import { leaptMs } from './policy.ts'
import type { Circumstances, Leap, Policy } from './policy.ts'

/** The operation's status, derived from its sends and stored nowhere. */
export function statusOf(operation: Operation): OperationStatus {
  const { sends } = operation.attempt
  const has = (outcome: Send['outcome']): boolean => sends.some((send) => send.outcome === outcome)
  if (has('succeeded')) return 'succeeded'
  if (has('pending')) return 'pending'
  const open = has('unknown') || has(null)
  if (has('declined') && (!open || believesDecline(operation))) return 'failed'
  if (open || has('declined')) return has(null) && sends.length === 1 ? 'sent' : 'unknown'
  return 'due'
}

// Stored under the key, a decline speaks for every send; what only refused the content is not stored.
function believesDecline({ attempt, storesDeclines }: Operation): boolean {
  const declined = attempt.sends.filter((send) => send.outcome === 'declined')
  return storesDeclines && declined.some((send) => send.cause !== 'invalid_content')
}

/** May something of it still take effect? Then no command changes the payment's state. */
export function isOpen(operation: Operation | null): operation is Operation {
  if (operation === null) return false
  const status = statusOf(operation)
  return status === 'sent' || status === 'pending' || status === 'unknown'
}

export function lastSend(operation: Operation): Send {
  const send = operation.attempt.sends.at(-1)
  if (send === undefined) throw new Error('an attempt has at least one send')
  return send
}

/** Was each send proved not executed by its own answer? Then the same key may be sent again. */
export function refusedByAnswers(operation: Operation): boolean {
  return operation.attempt.sends.every((send) => !(send.cause ?? '').startsWith('proof:'))
}

/** The payment's own operation towards money, if its state has one. */
export function operationOf(payment: Payment): Operation | null {
  switch (payment.state) {
    case 'validated':
    case 'authorised':
      return payment.operation
    case 'initiated':
    case 'captured':
    case 'settled':
    case 'refunded':
    case 'declined':
    case 'rejected':
    case 'voided':
    case 'expired':
      return null
  }
}

/** The operation that an event or a step speaks of. */
export function operationAt(payment: Payment, target: Target): Operation | null {
  switch (target.kind) {
    case 'create':
    case 'authorise':
    case 'capture': {
      const operation = operationOf(payment)
      return operation?.kind === target.kind ? operation : null
    }
    case 'void':
      return payment.voiding
    case 'refund':
      return refundsOf(payment).find((each) => each.id === target.refundId)?.operation ?? null
  }
}

export function refundsOf(payment: Payment): Extract<Payment, { refunds: unknown }>['refunds'] {
  return 'refunds' in payment ? payment.refunds : []
}

/** Every operation of the payment that has an attempt, with the target that names it. */
export function operationsOf(payment: Payment): { target: Target; operation: Operation }[] {
  const own = operationOf(payment)
  const list: { target: Target; operation: Operation }[] = []
  if (own !== null) list.push({ target: moneyTarget(own.kind), operation: own })
  if (payment.voiding !== null) list.push({ target: { kind: 'void' }, operation: payment.voiding })
  for (const { id, operation } of refundsOf(payment)) {
    if (operation !== null) list.push({ target: { kind: 'refund', refundId: id }, operation })
  }
  return list
}

function moneyTarget(kind: OperationKind): Target {
  if (kind === 'void' || kind === 'refund') throw new Error(`${kind} is no operation towards money`)
  return { kind }
}

/** Whose attempt is this? `null`: of no operation that is still open. */
export function targetOfAttempt(payment: Payment, attemptId: string): Target | null {
  return (
    operationsOf(payment).find(({ operation }) => operation.attempt.id === attemptId)?.target ??
    null
  )
}

/**
 * Attempt ids are made from the payment's id, the operation and the number: two workers, or a
 * restored copy of the store, name the same attempt alike and so use the same key.
 */
export function attemptId(paymentId: string, kind: OperationKind, number: number): string {
  return `att_${paymentId.replace(/^pay_/, '')}_${kind}_${number}`
}

export function withSends(operation: Operation, sends: readonly Send[]): Operation {
  const attempt: Attempt = { ...operation.attempt, sends }
  return { ...operation, attempt }
}

export function sendsSpent(operation: Operation): number {
  return operation.earlierSends + countedSends(operation.attempt) - operation.forgivenSends
}

/** The sends that use up patience: what we ourselves kept from going out is not one of them. */
export function countedSends({ sends }: Attempt): number {
  return sends.filter(({ cause }) => cause === null || !keptBack.includes(cause)).length
}

const keptBack: readonly string[] = [
  'started_too_late',
  'no_time_left',
  'no_connection_in_time',
  'rate_limited',
  'processor_paused',
  'stopped',
  'agent_suspended',
  'store_unavailable',
]

interface AbsenceClock {
  readonly policy: Pick<Policy, 'callTimeoutMs' | 'clockErrorMs'>
  readonly leap?: Leap | null
}

/**
 * A consistent read that was asked later than this, and shows nothing, says that nothing will come.
 * What was sent before our clock leapt forward is younger than it seems.
 */
export function absenceCountsFromMs(
  operation: Operation,
  absenceAfterMs: number,
  { policy, leap = null }: AbsenceClock,
): number {
  const { atMs } = lastSend(operation)
  const { callTimeoutMs, clockErrorMs } = policy
  return atMs + callTimeoutMs + absenceAfterMs + clockErrorMs + leaptMs(leap, atMs)
}

/**
 * Until then its key may be sent again; it ends early, because clocks differ, and earlier where the clock
 * was set back since: the key is older than the times say.
 */
export function keyUseEndsMs(
  operation: Operation,
  { capabilities, policy, setBack = null }: Circumstances,
): number {
  const sentAtMs = operation.attempt.sends[0]?.atMs ?? 0
  const first = setBack !== null && sentAtMs <= setBack.untilMs ? sentAtMs - setBack.byMs : sentAtMs
  return first + capabilities.keyWindowMs - policy.keyWindowMarginMs
}
