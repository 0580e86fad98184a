// A mandate as an operator sends it and as it is shown. What has a limit says so; `null` is none.
import * as z from 'zod'

import type { Limits, Mandate, PayeeRule } from '../core/mandate.ts'
import { isCurrency, maxAmount } from '../core/money.ts'
import type { MandateTerms } from '../engine/mandates.ts'
import { rfc3339 } from './representation.ts'
import { name, object, say, text, time } from './schemas.ts'

// A day and a month of payments go beyond one; sums stay exact far above it.
const amountFault = `must be a whole number of minor units from 0 to ${maxAmount}, or null`
const amount = (description: string) =>
  z
    .int({ error: say(amountFault) })
    .min(0, amountFault)
    .max(maxAmount, amountFault)
    .nullish()
    .meta({ description })

const limits = object({
  per_payment: amount('Of one payment.'),
  per_day: amount('Of one UTC day, by when the payment was claimed.'),
  per_month: amount('Of one UTC month.'),
  per_payee_and_day: amount('To one payee on one UTC day.'),
  approval_above: amount('A payment above it waits for a person.'),
})

const currencyFault = 'must be by currency codes of ISO 4217 in capitals, such as EUR'

// Listed letter by letter, so both must be what a payment can carry.
const payee = z
  .union([object({ exact: name('The payee.') }), object({ prefix: name('How payees begin.') })], {
    error: say('must be {"exact": …} or {"prefix": …}'),
  })
  .meta({ description: 'One payee, or all whose names begin so.' })

const maxListed = 500
const tooMany = `lists more than ${maxListed}`

export const mandateRequest = object({
  version: z
    .int({ error: say('must be the version that you saw, 0 where there was none') })
    .min(0, 'must be the version that you saw, 0 where there was none')
    .meta({ description: 'The version that this one takes the place of; 0: there was none.' }),
  limits: z
    .record(z.string().refine(isCurrency, currencyFault), limits, { error: say(currencyFault) })
    .meta({ description: 'By currency; one that is not listed is refused.' }),
  payees: z
    .array(payee, { error: 'must be a list, or null' })
    .max(maxListed, tooMany)
    .nullish()
    .meta({ description: 'Whom it may pay; left out: anybody.' }),
  payment_methods: z
    .array(name('As the processor names it.'), { error: 'must be a list, or null' })
    .max(maxListed, tooMany)
    .nullish()
    .meta({ description: 'Each payment must name one of these; left out: any.' }),
  expires_at: time('From then on it allows nothing new; left out: never.').nullish(),
  reason: text(500, 'Why; kept in the audit.').refine((said) => said.trim() !== '', 'is empty'),
}).meta({ id: 'MandateRequest' })

export function toTerms(body: z.output<typeof mandateRequest>): MandateTerms {
  const listed = Object.entries(body.limits).map(([currency, each]): [string, Limits] => [
    currency,
    {
      perPayment: each.per_payment ?? null,
      perDay: each.per_day ?? null,
      perMonth: each.per_month ?? null,
      perPayeeAndDay: each.per_payee_and_day ?? null,
      approvalAbove: each.approval_above ?? null,
    },
  ])
  return {
    limits: Object.fromEntries(listed),
    payees: body.payees ?? null,
    paymentMethods: body.payment_methods ?? null,
    expiresAtMs: body.expires_at == null ? null : Date.parse(body.expires_at),
  }
}

const minor = z.int().min(0).nullable()
const rule: z.ZodType<PayeeRule> = z.union([
  z.strictObject({ exact: z.string() }),
  z.strictObject({ prefix: z.string() }),
])

export type Scope = 'agent' | 'account'

export const boundJson = z
  .strictObject({
    object: z.literal('bound_mandate'),
    scope: z.enum(['agent', 'account']),
    id: z.string(),
    version: z.int().meta({ description: '0: there is no mandate, and nothing binds here.' }),
    limits: z
      .record(
        z.string(),
        z.strictObject({
          per_payment: minor,
          per_day: minor,
          per_month: minor,
          per_payee_and_day: minor,
          approval_above: minor,
        }),
      )
      .nullable()
      .meta({
        description: 'By currency; one that is not listed is refused. `null`: there is no mandate.',
      }),
    payees: z.array(rule).nullable(),
    payment_methods: z.array(z.string()).nullable(),
    expires_at: z.iso.datetime({ offset: true }).meta({ format: 'date-time' }).nullable(),
  })
  .meta({ id: 'BoundMandate' })

export type BoundJson = z.output<typeof boundJson>

export function toBoundJson(scope: Scope, id: string, mandate: Mandate | null): BoundJson {
  const head = { object: 'bound_mandate', scope, id } as const
  if (mandate === null) {
    return {
      ...head,
      version: 0,
      limits: null,
      payees: null,
      payment_methods: null,
      expires_at: null,
    }
  }
  const { version, payees = null, paymentMethods = null, expiresAtMs = null } = mandate
  const limitsOf = Object.entries(mandate.limits).map(([currency, each]) => [
    currency,
    {
      per_payment: each.perPayment,
      per_day: each.perDay,
      per_month: each.perMonth ?? null,
      per_payee_and_day: each.perPayeeAndDay ?? null,
      approval_above: each.approvalAbove,
    },
  ])
  return {
    ...head,
    version,
    limits: Object.fromEntries(limitsOf) as BoundJson['limits'],
    payees: payees === null ? null : [...payees],
    payment_methods: paymentMethods === null ? null : [...paymentMethods],
    expires_at: expiresAtMs === null ? null : rfc3339(expiresAtMs),
  }
}
