// How far the clock was seen behind what is stored, kept over restarts: a key that was first used by a
// clock that was ahead is older than it says, also once the clock has caught up and no time shows it any
// more. A process asks once, before its first step; the sweeper looks, and stores what it saw.
import type { SetBack } from '../core/policy.ts'
import type { Engine } from './engine.ts'
import type { Time } from './time.ts'

const clockRow = { table: 'clock', key: 'clock' } as const

/** What this process knows to be stored. */
const stored = new WeakMap<Time, SetBack | null>()
const comparedWithNewest = new WeakSet<Time>()

/** Rejects where the store cannot be read; it is asked again then. */
export async function recallSetBack(engine: Engine): Promise<void> {
  if (!stored.has(engine.time)) await readAgain(engine)
}

/**
 * Compares with the newest payment, once for each process: what a clock that was ahead has stored is due
 * only when the clock has come so far, and seems young then. Whatever was seen since is stored.
 */
export async function keepSetBack(engine: Engine): Promise<void> {
  const { store, time } = engine
  await recallSetBack(engine)
  if (!comparedWithNewest.has(time)) {
    const { rows } = await store.list({ account: null, limit: 1 })
    for (const { value } of rows) time.jumped(value.payment.updatedAtMs)
    comparedWithNewest.add(time)
  }
  const seen = time.setBack()
  if (seen === null || isSame(seen, stored.get(time) ?? null)) return
  // Another process may have seen more: both are kept.
  const version = await readAgain(engine)
  const value = time.setBack() ?? seen
  if (isSame(value, stored.get(time) ?? null)) return
  const condition = version === null ? { absent: true as const } : { version }
  const { result } = await store.commit({
    commitId: engine.ids.next('cmt', engine.clock.nowMs()),
    actions: [{ do: 'put', ...clockRow, value, if: condition }],
  })
  // Anything else is tried again by the next sweep.
  if (result === 'committed') stored.set(time, value)
}

/** The row's version, or `null` where there is none. */
async function readAgain({ store, time }: Engine): Promise<number | null> {
  const [row] = await store.read([clockRow])
  if (row !== null) time.remember(row.value)
  stored.set(time, row?.value ?? null)
  return row?.version ?? null
}

const isSame = (one: SetBack, other: SetBack | null): boolean =>
  one.byMs === other?.byMs && one.untilMs === other.untilMs
