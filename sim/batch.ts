// Many seeds, one after the other, in a thread of its own.
import { parentPort, workerData } from 'node:worker_threads'

import { createAuditor } from './auditor.ts'
import { createSetBackAuditor } from './auditor/set-back.ts'
import { live } from './world.ts'
import type { Violation } from './witness.ts'
import type { Life } from './world.ts'

export interface Batch {
  readonly from: number
  /** Every so many seeds: the others are for other threads. */
  readonly step: number
  readonly seeds: number
  readonly bills: number
  readonly off: readonly number[]
}

/** What one seed came to. */
export interface Outcome {
  readonly seed: number
  readonly payments: number
  readonly steps: number
  /** How often each kind of fault struck. */
  readonly faults: ReadonlyMap<string, number>
  /** The first of them, and how many there are. */
  readonly violation: string | null
  readonly violations: number
  /** Are they of the life whose store was set back? */
  readonly setBack: boolean
}

export const lifeOf = (seed: number, bills: number, off: readonly number[] = []): Life => ({
  seed,
  bills,
  onlyBills: null,
  leftOut: new Set(),
  createAuditor: () => createAuditor({ off }),
  off,
})

/** The same seed in a world whose store is set back once; judged by invariant 15 alone. */
export const setBackLifeOf = (seed: number, bills: number, off: readonly number[] = []): Life => ({
  ...lifeOf(seed, bills, off),
  setsBack: true,
  createAuditor: createSetBackAuditor,
})

/** Every so many seeds live a second time, with a store that is set back. */
const setsBackEvery = 16

async function run({ from, step, seeds, bills, off }: Batch): Promise<void> {
  for (let count = 0; count < seeds; count += step) {
    const seed = from + count
    const lives = [lifeOf(seed, bills, off)]
    if (seed % setsBackEvery === 5) lives.push(setBackLifeOf(seed, bills, off))
    const violations: Violation[] = []
    const faults = new Map<string, number>()
    let [payments, steps] = [0, 0]
    for (const life of lives) {
      const ended = await live(life)
      violations.push(...ended.violations)
      payments += ended.payments
      steps += ended.steps
      for (const [kind, times] of ended.faults) faults.set(kind, (faults.get(kind) ?? 0) + times)
    }
    const [first] = violations
    const outcome: Outcome = {
      seed,
      payments,
      steps,
      faults,
      violation: first === undefined ? null : `invariant ${first.invariant}: ${first.what}`,
      violations: violations.length,
      setBack: first !== undefined && violations.every(({ invariant }) => invariant === 15),
    }
    parentPort?.postMessage(outcome, [])
  }
}

if (parentPort !== null) await run(workerData as Batch) // only `main.ts` starts one
