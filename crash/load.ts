// The agents' work: a wave of new bills for each life of the service, all of them under way at
// once.
import { setTimeout as sleep } from 'node:timers/promises'

import type { DemoBill } from '../src/cli/demo/bills.ts'
import { work } from '../src/cli/demo/workload.ts'
import type { KillWorld } from './kill-world.ts'

export interface Load {
  /** Lets agents ask for the next bills. */
  readonly more: () => void
  /** False: some bills are not done, and for so long none has been. */
  readonly settled: (silentMs: number) => Promise<boolean>
  readonly asked: () => number
  readonly done: () => number
}

export const billsPerLife = 10
/** Not so many that a slow machine drowns in them. */
const mostUnderWay = 200

export function startLoad(world: KillWorld, bills: readonly DemoBill[], seed: number): Load {
  const waves: Promise<void>[] = []
  let [asked, done] = [0, 0]
  const more = (): void => {
    if (asked - done > mostUnderWay) return
    const wave = bills.slice(asked, asked + billsPerLife)
    asked += wave.length
    const working = work(world.agents, wave, { seed, skip: null, onBillDone: () => (done += 1) })
    // Said when the result is wanted; until then it is no unhandled rejection.
    working.catch(() => undefined)
    waves.push(working)
  }
  // A busy machine is slow, and no reason to give up while bills get done.
  const settled = async (silentMs: number): Promise<boolean> => {
    const all = Promise.all(waves).then(() => true)
    for (let seen = -1; seen !== done;) {
      seen = done
      const timer = new AbortController()
      const late = sleep(silentMs, false, { signal: timer.signal }).catch(() => false)
      if (await Promise.race([all, late]).finally(() => timer.abort())) return true
    }
    return false
  }
  return { more, settled, asked: () => asked, done: () => done }
}
