// The switches of operators: everything, one processor account, one agent. They are facts of their
// own and never written on payments; what they stop is derived when it is looked at.
import type { BreakAct } from './breaks.ts'

/** One switch. A switch that was never thrown has no row. */
export interface ControlRow {
  readonly halted: boolean
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

export type ControlAct = 'stop' | 'start' | 'pause' | 'resume' | 'suspend' | 'resume_agent'

/** Who threw which switch, when and why; kept for good. */
export interface AuditRow {
  readonly act: ControlAct | 'note' | 'redrive_many' | 'breaker' | `break_${BreakAct}`
  /** `all`, a processor's key, an agent's id, a payment's, or `dead_letters` for many at once. */
  readonly target: string
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

/** The key of the switch that stops everything. */
export const stopKey = 'all'

/** The key of the rows (switch, breaker, rate) of one account at a processor. */
export function processorKey(binding: {
  readonly processor: string
  readonly processorAccount: string
  readonly livemode: boolean
}): string {
  const { processor, processorAccount, livemode } = binding
  return JSON.stringify([processor, processorAccount, livemode ? 'live' : 'test'])
}
