// The client of the HTTP API: thin, on `fetch` alone. It never makes a second key for a request, and
// it reports what is not known as not known.
import { ask } from './ask.ts'
import type { Asking, Reply, Send, Way } from './ask.ts'
import { payBatch } from './batch.ts'
import { complete } from './complete.ts'
import type { Completion } from './complete.ts'
import { keyFor } from './key.ts'
import { operatorClient } from './operator.ts'
import type { OperatorClient } from './operator.ts'
import { claimedBefore, ignoredIn } from './same-bill.ts'
import { search } from './search.ts'
import type {
  Mandate,
  Payment,
  PaymentEvent,
  PaymentRequest,
  PaymentResult,
  Receipt,
  Refused,
} from './types.ts'

export interface ClientOptions {
  /** Where the service listens, such as `http://127.0.0.1:4020`. */
  readonly url: string
  readonly token: string | null
  /** How long a question is asked again before its problem is returned. Default 60 s. */
  readonly deadlineMs?: number
  /** Instead of the built-in one: to count, to log, to go through a proxy. */
  readonly fetch?: typeof globalThis.fetch
}

export interface Keyed extends Asking {
  /** Instead of the key that follows from the request. */
  readonly key?: string
}

export interface Paying extends Keyed {
  /** The answer comes at the end, or after this many seconds (at most 25). */
  readonly waitSeconds?: number
}

export interface ListQuery {
  readonly state?: string
  readonly reference?: string
  readonly hold?: string
  readonly limit?: number
  readonly cursor?: string
}

export type ListResult =
  | { readonly ok: true; readonly payments: readonly Payment[]; readonly cursor: string | null }
  | Refused

export type EventsResult = { readonly ok: true; readonly events: readonly PaymentEvent[] } | Refused

export type MandateResult = { readonly ok: true; readonly mandate: Mandate } | Refused

export type ReceiptResult = { readonly ok: true; readonly receipt: Receipt } | Refused

/** What an agent may do, and all that `createAgentClient` carries: below 10 KB when it is bundled. */
export interface AgentClient {
  /**
   * Asks for a payment of a bill; the key follows from the bill. Asked again in other words it is the
   * same payment, and `ignored` names the words that were not taken.
   */
  readonly pay: (request: PaymentRequest, how?: Paying) => Promise<PaymentResult>
  /**
   * Asks for at most 500 bills in one request, and answers for each, in their order; nothing is waited
   * for. What was refused or is not known of one is asked for again with `pay`: the key is the same.
   */
  readonly payBatch: (
    requests: readonly PaymentRequest[],
    how?: Asking,
  ) => Promise<readonly PaymentResult[]>
  /** Pays, waits, and follows the advice until there is nothing left to do for a program. */
  readonly complete: (request: PaymentRequest, how?: Asking) => Promise<Completion>
  readonly get: (
    paymentId: string,
    how?: Asking & { waitSeconds?: number },
  ) => Promise<PaymentResult>
  /** Until nothing is to be waited for any more, or the deadline: the last payment that was seen. */
  readonly wait: (paymentId: string, how?: Asking) => Promise<PaymentResult>
  readonly list: (query?: ListQuery, how?: Asking) => Promise<ListResult>
  readonly events: (paymentId: string, how?: Asking) => Promise<EventsResult>
  readonly capture: (
    paymentId: string,
    what?: { amount?: number },
    how?: Keyed,
  ) => Promise<PaymentResult>
  readonly void: (
    paymentId: string,
    what: { reason: string },
    how?: Keyed,
  ) => Promise<PaymentResult>
  readonly refund: (
    paymentId: string,
    what: { readonly reference: string; readonly amount?: number; readonly reason: string },
    how?: Keyed,
  ) => Promise<PaymentResult>
  /** What the agent and its account may spend, and what is left. */
  readonly mandate: (how?: Asking) => Promise<MandateResult>
  /** Signed, for a payment at its end. */
  readonly receipt: (paymentId: string, how?: Asking) => Promise<ReceiptResult>
}

export interface Client extends AgentClient, OperatorClient {}

const defaultDeadlineMs = 60_000
/** Above the service's own answers, below the patience of most proxies. */
const defaultTryMs = 30_000
/** The longest that the service waits for an end in one request, in seconds. */
const maxWaitSeconds = 25

/** For an agent: to pay, to look, to wait, and to take back. */
export function createAgentClient(options: ClientOptions): AgentClient {
  return Object.freeze(agentClient(sender(options), options.deadlineMs ?? defaultDeadlineMs))
}

/** For whoever also operates: the same with what operators may do. */
export function createClient(options: ClientOptions): Client {
  const send = sender(options)
  const agent = agentClient(send, options.deadlineMs ?? defaultDeadlineMs)
  return Object.freeze<Client>({ ...operatorClient(send), ...agent })
}

function sender(options: ClientOptions): Send {
  const { url, token, fetch = globalThis.fetch, deadlineMs = defaultDeadlineMs } = options
  const way: Way = { url: url.replace(/\/+$/, ''), token, fetch }
  return (asked, how = {}) => ask(way, { deadlineMs, tryMs: defaultTryMs, ...how, ...asked })
}

function agentClient(send: Send, deadlineMs: number): AgentClient {
  const get: AgentClient['get'] = async (id, how = {}) =>
    toPayment(
      await send({ method: 'GET', path: pathOf(id), headers: prefer(how, deadlineMs) }, how),
    )
  const wait: AgentClient['wait'] = (id, how = {}) =>
    waitFor(get, id, how.deadlineMs ?? deadlineMs, how)
  const told = commands(send, get, deadlineMs)
  return {
    ...told,
    get,
    wait,
    payBatch: (requests, how) => payBatch(send, requests, how),
    complete: (request, how = {}) => complete({ pay: told.pay, wait }, request, how),
    // The casts: the service's own answers, whose schemas are tested there.
    async mandate(how) {
      const reply = await send({ method: 'GET', path: '/v1/mandate' }, how)
      return reply.ok ? { ok: true, mandate: reply.body as Mandate } : reply
    },
    async receipt(id, how) {
      const reply = await send({ method: 'GET', path: `${pathOf(id)}/receipt` }, how)
      return reply.ok ? { ok: true, receipt: reply.body as Receipt } : reply
    },
    list: async (query = {}, how) =>
      toList(await send({ method: 'GET', path: `/v1/payments${search(query)}` }, how)),
    events: (id, how) => allEvents(send, id, how),
  }
}

function commands(
  send: Send,
  get: AgentClient['get'],
  deadlineMs: number,
): Pick<AgentClient, 'pay' | 'capture' | 'void' | 'refund'> {
  const post = async (path: string, body: unknown, key: string, how: Paying) => {
    const headers = { 'idempotency-key': key, ...prefer(how, deadlineMs) }
    return toPayment(await send({ method: 'POST', path, headers, body }, how))
  }
  const act = async (
    operation: 'capture' | 'void' | 'refund',
    id: string,
    what: Asked,
    how: Keyed,
  ): Promise<PaymentResult> => {
    const subject = { operation, payee: id, reference: what.reference ?? '' }
    const path = `${pathOf(id)}/${operation === 'refund' ? 'refunds' : operation}`
    const told = await post(path, what, how.key ?? (await keyFor(subject)), how)
    if (how.key !== undefined) return told
    return reworded(get, told, how, (payment) => isAsked(operation, what, payment))
  }
  return {
    pay: async (request, how = {}) => {
      const { payee, reference, retry_of: retryOf } = request
      const subject = { operation: 'pay', payee, reference, retryOf } as const
      const told = await post('/v1/payments', request, how.key ?? (await keyFor(subject)), how)
      if (how.key !== undefined) return told
      return reworded(get, told, how, (payment) => ignoredIn(request, payment))
    },
    capture: (id, what = {}, how = {}) => act('capture', id, what, how),
    void: (id, what, how = {}) => act('void', id, what, how),
    refund: (id, what, how = {}) => act('refund', id, what, how),
  }
}

interface Asked {
  readonly amount?: number
  readonly reference?: string
  readonly reason?: string
}

// A void decides nothing but itself; of a refund the sum must be the one that was asked for.
function isAsked(
  operation: 'capture' | 'void' | 'refund',
  what: Asked,
  { refunds }: Payment,
): readonly string[] | null {
  if (operation === 'void') return ['reason']
  const asked = refunds.find(({ reference }) => reference === what.reference)
  return operation === 'refund' && asked?.amount === what.amount ? ['reason'] : null
}

/** Where a derived key was refused for its words alone, the payment that it has claimed. */
async function reworded(
  get: AgentClient['get'],
  told: PaymentResult,
  how: Asking & { readonly waitSeconds?: number },
  ignoredFor: (payment: Payment) => readonly string[] | null,
): Promise<PaymentResult> {
  const claimed = told.ok ? null : claimedBefore(told.problem)
  if (claimed === null) return told
  const got = await get(claimed, how)
  const ignored = got.ok ? ignoredFor(got.payment) : null
  return got.ok && ignored !== null ? { ...got, replayed: true, ignored } : told
}

async function waitFor(
  get: AgentClient['get'],
  id: string,
  deadlineMs: number,
  how: Asking,
): Promise<PaymentResult> {
  const untilMs = performance.now() + deadlineMs
  let seen: PaymentResult | null = null
  for (;;) {
    const leftMs = Math.max(0, untilMs - performance.now())
    const got = await get(id, { ...how, deadlineMs: leftMs, waitSeconds: maxWaitSeconds })
    // Time was up before the answer: what was seen last still holds.
    if (seen !== null && !got.ok && got.problem.status === 0) return seen
    seen = got
    const waits = got.ok && got.payment.next_action.type === 'wait'
    if (!waits || how.signal?.aborted === true) return got
    const pauseMs = leftMs >= 2 * answerMs ? 0 : Math.min(500, leftMs)
    if (performance.now() + pauseMs >= untilMs) return got
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}

async function allEvents(send: Send, id: string, how?: Asking): Promise<EventsResult> {
  const events: PaymentEvent[] = []
  for (;;) {
    const after = events.at(-1)?.seq ?? 0
    const reply = await send({ method: 'GET', path: `${pathOf(id)}/events?after=${after}` }, how)
    if (!reply.ok) return reply
    const { data } = reply.body as { data: readonly PaymentEvent[] } // the service's own answer
    if (data.length === 0) return { ok: true, events }
    events.push(...data)
  }
}

function toPayment(reply: Reply): PaymentResult {
  if (!reply.ok) return reply
  const replayed = reply.headers.get('idempotent-replayed') === 'true'
  return { ok: true, payment: reply.body as Payment, replayed } // the service's own answer
}

function toList(reply: Reply): ListResult {
  if (!reply.ok) return reply
  const { data, cursor } = reply.body as { data: readonly Payment[]; cursor?: string | null }
  return { ok: true, payments: data, cursor: cursor ?? null }
}

const pathOf = (paymentId: string): string => `/v1/payments/${encodeURIComponent(paymentId)}`

/** So long an answer may be on its way: the service is asked for it that much before time is up. */
const answerMs = 1_000

function prefer(how: Paying, defaultMs: number): Readonly<Record<string, string>> {
  const { waitSeconds = 0, deadlineMs = defaultMs, tryMs = defaultTryMs } = how
  const room = Math.floor((Math.min(deadlineMs, tryMs) - answerMs) / 1000)
  const seconds = Math.min(waitSeconds, room)
  return seconds <= 0 ? {} : { prefer: `wait=${seconds}` }
}
