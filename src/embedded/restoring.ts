// The question of every start: does the processor know more than this store? Nothing is begun before it
// is answered. A start is held up by it for a moment only; where the processor is away, the door opens
// read-only and goes on asking.
import { setTimeout as sleep } from 'node:timers/promises'

import type { Sighting } from '../core/alert-life.ts'
import type { RestoreGate } from '../engine/restore-gate.ts'
import { repeat } from './repeat.ts'
import type { Repeating } from './repeat.ts'

/** A start is not held up for longer; most checks are one answer of the processor. */
const patienceMs = 2_000
const askEveryMs = 1_000

/** The first question, before the door opens; it leaves nothing behind where the start fails after it. */
export async function askFirst(gate: RestoreGate): Promise<void> {
  const over = new AbortController()
  const asked = gate.check(() => over.signal.aborted).catch(() => false)
  await Promise.race([asked, sleep(patienceMs, undefined, { ref: false })])
  over.abort()
}

export function keepAsking(gate: RestoreGate): Repeating {
  return repeat(async (isStopping) => {
    await gate.check(isStopping)
    return 0
  }, askEveryMs)
}

export function restoreSightings(gate: RestoreGate | null): readonly Sighting[] {
  const state = gate?.state()
  if (state?.status !== 'read_only') return []
  const group = { kind: 'store_set_back', subject: null, detail: '' } as const
  return [{ group, count: Math.max(1, state.unknown), paymentIds: [] }]
}

/** When an installation's id was made: its first ten digits after the prefix are the time. */
export function madeAtMs(installation: string): number {
  const digits = /^inst_([0-9A-HJKMNP-TV-Z]{10})/.exec(installation)?.[1] ?? ''
  const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
  let ms = 0
  for (const digit of digits) ms = ms * 32 + alphabet.indexOf(digit)
  return ms
}

/** Read-only says why, with the way out of it. */
export function readiness(gate: RestoreGate): { readonly ready: boolean; readonly why?: string } {
  const { status, why } = gate.state()
  return status === 'open' ? { ready: true } : { ready: false, why }
}
