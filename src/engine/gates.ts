// What stands in the way of a payment besides the payment itself: the switches, its agent's
// suspension, its processor's breaker. Rows of their own, read afresh before each step and once more
// right before each call; nothing of it is ever written on payments.
import { gateOf } from '../core/breaker.ts'
import { processorKey, stopKey } from '../core/control.ts'
import type { Payment } from '../core/payment.ts'
import type { Blocked } from '../core/policy.ts'
import type { Row } from '../ports.ts'
import type { Engine } from './engine.ts'

export interface Gates {
  readonly stop: Row<'control'> | null
  readonly pause: Row<'control'> | null
  readonly breaker: Row<'breaker'> | null
  /** The agent, or its account as a whole. */
  readonly suspended: boolean
}

/** Something in the way, and since when, where that is known. */
export interface Blockade {
  readonly why: Blocked
  readonly sinceMs: number | null
  /** The breaker is open: the processor does not work. A pause by a person says nothing of that. */
  readonly byBreaker: boolean
}

type Bound = Pick<Payment, 'id' | 'agent' | 'account' | 'binding'>

export async function readGates(engine: Engine, bound: Bound): Promise<Gates> {
  const { agent, account, binding } = bound
  const key = processorKey(binding)
  const [stop, pause, breaker, owner, payer] = await engine.store.read([
    { table: 'control', key: stopKey },
    { table: 'control', key },
    { table: 'breaker', key },
    { table: 'agent', key: agent },
    { table: 'account', key: account },
  ])
  const suspended = owner?.value.suspended === true || payer?.value.suspended === true
  return { stop, pause, breaker, suspended }
}

/** `null`: nothing is in the way; a breaker that is due for its probe lets one payment try. */
export function blockadeOf(engine: Engine, gates: Gates, paymentId: string): Blockade | null {
  const { stop, pause, breaker, suspended } = gates
  const nowMs = engine.time.nowMs(0)
  const byBreaker =
    breaker !== null &&
    gateOf(breaker.value, paymentId, nowMs, engine.breakerPolicy).gate === 'blocked'
  const by = (why: Blocked, sinceMs: number | null): Blockade => ({ why, sinceMs, byBreaker })
  if (stop?.value.halted === true) return by('stopped', stop.value.atMs)
  if (suspended) return by('agent_suspended', null)
  if (pause?.value.halted === true) return by('processor_paused', pause.value.atMs)
  return byBreaker ? by('processor_paused', breaker.value.openedAtMs) : null
}
