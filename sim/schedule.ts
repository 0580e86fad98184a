// Simulated time. Whatever happens is an entry in this queue; one happens at a time, and before the
// next one everything that it set in motion has come to rest. So a run depends on its seed alone.
//
// Each entry is somebody's doing: of a bill, a loop, the operator. What it sets in motion is theirs too,
// and chance is drawn from a stream of their own. So what is left out of a story moves the others as
// little as it can.
import { streamsOf } from './random.ts'
import type { Random } from './random.ts'

export interface Schedule {
  /** The world's own time, Unix ms; no process sees it but through its clock. */
  readonly nowMs: () => number
  /** Whose doing it is that happens now. */
  readonly about: () => string
  /** `about`: theirs from here on; else of whoever sets it in motion. */
  readonly later: (inMs: number, happen: () => void | Promise<void>, about?: string) => void
  /** Goes on until nothing is left, `isOver` says so, or so much has happened. False: too much. */
  readonly run: (isOver: () => boolean, most: number) => Promise<boolean>
  readonly steps: () => number
}

interface Entry {
  readonly atMs: number
  /** Of two at one time the seed says which is first. */
  readonly lot: number
  readonly order: number
  readonly about: string
  readonly happen: () => void | Promise<void>
}

/** `onChoice`: called with the time and the number of each entry before it happens. */
export function createSchedule(
  startMs: number,
  random: Random,
  onChoice: ((atMs: number, order: number) => void) | null = null,
): Schedule {
  let nowMs = startMs
  let order = 0
  let steps = 0
  let now = 'the world'
  const lotsOf = streamsOf(random)
  const heap: Entry[] = []

  return {
    nowMs: () => nowMs,
    steps: () => steps,
    about: () => now,
    later(inMs, happen, about = now) {
      order += 1
      const atMs = nowMs + Math.max(0, Math.ceil(inMs))
      push(heap, { atMs, lot: lotsOf(about).next(), order, about, happen })
    },
    async run(isOver, most) {
      for (let count = 0; count < most; count += 1) {
        if (isOver()) return true
        const entry = pop(heap)
        if (entry === undefined) return true
        nowMs = entry.atMs
        now = entry.about
        steps += 1
        onChoice?.(entry.atMs, entry.order)
        await entry.happen()
        await turn()
      }
      return false
    },
  }
}

/** Node runs it once no promise is left that could go on. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    process.nextTick(resolve)
  })

// ── A binary heap, the earliest first ────────────────────────────────────────────────────────────

function isBefore(a: Entry, b: Entry): boolean {
  if (a.atMs !== b.atMs) return a.atMs < b.atMs
  return a.lot === b.lot ? a.order < b.order : a.lot < b.lot
}

function push(heap: Entry[], entry: Entry): void {
  let at = heap.length
  heap.push(entry)
  while (at > 0) {
    const parent = (at - 1) >> 1
    const above = heap[parent]
    if (above === undefined || isBefore(above, entry)) break
    heap[at] = above
    at = parent
  }
  heap[at] = entry
}

function pop(heap: Entry[]): Entry | undefined {
  const [first] = heap
  const last = heap.pop()
  if (last === undefined || heap.length === 0) return first
  let at = 0
  for (;;) {
    const left = 2 * at + 1
    const [a, b] = [heap[left], heap[left + 1]]
    const child = b !== undefined && a !== undefined && isBefore(b, a) ? left + 1 : left
    const below = heap[child]
    if (below === undefined || isBefore(last, below)) break
    heap[at] = below
    at = child
  }
  heap[at] = last
  return first
}
