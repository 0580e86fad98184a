// What to do now: a function of the payment, the circumstances and the time. Every driver asks it
// and nothing else decides. While an operation may still take effect it is only waited for, looked
// up, sent again under its own key, or fenced; when patience ends, a person is asked.
import { isTooLate, pursue } from './ladder.ts'
import { isOpen, lastSend, operationOf, refundsOf } from './operation.ts'
import { paymentFormat } from './payment.ts'
import type { Authorised, Operation, Payment, Target, Validated } from './payment.ts'
import { backoffMs } from './policy.ts'
import type { Circumstances } from './policy.ts'
import { begin, command, wait } from './step.ts'
import type { Step } from './step.ts'

export function next(payment: Payment, given: Circumstances, nowMs: number): Step {
  if (payment.format > paymentFormat) return { do: 'leave' }
  const held = byHolds(payment, given, nowMs)
  return held ?? byState(payment, given, nowMs)
}

// ── Holds ────────────────────────────────────────────────────────────────────────────────────────

function byHolds(payment: Payment, given: Circumstances, nowMs: number): Step | null {
  const has = (reason: string): boolean => payment.holds.some((hold) => hold.reason === reason)
  if (has('dead_letter')) return { do: 'idle', untilMs: null }
  if (!given.bindingMatches) return byBinding(payment, has('processor_changed'), nowMs)
  if (has('processor_changed')) {
    return command({ type: 'lift_hold', reason: 'processor_changed', by: 'quittance' })
  }
  if (payment.state !== 'initiated') return byHoldsLater(payment, has('possible_duplicate'))
  if (nowMs >= payment.notAfterMs)
    return command({ type: 'reject', reason: 'too_late', by: 'quittance' })
  if (has('possible_duplicate')) return { do: 'idle', untilMs: payment.notAfterMs }
  if (payment.approval !== null && payment.approval.approvedBy === null) {
    return byApproval(payment, payment.approval.expiresAtMs, nowMs)
  }
  return null
}

// Evidence can lift a payment past `initiated` while a person was still to be asked (a restored
// store): without the approval its money is given back, and nothing more is begun.
function byHoldsLater(payment: Payment, possibleDuplicate: boolean): Step | null {
  if (payment.state !== 'validated' && payment.state !== 'authorised') return null
  if (payment.voidRequested !== null || payment.voiding !== null || isOpen(payment.operation))
    return null
  if (possibleDuplicate) return { do: 'idle', untilMs: null }
  return payment.approval !== null && payment.approval.approvedBy === null
    ? command({ type: 'void', by: 'quittance', reason: 'not_approved' })
    : null
}

const bindingCheckMs = 60_000

// Neither a look-up nor a send may go to another processor, account or mode.
function byBinding(payment: Payment, held: boolean, nowMs: number): Step {
  if (isFinished(payment)) return { do: 'done' }
  // Looked at again now and then: once the setting is corrected, the hold lifts by itself.
  if (held) return { do: 'idle', untilMs: nowMs + bindingCheckMs }
  const { processor, processorAccount } = payment.binding
  return command({
    type: 'hold',
    reason: 'processor_changed',
    detail: `${processor} ${processorAccount}`,
  })
}

function byApproval(payment: Payment, expiresAtMs: number, nowMs: number): Step {
  if (nowMs >= expiresAtMs) {
    return command({ type: 'reject', reason: 'approval_expired', by: 'quittance' })
  }
  if (!payment.holds.some((hold) => hold.reason === 'approval_required')) {
    return command({ type: 'hold', reason: 'approval_required', detail: '' })
  }
  return { do: 'idle', untilMs: Math.min(expiresAtMs, payment.notAfterMs) }
}

function isFinished(payment: Payment): boolean {
  switch (payment.state) {
    case 'initiated':
    case 'validated':
    case 'authorised':
      return false
    case 'captured':
    case 'settled':
    case 'refunded':
      return payment.refunds.every((refund) => refund.status !== 'open')
    case 'declined':
    case 'rejected':
    case 'voided':
    case 'expired':
      return true
  }
}

// ── States ───────────────────────────────────────────────────────────────────────────────────────

function byState(payment: Payment, given: Circumstances, nowMs: number): Step {
  switch (payment.state) {
    case 'initiated':
      return begin(
        payment,
        { kind: given.capabilities.objectFirst ? 'create' : 'authorise' },
        given,
        nowMs,
      )
    case 'validated':
      return whileValidated(payment, given, nowMs)
    case 'authorised':
      return whileAuthorised(payment, given, nowMs)
    case 'captured':
      return firstOf([
        ...refundSteps(payment, given, nowMs),
        askForSettlement(payment, given, nowMs),
      ])
    case 'settled':
    case 'refunded':
      return firstOf(refundSteps(payment, given, nowMs))
    case 'declined':
      return cancelLeftObject(payment, given, nowMs)
    case 'rejected':
    case 'voided':
    case 'expired':
      return { do: 'done' }
  }
}

// What can be done now goes first, then the nearest time.
function firstOf(steps: readonly Step[]): Step {
  const active = steps.find((step) => step.do !== 'wait' && step.do !== 'done')
  if (active !== undefined) return active
  const waits = steps.filter((step) => step.do === 'wait')
  return waits.reduce<Step>(
    (first, step) => (first.do === 'wait' && first.untilMs <= step.untilMs ? first : step),
    { do: 'done' },
  )
}

function whileValidated(payment: Validated, given: Circumstances, nowMs: number): Step {
  if (payment.voiding !== null) return voidStep(payment, given, nowMs)
  const { operation } = payment
  if (operation !== null) return towardsMoney(payment, operation, given, nowMs)
  if (payment.voidRequested !== null) return voidStep(payment, given, nowMs)
  if (nowMs >= payment.notAfterMs) return tooLate
  const kind = given.capabilities.objectFirst && payment.objectId === null ? 'create' : 'authorise'
  return begin(payment, { kind }, given, nowMs)
}

function whileAuthorised(payment: Authorised, given: Circumstances, nowMs: number): Step {
  if (payment.voiding !== null) return voidStep(payment, given, nowMs)
  const { operation } = payment
  if (operation !== null) return towardsMoney(payment, operation, given, nowMs)
  if (payment.voidRequested !== null) return voidStep(payment, given, nowMs)
  const { authorisationExpiresAtMs: expiresAtMs } = payment
  const asked = payment.capture === 'automatic' || payment.captureRequested !== null
  if (!asked) return untilLapse(expiresAtMs, nowMs)
  if (isTooLate(payment, nowMs)) return tooLate
  return begin(payment, { kind: 'capture' }, given, nowMs)
}

// It is the agent's turn. Past its time the authorisation is given up, so that it cannot linger; the
// processor's answer says whether it had lapsed.
function untilLapse(expiresAtMs: number | null, nowMs: number): Step {
  if (expiresAtMs === null || nowMs < expiresAtMs) return { do: 'idle', untilMs: expiresAtMs }
  return command({ type: 'void', by: 'quittance', reason: 'authorisation_lapsed' })
}

const tooLate = command({ type: 'void', by: 'quittance', reason: 'too_late' })

function askForSettlement(
  payment: Extract<Payment, { state: 'captured' }>,
  given: Circumstances,
  nowMs: number,
): Step {
  const { count, answered, atMs } = payment.settlementAsked
  const { maxAsks, baseMs } = given.policy.settlement
  if (count > 0 && (answered || count >= maxAsks)) return { do: 'done' }
  const readyAtMs =
    count === 0 ? atMs : atMs + backoffMs(payment.id, count, { baseMs, capMs: baseMs * 8 })
  if (nowMs < readyAtMs) return wait(readyAtMs, 'settlement')
  return { do: 'look_up', target: 'settlement', by: 'object' }
}

// A decline can leave an object behind that somebody could still use.
function cancelLeftObject(
  payment: Extract<Payment, { state: 'declined' }>,
  given: Circumstances,
  nowMs: number,
): Step {
  if (!given.capabilities.objectFirst || payment.objectId === null || payment.objectCancelled) {
    return { do: 'done' }
  }
  const step = voidStep(payment, given, nowMs)
  // No money is at stake: nobody is called for it, reconciliation counts what is left.
  return step.do === 'command' ? { do: 'done' } : step
}

// ── Operations ───────────────────────────────────────────────────────────────────────────────────

function towardsMoney(
  payment: Validated | Authorised,
  operation: Operation,
  given: Circumstances,
  nowMs: number,
): Step {
  const target = { kind: operation.kind } as Target // an own operation is no void and no refund
  const last = lastSend(operation)
  if (last.outcome === null && nowMs < last.recoverAtMs) return wait(last.recoverAtMs, 'sender')
  const leave = payment.voidRequested !== null
  if (!leave && isTooLate(payment, nowMs)) return tooLate
  if (leave && (!isOpen(operation) || canFence(payment, given) || operation.kind === 'create')) {
    return voidStep(payment, given, nowMs)
  }
  return pursue(payment, target, operation, given, nowMs)
}

function refundSteps(payment: Payment, given: Circumstances, nowMs: number): readonly Step[] {
  return refundsOf(payment)
    .filter((refund) => refund.status === 'open')
    .map(({ id, operation }) => {
      const target: Target = { kind: 'refund', refundId: id }
      return operation === null
        ? begin(payment, target, given, nowMs)
        : pursue(payment, target, operation, given, nowMs)
    })
}

function canFence(payment: Payment, { capabilities }: Circumstances): boolean {
  return payment.objectId === null ? capabilities.cancelByReference : capabilities.fence
}

/**
 * Brings a payment to its end without money: at once where nothing was left at the processor, else
 * by a void operation, which is also the fence in front of a send that may still arrive.
 */
function voidStep(
  payment: Extract<Payment, { state: 'validated' | 'authorised' | 'declined' }>,
  given: Circumstances,
  nowMs: number,
): Step {
  const { voiding } = payment
  if (voiding !== null) return pursue(payment, { kind: 'void' }, voiding, given, nowMs)
  const operation = operationOf(payment)
  const nothingLeft = payment.objectId === null && !isOpen(operation)
  const onlyCreating = payment.objectId === null && operation?.kind === 'create'
  if (nothingLeft || onlyCreating) {
    return command({ type: 'finish_void' })
  }
  return begin(payment, { kind: 'void' }, given, nowMs)
}
