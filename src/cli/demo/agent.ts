// An agent of the demo: a client of the HTTP API like any other, with a bad habit for each bill. What
// it was told is kept here, for the end.
import { createClient } from '../../client/index.ts'
import type { Client, Payment, PaymentRequest, PaymentResult, Paying } from '../../client/index.ts'
import type { DemoBill } from './bills.ts'

/** What all agents together did and were told. */
export interface Chronicle {
  /** HTTP requests that went out, also those that nobody answered. */
  requests: number
  replays: number
  /** Connections that broke, because the service was killed or the agent hung up. */
  dropped: number
  /** Bill → payments that were acknowledged for it. */
  readonly acknowledged: Map<string, Set<string>>
  /** Bill → whether its money had moved when an agent last looked at its end. */
  readonly seen: Map<string, Payment['money_moved']>
  /** Answers that the script did not expect: each is a break. */
  readonly surprises: { readonly bill: string; readonly what: string }[]
}

export const newChronicle = (): Chronicle => ({
  requests: 0,
  replays: 0,
  dropped: 0,
  acknowledged: new Map(),
  seen: new Map(),
  surprises: [],
})

export interface DemoAgent {
  readonly id: string
  readonly account: string
  readonly client: Client
  readonly record: Chronicle
}

/** Longer than a restart takes; shorter than the demo. */
const agentDeadlineMs = 40_000

export function createAgent(
  given: {
    readonly id: string
    readonly account: string
    readonly token: string
    readonly url: string
    readonly fetch?: typeof globalThis.fetch
    readonly deadlineMs?: number
  },
  record: Chronicle,
): DemoAgent {
  const { id, account, token, url, fetch = globalThis.fetch } = given
  const { deadlineMs = agentDeadlineMs } = given
  const counting: typeof globalThis.fetch = async (input, init) => {
    record.requests += 1
    try {
      const response = await fetch(input, init)
      if (response.headers.get('idempotent-replayed') === 'true') record.replays += 1
      return response
    } catch (error) {
      record.dropped += 1
      throw error
    }
  }
  const client = createClient({ url, token, deadlineMs, fetch: counting })
  return Object.freeze({ id, account, client, record })
}

export function requestFor(bill: DemoBill): PaymentRequest {
  const { amount, currency, payee, reference, description } = bill
  return { amount, currency, payee, reference, description, metadata: { bill: bill.id } }
}

/** Asks, and remembers what was acknowledged. */
export async function ask(
  agent: DemoAgent,
  bill: DemoBill,
  request: PaymentRequest,
  how?: Paying,
): Promise<PaymentResult> {
  const asked = await agent.client.pay(request, how)
  if (asked.ok) acknowledge(agent.record, bill, asked.payment)
  return asked
}

function acknowledge({ acknowledged }: Chronicle, bill: DemoBill, payment: Payment): void {
  const known = acknowledged.get(bill.id) ?? new Set()
  acknowledged.set(bill.id, known.add(payment.id))
}

const maxWaits = 5

const isToWait = (waited: PaymentResult): boolean =>
  waited.ok && waited.payment.next_action.type === 'wait'

/** Waits for the end of a payment; `null`: it could not be seen. */
export async function waitForEnd(
  agent: DemoAgent,
  bill: DemoBill,
  paymentId: string,
): Promise<Payment | null> {
  let waited = await agent.client.wait(paymentId)
  // Told to wait, it waits: an outage is longer than one wait.
  for (let times = 1; times < maxWaits && isToWait(waited); times += 1) {
    waited = await agent.client.wait(paymentId)
  }
  if (!waited.ok) {
    surprise(agent, bill, `waiting: ${waited.problem.code}`)
    return null
  }
  agent.record.seen.set(bill.id, waited.payment.money_moved)
  return waited.payment
}

export function surprise(agent: DemoAgent, bill: DemoBill, what: string): void {
  agent.record.surprises.push({ bill: bill.id, what })
}
