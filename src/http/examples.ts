// One payment for the docs: the OpenAPI document shows it, a test parses it by its schema.
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
