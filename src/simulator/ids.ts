// Ids as processors make them: opaque, and never the same twice, not even after a restart.
import { hash } from 'node:crypto'

import type { Ledger } from './ledger.ts'

export interface Ids {
  /** `prefix_`, nine characters that sort by time, twelve that do not repeat. */
  next(prefix: 'ch' | 're' | 'whe' | 'req', nowMs: number): string
}

/** The number of the start makes ids differ where a clock stands still, as in a simulation. */
export function openIds(ledger: Ledger, seed: number): Ids {
  const start = ledger.transaction(() => ledger.count('starts', ''))
  let made = 0
  return Object.freeze({
    next: (prefix: string, nowMs: number) => {
      made += 1
      const tail = hash('sha256', `${seed} ${start} ${made}`).slice(0, 12)
      return `${prefix}_${nowMs.toString(36).padStart(9, '0')}${tail}`
    },
  })
}
