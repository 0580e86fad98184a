// What may be sent to us. The same schemas check requests and make the OpenAPI document. They look
// at one request only: what depends on time, configuration or other payments is the engine's.
import * as z from 'zod'

import { isAmount, isCurrency, maxAmount } from '../core/money.ts'
import { maxNameLength, nameFault } from '../core/normalise.ts'
import type { PaymentRequest } from '../engine/submit.ts'

/** Says `sentence`, or that the value is not there at all. */
export const say =
  (sentence: string) =>
  (issue: { readonly input?: unknown }): string =>
    issue.input === undefined ? 'is missing' : sentence

export const paymentIdPattern = /^pay_[0-9A-Za-z]{26}$/

const amount = z
  .number({ error: say('must be a number of minor units') })
  .refine(
    isAmount,
    `must be a whole number of minor units from 1 to ${maxAmount}: 19.99 EUR is 1999`,
  )
  .meta({
    type: 'integer',
    minimum: 1,
    maximum: maxAmount,
    description: 'Minor units: 1999 is 19.99 EUR.',
  })

const currency = z
  .string({ error: say('must be text') })
  .refine(isCurrency, 'must be a currency code of ISO 4217 in capitals, such as EUR')
  .meta({ minLength: 3, maxLength: 3, description: 'ISO 4217.' })

/** A name that guards compare: nothing invisible in it. */
export const name = (description: string) =>
  z
    .string({ error: say('must be text') })
    .superRefine((value, context) => {
      const message = nameFault(value)
      if (message !== null) context.addIssue({ code: 'custom', message })
    })
    .meta({ minLength: 1, maxLength: maxNameLength, description })

const control = /(?![\t\n\r])\p{Cc}/u

/** Words for people. */
export const text = (maxLength: number, description: string) =>
  z
    .string({ error: say('must be text') })
    .max(maxLength, `is longer than ${maxLength} characters`)
    .refine((value) => value.isWellFormed() && !control.test(value), 'contains control characters')
    .meta({ maxLength, description })

const reason = text(500, 'Why; kept with the payment.')

export const paymentId = z
  .string({ error: say('must be text') })
  .regex(paymentIdPattern, 'must be the id of a payment')
  .meta({ pattern: paymentIdPattern.source })

export const time = (description: string) =>
  z.iso
    .datetime({
      offset: true,
      error: say('must be a time as in RFC 3339, such as 2026-01-31T12:00:00Z'),
    })
    .meta({ format: 'date-time', description })

const maxEntries = 20
const metadata = z
  .record(text(40, '').min(1, 'is an empty name'), text(500, ''), {
    error: say('must be an object of texts'),
  })
  .refine((value) => Object.keys(value).length <= maxEntries, `has more than ${maxEntries} entries`)
  .meta({ description: `Yours; at most ${maxEntries} texts, shown as they came.` })

export const object = <Shape extends z.core.$ZodLooseShape>(shape: Shape) =>
  z.strictObject(shape, { error: 'must be an object' })

export const paymentRequest = object({
  amount,
  currency,
  payee: name('Who is paid.'),
  reference: name('What is paid: the invoice, the order, the period. One bill, one reference.'),
  description: text(500, 'For people.').nullish(),
  metadata: metadata.nullish(),
  processor: name('One of the configured processors; else the first.').nullish(),
  payment_method: name('As the processor names it; else the default.').nullish(),
  capture: z
    .enum(['automatic', 'manual'], { error: 'must be automatic or manual' })
    .nullish()
    .meta({
      description: 'Default: automatic. `manual` authorises, and waits for the capture route.',
    }),
  retry_of: paymentId
    .nullish()
    .meta({ description: 'The payment of this bill that ended without money.' }),
  distinct_from: z
    .array(paymentId, { error: 'must be a list of payment ids' })
    .max(20, 'has more than 20 entries')
    .nullish()
    .meta({ description: 'Payments that look alike and are for something else; needs `reason`.' }),
  reason: reason.nullish(),
  batch: name('Bills of one batch with different references do not look alike.').nullish(),
  not_after: time('No attempt begins after it. Default: 24 h after the request.').nullish(),
})
  .refine(({ distinct_from: others, reason: why }) => (others ?? []).length === 0 || Boolean(why), {
    path: ['reason'],
    error: 'is needed with distinct_from',
  })
  .meta({ id: 'PaymentRequest' })

export const captureRequest = object({
  amount: amount.nullish().meta({ description: 'Default: all that is authorised.' }),
}).meta({ id: 'CaptureRequest' })

export const voidRequest = object({ reason: reason.nullish() }).meta({ id: 'VoidRequest' })

export const refundRequest = object({
  reference: name('Yours; refunds once for each payment and reference.'),
  amount: amount.nullish().meta({ description: 'Default: all that is left.' }),
  reason: reason.nullish(),
}).meta({ id: 'RefundRequest' })

/** The names of agents, accounts and processors. */
export const namePattern = /^[\w.:-]{1,64}$/

export const ownName = z
  .string({ error: say('must be text') })
  .regex(namePattern, 'must be 1 to 64 letters, digits, or any of _ . : -')
  .meta({ pattern: namePattern.source })

// ── Queries ──────────────────────────────────────────────────────────────────────────────────────

/** A number in a query arrives as text. */
export const integer = (min: number, max: number, description: string) =>
  z
    .string()
    .regex(/^\d{1,15}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`)
    .optional()
    .meta({ type: 'integer', minimum: min, maximum: max, description })

export const limit = integer(1, 100, 'Default: 20.')

export const cursorOf = (id: z.ZodString) =>
  id.optional().meta({ description: 'Continues where the last page ended.' })

const page = { limit, cursor: cursorOf(paymentId) }

export const listQuery = object({
  ...page,
  state: z
    .enum(
      [
        'initiated',
        'validated',
        'authorised',
        'captured',
        'settled',
        'refunded',
        'declined',
        'rejected',
        'voided',
        'expired',
      ],
      {
        error:
          'is no state of a payment; these are: initiated, validated, authorised, captured, settled, refunded, declined, rejected, voided, expired',
      },
    )
    .optional(),
  reference: name('As in the request; compared without regard to case and spaces.').optional(),
  hold: z
    .enum(
      [
        'approval_required',
        'possible_duplicate',
        'action_required',
        'processor_changed',
        'dead_letter',
      ],
      {
        error: 'is no reason for a hold',
      },
    )
    .optional(),
})

export const eventsQuery = object({
  after: integer(0, 999_999_999_999_999, 'Only events with a higher `seq`.'),
  limit: integer(1, 100, 'Default: 100.'),
})

export const mandateQuery = object({
  agent: ownName
    .optional()
    .meta({ description: 'Operators name the agent; agents see their own.' }),
})

export const noQuery = object({})

// ── To the engine ────────────────────────────────────────────────────────────────────────────────

export function toPaymentRequest(body: z.output<typeof paymentRequest>): PaymentRequest {
  return {
    amount: body.amount,
    currency: body.currency,
    payee: body.payee,
    reference: body.reference,
    description: body.description ?? null,
    metadata: body.metadata ?? {},
    processor: body.processor ?? null,
    paymentMethod: body.payment_method ?? null,
    capture: body.capture ?? 'automatic',
    retryOf: body.retry_of ?? null,
    distinctFrom: body.distinct_from ?? [],
    reason: body.reason ?? null,
    batch: body.batch ?? null,
    notAfterMs: toMs(body.not_after ?? null),
  }
}

export function toMs(at: string | null): number | null {
  return at === null ? null : Date.parse(at)
}
