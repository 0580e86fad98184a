// What disputes have taken of a payment. They are objects of their own, asked for only where the charge
// says that there is one.
import * as z from 'zod'

import { readResponse } from '../response.ts'
import type { Reading } from './look-ups.ts'

const listShape = z.object({
  object: z.literal('list'),
  data: z.array(z.object({ amount: z.int(), status: z.string() })),
  has_more: z.boolean(),
})

/** Stripe takes the money when a dispute opens and gives it back when it is won; an inquiry takes none. */
const takesNothing: ReadonlySet<string> = new Set([
  'won',
  'warning_needs_response',
  'warning_under_review',
  'warning_closed',
  'prevented',
])

/** Minor units, or why nobody knows. */
export async function reversedOf(
  { client, nowMs }: Reading,
  intentId: string,
  timeoutMs: number,
): Promise<number | { readonly cause: string; readonly retryAfterMs: number | null }> {
  const result = await client.call(
    (stripe) => stripe.disputes.list({ payment_intent: intentId, limit: 100 }),
    { timeoutMs },
  )
  if (result.result !== 'answered') return { cause: result.cause, retryAfterMs: null }
  const { status, error, json, retryAfterMs } = readResponse(result, nowMs())
  if (status !== 200) return { cause: error?.code ?? `http_${status}`, retryAfterMs }
  const list = listShape.safeParse(json).data
  if (list === undefined || list.has_more) return { cause: 'unreadable', retryAfterMs: null }
  return list.data
    .filter((dispute) => !takesNothing.has(dispute.status))
    .reduce((sum, { amount }) => sum + amount, 0)
}
