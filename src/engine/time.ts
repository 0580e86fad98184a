// Time as payments see it: never before what is already committed. Time only suggests; versions
// decide. Key windows are counted on the wall clock: forward it can only make them seem over, but a
// clock that leaps back makes old keys look young, so nothing is sent on its word any more. A clock that
// leaps forward makes it seem that nothing can arrive any more: what waits for that waits longer.
import type { Leap, SetBack } from '../core/policy.ts'
import type { Clock } from '../ports.ts'

/** Less than this between two looks is drift, or the time that a look takes. */
const leapMs = 1_000

/** A leap of this much is no drift and no leap second. */
const jumpMs = 300_000

export interface Time {
  /** The clock, or the last committed time of the payment if that is later. */
  readonly nowMs: (lastCommittedMs: number) => number
  /** Has the clock leapt back, so that windows counted on it cannot be trusted? */
  readonly jumped: (lastCommittedMs: number) => boolean
  /** How the clock has leapt forward since this process began; `null`: it has not. */
  readonly leap: () => Leap | null
  /** How far it was seen behind what is committed; `null`: not farther than clocks differ. */
  readonly setBack: () => SetBack | null
  /** What an earlier process saw of that. */
  readonly remember: (seen: SetBack) => void
}

export function keepTime(clock: Clock, onJump: (byMs: number) => void): Time {
  let offsetMs = clock.nowMs() - clock.steadyMs()
  let leaptBack = false
  let leap: Leap | null = null
  let setBack: SetBack | null = null
  const remember = (seen: SetBack): void => {
    setBack = {
      byMs: Math.max(setBack?.byMs ?? 0, seen.byMs),
      untilMs: Math.max(setBack?.untilMs ?? 0, seen.untilMs),
    }
  }
  const watch = (): number => {
    const nowMs = clock.nowMs()
    const byMs = nowMs - clock.steadyMs() - offsetMs
    if (Math.abs(byMs) > jumpMs) {
      // Remembered until the process starts anew: an operator has looked at the clock by then.
      if (byMs < 0) leaptBack = true
      onJump(byMs)
    }
    if (byMs > leapMs) leap = { byMs: (leap?.byMs ?? 0) + byMs, atMs: nowMs }
    // Drift is followed, so that only a leap between two looks counts.
    offsetMs += byMs
    return nowMs
  }
  return Object.freeze({
    nowMs: (lastCommittedMs: number) => Math.max(watch(), lastCommittedMs),
    jumped: (lastCommittedMs: number) => {
      const nowMs = watch()
      const behindMs = lastCommittedMs - nowMs
      if (behindMs > jumpMs) remember({ byMs: behindMs, untilMs: lastCommittedMs })
      return leaptBack || behindMs > jumpMs
    },
    leap: () => {
      watch()
      return leap
    },
    setBack: () => setBack,
    remember,
  })
}
