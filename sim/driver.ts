// The loops around one process's engine: they do as the driver, the relay and the sweep of one machine
// do, by the world's timers. Each rests while there is nothing that it could find, because a look that
// finds nothing changes nothing, and would be most of what a simulated week consists of.
import { advance } from '../src/engine/advance.ts'
import type { Progress } from '../src/engine/advance.ts'
import { redriveByRule } from '../src/engine/dead-letters.ts'
import type { Engine } from '../src/engine/engine.ts'
import { relay } from '../src/engine/relay.ts'
import { sweep } from '../src/engine/sweep.ts'
import { isUnreadable } from '../src/engine/watch-store.ts'
import { observeWebhooks } from '../src/engine/webhooks.ts'
import type { Publisher } from '../src/ports.ts'
import type { ProcessWorld } from './process.ts'

/** The sweep, the outbox, the inbox, and the rule that redrives. */
export type LoopName = 'due' | 'events' | 'webhooks' | 'recovered'

export interface Driver {
  readonly wake: (paymentId: string, run: number) => void
  /** Somebody has stored what this loop takes up. */
  readonly nudge: (loop: LoopName) => void
  readonly start: () => void
}

const pageSize = 100
const lookEveryMs = 500

export function createDriver(
  world: ProcessWorld,
  isAlive: () => boolean,
  engine: () => Engine,
): Driver {
  const publisher = createPublisher(world, isAlive)
  const onBug = (paymentId: string, error: unknown): void => {
    if (!isUnreadable(error)) world.alarm({ kind: 'bug', paymentId, detail: String(error) })
  }
  // Of those that nobody here is driving: whoever drives one says when it ends.
  const dueInMs = (): number | null => {
    const dueMs = world.earliestDueMs((paymentId) => !drives.isDriven(paymentId))
    return dueMs === null ? null : Math.max(lookEveryMs, dueMs - engine().clock.nowMs())
  }
  const loop = (name: string, work: () => Promise<number | null>): Loop =>
    createLoop(world, isAlive, name, work)
  const loops: Readonly<Record<LoopName, Loop>> = {
    due: loop('the sweep', async () => {
      await sweep(engine(), pageSize, drives.isDriven, (id, _run, error) => onBug(id, error))
      return dueInMs()
    }),
    events: loop('the relay', async () => {
      const { result, delivered } = await relay(engine(), publisher, pageSize)
      return result === 'not_delivered' || delivered === pageSize ? 200 : null
    }),
    webhooks: loop('the inbox', async () => {
      await observeWebhooks(engine(), pageSize)
      const left = await world.store.unmatchedWebhooks(1)
      return left.length === 0 ? null : 5_000
    }),
    recovered: loop('the rule', async () => {
      await redriveByRule(engine(), null)
      return null
    }),
  }
  const nudge = (name: LoopName): void => {
    const inMs = name === 'due' ? dueInMs() : lookEveryMs
    if (inMs !== null) loops[name].nudge(inMs)
  }
  const drives = createDrives(world, isAlive, engine, onBug, () => nudge('due'))
  return {
    wake: drives.wake,
    nudge,
    start() {
      for (const each of Object.values(loops)) each.nudge(0)
    },
  }
}

// ── Payments that are driven ─────────────────────────────────────────────────────────────────────

interface Drives {
  readonly wake: (paymentId: string, run: number) => void
  readonly isDriven: (paymentId: string) => boolean
}

/** Longer waits are left to the sweep; a store that is away is asked ever later. As in the service. */
const longestTimerMs = 30_000
const firstStorePauseMs = 250
const longestStorePauseMs = 16_000
const bugPauseMs = 60_000

function createDrives(
  world: ProcessWorld,
  isAlive: () => boolean,
  engine: () => Engine,
  onBug: (paymentId: string, error: unknown) => void,
  onEnd: () => void,
): Drives {
  const { schedule } = world
  const runs = new Map<string, number>()
  const active = new Set<string>()
  /** With the number of its timer: whoever is woken meanwhile does not wait for it. */
  const resting = new Map<string, number>()
  let timers = 0
  let storePauseMs = firstStorePauseMs

  const wake = (paymentId: string, run: number): void => {
    runs.set(paymentId, Math.max(run, runs.get(paymentId) ?? 0))
    resting.delete(paymentId)
    if (active.has(paymentId) || !isAlive()) return
    active.add(paymentId)
    schedule.later(0, () => void drive(paymentId), world.ownerOf(paymentId))
  }

  const drive = async (paymentId: string): Promise<void> => {
    const run = runs.get(paymentId) ?? 1
    runs.delete(paymentId)
    const pauseMs = await advanceAll(paymentId, run)
    active.delete(paymentId)
    if (runs.has(paymentId)) return wake(paymentId, run)
    if (pauseMs === null) return onEnd()
    timers += 1
    const timer = timers
    resting.set(paymentId, timer)
    schedule.later(Math.max(0, pauseMs), () => {
      if (resting.get(paymentId) === timer) wake(paymentId, run)
    })
  }

  /** When to go on; `null`: that is the sweep's business. */
  const advanceAll = async (paymentId: string, run: number): Promise<number | null> => {
    try {
      let progress: Progress = { next: 'go_on' }
      while (progress.next === 'go_on') progress = await advance(engine(), paymentId, run)
      if (progress.next === 'store_unavailable') return storePause()
      storePauseMs = firstStorePauseMs
      if (progress.next !== 'wait') return null
      const inMs = progress.untilMs - engine().clock.nowMs()
      return inMs > longestTimerMs ? null : inMs
    } catch (error) {
      onBug(paymentId, error)
      return isUnreadable(error) ? storePause() : bugPauseMs
    }
  }

  const storePause = (): number => {
    storePauseMs = Math.min(longestStorePauseMs, storePauseMs * 2)
    return storePauseMs
  }

  return { wake, isDriven: (paymentId) => active.has(paymentId) || resting.has(paymentId) }
}

// ── The rest ─────────────────────────────────────────────────────────────────────────────────────

function createPublisher(
  { schedule, faults, options, delivered }: ProcessWorld,
  isAlive: () => boolean,
): Publisher {
  const { publisherLost } = options.rates
  return {
    name: 'listener',
    publish: (events) =>
      new Promise((resolve) => {
        schedule.later(5, () => {
          if (!isAlive()) return
          if (faults.strikes('publisher away', publisherLost)) return resolve('not_delivered')
          delivered(events)
          resolve(faults.strikes('delivery unheard', publisherLost) ? 'not_delivered' : 'delivered')
        })
      }),
  }
}

interface Loop {
  /** Looks in so long at the latest. */
  readonly nudge: (inMs: number) => void
}

/** Looks again after what `work` says; `null`: when it is nudged. */
function createLoop(
  { schedule }: ProcessWorld,
  isAlive: () => boolean,
  name: string,
  work: () => Promise<number | null>,
): Loop {
  let dueMs = Infinity
  let isBusy = false
  let nudgedMs = Infinity
  const at = (inMs: number): void => {
    const atMs = schedule.nowMs() + Math.ceil(inMs)
    if (atMs >= dueMs) return
    dueMs = atMs
    const keep = (): void => {
      // Only the newest appointment counts.
      if (dueMs === atMs && isAlive()) void look()
    }
    schedule.later(inMs, keep, name)
  }
  const look = async (): Promise<void> => {
    isBusy = true
    dueMs = Infinity
    const againMs = await work().catch(() => 1_000)
    isBusy = false
    const inMs = Math.min(againMs ?? Infinity, nudgedMs)
    nudgedMs = Infinity
    if (inMs !== Infinity) at(inMs)
  }
  const nudge = (inMs: number): void => {
    if (isBusy) nudgedMs = Math.min(nudgedMs, inMs)
    else at(inMs)
  }
  return { nudge }
}
