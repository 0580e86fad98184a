// Connections that get no answer. With a socket the server destroys it; without one `app.fetch`
// rejects as `fetch` does, so that a test needs no network to lose a connection.
import { setMaxListeners } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a connection ended: `ECONNRESET`, or closed by the server without a word. */
export type LostCode = 'ECONNRESET' | 'UND_ERR_SOCKET'

export interface Holds {
  /** Says nothing until the client leaves, the longest hold is over or everything closes. */
  holdOpen(client: AbortSignal): Promise<never>
  /** Rejects if everything closes meanwhile. */
  pause(ms: number): Promise<void>
  close(): void
}

/** More than any client here opens; above it a connection is reset at once. */
const maxHeld = 10_000

export function openHolds(maxHoldMs: number): Holds {
  const closing = new AbortController()
  setMaxListeners(0, closing.signal)
  let held = 0
  return Object.freeze({
    holdOpen: async (client: AbortSignal) => {
      if (held >= maxHeld) throw connectionLost('ECONNRESET')
      held += 1
      const signal = AbortSignal.any([closing.signal, client])
      await sleep(maxHoldMs, undefined, { signal }).catch(() => undefined)
      held -= 1
      throw connectionLost('UND_ERR_SOCKET')
    },
    pause: async (ms: number) => {
      await sleep(ms, undefined, { signal: closing.signal }).catch(() => {
        throw connectionLost('UND_ERR_SOCKET')
      })
    },
    close: () => closing.abort(),
  })
}

export function connectionLost(code: LostCode): Error {
  const cause = Object.assign(new Error('the simulated connection was lost'), { code })
  return new TypeError('fetch failed', { cause })
}

/** `null`: it is some other error. */
export function lostCode(error: unknown): LostCode | null {
  if (!(error instanceof TypeError) || !(error.cause instanceof Error)) return null
  const { code } = error.cause as { code?: unknown }
  return code === 'ECONNRESET' || code === 'UND_ERR_SOCKET' ? code : null
}
