// What the engine works with: the ports, the policy, and its ways of telling others. Made once per
// process by `embedded/` or `aws/`; every function of the engine takes it first.
import type { BreakerPolicy } from '../core/breaker.ts'
import type { ClaimPolicy } from '../core/claim.ts'
import type { Payment } from '../core/payment.ts'
import type { Capabilities, Circumstances, Policy } from '../core/policy.ts'
import type { RateLimit } from '../core/rate.ts'
import type { Clock, Ids, Processor, Store } from '../ports.ts'
import type { Breakers } from './breakers.ts'
import type { Changes } from './changes.ts'
import type { LogEntry } from './log.ts'
import type { Meter } from './meter.ts'
import { blockadeOf } from './gates.ts'
import type { Gates } from './gates.ts'
import type { Slots } from './slots.ts'
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
    | 'reconciliation_break'
    | 'bug'
  readonly paymentId: string | null
  readonly detail: string
  /** The request that raised it; a door puts it there. */
  readonly traceId?: string
}

export interface Engine {
  readonly store: Store
  /** By name; the first is the default for claims that name none. */
  readonly processors: ReadonlyMap<string, Processor>
  readonly clock: Clock
  readonly time: Time
  readonly ids: Ids
  readonly policy: Policy
  /** By processor's name, for those that have one of their own. */
  readonly policies?: ReadonlyMap<string, Policy>
  readonly claimPolicy: ClaimPolicy
  /** Must a second operator say the same before a dead letter is resolved by hand? */
  readonly secondOperator: boolean
  readonly breakerPolicy: BreakerPolicy
  /** How many calls a processor may be sent, by its configured name; none where it has no limit. */
  readonly rateLimits: ReadonlyMap<string, RateLimit>
  /** What this process has in hand of breakers and slots, so that one write speaks for many calls. */
  readonly breakers: Breakers
  readonly slots: Slots
  readonly alarm: (alarm: Alarm) => void
  /** One line of the structured log. */
  readonly log: (entry: LogEntry) => void
  readonly meter: Meter
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

/** How often and how fast this payment's processor is asked. */
export function policyOf(engine: Engine, { binding }: Pick<Payment, 'binding'>): Policy {
  return engine.policies?.get(binding.processor) ?? engine.policy
}

export function circumstances(engine: Engine, payment: Payment, gates: Gates): Circumstances {
  const blockade = blockadeOf(engine, gates, payment.id)
  const capabilities = boundProcessor(engine, payment)?.capabilities(payment) ?? null
  const hasJumped = engine.time.jumped(payment.updatedAtMs)
  return {
    capabilities: capabilities ?? noCapabilities,
    policy: policyOf(engine, payment),
    leap: engine.time.leap(),
    setBack: engine.time.setBack(),
    bindingMatches: capabilities !== null,
    blocked: hasJumped ? 'clock_jumped' : (blockade?.why ?? null),
    reachable: blockade?.byBreaker !== true,
  }
}
