// One life of the whole system from one seed: agents, processes, processor and all that goes wrong
// between them; then it heals, and everything has to come to rest. Judged all along by an auditor.
import type { ObjectView } from '../src/core/outcome.ts'
import type { PaymentEvent } from '../src/core/payment.ts'
import type { Write } from '../src/ports.ts'
import { openConnection, storeOn } from '../src/stores/sqlite/store.ts'
import { run as runErrand } from './agents.ts'
import type { AgentWorld, Errand } from './agents.ts'
import { createBank } from './bank.ts'
import { createDoor } from './door.ts'
import type { Door } from './door.ts'
import { createFaults } from './faults.ts'
import type { Faults } from './faults.ts'
import type { Network } from './network.ts'
import { drawOptions } from './options.ts'
import type { Options } from './options.ts'
import { createProcess } from './process.ts'
import type { LoopName, Process, ProcessWorld } from './process.ts'
import { createRandom, hash } from './random.ts'
import type { Random } from './random.ts'
import { createSchedule } from './schedule.ts'
import type { Schedule } from './schedule.ts'
import { drawBills, drawErrands, settleIn } from './setting.ts'
import { createShelf } from './shelf.ts'
import type { Shelf } from './shelf.ts'
import { makeTrouble, operate, redriveAll, resumeAll } from './trouble.ts'
import type { Auditor, Seen, StoredEvent, StoredRow, Violation } from './witness.ts'

export interface Life {
  readonly seed: number
  readonly bills: number
  /** Only the errands of these bills are run; `null`: all. */
  readonly onlyBills: ReadonlySet<string> | null
  /** Faults that are left out, by the names in `Ended.struck`. */
  readonly leftOut: ReadonlySet<string>
  readonly createAuditor: () => Auditor
  /** Called for everything that is seen, in order. */
  readonly onSeen?: (seen: Seen) => void
  readonly trace?: boolean
}

export interface Ended {
  readonly violations: readonly Violation[]
  readonly options: Options
  readonly payments: number
  readonly steps: number
  readonly struck: readonly string[]
  readonly faults: ReadonlyMap<string, number>
  readonly errands: readonly Errand[]
  /** Of everything that was seen, in order; 0 where no trace was asked for. */
  readonly traceHash: number
}

const startMs = 1_800_000_000_000

/** A world that takes more does not come to rest. */
const mostSteps = 400_000

/** A switch or a breaker binds what leaves so much later; closer, it is a matter of who was first. */
const settledMs = 250

/** What every part of the world has in hand. */
interface Stage {
  readonly root: Random
  readonly options: Options
  readonly schedule: Schedule
  readonly faults: Faults
  readonly shelf: Shelf
  readonly see: (seen: Seen) => void
  readonly violations: Violation[]
  readonly traceHash: () => number
}

export async function live(life: Life): Promise<Ended> {
  const auditor = life.createAuditor()
  const stage = createStage(life, auditor)
  const { root, options, schedule, faults, shelf, violations } = stage
  const { network, processes, start, close, door } = createMachines(stage)
  const errands = drawErrands(root.fork('errands'), drawBills(root.fork('bills'), options), options)
  const bills = errands.map(({ bill }) => bill)
  await settleIn(network.store, options, bills)
  start()
  const world: AgentWorld = { schedule, ask: door.ask }
  for (const errand of errands) {
    const inMs = errand.random.whole(0, options.faultyForMs / 2)
    if (life.onlyBills?.has(errand.bill.id) === false) continue
    schedule.later(inMs, () => void runErrand(world, errand))
  }
  const tell = (what: string): void => stage.see({ see: 'fault', atMs: schedule.nowMs(), what })
  makeTrouble(network, processes, root.fork('trouble'), tell)
  operate(network, world, shelf, root.fork('operator'))
  schedule.later(options.faultyForMs, async () => {
    faults.heal()
    network.outageUntilMs = 0
    stage.see({ see: 'healed', atMs: schedule.nowMs(), what: 'nothing goes wrong any more' })
    for (const process of processes) {
      process.stall(0)
      // Whoever has seen its clock leap back sends nothing until somebody has looked at it.
      if (options.rates.clock > 0) process.kill('to be started with the right time')
    }
    start()
    void resumeAll(world).then(() => redriveAll(world, shelf))
  })
  if (!(await schedule.run(() => false, mostSteps))) {
    const what = `it does not come to rest in ${mostSteps} steps`
    violations.push({ invariant: 11, atMs: schedule.nowMs(), paymentId: null, what })
  }
  violations.push(
    ...auditor.end(await shelf.standing(network.store, bills, network.bank.charges())),
  )
  await close()
  return {
    violations,
    options,
    payments: shelf.payments(),
    steps: schedule.steps(),
    struck: faults.struck,
    faults: faults.counts,
    errands,
    traceHash: stage.traceHash(),
  }
}

function createStage(life: Life, auditor: Auditor): Stage {
  const root = createRandom(String(life.seed))
  const options = drawOptions(root.fork('options'), life.bills)
  const schedule = createSchedule(startMs)
  const violations: Violation[] = []
  let traceHash = 0
  return {
    root,
    options,
    schedule,
    violations,
    faults: createFaults(root.fork('faults'), life.leftOut),
    shelf: createShelf(schedule.nowMs),
    traceHash: () => traceHash,
    see(seen) {
      violations.push(...auditor.see(seen))
      life.onSeen?.(seen)
      if (life.trace === true) traceHash = hash(JSON.stringify(seen), traceHash)
    },
  }
}

// ── Our machines and the processor ───────────────────────────────────────────────────────────────

interface Machines {
  readonly network: ProcessWorld
  readonly processes: readonly Process[]
  readonly door: Door
  /** As many processes as there should be. */
  readonly start: () => void
  readonly close: () => Promise<void>
}

function createMachines(stage: Stage): Machines {
  const { root, options, schedule, faults, shelf, see, violations } = stage
  const connection = openConnection(':memory:')
  let store = storeOn(connection, () => undefined)
  const processes: Process[] = []
  const post = root.fork('post')
  const restarts = root.fork('restarts')
  let ids = 0

  const world: ProcessWorld = {
    ...createNetwork(stage, (object, paymentId) => door.notify(object, paymentId, post)),
    get store() {
      return store
    },
    isHealed: faults.isHealed,
    async stored(write: Write) {
      const rows = await shelf.take(store, write)
      const events = write.actions.flatMap((action) =>
        action.do === 'record' ? action.events.map(toStored) : [],
      )
      see({ see: 'stored', atMs: schedule.nowMs(), rows, events })
      for (const { table, key, value } of rows) {
        if (table !== 'payment' || !faults.strikes('twin', options.rates.twin)) continue
        const { run } = value as { readonly run: number } // the payment's row
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
      ids += 1
      return `${prefix}_${base32(nowMs, 10)}${base32(ids, 16)}`
    },
    earliestDueMs: () => shelf.earliestDueMs(),
  }

  const alive = (): readonly Process[] => processes.filter((each) => each.isAlive())
  const start = (): void => {
    while (alive().length < options.processes) {
      // Nobody else has the file open: this one reads it afresh.
      if (alive().length === 0) store = storeOn(connection, () => undefined)
      const process = createProcess(world, processes.length + 1)
      processes.push(process)
      const what = `process ${process.number} starts`
      see({ see: 'restart', atMs: schedule.nowMs(), what })
      process.start()
    }
  }
  const door = createDoor({ schedule, faults, options, see, alive }, root.fork('door'))
  return { network: world, processes, door, start, close: () => store.close() }
}

function createNetwork(
  { root, options, schedule, faults, shelf, see }: Stage,
  notify: (object: ObjectView, paymentId: string) => void,
): Network {
  const random = root.fork('bank')
  const { rates, capabilities } = options
  const settleAfterMs = random.pick([0, 1_000, 86_400_000])
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
    random: root.fork('network'),
    faults,
    options,
    bank,
    outageUntilMs: 0,
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
