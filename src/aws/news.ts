// Events that people may have to be called for: the bus sends no others to the function that tells them.
import type { FactType } from '../core/payment.ts'

export const newsTypes: readonly FactType[] = ['parked', 'corrected', 'duplicate_found', 'observed']
