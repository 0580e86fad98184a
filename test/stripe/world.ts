// The stand-in of Stripe as a world to judge the adapter by.
import { setTimeout as sleep } from 'node:timers/promises'

import assert from 'node:assert/strict'

import type { Outcome } from '../../src/core/outcome.ts'
import type { OperationKind } from '../../src/core/payment.ts'
import { callOf, newPaymentId } from '../../src/processors/contract/calls.ts'
import type { CallFacts } from '../../src/processors/contract/calls.ts'
import type {
  Bench,
  Booked,
  Provoked,
  World,
} from '../../src/processors/contract/processor-contract.ts'
import { openStripeProcessor } from '../../src/processors/stripe/stripe.ts'
import type { StripeProcessorOptions } from '../../src/processors/stripe/stripe.ts'
import type { Intent } from './intents.ts'
import { startStandIn } from './stand-in.ts'
import type { Fault, StandIn } from './stand-in.ts'

const apiKey = 'sk_test_contract0123456789'
const webhookSecret = 'whsec_contract0123456789'

export interface StripeWorld extends World {
  readonly standIn: StandIn
  openWith(options: Partial<StripeProcessorOptions>): ReturnType<typeof openStripeProcessor>
}

export async function startStripeWorld(): Promise<StripeWorld> {
  const standIn = await startStandIn({ apiKey, webhookSecret })
  const usual = { url: standIn.url, apiKey, webhookSecret, installation: 'inst_1' }
  return Object.freeze({
    standIn,
    origin: standIn.url,
    keyHeader: 'idempotency-key',
    secrets: [apiKey, webhookSecret],
    provoke,
    open: (url: string) => openStripeProcessor({ ...usual, url }),
    openWith: (given: Partial<StripeProcessorOptions>) =>
      openStripeProcessor({ ...usual, ...given }),
    booked: async (paymentId: string) =>
      [...standIn.intents.values()]
        .filter(({ metadata }) => metadata['payment'] === paymentId)
        .map(bookedOf),
    plant: async (payment: string, state: 'captured' | 'dead') => {
      const isCaptured = state === 'captured'
      const taken = {
        status: 'succeeded',
        received: 1999,
        captures: 1,
        chargeId: 'ch_planted',
      } as const
      const made = standIn.plant({
        metadata: { payment },
        ...(isCaptured ? taken : { status: 'canceled' }),
      })
      return made.id
    },
    // Stripe counts in seconds.
    pause: async () => standIn.passes(1),
    webhook: async (objectId: string) => {
      const sentAtMs = Date.now()
      return { ...standIn.event(objectId), sentAtMs }
    },
    close: standIn.close,
  } satisfies StripeWorld)
}

const provoke: World['provoke'] = {
  done: (bench) => tell(bench, 'authorise', {}, 'succeeded'),
  not_final: (bench) => tell(bench, 'authorise', { paymentMethod: 'pm_processing' }, 'pending'),
  already_in_state: async (bench) => {
    const paymentId = newPaymentId()
    const objectId = await bench.world.plant(paymentId, 'captured')
    return tell(bench, 'capture', { paymentId, objectId }, 'succeeded')
  },
  declined: (bench) =>
    tell(bench, 'authorise', { paymentMethod: 'pm_card_chargeDeclined' }, 'declined'),
  invalid_content: (bench) => tell(bench, 'authorise', { currency: 'XTS' }, 'declined'),
  server_error: (bench) => faulty(bench, '500_then_not', 'unknown'),
  slow_down: (bench) => faulty(bench, '429', 'not_executed'),
  in_flight: async (bench) => {
    const paymentId = newPaymentId()
    worldOf(bench).standIn.inject('slow', 'create', paymentId)
    const first = bench.processor.send(callOf('authorise', { paymentId }))
    while (bench.wire.received.length === 0) await sleep(1)
    await sleep(10)
    const second = await tell(bench, 'authorise', { paymentId }, 'unknown')
    assert.equal((await first).signal, 'done')
    return second
  },
  key_mismatch: async (bench) => {
    const paymentId = newPaymentId()
    await tell(bench, 'authorise', { paymentId }, 'succeeded')
    return tell(bench, 'authorise', { paymentId, amount: 5 }, 'unknown')
  },
  account_fault: (bench) => {
    bench.wire.disturb({ forwards: true, headers: { authorization: 'Bearer revoked' } })
    return tell(bench, 'authorise', {}, 'not_executed')
  },
  mismatched_answer: (bench) => faulty(bench, 'wrong_amount', 'unknown'),
}

async function faulty(bench: Bench, fault: Fault, outcome: Outcome): Promise<Provoked> {
  const paymentId = newPaymentId()
  worldOf(bench).standIn.inject(fault, 'create', paymentId)
  return tell(bench, 'authorise', { paymentId }, outcome)
}

export async function tell(
  { processor }: Pick<Bench, 'processor'>,
  kind: OperationKind,
  facts: CallFacts,
  outcome: Outcome,
): Promise<Provoked> {
  const call = callOf(kind, facts)
  return { call, outcome, answer: await processor.send(call) }
}

function worldOf({ world }: Bench): StripeWorld {
  // These ways to provoke are only ever given the world that is made above.
  return world as StripeWorld
}

function bookedOf(intent: Intent): Booked {
  return {
    objectId: intent.id,
    isAuthorised: intent.status === 'requires_capture',
    captures: intent.captures,
    amountCaptured: intent.received,
    amountRefunded: intent.refunds.reduce((sum, { amount }) => sum + amount, 0),
  }
}
