// Where something can go wrong. Each place is asked by name, each time it is passed; a fault that
// struck can be named again, so that a story can be shortened by leaving it out.
import type { Random } from './random.ts'

export interface Faults {
  /**
   * Does it strike here, now? Draws even while it may not, so that leaving one out moves no other;
   * for each bill from a stream of its own, so that leaving out another bill does not either. `about`:
   * whose it is, where that is somebody else than who acts.
   */
  readonly strikes: (place: string, probability: number, about?: string) => boolean
  readonly heal: () => void
  readonly isHealed: () => boolean
  /** The faults that struck, by place and number, in order. */
  readonly struck: readonly string[]
  readonly counts: ReadonlyMap<string, number>
}

interface Spot {
  readonly name: string
  readonly stream: Random
  passed: number
}

/** `leftOut`: faults that do not happen this time, by the names in `struck`. */
export function createFaults(
  random: Random,
  leftOut: ReadonlySet<string>,
  whoActs: () => string,
): Faults {
  const struck: string[] = []
  const counts = new Map<string, number>()
  const places = new Map<string, Map<string, Spot>>()
  // A stream for each place: what happens at one does not move the others.
  const spotOf = (place: string, about: string): Spot => {
    let spots = places.get(place)
    if (spots === undefined) places.set(place, (spots = new Map()))
    let spot = spots.get(about)
    if (spot === undefined) {
      const name = `${place}, ${about}`
      spots.set(about, (spot = { name, stream: random.fork(name), passed: 0 }))
    }
    return spot
  }
  let healed = false
  return {
    struck,
    counts,
    isHealed: () => healed,
    heal: () => {
      healed = true
    },
    strikes(place, probability, about = whoActs()) {
      // A place has one probability in a life: where it is none, nothing is drawn and nothing moves.
      if (probability === 0) return false
      const spot = spotOf(place, about)
      spot.passed += 1
      if (!spot.stream.chance(probability) || healed) return false
      const name = `${spot.name} #${spot.passed}`
      if (leftOut.has(name)) return false
      struck.push(name)
      counts.set(place, (counts.get(place) ?? 0) + 1)
      return true
    },
  }
}
