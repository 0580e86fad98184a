// Applies what happened to a payment's holds. They are a set: lifting one lifts no other.
import { forgiven } from './evolve-operation.ts'
import { impossible } from './expect.ts'
import type { Hold, Payment, PaymentEvent } from './payment.ts'

export type HoldEvent = Extract<
  PaymentEvent,
  { type: 'held' | 'hold_lifted' | 'approved' | 'parked' | 'redriven' | 'resolved' }
>

export function onHoldEvent(payment: Payment, event: HoldEvent): Payment {
  switch (event.type) {
    case 'held':
      return hold(payment, { reason: event.reason, detail: event.detail, sinceMs: event.atMs })
    case 'parked':
      return hold(payment, { reason: 'dead_letter', detail: event.reason, sinceMs: event.atMs })
    case 'hold_lifted':
      return lift(payment, event.reason)
    case 'approved': {
      const approval = payment.approval ?? impossible('nothing to approve')
      const lifted = lift(payment, 'approval_required')
      return { ...lifted, approval: { ...approval, approvedBy: event.by } }
    }
    case 'redriven':
      return forgiven({ ...lift(payment, 'dead_letter'), notAfterMs: event.notAfterMs })
    case 'resolved':
      return lift(payment, 'dead_letter')
  }
}

function hold(payment: Payment, added: Hold): Payment {
  const others = payment.holds.filter((each) => each.reason !== added.reason)
  return { ...payment, holds: [...others, added] }
}

function lift(payment: Payment, reason: string): Payment {
  return { ...payment, holds: payment.holds.filter((each) => each.reason !== reason) }
}
