// What goes over the wire from us, as schemas: they give the types that the mappers must fill, and
// the OpenAPI document. Nothing is parsed with them on the way out.
import * as z from 'zod'

import { holdPrecedence } from '../core/advice.ts'
import type { Blocked } from '../core/policy.ts'
import { states } from '../core/transitions.ts'
import { rejectionTable } from '../core/rejections.ts'
import type { RejectionCode } from '../core/rejections.ts'

export const time = z.iso.datetime().meta({ format: 'date-time', description: 'RFC 3339, UTC.' })
const minor = z.int().min(0)

export const operationKinds = ['create', 'authorise', 'capture', 'void', 'refund'] as const

// An object beside `null` is written where it stands: a reference to it could not be null.
const advice = {
  money_moved: z.enum(['yes', 'no', 'unknown']),
  next_action: z.strictObject({
    type: z.enum(['none', 'wait', 'ask_human', 'fix_request', 'use_existing', 'retry_same_key']),
    after: z.int().min(0).nullable().meta({ description: 'Seconds.' }),
    url: z.string().nullable(),
  }),
  new_key_allowed: z
    .boolean()
    .meta({ description: 'Only ever together with `retry_of` this payment.' }),
}

// Stands in the way of payments without being written on any.
const blockades = [
  'stopped',
  'agent_suspended',
  'processor_paused',
  'clock_jumped',
] as const satisfies readonly Blocked[]

export type AdviceJson = z.output<z.ZodObject<typeof advice>>

const refundJson = z
  .strictObject({
    id: z.string(),
    object: z.literal('refund'),
    reference: z.string(),
    amount: minor,
    reason: z.string(),
    status: z.enum(['open', 'succeeded', 'failed']),
    processor_reference: z.string().nullable(),
    requested_at: time,
  })
  .meta({ id: 'Refund' })

export const paymentFields = {
  id: z.string(),
  object: z.literal('payment'),
  livemode: z.boolean(),
  agent: z.string(),
  account: z.string(),
  state: z.enum(states),
  state_reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it was declined (the processor’s code), rejected or voided.' }),
  amount: minor,
  currency: z.string(),
  amount_captured: minor,
  amount_refunded: minor,
  amount_reversed: minor,
  payee: z.string(),
  reference: z.string(),
  description: z.string().nullable(),
  metadata: z.record(z.string(), z.string()),
  payment_method: z.string().nullable(),
  capture: z.enum(['automatic', 'manual']),
  batch: z.string().nullable(),
  retry_of: z.string().nullable(),
  not_after: time,
  processor: z.string(),
  processor_reference: z.string().nullable(),
  operation: z
    .strictObject({
      kind: z.enum(operationKinds),
      status: z.enum(['due', 'sent', 'pending', 'unknown', 'succeeded', 'failed']),
      attempt: z.int(),
      sends: z.int(),
      next_check_at: time.nullable(),
    })
    .nullable(),
  hold: z
    .strictObject({
      reason: z.enum([...holdPrecedence, ...blockades]),
      since: time.nullable().meta({ description: '`null`: that is not known.' }),
    })
    .nullable()
    .meta({
      description:
        'Why it does not move. The last four are nothing of its own: they stand in the way of ' +
        'whatever moves money, and when they are gone it goes on by itself.',
    }),
  void_requested: z.strictObject({ by: z.string(), reason: z.string(), at: time }).nullable(),
  refunds: z.array(refundJson),
  ...advice,
  version: z.int().meta({ description: 'For `If-Match`.' }),
  created_at: time,
  updated_at: time,
}

export const paymentJson = z.strictObject(paymentFields).meta({ id: 'Payment' })

export type PaymentJson = z.output<typeof paymentJson>
export type RefundJson = z.output<typeof refundJson>

export const eventJson = z
  .strictObject({
    id: z.string(),
    object: z.literal('event'),
    payment_id: z.string(),
    seq: z.int().min(1),
    type: z.string(),
    at: time,
    data: z.record(z.string(), z.unknown()).meta({ description: 'What the type holds.' }),
  })
  .meta({ id: 'Event' })

export type EventJson = z.output<typeof eventJson>

export const list = <Item extends z.ZodType>(item: Item) => ({
  object: z.literal('list'),
  data: z.array(item),
})
export const cursor = z.string().nullable().meta({ description: '`null`: this was the last page.' })

export const paymentListJson = z
  .strictObject({ ...list(paymentJson), cursor })
  .meta({ id: 'PaymentList' })
export const eventListJson = z.strictObject(list(eventJson)).meta({ id: 'EventList' })

const mandateOf = z.strictObject({
  id: z.string(),
  mandate: z
    .strictObject({
      version: z.int(),
      limits: z.array(
        z.strictObject({
          currency: z.string(),
          per_payment: minor.nullable(),
          per_day: minor.nullable(),
          per_month: minor.nullable(),
          per_payee_and_day: minor.nullable(),
          approval_above: minor.nullable(),
          left_today: minor.nullable(),
          reserved_today: minor.meta({ description: 'By payments that are not at their end.' }),
          spent_today: z.int(),
          left_this_month: minor.nullable(),
        }),
      ),
      payees: z
        .array(
          z.union([z.strictObject({ exact: z.string() }), z.strictObject({ prefix: z.string() })]),
        )
        .nullable()
        .meta({ description: '`null`: anybody.' }),
      payment_methods: z.array(z.string()).nullable().meta({ description: '`null`: any.' }),
      expires_at: time.nullable(),
    })
    .nullable()
    .meta({
      description: '`null`: nothing binds here. Else a currency that is not listed is refused.',
    }),
})

export const mandateJson = z
  .strictObject({
    object: z.literal('mandate'),
    agent: mandateOf,
    account: mandateOf,
    day_ends_at: time,
  })
  .meta({ id: 'Mandate' })

export type MandateJson = z.output<typeof mandateJson>

// The keys of the table are its codes; `Object.keys` forgets it.
const codes = Object.keys(rejectionTable) as [RejectionCode, ...RejectionCode[]]

export const problemJson = z
  .strictObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    instance: z.string(),
    code: z.enum(codes),
    errors: z.array(z.strictObject({ pointer: z.string(), reason: z.string() })).optional(),
    existing_payment: z.strictObject({ id: z.string(), state: z.enum(states) }).optional(),
    existing_payments: z.array(z.string()).optional(),
    ...advice,
  })
  .meta({ id: 'Problem' })

export type ProblemJson = z.output<typeof problemJson>

export const healthJson = z.strictObject({ status: z.literal('ok') }).meta({ id: 'Health' })
export const readyJson = z.strictObject({ ready: z.literal(true) }).meta({ id: 'Ready' })
export const receivedJson = z.strictObject({ received: z.literal(true) }).meta({ id: 'Received' })
