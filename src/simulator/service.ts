// The life of one call: what is due happens first, a fault is chosen, the call is carried out under
// its key in one transaction, and the client gets to see what the fault lets through.
import { serverError } from './answers.ts'
import type { Answer } from './answers.ts'
import { chooseFault, draw, faultKinds, isOut, noFaults } from './faults.ts'
import type { CallFacts, FaultKind, FaultPlan, Operation } from './faults.ts'
import { connectionLost, openHolds } from './holds.ts'
import type { Holds } from './holds.ts'
import { openIds } from './ids.ts'
import type { Ids } from './ids.ts'
import { openKeys } from './keys.ts'
import type { Keyed, Keys } from './keys.ts'
import { openLedger } from './ledger.ts'
import type { Ledger } from './ledger.ts'
import type { SimulatorSettings } from './options.ts'
import { ripenDue } from './perform.ts'
import type { Done, Scene } from './perform.ts'
import { visible } from './shows.ts'
import { nobody } from './subjects.ts'
import type { Subject } from './subjects.ts'
import { openWebhooks } from './webhooks.ts'
import type { Webhooks } from './webhooks.ts'

/** A call as the routes hand it over. */
export interface Task {
  readonly operation: Operation
  /** `null`: a read. */
  readonly keyed: Keyed | null
  /** Inside the transaction: whom it is about. */
  readonly subject: (ledger: Ledger) => Subject
  /** Inside the transaction, unless the key has its answer already. */
  readonly work: (scene: Scene) => Done
}

export interface Client {
  /** Where it reached us; for links. */
  readonly origin: () => string
  /** Aborts when the client goes away. */
  readonly signal: () => AbortSignal
}

export interface Service {
  readonly settings: SimulatorSettings
  readonly ledger: Ledger
  readonly ids: Ids
  readonly webhooks: Webhooks
  /** When writes came in, whatever became of them; also while the gateway answers for us. */
  readonly arrivals: Arrivals
  /** Rejects with a lost connection (`holds.ts`) where the client gets no answer. */
  handle(task: Task, client: Client): Promise<Answer>
  /** Admin work: no key, no fault. */
  act(work: (scene: Scene) => Done): Answer
  /** Does what fell due by the clock: late arrivals, expiry, settlement, ends of `processing`. */
  catchUp(): void
  isOut(): boolean
  plan(): FaultPlan
  setPlan(plan: FaultPlan): void
  close(): void
}

interface Arrivals {
  add(isOut: boolean): void
  /** Oldest first. */
  since(fromMs: number): readonly Arrival[]
}

interface Arrival {
  readonly at_ms: number
  /** The gateway answered for us. */
  readonly out: boolean
}

interface House {
  readonly settings: SimulatorSettings
  readonly ledger: Ledger
  readonly ids: Ids
  readonly keys: Keys
  readonly webhooks: Webhooks
  readonly holds: Holds
  /** Requests under way to us. In memory: the network, too, forgets them when a machine dies. */
  readonly late: Late[]
  plan: FaultPlan
  closed: boolean
}

interface Late {
  readonly dueAtMs: number
  readonly task: Task
  readonly origin: Origin
}

type Origin = () => string

/** In one transaction; what is left follows in the next. */
const maxRipenAtOnce = 500

/** More than a test has under way; above it a late request never arrives. */
const maxLate = 10_000

export function openService(settings: SimulatorSettings): Service {
  const ledger = openLedger(settings.file)
  const ids = openIds(ledger, settings.seed)
  const house: House = {
    settings,
    ledger,
    ids,
    keys: openKeys(ledger, settings),
    webhooks: openWebhooks(ledger, settings, ids),
    holds: openHolds(settings.maxHoldMs),
    late: [],
    plan: storedPlan(ledger) ?? noFaults(settings.seed),
    closed: false,
  }
  return Object.freeze({
    settings,
    ledger,
    ids,
    webhooks: house.webhooks,
    arrivals: countArrivals(settings.nowMs),
    handle: (task, client) => handle(house, task, client),
    act: (work) => {
      catchUp(house)
      return execute(house, { ...adminTask, work }, null, nowhere)
    },
    catchUp: () => catchUp(house),
    isOut: () => isOut(house.plan, settings.nowMs()),
    plan: () => house.plan,
    setPlan: (plan) => {
      house.plan = plan
      ledger.putSetting('faults', JSON.stringify(plan))
    },
    close: () => {
      if (house.closed) return
      house.closed = true
      house.late.length = 0
      house.holds.close()
      house.webhooks.close()
      ledger.close()
    },
  } satisfies Service)
}

/** The newest are kept; no test makes more calls in the stretch that it looks at. */
const maxArrivals = 20_000

function countArrivals(nowMs: () => number): Arrivals {
  const kept: Arrival[] = []
  return Object.freeze({
    add(isOut: boolean) {
      kept.push({ at_ms: nowMs(), out: isOut })
      if (kept.length > maxArrivals) kept.shift()
    },
    since: (fromMs: number) => kept.filter((each) => each.at_ms >= fromMs),
  })
}

async function handle(house: House, task: Task, client: Client): Promise<Answer> {
  const { ledger, settings } = house
  catchUp(house)
  const nowMs = settings.nowMs()
  const { call, fault, done } = ledger.transaction(() => {
    const subject = task.subject(ledger)
    const nth = ledger.count(task.operation, subject.reference)
    const facts: CallFacts = { ...subject, operation: task.operation, nth }
    const chosen = chooseFault(house.plan, facts)
    if (chosen !== null) ledger.count('fault', chosen)
    const atOnce = chosen === null || faultKinds[chosen].executes === 'now'
    const scene = sceneAt(house, nowMs, client.origin)
    return { call: facts, fault: chosen, done: atOnce ? run(house, task, chosen, scene) : null }
  })
  if (done !== null) house.webhooks.send(done.told, fault, nowMs)
  if (done !== null && fault === null) return done.answer
  if (fault === null) throw new Error('a call without a fault is done at once')
  return afterFault(house, task, client, { call, fault, answer: done?.answer ?? null })
}

/** The part of a call that a fault takes over. */
async function afterFault(
  house: House,
  task: Task,
  client: Client,
  met: { readonly call: CallFacts; readonly fault: FaultKind; readonly answer: Answer | null },
): Promise<Answer> {
  const { call, fault } = met
  const { executes, shows } = faultKinds[fault]
  const { nowMs, retryAfterMs, lateMs } = house.settings
  if (executes === 'late' && house.late.length < maxLate) {
    house.late.push({ dueAtMs: nowMs() + lateMs, task, origin: client.origin })
  }
  if (shows === 'reset') throw connectionLost('ECONNRESET')
  if (shows === 'silence') return house.holds.holdOpen(client.signal())
  const answer =
    executes === 'slowly' ? await executeSlowly(house, task, call, client.origin) : met.answer
  const turn = draw(house.plan.seed, call, 'retry_after')
  return visible(shows, answer, { nowMs: nowMs(), retryAfterMs, turn })
}

/** The key is at work from its arrival on, and the effect comes at the end. */
async function executeSlowly(
  house: House,
  task: Task,
  call: CallFacts,
  origin: Origin,
): Promise<Answer> {
  const { keys, holds, plan } = house
  const { keyed } = task
  const busy = keyed && keys.busy(keyed)
  if (busy !== null) return busy
  const free = keyed === null ? null : keys.occupy(keyed)
  const [leastMs, mostMs] = house.settings.slowMs
  try {
    await holds.pause(leastMs + (mostMs - leastMs) * draw(plan.seed, call, 'slow'))
  } finally {
    free?.()
  }
  catchUp(house)
  return execute(house, task, null, origin)
}

function catchUp(house: House): void {
  const { ledger, settings, webhooks, late } = house
  const nowMs = settings.nowMs()
  while (ledger.chargesDue(nowMs, 1).length > 0) {
    const scene = sceneAt(house, nowMs, nowhere)
    webhooks.send(
      ledger.transaction(() => ripenDue(scene, maxRipenAtOnce)),
      null,
      nowMs,
    )
  }
  if (late.length === 0) return
  const due = late.filter((each) => each.dueAtMs <= nowMs)
  late.splice(0, late.length, ...late.filter((each) => each.dueAtMs > nowMs))
  for (const { task, origin } of due) execute(house, task, null, origin)
}

function execute(house: House, task: Task, fault: FaultKind | null, origin: Origin): Answer {
  const nowMs = house.settings.nowMs()
  const scene = sceneAt(house, nowMs, origin)
  const done = house.ledger.transaction(() => run(house, task, fault, scene))
  house.webhooks.send(done.told, fault, nowMs)
  return done.answer
}

/** Inside a transaction: key, effect and stored answer are durable together or not at all. */
function run({ keys, settings }: House, task: Task, fault: FaultKind | null, scene: Scene): Done {
  const { keyed } = task
  const known = keyed && (keys.busy(keyed) ?? keys.known(keyed, scene.nowMs))
  if (known !== null) return { answer: known, told: [] }
  const done: Done =
    fault === '500_then_not'
      ? { answer: serverError, told: [] }
      : task.work({ ...scene, declines: fault === 'decline' })
  const answer = fault === '500_then_done' ? serverError : done.answer
  // Where errors are not stored the key must still protect what was done under it.
  const kept = settings.keyCachesErrors ? answer : done.answer
  if (keyed !== null) keys.finish(keyed, kept, scene.nowMs)
  return { answer, told: done.told }
}

function sceneAt({ ledger, settings, ids }: House, nowMs: number, origin: Origin): Scene {
  return { ledger, settings, ids, nowMs, origin, declines: false }
}

/** What happens by itself makes no links. */
const nowhere = (): string => ''

const adminTask = Object.freeze({
  operation: 'look_up',
  keyed: null,
  subject: () => nobody,
} satisfies Omit<Task, 'work'>)

function storedPlan(ledger: Ledger): FaultPlan | null {
  // Only `setPlan` writes this setting.
  return JSON.parse(ledger.setting('faults') ?? 'null') as FaultPlan | null
}
