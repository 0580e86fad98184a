// Reads `Retry-After` as processors really send it.

/** Longer waits are nothing that a balancer's page may decide. */
const maxRetryAfterMs = 3_600_000

/**
 * Whole seconds, a fraction of them (against the RFC, and common) or an HTTP date, as a wait of at
 * most one hour; `null` where there is none or it cannot be read.
 */
export function readRetryAfter(header: string | undefined, nowMs: number): number | null {
  const text = header?.trim() ?? ''
  const waitMs = /^\d+(\.\d+)?$/.test(text)
    ? Number(text) * 1_000
    : text.endsWith(' GMT')
      ? Date.parse(text) - nowMs
      : Number.NaN
  return Number.isNaN(waitMs) ? null : Math.ceil(Math.min(Math.max(waitMs, 0), maxRetryAfterMs))
}
