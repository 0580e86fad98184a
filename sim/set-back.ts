// The store is set back to a snapshot: whatever was stored since is gone, and the bank remembers all of it.
// An operator recovers, and in the end every agent asks for every bill once more.
import type { AgentWorld, Errand, Reply } from './agents.ts'
import type { ProcessWorld } from './process.ts'
import type { Random } from './random.ts'
import { operator } from './setting.ts'
import type { Shelf } from './shelf.ts'
import type { Store } from '../src/ports.ts'
import { resumeAll } from './trouble.ts'
import type { Seen } from './witness.ts'

export interface SetBackWorld {
  readonly network: ProcessWorld
  readonly world: AgentWorld
  readonly shelf: Shelf
  readonly see: (seen: Seen) => void
  readonly setBack: (to: Store, forMs: number) => void
  readonly copy: () => Store
  readonly errands: readonly Errand[]
}

const minute = 60_000

/** So long a person takes at least; what was under way has arrived by then. */
const restoreTakesMs = 2 * minute

export function planSetBack(given: SetBackWorld, random: Random): void {
  const { network, see, setBack, copy, shelf } = given
  const { schedule, options } = network
  const snapshotInMs = random.whole(0, Math.floor(options.faultyForMs * 0.4))
  const laterMs = random.whole(1, Math.floor(options.faultyForMs * 0.4))
  schedule.later(
    snapshotInMs,
    () => {
      const [then, putBack] = [copy(), shelf.snapshot()]
      schedule.later(
        laterMs,
        () => {
          putBack()
          see({ see: 'set_back', atMs: schedule.nowMs(), what: 'the store is set back' })
          setBack(then, restoreTakesMs + options.arrivesWithinMs)
          void recoverAll(given)
        },
        operator,
      )
    },
    operator,
  )
  const healedMs = options.faultyForMs + 20 * minute
  for (const errand of given.errands) {
    schedule.later(healedMs, () => void askAgain(given, errand), errand.bill.reference)
  }
}

// ── The operator ─────────────────────────────────────────────────────────────────────────────────

type Body = Readonly<Record<string, unknown>>

const ask = (
  { world }: SetBackWorld,
  method: 'GET' | 'POST',
  path: string,
  body: Body | null,
): Promise<Reply | null> =>
  world.ask({ who: operator, account: null, method, path, key: null, body, bill: null })

const sleep = ({ world }: SetBackWorld, ms: number): Promise<void> =>
  new Promise((resolve) => world.schedule.later(ms, resolve, operator))

/**
 * Until it is open: whatever breaks a pass off, the next one goes on. A snapshot may hold a switch that was
 * taken back since; whoever restores it looks at the switches too.
 */
async function recoverAll(given: SetBackWorld): Promise<void> {
  await untilOpen(given)
  await resumeAll(given.world)
}

async function untilOpen(given: SetBackWorld): Promise<void> {
  const reason = 'the disk failed'
  for (let tries = 0; tries < 2_000; tries += 1) {
    await sleep(given, tries < 100 ? 5_000 : 5 * minute)
    const shown = await ask(given, 'GET', '/v1/recovery', null)
    const status = shown?.body['status']
    if (status === 'open') return
    if (status !== 'read_only' || !(await rebuildAll(given, reason))) continue
    const told = await ask(given, 'POST', '/v1/recovery/confirm', { reason })
    if (told?.status === 200) return
  }
}

async function rebuildAll(given: SetBackWorld, reason: string): Promise<boolean> {
  let cursor: unknown = null
  do {
    const body = typeof cursor === 'string' ? { reason, cursor } : { reason }
    const page = await ask(given, 'POST', '/v1/recovery/rebuild', body)
    if (page?.status !== 200) return false
    cursor = page.body['cursor']
  } while (cursor !== null)
  return true
}

// ── The agents ───────────────────────────────────────────────────────────────────────────────────

/** Under the key that most habits use first, and under a new one: both must be safe. */
async function askAgain(given: SetBackWorld, errand: Errand): Promise<void> {
  const { bill, agent, capture, batch } = errand
  const { payee, reference, amount, currency } = bill
  const own = batch === null ? {} : { batch }
  const body = { payee, reference, amount, currency, capture, ...own }
  for (const key of [`${bill.id}-key`, `${bill.id}-after`]) {
    for (let tries = 0; tries < 20; tries += 1) {
      const asked = {
        who: agent,
        account: bill.account,
        method: 'POST',
        path: '/v1/payments',
      } as const
      const told = await given.world.ask({ ...asked, key, body, bill: bill.id })
      if (told !== null && told.status < 500 && told.status !== 429) break
      await new Promise<void>((resolve) => given.world.schedule.later(minute, resolve))
    }
  }
}
