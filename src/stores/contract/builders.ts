// Rows as the engine would write them, as small as the types allow. To a store only their shape and
// what it looks for (account, agent, state, reference, holds, due time) matter.
import { paymentFormat } from '../../core/payment.ts'
import type { Hold, HoldReason, Payment, PaymentEvent, PaymentTerms } from '../../core/payment.ts'
import type { AlertRow } from '../../core/alerts.ts'
import type {
  Action,
  Condition,
  PaymentRow,
  Put,
  Row,
  TableName,
  Tables,
  Write,
} from '../../ports.ts'

const startMs = Date.UTC(2026, 0, 1)

export interface PaymentFacts {
  readonly account?: string
  readonly agent?: string
  readonly reference?: string
  readonly holds?: readonly HoldReason[]
}

function common(id: string, facts: PaymentFacts) {
  const terms: PaymentTerms = {
    id,
    agent: facts.agent ?? 'agt_1',
    account: facts.account ?? 'acct_1',
    amount: 1200,
    currency: 'EUR',
    payee: 'Müller & Söhne',
    reference: facts.reference ?? 'INV-1',
    paymentMethod: null,
    capture: 'automatic',
    binding: { processor: 'simulated', processorAccount: 'main', livemode: false },
    batch: null,
    retryOf: null,
    retryCount: 0,
    createdAtMs: startMs,
    budgets: [],
  }
  const holds = (facts.holds ?? []).map((reason): Hold => ({
    reason,
    sinceMs: startMs,
    detail: '',
  }))
  return {
    ...terms,
    holds,
    format: paymentFormat,
    seq: 1,
    updatedAtMs: startMs,
    notAfterMs: startMs + 86_400_000,
    approval: null,
    voidRequested: null,
    attemptsOpened: 0,
    duplicateObjects: [],
    objectId: null,
    voiding: null,
  }
}

export function initiated(id: string, facts: PaymentFacts = {}): Payment {
  return { ...common(id, facts), state: 'initiated' }
}

export function declined(id: string, facts: PaymentFacts = {}): Payment {
  const decline = { reason: 'declined', code: 'insufficient_funds' } as const
  return { ...common(id, facts), state: 'declined', decline, objectCancelled: false }
}

export function captured(id: string, facts: PaymentFacts = {}): Payment {
  return {
    ...common(id, facts),
    state: 'captured',
    objectId: `ch_${id}`,
    amountCaptured: 1200,
    amountReversed: 0,
    capturedAtMs: startMs,
    refunds: [],
    settlementAsked: { count: 0, answered: false, atMs: startMs },
  }
}

export function paymentRow(payment: Payment, dueAtMs: number | null = null, run = 1): PaymentRow {
  return { payment, dueAtMs, run }
}

export function event(paymentId: string, seq: number): PaymentEvent {
  return { type: 'validated', format: paymentFormat, paymentId, seq, atMs: startMs + seq }
}

export function budget(left: number, facts: Partial<Tables['budget']> = {}): Tables['budget'] {
  return { left, spent: 0, limit: 100, mandateVersion: 1, closed: false, ...facts }
}

export function webhook(
  eventId: string,
  facts: Partial<Tables['webhook']> = {},
): Tables['webhook'] {
  return {
    processor: 'simulated',
    eventId,
    receivedAtMs: startMs,
    paymentId: null,
    attemptId: null,
    object: {
      objectId: 'ch_1',
      attemptId: null,
      status: 'captured',
      amount: 1200,
      currency: 'EUR',
      amountAuthorised: 1200,
      amountCaptured: 1200,
      amountReversed: 0,
      authorisationExpiresAtMs: null,
      decline: null,
      actionUrl: null,
      settlement: null,
      refunds: [],
    },
    observedAtMs: null,
    matched: false,
    ...facts,
  }
}

export const key = (paymentId: string): Tables['key'] => ({
  fingerprint: 'a3f1',
  paymentId,
  refundId: null,
})

export function deadLetter(
  paymentId: string,
  status: Tables['dead_letter']['status'],
): Tables['dead_letter'] {
  return {
    paymentId,
    agent: 'agent_1',
    account: 'acct_1',
    processor: 'simulated',
    status,
    step: 'authorise',
    reason: 'retries_exhausted',
    attempts: 1,
    sends: 10,
    firstAtMs: startMs,
    parkedAtMs: startMs,
    requestHash: null,
    lastEvidence: null,
    redrives: 0,
    ruleRedrives: 0,
    endedBy: null,
    endedAtMs: null,
    note: null,
    proposal: null,
  }
}

let commits = 0

/** A write with a commit id of its own. */
export function write(...actions: Action[]): Write {
  commits += 1
  return { commitId: `cmt_${commits}`, actions }
}

type PutOf<T extends TableName> = Extract<Put, { readonly table: T }>

export function put<T extends TableName>(
  table: T,
  rowKey: string,
  value: Tables[T],
  condition: Condition = null,
): PutOf<T> {
  // Table and value are of one `T`; TypeScript cannot follow that through a union.
  return { do: 'put', table, key: rowKey, value, if: condition } as unknown as PutOf<T>
}

export function putPayment(row: PaymentRow, condition: Condition = null): PutOf<'payment'> {
  return put('payment', row.payment.id, row, condition)
}

export function record(paymentId: string, ...seqs: number[]): Action {
  return { do: 'record', paymentId, events: seqs.map((seq) => event(paymentId, seq)) }
}

/** A row as `read` answers it. */
export function row<T extends TableName>(value: Tables[T], version: number): Row<T> {
  return { value, version }
}

export const alert = (status: AlertRow['status']): AlertRow => ({
  status,
  kind: 'dead_letter',
  subject: 'simulated',
  detail: 'outcome_unknown',
  count: 1,
  paymentIds: ['pay_1'],
  firstAtMs: 1,
  lastAtMs: 1,
  resolvedAtMs: null,
  edition: 1,
  editionAtMs: 1,
  editionCount: 1,
  told: { log: 1 },
  lastEvent: null,
})
