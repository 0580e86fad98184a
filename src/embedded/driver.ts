// The driver for one machine: calls `advance` again and again, for a bounded number of payments at a
// time. It remembers nothing that matters. What it forgets (a crash, a full queue, a long wait) is
// in the store with the time at which it is due, and the sweep brings it back.
import { advance } from '../engine/advance.ts'
import type { Progress } from '../engine/advance.ts'
import type { Engine } from '../engine/engine.ts'
import { sweep } from '../engine/sweep.ts'
import { isUnreadable } from '../engine/watch-store.ts'

export interface Driver {
  readonly wake: (paymentId: string, run: number) => void
  readonly start: (engine: Engine) => void
  /** Begins nothing new, lets every step that is under way end, and says when all have. */
  readonly stop: () => Promise<void>
}

export interface DriverOptions {
  /** Payments in a step at the same time: enough to fill a group commit. */
  readonly concurrency: number
  /** Payments remembered beyond those; more are left to the sweep. */
  readonly maxWaiting: number
  /** How often overdue payments are looked for. */
  readonly sweepEveryMs: number
}

const defaultDriverOptions: DriverOptions = {
  concurrency: 256,
  maxWaiting: 20_000,
  sweepEveryMs: 500,
}

/** Longer waits are not worth a timer: the sweep finds them when they are due. */
const longestTimerMs = 30_000
/** The store did not answer; asking it at once again helps nobody. Doubles until it does. */
const firstStorePauseMs = 250
const longestStorePauseMs = 16_000
/** A payment that trips a bug of ours is left alone for a while, so that it cannot spin. */
const bugPauseMs = 60_000

export function createDriver(options: DriverOptions = defaultDriverOptions): Driver {
  let engine: Engine | null = null
  let stopping = false
  let storePauseMs = firstStorePauseMs
  const queued = new Map<string, number>()
  const active = new Map<string, Promise<void>>()
  const timers = new Map<string, NodeJS.Timeout>()

  const wake = (paymentId: string, run: number): void => {
    if (stopping) return
    const known = queued.get(paymentId)
    if (known === undefined && queued.size + timers.size >= options.maxWaiting) return
    queued.set(paymentId, Math.max(run, known ?? 0))
    clearTimeout(timers.get(paymentId))
    timers.delete(paymentId)
    fill()
  }

  // A payment that is active stays queued until its step has ended, and is then looked at again.
  const fill = (): void => {
    if (engine === null || stopping) return
    for (const [paymentId, run] of queued) {
      if (active.size >= options.concurrency) return
      if (active.has(paymentId)) continue
      queued.delete(paymentId)
      active.set(
        paymentId,
        drive(engine, paymentId, run).finally(() => release(paymentId)),
      )
    }
  }

  const release = (paymentId: string): void => {
    active.delete(paymentId)
    fill()
  }

  const drive = async (on: Engine, paymentId: string, run: number): Promise<void> => {
    try {
      let progress: Progress = { next: 'go_on' }
      while (progress.next === 'go_on' && !stopping) progress = await advance(on, paymentId, run)
      if (progress.next === 'wait') later(paymentId, run, progress.untilMs - on.clock.nowMs())
      if (progress.next === 'store_unavailable') {
        storePauseMs = Math.min(longestStorePauseMs, storePauseMs * 2)
        later(paymentId, run, storePauseMs)
      } else {
        storePauseMs = firstStorePauseMs
      }
    } catch (error) {
      if (isUnreadable(error)) {
        storePauseMs = Math.min(longestStorePauseMs, storePauseMs * 2)
        return later(paymentId, run, storePauseMs)
      }
      setAside(on, paymentId, run, error)
    }
  }

  const setAside = (on: Engine, paymentId: string, run: number, error: unknown): void => {
    const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
    on.alarm({ kind: 'bug', paymentId, detail })
    later(paymentId, run, bugPauseMs)
  }

  const later = (paymentId: string, run: number, inMs: number): void => {
    if (stopping || queued.has(paymentId)) return
    if (inMs > longestTimerMs && inMs !== bugPauseMs) return
    if (queued.size + timers.size >= options.maxWaiting) return
    const timer = setTimeout(
      () => {
        timers.delete(paymentId)
        wake(paymentId, run)
      },
      Math.max(0, inMs),
    )
    timers.set(paymentId, timer)
  }

  const isDriven = (paymentId: string): boolean =>
    active.has(paymentId) || queued.has(paymentId) || timers.has(paymentId)

  let sweeping: Promise<void> | null = null
  let interval: NodeJS.Timeout | undefined
  const sweepOnce = (on: Engine): void => {
    if (sweeping !== null || stopping || queued.size >= options.concurrency) return
    sweeping = sweep(on, options.concurrency * 2, isDriven, (paymentId, run, error) => {
      // The store is away: the next sweep finds it again.
      if (!isUnreadable(error)) setAside(on, paymentId, run, error)
    })
      .then(() => undefined)
      .catch(() => undefined) // the store is away; the next sweep tries again
      .finally(() => {
        sweeping = null
      })
  }

  return Object.freeze({
    wake,
    start(on: Engine) {
      engine = on
      fill()
      sweepOnce(on)
      interval = setInterval(() => sweepOnce(on), options.sweepEveryMs)
    },
    async stop() {
      stopping = true
      clearInterval(interval)
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
      await sweeping
      await Promise.all(active.values())
    },
  })
}
