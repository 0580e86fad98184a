// Exhaustive small scope: one payment, every fault at every call site and every crash at every
// commit, all schedules of up to N of them. Each run is deterministic; the sites that a run meets
// are where the next fault can go.
import { submit } from '../src/engine/submit.ts'
import { advance } from '../src/engine/advance.ts'
import { defaultBreakerPolicy } from '../src/core/breaker.ts'
import type { BreakerPolicy } from '../src/core/breaker.ts'
import { createBreakers } from '../src/engine/breakers.ts'
import { createSlots } from '../src/engine/slots.ts'
import { createChanges } from '../src/engine/changes.ts'
import { commandPayment } from '../src/engine/command.ts'
import type { AgentCommand } from '../src/engine/command.ts'
import type { Alarm, Engine } from '../src/engine/engine.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { addAgent } from '../src/engine/identity.ts'
import { keepTime } from '../src/engine/time.ts'
import { defaultClaimPolicy } from '../src/core/claim.ts'
import { evolveAll } from '../src/core/evolve.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import type { Capabilities } from '../src/core/policy.ts'
import type { Payment, PaymentEvent } from '../src/core/payment.ts'
import type { Clock, Store } from '../src/ports.ts'
import { createModelProcessor, sendFaults } from './model-processor.ts'
import type { CallFault, ModelProcessor } from './model-processor.ts'

export type CommitFault =
  | 'crash_before'
  | 'crash_after'
  | 'answer_lost'
  | 'not_written'
  | 'stalled'
  | 'overtaken'
export type Fault = CallFault | CommitFault | 'crash_after_call' | 'answer_stalled'

// The process sleeps after (`stalled`) or before (`overtaken`) its commit, while a twin does all the
// rest, and then wakes up.
const commitFaults: readonly CommitFault[] = [
  'crash_before',
  'crash_after',
  'answer_lost',
  'not_written',
  'stalled',
  'overtaken',
]

/** Which fault happens at which site, counted from the start of the run. */
export type Schedule = readonly { readonly site: number; readonly fault: Fault }[]

export interface Workload {
  readonly name: string
  readonly capabilities: Capabilities
  readonly capture: 'automatic' | 'manual'
  /** The default unless told; it never opens for two faults. */
  readonly breakerPolicy?: BreakerPolicy
  /** What the agent asks besides, after so many steps of the driver. */
  readonly commands: readonly { readonly afterSteps: number; readonly command: AgentCommand }[]
}

export interface Ran {
  readonly sites: readonly ('commit' | 'send' | 'look_up')[]
  readonly payment: Payment | null
  readonly events: readonly PaymentEvent[]
  readonly processor: ModelProcessor
  readonly alarms: readonly Alarm[]
  readonly faults: readonly string[]
}

class Crash extends Error {}

const agentRow = { id: 'agent', account: 'account', name: '', suspended: false, mandate: null }
const caller = { agent: 'agent', account: 'account' }
const request = {
  amount: 1999,
  currency: 'EUR',
  payee: 'ACME',
  reference: 'INV-1',
  description: null,
  metadata: {},
  processor: null,
  paymentMethod: null,
  capture: 'automatic',
  retryOf: null,
  distinctFrom: [],
  reason: null,
  batch: null,
  notAfterMs: null,
} as const

/** Runs one schedule to the end: faults first, then everything heals and time goes on. */
export async function run(
  openStore: () => Store,
  workload: Workload,
  schedule: Schedule,
): Promise<Ran> {
  const sites: ('commit' | 'send' | 'look_up')[] = []
  const alarms: Alarm[] = []
  const faultAt = (kind: 'commit' | 'send' | 'look_up'): Fault | null => {
    sites.push(kind)
    return schedule.find((each) => each.site === sites.length - 1)?.fault ?? null
  }
  const world = createWorld(openStore(), workload, faultAt, alarms)
  const paymentId = await claim(world, workload)
  if (paymentId !== null) await drive(world, workload, paymentId)
  const [row] =
    paymentId === null ? [null] : await world.store.read([{ table: 'payment', key: paymentId }])
  const events = paymentId === null ? [] : await world.store.events(paymentId, 0, 1000)
  await world.store.close()
  return {
    sites,
    payment: row?.value.payment ?? null,
    events,
    processor: world.processor,
    alarms,
    faults: schedule.map(({ site, fault }) => `${sites[site]}#${site}:${fault}`),
  }
}

interface World {
  readonly engine: Engine
  readonly store: Store
  readonly processor: ModelProcessor
  readonly clock: { nowMs: number }
  /** A second driver that brings the payment to rest while the first one sleeps. */
  readonly twin: { run: (() => Promise<void>) | null }
}

function createWorld(
  inner: Store,
  workload: Workload,
  faultAt: (kind: 'commit' | 'send' | 'look_up') => Fault | null,
  alarms: Alarm[],
): World {
  const hand = { nowMs: 1_800_000_000_000 }
  const clock: Clock = {
    nowMs: () => hand.nowMs,
    steadyMs: () => hand.nowMs,
    sleep: async (forMs) => {
      hand.nowMs += forMs
    },
  }
  const twin: World['twin'] = { run: null }
  const meanwhile = async (): Promise<void> => {
    const { run: runTwin } = twin
    // One twin at a time; it begins when the sleeper's send may be recovered.
    twin.run = null
    hand.nowMs += defaultPolicy.recoverAfterMs
    await runTwin?.()
  }
  let afterCall: Fault | null = null
  const model = createModelProcessor(
    clock,
    (kind) => {
      const fault = faultAt(kind === 'look_up' ? 'look_up' : 'send')
      afterCall = fault
      const isAfter = fault === 'crash_after_call' || fault === 'answer_stalled'
      return isAfter ? null : (fault as CallFault | null) // schedules put only call faults here
    },
    workload.capabilities,
  )
  const processor: ModelProcessor = {
    ...model,
    async send(call) {
      const answer = await model.send(call)
      const then = afterCall
      if (then === 'crash_after_call') throw new Crash()
      if (then === 'answer_stalled') await meanwhile()
      return answer
    },
  }
  const store = withFaults(inner, faultAt, meanwhile)
  let ids = 0
  const engine: Engine = {
    store,
    processors: new Map([['model', processor]]),
    clock,
    time: keepTime(clock, () => undefined),
    ids: { next: (prefix) => `${prefix}_${String((ids += 1)).padStart(26, '0')}` },
    policy: defaultPolicy,
    claimPolicy: defaultClaimPolicy,
    secondOperator: false,
    breakerPolicy: workload.breakerPolicy ?? defaultBreakerPolicy,
    rateLimits: new Map(),
    breakers: createBreakers(),
    slots: createSlots(),
    alarm: (alarm) => void alarms.push(alarm),
    log: () => undefined,
    meter: silentMeter,
    changes: createChanges(),
    wake: () => undefined,
  }
  return { engine, store: inner, processor, clock: hand, twin }
}

function withFaults(
  inner: Store,
  faultAt: (kind: 'commit') => Fault | null,
  meanwhile: () => Promise<void>,
): Store {
  return {
    ...inner,
    async commit(write) {
      const fault = faultAt('commit')
      if (fault === 'crash_before') throw new Crash()
      if (fault === 'not_written') return { result: 'unknown', why: 'not written' }
      if (fault === 'overtaken') await meanwhile()
      const result = await inner.commit(write)
      if (fault === 'crash_after') throw new Crash()
      if (fault === 'stalled') await meanwhile()
      return fault === 'answer_lost' ? { result: 'unknown', why: 'answer lost' } : result
    },
  }
}

// The agent never gives up and never makes a new key.
async function claim({ engine, store }: World, { capture }: Workload): Promise<string | null> {
  await addAgent({ ...engine, store }, agentRow, 'token')
  const key = { method: 'POST', path: '/v1/payments', key: 'key', fingerprint: 'same' }
  for (let tries = 0; tries < 10; tries += 1) {
    const submission = await survived(submit(engine, caller, key, { ...request, capture }))
    if (submission !== null && submission.result !== 'rejected') return submission.paymentId
  }
  return null
}

const survived = async <T>(work: Promise<T>): Promise<T | null> =>
  work.catch((error: unknown) => {
    if (error instanceof Crash) return null
    throw error
  })

async function drive(world: World, workload: Workload, paymentId: string): Promise<void> {
  const { engine, clock, processor } = world
  let asked = 0
  world.twin.run = () => driveToRest(world, paymentId)
  for (let step = 0; step < 400; step += 1) {
    const due = workload.commands[asked]
    if (due !== undefined && due.afterSteps <= step) {
      if (await told(world, paymentId, due.command, asked)) asked += 1
    }
    const progress = await survived(advance(engine, paymentId, 1))
    // What was delayed on the way arrives a moment after the first look at the matter.
    if (step % 2 === 1) processor.arrive()
    if (progress === null) clock.nowMs += 100
    else if (progress.next === 'wait') clock.nowMs = Math.max(clock.nowMs, progress.untilMs)
    else if (progress.next === 'store_unavailable') clock.nowMs += 500
    else if (progress.next === 'done' && asked === workload.commands.length) return
    else if (progress.next === 'done') clock.nowMs += 1_000
  }
  throw new Error('it does not come to rest')
}

// The twin is another process. It crashes on no fault of its own: those are the first driver's.
async function driveToRest(world: World, paymentId: string): Promise<void> {
  const { clock } = world
  const engine = { ...world.engine, breakers: createBreakers(), slots: createSlots() }
  for (let step = 0; step < 100; step += 1) {
    const progress = await advance(engine, paymentId, 1)
    if (progress.next === 'wait') clock.nowMs = Math.max(clock.nowMs, progress.untilMs)
    else if (progress.next === 'store_unavailable') clock.nowMs += 500
    else if (progress.next !== 'go_on') return
  }
}

async function told(
  world: World,
  paymentId: string,
  command: AgentCommand,
  number: number,
): Promise<boolean> {
  const key = {
    method: 'POST',
    path: `/v1/payments/${paymentId}/${command.type}`,
    key: `key-${number}`,
    fingerprint: 'same',
  }
  const result = await survived(commandPayment(world.engine, caller, key, paymentId, command))
  if (result === null) return false
  return result.result !== 'rejected' || result.rejection.code !== 'retry_same_key'
}

// ── Judgement ────────────────────────────────────────────────────────────────────────────────────

/** What is wrong with the end of a run, in words; none is right. */
export function faultsOf(ran: Ran): readonly string[] {
  const { payment, events, processor } = ran
  if (payment === null) return ['no payment was made although the agent never gave up']
  const wrong: string[] = []
  const captured = processor.capturesOf(payment.id)
  const money = processor.charges.reduce((sum, charge) => sum + charge.captured, 0)
  if (captured > 1) wrong.push(`captured ${captured} times`)
  const ours = 'amountCaptured' in payment ? payment.amountCaptured : 0
  if (ours !== money) wrong.push(`we say ${ours} captured, the processor ${money}`)
  const authorised = processor.charges.filter((charge) => charge.status === 'authorised')
  const parked = payment.holds.some((hold) => hold.reason === 'dead_letter')
  if (isEnd(payment) && authorised.length > 0)
    wrong.push(`${authorised.length} authorisations left behind`)
  if (!isEnd(payment) && !parked && !waitsForCapture(payment))
    wrong.push(`rests in ${payment.state}`)
  const refunded = processor.charges.flatMap((charge) => charge.refunds)
  if (refunded.reduce((sum, each) => sum + each.amount, 0) > ours)
    wrong.push('refunded more than captured')
  events.forEach((event, index) => {
    if (event.seq !== index + 1) wrong.push(`event ${index + 1} has number ${event.seq}`)
  })
  if (JSON.stringify(sorted(evolveAll(null, events))) !== JSON.stringify(sorted(payment))) {
    wrong.push('the events do not rebuild the payment')
  }
  return wrong
}

const isEnd = ({ state }: Payment): boolean =>
  !['initiated', 'validated', 'authorised'].includes(state)

const waitsForCapture = (payment: Payment): boolean =>
  payment.state === 'authorised' &&
  payment.capture === 'manual' &&
  payment.captureRequested === null

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, each]) => [key, sorted(each)]),
  )
}

// ── All schedules ────────────────────────────────────────────────────────────────────────────────

export interface Explored {
  readonly schedules: number
  readonly parked: number
  readonly violations: readonly {
    readonly faults: readonly string[]
    readonly wrong: readonly string[]
  }[]
}

/** One of several that share the work: whoever has this number takes every `of`-th first fault. */
export interface Share {
  readonly number: number
  readonly of: number
}

/** Every schedule of up to `depth` faults. A fault can go to each site that the run before it met. */
export async function explore(
  openStore: () => Store,
  workload: Workload,
  depth: number,
  share: Share = { number: 0, of: 1 },
): Promise<Explored> {
  let firstFaults = 0
  let schedules = 0
  let parked = 0
  const violations: { faults: readonly string[]; wrong: readonly string[] }[] = []
  const visit = async (schedule: Schedule): Promise<void> => {
    schedules += 1
    const ran = await run(openStore, workload, schedule)
    const wrong = faultsOf(ran)
    if (wrong.length > 0) violations.push({ faults: ran.faults, wrong })
    if (ran.payment?.holds.some((hold) => hold.reason === 'dead_letter') === true) parked += 1
    if (schedule.length === depth) return
    const from = (schedule.at(-1)?.site ?? -1) + 1
    for (let site = from; site < ran.sites.length; site += 1) {
      for (const fault of faultsAt(ran.sites[site])) {
        if (schedule.length === 0 && (firstFaults += 1) % share.of !== share.number) continue
        await visit([...schedule, { site, fault }])
      }
    }
  }
  await visit([])
  // The run without a fault is everybody's first, and counted by one.
  if (share.number > 0) schedules -= 1
  return { schedules, parked, violations }
}

export function faultsAt(kind: 'commit' | 'send' | 'look_up' | undefined): readonly Fault[] {
  if (kind === 'commit') return commitFaults
  if (kind === 'send') return [...sendFaults, 'crash_after_call', 'answer_stalled']
  return ['no_answer']
}
