// Events that people may have to be called for: the bus sends no others to the function that tells them.
import type { FactType, PaymentEvent } from '../core/payment.ts'

export const newsTypes: readonly FactType[] = ['parked', 'corrected', 'duplicate_found', 'observed']

/** Answers that should not be: our bytes and the processor's word do not fit together. */
const alarmingCauses: readonly string[] = ['key_mismatch', 'mismatched_answer', 'unreadable']

/** Of the answers only a few are news: an outage brings thousands that are not. */
export function isNews(event: PaymentEvent): boolean {
  if (event.type === 'observed') return alarmingCauses.includes(event.by.cause)
  return newsTypes.includes(event.type)
}
