// A refund is asked for, and open until the processor has said what became of it. The service waits for
// payments alone, so that who waits for a refund looks again.
import { setTimeout as sleep } from 'node:timers/promises'

import type { Client, Payment } from '../client/index.ts'
import { normalise } from '../core/normalise.ts'

type Refund = Payment['refunds'][number]

/** A person sees no difference, and the service hardly notices. */
export const refundPauseMs = 250

export const openRefunds = ({ refunds }: Payment): readonly Refund[] =>
  refunds.filter(({ status }) => status === 'open')

export function refundOf({ refunds }: Payment, reference: string): Refund | null {
  return refunds.find((each) => normalise(each.reference) === normalise(reference)) ?? null
}

/** The payment when its refund is open no longer, or as it was last seen when the time is up. */
export async function waitForRefund(
  client: Pick<Client, 'get'>,
  first: Payment,
  reference: string,
  waitMs: number,
): Promise<Payment> {
  const untilMs = performance.now() + waitMs
  let payment = first
  while (refundOf(payment, reference)?.status === 'open' && performance.now() < untilMs) {
    await sleep(Math.min(refundPauseMs, waitMs))
    const got = await client.get(payment.id)
    if (!got.ok) return payment
    payment = got.payment
  }
  return payment
}
