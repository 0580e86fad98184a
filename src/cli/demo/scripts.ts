// What agents do with a bill. The names stand in the last column of `examples/bills.csv`.
import { setTimeout as sleep } from 'node:timers/promises'

import type { Payment, PaymentResult } from '../../client/index.ts'
import { ask, requestFor, surprise, waitForEnd } from './agent.ts'
import type { DemoAgent } from './agent.ts'
import type { DemoBill } from './bills.ts'
import type { Random } from './random.ts'

export interface Scene {
  readonly bill: DemoBill
  readonly agent: DemoAgent
  /** Another agent of the same account. */
  readonly mate: DemoAgent
  readonly random: Random
}

interface Script {
  readonly what: string
  readonly isPayable: boolean
  readonly play: (scene: Scene) => Promise<unknown>
}

/** Retries that the service allows for a bill; one more is asked for on purpose. */
const maxRetries = 3

export const scripts = {
  patient: {
    what: 'asks once and waits',
    isPayable: true,
    play: async ({ agent, bill }) => end(agent, bill, await ask(agent, bill, requestFor(bill))),
  },
  impatient: {
    what: 'sends the same request three times at once, and once more',
    isPayable: true,
    play: impatient,
  },
  new_key: {
    what: 're-plans and asks again under a new key',
    isPayable: true,
    play: newKey,
  },
  changes_body: {
    what: 'asks again under the same key for another amount',
    isPayable: true,
    play: changesBody,
  },
  gives_up: {
    what: 'hangs up at once and comes back later',
    isPayable: true,
    play: givesUp,
  },
  forgets: {
    what: 'hangs up, forgets everything and looks for the bill by its reference',
    isPayable: true,
    play: forgets,
  },
  other_words: {
    what: 'asks again with the reference in other words',
    isPayable: true,
    play: asksInOtherWords,
  },
  twin: {
    what: 'one of two bills that look alike and are two',
    isPayable: true,
    play: isTwin,
  },
  two_agents: {
    what: 'two agents ask for it in the same moment',
    isPayable: true,
    play: twoAgents,
  },
  captured_later: {
    what: 'authorises first, captures when the goods have left',
    isPayable: true,
    play: capturedLater,
  },
  declined_once: {
    what: 'is declined, and asked again with retry_of',
    isPayable: true,
    play: ({ agent, bill }) => retry(agent, bill, 1),
  },
  declined: {
    what: 'is declined for good',
    isPayable: false,
    play: async ({ agent, bill }) => end(agent, bill, await ask(agent, bill, requestFor(bill))),
  },
  keeps_retrying: {
    what: 'is declined and retried as long as the service allows',
    isPayable: false,
    play: ({ agent, bill }) => retry(agent, bill, maxRetries + 1),
  },
  cancelled: {
    what: 'is authorised and voided before its capture',
    isPayable: false,
    play: cancelled,
  },
  capture_refused: {
    what: 'is authorised, and the capture is refused',
    isPayable: false,
    play: async ({ agent, bill }) => end(agent, bill, await ask(agent, bill, requestFor(bill))),
  },
  lapses: {
    what: 'is authorised, and the authorisation lapses at once',
    isPayable: false,
    play: async ({ agent, bill }) => end(agent, bill, await ask(agent, bill, requestFor(bill))),
  },
} as const satisfies Readonly<Record<string, Script>>

export type ScriptName = keyof typeof scripts

export function isScriptName(name: string): name is ScriptName {
  return Object.hasOwn(scripts, name)
}

async function impatient({ agent, bill }: Scene): Promise<void> {
  const request = requestFor(bill)
  const three = await Promise.all([1, 2, 3].map(() => ask(agent, bill, request)))
  const again = await ask(agent, bill, request)
  const ids = new Set([...three, again].flatMap((asked) => (asked.ok ? [asked.payment.id] : [])))
  if (ids.size > 1) surprise(agent, bill, `one key, ${ids.size} payments`)
  await end(agent, bill, again)
}

async function newKey({ agent, bill, random }: Scene): Promise<void> {
  const request = requestFor(bill)
  const first = await ask(agent, bill, request)
  await sleep(random.integer(0, 300))
  const key = `replanned-${bill.id}-${random.integer(0, 1e9)}`
  const second = await ask(agent, bill, request, { key })
  expectRefusal(agent, bill, second, 'duplicate_reference')
  await follow(agent, bill, second, first)
}

async function changesBody({ agent, bill }: Scene): Promise<void> {
  const request = requestFor(bill)
  const first = await ask(agent, bill, request)
  const second = await ask(agent, bill, { ...request, amount: request.amount + 100 })
  expectRefusal(agent, bill, second, 'idempotency_key_reused')
  await follow(agent, bill, second, first)
}

async function givesUp({ agent, bill, random }: Scene): Promise<void> {
  const request = requestFor(bill)
  const patienceMs = random.integer(1, 30)
  await ask(agent, bill, request, { deadlineMs: patienceMs, tryMs: patienceMs })
  await sleep(random.integer(200, 3_000))
  await end(agent, bill, await ask(agent, bill, request))
}

async function forgets({ agent, bill, random }: Scene): Promise<void> {
  const patienceMs = random.integer(1, 30)
  await ask(agent, bill, requestFor(bill), { deadlineMs: patienceMs, tryMs: patienceMs })
  await sleep(random.integer(200, 3_000))
  const found = await agent.client.list({ reference: bill.reference })
  const [payment] = found.ok ? found.payments : []
  // Not found says little: the same key makes it safe to ask.
  if (payment === undefined) await end(agent, bill, await ask(agent, bill, requestFor(bill)))
  else await waitForEnd(agent, bill, payment.id)
}

async function asksInOtherWords({ agent, bill }: Scene): Promise<void> {
  const request = requestFor(bill)
  const first = await ask(agent, bill, request)
  const second = await ask(agent, bill, { ...request, reference: otherWords(bill.reference) })
  expectRefusal(agent, bill, second, 'possible_duplicate')
  // The advice is use_existing, and here it is right: there is one bill.
  await follow(agent, bill, second, first)
}

async function isTwin({ agent, bill }: Scene): Promise<void> {
  const request = requestFor(bill)
  let asked = await ask(agent, bill, request)
  const others: string[] = []
  while (!asked.ok && asked.problem.code === 'possible_duplicate' && others.length < maxRetries) {
    const { existing_payment: first, existing_payments: all } = asked.problem
    others.push(...(all ?? (first === undefined ? [] : [first.id])))
    const reason = `${bill.reference} is a second order of the same goods`
    asked = await ask(agent, bill, { ...request, distinct_from: [...others], reason })
  }
  await end(agent, bill, asked)
}

async function twoAgents({ agent, mate, bill }: Scene): Promise<void> {
  const request = requestFor(bill)
  const [mine, theirs] = await Promise.all([ask(agent, bill, request), ask(mate, bill, request)])
  if (mine.ok === theirs.ok)
    surprise(agent, bill, `two agents asked, ${mine.ok ? 'both' : 'none'} got a payment`)
  const lost = mine.ok ? theirs : mine
  expectRefusal(agent, bill, lost, 'duplicate_reference')
  await follow(agent, bill, lost, mine.ok ? mine : theirs)
}

async function capturedLater({ agent, bill, random }: Scene): Promise<void> {
  const asked = await ask(agent, bill, { ...requestFor(bill), capture: 'manual' })
  const authorised = await end(agent, bill, asked)
  if (authorised === null) return
  await sleep(random.integer(0, 1_000))
  await end(agent, bill, await agent.client.capture(authorised.id))
}

async function cancelled({ agent, bill, random }: Scene): Promise<void> {
  const asked = await ask(agent, bill, { ...requestFor(bill), capture: 'manual' })
  if (!asked.ok) return surprise(agent, bill, asked.problem.code)
  await sleep(random.integer(0, 1_500))
  const voided = await agent.client.void(asked.payment.id, { reason: 'the order was cancelled' })
  await end(agent, bill, voided)
}

/** Retries with `retry_of` as long as the advice allows it, at most so often. */
async function retry(agent: DemoAgent, bill: DemoBill, times: number): Promise<void> {
  let payment = await end(agent, bill, await ask(agent, bill, requestFor(bill)))
  for (let count = 0; count < times && payment?.new_key_allowed === true; count += 1) {
    const request = { ...requestFor(bill), retry_of: payment.id }
    payment = await end(agent, bill, await ask(agent, bill, request))
  }
}

/** Waits for the end of what was asked, or says why there is nothing to wait for. */
async function end(
  agent: DemoAgent,
  bill: DemoBill,
  asked: PaymentResult,
): Promise<Payment | null> {
  if (!asked.ok) {
    surprise(agent, bill, `${asked.problem.code}: ${asked.problem.detail}`)
    return null
  }
  return waitForEnd(agent, bill, asked.payment.id)
}

/** Does what a refusal advises: looks at the payment that exists, and waits for that one. */
async function follow(
  agent: DemoAgent,
  bill: DemoBill,
  refused: PaymentResult,
  first: PaymentResult,
): Promise<void> {
  const existing = refused.ok ? null : (refused.problem.existing_payment?.id ?? null)
  const known = first.ok ? first.payment.id : existing
  if (existing !== known)
    surprise(agent, bill, `the refusal names ${existing}, the bill's payment is ${known}`)
  if (known !== null) await waitForEnd(agent, bill, known)
}

function expectRefusal(
  agent: DemoAgent,
  bill: DemoBill,
  result: PaymentResult,
  code: string,
): void {
  const got = result.ok ? `payment ${result.payment.id}` : result.problem.code
  if (got !== code) surprise(agent, bill, `expected ${code}, got ${got}`)
}

/** The reference as an agent that forgot the first wording might put it. */
export function otherWords(reference: string): string {
  const [kind = '', number = ''] = reference.split('-')
  const names: Readonly<Record<string, string>> = {
    INV: 'invoice',
    ORD: 'order',
    SUB: 'subscription',
  }
  return `${names[kind] ?? kind} no. ${number}`
}
