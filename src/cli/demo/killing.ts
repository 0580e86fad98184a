// Kills the service in the middle: at moments that the seed chooses, measured in bills done, so that
// there is always work under way.
import { setTimeout as sleep } from 'node:timers/promises'

import type { KillableService } from './killable-service.ts'
import { randomOf } from './random.ts'

export interface Killing {
  readonly onBillDone: (done: number) => void
  readonly restarts: () => number
  /** The last restart has succeeded; rejects where one did not. */
  readonly settled: () => Promise<void>
}

export interface KillingOptions {
  readonly bills: number
  readonly seed: number
  readonly kills: number
  readonly say: (line: string) => void
}

/** Nothing is killed in the first tenth and in the last quarter: there must be work under way. */
const [earliest, latest] = [0.1, 0.75]

export function killing(
  service: KillableService,
  { bills, seed, kills, say }: KillingOptions,
): Killing {
  const random = randomOf(seed, 'kills')
  const span = (latest - earliest) / Math.max(1, kills)
  const moments = Array.from({ length: kills }, (_, index) => ({
    atDone: Math.floor(bills * (earliest + span * (index + random.next() * 0.8))),
    delayMs: random.integer(0, 250),
    pauseMs: random.integer(0, 400),
  }))
  let restarts = 0
  let last: Promise<void> = Promise.resolve()
  const kill = async (
    { delayMs, pauseMs }: { delayMs: number; pauseMs: number },
    done: number,
  ): Promise<void> => {
    await sleep(delayMs)
    const startedMs = performance.now()
    await service.killAndRestart(pauseMs)
    restarts += 1
    const tookMs = Math.round(performance.now() - startedMs)
    say(`SIGKILL with ${done} of ${bills} bills done; back on the same file after ${tookMs} ms`)
  }
  return Object.freeze({
    onBillDone: (done: number) => {
      while (moments[0] !== undefined && done >= moments[0].atDone) {
        const [moment] = moments.splice(0, 1)
        if (moment !== undefined) last = last.then(() => kill(moment, done))
        // Said when the result is wanted; until then it is no unhandled rejection.
        last.catch(() => undefined)
      }
    },
    restarts: () => restarts,
    settled: () => last,
  })
}
