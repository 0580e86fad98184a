// Seeded choices. Each purpose has a stream of its own, so that what one agent draws does not depend
// on when another one drew.
import { createHash } from 'node:crypto'

export interface Random {
  /** In [0, 1). */
  readonly next: () => number
  readonly integer: (min: number, max: number) => number
  readonly pick: <T>(list: readonly [T, ...T[]]) => T
}

export function randomOf(seed: number, purpose: string): Random {
  let count = 0
  const next = (): number => {
    count += 1
    const digest = createHash('sha256').update(`${seed}/${purpose}/${count}`).digest()
    // 32 bits are enough for every choice that is made here.
    return digest.readUInt32BE(0) / 2 ** 32
  }
  const integer = (min: number, max: number): number => min + Math.floor(next() * (max - min + 1))
  return Object.freeze({
    next,
    integer,
    pick: <T>(list: readonly [T, ...T[]]): T => list[integer(0, list.length - 1)] ?? list[0],
  })
}
