// Simulated time. Whatever happens is an entry in this queue; one happens at a time, and before the
// next one everything that it set in motion has come to rest. So a run depends on its seed alone.

export interface Schedule {
  /** The world's own time, Unix ms; no process sees it but through its clock. */
  readonly nowMs: () => number
  readonly later: (inMs: number, happen: () => void | Promise<void>) => void
  /** Goes on until nothing is left, `isOver` says so, or so much has happened. False: too much. */
  readonly run: (isOver: () => boolean, most: number) => Promise<boolean>
  readonly steps: () => number
}

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly happen: () => void | Promise<void>
}

export function createSchedule(startMs: number): Schedule {
  let nowMs = startMs
  let order = 0
  let steps = 0
  const heap: Entry[] = []

  return {
    nowMs: () => nowMs,
    steps: () => steps,
    later(inMs, happen) {
      order += 1
      push(heap, { atMs: nowMs + Math.max(0, Math.ceil(inMs)), order, happen })
    },
    async run(isOver, most) {
      for (let count = 0; count < most; count += 1) {
        if (isOver()) return true
        const entry = pop(heap)
        if (entry === undefined) return true
        nowMs = entry.atMs
        steps += 1
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

// ── A binary heap, the earliest first; of two at one time the one that was entered first ─────────

const isBefore = (a: Entry, b: Entry): boolean =>
  a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order)

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
