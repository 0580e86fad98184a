// What Stripe promises, and for which payments.
import type { Capabilities } from '../../core/policy.ts'
import type { Processor } from '../../ports.ts'

/** Names the bytes of requests: whoever changes one gives it a new name and keeps writing the old. */
const apiVersion = '1'

export const isKnownVersion = (version: string): boolean => version === apiVersion

export type StripeCapabilities = Partial<Omit<Capabilities, 'apiVersion'>>

const hourMs = 3_600_000

const defaults: Capabilities = Object.freeze({
  // Keys are kept for at least 24 hours; an hour less, so that no clock turns a repeat into a second one.
  keyWindowMs: 23 * hourMs,
  keyCachesErrors: true,
  objectFirst: true,
  // Confirming or capturing the same PaymentIntent once more answers `unexpected_state` at any age.
  objectOnce: true,
  // Nobody says how long a request may wander. Well beyond the 80 s that Stripe's own clients wait; and what
  // comes later still can do no harm to a PaymentIntent, which is confirmed and captured only once.
  absenceAfterMs: 300_000,
  // A cancelled PaymentIntent can be neither confirmed nor captured.
  fence: true,
  cancelByReference: false,
  // Search lags by up to an hour in bad times.
  lookupByReference: true,
  lookupLagMs: hourMs,
  twoStep: true,
  authorisationWindowMs: 7 * 24 * hourMs,
  apiVersion,
})

/** Each with two decimals in Stripe's requests, whatever ISO 4217 says of it: not carried out. */
const otherwiseCounted: ReadonlySet<string> = new Set(['ISK', 'UGX', 'HUF', 'TWD'])

/** Three decimals, of which Stripe wants the last to be 0: an amount could be refused half way. */
const threeDecimals: ReadonlySet<string> = new Set(['BHD', 'JOD', 'KWD', 'OMR', 'TND'])

export function capabilitiesFor(
  { currency }: Parameters<Processor['capabilities']>[0],
  overrides: StripeCapabilities,
): Capabilities | null {
  if (otherwiseCounted.has(currency) || threeDecimals.has(currency)) return null
  return Object.freeze({ ...defaults, ...overrides })
}
