// The only source of chance in the simulated world: the same seed draws the same numbers for ever.

export interface Random {
  /** At least 0, below 1. */
  readonly next: () => number
  /** A whole number from `least` to `most`, both included. */
  readonly whole: (least: number, most: number) => number
  readonly chance: (probability: number) => boolean
  readonly pick: <T>(list: readonly T[]) => T
  /** A stream of its own, so that more draws here change none there. */
  readonly fork: (name: string) => Random
}

/** sfc32, seeded by a mixed hash of the seed's text; small, quick, and long enough for any run. */
export function createRandom(seed: string): Random {
  let a = hash(seed)
  let b = hash('b', a)
  let c = hash('c', b)
  let d = 1
  const next = (): number => {
    const sum = (a + b + d) | 0
    d = (d + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + sum) | 0
    return (sum >>> 0) / 0x1_0000_0000
  }
  for (let round = 0; round < 12; round += 1) next()
  const whole = (least: number, most: number): number =>
    least + Math.floor(next() * (most - least + 1))
  return {
    next,
    whole,
    chance: (probability) => next() < probability,
    pick<T>(list: readonly T[]): T {
      const picked = list[whole(0, list.length - 1)]
      if (picked === undefined) throw new Error('nothing to pick from')
      return picked
    },
    fork: (name) => createRandom(`${seed}/${name}`),
  }
}

/** A stream for each thing that it is about, kept. */
export function streamsOf(random: Random): (about: string) => Random {
  const streams = new Map<string, Random>()
  return (about) => {
    const stream = streams.get(about) ?? random.fork(about)
    streams.set(about, stream)
    return stream
  }
}

/** FNV-1a with a final mix. */
export function hash(text: string, from = 0x811c9dc5): number {
  let value = from
  for (let index = 0; index < text.length; index += 1) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  value = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d)
  value = Math.imul(value ^ (value >>> 12), 0x297a2d39)
  return (value ^ (value >>> 15)) >>> 0
}
