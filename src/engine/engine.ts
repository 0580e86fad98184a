// What the engine works with: the ports, the policy, and its ways of telling others. Made once per
// process by `embedded/` or `aws/`; every function of the engine takes it first.
import type { ClaimPolicy } from '../core/claim.ts'
import type { Payment } from '../core/payment.ts'
import type { Blocked, Capabilities, Circumstances, Policy } from '../core/policy.ts'
import type { Clock, Ids, Processor, Store } from '../ports.ts'
import type { Changes } from './changes.ts'
import type { Time } from './time.ts'

/** Something that a person should hear of. Alerting decides who and how. */
export interface Alarm {
  readonly kind:
    | 'parked'
    | 'corrected'
    | 'duplicate_object'
    | 'replayed_first_send'
    | 'key_mismatch'
    | 'mismatched_answer'
    | 'unreadable'
    | 'clock_jumped'
    | 'evidence_not_stored'
    | 'processor_changed'
    | 'bug'
  readonly paymentId: string | null
  readonly detail: string
}

export interface Engine {
  readonly store: Store
  /** By name; the first is the default for claims that name none. */
  readonly processors: ReadonlyMap<string, Processor>
  readonly clock: Clock
  readonly time: Time
  readonly ids: Ids
  readonly policy: Policy
  readonly claimPolicy: ClaimPolicy
  /** What stands in the way of this payment right now (pause, stop, suspension). */
  readonly blocked: (payment: Payment) => Blocked | null
  /** Is everything stopped, new claims included? */
  readonly stopped: () => boolean
  readonly alarm: (alarm: Alarm) => void
  readonly changes: Changes
  /** Asks the driver to look at a payment now. Forgetting it is harmless: the sweeper finds it. */
  readonly wake: (paymentId: string, run: number) => void
}

// Where the processor is not there, nothing may be concluded about what it can do.
const noCapabilities: Capabilities = {
  keyWindowMs: 0,
  keyCachesErrors: false,
  objectFirst: false,
  objectOnce: false,
  absenceAfterMs: null,
  fence: false,
  cancelByReference: false,
  lookupByReference: false,
  lookupLagMs: 0,
  twoStep: true,
  authorisationWindowMs: null,
  apiVersion: '',
}

/** The processor that a payment is bound to, if it is configured just so. */
export function boundProcessor(engine: Engine, { binding }: Payment): Processor | null {
  const processor = engine.processors.get(binding.processor)
  if (processor === undefined) return null
  const { processorAccount, livemode } = processor.binding
  return processorAccount === binding.processorAccount && livemode === binding.livemode
    ? processor
    : null
}

export function circumstances(engine: Engine, payment: Payment): Circumstances {
  const capabilities = boundProcessor(engine, payment)?.capabilities(payment) ?? null
  return {
    capabilities: capabilities ?? noCapabilities,
    policy: engine.policy,
    bindingMatches: capabilities !== null,
    blocked: engine.time.jumped(payment.updatedAtMs) ? 'clock_jumped' : engine.blocked(payment),
  }
}
