// The table of transitions: the only ways between states. The matrix test, the diagram and the
// generated reference read it; `evolve` refuses whatever is not in it.
import type { FactType, State } from './payment.ts'

/** Every transition between states and the fact that makes it; nothing else moves a payment. */
export const transitions: readonly { from: State | null; on: FactType; to: State }[] = [
  { from: null, on: 'claimed', to: 'initiated' },
  { from: 'initiated', on: 'validated', to: 'validated' },
  { from: 'initiated', on: 'rejected', to: 'rejected' },
  { from: 'initiated', on: 'voided', to: 'voided' },
  { from: 'validated', on: 'authorised', to: 'authorised' },
  { from: 'validated', on: 'declined', to: 'declined' },
  { from: 'validated', on: 'voided', to: 'voided' },
  { from: 'validated', on: 'expired', to: 'expired' },
  { from: 'authorised', on: 'captured', to: 'captured' },
  { from: 'authorised', on: 'voided', to: 'voided' },
  { from: 'authorised', on: 'expired', to: 'expired' },
  { from: 'captured', on: 'settled', to: 'settled' },
  { from: 'captured', on: 'refund_succeeded', to: 'refunded' },
  { from: 'settled', on: 'refund_succeeded', to: 'refunded' },
  // Evidence against an end: the payment goes where the processor's record shows it.
  { from: 'declined', on: 'corrected', to: 'authorised' },
  { from: 'declined', on: 'corrected', to: 'captured' },
  { from: 'voided', on: 'corrected', to: 'authorised' },
  { from: 'voided', on: 'corrected', to: 'captured' },
  { from: 'expired', on: 'corrected', to: 'authorised' },
  { from: 'expired', on: 'corrected', to: 'captured' },
  { from: 'rejected', on: 'corrected', to: 'authorised' },
  { from: 'rejected', on: 'corrected', to: 'captured' },
  { from: 'captured', on: 'corrected', to: 'voided' },
  { from: 'captured', on: 'corrected', to: 'expired' },
]

/** All states, in the order of the diagram. */
export const states: readonly State[] = [
  'initiated',
  'validated',
  'authorised',
  'captured',
  'settled',
  'refunded',
  'declined',
  'rejected',
  'voided',
  'expired',
]
