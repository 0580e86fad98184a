// What the simulated processor promises, and for which payments.
import type { Capabilities } from '../../core/policy.ts'
import type { Processor } from '../../ports.ts'
import { apiVersion } from './requests.ts'

/** The version names bytes that only this adapter's code can write; nobody else may say another. */
export type CapabilityOverrides = Partial<Omit<Capabilities, 'apiVersion'>>

const dayMs = 86_400_000

const defaults: Capabilities = Object.freeze({
  keyWindowMs: dayMs,
  keyCachesErrors: true,
  objectFirst: false,
  // Confirm, capture and cancel answer `unexpected_state` the second time, whatever the key.
  objectOnce: true,
  // Longer than its `late` fault delays an arrival: `lateMs` has to stay below.
  absenceAfterMs: 5_000,
  fence: true,
  cancelByReference: true,
  lookupByReference: true,
  lookupLagMs: 2_000,
  twoStep: true,
  authorisationWindowMs: 7 * dayMs,
  apiVersion,
})

/** Exchanged for no card here; it lets a person meet a payment that cannot be carried out at all. */
const unsupportedCurrencies: ReadonlySet<string> = new Set(['XPF'])

/** Payment methods of these kinds differ, so that both other ways to pay can be tried. */
export function capabilitiesFor(
  { currency, paymentMethod }: Parameters<Processor['capabilities']>[0],
  overrides: CapabilityOverrides,
): Capabilities | null {
  if (unsupportedCurrencies.has(currency)) return null
  const usual: Capabilities = { ...defaults, ...overrides }
  if (paymentMethod?.startsWith('onestep_')) return Object.freeze({ ...usual, twoStep: false })
  if (paymentMethod?.startsWith('objectfirst_'))
    return Object.freeze({ ...usual, objectFirst: true })
  return Object.freeze(usual)
}
