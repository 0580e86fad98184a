// A line in front of something of which there are only so many. First come, first served; whoever
// waits too long leaves the line and is never let in.

export interface Turns {
  /** The function that ends the turn, or `null` where none came in time. */
  take(withinMs: number): Promise<(() => void) | null>
}

export function openTurns(atOnce: number): Turns {
  // In the order of arrival, and anybody can leave from the middle.
  const waiting = new Set<() => void>()
  let taken = 0

  function end(): void {
    taken -= 1
    const [first] = waiting
    first?.()
  }

  function begin(): () => void {
    taken += 1
    return end
  }

  return Object.freeze({
    take: (withinMs: number) => {
      if (taken < atOnce) return Promise.resolve(begin())
      return new Promise<(() => void) | null>((resolve) => {
        const leave = (turn: (() => void) | null): void => {
          clearTimeout(timer)
          waiting.delete(enter)
          resolve(turn)
        }
        const enter = (): void => leave(begin())
        const timer = setTimeout(() => leave(null), withinMs)
        waiting.add(enter)
      })
    },
  })
}
