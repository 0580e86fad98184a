// What goes over the wire about webhooks: endpoints, their deliveries, and what may be asked of them.
import * as z from 'zod'

import type { FactType } from '../core/payment.ts'
import { cursorOf, integer, limit, object, ownName, paymentId, say, text, time } from './schemas.ts'
import { cursor, list, time as wireTime } from './wire.ts'

/** Every type of event; a new one does not compile until it stands here. */
const eventTypes = {
  claimed: true,
  validated: true,
  attempt_opened: true,
  sent_again: true,
  observed: true,
  inquired: true,
  object_created: true,
  authorised: true,
  capture_requested: true,
  captured: true,
  capture_declined: true,
  settlement_asked: true,
  settled: true,
  declined: true,
  object_cancelled: true,
  rejected: true,
  void_requested: true,
  void_too_late: true,
  voided: true,
  expired: true,
  refund_requested: true,
  refund_succeeded: true,
  refund_failed: true,
  amount_reversed: true,
  held: true,
  hold_lifted: true,
  approved: true,
  parked: true,
  redriven: true,
  resolved: true,
  corrected: true,
  duplicate_found: true,
} satisfies Record<FactType, true>

// The keys of the table are the types; `Object.keys` forgets it.
const types = Object.keys(eventTypes) as [FactType, ...FactType[]]

const events = z
  .array(z.enum(types, { error: `must be one of ${types.join(', ')}` }), {
    error: 'must be a list of types of events',
  })
  .max(types.length, 'names a type twice')
  .meta({ description: 'Types of events that it wants; left out or empty: all.' })

const url = z
  .string({ error: say('must be text') })
  .max(2_048, 'is longer than 2048 characters')
  .meta({
    format: 'uri',
    description:
      'https://, and everything that its name resolves to must be public. http:// on this machine while ' +
      'the service listens on loopback only.',
  })

const reason = text(500, 'Why; kept in the audit.').optional()

export const endpointRequest = object({
  url,
  description: text(200, 'For people.').optional(),
  events: events.optional(),
  account: ownName.optional().meta({ description: 'Only payments of this account.' }),
  agent: ownName.optional().meta({ description: 'Only payments of this agent.' }),
  reason,
}).meta({ id: 'WebhookEndpointRequest' })

export const endpointChange = object({
  url: url.optional(),
  description: text(200, 'For people.').optional(),
  events: events.optional(),
  reason,
}).meta({ id: 'WebhookEndpointChange' })

const seconds = 'must be a whole number of seconds up to 604800'

export const rotateRequest = object({
  overlap_seconds: z
    .int({ error: seconds })
    .min(0, seconds)
    .max(604_800, seconds)
    .optional()
    .meta({ description: 'For so long the secret before signs as well. Default: 86400.' }),
  reason,
}).meta({ id: 'RotateRequest' })

export const endpointAct = object({ reason }).meta({ id: 'WebhookEndpointAct' })

export const callbackRequest = object({ url, events: events.optional() }).meta({
  id: 'CallbackRequest',
})

const replayed = {
  payment: paymentId.optional().meta({ description: 'All that happened to this payment.' }),
  from: time('What happened from then on.').optional(),
  to: time('What happened before then.').optional(),
  cursor: z
    .string({ error: say('must be text') })
    .regex(/^\d{1,16}\.\d{1,16}$/, 'must be the cursor of an earlier answer')
    .optional()
    .meta({ description: 'Goes on where an earlier request for the same span ended.' }),
  dead_letters: z
    .literal(true, { error: 'must be true, or left out' })
    .optional()
    .meta({ description: 'All that was given up.' }),
  reason,
}

/** Just one of them says what is meant. */
const isOne = (body: {
  readonly payment?: unknown
  readonly from?: unknown
  readonly to?: unknown
  readonly dead_letters?: unknown
  readonly delivery?: unknown
}): boolean => {
  const span = body.from !== undefined && body.to !== undefined
  const half = (body.from === undefined) !== (body.to === undefined)
  const named = [body.payment, body.dead_letters, body.delivery].filter(
    (each) => each !== undefined,
  )
  return !half && named.length + (span ? 1 : 0) === 1
}

export const publisherReplayRequest = object(replayed)
  .refine(isOne, 'must name one: payment, dead_letters, or from and to')
  .meta({ id: 'PublisherReplayRequest' })

export const endpointReplayRequest = object({
  ...replayed,
  delivery: z
    .int({ error: say('must be the number of a delivery') })
    .min(1)
    .optional(),
})
  .refine(isOne, 'must name one: payment, delivery, dead_letters, or from and to')
  .meta({ id: 'WebhookReplayRequest' })

export const endpointsQuery = object({
  limit,
  cursor: cursorOf(z.string().regex(/^whe_[0-9A-Z]{26}$/, 'must be the id of an endpoint')),
})

export const deliveriesQuery = object({
  status: z
    .enum(['pending', 'delivered', 'dead'], { error: 'must be pending, delivered or dead' })
    .optional(),
  payment: paymentId.optional(),
  limit,
  cursor: integer(1, 999_999_999_999_999, 'Continues where the last page ended.'),
})

// ── Answers ──────────────────────────────────────────────────────────────────────────────────────

const endpoint = {
  id: z.string(),
  object: z.literal('webhook_endpoint'),
  url: z.string(),
  description: z.string(),
  events: z.array(z.string()).meta({ description: 'Empty: all types.' }),
  account: z.string().nullable().meta({ description: '`null`: payments of all accounts.' }),
  agent: z.string().nullable().meta({ description: '`null`: payments of all agents.' }),
  callback: z.boolean().meta({ description: 'The agent has named it for itself.' }),
  status: z.enum(['waiting', 'enabled', 'disabled']).meta({
    description: '`waiting`: for an operator to enable it. Unless it is enabled, news are kept.',
  }),
  reason: z
    .string()
    .nullable()
    .meta({ description: 'Why it is disabled: `operator`, `gone` or `failing`.' }),
  old_secret_until: wireTime
    .nullable()
    .meta({ description: 'Until then two secrets sign; `null`: one does.' }),
  failing_since: wireTime.nullable(),
  created_by: z.string(),
  created_at: wireTime,
  updated_at: wireTime,
}

const counted = {
  pending: z.int().min(0),
  dead: z.int().min(0).meta({ description: 'Not taken within a day; replay them.' }),
}

export const endpointJson = z
  .strictObject({ ...endpoint, ...counted })
  .meta({ id: 'WebhookEndpoint' })
export type EndpointJson = z.output<typeof endpointJson>

export const endpointListJson = z
  .strictObject({ ...list(endpointJson), cursor })
  .meta({ id: 'WebhookEndpointList' })

export const endpointWithSecretJson = z
  .strictObject({
    ...endpoint,
    ...counted,
    secret: z
      .string()
      .nullable()
      .meta({ description: 'whsec_…, shown this once. `null`: it keeps the one that it has.' }),
  })
  .meta({ id: 'WebhookEndpointWithSecret' })

export const removedJson = z
  .strictObject({ object: z.literal('removed'), id: z.string() })
  .meta({ id: 'Removed' })

const deliveryJson = z
  .strictObject({
    object: z.literal('delivery'),
    number: z.int().min(1),
    event_id: z.string().meta({ description: 'As in `webhook-id`.' }),
    payment_id: z.string(),
    seq: z.int().min(1),
    type: z.string(),
    status: z.enum(['pending', 'delivered', 'dead']),
    attempts: z.int().min(0),
    since: wireTime.meta({ description: 'Its making, or its last replay.' }),
    next_attempt_at: wireTime.nullable(),
    ended_at: wireTime.nullable(),
    tries: z
      .array(
        z.strictObject({
          at: wireTime,
          status: z.int().nullable().meta({ description: '`null`: there was no answer.' }),
          error: z.string().nullable(),
          took_ms: z.int().min(0),
        }),
      )
      .meta({ description: 'The last few, oldest first.' }),
  })
  .meta({ id: 'WebhookDelivery' })

export type DeliveryJson = z.output<typeof deliveryJson>

export const deliveryListJson = z
  .strictObject({ ...list(deliveryJson), cursor })
  .meta({ id: 'WebhookDeliveryList' })

export const replayedJson = z
  .strictObject({
    object: z.literal('replay'),
    replayed: z.int().min(0),
    refused: z.int().min(0).meta({ description: 'By a publisher; endpoints are tried later.' }),
    cursor: cursor.meta({ description: 'Send it along to go on; `null`: that was all.' }),
  })
  .meta({ id: 'Replayed' })

const publisherJson = z
  .strictObject({
    object: z.literal('publisher'),
    name: z.string(),
    lag_seconds: z
      .number()
      .min(0)
      .meta({ description: 'Age of the oldest event that it has not taken; 0: it has all.' }),
    dead_letters: z.int().min(0),
  })
  .meta({ id: 'Publisher' })

export type PublisherJson = z.output<typeof publisherJson>

export const publisherListJson = z.strictObject(list(publisherJson)).meta({ id: 'PublisherList' })

const deadEventJson = z
  .strictObject({
    object: z.literal('dead_event'),
    publisher: z.string(),
    payment_id: z.string(),
    seq: z.int().min(1),
    reason: z.string(),
    at: wireTime,
  })
  .meta({ id: 'DeadEvent' })

export const deadEventListJson = z.strictObject(list(deadEventJson)).meta({ id: 'DeadEventList' })
