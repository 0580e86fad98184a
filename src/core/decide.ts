// What a command does to a payment: facts, or a rejection that changes nothing. Pure: the same
// payment, command and time always give the same answer.
import type { ObjectView } from './outcome.ts'
import { normalise } from './normalise.ts'
import { observe } from './observe.ts'
import type { Evidence, Judgement } from './observe.ts'
import { attemptId, isOpen, keyUseEndsMs, operationAt, refundsOf } from './operation.ts'
import type {
  Fact,
  HoldReason,
  ParkReason,
  PaidPayment,
  Payment,
  RejectedReason,
  Send,
  Target,
} from './payment.ts'
import type { Circumstances } from './policy.ts'
import { approve, redrive, resolve } from './decide-person.ts'
import { reject } from './rejections.ts'
import type { Rejection } from './rejections.ts'

export type Command =
  // Drivers
  | {
      readonly type: 'send'
      readonly target: Target
      readonly again: boolean
      readonly given: Circumstances
    }
  | { readonly type: 'observe'; readonly evidence: Evidence; readonly judgement: Judgement }
  | { readonly type: 'reject'; readonly reason: RejectedReason; readonly by: string }
  | { readonly type: 'hold'; readonly reason: HoldReason; readonly detail: string }
  | { readonly type: 'lift_hold'; readonly reason: HoldReason; readonly by: string }
  | { readonly type: 'park'; readonly reason: ParkReason }
  /** A void that was asked for ends here: nothing is left at the processor. */
  | { readonly type: 'finish_void' }
  // Agents
  | { readonly type: 'capture'; readonly by: string; readonly amount: number | null }
  | { readonly type: 'void'; readonly by: string; readonly reason: string }
  | {
      readonly type: 'refund'
      readonly refundId: string
      readonly reference: string
      readonly amount: number | null
      readonly reason: string
      readonly by: string
    }
  // Operators
  | { readonly type: 'approve'; readonly by: string; readonly hash: string }
  | { readonly type: 'deny'; readonly by: string }
  | {
      readonly type: 'redrive'
      readonly by: string
      readonly reason: string
      /** More time, by a person; `null` leaves the deadline. */
      readonly notAfterMs: number | null
    }
  | {
      readonly type: 'resolve'
      readonly by: string
      readonly reason: string
      /** What the processor shows according to this person. */
      readonly resolution:
        | { readonly finding: 'paid'; readonly object: ObjectView }
        | { readonly finding: 'not_paid' }
    }

export type Decision =
  | { readonly facts: readonly Fact[]; readonly rejection?: never }
  | { readonly rejection: Rejection; readonly facts?: never }

/** A payment keeps its refunds in its own row: so many keep it small. */
export const maxRefunds = 20

const nothing: Decision = { facts: [] }
const facts = (...list: readonly Fact[]): Decision => ({ facts: list })
const no = (...args: Parameters<typeof reject>): Decision => ({ rejection: reject(...args) })

export function decide(payment: Payment, command: Command, nowMs: number): Decision {
  switch (command.type) {
    case 'send':
      return { facts: send(payment, command, nowMs) }
    case 'observe':
      return { facts: observe(payment, command.evidence, command.judgement, nowMs) }
    case 'reject':
      return payment.state === 'initiated'
        ? facts({ type: 'rejected', reason: command.reason, by: command.by })
        : no('illegal_transition', `A payment in ${payment.state} is not rejected any more.`)
    case 'hold':
      return payment.holds.some((hold) => hold.reason === command.reason)
        ? nothing
        : facts({ type: 'held', reason: command.reason, detail: command.detail })
    case 'lift_hold':
      return payment.holds.some((hold) => hold.reason === command.reason)
        ? facts({ type: 'hold_lifted', reason: command.reason, by: command.by })
        : nothing
    case 'park':
      return park(payment, command.reason)
    case 'finish_void':
      return finishVoid(payment)
    case 'capture':
      return capture(payment, command, nowMs)
    case 'void':
      return voidPayment(payment, command)
    case 'refund':
      return refund(payment, command)
    case 'approve':
      return approve(payment, command, nowMs)
    case 'deny':
      return payment.state === 'initiated' && isHeld(payment, 'approval_required')
        ? facts({ type: 'rejected', reason: 'approval_denied', by: command.by })
        : no('not_held_for_approval', `It is ${payment.state}.`)
    case 'redrive':
      return redrive(payment, command)
    case 'resolve':
      return resolve(payment, command, nowMs)
  }
}

const isHeld = (payment: Payment, reason: HoldReason): boolean =>
  payment.holds.some((hold) => hold.reason === reason)

// ── Drivers ──────────────────────────────────────────────────────────────────────────────────────

// The attempt, or its next send, as it must be stored before the call is made.
function send(
  payment: Payment,
  { target, again, given }: Extract<Command, { type: 'send' }>,
  nowMs: number,
): readonly Fact[] {
  const { capabilities, policy } = given
  const before = operationAt(payment, target)
  const numbered = (number: number): Send => ({
    number,
    atMs: nowMs,
    recoverAtMs: nowMs + policy.recoverAfterMs,
    outcome: null,
    cause: null,
    retryAtMs: null,
  })
  if (again && before !== null) {
    const keyHolds = nowMs < keyUseEndsMs(before, given)
    return [
      { type: 'sent_again', target, send: numbered(before.attempt.sends.length + 1), keyHolds },
    ]
  }
  const number = payment.attemptsOpened + 1
  const validated: readonly Fact[] = payment.state === 'initiated' ? [{ type: 'validated' }] : []
  const opened: Fact = {
    type: 'attempt_opened',
    target,
    storesDeclines: capabilities.keyCachesErrors,
    attempt: {
      id: attemptId(payment.id, target.kind, number),
      number,
      request: {
        amount: amountOf(payment, target),
        objectId: payment.objectId,
        oneStep: target.kind === 'authorise' && !capabilities.twoStep,
        apiVersion: capabilities.apiVersion,
      },
      sends: [numbered(1)],
    },
  }
  return [...validated, opened]
}

function amountOf(payment: Payment, target: Target): number {
  if (target.kind === 'refund') {
    const refund = refundsOf(payment).find((each) => each.id === target.refundId)
    return refund?.amount ?? 0
  }
  if (target.kind === 'capture' && payment.state === 'authorised') {
    return payment.captureRequested?.amount ?? payment.amountAuthorised
  }
  return payment.amount
}

function park(payment: Payment, reason: ParkReason): Decision {
  if (isHeld(payment, 'dead_letter')) return nothing
  return facts({ type: 'parked', reason, attempts: payment.attemptsOpened })
}

function finishVoid(payment: Payment): Decision {
  const { voidRequested } = payment
  if (payment.state !== 'validated' || voidRequested === null || payment.objectId !== null) {
    return no('illegal_transition', `A payment in ${payment.state} is not voided without a call.`)
  }
  // Making an object moves no money: whatever still becomes of it, nobody will act on it.
  if (isOpen(payment.operation) && payment.operation.kind !== 'create') {
    return no('illegal_transition', 'Something may still take effect.')
  }
  return facts({ type: 'voided', reason: voidRequested.reason, by: null })
}

// ── Agents ───────────────────────────────────────────────────────────────────────────────────────

function capture(
  payment: Payment,
  { by, amount }: Extract<Command, { type: 'capture' }>,
  nowMs: number,
): Decision {
  if (payment.state !== 'authorised') return no('not_capturable', `It is ${payment.state}.`)
  if (payment.capture === 'automatic') return no('not_capturable', 'It is captured automatically.')
  if (payment.voidRequested !== null) return no('not_capturable', 'It is being voided.')
  if (payment.captureRequested !== null)
    return no('not_capturable', 'Its capture is already asked for.')
  const { authorisationExpiresAtMs: expiresAtMs } = payment
  if (expiresAtMs !== null && expiresAtMs <= nowMs) {
    return no('not_capturable', 'Its authorisation has lapsed.')
  }
  const asked = amount ?? payment.amountAuthorised
  if (asked > payment.amountAuthorised) {
    return no('capture_too_large', `${payment.amountAuthorised} is authorised, ${asked} was asked.`)
  }
  return facts({ type: 'capture_requested', amount: asked, by })
}

/**
 * Ends the payment at once only where nothing is out and nothing is left at the processor; else the
 * wish is recorded, nothing more is begun, and the driver finds out.
 */
function voidPayment(
  payment: Payment,
  { by, reason }: Extract<Command, { type: 'void' }>,
): Decision {
  switch (payment.state) {
    case 'initiated':
      return facts({ type: 'void_requested', by, reason }, { type: 'voided', reason, by: null })
    case 'validated': {
      const asked = requestVoid(payment, by, reason)
      const clean =
        !isOpen(payment.operation) && payment.objectId === null && payment.voiding === null
      return clean ? facts(...asked, { type: 'voided', reason, by: null }) : facts(...asked)
    }
    case 'authorised':
      return facts(...requestVoid(payment, by, reason))
    case 'voided':
      return nothing
    case 'captured':
    case 'settled':
    case 'refunded':
      return no('already_captured', 'It is too late to void it; a refund gives the money back.')
    case 'declined':
    case 'rejected':
    case 'expired':
      return no('already_ended', `It is ${payment.state}; no money moved.`)
  }
}

function requestVoid(payment: Payment, by: string, reason: string): readonly Fact[] {
  return payment.voidRequested === null ? [{ type: 'void_requested', by, reason }] : []
}

function refund(payment: Payment, command: Extract<Command, { type: 'refund' }>): Decision {
  const { refundId, reference, reason, by } = command
  if (!('refunds' in payment)) return no('not_refundable', `It is ${payment.state}.`)
  const same = payment.refunds.find((each) => normalise(each.reference) === normalise(reference))
  const left = refundableAmount(payment)
  if (same !== undefined) {
    return command.amount === null || command.amount === same.amount
      ? nothing
      : no(
          'refund_reference_reused',
          `Refund ${same.id} has this reference and amount ${same.amount}.`,
        )
  }
  if (payment.refunds.length >= maxRefunds)
    return no('too_many_refunds', 'A person must look at it.')
  if (left <= 0) return no('not_refundable', 'Nothing is left to refund.')
  const amount = command.amount ?? left
  if (amount > left) return no('refund_too_large', `${left} is left, ${amount} was asked.`)
  return facts({ type: 'refund_requested', refundId, reference, amount, reason, by })
}

/** Captured, less what was refunded, may be refunded by an open refund, or came back otherwise. */
export function refundableAmount(payment: PaidPayment): number {
  const taken = payment.refunds
    .filter((each) => each.status !== 'failed')
    .reduce((sum, each) => sum + each.amount, 0)
  return payment.amountCaptured - taken - payment.amountReversed
}
