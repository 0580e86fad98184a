// The simulated processor's charge as it comes over the wire, and as we see it. What does not have
// this shape is no charge.
import * as z from 'zod'

import type { ObjectView } from '../../core/outcome.ts'

const amount = z.int().nonnegative()
const id = z.string().min(1).max(255)
const metadata = z.record(z.string(), z.string())
const time = z.iso.datetime()

// Fields that we do not know are no error: the processor may add some.
const chargeShape = z.object({
  object: z.literal('charge'),
  id,
  status: z.enum([
    'created',
    'processing',
    'requires_action',
    'authorised',
    'captured',
    'cancelled',
    'expired',
    'declined',
  ]),
  amount: amount.positive(),
  currency: z.string(),
  amount_captured: amount,
  amount_reversed: amount,
  reference: z.string(),
  metadata,
  payee: z.string().max(1024).optional(),
  payment_method: z.string().max(1024).nullish(),
  decline_code: z.string().nullable(),
  action_url: z.string().nullable(),
  authorisation_expires_at: time.nullable(),
  created_at: time,
  settlement: z.object({ id, settled_at: time, fee: z.int() }).nullable(),
  refunds: z.array(
    z.object({ id, amount, status: z.enum(['succeeded', 'pending', 'failed']), metadata }),
  ),
})

export type Charge = z.infer<typeof chargeShape>

export function readCharge(value: unknown): Charge | null {
  const read = chargeShape.safeParse(value)
  return read.success ? read.data : null
}

const statuses = {
  created: 'created',
  processing: 'pending',
  requires_action: 'action_required',
  authorised: 'authorised',
  captured: 'captured',
  cancelled: 'voided',
  expired: 'expired',
  declined: 'declined',
} as const satisfies Record<Charge['status'], ObjectView['status']>

export function viewOf(charge: Charge): ObjectView {
  const { settlement, authorisation_expires_at: expiresAt } = charge
  const isHeld = charge.status === 'authorised' || charge.status === 'captured'
  return {
    objectId: charge.id,
    attemptId: charge.metadata['attempt'] ?? null,
    status: statuses[charge.status],
    amount: charge.amount,
    currency: charge.currency,
    amountAuthorised: isHeld ? charge.amount : 0,
    amountCaptured: charge.amount_captured,
    amountReversed: charge.amount_reversed,
    authorisationExpiresAtMs: expiresAt === null ? null : Date.parse(expiresAt),
    decline:
      charge.status === 'declined'
        ? { reason: 'declined', code: codeOf(charge.decline_code) }
        : null,
    actionUrl: charge.action_url,
    settlement: settlement && {
      id: settlement.id,
      settledAtMs: Date.parse(settlement.settled_at),
      fee: settlement.fee,
    },
    refunds: charge.refunds.map((refund) => ({
      objectId: refund.id,
      attemptId: refund.metadata['attempt'] ?? null,
      amount: refund.amount,
      status: refund.status,
    })),
  }
}

/** A processor's code as evidence keeps it. */
export function codeOf(code: string | null | undefined): string {
  return code === null || code === undefined || code === '' ? 'unspecified' : code.slice(0, 64)
}
