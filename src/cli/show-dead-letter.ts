// Dead letters as people read them, and what may be done about each.
import type { DeadLetter } from '../client/index.ts'
import type { ParkReason } from '../core/payment.ts'
import { formatAmount } from '../core/money.ts'
import { showSeconds } from './duration.ts'
import { paymentSheet, sheet } from './show-payment.ts'
import { table } from './table.ts'
import type { Column } from './table.ts'

/** What a person should try first; the guide says why. */
export const firstAid: Readonly<Record<ParkReason, string>> = {
  outcome_unknown:
    'look for the payment’s id at the processor, then resolve; or redrive once it answers again',
  retries_exhausted: 'mend the cause, then redrive: nothing of it was executed',
  configuration: 'mend our credentials at the processor, then redrive',
  too_late: 'redrive with more time, or resolve as not paid',
  answer_mismatch: 'compare with the processor: its answer was about something else',
  request_mismatch: 'compare with the processor: it knows this key with other content',
  pending_too_long: 'ask the processor, then redrive to look again',
  void_refused: 'look at the object at the processor, then redrive',
}

const columns: readonly Column[] = [
  { title: 'PAYMENT' },
  { title: 'AGE', align: 'right' },
  { title: 'REASON' },
  { title: 'STUCK IN' },
  { title: 'AMOUNT', align: 'right' },
  { title: 'PAYEE', max: 28 },
  { title: 'REFERENCE', max: 24 },
  { title: 'STATUS' },
  { title: 'NOTE', max: 40 },
]

export function deadLetterTable(letters: readonly DeadLetter[]): readonly string[] {
  return table(
    columns,
    letters.map(({ dead_letter: letter, ...payment }) => [
      payment.id,
      showSeconds(letter.age_seconds),
      letter.reason,
      letter.step ?? '',
      formatAmount(payment.amount, payment.currency),
      payment.payee,
      payment.reference,
      letter.proposal === null ? letter.status : `${letter.status}, proposed`,
      letter.note ?? '',
    ]),
  )
}

/** The payment, why it is here, and what to do. */
export function deadLetterSheet(payment: DeadLetter): readonly string[] {
  const { dead_letter: letter } = payment
  const stuck = letter.step === null ? '' : `, stuck in ${letter.step}`
  const tried = `${letter.attempts} ${letter.attempts === 1 ? 'attempt' : 'attempts'}, sent ${letter.sends}×, first ${letter.first_at}`
  const again = `${letter.redrives}×, of these ${letter.rule_redrives} by the rule`
  return [
    ...paymentSheet(payment),
    '',
    ...sheet([
      ['dead letter', `${letter.status}: ${letter.reason}${stuck}`],
      ['parked', `${letter.parked_at}, for ${showSeconds(letter.age_seconds)}`],
      ['tried', tried],
      ['evidence', evidenceOf(letter.last_evidence)],
      ['request', letter.request_hash === null ? null : `SHA-256 ${letter.request_hash}`],
      ['redriven', letter.redrives === 0 ? null : again],
      ['note', letter.note],
      ['proposal', proposalOf(letter.proposal)],
      ['ended', letter.ended_by === null ? null : `by ${letter.ended_by} at ${letter.ended_at}`],
      ['to do', letter.status === 'open' ? firstAid[letter.reason] : null],
    ]),
  ]
}

function evidenceOf(evidence: DeadLetter['dead_letter']['last_evidence']): string | null {
  if (evidence === null) return null
  const { source, cause, status, excerpt, asked_at: at } = evidence
  const http = status === null ? '' : `, HTTP ${status}`
  return `${source}: ${cause}${http}, at ${at}${excerpt === null ? '' : `: ${excerpt}`}`
}

function proposalOf(proposal: DeadLetter['dead_letter']['proposal']): string | null {
  if (proposal === null) return null
  const { by, finding, processor_reference: object, reason } = proposal
  const named = object === null ? '' : ` (${object})`
  return `${finding}${named} by ${by}: ${reason}. Another operator must say the same.`
}
