// The signature of a webhook as Stripe has it, and the simulated processor after it: an HMAC-SHA256 over
// the time and the raw body.
import { createHmac, timingSafeEqual } from 'node:crypto'

/** Clocks differ a little, and an old message that was overheard is of no use. */
const toleranceMs = 300_000

/** `t=<unix seconds>,v1=<hex>`; while a secret is exchanged there may be several `v1`. */
export function isSigned(secret: string, body: string, header: string, nowMs: number): boolean {
  const parts = header.split(',').map((part) => part.trim())
  const seconds = parts.find((part) => /^t=\d{1,12}$/.test(part))?.slice(2)
  if (seconds === undefined) return false
  if (Math.abs(nowMs - Number(seconds) * 1_000) > toleranceMs) return false
  const expected = createHmac('sha256', secret).update(`${seconds}.${body}`).digest()
  return parts
    .filter((part) => /^v1=[0-9a-f]{64}$/.test(part))
    .some((part) => timingSafeEqual(Buffer.from(part.slice(3), 'hex'), expected))
}
