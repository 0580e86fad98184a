// A webhook of the simulated processor: believed only with a fresh signature over its raw body.
import { createHmac, timingSafeEqual } from 'node:crypto'

import * as z from 'zod'

import type { Processor } from '../../ports.ts'
import { readCharge, viewOf } from './charge.ts'

/** As Stripe has it: clocks differ a little, and an old message that was overheard is of no use. */
const toleranceMs = 300_000

const eventShape = z.object({ id: z.string().min(1).max(255), charge: z.unknown() })

/** Header names in lower case. `secret` is `null` where none is set: then nothing is believed. */
export function readWebhook(
  secret: string | null,
  body: string,
  headers: Readonly<Record<string, string>>,
  nowMs: number,
): ReturnType<Processor['readWebhook']> {
  const header = headers['simulated-signature']
  if (secret === null || header === undefined) return null
  if (!isSigned(secret, body, header, nowMs)) return null
  const event = eventShape.safeParse(parse(body)).data
  const charge = readCharge(event?.charge)
  if (event === undefined || charge === null) return null
  return {
    eventId: event.id,
    paymentId: charge.metadata['payment'] ?? null,
    attemptId: charge.metadata['attempt'] ?? null,
    object: viewOf(charge),
  }
}

/** `t=<unix seconds>,v1=<hex>`; while a secret is exchanged there may be several `v1`. */
function isSigned(secret: string, body: string, header: string, nowMs: number): boolean {
  const parts = header.split(',').map((part) => part.trim())
  const seconds = parts.find((part) => /^t=\d{1,12}$/.test(part))?.slice(2)
  if (seconds === undefined) return false
  if (Math.abs(nowMs - Number(seconds) * 1_000) > toleranceMs) return false
  const expected = createHmac('sha256', secret).update(`${seconds}.${body}`).digest()
  return parts
    .filter((part) => /^v1=[0-9a-f]{64}$/.test(part))
    .some((part) => timingSafeEqual(Buffer.from(part.slice(3), 'hex'), expected))
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
