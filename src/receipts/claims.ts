// What a receipt says. Apart from how it is signed, so that who only describes it loads no signatures.
import * as z from 'zod'

const minor = z.int().min(0)

/** What is signed, in this order: the same payment at the same key gives the same bytes. */
export const receiptClaims = z.object({
  type: z.literal('quittance.receipt'),
  format: z.literal(1),
  livemode: z.boolean(),
  payment_id: z.string(),
  agent: z.string(),
  account: z.string(),
  payee: z.string(),
  reference: z.string(),
  amount: minor,
  currency: z.string(),
  outcome: z.enum(['captured', 'settled', 'refunded', 'declined', 'rejected', 'voided', 'expired']),
  outcome_reason: z.string().nullable(),
  money_moved: z.enum(['yes', 'no']),
  amount_captured: minor,
  amount_refunded: minor,
  amount_refund_open: minor.meta({
    description: 'Refunds that are asked for and not at their end.',
  }),
  amount_reversed: minor,
  processor: z.string(),
  processor_account: z.string(),
  processor_reference: z.string().nullable(),
  version: z.int().meta({ description: 'Of the payment; a later receipt has a higher one.' }),
  claimed_at: z.string(),
  outcome_at: z.string(),
})

export type ReceiptClaims = z.output<typeof receiptClaims>
