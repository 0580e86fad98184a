// What `next` is told about the world: what the processor can do, how patient we are, and what
// stands in the way right now. All data; nothing here acts.
import type { OperationKind } from './payment.ts'

/** What a processor declares for a payment (currency, method). The engine decides from these. */
export interface Capabilities {
  /** How long a key protects. */
  readonly keyWindowMs: number
  /** Are declines and errors stored under the key? */
  readonly keyCachesErrors: boolean
  /** Is the object made first (`create`), its id committed, and only then acted on? */
  readonly objectFirst: boolean
  /** Can the object itself be authorised and captured only once, at whatever age of the key? */
  readonly objectOnce: boolean
  /** How long after its call has ended a request may still arrive; `null`: nobody says. */
  readonly absenceAfterMs: number | null
  /** Does cancelling an object block whatever arrives later for it? */
  readonly fence: boolean
  /** Does cancelling by our reference block whatever arrives later with it? */
  readonly cancelByReference: boolean
  readonly lookupByReference: boolean
  /** How far a look-up by reference may lag behind. */
  readonly lookupLagMs: number
  readonly twoStep: boolean
  readonly authorisationWindowMs: number | null
  /** Frozen into each attempt. */
  readonly apiVersion: string
}

/** How often and how fast one kind of operation is tried. */
export interface RetryPolicy {
  readonly maxSends: number
  /** An unknown is sent again so often under one key; then only look-ups can tell. */
  readonly maxSendsPerAttempt: number
  readonly baseMs: number
  readonly capMs: number
}

export interface Policy {
  /** Sends of an operation, over all its attempts. */
  readonly retry: Readonly<Record<OperationKind, RetryPolicy>>
  /** Look-ups of an unknown: each costs the processor's read quota. */
  readonly inquiry: { readonly max: number; readonly baseMs: number; readonly capMs: number }
  /** Look-ups of an operation that the processor itself calls unfinished. */
  readonly pending: {
    readonly baseMs: number
    readonly capMs: number
    readonly parkAfterMs: number
  }
  /** A send must be on its way by then, else it is not sent at all: a stalled sender must not wake up late. */
  readonly startSendWithinMs: number
  /** A call is given up this long after its send was recorded. */
  readonly callTimeoutMs: number
  /** Later than the call's own end, so that the sender reports before anybody recovers its send. */
  readonly recoverAfterMs: number
  /** No re-send so close to the end of the key window: clocks differ. */
  readonly keyWindowMarginMs: number
  /**
   * Clocks of our machines differ by no more. What is concluded from time having passed, that nothing
   * can arrive any more, waits so much longer.
   */
  readonly clockErrorMs: number
  /** When to look again while something derived (pause, stop, suspension) stands in the way. */
  readonly blockedCheck: { readonly baseMs: number; readonly capMs: number }
  readonly settlement: { readonly maxAsks: number; readonly baseMs: number }
}

const retry: RetryPolicy = { maxSends: 10, maxSendsPerAttempt: 4, baseMs: 500, capMs: 60_000 }

/** The defaults; design §4 and `processors.md` give the reasons, the reference docs print them. */
export const defaultPolicy: Policy = {
  retry: { create: retry, authorise: retry, capture: retry, void: retry, refund: retry },
  inquiry: { max: 12, baseMs: 500, capMs: 60_000 },
  pending: { baseMs: 1_000, capMs: 3_600_000, parkAfterMs: 86_400_000 },
  startSendWithinMs: 2_000,
  callTimeoutMs: 10_000,
  recoverAfterMs: 15_000,
  keyWindowMarginMs: 3_600_000,
  clockErrorMs: 60_000,
  blockedCheck: { baseMs: 1_000, capMs: 300_000 },
  settlement: { maxAsks: 5, baseMs: 1_000 },
}

/** What stands in the way of moving money right now; derived when read, never written on payments. */
export type Blocked = 'stopped' | 'processor_paused' | 'agent_suspended' | 'clock_jumped'

/** The clock of this process has leapt forward: what it was told before seems older than it is. */
export interface Leap {
  /** All leaps together. */
  readonly byMs: number
  /** The last one, by the clock after it. */
  readonly atMs: number
}

/** By so much a time from before the leaps seems older than it is. */
export const leaptMs = (leap: Leap | null, sinceMs: number): number =>
  leap !== null && sinceMs < leap.atMs ? leap.byMs : 0

/** The clock is behind what was stored: what is from then is older than it seems, also once it has caught up. */
export interface SetBack {
  readonly byMs: number
  /** The latest time that was stored ahead of the clock. */
  readonly untilMs: number
}

export interface Circumstances {
  readonly capabilities: Capabilities
  readonly policy: Policy
  /** Is the configured processor, account and mode the one that the payment is bound to? */
  readonly bindingMatches: boolean
  readonly blocked: Blocked | null
  /** False while its breaker is open: even a look-up would only fail and use up its turn. */
  readonly reachable: boolean
  /** Missing: it has not. */
  readonly leap?: Leap | null
  /** Missing: it is not. */
  readonly setBack?: SetBack | null
}

/**
 * When try `count` (from 1) may follow: exponential with full jitter. The jitter is drawn from the
 * id, so that the same facts give the same time to every reader, and different payments spread out.
 */
export function backoffMs(
  id: string,
  count: number,
  pace: { readonly baseMs: number; readonly capMs: number },
): number {
  const ceilingMs = Math.min(pace.capMs, pace.baseMs * 2 ** Math.min(count - 1, 30))
  return Math.ceil(ceilingMs * fraction(`${id}#${count}`))
}

/**
 * When a payment that is kept from moving is looked at again: after half of the time for which
 * nothing happened to it, spread out. A short pause is over soon for all, a long one costs a
 * backlog of any size little, and when it ends what waited comes back over a while, not at once.
 */
export function blockedUntilMs(
  { id, updatedAtMs }: { readonly id: string; readonly updatedAtMs: number },
  { blockedCheck: { baseMs, capMs } }: Policy,
  nowMs: number,
): number {
  const halfMs = Math.min(capMs, Math.max(baseMs, (nowMs - updatedAtMs) / 2))
  return nowMs + Math.ceil(halfMs * (0.5 + 0.5 * fraction(`${id}@${nowMs}`)))
}

/** FNV-1a with a final mix, as a number in (0, 1]. Only spreads load; decides nothing. */
function fraction(text: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
  }
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d)
  hash = Math.imul(hash ^ (hash >>> 12), 0x297a2d39)
  return (((hash ^ (hash >>> 15)) >>> 0) + 1) / 0x1_0000_0000
}
