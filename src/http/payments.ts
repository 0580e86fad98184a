// The agents' routes: to pay, to look, to capture, void and refund.
import { normalise } from '../core/normalise.ts'
import { commandPayment } from '../engine/command.ts'
import type { AgentCommand } from '../engine/command.ts'
import { readMandates } from '../engine/mandates.ts'
import type { MandateView } from '../engine/mandates.ts'
import { listPayments, readEvents, readPayment } from '../engine/read.ts'
import { submit } from '../engine/submit.ts'
import { toEventJson } from './events.ts'
import { exampleEvent, examplePayment, exampleRequest } from './examples.ts'
import { invalid } from './faults.ts'
import { rfc3339, toPaymentJson } from './representation.ts'
import { agentPost, read } from './route.ts'
import type { Keyed, Reading, Reply, Route } from './route.ts'
import {
  captureRequest,
  eventsQuery,
  listQuery,
  mandateQuery,
  noQuery,
  paymentRequest,
  refundRequest,
  toPaymentRequest,
  voidRequest,
} from './schemas.ts'
import { ok, withHeaders } from './service.ts'
import { refusal, showPayment } from './show.ts'
import { noSuchPayment } from './variables.ts'
import { eventListJson, mandateJson, paymentJson, paymentListJson } from './wire.ts'
import type { MandateJson } from './wire.ts'

const defaultPage = 20
const defaultEvents = 100

/** What stands in the history where an agent gave no reason. */
const noReason = 'requested'

const doc = (name: string, summary: string) =>
  ({ name, summary, status: 202, answer: paymentJson, example: examplePayment }) as const

const pay = agentPost(
  '/v1/payments',
  doc('createPayment', 'Pay a bill once'),
  { schema: paymentRequest, example: exampleRequest },
  async ({ engine, x, caller, key, body, waitMs, limitedForMs }) => {
    const submission = await submit(engine, caller, key, toPaymentRequest(body), limitedForMs)
    if (submission.result === 'rejected') return refusal(submission)
    const { paymentId, result } = submission
    const replayed = result === 'replayed'
    const reply = await showPayment(x, paymentId, caller.account, { status: 202, waitMs, replayed })
    const location = `/v1/payments/${paymentId}`
    return 'rejection' in reply ? reply : withHeaders(reply, { ...reply.headers, location })
  },
)

async function act<Body>(given: Keyed<Body>, command: AgentCommand): Promise<Reply> {
  const { engine, x, caller, key, id: paymentId, waitMs, limitedForMs } = given
  const commanded = await commandPayment(engine, caller, key, paymentId, command, limitedForMs)
  if (commanded.result === 'rejected') return refusal(commanded)
  const replayed = commanded.result === 'replayed'
  return showPayment(x, paymentId, caller.account, { status: 202, waitMs, replayed })
}

const capture = agentPost(
  '/v1/payments/{id}/capture',
  doc('capturePayment', 'Capture what is authorised'),
  { schema: captureRequest, example: { amount: 1999 } },
  (given) => act(given, { type: 'capture', amount: given.body.amount ?? null }),
)

const voidPayment = agentPost(
  '/v1/payments/{id}/void',
  doc('voidPayment', 'End a payment before its money moves'),
  { schema: voidRequest, example: { reason: 'order cancelled' } },
  (given) => act(given, { type: 'void', reason: given.body.reason ?? noReason }),
)

const refund = agentPost(
  '/v1/payments/{id}/refunds',
  doc('refundPayment', 'Give money back, once for each refund reference'),
  {
    schema: refundRequest,
    example: { reference: 'RET-7', amount: 500, reason: 'one item came back' },
  },
  (given) => {
    const { reference, amount, reason } = given.body
    return act(given, {
      type: 'refund',
      reference,
      amount: amount ?? null,
      reason: reason ?? noReason,
    })
  },
)

const get = read(
  '/v1/payments/{id}',
  { ...doc('getPayment', 'A payment, now or when there is nothing to wait for'), status: 200 },
  noQuery,
  ({ x, id, account, waitMs }) => showPayment(x, id, account, { status: 200, waitMs }),
  ['prefer'],
)

const list = read(
  '/v1/payments',
  {
    name: 'listPayments',
    summary: 'Payments, newest first; the list may lag a moment behind',
    status: 200,
    answer: paymentListJson,
    example: { object: 'list', data: [examplePayment], cursor: null },
  },
  listQuery,
  async ({ engine, account, only, query, nowMs }) => {
    const { limit = defaultPage, state, reference, hold, cursor } = query
    const page = await listPayments(engine, {
      account,
      limit,
      ...(only === null ? {} : { agent: only }),
      ...(state === undefined ? {} : { state }),
      ...(reference === undefined ? {} : { reference: normalise(reference) }),
      ...(hold === undefined ? {} : { hold }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    const data = page.views.map((view) => toPaymentJson(view, nowMs))
    return ok(200, { object: 'list', data, cursor: page.cursor })
  },
)

const events = read(
  '/v1/payments/{id}/events',
  {
    name: 'listEvents',
    summary: 'What happened to a payment, in order, without gaps',
    status: 200,
    answer: eventListJson,
    example: { object: 'list', data: [exampleEvent] },
  },
  eventsQuery,
  async ({ engine, account, id, query }) => {
    if ((await readPayment(engine, id, account)) === null) return noSuchPayment
    const { after = 0, limit = defaultEvents } = query
    const found = await readEvents(engine, id, after, limit)
    return ok(200, { object: 'list', data: found.map(toEventJson) })
  },
)

const mandate = read(
  '/v1/mandate',
  {
    name: 'getMandate',
    summary: 'What an agent and its account may spend, and what is left today',
    status: 200,
    answer: mandateJson,
    example: {
      object: 'mandate',
      agent: { id: 'agent_default', mandate: null },
      account: {
        id: 'default',
        mandate: {
          version: 3,
          limits: [
            {
              currency: 'EUR',
              per_payment: 50_000,
              per_day: 200_000,
              per_month: null,
              per_payee_and_day: null,
              approval_above: null,
              left_today: 196_001,
              reserved_today: 2000,
              spent_today: 1999,
              left_this_month: null,
            },
          ],
          payees: null,
          payment_methods: null,
          expires_at: null,
        },
      },
      day_ends_at: '2026-02-01T00:00:00.000Z',
    } satisfies MandateJson,
  },
  mandateQuery,
  showMandate,
)

async function showMandate(given: Reading<{ agent?: string | undefined }>): Promise<Reply> {
  const { engine, agent, query } = given
  const asked = query.agent ?? agent
  if (asked === null) {
    const fault = { pointer: '/agent', reason: 'is needed from an operator' }
    return { rejection: invalid('Whose mandate?', [fault]) }
  }
  // Another agent's limits are none of an agent's business, and neither is whether it exists.
  const found = agent === null || asked === agent ? await readMandates(engine, asked) : null
  if (found === null) return { rejection: invalid('There is no such agent.', [noAgent]) }
  return ok(200, {
    object: 'mandate',
    agent: mandateOf(found.agent),
    account: mandateOf(found.account),
    day_ends_at: rfc3339(found.dayEndsAtMs),
  } satisfies MandateJson)
}

const noAgent = { pointer: '/agent', reason: 'is not an agent that you may ask about' }

function mandateOf({ id, mandate: binding }: MandateView): MandateJson['agent'] {
  if (binding === null) return { id, mandate: null }
  const limits = binding.limits.map(({ currency, limits: limit, ...today }) => ({
    currency,
    per_payment: limit.perPayment,
    per_day: limit.perDay,
    per_month: limit.perMonth ?? null,
    per_payee_and_day: limit.perPayeeAndDay ?? null,
    approval_above: limit.approvalAbove,
    left_today: today.leftToday,
    reserved_today: today.reservedToday,
    spent_today: today.spentToday,
    left_this_month: today.leftThisMonth,
  }))
  const { version, payees = null, paymentMethods = null, expiresAtMs = null } = binding
  const listed = {
    payees: payees === null ? null : [...payees],
    payment_methods: paymentMethods === null ? null : [...paymentMethods],
    expires_at: expiresAtMs === null ? null : rfc3339(expiresAtMs),
  }
  return { id, mandate: { version, limits, ...listed } }
}

export const agentRoutes: readonly Route[] = [
  pay,
  list,
  get,
  events,
  capture,
  voidPayment,
  refund,
  mandate,
]
