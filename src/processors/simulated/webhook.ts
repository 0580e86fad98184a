// A webhook of the simulated processor: believed only with a fresh signature over its raw body.
import * as z from 'zod'

import type { Processor } from '../../ports.ts'
import { isSigned } from '../signature.ts'
import { readCharge, viewOf } from './charge.ts'

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

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
