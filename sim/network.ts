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
  /** Chance, of whoever acts now. */
  readonly random: () => Random
  readonly randomOf: (about: string) => Random
  /** Whose a payment is. */
  readonly ownerOf: (paymentId: string) => string
  readonly faults: Faults
  readonly options: Options
  readonly bank: Bank
  /** Nothing is reached until then. */
  outageUntilMs: number
  /** Until when a request of a payment may still take effect. */
  readonly effectUntilMs: Map<string, number>
  /** A call that may move money leaves. */
  readonly leaves: (call: Call, capabilities: Capabilities) => void
}

const binding = { processor: 'bank', processorAccount: 'acct_1', livemode: false }

/** Whom the processor answers. */
interface Asker {
  /** Nothing is answered to the dead. */
  readonly isAlive: () => boolean
  readonly kill: (where: string) => void
}

/** The processor as one process sees it. */
export function createProcessor(network: Network, asker: Asker): Processor {
  const { capabilities } = network.options
  const { isAlive } = asker
  return {
    binding,
    capabilities: () => capabilities,
    send: (call) =>
      hang(network, asker, 'send', (answer) => void send(network, call, isAlive, answer)),
    lookUp: (query) => hang(network, asker, 'look-up', (answer) => lookUp(network, query, answer)),
    readWebhook: (body) => JSON.parse(body) as ReturnType<Processor['readWebhook']>, // we wrote it
    close: async () => undefined,
  }
}

// What is asked by a process that dies is never answered: its promise stays as it is. It can die right
// before the call and right after its answer, too.
function hang<T>(
  { faults, options: { rates } }: Network,
  { isAlive, kill }: Asker,
  name: string,
  start: (answer: (value: T) => void) => void,
): Promise<T> {
  return new Promise((resolve) => {
    let isAnswered = false
    if (faults.strikes(`crash before ${name}`, rates.crash)) return kill(`before ${name}`)
    start((value) => {
      if (isAnswered || !isAlive()) return
      isAnswered = true
      if (faults.strikes(`crash after ${name}`, rates.crash)) return kill(`after ${name}`)
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
  const { schedule, faults, bank } = network
  const { rates, arrivesWithinMs, capabilities } = network.options
  const random = network.random()
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
  const latestMs = schedule.nowMs() + call.timeoutMs + arrivesWithinMs
  network.effectUntilMs.set(call.payment.id, latestMs)
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
  const isGarbled = faults.strikes('garbled', rates.garbled)
  if (isLate && random.chance(0.5)) {
    answerIn(shortMs(random), { ...silent, cause: 'ECONNRESET' })
  }
  schedule.later(thereInMs, () =>
    bank.receive(call, latestMs, (told) => {
      if (isLost) return
      const onItsWay = isGateway ? gatewayTimeout : isGarbled ? random.pick(garbled) : told
      answerIn(shortMs(random), onItsWay)
    }),
  )
}

const gatewayTimeout: Answer = { ...silent, signal: 'gateway_error', cause: '504', status: 504 }

/** A page of somebody in between, and half of an answer. */
const garbled: readonly Answer[] = [
  { ...silent, signal: 'unlisted', cause: '403', status: 403 },
  { ...silent, signal: 'unreadable', cause: 'invalid_json', status: 200 },
]

function lookUp(network: Network, query: LookUp, answer: (value: Finding) => void): void {
  const { schedule, faults, bank, options } = network
  // A message may be the reason: the one who asks is the loop then, and not the bill.
  const about = network.ownerOf(query.paymentId)
  const random = network.random()
  const lost: Finding = { finding: 'no_answer', cause: '504', retryAfterMs: null }
  const isOut = schedule.nowMs() < network.outageUntilMs
  if (isOut || faults.strikes('look-up lost', options.rates.lookUpLost, about)) {
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
