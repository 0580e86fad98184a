// Builds payments for tests the way they come about: by folding real facts, never by hand.
import { evolveAll, evolveFacts, stamp } from '../src/core/evolve.ts'
import type { ObjectView, Outcome } from '../src/core/outcome.ts'
import { attemptId } from '../src/core/operation.ts'
import type {
  Approval,
  Attempt,
  Fact,
  HoldReason,
  Payment,
  PaymentTerms,
  Send,
  Source,
  Target,
} from '../src/core/payment.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import type { Capabilities, Circumstances } from '../src/core/policy.ts'

/** 2026-01-15T12:00:00Z: the moment of the claim in every test. */
export const t0 = Date.UTC(2026, 0, 15, 12)
export const seconds = 1_000
export const hours = 3_600_000

export const terms: PaymentTerms = {
  id: 'pay_1',
  agent: 'agt_1',
  account: 'acc_1',
  amount: 1000,
  currency: 'EUR',
  payee: 'payee',
  reference: 'INV-1',
  paymentMethod: null,
  capture: 'automatic',
  binding: { processor: 'simulated', processorAccount: 'acct_1', livemode: false },
  batch: null,
  retryOf: null,
  retryCount: 0,
  createdAtMs: t0,
  budgets: ['agent:agt_1:EUR:2026-01-15'],
}

/** Two steps, keys that store errors for 24 h, complete records, a fence on objects. */
export const capabilities: Capabilities = {
  keyWindowMs: 24 * hours,
  keyCachesErrors: true,
  objectFirst: false,
  objectOnce: false,
  absenceAfterMs: 60 * seconds,
  fence: true,
  cancelByReference: false,
  lookupByReference: true,
  lookupLagMs: 5 * seconds,
  twoStep: true,
  authorisationWindowMs: 7 * 24 * hours,
  apiVersion: '1',
}

export function given(over: Partial<Capabilities> = {}): Circumstances {
  return {
    capabilities: { ...capabilities, ...over },
    // Where clocks matter, the test says how far they differ.
    policy: { ...defaultPolicy, clockErrorMs: 0 },
    bindingMatches: true,
    reachable: true,
    blocked: null,
  }
}

export const by: Source = {
  source: 'answer',
  attemptId: null,
  send: null,
  cause: 'test',
  askedAtMs: t0,
  status: null,
  requestId: null,
  excerpt: null,
}

export interface ClaimOver extends Partial<PaymentTerms> {
  readonly notAfterMs?: number
  readonly approval?: Approval | null
}

export function claimed(over: ClaimOver = {}): Payment {
  const { notAfterMs = t0 + 24 * hours, approval = null, ...rest } = over
  const fact: Fact = {
    type: 'claimed',
    terms: { ...terms, ...rest },
    notAfterMs,
    approval,
    distinctFrom: [],
    reason: null,
  }
  return evolveAll(null, stamp(rest.id ?? terms.id, 0, [fact], t0))
}

/** The payment after these facts, all at one time. */
export const after = (payment: Payment, facts: readonly Fact[], nowMs = t0): Payment =>
  evolveFacts(payment, facts, nowMs)

// ── Facts ────────────────────────────────────────────────────────────────────────────────────────

export const objectId = 'obj_1'

export function send(number = 1, atMs = t0): Send {
  return {
    number,
    atMs,
    recoverAtMs: atMs + defaultPolicy.recoverAfterMs,
    outcome: null,
    cause: null,
    retryAtMs: null,
  }
}

export interface OpenOver {
  readonly number?: number
  readonly objectId?: string | null
  readonly oneStep?: boolean
  readonly storesDeclines?: boolean
  readonly atMs?: number
}

export function opened(target: Target, over: OpenOver = {}): Fact {
  const { number = 1, oneStep = false, storesDeclines = true, atMs = t0 } = over
  const attempt: Attempt = {
    id: attemptId(terms.id, target.kind, number),
    number,
    request: { amount: terms.amount, objectId: over.objectId ?? null, oneStep, apiVersion: '1' },
    sends: [send(1, atMs)],
  }
  return { type: 'attempt_opened', target, attempt, storesDeclines }
}

export function observed(
  target: Target,
  outcome: Outcome,
  sends: 'all' | number = 1,
  cause = 'test',
): Fact {
  return { type: 'observed', target, sends, outcome, retryAtMs: null, by: { ...by, cause } }
}

export const authorised = (expiresAtMs: number | null = null): Fact => ({
  type: 'authorised',
  objectId,
  amount: terms.amount,
  expiresAtMs,
  by,
})
export const captured = (amount = terms.amount): Fact => ({ type: 'captured', amount, by })
export const settled: Fact = {
  type: 'settled',
  settlement: { id: 'po_1', settledAtMs: t0, fee: 30 },
  by,
}
export const objectCreated: Fact = { type: 'object_created', objectId, by }
export const declined: Fact = {
  type: 'declined',
  decline: { reason: 'declined', code: 'do_not_honour' },
  by,
}
export const voidRequested: Fact = { type: 'void_requested', by: 'agt_1', reason: 'not needed' }
export const voided: Fact = { type: 'voided', reason: 'not needed', by }
export const refundRequested = (refundId = 'ref_1', amount = terms.amount): Fact => ({
  type: 'refund_requested',
  refundId,
  reference: `CN-${refundId}`,
  amount,
  reason: 'returned',
  by: 'agt_1',
})
export const held = (reason: HoldReason): Fact =>
  reason === 'dead_letter'
    ? { type: 'parked', reason: 'outcome_unknown', attempts: 1 }
    : { type: 'held', reason, detail: '' }

/** The processor's object as it would read in this status. */
export function object(status: ObjectView['status'], over: Partial<ObjectView> = {}): ObjectView {
  const has = status === 'authorised' || status === 'captured'
  return {
    objectId,
    attemptId: attemptId(terms.id, 'authorise', 1),
    status,
    amount: terms.amount,
    currency: terms.currency,
    amountAuthorised: has ? terms.amount : 0,
    amountCaptured: status === 'captured' ? terms.amount : 0,
    amountReversed: 0,
    authorisationExpiresAtMs: null,
    decline: status === 'declined' ? { reason: 'declined', code: 'do_not_honour' } : null,
    actionUrl: status === 'action_required' ? 'https://act.example' : null,
    settlement: null,
    refunds: [],
    ...over,
  }
}
