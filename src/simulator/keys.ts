// The idempotency key table. A finished key answers what it answered, byte for byte; a key at work
// answers "in use"; an old one is forgotten, and then the same request is a new one.
import { hash } from 'node:crypto'

import { refuse } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Fields } from './fields.ts'
import type { Ledger } from './ledger.ts'
import type { SimulatorSettings } from './options.ts'

export interface Keyed {
  readonly key: string
  readonly fingerprint: string
}

export interface Keys {
  /** What the key answers without anything being done; `null`: it is fresh. */
  known(keyed: Keyed, nowMs: number): Answer | null
  /** The answer to somebody else's use of a key that is at work; `null`: it is not. */
  busy(keyed: Keyed): Answer | null
  /** Stores what a fresh key answered, in the transaction of its effect. */
  finish(keyed: Keyed, answer: Answer, nowMs: number): void
  /**
   * Marks a key as at work until the returned function is called. In memory only: the effect comes
   * at the end, so that a key which a crash left at work was not executed.
   */
  occupy(keyed: Keyed): () => void
}

/** After so many answers a look for old ones, which takes away more than came. */
const sweepEvery = 100

/** What may nest in a body that has a fingerprint; ours nest two deep. */
const maxDepth = 16

export function openKeys(ledger: Ledger, settings: SimulatorSettings): Keys {
  const { keyWindowMs, keyCachesErrors } = settings
  const atWork = new Map<string, string>()
  let finished = 0
  return Object.freeze({
    known: (keyed, nowMs) => {
      const before = ledger.answered(keyed.key)
      if (before === null) return null
      if (before.createdAtMs + keyWindowMs <= nowMs) return null
      if (before.fingerprint !== keyed.fingerprint) return mismatch()
      const { status, body } = before
      const headers = { 'content-type': 'application/json', 'idempotent-replayed': 'true' }
      return { status, body, headers }
    },
    busy: ({ key, fingerprint }) => {
      const other = atWork.get(key)
      if (other === undefined) return null
      return other === fingerprint
        ? refuse('idempotency_key_in_use', 'A request with this key is still being processed.')
        : mismatch()
    },
    finish: ({ key, fingerprint }, { status, body }, nowMs) => {
      if (status >= 300 && !keyCachesErrors) return
      ledger.forgetAnswered(key)
      ledger.insertAnswered(key, { fingerprint, status, body, createdAtMs: nowMs })
      finished += 1
      if (finished % sweepEvery === 0) ledger.forgetOldAnswers(nowMs - keyWindowMs)
    },
    occupy: ({ key, fingerprint }) => {
      atWork.set(key, fingerprint)
      return () => atWork.delete(key)
    },
  } satisfies Keys)
}

/** Equal for equal requests, whatever the order of fields; `null`: nested too deep to tell. */
export function fingerprintOf(path: string, body: Fields): string | null {
  const text = canonical(body, 0)
  return text === null ? null : hash('sha256', `POST ${path}\n${text}`)
}

/** A list's places are numbers and an object's names are quoted, so that no two look alike. */
function canonical(value: unknown, depth: number): string | null {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (depth === maxDepth) return null
  const parts: string[] = []
  for (const [name, each] of Array.isArray(value) ? value.entries() : sorted(value)) {
    const text = canonical(each, depth + 1)
    if (text === null) return null
    parts.push(`${JSON.stringify(name)}:${text}`)
  }
  return `{${parts.join()}}`
}

function sorted(value: object): [string, unknown][] {
  return Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
}

function mismatch(): Answer {
  return refuse('idempotency_mismatch', 'This key was used before with other parameters.')
}
