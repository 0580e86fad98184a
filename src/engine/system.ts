// The machine's own clock and random ids, as the ports want them.
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Clock, Ids } from '../ports.ts'

export const systemClock: Clock = Object.freeze({
  nowMs: () => Date.now(),
  steadyMs: () => performance.now(),
  sleep: (forMs: number, signal?: AbortSignal) =>
    sleep(forMs, undefined, signal === undefined ? {} : { signal }),
})

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
    for (const byte of randomBytes(16)) random += alphabet.charAt(byte % 32)
    return `${prefix}_${time}${random}`
  },
})
