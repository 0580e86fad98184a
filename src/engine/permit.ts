// Leave to make one call that may move money: the breaker lets it pass, or takes it for its probe, and
// the rate limit has a slot for it, which is then waited for once. Asked for before the attempt is
// committed; an unused permit costs a slot and nothing else.
import { beginProbe, closedBreaker, gateOf, verdictOf } from '../core/breaker.ts'
import { processorKey } from '../core/control.ts'
import type { Report } from '../core/breaker.ts'
import type { Answer } from '../core/outcome.ts'
import type { Payment } from '../core/payment.ts'
import type { Blocked } from '../core/policy.ts'
import { easedLimit, slotHorizonMs, slotToleranceMs } from '../core/rate.ts'
import type { RateLimit } from '../core/rate.ts'
import { storeBreaker } from './breakers.ts'
import type { Engine } from './engine.ts'
import { blockadeOf, readGates } from './gates.ts'
import type { Gates } from './gates.ts'

export interface Permit {
  /** The call is the breaker's probe under this number, begun for it and for no other call. */
  readonly epoch: number | null
  /** The breaker's number when leave was given. */
  readonly seen: number
  readonly slotAtMs: number | null
}

export type Permitted =
  | { readonly permitted: true; readonly permit: Permit }
  | { readonly permitted: false; readonly untilMs: number }

/** After a breaker has closed, what waited comes back at `easedLimit` for so long. */
const easedForMs = 10_000

/** Another payment's probe is under way, or the store did not say: so long until the next look. */
const probePauseMs = 500

/** Leave where nothing has to be asked or waited for: no probe, no slot. `null`: `obtainPermit`. */
export function permitAtOnce(engine: Engine, payment: Payment, gates: Gates): Permit | null {
  const { breaker } = gates
  if (!passesFreely(engine, payment, gates) || limitOf(engine, payment, gates) !== null) return null
  return { epoch: null, seen: breaker?.value.epoch ?? 0, slotAtMs: null }
}

export async function obtainPermit(
  engine: Engine,
  payment: Payment,
  gates: Gates,
): Promise<Permitted> {
  const way = await takeWay(engine, payment, gates)
  if (way === null) {
    return { permitted: false, untilMs: engine.time.nowMs(0) + probePauseMs }
  }
  const { epoch } = way
  const slot = await takeSlot(engine, payment, gates, slotHorizonMs)
  if (slot.slot === 'full') {
    // The probe is not made now: the next payment may.
    await giveBackProbe(engine, payment, epoch)
    return { permitted: false, untilMs: slot.askAgainAtMs }
  }
  const seen = epoch ?? gates.breaker?.value.epoch ?? 0
  return { permitted: true, permit: { epoch, seen, slotAtMs: slot.atMs } }
}

/** A probe that is not made after all must not keep the breaker waiting for its verdict. */
export async function giveBackProbe(
  engine: Engine,
  payment: Payment,
  epoch: number | null,
): Promise<void> {
  if (epoch !== null) await reportCall(engine, payment, { epoch, seen: epoch }, null)
}

/** The stored breaker is closed, and what is still to be stored leaves it so. */
function passesFreely(engine: Engine, { binding }: Payment, { breaker }: Gates): boolean {
  const stored = breaker?.value ?? closedBreaker
  const key = processorKey(binding)
  return (
    stored.state === 'closed' && engine.breakers.foresee(engine, key, stored).state === 'closed'
  )
}

/**
 * `null`: no way through the breaker now. A probe that somebody else has begun for the same payment is
 * theirs: two drivers would make two calls of it, or one take it back beneath the other.
 */
async function takeWay(
  engine: Engine,
  payment: Payment,
  gates: Gates,
): Promise<{ readonly epoch: number | null } | null> {
  const { breaker } = gates
  if (breaker === null || breaker.value.state === 'closed') {
    return passesFreely(engine, payment, gates) ? { epoch: null } : null
  }
  const nowMs = engine.time.nowMs(0)
  const { gate } = gateOf(breaker.value, payment.id, nowMs, engine.breakerPolicy)
  if (gate !== 'probe_due') return null
  const after = beginProbe(breaker.value, payment.id, nowMs, engine.breakerPolicy)
  const key = processorKey(payment.binding)
  const stored = await storeBreaker(engine, key, breaker, after, nowMs)
  return stored === 'committed' ? { epoch: after.epoch } : null
}

/** Waits for its slot, but no longer than `longestMs`: one farther ahead is not taken. */
async function takeSlot(engine: Engine, payment: Payment, gates: Gates, longestMs: number) {
  const limit = limitOf(engine, payment, gates)
  if (limit === null) return { slot: 'given', atMs: null } as const
  const key = processorKey(payment.binding)
  const asking = { agent: payment.agent, limit, longestMs }
  const reserved = await engine.slots.reserve(engine, key, asking)
  if (reserved.slot === 'full') return reserved
  const waitMs = Math.max(0, reserved.atMs - engine.clock.nowMs())
  engine.meter.slotWaited(payment.binding.processor, waitMs)
  // A timer may fire a moment early; no call is made before its slot. By the steady clock, because the
  // other one may be set meanwhile, and nobody waits an hour for a slot.
  const untilMs = engine.clock.steadyMs() + Math.min(waitMs, slotHorizonMs)
  for (let leftMs = waitMs; leftMs > 0; leftMs = untilMs - engine.clock.steadyMs()) {
    await engine.clock.sleep(Math.min(leftMs, slotHorizonMs))
  }
  return reserved
}

function limitOf(engine: Engine, payment: Payment, { breaker }: Gates): RateLimit | null {
  const limit = engine.rateLimits.get(payment.binding.processor) ?? null
  const closedAtMs = breaker?.value.state === 'closed' ? breaker.value.closedAtMs : null
  const sinceMs = closedAtMs === null ? null : Math.abs(engine.time.nowMs(0) - closedAtMs)
  return sinceMs === null || sinceMs >= easedForMs ? limit : easedLimit(limit)
}

export type Confirmed =
  | { readonly stopped: null; readonly permit: Permit }
  | { readonly stopped: Blocked | 'rate_limited' }

/**
 * Right before the call: is the way still free, and the slot not missed? A permit: call now, with it.
 * A slot that has passed is replaced, and the new one waited for, but no longer than `longestMs`.
 */
export async function confirmPermit(
  engine: Engine,
  payment: Payment,
  permit: Permit,
  longestMs: number,
): Promise<Confirmed> {
  const { epoch, slotAtMs } = permit
  const late = slotAtMs !== null && engine.clock.nowMs() - slotAtMs > slotToleranceMs
  let confirmed = permit
  if (late) {
    const gates = await readGates(engine, payment)
    const slot = await takeSlot(engine, payment, gates, longestMs)
    if (slot.slot === 'full') return { stopped: 'rate_limited' }
    confirmed = { ...permit, slotAtMs: slot.atMs }
  }
  const gates = await readGates(engine, payment)
  const now = gates.breaker?.value ?? closedBreaker
  // A probe that has run out of time may have been followed by another one by now.
  const nowMs = engine.time.nowMs(0)
  const { gate } = gateOf(now, payment.id, nowMs, engine.breakerPolicy)
  const isProbe = now.state === 'half_open' && now.epoch === epoch && gate === 'pass'
  const blockade = blockadeOf(engine, gates, payment.id)
  if (blockade !== null) return { stopped: blockade.why }
  // It opened meanwhile and waits for a probe: this call was not meant as one.
  const passes = isProbe || passesFreely(engine, payment, gates)
  return passes ? { stopped: null, permit: confirmed } : { stopped: 'processor_paused' }
}

/** What the call says about the processor; `null`: nothing, it was not made. */
export async function reportCall(
  engine: Engine,
  payment: Payment,
  { epoch, seen }: Pick<Permit, 'epoch' | 'seen'>,
  answer: Answer | null,
): Promise<void> {
  const told = answer === null ? null : verdictOf(answer)
  const isMade = answer !== null && answer.signal !== 'not_sent'
  if (told === null && epoch === null) return
  // Whoever answers a probe works, even if it only asks for patience.
  const verdict: Report['verdict'] = told ?? (isMade ? 'good' : 'none')
  const atMs = engine.time.nowMs(0)
  const report = { verdict, epoch, seen, paymentId: payment.id, atMs }
  await engine.breakers.report(engine, processorKey(payment.binding), report)
}
