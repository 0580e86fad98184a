// Makes a failing life short: bills, requests and faults are left out, as long as the same invariant
// breaks.
// Leaving one thing out moves others, so this is a search and no proof; what is left still fails.
import { live } from './world.ts'
import type { Violation } from './witness.ts'
import type { Ended, Life } from './world.ts'

export interface Shrunk {
  readonly life: Life
  readonly ended: Ended
  /** The one that was kept, of all that the short life breaks. */
  readonly violation: Violation
  readonly lives: number
}

/** Lives that are tried at most; a minute or so. */
const mostLives = 400

export async function shrink(failing: Life, first: Ended): Promise<Shrunk> {
  const [original] = first.violations
  if (original === undefined) throw new Error('this life breaks nothing')
  let best = { life: failing, ended: first, violation: original }
  let lives = 0
  const stillFails = async (life: Life): Promise<boolean> => {
    if (lives >= mostLives) return false
    lives += 1
    const ended = await live(life)
    const violation = ended.violations.find(({ invariant }) => invariant === original.invariant)
    if (violation === undefined) return false
    best = { life, ended, violation }
    return true
  }
  const leaveOutBills = (): Promise<void> => {
    const { onlyBills } = best.life
    const bills = first.errands
      .map(({ bill }) => bill.id)
      .filter((id) => onlyBills?.has(id) ?? true)
    return leaveOut(bills, async (out) => {
      const left = new Set(bills.filter((id) => !out.has(id)))
      return left.size > 0 && stillFails({ ...best.life, onlyBills: left })
    })
  }
  // What happens later depends on what happened before, so the lists are made anew after each round.
  for (let round = 0; round < 4; round += 1) {
    const before = sizeOf(best.ended)
    await leaveOutBills()
    for (const list of ['requests', 'struck'] as const) {
      const { leftOut } = best.life
      await leaveOut(best.ended[list], (out) =>
        stillFails({ ...best.life, leftOut: new Set([...leftOut, ...out]) }),
      )
    }
    if (sizeOf(best.ended) >= before) break
  }
  return { ...best, lives }
}

const sizeOf = ({ requests, struck }: Ended): number => requests.length + struck.length

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
