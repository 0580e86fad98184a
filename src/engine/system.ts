// The machine's own clock and random ids, as the ports want them.
import { randomFillSync } from 'node:crypto'

import type { Clock, Ids } from '../ports.ts'

export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  sleep,
})

// Made by hand: the one of node:timers/promises makes an error for each sleep that is cut short.
function sleep(forMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(end, forMs)
    function end(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    signal?.addEventListener('abort', end)
    if (signal?.aborted === true) end()
  })
}

// Drawn a page at a time: one call of the kernel serves 256 ids.
const pool = new Uint8Array(4096)
let drawn = pool.length

function randomPage(): Uint8Array {
  if (drawn + 16 > pool.length) {
    randomFillSync(pool)
    drawn = 0
  }
  drawn += 16
  return pool.subarray(drawn - 16, drawn)
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** 10 characters of time and 16 of randomness (80 bits), as in a ULID. */
export const randomIds: Ids = Object.freeze({
  next(prefix: string, nowMs: number): string {
    let time = ''
    for (let rest = nowMs, place = 0; place < 10; place += 1) {
      time = alphabet.charAt(rest % 32) + time
      rest = Math.floor(rest / 32)
    }
    let random = ''
    for (const byte of randomPage()) random += alphabet.charAt(byte % 32)
    return `${prefix}_${time}${random}`
  },
})
