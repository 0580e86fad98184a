// One of each for the docs: the OpenAPI document shows them, a test parses them by their schemas.
import type { AgentJson, DeadLetterJson } from './operator-wire.ts'
import type { EventJson, PaymentJson } from './wire.ts'

const id = 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6'

export const examplePayment: PaymentJson = {
  id,
  object: 'payment',
  livemode: false,
  agent: 'agent_default',
  account: 'default',
  state: 'captured',
  state_reason: null,
  amount: 1999,
  currency: 'EUR',
  amount_captured: 1999,
  amount_refunded: 0,
  amount_reversed: 0,
  payee: 'Acme GmbH',
  reference: 'INV-2026-0042',
  description: 'Hosting, January',
  metadata: { cost_centre: '4711' },
  payment_method: null,
  capture: 'automatic',
  batch: null,
  retry_of: null,
  not_after: '2026-02-01T12:00:00.000Z',
  processor: 'simulated',
  processor_reference: 'ch_01JD4Z0MAA',
  operation: null,
  hold: null,
  void_requested: null,
  refunds: [],
  money_moved: 'yes',
  next_action: { type: 'none', after: null, url: `/v1/payments/${id}` },
  new_key_allowed: false,
  version: 6,
  created_at: '2026-01-31T12:00:00.000Z',
  updated_at: '2026-01-31T12:00:01.250Z',
}

export const exampleEvent: EventJson = {
  id: `evt_${id.slice(4)}_1`,
  object: 'event',
  payment_id: id,
  seq: 5,
  type: 'captured',
  at: '2026-01-31T12:00:01.250Z',
  data: {
    amount: 1999,
    by: { source: 'answer', cause: 'done', asked_at: '2026-01-31T12:00:00.900Z' },
  },
}

export const exampleRequest = {
  amount: 1999,
  currency: 'EUR',
  payee: 'Acme GmbH',
  reference: 'INV-2026-0042',
  description: 'Hosting, January',
  metadata: { cost_centre: '4711' },
}

export const exampleDeadLetter: DeadLetterJson = {
  ...examplePayment,
  state: 'validated',
  amount_captured: 0,
  processor_reference: null,
  operation: { kind: 'authorise', status: 'unknown', attempt: 1, sends: 8, next_check_at: null },
  hold: { reason: 'dead_letter', since: '2026-01-31T12:20:00.000Z' },
  money_moved: 'unknown',
  next_action: { ...examplePayment.next_action, type: 'ask_human' },
  dead_letter: {
    status: 'open',
    reason: 'outcome_unknown',
    step: 'authorise',
    attempts: 1,
    sends: 8,
    first_at: '2026-01-31T12:00:01.000Z',
    parked_at: '2026-01-31T12:20:00.000Z',
    age_seconds: 5400,
    request_hash: '5b1a3f0c9d8e7b6a5f4e3d2c1b0a99887766554433221100ffeeddccbbaa9988',
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
    redrives: 1,
    rule_redrives: 1,
    note: 'asked their support, ticket 4711',
    ended_by: null,
    ended_at: null,
    proposal: null,
  },
}

export const exampleAgent: AgentJson = {
  object: 'agent',
  id: 'agent_books',
  account: 'default',
  name: 'the one that buys books',
  suspended: false,
  account_suspended: false,
  visibility: 'account',
}
