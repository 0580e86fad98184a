// Keeps one publisher supplied with events, each publisher at its own pace: one that hangs, fails or is
// away delays no other.
import { setTimeout as sleep } from 'node:timers/promises'

import type { DeadEvents } from '../delivery-ports.ts'
import type { Engine } from '../engine/engine.ts'
import { createRelay } from '../engine/relay.ts'
import type { Publisher } from '../ports.ts'
import type { Repeating } from './repeat.ts'

/** A few hundred kilobytes in memory, and one fsync of each side for so many events. */
const pageSize = 500
const stopWithinMs = 5_000
/** The store is away. */
const awayMs = 500

export function startRelay(
  engine: Engine,
  publisher: Publisher,
  deadEvents: DeadEvents,
): Repeating {
  const stopped = new AbortController()
  const relay = createRelay(engine, publisher, { limit: pageSize, deadEvents })
  const loop = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const { restMs } = await relay.step().catch(() => ({ restMs: awayMs }))
      if (restMs === 0) continue
      await sleep(restMs, undefined, { signal: stopped.signal }).catch(() => undefined)
    }
  }
  const ended = loop()
  return Object.freeze({
    async stop() {
      stopped.abort()
      // A publisher that hangs keeps nobody from stopping: its page is published again.
      await Promise.race([ended, sleep(stopWithinMs, undefined, { ref: false })])
    },
  })
}
