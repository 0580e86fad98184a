// Stripe's PaymentIntent as it comes over the wire, and as we see it. Asked for with its latest charge,
// that charge's refunds and its balance transaction; what does not have this shape is none.
import * as z from 'zod'

import type { ObjectView } from '../../core/outcome.ts'

const id = z.string().min(1).max(255)
const amount = z.int().nonnegative()
const seconds = z.int().nonnegative()
const metadata = z.record(z.string(), z.string())

const refundShape = z.object({
  id,
  amount,
  status: z.string().nullable(),
  metadata: metadata.nullish().transform((given) => given ?? {}),
})

const chargeShape = z.object({
  object: z.literal('charge'),
  id,
  disputed: z.boolean(),
  amount_captured: amount,
  payment_method_details: z
    .object({ card: z.object({ capture_before: seconds.nullish() }).nullish() })
    .nullish(),
  refunds: z.object({ data: z.array(refundShape), has_more: z.boolean() }).nullish(),
  balance_transaction: z
    .union([z.string(), z.object({ id, status: z.string(), available_on: seconds, fee: z.int() })])
    .nullish(),
})

const errorShape = z.object({
  type: z.string(),
  code: z.string().nullish(),
  decline_code: z.string().nullish(),
})

// Fields that we do not know are no error: Stripe may add some.
const intentShape = z.object({
  object: z.literal('payment_intent'),
  id,
  status: z.enum([
    'requires_payment_method',
    'requires_confirmation',
    'requires_action',
    'processing',
    'requires_capture',
    'canceled',
    'succeeded',
  ]),
  amount,
  amount_received: amount,
  currency: z.string(),
  created: seconds,
  livemode: z.boolean(),
  metadata,
  payment_method: z.string().nullish(),
  cancellation_reason: z.string().nullish(),
  last_payment_error: errorShape.nullish(),
  latest_charge: z.union([z.string(), chargeShape]).nullish(),
  next_action: z.object({ redirect_to_url: z.object({ url: z.string() }).nullish() }).nullish(),
})

export type Intent = z.infer<typeof intentShape>

export function readIntent(value: unknown): Intent | null {
  return intentShape.safeParse(value).data ?? null
}

/** What a request asks to be told of the object; a refund tells it of its own. */
export const expanded = ['latest_charge.refunds', 'latest_charge.balance_transaction']

export const statusOf = (intent: Intent): ObjectView['status'] => {
  switch (intent.status) {
    case 'requires_confirmation':
      return 'created'
    case 'requires_payment_method':
      // Nothing was tried yet, or what was tried was refused.
      return (intent.last_payment_error ?? null) === null ? 'created' : 'declined'
    case 'requires_action':
      return 'action_required'
    case 'processing':
      return 'pending'
    case 'requires_capture':
      return 'authorised'
    case 'succeeded':
      return 'captured'
    case 'canceled':
      // Stripe cancels by itself what was not captured in time.
      return intent.cancellation_reason === 'automatic' ? 'expired' : 'voided'
  }
}

/** `reversed`: what disputes have taken, in minor units. */
export function viewOf(intent: Intent, reversed = 0): ObjectView {
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
  const status = statusOf(intent)
  const isHeld = status === 'authorised' || status === 'captured'
  const captureBefore = charge?.payment_method_details?.card?.capture_before ?? null
  const error = intent.last_payment_error ?? null
  return {
    objectId: intent.id,
    attemptId: intent.metadata['attempt'] ?? null,
    status,
    amount: intent.amount,
    currency: intent.currency.toUpperCase(),
    amountAuthorised: isHeld ? intent.amount : 0,
    amountCaptured: intent.amount_received,
    amountReversed: reversed,
    authorisationExpiresAtMs:
      status === 'authorised' && captureBefore !== null ? captureBefore * 1_000 : null,
    decline:
      status === 'declined'
        ? { reason: 'declined', code: codeOf(error?.decline_code ?? error?.code) }
        : null,
    actionUrl: intent.next_action?.redirect_to_url?.url ?? null,
    settlement: settlementOf(charge),
    refunds: refundsOf(charge).map((refund) => ({
      objectId: refund.id,
      attemptId: refund.metadata['attempt'] ?? null,
      amount: refund.amount,
      status: refundStatus(refund.status),
    })),
  }
}

type Charge = z.infer<typeof chargeShape>

export const refundsOf = (charge: Charge | null | undefined) => charge?.refunds?.data ?? []

/** More refunds than came along: what is missing could be taken for not refunded. */
export function isCut(intent: Intent): boolean {
  const charge = typeof intent.latest_charge === 'object' ? intent.latest_charge : null
  return charge?.refunds?.has_more === true
}

export const isDisputed = ({ latest_charge: charge }: Intent): boolean =>
  typeof charge === 'object' && charge?.disputed === true

function settlementOf(charge: Charge | null | undefined): ObjectView['settlement'] {
  const moved = charge?.balance_transaction
  // Until it is available the money is on its way, and may still be taken back.
  if (typeof moved !== 'object' || moved?.status !== 'available') return null
  return { id: moved.id, settledAtMs: moved.available_on * 1_000, fee: moved.fee }
}

function refundStatus(status: string | null): 'succeeded' | 'pending' | 'failed' {
  if (status === 'succeeded') return 'succeeded'
  return status === 'failed' || status === 'canceled' ? 'failed' : 'pending'
}

/** Stripe's code as evidence keeps it. */
export function codeOf(code: string | null | undefined): string {
  return code === null || code === undefined || code === '' ? 'unspecified' : code.slice(0, 64)
}
