// What operators may do, over HTTP: the desk of dead letters, the kill switch, who may pay, and what
// has happened. Agents are refused, each time.
import type { OperationKind, ParkReason } from '../core/payment.ts'
import { accessClient } from './access.ts'
import type { AccessClient } from './access.ts'
import type { Asking, Send } from './ask.ts'
import { deliveryClient } from './delivery.ts'
import type { DeliveryClient } from './delivery.ts'
import { recoveryClient } from './recovery.ts'
import type { RecoveryClient } from './recovery.ts'
import { search } from './search.ts'
import type {
  AgentStatus,
  Alert,
  AuditEntry,
  Break,
  Balance,
  DeadLetter,
  Journal,
  ProcessorStatus,
  Reconciliation,
  Redrive,
  SettlementFile,
  SettlementLine,
  StopSwitch,
} from './operator-types.ts'
import type { Payment, PaymentResult, Refused } from './types.ts'

type Told<Facts> = ({ readonly ok: true } & Facts) | Refused

export interface Paging {
  readonly limit?: number
  readonly cursor?: string
}

/** Which dead letters are meant. */
export interface DeadLetterFilter {
  readonly reason?: ParkReason
  readonly step?: OperationKind
  readonly processor?: string
  readonly agent?: string
  /** Seconds since they were parked. */
  readonly older_than?: number
}

export interface DeadLetterQuery extends DeadLetterFilter, Paging {
  /** Default: `open`. */
  readonly status?: 'open' | 'redriven' | 'resolved' | 'any'
}

export interface JournalQuery extends Paging {
  /** As in a journal: `account:acme`, `clearing:stripe/acct_1`, `cash:…` or `fees:…`. */
  readonly account?: string
  /** A payment's id. */
  readonly payment?: string
  /** Which come first; default: `newest`. */
  readonly order?: 'newest' | 'oldest'
}

export type DeadLettersResult = Told<{
  readonly payments: readonly DeadLetter[]
  readonly cursor: string | null
}>

export type DeadLetterResult = Told<{
  readonly payment: DeadLetter
  /** Its word is kept until an operator of another name says the same. */
  readonly proposed: boolean
}>

export type Page<Item> = Told<{
  readonly data: readonly Item[]
  readonly cursor: string | null
}>

export interface Agent {
  readonly id: string
  readonly account: string
  readonly name: string
  /** Of a new agent: whose payments it sees. Default: those of its account. */
  readonly visibility?: 'own' | 'account'
}

export type AgentResult = Told<{ readonly agent: AgentStatus }>
export type AddedAgentResult = Told<{ readonly agent: AgentStatus & { readonly token: string } }>
export type ProcessorResult = Told<{ readonly processor: ProcessorStatus }>
export type ReconciliationResult = Told<{ readonly reconciliation: Reconciliation }>
export type SettlementFileResult = Told<{ readonly file: SettlementFile }>
export type BreakResult = Told<{ readonly break: Break }>
export type StopResult = Told<Pick<StopSwitch, 'stopped'>>
export type RedriveResult = Told<{ readonly redrive: Redrive }>

/** An act is done for a reason, which is kept. */
export interface Acting extends Asking {
  readonly reason: string
}

/** An operator's act on a payment; `version` is the payment's as it was shown. */
export interface Operating extends Acting {
  readonly version: number
}

export type Resolution =
  | { readonly finding: 'not_paid' }
  | { readonly finding: 'paid'; readonly processor_reference: string }

export interface OperatorClient extends AccessClient, DeliveryClient, RecoveryClient {
  readonly deadLetters: (query?: DeadLetterQuery, how?: Asking) => Promise<DeadLettersResult>
  readonly deadLetter: (paymentId: string, how?: Asking) => Promise<DeadLetterResult>
  readonly noteDeadLetter: (
    paymentId: string,
    note: string | null,
    how?: Asking,
  ) => Promise<DeadLetterResult>
  readonly redrive: (paymentId: string, how: Operating) => Promise<DeadLetterResult>
  /** One page of the open dead letters that the filter names. */
  readonly redriveMany: (
    which: Paging & { readonly filter: DeadLetterFilter },
    how: Acting,
  ) => Promise<RedriveResult>
  readonly resolve: (
    paymentId: string,
    what: Resolution,
    how: Operating,
  ) => Promise<DeadLetterResult>

  /** Takes description and metadata out of a payment, for good. */
  readonly redact: (paymentId: string, how: Acting) => Promise<PaymentResult>
  /** A new key signs receipts from now on. */
  readonly rotateReceiptKey: (how: Acting) => Promise<Told<{ readonly kid: string }>>
  readonly readStop: (how?: Asking) => Promise<StopResult>
  readonly stop: (how: Acting) => Promise<StopResult>
  readonly start: (how: Acting) => Promise<StopResult>
  readonly processors: (how?: Asking) => Promise<Page<ProcessorStatus>>
  readonly pauseProcessor: (name: string, how: Acting) => Promise<ProcessorResult>
  readonly resumeProcessor: (name: string, how: Acting) => Promise<ProcessorResult>

  readonly agents: (query?: Paging, how?: Asking) => Promise<Page<AgentStatus>>
  readonly addAgent: (agent: Agent, how?: Asking) => Promise<AddedAgentResult>
  readonly suspendAgent: (agentId: string, how: Acting) => Promise<AgentResult>
  readonly resumeAgent: (agentId: string, how: Acting) => Promise<AgentResult>

  readonly audit: (query?: Paging, how?: Asking) => Promise<Page<AuditEntry>>
  readonly alerts: (
    query?: Paging & { readonly status?: 'firing' | 'resolved' },
    how?: Asking,
  ) => Promise<Page<Alert>>
  /** Begins a run; it is made whatever happens to this connection. */
  readonly reconcile: (
    window?: { readonly processor?: string; readonly from?: string; readonly to?: string },
    how?: Asking,
  ) => Promise<ReconciliationResult>
  readonly reconciliation: (runId: string, how?: Asking) => Promise<ReconciliationResult>
  readonly reconciliations: (query?: Paging, how?: Asking) => Promise<Page<Reconciliation>>
  /** Begins to send a settlement file, or tells how far it has come. */
  readonly openSettlementFile: (
    offer: {
      readonly name: string
      /** SHA-256 of the file and of how it is read. */
      readonly digest: string
      readonly processor?: string
      readonly exclusive?: boolean
      readonly again?: boolean
    },
    how?: Asking,
  ) => Promise<SettlementFileResult>
  /** The next lines; a page may be repeated. */
  readonly addSettlementLines: (
    fileId: string,
    page: {
      readonly from: number
      readonly through: number
      readonly lines: readonly SettlementLine[]
      readonly unreadable?: readonly string[]
      readonly last?: boolean
    },
    how?: Asking,
  ) => Promise<SettlementFileResult>
  readonly breaks: (
    query?: Paging & { readonly status?: Break['status'] | 'any' },
    how?: Asking,
  ) => Promise<Page<Break>>
  readonly break: (breakId: string, how?: Asking) => Promise<BreakResult>
  /** An operator's word on a break, as `version` was shown. */
  readonly actOnBreak: (
    breakId: string,
    act: 'investigate' | 'resolve' | 'write_off',
    how: Operating,
  ) => Promise<BreakResult>
  /** What every account of the ledger stands at. */
  readonly trialBalance: (how?: Asking) => Promise<Page<Balance>>
  readonly journals: (query?: JournalQuery, how?: Asking) => Promise<Page<Journal>>
}

export function operatorClient(send: Send): OperatorClient {
  return {
    ...deadLetterDesk(send),
    ...privacy(send),
    ...switches(send),
    ...overview(send),
    ...books(send),
    ...accessClient(send),
    ...deliveryClient(send),
    ...recoveryClient(send),
  }
}

// The casts below: what a route answers is the service's own, and its schema is tested there.

function deadLetterDesk(
  send: Send,
): Pick<
  OperatorClient,
  'deadLetters' | 'deadLetter' | 'noteDeadLetter' | 'redrive' | 'redriveMany' | 'resolve'
> {
  const path = '/v1/dead-letters'
  const one = async (asked: Parameters<Send>[0], how?: Asking): Promise<DeadLetterResult> => {
    const reply = await send(asked, how)
    if (!reply.ok) return reply
    return { ok: true, payment: reply.body as DeadLetter, proposed: reply.status === 202 }
  }
  const act = (id: string, name: string, what: object, { reason, version, ...how }: Operating) => {
    const headers = { 'if-match': `"${version}"` }
    const body = { ...what, reason }
    return one({ method: 'POST', path: `${path}/${part(id)}/${name}`, headers, body }, how)
  }
  return {
    async deadLetters(query = {}, how) {
      const page = await pageOf<DeadLetter>(send, `${path}${search(query)}`, how)
      return page.ok ? { ok: true, payments: page.data, cursor: page.cursor } : page
    },
    deadLetter: (id, how) => one({ method: 'GET', path: `${path}/${part(id)}` }, how),
    noteDeadLetter: (id, note, how) =>
      one({ method: 'POST', path: `${path}/${part(id)}/note`, body: { note } }, how),
    redrive: (id, how) => act(id, 'redrive', {}, how),
    async redriveMany(which, { reason, ...how }) {
      const body = { ...which, reason }
      const reply = await send({ method: 'POST', path: `${path}/redrive`, body }, how)
      return reply.ok ? { ok: true, redrive: reply.body as Redrive } : reply
    },
    resolve: (id, what, how) => act(id, 'resolve', what, how),
  }
}

function privacy(send: Send): Pick<OperatorClient, 'redact' | 'rotateReceiptKey'> {
  return {
    async redact(id, { reason, ...how }) {
      const path = `/v1/payments/${part(id)}/redact`
      const reply = await send({ method: 'POST', path, body: { reason } }, how)
      return reply.ok ? { ok: true, payment: reply.body as Payment, replayed: false } : reply
    },
    async rotateReceiptKey({ reason, ...how }) {
      const path = '/v1/receipts/rotate-key'
      const reply = await send({ method: 'POST', path, body: { reason } }, how)
      return reply.ok ? { ok: true, kid: (reply.body as { kid: string }).kid } : reply
    },
  }
}

function switches(
  send: Send,
): Pick<
  OperatorClient,
  | 'readStop'
  | 'stop'
  | 'start'
  | 'pauseProcessor'
  | 'resumeProcessor'
  | 'suspendAgent'
  | 'resumeAgent'
> {
  const post = (path: string, { reason, ...how }: Acting) =>
    send({ method: 'POST', path, body: { reason } }, how)
  const stopOf = (reply: Awaited<ReturnType<Send>>): StopResult =>
    reply.ok ? { ok: true, stopped: (reply.body as StopSwitch).stopped } : reply
  const processor = async (name: string, act: string, how: Acting): Promise<ProcessorResult> => {
    const reply = await post(`/v1/processors/${part(name)}/${act}`, how)
    return reply.ok ? { ok: true, processor: reply.body as ProcessorStatus } : reply
  }
  const agent = async (id: string, act: string, how: Acting): Promise<AgentResult> => {
    const reply = await post(`/v1/agents/${part(id)}/${act}`, how)
    return reply.ok ? { ok: true, agent: reply.body as AgentStatus } : reply
  }
  return {
    readStop: async (how) => stopOf(await send({ method: 'GET', path: '/v1/stop' }, how)),
    stop: async (how) => stopOf(await post('/v1/stop', how)),
    start: async (how) => stopOf(await post('/v1/start', how)),
    pauseProcessor: (name, how) => processor(name, 'pause', how),
    resumeProcessor: (name, how) => processor(name, 'resume', how),
    suspendAgent: (id, how) => agent(id, 'suspend', how),
    resumeAgent: (id, how) => agent(id, 'resume', how),
  }
}

function overview(
  send: Send,
): Pick<OperatorClient, 'processors' | 'agents' | 'addAgent' | 'audit' | 'alerts'> {
  return {
    processors: (how) => pageOf(send, '/v1/processors', how),
    agents: (query = {}, how) => pageOf(send, `/v1/agents${search(query)}`, how),
    async addAgent(agent, how) {
      const reply = await send({ method: 'POST', path: '/v1/agents', body: agent }, how)
      if (!reply.ok) return reply
      return { ok: true, agent: reply.body as AgentStatus & { token: string } }
    },
    audit: (query = {}, how) => pageOf(send, `/v1/audit${search(query)}`, how),
    alerts: (query = {}, how) => pageOf(send, `/v1/alerts${search(query)}`, how),
  }
}

function books(
  send: Send,
): Pick<
  OperatorClient,
  | 'trialBalance'
  | 'journals'
  | 'reconcile'
  | 'reconciliation'
  | 'reconciliations'
  | 'openSettlementFile'
  | 'addSettlementLines'
  | 'breaks'
  | 'break'
  | 'actOnBreak'
> {
  const run = async (asked: Parameters<Send>[0], how?: Asking): Promise<ReconciliationResult> => {
    const reply = await send(asked, how)
    return reply.ok ? { ok: true, reconciliation: reply.body as Reconciliation } : reply
  }
  const one = async (asked: Parameters<Send>[0], how?: Asking): Promise<BreakResult> => {
    const reply = await send(asked, how)
    return reply.ok ? { ok: true, break: reply.body as Break } : reply
  }
  const file = async (asked: Parameters<Send>[0], how?: Asking): Promise<SettlementFileResult> => {
    const reply = await send(asked, how)
    return reply.ok ? { ok: true, file: reply.body as SettlementFile } : reply
  }
  const files = '/v1/settlement-files'
  const [runs, breaks] = ['/v1/reconciliations', '/v1/breaks']
  return {
    trialBalance: (how) => pageOf(send, '/v1/ledger/trial-balance', how),
    journals: (query = {}, how) => pageOf(send, `/v1/ledger/journals${search(query)}`, how),
    reconcile: (window = {}, how) => run({ method: 'POST', path: runs, body: window }, how),
    openSettlementFile: (offer, how) => file({ method: 'POST', path: files, body: offer }, how),
    addSettlementLines: (id, page, how) =>
      file({ method: 'POST', path: `${files}/${part(id)}/lines`, body: page }, how),
    reconciliation: (id, how) => run({ method: 'GET', path: `${runs}/${part(id)}` }, how),
    reconciliations: (query = {}, how) => pageOf(send, `${runs}${search(query)}`, how),
    breaks: (query = {}, how) => pageOf(send, `${breaks}${search(query)}`, how),
    break: (id, how) => one({ method: 'GET', path: `${breaks}/${part(id)}` }, how),
    actOnBreak(id, act, { reason, version, ...how }) {
      const headers = { 'if-match': `"${version}"` }
      const path = `${breaks}/${part(id)}/${act}`
      return one({ method: 'POST', path, headers, body: { reason } }, how)
    },
  }
}

async function pageOf<Item>(
  send: Send,
  path: string,
  how: Asking | undefined,
): Promise<Page<Item>> {
  const reply = await send({ method: 'GET', path }, how)
  if (!reply.ok) return reply
  const { data, cursor } = reply.body as { data: readonly Item[]; cursor?: string | null }
  return { ok: true, data, cursor: cursor ?? null }
}

const part = (text: string): string => encodeURIComponent(text)
