// Rate limits by the generic cell rate algorithm (GCRA): of all calls so far only the theoretical
// arrival time (TAT) of the next is kept, that is when it would come if all came evenly. Waiting and
// storing are for others.
//
// Times are whole milliseconds. The TAT and the interval between calls are multiples of 1/1024 ms,
// which doubles hold exactly until the year 2248: adding up never drifts. The interval is rounded up,
// so that a limit is never exceeded; up to 10 000 calls per second that costs less than 1 %.

export interface RateLimit {
  /** Calls per second, sustained; > 0. */
  readonly perSecond: number
  /** Calls that may go at once after a rest; >= 1. */
  readonly burst: number
  /**
   * For a while slots come no faster than this. Each then counts for more, under the same burst and pace:
   * another limit would not know what was owed under this one.
   */
  readonly easedPerSecond?: number
}

const resumption = { perSecond: 50, burst: 10 } as const

/** The limit for a processor that has just come back. */
export function easedLimit(limit: RateLimit | null): RateLimit {
  return limit === null ? resumption : { ...limit, easedPerSecond: resumption.perSecond }
}

/** How far ahead slots are given; beyond it one asks again later. */
export const slotHorizonMs = 2_000

/** A send later than this after its slot takes a new one. */
export const slotToleranceMs = 100

/**
 * Processes with one TAT may differ by so much in their clocks and the limit still holds exactly. A
 * TAT that is farther ahead than that explains was stored before a clock jumped back.
 */
const clockToleranceMs = 2_000

export type Slot =
  | {
      readonly slot: 'given'
      /** May be sent at this time, a whole ms between now and the horizon. */
      readonly atMs: number
      /** To be stored. */
      readonly tatMs: number
    }
  /** Nothing is to be stored. If nobody else comes, there is a slot for who asks again then. */
  | { readonly slot: 'full'; readonly askAgainAtMs: number }

/**
 * The next slot for a call. `tatMs`: as stored with the last slot, `null` before the first. Of all
 * slots given, no stretch of w ms holds more than burst + w × perSecond / 1000. Whoever has a burst
 * of 1 and an interval of no whole ms waits for the next whole ms each time.
 *
 * After a clock has jumped back by more than `clockToleranceMs`, the old TAT is cut to what still
 * gives a slot, the last one within the horizon. By then all slots given before the jump have passed,
 * so that at most one call goes too early, once.
 */
export function reserveSlot(tatMs: number | null, nowMs: number, limit: RateLimit): Slot {
  const pace = paceOf(limit)
  const cutMs = nowMs + slotHorizonMs + pace.slackMs
  const tat = withoutJump(tatMs ?? nowMs, cutMs, pace)
  const atMs = Math.ceil(Math.max(nowMs, tat - pace.slackMs))
  if (atMs > nowMs + slotHorizonMs) {
    return { slot: 'full', askAgainAtMs: atMs - slotHorizonMs }
  }
  return { slot: 'given', atMs, tatMs: Math.max(tat, atMs) + pace.easedMs }
}

export interface Take {
  readonly allowed: boolean
  /** To be stored; of a request that is refused, it is as it was. */
  readonly tatMs: number
  /** Requests that may follow at once. */
  readonly remaining: number
  /** Until one may go; 0 where this one may. */
  readonly retryAfterMs: number
  /** Until a whole burst may go. */
  readonly resetMs: number
}

/**
 * For a door: may this request go now? A fraction of a ms in `nowMs` is cut off. After a clock has
 * jumped back, the old TAT is cut to what lets one request go at once, without a burst.
 */
export function take(tatMs: number | null, nowMs: number, limit: RateLimit): Take {
  const pace = paceOf(limit)
  const wholeMs = Math.floor(nowMs)
  const cutMs = wholeMs + pace.slackMs
  const tat = Math.max(wholeMs, withoutJump(tatMs ?? wholeMs, cutMs, pace))
  const allowed = tat <= cutMs
  const nextMs = allowed ? tat + pace.intervalMs : tat
  return {
    allowed,
    tatMs: nextMs,
    remaining: Math.max(0, Math.floor((cutMs - nextMs) / pace.intervalMs) + 1),
    retryAfterMs: allowed ? 0 : Math.ceil(tat - cutMs),
    resetMs: Math.ceil(nextMs - wholeMs),
  }
}

interface Pace {
  readonly intervalMs: number
  /** How far the TAT may be ahead of a call that goes now. */
  readonly slackMs: number
  /** What one more slot adds to the TAT; the interval, or more while it is eased. */
  readonly easedMs: number
}

const intervalOf = (perSecond: number): number => Math.ceil((1000 / perSecond) * 1024) / 1024

function paceOf({ perSecond, burst, easedPerSecond = perSecond }: RateLimit): Pace {
  const intervalMs = intervalOf(perSecond)
  const slackMs = Math.floor(intervalMs * (burst - 1) * 1024) / 1024
  if (!(intervalMs > 0 && intervalMs < Infinity)) {
    throw new RangeError(`a rate limit needs calls per second above 0, not ${perSecond}`)
  }
  if (!(burst >= 1 && slackMs < Infinity)) {
    throw new RangeError(`a rate limit needs a burst of at least 1, not ${burst}`)
  }
  return { intervalMs, slackMs, easedMs: Math.max(intervalMs, intervalOf(easedPerSecond)) }
}

/** A TAT stored now is at most one interval past the latest that still gives a slot, `cutMs`. */
function withoutJump(tatMs: number, cutMs: number, { intervalMs }: Pace): number {
  return tatMs > cutMs + intervalMs + clockToleranceMs ? cutMs : tatMs
}
