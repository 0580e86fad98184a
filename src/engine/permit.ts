// Leave to make one call that may move money: the breaker lets it pass, or takes it for its probe, and
// the rate limit has a slot for it, which is then waited for once. Asked for before the attempt is
// committed; an unused permit costs a slot and nothing else.
import { beginProbe, closedBreaker, gateOf, verdictOf } from '../core/breaker.ts'
import { processorKey } from '../core/control.ts'
import type { Report } from '../core/breaker.ts'
import type { Answer } from '../core/outcome.ts'
import type { Payment } from '../core/payment.ts'
import type { Blocked } from '../core/policy.ts'
import { slotHorizonMs, slotToleranceMs } from '../core/rate.ts'
import type { RateLimit } from '../core/rate.ts'
import { storeBreaker } from './breakers.ts'
import type { Engine } from './engine.ts'
import { blockadeOf, readGates } from './gates.ts'
import type { Gates } from './gates.ts'

export interface Permit {
  /** The call is the breaker's probe under this number. */
  readonly epoch: number | null
  /** The breaker's number when leave was given. */
  readonly seen: number
  readonly slotAtMs: number | null
}

export type Permitted =
  | { readonly permitted: true; readonly permit: Permit }
  | { readonly permitted: false; readonly untilMs: number }

/** After a breaker has closed, what waited comes back no faster than this for a while. */
const resumption = { limit: { perSecond: 50, burst: 10 }, forMs: 10_000 }

/** Another payment's probe is under way, or the store did not say: so long until the next look. */
const probePauseMs = 500

export async function obtainPermit(
  engine: Engine,
  payment: Payment,
  gates: Gates,
): Promise<Permitted> {
  const probe = await takeProbe(engine, payment, gates)
  if (probe === null) {
    return { permitted: false, untilMs: engine.time.nowMs(0) + probePauseMs }
  }
  const slot = await takeSlot(engine, payment, gates)
  if (slot.slot === 'full') {
    // The probe is not made now: the next payment may.
    await reportCall(engine, payment, { epoch: probe.epoch, seen: 0 }, null)
    return { permitted: false, untilMs: slot.askAgainAtMs }
  }
  const seen = probe.epoch ?? gates.breaker?.value.epoch ?? 0
  return { permitted: true, permit: { epoch: probe.epoch, seen, slotAtMs: slot.atMs } }
}

async function takeProbe(
  engine: Engine,
  payment: Payment,
  { breaker }: Gates,
): Promise<{ readonly epoch: number | null } | null> {
  if (breaker === null || breaker.value.state === 'closed') {
    const key = processorKey(payment.binding)
    const foreseen = engine.breakers.foresee(engine, key, breaker?.value ?? closedBreaker)
    return foreseen.state === 'closed' ? { epoch: null } : null
  }
  const nowMs = engine.time.nowMs(0)
  const { gate } = gateOf(breaker.value, payment.id, nowMs, engine.breakerPolicy)
  if (gate === 'blocked') return null
  if (gate === 'pass') return { epoch: breaker.value.epoch }
  const after = beginProbe(breaker.value, payment.id, nowMs, engine.breakerPolicy)
  const key = processorKey(payment.binding)
  const stored = await storeBreaker(engine, key, breaker, after, nowMs)
  return stored === 'committed' ? { epoch: after.epoch } : null
}

async function takeSlot(engine: Engine, payment: Payment, gates: Gates) {
  const limit = limitOf(engine, payment, gates)
  if (limit === null) return { slot: 'given', atMs: null } as const
  const key = processorKey(payment.binding)
  const reserved = await engine.slots.reserve(engine, key, payment.agent, limit)
  if (reserved.slot === 'given') {
    const waitMs = Math.max(0, reserved.atMs - engine.clock.nowMs())
    engine.meter.slotWaited(payment.binding.processor, waitMs)
    // A timer may fire a moment early; no call is made before its slot.
    for (let leftMs = waitMs; leftMs > 0; leftMs = reserved.atMs - engine.clock.nowMs()) {
      await engine.clock.sleep(Math.min(leftMs, slotHorizonMs))
    }
  }
  return reserved
}

function limitOf(engine: Engine, payment: Payment, { breaker }: Gates): RateLimit | null {
  const limit = engine.rateLimits.get(payment.binding.processor) ?? null
  const closedAtMs = breaker?.value.state === 'closed' ? breaker.value.closedAtMs : null
  const sinceMs = closedAtMs === null ? null : Math.abs(engine.time.nowMs(0) - closedAtMs)
  if (sinceMs === null || sinceMs >= resumption.forMs) return limit
  if (limit === null) return resumption.limit
  const { perSecond, burst } = resumption.limit
  return {
    perSecond: Math.min(limit.perSecond, perSecond),
    burst: Math.min(limit.burst, burst),
  }
}

/**
 * Right before the call: is the way still free, and the slot not missed? `null`: call now. Waits for
 * a new slot where the old one has passed, for as long as the send may still begin.
 */
export async function confirmPermit(
  engine: Engine,
  payment: Payment,
  permit: Permit,
): Promise<Blocked | 'rate_limited' | null> {
  const late = permit.slotAtMs !== null && engine.clock.nowMs() - permit.slotAtMs > slotToleranceMs
  const gates = await readGates(engine, payment)
  if (late) {
    const slot = await takeSlot(engine, payment, gates)
    if (slot.slot === 'full') return 'rate_limited'
  }
  const latest = late ? await readGates(engine, payment) : gates
  const now = latest.breaker?.value ?? closedBreaker
  const isProbe =
    now.state === 'half_open' && now.epoch === permit.epoch && now.probe?.paymentId === payment.id
  const blockade = blockadeOf(engine, latest, payment.id)
  if (blockade !== null) return blockade.why
  // It opened meanwhile and waits for a probe: this call was not meant as one.
  const key = processorKey(payment.binding)
  const { state } = engine.breakers.foresee(engine, key, now)
  return state === 'closed' || isProbe ? null : 'processor_paused'
}

/** What the call says about the processor; `null`: nothing, it was not made. */
export async function reportCall(
  engine: Engine,
  payment: Payment,
  { epoch, seen }: Pick<Permit, 'epoch' | 'seen'>,
  answer: Answer | null,
): Promise<void> {
  const told = answer === null ? null : verdictOf(answer)
  if (told === null && epoch === null) return
  // Whoever answers a probe works, even if it only asks for patience.
  const answered = answer !== null && answer.signal !== 'not_sent'
  const verdict: Report['verdict'] = told ?? (answered ? 'good' : 'none')
  const atMs = engine.time.nowMs(0)
  const report = { verdict, epoch, seen, paymentId: payment.id, atMs }
  await engine.breakers.report(engine, processorKey(payment.binding), report)
}
