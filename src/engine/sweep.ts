// Wakes what is due and that nobody here is driving. Somebody elsewhere may be: two drivers of one run
// are harmless, the store's version lets one of them act. Only what stays due much longer than any
// driver waits is restarted: a new run supersedes whoever may still hold it. A payment that trips a bug
// is told of, and keeps nobody else from being found.
import { change } from './change.ts'
import type { Engine } from './engine.ts'
import { keepSetBack } from './set-back.ts'

/**
 * A driver keeps a payment that waits for its turn in the rate limit, with nothing stored, for up to
 * 30 s (`longestAskMs`). Whoever superseded it sooner would lose its turn as well, and so for ever.
 */
const supersedeAfterMs = 40_000

/** Wakes the driver for at most `limit` payments that are due; says how many it found. */
export async function sweep(
  engine: Engine,
  limit: number,
  isDriven: (paymentId: string) => boolean,
  onBug: (paymentId: string, run: number, error: unknown) => void,
): Promise<number> {
  await keepSetBack(engine)
  const nowMs = engine.time.nowMs(0)
  const due = await engine.store.due(nowMs, limit)
  const lost = due.filter(({ paymentId }) => !isDriven(paymentId))
  if (lost.length === 0) return 0
  const overdue = await engine.store.due(nowMs - supersedeAfterMs, limit)
  const still = new Set(overdue.map(({ paymentId }) => paymentId))
  await Promise.all(
    lost.map(async ({ paymentId, run }) => {
      if (!still.has(paymentId)) return engine.wake(paymentId, run)
      return restart(engine, paymentId, run).catch((error: unknown) => onBug(paymentId, run, error))
    }),
  )
  return lost.length
}

async function restart(engine: Engine, paymentId: string, run: number): Promise<void> {
  const changed = await change(engine, paymentId, () => ({ facts: [] }), {
    always: true,
    raiseRun: true,
    guard: (row) => row.run === run,
  })
  if ('row' in changed) engine.wake(paymentId, changed.row.run)
}
