// What goes over the wire to operators, as schemas: dead letters, switches, processors, agents, the
// audit and alerts. Payments themselves are in `wire.ts`.
import * as z from 'zod'

import { alertTable } from '../core/alerts.ts'
import type { AlertKind } from '../core/alerts.ts'
import { parkReasons } from '../core/dead-letter.ts'
import { cursor, list, operationKinds, paymentFields, time } from './wire.ts'

const count = z.int().min(0)

// ── Dead letters ─────────────────────────────────────────────────────────────────────────────────

const source = z.strictObject({
  source: z.enum(['answer', 'look_up', 'webhook', 'record', 'person']),
  attempt_id: z.string().nullable(),
  send: z.int().nullable(),
  cause: z.string(),
  asked_at: time,
  status: z.int().nullable(),
  request_id: z.string().nullable(),
  excerpt: z.string().nullable(),
})

const record = z.strictObject({
  status: z.enum(['open', 'redriven', 'resolved']),
  reason: z.enum(parkReasons),
  step: z
    .enum(operationKinds)
    .nullable()
    .meta({ description: 'The operation that it is stuck in; `null`: none had begun.' }),
  attempts: count,
  sends: count,
  first_at: time.meta({ description: 'The first send of the last attempt, or the claim.' }),
  parked_at: time,
  age_seconds: count.meta({ description: 'Since it was parked, until now or until it ended.' }),
  request_hash: z
    .string()
    .nullable()
    .meta({ description: 'SHA-256 of what was sent last: the same bytes, the same hash.' }),
  last_evidence: source.nullable(),
  redrives: count,
  rule_redrives: count.meta({ description: 'Of these, by the rule.' }),
  note: z.string().nullable(),
  ended_by: z
    .string()
    .nullable()
    .meta({ description: 'An operator’s name, `rule` or `evidence`.' }),
  ended_at: time.nullable(),
  proposal: z
    .strictObject({
      by: z.string(),
      at: time,
      finding: z.enum(['paid', 'not_paid']),
      processor_reference: z.string().nullable(),
      reason: z.string(),
    })
    .nullable()
    .meta({ description: 'The word of a first operator, where a second one is needed.' }),
})

export type DeadLetterRecordJson = z.output<typeof record>

export const deadLetterJson = z
  .strictObject({ ...paymentFields, dead_letter: record })
  .meta({ id: 'DeadLetter' })

export type DeadLetterJson = z.output<typeof deadLetterJson>

export const deadLetterListJson = z
  .strictObject({ ...list(deadLetterJson), cursor })
  .meta({ id: 'DeadLetterList' })

export const redriveManyJson = z
  .strictObject({
    object: z.literal('redrive'),
    redriven: z.array(z.string()),
    left: z
      .array(z.strictObject({ id: z.string(), code: z.string() }))
      .meta({ description: 'Not taken up, and why.' }),
    stopped_by: z
      .enum(['stopped', 'processor_paused', 'agent_suspended', 'clock_jumped'])
      .nullable()
      .meta({ description: 'Why it ended early: what is redriven now would only wait.' }),
    cursor,
  })
  .meta({ id: 'RedriveMany' })

export type RedriveManyJson = z.output<typeof redriveManyJson>

// ── Switches ─────────────────────────────────────────────────────────────────────────────────────

const thrown = z.strictObject({ by: z.string(), reason: z.string(), since: time }).nullable()

export const stopJson = z
  .strictObject({
    object: z.literal('stop'),
    stopped: thrown.meta({ description: '`null`: payments go on.' }),
  })
  .meta({ id: 'Stop' })

export type StopJson = z.output<typeof stopJson>

export const processorJson = z
  .strictObject({
    object: z.literal('processor'),
    name: z.string(),
    account: z.string(),
    livemode: z.boolean(),
    paused: thrown.meta({ description: '`null`: it is not.' }),
    breaker: z
      .strictObject({
        state: z.enum(['closed', 'open', 'half_open']),
        reason: z.string().nullable(),
        since: time.nullable(),
        next_probe_at: time.nullable(),
        recent_failures: count,
      })
      .nullable()
      .meta({ description: '`null`: it never had anything to say.' }),
  })
  .meta({ id: 'Processor' })

export type ProcessorJson = z.output<typeof processorJson>

export const processorListJson = z.strictObject(list(processorJson)).meta({ id: 'ProcessorList' })

const agent = {
  object: z.literal('agent'),
  id: z.string(),
  account: z.string(),
  name: z.string(),
  suspended: z.boolean(),
  account_suspended: z
    .boolean()
    .meta({ description: 'Its account is: no agent of it may ask for anything new.' }),
  visibility: z
    .enum(['own', 'account'])
    .meta({ description: 'Whose payments it sees: its own, or those of its account.' }),
}

export const agentJson = z.strictObject(agent).meta({ id: 'Agent' })

export type AgentJson = z.output<typeof agentJson>

export const agentListJson = z
  .strictObject({ ...list(agentJson), cursor })
  .meta({ id: 'AgentList' })

export const newAgentJson = z
  .strictObject({
    ...agent,
    token: z.string().meta({ description: 'Shown this once; only its hash is kept.' }),
  })
  .meta({ id: 'NewAgent' })

// ── Audit and alerts ─────────────────────────────────────────────────────────────────────────────

const auditJson = z
  .strictObject({
    id: z.string(),
    object: z.literal('audit'),
    act: z.string(),
    target: z
      .string()
      .meta({ description: '`all`, a processor with account and mode, an agent, or a payment.' }),
    by: z.string(),
    reason: z.string(),
    at: time,
  })
  .meta({ id: 'AuditEntry' })

export type AuditJson = z.output<typeof auditJson>

export const auditListJson = z
  .strictObject({ ...list(auditJson), cursor })
  .meta({ id: 'AuditList' })

// The keys of the table are its kinds; `Object.keys` forgets it.
const alertKinds = Object.keys(alertTable) as [AlertKind, ...AlertKind[]]

const alertJson = z
  .strictObject({
    id: z.string().meta({ description: 'What is alike is one alert, for good.' }),
    object: z.literal('alert'),
    status: z.enum(['firing', 'resolved']),
    kind: z.enum(alertKinds),
    severity: z.enum(['critical', 'warning', 'info']),
    title: z.string(),
    did: z.string().meta({ description: 'What Quittance already did about it.' }),
    todo: z.string(),
    runbook: z.string().meta({ description: 'The page that says how.' }),
    subject: z
      .string()
      .nullable()
      .meta({ description: 'A processor or a publisher; `null`: nothing more than the kind.' }),
    detail: z.string().meta({ description: 'Of dead letters the reason; else empty.' }),
    count,
    payment_ids: z.array(z.string()).meta({ description: 'The first few that it is about.' }),
    first_at: time,
    last_at: time,
    resolved_at: time.nullable(),
  })
  .meta({ id: 'Alert' })

export type AlertJson = z.output<typeof alertJson>

export const alertListJson = z
  .strictObject({ ...list(alertJson), cursor })
  .meta({ id: 'AlertList' })
