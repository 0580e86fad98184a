// Whom a call is about: fault choice goes by the charge's reference and payee, whichever way the
// call names the charge.
import type { Charge } from './charges.ts'
import type { Command } from './commands.ts'
import type { CallFacts } from './faults.ts'
import type { Ledger } from './ledger.ts'
import { sentinelOf } from './sentinels.ts'

export type Subject = Pick<CallFacts, 'reference' | 'payee' | 'captures'>

/** Calls about no charge in particular. */
export const nobody: Subject = Object.freeze({ reference: '', payee: null, captures: false })

export function subjectOf(command: Command, ledger: Ledger): Subject {
  switch (command.do) {
    case 'charge': {
      const { reference, payee, metadata } = command.terms
      if (sentinelOf(payee)?.always !== undefined) {
        remember(ledger, [reference, metadata['payment']])
      }
      return { reference, payee, captures: command.confirm && command.capture }
    }
    case 'cancel_reference': {
      const charges = ledger.chargesByReference(command.reference)
      return subjectOfSearch(command.reference, charges, ledger)
    }
    case 'confirm':
      return { ...subjectOfId(command.id, ledger), captures: command.capture }
    case 'refuse':
      return command.id === null ? nobody : subjectOfId(command.id, ledger)
    case 'capture':
    case 'cancel':
    case 'refund':
      return subjectOfId(command.id, ledger)
  }
}

export function subjectOfId(id: string, ledger: Ledger): Subject {
  const charge = ledger.charge(id)
  return { ...nobody, reference: charge?.reference ?? id, payee: charge?.payee ?? null }
}

/** `sought` is a reference or a payment's id. */
export function subjectOfSearch(sought: string, found: readonly Charge[], ledger: Ledger): Subject {
  const first = found[0]
  if (first !== undefined) return { ...nobody, reference: first.reference, payee: first.payee }
  const payee = ledger.counted('unreachable', sought) > 0 ? 'acct_unreachable' : null
  return { ...nobody, reference: sought, payee }
}

/** Nothing is ever made for an unreachable payee, yet look-ups about it must fail too. */
function remember(ledger: Ledger, names: readonly (string | undefined)[]): void {
  for (const name of names) {
    if (name !== undefined) ledger.count('unreachable', name)
  }
}
