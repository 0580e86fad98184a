// Many seeds, one after the other, in a thread of its own.
import { parentPort, workerData } from 'node:worker_threads'

import { createAuditor } from './auditor.ts'
import { live } from './world.ts'
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
}

export const lifeOf = (seed: number, bills: number, off: readonly number[] = []): Life => ({
  seed,
  bills,
  onlyBills: null,
  leftOut: new Set(),
  createAuditor: () => createAuditor({ off }),
  off,
})

async function run({ from, step, seeds, bills, off }: Batch): Promise<void> {
  for (let count = 0; count < seeds; count += step) {
    const seed = from + count
    const ended = await live(lifeOf(seed, bills, off))
    const { payments, steps, faults, violations } = ended
    const [first] = violations
    const outcome: Outcome = {
      seed,
      payments,
      steps,
      faults,
      violation: first === undefined ? null : `invariant ${first.invariant}: ${first.what}`,
      violations: violations.length,
    }
    parentPort?.postMessage(outcome, [])
  }
}

if (parentPort !== null) await run(workerData as Batch) // only `main.ts` starts one
