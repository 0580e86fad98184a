// The public keys of an identity provider, as it publishes them. Read seldom, at most once at a time, and
// kept while the provider is away: a provider that is down must not stop agents whose keys are known.
import type { JSONWebKeySet } from 'jose'

export interface JwkSource {
  /** `null`: none could be read yet, or for too long. */
  readonly keys: () => Promise<JSONWebKeySet | null>
  /** Others than these, among which a key was not; `null`: there are none, or they cannot be read now. */
  readonly newer: (than: JSONWebKeySet) => Promise<JSONWebKeySet | null>
}

export interface JwkSourceOptions {
  readonly fetch?: typeof globalThis.fetch
  readonly nowMs?: () => number
  /** Why the keys could not be read. */
  readonly onFault?: (why: string) => void
}

/** Providers keep a new key published for longer before they sign with it. */
const freshForMs = 600_000
/** A key that the provider has withdrawn lives so long at most, where it cannot be asked. */
const keptForMs = 86_400_000
/** Between two tries, whatever is asked for: nobody makes us call the provider more often. */
const pauseMs = 10_000
const timeoutMs = 3_000
/** A hundred keys are smaller. */
const maxBytes = 262_144

interface Known {
  readonly keys: JSONWebKeySet
  readonly atMs: number
}

export function createJwkSource(url: string, options: JwkSourceOptions = {}): JwkSource {
  const { fetch = globalThis.fetch, nowMs = Date.now, onFault = () => undefined } = options
  let known: Known | null = null
  let triedAtMs = -Infinity
  let reading: Promise<boolean> | null = null
  const load = async (): Promise<boolean> => {
    try {
      known = { keys: await readKeys(url, fetch), atMs: nowMs() }
      return true
    } catch (error) {
      onFault(error instanceof Error ? error.message : String(error))
      return false
    }
  }
  // Who asks while it is read waits for the same answer. False: nothing new was read.
  const loadOnce = (): Promise<boolean> => {
    if (reading !== null) return reading
    // A clock that was set back must not stop it for good.
    if (Math.abs(nowMs() - triedAtMs) < pauseMs) return Promise.resolve(false)
    triedAtMs = nowMs()
    reading = load().finally(() => (reading = null))
    return reading
  }
  const usable = (): JSONWebKeySet | null =>
    known !== null && Math.abs(nowMs() - known.atMs) < keptForMs ? known.keys : null
  return Object.freeze<JwkSource>({
    async keys() {
      if (known === null || Math.abs(nowMs() - known.atMs) >= freshForMs) await loadOnce()
      return usable()
    },
    async newer(than) {
      // Somebody else may have read them since.
      if (known?.keys === than) await loadOnce()
      const keys = usable()
      return keys === than ? null : keys
    },
  })
}

/** The address is the operator's own setting; a redirect would lead where nobody has looked. */
async function readKeys(url: string, fetch: typeof globalThis.fetch): Promise<JSONWebKeySet> {
  const signal = AbortSignal.timeout(timeoutMs)
  const response = await fetch(url, {
    headers: { accept: 'application/json' },
    redirect: 'manual',
    signal,
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`the keys were answered with ${response.status}`)
  }
  const parsed: unknown = JSON.parse(await readText(response))
  if (!isKeySet(parsed)) throw new Error('what was read are no keys')
  return parsed
}

async function readText({ body }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw new Error(`the keys are larger than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

// Each key is looked at when it is used.
function isKeySet(value: unknown): value is JSONWebKeySet {
  if (typeof value !== 'object' || value === null || !('keys' in value)) return false
  const { keys } = value
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null)
}
