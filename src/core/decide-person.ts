// What people decide about a payment: approvals, redrives, and their word on what the processor shows.
import type { Command, Decision } from './decide.ts'
import { observe } from './observe.ts'
import type { Evidence, Judgement } from './observe.ts'
import { isOpen, operationOf } from './operation.ts'
import type { ObjectView } from './outcome.ts'
import type { Fact, HoldReason, PaidPayment, Payment, Source, Target } from './payment.ts'
import { reject } from './rejections.ts'

type OperatorCommand<T extends Command['type']> = Extract<Command, { type: T }>

const facts = (...list: readonly Fact[]): Decision => ({ facts: list })
const no = (...args: Parameters<typeof reject>): Decision => ({ rejection: reject(...args) })

const isHeld = (payment: Payment, reason: HoldReason): boolean =>
  payment.holds.some((hold) => hold.reason === reason)

export function approve(
  payment: Payment,
  { by, hash }: OperatorCommand<'approve'>,
  nowMs: number,
): Decision {
  const { approval } = payment
  if (approval === null || !isHeld(payment, 'approval_required') || payment.state !== 'initiated') {
    return no('not_held_for_approval', `It is ${payment.state}.`)
  }
  if (approval.expiresAtMs <= nowMs) return no('not_held_for_approval', 'The approval has expired.')
  if (approval.hash !== hash) return no('approval_mismatch', 'Look at the payment again.')
  return facts({ type: 'approved', by, hash })
}

export function redrive(payment: Payment, command: OperatorCommand<'redrive'>): Decision {
  if (!isHeld(payment, 'dead_letter')) return no('not_parked', `It is ${payment.state}.`)
  const { by, reason } = command
  const notAfterMs = Math.max(payment.notAfterMs, command.notAfterMs ?? 0)
  return facts({ type: 'redriven', by, reason, notAfterMs })
}

/**
 * A person's word ends an unknown where software cannot. `paid` needs the processor's object;
 * `not_paid` ends the payment without money, as if a fence had proved it.
 */
export function resolve(
  payment: Payment,
  { by, reason, resolution }: OperatorCommand<'resolve'>,
  nowMs: number,
): Decision {
  if (!isHeld(payment, 'dead_letter')) return no('not_parked', `It is ${payment.state}.`)
  const source = personSource(by, reason, nowMs)
  const resolved: Fact = { type: 'resolved', finding: resolution.finding, by: source, reason }
  if (resolution.finding === 'paid') return resolvePaid(payment, resolved, resolution.object, nowMs)
  if ('refunds' in payment) return resolveRefunds(payment, resolved, source)
  if (payment.state !== 'validated' && payment.state !== 'authorised') {
    return no(
      'resolve_contradicts',
      `A payment in ${payment.state} has no open question of this kind.`,
    )
  }
  return facts(resolved, ...provedBy(source, payment), ...endUnpaid(payment, source))
}

// The person's word closes what is open: nothing of it was executed or will be.
function provedBy(by: Source, payment: Payment): readonly Fact[] {
  const operation = operationOf(payment)
  if (!isOpen(operation)) return []
  const target = { kind: operation.kind } as Target // an own operation is no void and no refund
  return [{ type: 'observed', target, sends: 'all', outcome: 'not_executed', retryAtMs: null, by }]
}

// An object that nobody has cancelled yet could still be used: it is cancelled first.
function endUnpaid(payment: Payment, by: Source): readonly Fact[] {
  const reason = 'resolved_not_paid'
  if (payment.objectId === null || payment.voiding !== null) return [{ type: 'voided', reason, by }]
  return payment.voidRequested === null ? [{ type: 'void_requested', by: by.cause, reason }] : []
}

// On a paid payment the open question is a refund: this person says that it did not go out.
// One that was never sent needs no word: a redrive sends it.
function resolveRefunds(payment: PaidPayment, resolved: Fact, by: Source): Decision {
  const open = payment.refunds.filter((each) => each.status === 'open' && each.operation !== null)
  if (open.length === 0)
    return no('resolve_contradicts', 'None of its refunds has an open question.')
  const decline = { reason: 'declined', code: 'resolved_not_paid' } as const
  return facts(
    resolved,
    ...open.map(({ id }): Fact => ({ type: 'refund_failed', refundId: id, decline, by })),
  )
}

function resolvePaid(
  payment: Payment,
  resolved: Fact,
  object: ObjectView,
  nowMs: number,
): Decision {
  const evidence: Evidence = { kind: 'record', object, askedAtMs: nowMs }
  const judgement: Judgement = {
    capabilities: { absenceAfterMs: null },
    policy: { callTimeoutMs: 0, clockErrorMs: 0 },
  }
  const shown = observe(payment, evidence, judgement, nowMs)
  const paid = shown.some(
    ({ type }) => type === 'captured' || type === 'corrected' || type === 'refund_succeeded',
  )
  if (!paid)
    return no('resolve_contradicts', 'This object does not show captured money of this payment.')
  // `resolved` lifts the dead letter itself.
  return facts(
    resolved,
    ...shown.filter((fact) => fact.type !== 'hold_lifted' || fact.reason !== 'dead_letter'),
  )
}

function personSource(by: string, reason: string, nowMs: number): Source {
  return {
    source: 'person',
    attemptId: null,
    send: null,
    cause: by,
    askedAtMs: nowMs,
    status: null,
    requestId: null,
    excerpt: reason,
  }
}
