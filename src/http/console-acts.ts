// What a person may do with a payment, and why not; and payments of the sandbox, which an operator
// may send because no money can move there.
import * as z from 'zod'

import { reject } from '../core/rejections.ts'
import { allowedActions, askedActions } from '../engine/allowed.ts'
import { readAgent } from '../engine/agents.ts'
import type { Engine } from '../engine/engine.ts'
import { addAgent, makeToken } from '../engine/identity.ts'
import { readPayment } from '../engine/read.ts'
import { submit } from '../engine/submit.ts'
import { examplePayment } from './examples.ts'
import { fingerprintOf } from './fingerprint.ts'
import { operatorPost, operatorRead } from './route.ts'
import type { Route } from './route.ts'
import { name, noQuery, object, paymentRequest } from './schemas.ts'
import { ok } from './service.ts'
import { refusal, showPayment } from './show.ts'
import { noSuchPayment } from './variables.ts'
import { list, paymentJson, problemJson } from './wire.ts'

// ── What is allowed ──────────────────────────────────────────────────────────────────────────────

const actionJson = z
  .strictObject({
    object: z.literal('action'),
    action: z.enum(askedActions),
    by: z.enum(['agent', 'operator']).meta({ description: 'Whose token may ask for it.' }),
    allowed: z.boolean(),
    code: problemJson.shape.code.nullable().meta({ description: 'What it would be refused with.' }),
    detail: z.string().nullable(),
  })
  .meta({ id: 'Action' })

const actions = operatorRead(
  '/v1/payments/{id}/actions',
  {
    name: 'listActions',
    summary: 'What may be asked of a payment as it stands, and why the rest may not',
    status: 200,
    answer: z.strictObject(list(actionJson)).meta({ id: 'ActionList' }),
    example: {
      object: 'list',
      data: [
        {
          object: 'action',
          action: 'void',
          by: 'agent',
          allowed: false,
          code: 'already_captured',
          detail: 'It is too late to void it; a refund gives the money back.',
        },
      ],
    },
  },
  noQuery,
  async ({ engine, id }) => {
    const view = await readPayment(engine, id, null)
    if (view === null) return noSuchPayment
    const data = allowedActions(engine, view.row.payment).map(({ action, by, rejection }) => ({
      object: 'action',
      action,
      by,
      allowed: rejection === null,
      code: rejection?.code ?? null,
      detail: rejection?.detail ?? null,
    }))
    return ok(200, { object: 'list', data })
  },
)

// ── The sandbox ──────────────────────────────────────────────────────────────────────────────────

const simulated = 'simulated'

const sandboxRequest = object({
  amount: paymentRequest.shape.amount,
  currency: paymentRequest.shape.currency,
  payee: name(
    'Who is paid; a sentinel payee of the simulated processor goes wrong in its own way.',
  ),
  reference: name('What is paid: the same reference and payee are paid once.'),
}).meta({ id: 'SandboxPaymentRequest' })

const sandboxAgent = {
  id: 'agent_sandbox',
  account: 'sandbox',
  name: 'test payments of the console',
  suspended: false,
  mandate: null,
}

/** Bills of one batch with different references are distinct by declaration. */
const batch = 'sandbox-tour'

const sandbox = operatorPost(
  '/v1/sandbox/payments',
  {
    name: 'createSandboxPayment',
    summary: 'A test payment to the simulated processor, as the agent `agent_sandbox`',
    status: 202,
    answer: paymentJson,
    example: { ...examplePayment, agent: sandboxAgent.id, account: sandboxAgent.account, batch },
  },
  {
    schema: sandboxRequest,
    example: {
      amount: 1999,
      currency: 'EUR',
      payee: 'acct_504_after_capture',
      reference: 'TOUR-1',
    },
  },
  async ({ engine, x, operator, body }) => {
    const processor = engine.processors.get(simulated)
    if (processor === undefined || processor.binding.livemode) return notSimulated
    await ensureAgent(engine)
    const { agent, account } = { agent: sandboxAgent.id, account: sandboxAgent.account }
    const { payee, reference } = body
    // The bill is its own key: an answer that was lost is asked for again, and is paid once.
    const key = fingerprintOf('', { payee, reference })
    const fingerprint = fingerprintOf(x.path, body)
    const asked = { method: 'POST', path: x.path, key, fingerprint }
    const submission = await submit(engine, { agent, account }, asked, {
      ...nothingElse,
      ...body,
      processor: simulated,
      metadata: { sent_by: operator.slice(0, 500) },
      batch,
    })
    if (submission.result === 'rejected') return refusal(submission)
    const replayed = submission.result === 'replayed'
    return showPayment(x, submission.paymentId, null, { status: 202, replayed })
  },
)

const notSimulated = {
  rejection: reject(
    'forbidden',
    'Operators do not pay; only the simulated processor is a sandbox.',
  ),
}

const nothingElse = {
  description: 'Sent from the console’s tour of the sandbox.',
  paymentMethod: null,
  capture: 'automatic',
  retryOf: null,
  distinctFrom: [],
  reason: null,
  notAfterMs: null,
} as const

/** Its token is thrown away: nobody else acts as this agent. */
async function ensureAgent(engine: Engine): Promise<void> {
  if ((await readAgent(engine, sandboxAgent.id)) !== null) return
  await addAgent(engine, sandboxAgent, makeToken('agent'))
}

export const consoleActRoutes: readonly Route[] = [actions, sandbox]
