// Sub-agents that share their work and forget what the others did: each pays every bill it meets, at the same
// time as the others. Runs like `agent.ts`, and as often as you like.
import assert from 'node:assert/strict'

import { createAgentClient } from '../src/client/index.ts'
import type { Completion, PaymentRequest } from '../src/client/index.ts'
import { settings } from './settings.ts'

const subAgents = 4

const bills: readonly PaymentRequest[] = Array.from({ length: 6 }, (_, at) => ({
  amount: 900,
  currency: 'EUR',
  payee: 'Couriers',
  reference: `parcel ${at + 1}`,
  // Equal bills of one payee look alike; one batch says that they are many.
  batch: 'parcels',
}))

/** One sub-agent, with a connection of its own and no memory. */
async function subAgent(): Promise<readonly Completion[]> {
  const client = createAgentClient(settings)
  return Promise.all(bills.map((bill) => client.complete(bill)))
}

const told = await Promise.all(Array.from({ length: subAgents }, subAgent))
const paid = new Set<string>()
for (const [index, { reference }] of bills.entries()) {
  const ids = told.map((each) => {
    const completion = each[index]
    assert.equal(completion?.outcome, 'paid', `${reference}: ${JSON.stringify(completion)}`)
    return completion.payment.id
  })
  assert.equal(new Set(ids).size, 1, `${reference} has one payment, whoever asked`)
  for (const id of ids) paid.add(id)
}

console.log(`${subAgents} sub-agents paid ${paid.size} bills, each once`)
