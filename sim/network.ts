// The way between one of our processes and the processor: requests get lost, answers get lost, some
// arrive when their sender has long given up, and several of one payment are under way at once.
import type { Answer, Finding, ObjectView } from '../src/core/outcome.ts'
import type { Capabilities } from '../src/core/policy.ts'
import type { Call, LookUp, Processor } from '../src/ports.ts'
import { silent } from './bank.ts'
import type { Bank } from './bank.ts'
import type { Faults } from './faults.ts'
import type { Options } from './options.ts'
import type { Random } from './random.ts'
import type { Schedule } from './schedule.ts'

export interface Network {
  readonly schedule: Schedule
  readonly random: Random
  readonly faults: Faults
  readonly options: Options
  readonly bank: Bank
  /** Nothing is reached until then. */
  outageUntilMs: number
  /** A call that may move money leaves. */
  readonly leaves: (call: Call, capabilities: Capabilities) => void
}

const binding = { processor: 'bank', processorAccount: 'acct_1', livemode: false }

/** The processor as one process sees it; `isAlive`: nothing is answered to the dead. */
export function createProcessor(network: Network, isAlive: () => boolean): Processor {
  const { capabilities } = network.options
  return {
    binding,
    capabilities: () => capabilities,
    send: (call) => hang(isAlive, (answer) => void send(network, call, isAlive, answer)),
    lookUp: (query) => hang(isAlive, (answer) => lookUp(network, query, answer)),
    readWebhook: (body) => JSON.parse(body) as ReturnType<Processor['readWebhook']>, // we wrote it
    close: async () => undefined,
  }
}

// What is asked by a process that dies is never answered: its promise stays as it is.
function hang<T>(isAlive: () => boolean, start: (answer: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve) => {
    let isAnswered = false
    start((value) => {
      if (isAnswered || !isAlive()) return
      isAnswered = true
      resolve(value)
    })
  })
}

const shortMs = (random: Random): number =>
  random.chance(0.05) ? random.whole(500, 9_000) : random.whole(5, 150)

async function send(
  network: Network,
  call: Call,
  isAlive: () => boolean,
  answer: (value: Answer) => void,
): Promise<void> {
  const { schedule, random, faults, bank } = network
  const { rates, arrivesWithinMs, capabilities } = network.options
  const answerIn = (inMs: number, value: Answer): void => schedule.later(inMs, () => answer(value))
  const refusedIn = (cause: string): void => answerIn(1, { ...silent, signal: 'not_sent', cause })
  if (call.timeoutMs <= 0) return refusedIn('no_time_left')
  if (random.chance(0.1)) {
    // It has to wait for a connection, and asks again before it goes out.
    const stopped = (await call.mayStart?.()) ?? null
    if (!isAlive()) return
    if (stopped !== null) return refusedIn(stopped)
  }
  if (faults.strikes('refused', rates.refused)) return refusedIn('ECONNREFUSED')
  network.leaves(call, capabilities)
  answerIn(call.timeoutMs, { ...silent, signal: 'connection_lost', cause: 'timeout' })
  if (schedule.nowMs() < network.outageUntilMs) {
    return answerIn(shortMs(random), { ...silent, signal: 'gateway_error', cause: '503' })
  }
  if (faults.strikes('request lost', rates.requestLost)) {
    if (random.chance(0.5)) answerIn(shortMs(random), { ...silent, cause: 'ECONNRESET' })
    return
  }
  const isLate = faults.strikes('late', rates.late)
  const thereInMs = isLate
    ? random.whole(call.timeoutMs, call.timeoutMs + arrivesWithinMs)
    : shortMs(random)
  const isLost = faults.strikes('answer lost', rates.answerLost)
  const isGateway = faults.strikes('gateway', rates.gateway)
  if (isLate && random.chance(0.5)) {
    answerIn(shortMs(random), { ...silent, cause: 'ECONNRESET' })
  }
  schedule.later(thereInMs, () => {
    const told = bank.receive(call)
    if (isLost) return
    answerIn(
      shortMs(random),
      isGateway ? { ...silent, signal: 'gateway_error', cause: '504', status: 504 } : told,
    )
  })
}

function lookUp(network: Network, query: LookUp, answer: (value: Finding) => void): void {
  const { schedule, random, faults, bank, options } = network
  const lost: Finding = { finding: 'no_answer', cause: '504', retryAfterMs: null }
  const isOut = schedule.nowMs() < network.outageUntilMs
  if (isOut || faults.strikes('look-up lost', options.rates.lookUpLost)) {
    schedule.later(shortMs(random), () => answer(lost))
    return
  }
  schedule.later(random.whole(5, 100), () => {
    const found = read(network, query, bank)
    schedule.later(random.whole(5, 100), () => answer(found))
  })
}

function read(network: Network, query: LookUp, bank: Bank): Finding {
  const { by, objectId, paymentId } = query
  const { lookupLagMs } = network.options.capabilities
  const nowMs = network.schedule.nowMs()
  const object: ObjectView | null =
    objectId !== null
      ? bank.byId(objectId)
      : bank.ofPayment(paymentId, by === 'reference' ? nowMs - lookupLagMs : nowMs)
  const consistent = by !== 'reference'
  return object === null
    ? { finding: 'not_found', consistent }
    : { finding: 'found', object, consistent }
}
