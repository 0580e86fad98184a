// The switches of operators: everything, one processor account, one agent. They are facts of their
// own and never written on payments; what they stop is derived when it is looked at.
import type { BreakAct } from './breaks.ts'

/** One switch. A switch that was never thrown has no row. */
export interface ControlRow {
  readonly halted: boolean
  readonly by: string
  readonly reason: string
  readonly atMs: number
  /** Of `restoreKey`: from when on the processor's objects are compared. */
  readonly sinceMs?: number
}

export type ControlAct = 'stop' | 'start' | 'pause' | 'resume' | 'suspend' | 'resume_agent'

/** Who threw which switch, when and why; kept for good. */
export interface AuditRow {
  readonly act:
    | ControlAct
    | 'note'
    | 'redact'
    | 'rotate_receipt_key'
    | 'redrive_many'
    | 'breaker'
    | `break_${BreakAct}`
    | `webhook_${'add' | 'change' | 'enable' | 'disable' | 'rotate' | 'remove' | 'replay'}`
    | 'publisher_replay'
    | 'recover'
    | 'recover_confirm'
    | `token_${'add' | 'rotate' | 'revoke'}`
    | `account_${'add' | 'suspend' | 'resume'}`
    | `mandate_${'agent' | 'account'}`
  /** `all`, a processor's key, an agent's id, an account's, a payment's, or `dead_letters` for many at once. */
  readonly target: string
  readonly by: string
  readonly reason: string
  readonly atMs: number
}

/** The key of the switch that stops everything. */
export const stopKey = 'all'

/** The key of the switch that is thrown where the store was set back behind the processor. */
export const restoreKey = 'restore'

/** The key of the rows (switch, breaker, rate) of one account at a processor. */
export function processorKey(binding: {
  readonly processor: string
  readonly processorAccount: string
  readonly livemode: boolean
}): string {
  const { processor, processorAccount, livemode } = binding
  return JSON.stringify([processor, processorAccount, livemode ? 'live' : 'test'])
}
