// What operators may send: decisions, switches, and which dead letters they mean.
import * as z from 'zod'

import { parkReasons } from '../core/dead-letter.ts'
import {
  cursorOf,
  integer,
  limit,
  name,
  object,
  ownName,
  paymentId,
  say,
  text,
  time,
} from './schemas.ts'
import { operationKinds } from './wire.ts'

const isSaid = (value: string): boolean => value.trim() !== ''

const reason = text(500, 'Why; kept with the payment.').refine(isSaid, 'is empty')

export const decisionRequest = object({}).meta({ id: 'DecisionRequest' })

/** A switch is thrown for a reason, and the reason is kept. */
export const actRequest = object({
  reason: text(500, 'Why; shown to everybody who looks, and kept in the audit.').refine(
    isSaid,
    'is empty',
  ),
}).meta({ id: 'ActRequest' })

export const agentRequest = object({
  id: ownName,
  account: ownName,
  name: text(200, 'For people.'),
  visibility: z
    .enum(['own', 'account'], { error: 'must be own or account' })
    .optional()
    .meta({ description: 'Whose payments a new agent sees. Default: those of its account.' }),
}).meta({ id: 'AgentRequest' })

// ── Dead letters ─────────────────────────────────────────────────────────────────────────────────

/** Ten years: what is older was not parked by us. */
const maxAgeSeconds = 315_360_000

const filter = {
  reason: z
    .enum(parkReasons, { error: `must be one of ${parkReasons.join(', ')}` })
    .optional()
    .meta({ description: 'Why they were parked.' }),
  step: z
    .enum(operationKinds, { error: `must be one of ${operationKinds.join(', ')}` })
    .optional()
    .meta({ description: 'The operation that they are stuck in.' }),
  processor: ownName.optional(),
  agent: ownName.optional(),
}

export type FilterBody = Pick<
  z.output<typeof deadLettersQuery>,
  'reason' | 'step' | 'processor' | 'agent' | 'older_than'
>

export const deadLettersQuery = object({
  status: z
    .enum(['open', 'redriven', 'resolved', 'any'], {
      error: 'must be open, redriven, resolved or any',
    })
    .optional()
    .meta({ description: 'Default: open, those that wait for a person.' }),
  ...filter,
  older_than: integer(0, maxAgeSeconds, 'Only those that were parked so many seconds ago.'),
  limit,
  cursor: cursorOf(paymentId),
})

const wholeNumber = (min: number, max: number, description: string) => {
  const sentence = `must be a whole number from ${min} to ${max}`
  return z.int({ error: sentence }).min(min, sentence).max(max, sentence).meta({ description })
}

export const redriveManyRequest = object({
  filter: object({
    ...filter,
    older_than: wholeNumber(0, maxAgeSeconds, 'Seconds since they were parked.').optional(),
  }).meta({ description: 'Which of the open ones; `{}` are all of them.' }),
  reason,
  limit: wholeNumber(1, 100, 'Default: 20.').optional(),
  cursor: cursorOf(paymentId),
}).meta({ id: 'RedriveManyRequest' })

export const noteRequest = object({
  note: text(500, 'For the next operator; `null` takes it away.').nullable(),
}).meta({ id: 'NoteRequest' })

export const redriveRequest = object({
  reason,
  not_after: time('More time for a payment whose own has passed.').nullish(),
}).meta({ id: 'RedriveRequest' })

export const resolveRequest = z
  .discriminatedUnion(
    'finding',
    [
      object({ finding: z.literal('not_paid'), reason }),
      object({
        finding: z.literal('paid'),
        processor_reference: name('The processor’s own id of the object that shows the money.'),
        reason,
      }),
    ],
    { error: say('must be paid or not_paid') },
  )
  .meta({ id: 'ResolveRequest' })

// ── Lists ────────────────────────────────────────────────────────────────────────────────────────

export const agentsQuery = object({ limit, cursor: cursorOf(ownName) })

const idLike = (pattern: RegExp, what: string) =>
  z.string().regex(pattern, `must be the id of ${what}`).meta({ pattern: pattern.source })

export const auditQuery = object({
  limit,
  cursor: cursorOf(idLike(/^aud_[0-9A-Za-z]{26}$/, 'an entry')),
})

/** A kind and what it is about, each encoded as in a URL. */
const alertId = idLike(/^[a-z_]{1,40}(\/[\w%.!~*'()-]{0,300}){0,2}$/, 'an alert')

export const alertsQuery = object({
  status: z.enum(['firing', 'resolved'], { error: 'must be firing or resolved' }).optional(),
  limit,
  cursor: cursorOf(alertId),
})
