// The operators' routes: what waits for a person, and what a person may do about it. Each act is
// bound to the version that was shown.
import type { PaymentEvent, Source } from '../core/payment.ts'
import { operatePayment } from '../engine/command.ts'
import type { CommandResult } from '../engine/command.ts'
import { addAgent, makeToken } from '../engine/identity.ts'
import { readMandates } from '../engine/mandates.ts'
import { listPayments, readEvents, readPayment } from '../engine/read.ts'
import type { PaymentView } from '../engine/read.ts'
import { resolvePayment } from '../engine/resolve.ts'
import { examplePayment } from './examples.ts'
import { noSuchPayment } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { invalid } from './faults.ts'
import { rfc3339, toPaymentJson } from './representation.ts'
import { operatorAct, operatorPost, operatorRead } from './route.ts'
import type { Reply, Route } from './route.ts'
import {
  agentRequest,
  decisionRequest,
  pageQuery,
  redriveRequest,
  resolveRequest,
  toMs,
} from './schemas.ts'
import { ok } from './service.ts'
import { refusal, showPayment } from './show.ts'
import { agentJson, deadLetterListJson, paymentJson } from './wire.ts'
import type { DeadLetterJson } from './wire.ts'

const defaultPage = 20

/** The newest events in which the reason and the last evidence of a dead letter are looked for. */
const historyLength = 50

const doc = (name: string, summary: string) =>
  ({ name, summary, status: 200, answer: paymentJson, example: examplePayment }) as const

async function afterAct(x: Exchange, result: CommandResult): Promise<Reply> {
  if (result.result === 'rejected') return refusal(result)
  return showPayment(x, result.payment.id, null, { status: 200 })
}

const approve = operatorAct(
  '/v1/payments/{id}/approve',
  doc('approvePayment', 'Let a held payment go on, exactly as it was shown'),
  { schema: decisionRequest, example: {} },
  async ({ engine, x, paymentId, operator, version }) => {
    const view = await readPayment(engine, paymentId, null)
    if (view === null) return noSuchPayment
    // The hash covers what never changes; the version says which sight of it is approved.
    const hash = view.row.payment.approval?.hash ?? ''
    const command = { type: 'approve', by: operator, hash } as const
    return afterAct(x, await operatePayment(engine, paymentId, command, version))
  },
)

const deny = operatorAct(
  '/v1/payments/{id}/deny',
  doc('denyPayment', 'Refuse a held payment'),
  { schema: decisionRequest, example: {} },
  async ({ engine, x, paymentId, operator, version }) => {
    const command = { type: 'deny', by: operator } as const
    return afterAct(x, await operatePayment(engine, paymentId, command, version))
  },
)

const redrive = operatorAct(
  '/v1/dead-letters/{paymentId}/redrive',
  doc('redrivePayment', 'Take a parked payment up again from where it stands'),
  { schema: redriveRequest, example: { reason: 'the processor is back' } },
  async ({ engine, x, paymentId, operator, version, body }) => {
    const notAfterMs = toMs(body.not_after ?? null)
    const command = { type: 'redrive', by: operator, reason: body.reason, notAfterMs } as const
    return afterAct(x, await operatePayment(engine, paymentId, command, version))
  },
)

const resolve = operatorAct(
  '/v1/dead-letters/{paymentId}/resolve',
  doc('resolvePayment', 'Say what the processor shows for a parked payment'),
  {
    schema: resolveRequest,
    example: { finding: 'paid', processor_reference: 'ch_123', reason: 'seen in the dashboard' },
  },
  async ({ engine, x, paymentId, operator, version, body }) => {
    const said =
      body.finding === 'paid'
        ? ({ finding: 'paid', processorReference: body.processor_reference } as const)
        : ({ finding: 'not_paid' } as const)
    const word = { by: operator, reason: body.reason, said }
    return afterAct(x, await resolvePayment(engine, paymentId, word, version))
  },
)

// ── Dead letters ─────────────────────────────────────────────────────────────────────────────────

const deadLetters = operatorRead(
  '/v1/dead-letters',
  {
    name: 'listDeadLetters',
    summary: 'Parked payments, newest first',
    status: 200,
    answer: deadLetterListJson,
    example: { object: 'list', data: [exampleDeadLetter()], cursor: null },
  },
  pageQuery,
  async ({ engine, query: { limit = defaultPage, cursor }, nowMs }) => {
    const page = await listPayments(engine, {
      account: null,
      hold: 'dead_letter',
      limit,
      ...(cursor === undefined ? {} : { cursor }),
    })
    const letters = page.views.map(async (view) => {
      const { id, seq } = view.row.payment
      const after = Math.max(0, seq - historyLength)
      return toDeadLetter(view, await readEvents(engine, id, after, historyLength), nowMs)
    })
    return ok(200, { object: 'list', data: await Promise.all(letters), cursor: page.cursor })
  },
)

function toDeadLetter(
  view: PaymentView,
  history: readonly PaymentEvent[],
  nowMs: number,
): DeadLetterJson {
  const { payment } = view.row
  const hold = payment.holds.find(({ reason }) => reason === 'dead_letter')
  const parked = history.findLast((event) => event.type === 'parked')
  const told = history.findLast(hasEvidence)
  return {
    ...toPaymentJson(view, nowMs),
    dead_letter: {
      reason: hold?.detail ?? parked?.reason ?? '',
      since: rfc3339(hold?.sinceMs ?? payment.updatedAtMs),
      attempts: parked?.attempts ?? null,
      last_evidence: told === undefined ? null : sourceJson(told.by),
    },
  }
}

function hasEvidence(event: PaymentEvent): event is PaymentEvent & { readonly by: Source } {
  return 'by' in event && typeof event.by === 'object' && event.by !== null
}

function sourceJson(by: Source): NonNullable<DeadLetterJson['dead_letter']['last_evidence']> {
  return {
    source: by.source,
    attempt_id: by.attemptId,
    send: by.send,
    cause: by.cause,
    asked_at: rfc3339(by.askedAtMs),
    status: by.status,
    request_id: by.requestId,
    excerpt: by.excerpt,
  }
}

function exampleDeadLetter(): DeadLetterJson {
  return {
    ...examplePayment,
    state: 'validated',
    amount_captured: 0,
    processor_reference: null,
    operation: { kind: 'authorise', status: 'unknown', attempt: 1, sends: 8, next_check_at: null },
    hold: { reason: 'dead_letter', since: '2026-01-31T12:20:00.000Z' },
    money_moved: 'unknown',
    next_action: { ...examplePayment.next_action, type: 'ask_human' },
    dead_letter: {
      reason: 'outcome_unknown',
      since: '2026-01-31T12:20:00.000Z',
      attempts: 1,
      last_evidence: {
        source: 'answer',
        attempt_id: 'att_01JD4Z0M8QW3R5T7V9X1B2C4D6_authorise_1',
        send: 8,
        cause: 'gateway_error',
        asked_at: '2026-01-31T12:19:50.000Z',
        status: 504,
        request_id: null,
        excerpt: null,
      },
    },
  }
}

// ── Agents ───────────────────────────────────────────────────────────────────────────────────────

const newAgent = operatorPost(
  '/v1/agents',
  {
    name: 'addAgent',
    summary: 'A token for an agent; makes the agent and its account where they are new',
    status: 201,
    answer: agentJson,
    example: {
      object: 'agent',
      id: 'agent_books',
      account: 'default',
      name: 'the one that buys books',
      token: 'qt_agent_…',
    },
  },
  {
    schema: agentRequest,
    example: { id: 'agent_books', account: 'default', name: 'the one that buys books' },
  },
  async ({ engine, body: { id, account, name } }) => {
    const known = await readMandates(engine, id)
    if (known !== null && known.account.id !== account) {
      const fault = { pointer: '/account', reason: 'is not the account of this agent' }
      return { rejection: invalid('An agent keeps its account.', [fault]) }
    }
    const token = makeToken('agent')
    const agent = { id, account, name, suspended: false, mandate: null }
    const added = await addAgent(engine, agent, token)
    // Somebody adds the same agent in this moment; the token of this request was not stored.
    if (!added) return { rejection: invalid('It was added just now; ask again for a token.') }
    return ok(201, { object: 'agent', id, account, name, token })
  },
)

export const operatorRoutes: readonly Route[] = [
  approve,
  deny,
  deadLetters,
  redrive,
  resolve,
  newAgent,
]
