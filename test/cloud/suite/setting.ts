// What the suite stands on: the simulated processor, the template running before it, and the people:
// agents with tokens, an operator with AWS identity.
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'

import { createClient } from '../../../src/client/index.ts'
import type { Client, Payment, PaymentResult } from '../../../src/client/index.ts'
import { openProcessorSide } from '../../../src/cli/demo/processor-side.ts'
import type { ProcessorSide } from '../../../src/cli/demo/processor-side.ts'
import { startSimulator } from '../../../src/simulator/simulator.ts'
import { until } from '../until.ts'
import { startWorld } from '../world.ts'
import type { World } from '../world.ts'
import { addPeople } from './people.ts'
import type { People } from './people.ts'
import { templateOf } from './synth.ts'
import type { Workflow } from './synth.ts'

export interface Bill {
  readonly amount: number
  readonly currency: string
  readonly payee: string
  readonly reference: string
  readonly capture?: 'automatic' | 'manual'
  readonly retry_of?: string
}

export interface Setting {
  readonly world: World
  readonly processor: ProcessorSide
  readonly processorUrl: string
  /** The processor tells nothing by itself any more. */
  readonly stopWebhooks: () => Promise<void>
  readonly agent: Client
  readonly operator: Client
  readonly people: People
  /** A bill that nobody has seen; `payee` may be one of the processor's sentinels. */
  readonly bill: (payee?: string, more?: Partial<Bill>) => Bill
  /** Asks for a payment; what was acknowledged is judged in the end. */
  readonly pay: (
    bill: Bill,
    how?: { readonly key?: string; readonly by?: Client },
  ) => Promise<Payment>
  /** Until the payment is as it should be. */
  readonly becomes: (
    id: string,
    state: string | ((payment: Payment) => boolean),
    how?: { readonly withinMs?: number },
  ) => Promise<Payment>
  readonly read: (id: string) => Promise<Payment>
  readonly acknowledged: ReadonlyMap<string, Bill>
  readonly stop: () => Promise<void>
}

export const apiKey = 'sim_test_key'
export const webhookSecret = 'whsec_local_run_of_the_template'

/** Waits of a payment that meets faults: recovery, backing off, proof of absence. */
const patienceMs = 900_000

export async function openSetting(workflow: Workflow): Promise<Setting> {
  const simulator = await startSimulator({
    apiKey,
    lateMs: 3_000,
    slowMs: [1_000, 3_000],
    processingMs: 3_000,
    maxHoldMs: 60_000,
  })
  const stops = [async () => simulator.close()]
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each()
  }
  try {
    const templateFile = templateOf(workflow)
    const world = await startWorld({
      templateFile,
      parameters: { SimulatorUrl: simulator.url, OperatorRole: operatorRole(templateFile) },
      secrets: {
        PaymentsSecretSimulated: apiKey,
        PaymentsWebhookSecretSimulated: webhookSecret,
      },
    })
    stops.push(world.stop)
    const processor = openProcessorSide(simulator.url, apiKey)
    await processor.setWebhook(`${world.url}/webhooks/simulated`, webhookSecret)
    const stopWebhooks = async (): Promise<void> => {
      await fetch(`${simulator.url}/v1/webhook`, {
        method: 'PUT',
        headers: { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' },
        body: JSON.stringify({ url: null }),
      })
    }
    const people = await addPeople(world)
    const agent = createClient({ url: world.url, token: people.agentToken, deadlineMs: patienceMs })
    return {
      ...settingOf(world, agent, people),
      processor,
      processorUrl: simulator.url,
      stop,
      stopWebhooks,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Who has the operators' policy is an operator. */
function operatorRole(templateFile: string): string {
  const { Resources } = JSON.parse(readFileSync(templateFile, 'utf8')) as { Resources: object }
  const id = Object.keys(Resources).find((each) => each.startsWith('PaymentsOperatorPolicy'))
  return `with-${id}`
}

function settingOf(
  world: World,
  agent: Client,
  people: People,
): Omit<Setting, 'processor' | 'processorUrl' | 'stop' | 'stopWebhooks'> {
  const acknowledged = new Map<string, Bill>()
  let amount = 1_000
  const read = async (id: string): Promise<Payment> => {
    const result = await agent.get(id)
    if (result.ok) return result.payment
    throw new Error(`${id} cannot be read: ${JSON.stringify(result)}`)
  }
  return {
    world,
    agent,
    operator: people.operator,
    people,
    acknowledged,
    read,
    bill: (payee = 'acme', more = {}) => ({
      // No two bills look alike.
      amount: (amount += 7),
      currency: 'EUR',
      payee,
      reference: `INV-${randomUUID()}`,
      ...more,
    }),
    pay: async (bill, { key, by = agent } = {}) => {
      const result: PaymentResult = await by.pay(bill, key === undefined ? {} : { key })
      if (!result.ok) throw new Error(`refused: ${JSON.stringify(result)}`)
      acknowledged.set(result.payment.id, bill)
      return result.payment
    },
    becomes: async (id, state, { withinMs = patienceMs } = {}) => {
      let seen: Payment | undefined
      let version = 0
      // Asked at the door only when there is something new: each question runs two functions.
      const isSo = async (): Promise<boolean> => {
        const glance = await people.glance(id)
        if (glance.version === version) return false
        seen = await read(id)
        version = glance.version
        return typeof state === 'string' ? seen.state === state : state(seen)
      }
      await until(`${id} becomes ${String(state)}`, isSo, { withinMs }).catch((error: unknown) => {
        throw new Error(`${String(error)}; it is ${JSON.stringify(seen)}`)
      })
      if (seen === undefined) throw new Error('never read')
      return seen
    },
  }
}
