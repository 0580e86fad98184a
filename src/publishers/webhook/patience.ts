// How long and how often a delivery is tried, and what one answer means for it and for its endpoint.
// Pure: the sender asks it after each try.
import { backoffMs } from '../../core/policy.ts'
import { isTaken } from '../../outbound/post.ts'
import type { Posted } from '../../outbound/post.ts'
import type { Delivery, Endpoint } from '../../delivery-ports.ts'

export interface Patience {
  /** A delivery that was not taken for so long goes to the dead letters. */
  readonly deliveryMs: number
  /** An endpoint that takes nothing for so long is disabled, with an alert. */
  readonly endpointMs: number
  readonly pace: { readonly baseMs: number; readonly capMs: number }
  /** Between tries of any of its deliveries, while an endpoint takes nothing. */
  readonly endpointPace: { readonly baseMs: number; readonly capMs: number }
}

export const defaultPatience: Patience = {
  deliveryMs: 24 * 3_600_000,
  endpointMs: 72 * 3_600_000,
  // Some thirty tries in a day, half of them in the first hour.
  pace: { baseMs: 5_000, capMs: 2 * 3_600_000 },
  endpointPace: { baseMs: 1_000, capMs: 60_000 },
}

/** What a receiver asks for in `Retry-After` is honoured up to here. */
const maxRetryAfterMs = 3_600_000

export interface Verdict {
  readonly status: Delivery['status']
  readonly nextAtMs: number
}

export function verdictOf(
  { number, attempts, sinceMs }: Delivery,
  posted: Posted,
  nowMs: number,
  { deliveryMs, pace }: Patience,
): Verdict {
  if (isTaken(posted)) return { status: 'delivered', nextAtMs: nowMs }
  const lastMs = sinceMs + deliveryMs
  if (nowMs >= lastMs && posted.status !== 410) return { status: 'dead', nextAtMs: nowMs }
  const askedMs = Math.min(posted.retryAfterMs ?? 0, maxRetryAfterMs)
  const pauseMs = Math.max(askedMs, backoffMs(String(number), attempts + 1, pace), 1)
  // One more try when the time is up, not one pause before.
  return { status: 'pending', nextAtMs: Math.min(nowMs + pauseMs, Math.max(lastMs, nowMs + 1)) }
}

/** The endpoint after a try; the same one where nothing changes. */
export function endpointAfter(
  endpoint: Endpoint,
  posted: Posted,
  nowMs: number,
  { endpointMs }: Patience,
): Endpoint {
  const { status, failingSinceMs } = endpoint
  if (status !== 'enabled') return endpoint
  if (isTaken(posted)) {
    return failingSinceMs === null ? endpoint : { ...endpoint, failingSinceMs: null }
  }
  const disabled = { ...endpoint, status: 'disabled', updatedAtMs: nowMs } as const
  // Standard Webhooks: the receiver has gone for good and says so.
  if (posted.status === 410) return { ...disabled, reason: 'gone' }
  if (failingSinceMs === null) return { ...endpoint, failingSinceMs: nowMs }
  return nowMs - failingSinceMs >= endpointMs ? { ...disabled, reason: 'failing' } : endpoint
}
