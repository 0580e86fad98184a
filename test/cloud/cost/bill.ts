// From counts to dollars. Nothing is assumed here: what is not counted costs nothing in this table and
// is named in `prices.ts`.
import type { Counts, Unit } from '../meter.ts'
import { prices } from './prices.ts'

export interface Line {
  readonly unit: Unit
  readonly what: string
  /** For one payment. */
  readonly units: number
  /** For a million payments. */
  readonly dollars: number
}

const payments = 1_000_000

/** Lines that cost anything, the dearest first. `count`: how many payments the counts are of. */
export function billOf(counts: Counts, count: number): readonly Line[] {
  return (Object.keys(prices) as Unit[])
    .map((unit): Line => {
      const { what, dollars, per } = prices[unit]
      const units = (counts[unit] ?? 0) / count
      return { unit, what, units, dollars: (units * payments * dollars) / per }
    })
    .filter(({ units }) => units > 0)
    .toSorted((one, other) => other.dollars - one.dollars)
}

export const totalOf = (lines: readonly Line[]): number =>
  lines.reduce((sum, { dollars }) => sum + dollars, 0)

/** What was used beyond what an idle system uses in the same number of minutes. */
export function without(counts: Counts, idle: Counts, times: number): Counts {
  return Object.fromEntries(
    (Object.keys(counts) as Unit[]).map((unit) => [
      unit,
      Math.max(0, (counts[unit] ?? 0) - (idle[unit] ?? 0) * times),
    ]),
  )
}
