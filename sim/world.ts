// One life of the whole system from one seed: agents, processes, processor and all that goes wrong
// between them; then it heals, and everything has to come to rest. Judged all along by an auditor.
import type { ObjectView } from '../src/core/outcome.ts'
import type { PaymentEvent } from '../src/core/payment.ts'
import type { PaymentRow, Store, Write } from '../src/ports.ts'
import { openConnection, storeOn } from '../src/stores/sqlite/store.ts'
import { run as runErrand } from './agents.ts'
import type { AgentWorld, Errand } from './agents.ts'
import { createBank } from './bank.ts'
import { createDoor } from './door.ts'
import type { Door } from './door.ts'
import type { LoopName } from './driver.ts'
import { createFaults } from './faults.ts'
import type { Faults } from './faults.ts'
import type { Network } from './network.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'
import { copyModelStore, openModelStore } from './model-store.ts'
import { createProcess } from './process.ts'
import type { Process, ProcessWorld } from './process.ts'
import { createRandom, hash, streamsOf } from './random.ts'
import type { Random } from './random.ts'
import { createSchedule } from './schedule.ts'
import type { Schedule } from './schedule.ts'
import { drawBills, drawErrands, settleIn } from './setting.ts'
import { planSetBack } from './set-back.ts'
import { createShelf } from './shelf.ts'
import type { Shelf } from './shelf.ts'
import { overpaid } from './overpaid.ts'
import { makeTrouble, operate, redriveAll, resumeAll } from './trouble.ts'
import type { Auditor, Seen, StoredEvent, StoredRow, Violation } from './witness.ts'

export interface Life {
  readonly seed: number
  readonly bills: number
  /** Only the errands of these bills are run; `null`: all. */
  readonly onlyBills: ReadonlySet<string> | null
  /** Faults and requests of agents that are left out, by the names in `Ended.struck` and `.requests`. */
  readonly leftOut: ReadonlySet<string>
  /** Makes the world other than it says it is, to show that the auditor sees it. */
  readonly bend?: (options: Options) => Options
  /** Invariants that are not judged. */
  readonly off?: readonly number[]
  readonly createAuditor: () => Auditor
  /** Called for everything that is seen, in order. */
  readonly onSeen?: (seen: Seen) => void
  readonly trace?: boolean
  /** The store is set back to a snapshot, once, and recovered. Nothing else of a seed changes by it. */
  /** `unchecked`: and nobody asks the processor, to show that the auditor sees it. */
  readonly setsBack?: boolean | 'unchecked'
  /** Unless told: SQLite for every eighth seed. Whichever it is, the story is the same. */
  readonly store?: 'model' | 'sqlite'
}

export interface Ended {
  readonly violations: readonly Violation[]
  readonly options: Options
  readonly payments: number
  readonly steps: number
  readonly struck: readonly string[]
  /** What agents asked, each by a name. */
  readonly requests: readonly string[]
  readonly faults: ReadonlyMap<string, number>
  readonly errands: readonly Errand[]
  /** Of each choice of the schedule and all that was seen, in order; 0 where no trace was asked for. */
  readonly traceHash: number
}

const startMs = 1_800_000_000_000

/** A world that takes more does not come to rest. */
const mostSteps = 400_000

/** A switch or a breaker binds what leaves so much later; closer, it is a matter of who was first. */
const settledMs = 250

/** Longer than the longest stall: what an operator asked before it has taken effect by then. */
const lookAgainMs = 360_000

/** What every part of the world has in hand. */
interface Stage {
  readonly root: Random
  readonly options: Options
  readonly schedule: Schedule
  readonly faults: Faults
  readonly shelf: Shelf
  readonly see: (seen: Seen) => void
  readonly violations: Violation[]
  readonly leftOut: ReadonlySet<string>
  readonly restores: boolean | 'unchecked'
  readonly traceHash: () => number
  /** The store as whoever opens it finds it, with nobody else there. */
  readonly reopen: () => Store
}

export async function live(life: Life): Promise<Ended> {
  const auditor = life.createAuditor()
  const stage = createStage(life, auditor)
  const { root, options, schedule, faults, shelf, violations } = stage
  const { network, processes, start, setBack, close, door } = createMachines(stage)
  const errands = drawErrands(root.fork('errands'), drawBills(root.fork('bills'), options), options)
  const bills = errands.map(({ bill }) => bill)
  await settleIn(network.store, options, bills)
  start()
  const world: AgentWorld = { schedule, ask: door.ask }
  const startsIn = drawStarts(root.fork('starts'), options)
  for (const errand of errands) {
    const inMs = startsIn(errand)
    if (life.onlyBills?.has(errand.bill.id) === false) continue
    schedule.later(inMs, () => void runErrand(world, errand), errand.bill.reference)
  }
  const tell = (what: string): void => stage.see({ see: 'fault', atMs: schedule.nowMs(), what })
  makeTrouble(network, processes, root.fork('trouble'), tell)
  operate(network, world, shelf, root.fork('operator'))
  if (stage.restores !== false) {
    const copy = (): Store => copyModelStore(network.store)
    planSetBack(
      { network, world, shelf, see: stage.see, setBack, copy, errands },
      root.fork('set back'),
    )
  }
  schedule.later(options.faultyForMs, async () => {
    faults.heal()
    network.outageUntilMs = 0
    network.storeOutUntilMs = 0
    stage.see({ see: 'healed', atMs: schedule.nowMs(), what: 'nothing goes wrong any more' })
    for (const process of processes) {
      process.stall(0)
      // Whoever has seen its clock leap back sends nothing until somebody has looked at it.
      if (options.rates.clock > 0) process.kill('to be started with the right time')
    }
    start()
    void resumeAll(world).then(() => redriveAll(network, world, shelf))
    schedule.later(lookAgainMs, () => void resumeAll(world))
  })
  if (!(await schedule.run(() => false, mostSteps))) {
    const what = `it does not come to rest in ${mostSteps} steps`
    violations.push({ invariant: 11, atMs: schedule.nowMs(), paymentId: null, what })
  }
  const standing = await shelf.standing(network.store, bills, network.bank.charges())
  violations.push(...auditor.end(standing))
  // Keys of the time that was lost are told as hashes: which payment was whose is judged otherwise.
  if (stage.restores === false) violations.push(...overpaid(standing, faults.counts.has('clock')))
  await close()
  return {
    violations: violations.filter(({ invariant }) => life.off?.includes(invariant) !== true),
    options,
    payments: shelf.payments(),
    steps: schedule.steps(),
    struck: faults.struck,
    requests: door.requests,
    faults: faults.counts,
    errands,
    traceHash: stage.traceHash(),
  }
}

function drawStarts(
  random: Random,
  { bursts, faultyForMs, doorMs }: Options,
): (errand: Errand) => number {
  if (bursts === null) return (errand) => errand.random.whole(0, faultyForMs / 2)
  const moments = Array.from({ length: bursts }, () => random.whole(0, faultyForMs / 2))
  return (errand) => errand.random.pick(moments) + errand.random.whole(0, doorMs / 3)
}

function createStage(life: Life, auditor: Auditor): Stage {
  const root = createRandom(String(life.seed))
  const drawn = drawOptions(root.fork('options'), life.bills)
  const bent = life.bend?.(drawn) ?? drawn
  const restores = life.setsBack ?? false
  // One process has one store; and its clock is believed within a quarter of an hour.
  const options =
    restores !== false ? { ...bent, processes: 1, rates: { ...bent.rates, clock: 0 } } : bent
  const violations: Violation[] = []
  let traceHash = 0
  const onChoice = (atMs: number, order: number): void => {
    traceHash = hash(`${atMs}/${order}`, traceHash)
  }
  const schedule = createSchedule(
    startMs,
    root.fork('schedule'),
    life.trace === true ? onChoice : null,
  )
  return {
    root,
    options,
    schedule,
    violations,
    leftOut: life.leftOut,
    restores,
    reopen: storesOf(
      restores !== false ? 'model' : (life.store ?? (life.seed % 8 === 0 ? 'sqlite' : 'model')),
    ),
    faults: createFaults(root.fork('faults'), life.leftOut, schedule.about),
    shelf: createShelf(schedule.nowMs),
    traceHash: () => traceHash,
    see(seen) {
      violations.push(...auditor.see(seen))
      life.onSeen?.(seen)
      if (life.trace === true) traceHash = hash(JSON.stringify(seen), traceHash)
    },
  }
}

/** A file that nobody has open is read afresh; what is only in memory is there as it was. */
function storesOf(kind: 'model' | 'sqlite'): () => Store {
  if (kind === 'sqlite') {
    const connection = openConnection(':memory:')
    return () => storeOn(connection, () => undefined)
  }
  const store = openModelStore()
  return () => store
}

// ── Our machines and the processor ───────────────────────────────────────────────────────────────

interface Machines {
  readonly network: ProcessWorld
  readonly processes: readonly Process[]
  readonly door: Door
  /** As many processes as there should be. */
  readonly start: () => void
  /** The processes die, and the next ones find the store as it is given here. */
  readonly setBack: (to: Store, forMs: number) => void
  readonly close: () => Promise<void>
}

function createMachines(stage: Stage): Machines {
  const { root, options, schedule, faults, shelf, see, violations, leftOut } = stage
  let store = stage.reopen()
  const processes: Process[] = []
  const restarts = root.fork('restarts')
  const ids = new Map<string, number>()
  const owners = new Map<string, string>()
  const ownerOf = (paymentId: string): string => owners.get(paymentId) ?? schedule.about()

  const world: ProcessWorld = {
    ...createNetwork(stage, ownerOf, (object, paymentId) => door.notify(object, paymentId)),
    get store() {
      return store
    },
    storeOutUntilMs: 0,
    restores: stage.restores === true,
    isHealed: faults.isHealed,
    async stored(write: Write) {
      const rows = await shelf.take(store, write)
      const events = write.actions.flatMap((action) =>
        action.do === 'record' ? action.events.map(toStored) : [],
      )
      // Whoever claims a payment is who it belongs to, whatever becomes of it and whoever sees to that.
      for (const { type, paymentId } of events) {
        if (type === 'claimed') owners.set(paymentId, schedule.about())
      }
      see({ see: 'stored', atMs: schedule.nowMs(), rows, events })
      for (const { table, key, value } of rows) {
        if (table !== 'payment') continue
        const { run } = value as PaymentRow // the table's
        if (!faults.strikes('twin', options.rates.twin, ownerOf(key))) continue
        for (const process of processes) if (process.isAlive()) process.wake(key, run)
      }
      for (const name of loopsFor(rows, events.length)) {
        for (const process of processes) if (process.isAlive()) process.nudge(name)
      }
    },
    delivered: (events) =>
      see({ see: 'delivered', atMs: schedule.nowMs(), events: events.map(toStored) }),
    alarm({ kind, paymentId, detail }) {
      const what = `the engine threw: ${detail}`
      if (kind === 'bug') {
        violations.push({ invariant: 0, atMs: schedule.nowMs(), paymentId, what })
      }
    },
    died(process, where) {
      see({ see: 'crash', atMs: schedule.nowMs(), what: `process ${process.number} died ${where}` })
      schedule.later(restarts.whole(50, 20_000), start)
    },
    nextId(prefix, nowMs) {
      // Back-offs are drawn from ids: other bills must not move them.
      const about = schedule.about()
      const number = (ids.get(about) ?? 0) + 1
      ids.set(about, number)
      return `${prefix}_${base32(nowMs, 10)}${base32(hash(about), 7)}${base32(number, 9)}`
    },
    earliestDueMs: shelf.earliestDueMs,
  }

  const alive = (): readonly Process[] => processes.filter((each) => each.isAlive())
  let restoringUntilMs = 0
  let restored: Store | null = null
  const start = (): void => {
    const waitMs = restoringUntilMs - schedule.nowMs()
    if (waitMs > 0) return schedule.later(waitMs, start)
    while (alive().length < options.processes) {
      if (alive().length === 0) store = restored ?? stage.reopen()
      const process = createProcess(world, processes.length + 1)
      processes.push(process)
      const what = `process ${process.number} starts`
      see({ see: 'restart', atMs: schedule.nowMs(), what })
      process.start()
    }
  }
  const door = createDoor({ schedule, faults, options, see, alive, leftOut }, root.fork('door'))
  const setBack = (to: Store, forMs: number): void => {
    restoringUntilMs = schedule.nowMs() + forMs
    restored = to
    for (const process of alive()) process.kill('because the store is set back')
  }
  return { network: world, processes, door, start, setBack, close: () => store.close() }
}

function createNetwork(
  { root, options, schedule, faults, shelf, see }: Stage,
  ownerOf: (paymentId: string) => string,
  notify: (object: ObjectView, paymentId: string) => void,
): Network {
  const { rates, capabilities } = options
  const randomOf = streamsOf(root.fork('network'))
  const random = (): Random => randomOf(schedule.about())
  const settleAfterMs = root.fork('bank').pick([0, 1_000, 86_400_000])
  const bank = createBank({
    schedule,
    random,
    faults,
    rates,
    capabilities,
    settleAfterMs,
    tell: see,
    notify,
  })
  return {
    schedule,
    random,
    randomOf,
    ownerOf,
    faults,
    options,
    bank,
    outageUntilMs: 0,
    effectUntilMs: new Map(),
    leaves: ({ kind, attempt, payment }, { keyWindowMs, objectOnce }) =>
      see({
        see: 'sent',
        atMs: schedule.nowMs(),
        paymentId: payment.id,
        kind,
        key: attempt.id,
        body: JSON.stringify(attempt.request),
        breaker: shelf.breakerFor(settledMs),
        halted: shelf.haltedFor(settledMs),
        keyWindowMs,
        actsOnce: objectOnce && attempt.request.objectId !== null && kind !== 'refund',
      }),
  }
}

function loopsFor(rows: readonly StoredRow[], events: number): readonly LoopName[] {
  const has = (...tables: readonly string[]): boolean =>
    rows.some(({ table }) => tables.includes(table))
  const names: LoopName[] = []
  if (events > 0) names.push('events')
  if (has('payment')) names.push('due')
  if (has('webhook')) names.push('webhooks')
  if (has('breaker', 'dead_letter')) names.push('recovered')
  return names
}

/** As ids are written: 26 digits of Crockford's alphabet, the time first. */
function base32(value: number, digits: number): string {
  let [rest, text] = [value, '']
  for (let digit = 0; digit < digits; digit += 1) {
    text = `${'0123456789ABCDEFGHJKMNPQRSTVWXYZ'[rest % 32] ?? ''}${text}`
    rest = Math.floor(rest / 32)
  }
  return text
}

const toStored = (event: PaymentEvent): StoredEvent => ({
  paymentId: event.paymentId,
  seq: event.seq,
  type: event.type,
  body: event,
})
