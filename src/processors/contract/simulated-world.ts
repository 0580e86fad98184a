// The simulated processor as a world to judge its adapter by: the real service over a real socket,
// its admin routes for faults and books, and a receiver for its webhooks.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Outcome } from '../../core/outcome.ts'
import type { OperationKind } from '../../core/payment.ts'
import type { SimulatorOptions } from '../../simulator/options.ts'
import { startSimulator } from '../../simulator/simulator.ts'
import { openSimulatedProcessor } from '../simulated/simulated.ts'
import type { SimulatedProcessorOptions } from '../simulated/simulated.ts'
import { callOf, newPaymentId } from './calls.ts'
import type { CallFacts } from './calls.ts'
import type { Bench, Booked, Provoked, SentWebhook, World } from './processor-contract.ts'

const apiKey = 'sim_contract_key'
const webhookSecret = 'whsec_contract'

export interface SimulatedWorld extends World {
  /** Befalls the payment's first call of that kind; `look_up` is every read. */
  inject(fault: string, kind: OperationKind | 'look_up', paymentId: string): Promise<void>
  openWith(options: Partial<SimulatedProcessorOptions>): ReturnType<typeof openSimulatedProcessor>
}

interface LedgerJson {
  readonly charges: readonly {
    readonly id: string
    readonly reference: string
    readonly status: string
    readonly captures: number
    readonly amount_captured: number
    readonly amount_refunded: number
  }[]
}

export async function startSimulatedWorld(options: SimulatorOptions = {}): Promise<SimulatedWorld> {
  const simulator = await startSimulator({
    apiKey,
    lookupLagMs: 0,
    slowMs: [40, 60],
    maxHoldMs: 2_000,
    ...options,
  })
  const ask = asker(simulator.url)
  const receiver = await openReceiver()
  await ask('PUT', '/v1/webhook', { url: receiver.url, secret: webhookSecret })
  const script: unknown[] = []
  let planned: ReturnType<Ask> = Promise.resolve({})
  const usual = { url: simulator.url, apiKey, webhookSecret, installation: 'inst_1' }
  return Object.freeze({
    origin: simulator.url,
    keyHeader: 'idempotency-key',
    secrets: [apiKey, webhookSecret],
    provoke,
    open: (url: string) => openSimulatedProcessor({ ...usual, url }),
    openWith: (given: Partial<SimulatedProcessorOptions>) =>
      openSimulatedProcessor({ ...usual, ...given }),
    inject: async (fault: string, operation: OperationKind | 'look_up', reference: string) => {
      script.push({ match: { operation, reference, nth: 1 }, fault })
      // One after the other: a plan replaces the one before it.
      planned = planned.then(() => ask('PUT', '/faults', { script }))
      assert.ok('script' in (await planned))
    },
    booked: async (paymentId: string) => {
      // The service tells what it is in `LedgerJson`.
      const { charges } = (await ask('GET', '/ledger')) as unknown as LedgerJson
      return charges.filter(({ reference }) => reference === paymentId).map(bookedOf)
    },
    plant: async (reference: string, state: 'captured' | 'dead') => {
      const terms = { amount: 1999, currency: 'EUR', payee: 'acct_books', reference }
      const metadata = { payment: reference }
      const isCaptured = state === 'captured'
      const body = { ...terms, metadata, capture: isCaptured }
      const id = String((await ask('POST', '/v1/charges', body))['id'])
      if (!isCaptured) await ask('POST', `/v1/charges/${id}/cancel`, {})
      return id
    },
    pause: () => sleep(3),
    webhook: receiver.about,
    close: async () => {
      await simulator.close()
      await receiver.close()
    },
  } satisfies SimulatedWorld)
}

const provoke: World['provoke'] = {
  done: (bench) => tell(bench, 'authorise', {}, 'succeeded'),
  not_final: (bench) => tell(bench, 'authorise', { payee: 'acct_processing' }, 'pending'),
  already_in_state: async (bench) => {
    const paymentId = newPaymentId()
    const objectId = await bench.world.plant(paymentId, 'captured')
    return tell(bench, 'capture', { paymentId, objectId }, 'succeeded')
  },
  declined: (bench) => tell(bench, 'authorise', { payee: 'acct_declined' }, 'declined'),
  invalid_content: (bench) => tell(bench, 'authorise', { currency: 'eur' }, 'declined'),
  server_error: (bench) => faulty(bench, '500_then_not', 'unknown'),
  slow_down: (bench) => faulty(bench, '429', 'not_executed'),
  in_flight: async (bench) => {
    const paymentId = newPaymentId()
    await worldOf(bench).inject('slow', 'authorise', paymentId)
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

async function faulty(bench: Bench, fault: string, outcome: Outcome): Promise<Provoked> {
  const paymentId = newPaymentId()
  await worldOf(bench).inject(fault, 'authorise', paymentId)
  return tell(bench, 'authorise', { paymentId }, outcome)
}

async function tell(
  { processor }: Bench,
  kind: OperationKind,
  facts: CallFacts,
  outcome: Outcome,
): Promise<Provoked> {
  const call = callOf(kind, facts)
  return { call, outcome, answer: await processor.send(call) }
}

function worldOf({ world }: Bench): SimulatedWorld {
  // These ways to provoke are only ever given the world that is made above.
  return world as SimulatedWorld
}

function bookedOf(charge: LedgerJson['charges'][number]): Booked {
  return {
    objectId: charge.id,
    isAuthorised: charge.status === 'authorised',
    captures: charge.captures,
    amountCaptured: charge.amount_captured,
    amountRefunded: charge.amount_refunded,
  }
}

type Ask = (method: string, path: string, body?: unknown) => Promise<Record<string, unknown>>

function asker(url: string): Ask {
  return async (method, path, body) => {
    const headers = { authorization: `Bearer ${apiKey}`, 'idempotency-key': randomUUID() }
    const init = body === undefined ? {} : { body: JSON.stringify(body) }
    const response = await fetch(url + path, { method, headers, ...init })
    // Every answer of the service is a JSON object; the callers check what they read.
    return (await response.json()) as Record<string, unknown>
  }
}

/** Takes every webhook and gives them out by the charge that they are about. */
async function openReceiver(): Promise<{
  url: string
  about: (objectId: string) => Promise<SentWebhook>
  close: () => Promise<void>
}> {
  const arrived: SentWebhook[] = []
  const server = createServer((incoming, response) => {
    void text(incoming).then((body) => {
      const signed = String(incoming.headers['simulated-signature'])
      arrived.push({ body, headers: { 'simulated-signature': signed }, sentAtMs: Date.now() })
      response.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listening TCP server has an address of this kind.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/`,
    about: async (objectId) => {
      for (let tries = 0; tries < 400; tries += 1) {
        const sent = arrived.find(({ body }) => body.includes(`"id":"${objectId}"`))
        if (sent !== undefined) return sent
        await sleep(5)
      }
      return assert.fail(`no webhook came about ${objectId}`)
    },
    close: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}
