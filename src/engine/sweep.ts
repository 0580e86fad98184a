// Restarts what stood still: payments that are due and that nobody here is driving. A new run
// supersedes whoever may still hold one, wherever that is. A payment that trips a bug is told of, and
// keeps nobody else from being found.
import { change } from './change.ts'
import type { Engine } from './engine.ts'

/** Wakes the driver for at most `limit` overdue payments; says how many it found. */
export async function sweep(
  engine: Engine,
  limit: number,
  isDriven: (paymentId: string) => boolean,
  onBug: (paymentId: string, run: number, error: unknown) => void,
): Promise<number> {
  const due = await engine.store.due(engine.time.nowMs(0), limit)
  const lost = due.filter(({ paymentId }) => !isDriven(paymentId))
  await Promise.all(
    lost.map(({ paymentId, run }) =>
      restart(engine, paymentId, run).catch((error: unknown) => onBug(paymentId, run, error)),
    ),
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
