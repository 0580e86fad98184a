// When the service is killed: at random moments and at named points, drawn from the seed.
import type { Random } from '../src/cli/demo/random.ts'
import { pointNames, points } from './point-names.ts'
import type { PointName } from './point-names.ts'
import type { Aim } from './kill-world.ts'

export interface Kill {
  /** `null`: at a random moment. */
  readonly aim: Aim | null
  /** Of a kill at a random moment, from the restart. */
  readonly afterMs: number
  readonly pauseMs: number
}

const later = pointNames.filter((name) => points[name].at !== 'first_start')
const atFirstStart = pointNames.length - later.length

/** So many with those of the first start: every point once, and in turn any moment, any point. */
export function planKills(kills: number, random: Random): readonly Kill[] {
  const named = shuffled(later, random)
  const rest = Array.from({ length: Math.max(0, kills - atFirstStart - named.length) }, (_, at) =>
    at % 2 === 0 ? null : (later[random.integer(0, later.length - 1)] ?? null),
  )
  return shuffled([...named, ...rest], random).map((point) => ({
    aim: point === null ? null : aimAt(point, random),
    afterMs: random.integer(0, 800),
    pauseMs: random.integer(0, 200),
  }))
}

const aimAt = (point: PointName, random: Random): Aim => ({
  point,
  nth: random.integer(1, points[point].most),
})

function shuffled<T>(list: readonly T[], random: Random): readonly T[] {
  return list
    .map((each) => ({ each, at: random.next() }))
    .toSorted((a, b) => a.at - b.at)
    .map(({ each }) => each)
}
