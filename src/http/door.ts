// The rate limit of each agent at the door. In memory: a restart forgives at most one burst, and an
// agent that runs away is stopped by the second request after it.
import { take } from '../core/rate.ts'
import type { RateLimit } from '../core/rate.ts'

export interface Taken {
  readonly allowed: boolean
  /** Rounded up to whole seconds, as headers say it. */
  readonly retryAfterMs: number
  readonly headers: Readonly<Record<string, string>>
}

export interface Door {
  /** One request of this agent; counted whether it may pass or not. */
  readonly take: (agent: string, nowMs: number) => Taken
}

/** Of so many agents at most the pace is remembered; the longest silent one is forgotten. */
const maxAgents = 10_000

const open: Taken = { allowed: true, retryAfterMs: 0, headers: {} }

export function openDoor(limit: RateLimit | null): Door {
  const paces = new Map<string, number>()
  const remember = (agent: string, tatMs: number): void => {
    paces.delete(agent)
    paces.set(agent, tatMs)
    if (paces.size <= maxAgents) return
    for (const silent of paces.keys()) {
      paces.delete(silent)
      return
    }
  }
  return Object.freeze({
    take(agent: string, nowMs: number): Taken {
      if (limit === null) return open
      const taken = take(paces.get(agent) ?? null, nowMs, limit)
      remember(agent, taken.tatMs)
      return { ...taken, headers: headersOf(limit, taken) }
    },
  })
}

// RateLimit and RateLimit-Policy of draft-ietf-httpapi-ratelimit-headers: quota, window, what is left
// and when the quota is whole again, in seconds.
function headersOf(
  { perSecond, burst }: RateLimit,
  { remaining, resetMs }: { readonly remaining: number; readonly resetMs: number },
): Taken['headers'] {
  const windowSeconds = Math.max(1, Math.ceil(burst / perSecond))
  return {
    'ratelimit-policy': `"agent";q=${burst};w=${windowSeconds}`,
    ratelimit: `"agent";r=${remaining};t=${Math.ceil(resetMs / 1000)}`,
  }
}
