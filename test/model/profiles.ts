// The kinds of processor that the model plays, and the small numbers that keep its worlds few.
import { evolveAll, stamp } from '../../src/core/evolve.ts'
import type { Fact, Payment, PaymentTerms, Source } from '../../src/core/payment.ts'
import type { Capabilities, Policy } from '../../src/core/policy.ts'
import { amount, currency, emptyProcessor, viewOf } from './processor.ts'
import type { ModelObject } from './processor.ts'
import type { Allowance, Setting, World } from './world.ts'

const retry = { maxSends: 3, maxSendsPerAttempt: 2, baseMs: 1, capMs: 1 }

/** One millisecond is one step of the clock; the order of the bounds is that of the real policy. */
export const policy: Policy = {
  retry: { create: retry, authorise: retry, capture: retry, void: retry, refund: retry },
  inquiry: { max: 5, baseMs: 1, capMs: 1 },
  pending: { baseMs: 1, capMs: 1, parkAfterMs: 4 },
  startSendWithinMs: 1,
  callTimeoutMs: 2,
  recoverAfterMs: 3,
  keyWindowMarginMs: 8,
  clockErrorMs: 0,
  blockedCheck: { baseMs: 1, capMs: 1 },
  settlement: { maxAsks: 1, baseMs: 1 },
}

const base: Capabilities = {
  keyWindowMs: 24,
  keyCachesErrors: false,
  objectFirst: false,
  objectOnce: false,
  absenceAfterMs: null,
  fence: false,
  cancelByReference: false,
  lookupByReference: false,
  lookupLagMs: 0,
  twoStep: true,
  authorisationWindowMs: null,
  apiVersion: '1',
}

export const profiles = {
  'keys, errors stored, fence by reference, records': {
    ...base,
    keyCachesErrors: true,
    fence: true,
    cancelByReference: true,
    absenceAfterMs: 3,
  },
  'keys, errors not stored': { ...base, absenceAfterMs: 3, fence: true },
  'object first, acts once, fence': {
    ...base,
    keyCachesErrors: true,
    objectFirst: true,
    objectOnce: true,
    fence: true,
    absenceAfterMs: 3,
  },
  'object first, acts once, fence, errors not stored': {
    ...base,
    objectFirst: true,
    objectOnce: true,
    fence: true,
  },
  'object first, one step, fence, errors not stored': {
    ...base,
    objectFirst: true,
    objectOnce: true,
    fence: true,
    twoStep: false,
    absenceAfterMs: 3,
  },
  'keys, one step': { ...base, twoStep: false, keyCachesErrors: true, absenceAfterMs: 3 },
  'keys, one step, errors not stored': { ...base, twoStep: false, absenceAfterMs: 3 },
  'keys, no fence, look-up that lags': {
    ...base,
    lookupByReference: true,
    lookupLagMs: 2,
  },
} satisfies Record<string, Capabilities>

export type ProfileName = keyof typeof profiles

export function settingOf(capabilities: Capabilities): Setting {
  return {
    given: { capabilities, policy, bindingMatches: true, reachable: true, blocked: null },
    // Where nobody says how late a request may arrive, it is the margin that must cover it.
    arrivesWithinMs: capabilities.absenceAfterMs ?? policy.keyWindowMarginMs - policy.callTimeoutMs,
  }
}

const startMs = 1000

const terms: PaymentTerms = {
  id: 'pay_1',
  agent: 'agt_1',
  account: 'acc_1',
  amount,
  currency,
  payee: 'payee',
  reference: 'INV-1',
  paymentMethod: null,
  capture: 'automatic',
  binding: { processor: 'model', processorAccount: 'acct', livemode: false },
  batch: null,
  retryOf: null,
  retryCount: 0,
  createdAtMs: startMs,
  budgets: [],
}

const claimed: Extract<Fact, { type: 'claimed' }> = {
  type: 'claimed',
  terms,
  notAfterMs: startMs + 100,
  approval: null,
  distinctFrom: [],
  reason: null,
}

/** What may go wrong or be asked on a path, unless a test says otherwise. */
export const allowance: Allowance = {
  faults: 0,
  declines: 0,
  pendings: 0,
  voids: 0,
  webhooks: 0,
  redrives: 0,
}

const worldOf = (payment: Payment, allowed: Partial<Allowance>): World => ({
  nowMs: startMs,
  payment,
  drivers: [{ at: 'idle' }, { at: 'idle' }],
  network: [],
  processor: emptyProcessor,
  inbox: [],
  allowed: { ...allowance, ...allowed },
})

/** A payment just claimed. */
export function startOf(allowed: Partial<Allowance>, notAfterMs = 100): World {
  const fact = { ...claimed, notAfterMs: startMs + notAfterMs }
  return worldOf(evolveAll(null, stamp('pay_1', 0, [fact], startMs)), allowed)
}

/** A payment that is captured and settled, and of which one refund is asked. */
export function refundOf(allowed: Partial<Allowance>): World {
  const object: ModelObject = {
    id: 'obj_1',
    attemptId: 'att_1_authorise_1',
    status: 'captured',
    captures: 1,
    refunds: [],
    madeAtMs: startMs,
  }
  const view = viewOf(object)
  const by: Source = {
    source: 'record',
    attemptId: null,
    send: null,
    cause: 'record',
    askedAtMs: startMs,
    status: null,
    requestId: null,
    excerpt: null,
  }
  const settlement = { id: 'po_1', settledAtMs: startMs, fee: null }
  const facts: readonly Fact[] = [
    claimed,
    { type: 'validated' },
    { type: 'authorised', objectId: view.objectId, amount, expiresAtMs: null, by },
    { type: 'captured', amount, by },
    { type: 'settled', settlement, by },
    {
      type: 'refund_requested',
      refundId: 'ref_1',
      reference: 'CN-1',
      amount,
      reason: 'returned',
      by: 'agt_1',
    },
  ]
  const payment = evolveAll(null, stamp('pay_1', 0, facts, startMs))
  return { ...worldOf(payment, allowed), processor: { ...emptyProcessor, objects: [object] } }
}
