// Where something can go wrong. Each place is asked by name, each time it is passed; a fault that
// struck can be named again, so that a story can be shortened by leaving it out.
import type { Random } from './random.ts'

export interface Faults {
  /** Does it strike here, now? Draws even while it may not, so that leaving one out moves no other. */
  readonly strikes: (place: string, probability: number) => boolean
  readonly heal: () => void
  readonly isHealed: () => boolean
  /** The faults that struck, by place and number, in order. */
  readonly struck: readonly string[]
  readonly counts: ReadonlyMap<string, number>
}

/** `leftOut`: faults that do not happen this time, by the names in `struck`. */
export function createFaults(random: Random, leftOut: ReadonlySet<string>): Faults {
  const struck: string[] = []
  const passed = new Map<string, number>()
  const counts = new Map<string, number>()
  const streams = new Map<string, Random>()
  let healed = false
  return {
    struck,
    counts,
    isHealed: () => healed,
    heal: () => {
      healed = true
    },
    strikes(place, probability) {
      // A stream for each place: what happens at one does not move the others.
      const stream = streams.get(place) ?? random.fork(place)
      streams.set(place, stream)
      const number = (passed.get(place) ?? 0) + 1
      passed.set(place, number)
      const strikes = stream.chance(probability)
      const name = `${place}#${number}`
      if (!strikes || healed || leftOut.has(name)) return false
      struck.push(name)
      counts.set(place, (counts.get(place) ?? 0) + 1)
      return true
    },
  }
}
