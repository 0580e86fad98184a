// Makes a failing life short: bills and faults are left out, as long as the same invariant breaks.
// Leaving one thing out moves others, so this is a search and no proof; what is left still fails.
import { live } from './world.ts'
import type { Ended, Life } from './world.ts'

export interface Shrunk {
  readonly life: Life
  readonly ended: Ended
  readonly lives: number
}

/** Lives that are tried at most; a minute or so. */
const mostLives = 400

export async function shrink(failing: Life, first: Ended): Promise<Shrunk> {
  const broken = first.violations[0]?.invariant ?? null
  let best: { life: Life; ended: Ended } = { life: failing, ended: first }
  let lives = 0
  const stillFails = async (life: Life): Promise<boolean> => {
    if (lives >= mostLives) return false
    lives += 1
    const ended = await live(life)
    if (!ended.violations.some(({ invariant }) => invariant === broken)) return false
    best = { life, ended }
    return true
  }
  const bills = first.errands.map(({ bill }) => bill.id)
  await leaveOut(bills, async (out) => {
    const onlyBills = new Set(bills.filter((id) => !out.has(id)))
    return onlyBills.size > 0 && stillFails({ ...best.life, onlyBills })
  })
  // What strikes later depends on what struck before, so the list is made anew after each round.
  for (let round = 0; round < 4; round += 1) {
    const before = best.ended.struck.length
    const { leftOut } = best.life
    await leaveOut(best.ended.struck, (out) =>
      stillFails({ ...best.life, leftOut: new Set([...leftOut, ...out]) }),
    )
    if (best.ended.struck.length >= before) break
  }
  return { ...best, lives }
}

/** Large parts first, then smaller ones; what may go stays out. */
async function leaveOut(
  things: readonly string[],
  mayGo: (out: ReadonlySet<string>) => Promise<boolean>,
): Promise<void> {
  const out = new Set<string>()
  for (let size = Math.ceil(things.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < things.length; from += size) {
      const part = things.slice(from, from + size).filter((thing) => !out.has(thing))
      if (part.length === 0) continue
      const without = new Set([...out, ...part])
      if (await mayGo(without)) for (const thing of part) out.add(thing)
    }
  }
}
