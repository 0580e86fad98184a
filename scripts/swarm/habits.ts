// What the agents of the swarm do to one bill: the mistakes of models above the idempotency key. They ask
// under a new key, hang up and ask again, and two of them pay the same bill at the same time.
import { randomUUID } from 'node:crypto'

import { randomOf } from '../../src/cli/demo/random.ts'
import type { PaymentRequest, PaymentResult } from '../../src/client/index.ts'
import { amount, currency } from './world.ts'
import type { SwarmAgent } from './world.ts'

const habits = ['plain', 'new_keys', 'hangs_up', 'two_agents', 'all_at_once'] as const

/** What came of asking for a bill: its payment, a word of the mandate, or what nobody expected. */
export type Asked =
  | { readonly result: 'claimed'; readonly paymentId: string }
  | { readonly result: 'refused' }
  | { readonly result: 'surprise'; readonly what: string }

/** Equal bills of one payee look alike; one batch says that they are many. */
function requestOf(bill: number): PaymentRequest {
  return { amount, currency, payee: 'Power and Light', reference: `bill ${bill}`, batch: 'swarm' }
}

export async function askFor(
  bill: number,
  agent: SwarmAgent,
  mate: SwarmAgent,
  seed: number,
): Promise<Asked> {
  const request = requestOf(bill)
  const random = randomOf(seed, `habit of ${bill}`)
  const anew = (who: SwarmAgent) => who.client.pay(request, { key: randomUUID() })
  switch (random.pick(habits)) {
    case 'new_keys':
      return summary([await anew(agent), await anew(agent)])
    case 'hangs_up': {
      const impatient = { deadlineMs: random.integer(1, 40), tryMs: 40 }
      await agent.client.pay(request, { ...impatient, key: randomUUID() })
      return summary([await anew(agent)])
    }
    case 'two_agents':
      return summary(await Promise.all([agent, mate].map(({ client }) => client.pay(request))))
    case 'all_at_once':
      return summary(await Promise.all([anew(agent), anew(mate), anew(agent)]))
    case 'plain':
      return summary([await agent.client.pay(request)])
  }
}

// A later answer may name the payment that an earlier one did not know of yet.
function summary(results: readonly PaymentResult[]): Asked {
  const read = results.map(readOne)
  return (
    read.find(({ result }) => result === 'surprise') ??
    read.find(({ result }) => result === 'claimed') ?? { result: 'refused' }
  )
}

function readOne(told: PaymentResult): Asked {
  if (told.ok) return { result: 'claimed', paymentId: told.payment.id }
  const { code, existing_payment: existing } = told.problem
  if (code.startsWith('mandate_')) return { result: 'refused' }
  if (code === 'duplicate_reference' && existing !== undefined) {
    return { result: 'claimed', paymentId: existing.id }
  }
  return { result: 'surprise', what: `${code}: ${told.problem.detail}` }
}
