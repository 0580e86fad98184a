// After a restore: what the processor has and the store does not, and the acts that bring both together.
// They are asked while everything else is read-only.
import * as z from 'zod'

import { reject } from '../core/rejections.ts'
import { states } from '../core/transitions.ts'
import { storeAway } from '../engine/restore-gate.ts'
import type { RecoveryPage, RestoreGate, Sighted } from '../engine/restore-gate.ts'
import { admitOperator, readBody, readJson, refuseQuery } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { rfc3339 } from './representation.ts'
import { operatorRead } from './route.ts'
import type { Reply, Route, RouteDoc } from './route.ts'
import { noQuery, object, ownName, say, text } from './schemas.ts'
import { ok } from './service.ts'
import { cursor, list, time } from './wire.ts'

const path = '/v1/recovery'

const recoveryJson = z
  .strictObject({
    object: z.literal('recovery'),
    status: z.enum(['checking', 'read_only', 'open']),
    why: z.string(),
    unknown: z.int().min(0).meta({ description: 'Objects at the processor without a payment.' }),
    since: time.nullable().meta({ description: 'Objects are compared from then on.' }),
  })
  .meta({ id: 'Recovery' })

const rowJson = z.strictObject({
  object: z.literal('recovery_object'),
  processor: z.string(),
  processor_reference: z.string(),
  processor_status: z.string(),
  payment: z.string().nullable(),
  found: z.enum(['no_payment', 'no_attempt', 'moved_on', 'no_refund', 'nameless']),
  result: z.enum(['rebuilt', 'caught_up', 'left']),
  state: z.enum(states).nullable(),
  account: z.string().nullable(),
  agent: z.string().nullable(),
  payee: z.string().nullable(),
  bill_hash: z.string().nullable(),
  key_known: z.boolean().meta({ description: 'Who asks again with its key gets this payment.' }),
  amount: z.int(),
  currency: z.string(),
  amount_captured: z.int(),
  created_at: time,
  why: z.string().nullable().meta({ description: 'Why it is left.' }),
})

export type RecoveryRowJson = z.output<typeof rowJson>

const pageJson = z
  .strictObject({
    ...list(rowJson),
    cursor,
    unreadable: z.int().min(0).meta({ description: 'Lines that could not be read.' }),
  })
  .meta({ id: 'RecoveryPage' })

const cursorText = z
  .string({ error: say('must be text') })
  .max(2_000)
  .regex(/^\d{1,3}:[\w%.!~*'()-]*$/, 'must be the cursor of an earlier page')

const accountOf = ownName.meta({ description: 'Of objects that name none.' })

const exampleRow: RecoveryRowJson = {
  object: 'recovery_object',
  processor: 'simulated',
  processor_reference: 'ch_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  processor_status: 'captured',
  payment: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  found: 'no_payment',
  result: 'rebuilt',
  state: 'captured',
  account: 'default',
  agent: 'agent_default',
  payee: 'acme',
  bill_hash: 'd066760071f36b05d5607233dc3ea5dfda9c70d837b40d799d05888e8a41e0c5',
  key_known: true,
  amount: 1999,
  currency: 'EUR',
  amount_captured: 1999,
  created_at: '2026-01-31T12:00:00.000Z',
  why: null,
}
const examplePage = { object: 'list', data: [exampleRow], cursor: null, unreadable: 0 }

const gateOf = ({ service }: Exchange): RestoreGate | null => service.restore ?? null

const noGate: Reply = {
  rejection: reject('not_recovering', 'This service does not ask its processor at its start.'),
}

const show = operatorRead(
  path,
  {
    name: 'getRecovery',
    summary: 'Whether the store knows all that the processor knows',
    status: 200,
    answer: recoveryJson,
    example: { object: 'recovery', status: 'open', why: '', unknown: 0, since: null },
  },
  noQuery,
  async ({ x }) => showState(gateOf(x)),
)

function showState(gate: RestoreGate | null): Reply {
  const state = gate?.state() ?? { status: 'open', why: '', unknown: 0, sinceMs: null }
  const { status, why, unknown, sinceMs } = state
  const since = sinceMs === null ? null : rfc3339(sinceMs)
  return ok(200, { object: 'recovery', status, why, unknown, since })
}

const objects = operatorRead(
  `${path}/objects`,
  {
    name: 'listRecoveryObjects',
    summary: 'What the processor has and the store does not, and what would become of it',
    status: 200,
    answer: pageJson,
    example: examplePage,
  },
  object({ cursor: cursorText.optional(), account: accountOf.optional() }),
  async ({ x, query: { cursor: from = null, account = null } }) => {
    const gate = gateOf(x)
    const nothing = { result: 'page', rows: [], unreadable: 0, cursor: null } as const
    return showPage(gate === null ? nothing : await gate.look(account, from))
  },
)

function showPage(page: RecoveryPage): Reply {
  if (page.result !== 'page') {
    if (page.cause === storeAway) {
      return { rejection: reject('retry_same_key', 'The store did not answer: ask again.') }
    }
    const detail = `Its records cannot be read now (${page.cause}).`
    return { rejection: reject('processor_unreachable', detail) }
  }
  const { rows, cursor: next, unreadable } = page
  return ok(200, { object: 'list', data: rows.map(toJson), cursor: next, unreadable })
}

function toJson({ sight, outcome }: Sighted): RecoveryRowJson {
  const { object: shown, paymentId, marks, createdAtMs } = sight.record
  const payment = outcome.result === 'left' ? null : outcome.payment
  return {
    object: 'recovery_object',
    processor: sight.processor,
    processor_reference: shown.objectId,
    processor_status: shown.status,
    payment: paymentId,
    found: sight.why,
    result: outcome.result,
    state: payment?.state ?? null,
    account: payment?.account ?? marks?.account ?? null,
    agent: payment?.agent ?? marks?.agent ?? null,
    payee: payment?.payee ?? marks?.payee ?? null,
    bill_hash: marks?.billHash ?? null,
    key_known: (marks?.asked ?? null) !== null,
    amount: shown.amount,
    currency: shown.currency,
    amount_captured: shown.amountCaptured,
    created_at: rfc3339(createdAtMs),
    why: outcome.result === 'left' ? outcome.why : null,
  }
}

// ── Acts ─────────────────────────────────────────────────────────────────────────────────────────

const reason = text(500, 'Why; kept in the audit.').refine((said) => said.trim() !== '', 'is empty')

const rebuildRequest = object({
  reason,
  cursor: cursorText.nullish(),
  account: accountOf.nullish(),
}).meta({ id: 'RebuildRequest' })

const confirmRequest = object({
  reason,
  leave: z
    .int({ error: 'must be a whole number' })
    .min(0)
    .max(1_000_000)
    .nullish()
    .meta({ description: 'So many unknown objects stay as they are, each looked at. Default: 0.' }),
}).meta({ id: 'ConfirmRecoveryRequest' })

/** As other acts of operators, but taken while the service is read-only: that is what it is for. */
function act<Schema extends z.ZodType>(
  name: string,
  doc: RouteDoc,
  body: { readonly schema: Schema; readonly example: z.input<Schema> },
  handle: (gate: RestoreGate, by: string, sent: z.output<Schema>) => Promise<Reply>,
): Route {
  const run = async (x: Exchange): Promise<Reply> => {
    const admitted = await admitOperator(x)
    if ('rejection' in admitted) return admitted
    const sent = await readBody(x)
    if ('rejection' in sent) return sent
    const json = readJson(sent.bytes, body.schema)
    if ('rejection' in json) return json
    const refused = refuseQuery(x)
    if (refused !== null) return refused
    const gate = gateOf(x)
    return gate === null ? noGate : handle(gate, admitted.name, json.body)
  }
  return {
    method: 'POST',
    path: `${path}/${name}`,
    access: 'operator',
    doc,
    query: null,
    body,
    headers: [],
    run,
  }
}

const rebuild = act(
  'rebuild',
  {
    name: 'rebuild',
    summary:
      'Rebuild a page of payments from the processor’s objects; again and again until the end',
    status: 200,
    answer: pageJson,
    example: examplePage,
  },
  { schema: rebuildRequest, example: { reason: 'disk failed, backup of 03:00' } },
  async (gate, by, { reason: why, cursor: from, account }) => {
    const { status } = gate.state()
    if (status !== 'read_only') {
      return { rejection: reject('not_recovering', `It is ${status}: nothing is missing.`) }
    }
    const how = { by, reason: why, account: account ?? null }
    return showPage(await gate.rebuild(how, from ?? null))
  },
)

const confirm = act(
  'confirm',
  {
    name: 'confirmRecovery',
    summary: 'Say that all is rebuilt: the service opens',
    status: 200,
    answer: recoveryJson,
    example: { object: 'recovery', status: 'open', why: '', unknown: 0, since: null },
  },
  { schema: confirmRequest, example: { reason: 'compared with the dashboard' } },
  async (gate, by, { reason: why, leave }) => {
    const refused = await gate.confirm({ by, reason: why }, leave ?? 0)
    return refused === null ? showState(gate) : { rejection: refused }
  },
)

export const recoveryRoutes: readonly Route[] = [show, objects, rebuild, confirm]
