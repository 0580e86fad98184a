// What may be asked of a payment as it stands: each command is decided on a copy that nobody keeps,
// so that a door shows the same yes and the same no that it would get.
import { decide } from '../core/decide.ts'
import type { Command } from '../core/decide.ts'
import type { Payment } from '../core/payment.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Engine } from './engine.ts'

export const askedActions = [
  'capture',
  'void',
  'refund',
  'approve',
  'deny',
  'redrive',
  'resolve',
] as const

export type AskedAction = (typeof askedActions)[number]

export interface Allowed {
  readonly action: AskedAction
  readonly by: 'agent' | 'operator'
  /** `null`: it would be done; else why not. */
  readonly rejection: Rejection | null
}

export function allowedActions(engine: Pick<Engine, 'time'>, payment: Payment): readonly Allowed[] {
  const nowMs = engine.time.nowMs(0)
  return askedActions.map((action) => {
    const decision = decide(payment, commandFor(action, payment), nowMs)
    return { action, by: whose(action), rejection: decision.rejection ?? null }
  })
}

const whose = (action: AskedAction): Allowed['by'] =>
  action === 'capture' || action === 'void' || action === 'refund' ? 'agent' : 'operator'

/** The plainest command of its kind; nothing of it is stored. */
function commandFor(action: AskedAction, payment: Payment): Command {
  const by = 'nobody'
  const reason = 'would this be allowed?'
  switch (action) {
    case 'capture':
      return { type: 'capture', by, amount: null }
    case 'void':
      return { type: 'void', by, reason }
    case 'refund':
      return { type: 'refund', refundId: '', reference: `${payment.id}?`, amount: null, reason, by }
    case 'approve':
      return { type: 'approve', by, hash: payment.approval?.hash ?? '' }
    case 'deny':
      return { type: 'deny', by }
    // A word on a parked payment: which word is right depends on what the processor shows.
    case 'redrive':
    case 'resolve':
      return { type: 'redrive', by, reason, notAfterMs: null }
  }
}
