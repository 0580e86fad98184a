// A loop that does one thing at a time, rests in between, survives its failures and can be stopped.
import { setTimeout as sleep } from 'node:timers/promises'

export interface Repeating {
  readonly stop: () => Promise<void>
}

/** Repeats at once while `work` says there was something to do, else after `restMs`. */
export function repeat(
  work: (isStopping: () => boolean) => Promise<number>,
  restMs: number,
): Repeating {
  const stopped = new AbortController()
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const done = await work(() => stopped.signal.aborted).catch(() => 0) // the store or the other side is away: rest, try again
      if (done === 0)
        await sleep(restMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }
  const ended = loop()
  return Object.freeze({
    async stop() {
      stopped.abort()
      await ended
    },
  })
}
