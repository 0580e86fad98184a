// A webhook of Stripe: believed only with a fresh signature over its raw body, and only as a hint. The
// engine reads the object itself afterwards.
import * as z from 'zod'

import type { Processor } from '../../ports.ts'
import { isSigned } from '../signature.ts'
import { readIntent, viewOf } from './intent.ts'

const eventShape = z.object({
  id: z.string().min(1).max(255),
  object: z.literal('event'),
  data: z.object({ object: z.unknown() }),
})

/** Header names in lower case. `secret` is `null` where none is set: then nothing is believed. */
export function readWebhook(
  secret: string | null,
  body: string,
  headers: Readonly<Record<string, string>>,
  nowMs: number,
): ReturnType<Processor['readWebhook']> {
  const header = headers['stripe-signature']
  if (secret === null || header === undefined) return null
  if (!isSigned(secret, body, header, nowMs)) return null
  const event = eventShape.safeParse(parse(body)).data
  const intent = readIntent(event?.data.object)
  if (event === undefined || intent === null) return null
  return {
    eventId: event.id,
    paymentId: intent.metadata['payment'] ?? null,
    attemptId: intent.metadata['attempt'] ?? null,
    object: viewOf(intent),
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
