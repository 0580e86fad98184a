// How payments stand, kept in memory from commit to commit: the store counts once, at the start, and
// each commit moves the counts on. This process is the only one that writes to its store, so the
// counts are whole. Where the store left a commit in doubt, it counts once more.
import { setImmediate as nextTurn } from 'node:timers/promises'

import { lastSend, operationsOf, statusOf } from '../core/operation.ts'
import type { HoldReason, Payment, State } from '../core/payment.ts'
import type { Committed } from '../engine/meter.ts'
import type { Store } from '../ports.ts'

export interface Standing {
  readonly follow: (change: Committed) => void
  readonly inDoubt: () => void
  /** Counts anew where it has to. Rejects where the store cannot be read then. */
  readonly settle: () => Promise<void>
  readonly inState: (state: State) => number
  readonly heldBy: (reason: HoldReason) => number
  readonly unknown: (nowMs: number) => { readonly count: number; readonly oldestMs: number }
  /** The first few of these payments. */
  readonly unknownIds: (nowMs: number, limit: number) => readonly string[]
}

/** Dead letters looked through at the start for sends that are not known: as many as people clear. */
const maxLookedThrough = 10_000

export async function openStanding(store: Store): Promise<Standing> {
  let states = new Map<State, number>()
  let holds = new Map<HoldReason, number>()
  const unknowns = new Map<string, Unknown>()
  let isCounted = false

  const count = async (): Promise<void> => {
    // A turn of its own: whoever was told of a commit has told us by then.
    await nextTurn()
    isCounted = true
    const census = await store.census().catch((error: unknown) => {
      isCounted = false
      throw error
    })
    states = new Map(census.states)
    holds = new Map(census.holds)
  }

  const see = (payment: Payment): void => {
    const unknown = unknownOf(payment)
    if (unknown === null) unknowns.delete(payment.id)
    else unknowns.set(payment.id, unknown)
  }

  await count()
  for await (const payment of deadLetters(store)) see(payment)

  return Object.freeze<Standing>({
    follow({ before, after }) {
      if (before !== null) add(states, before.state, -1)
      add(states, after.state, 1)
      for (const { reason } of before?.holds ?? []) add(holds, reason, -1)
      for (const { reason } of after.holds) add(holds, reason, 1)
      see(after)
    },
    inDoubt() {
      isCounted = false
    },
    async settle() {
      if (!isCounted) await count()
    },
    inState: (state) => states.get(state) ?? 0,
    heldBy: (reason) => holds.get(reason) ?? 0,
    unknown(nowMs) {
      const shown = [...unknowns.values()].filter(({ fromMs }) => fromMs <= nowMs)
      const oldestMs = shown.reduce((oldest, { sinceMs }) => Math.min(oldest, sinceMs), nowMs)
      return { count: shown.length, oldestMs }
    },
    unknownIds(nowMs, limit) {
      const shown = [...unknowns].filter(([, { fromMs }]) => fromMs <= nowMs)
      return shown.slice(0, limit).map(([paymentId]) => paymentId)
    },
  })
}

function add<K>(counts: Map<K, number>, key: K, by: number): void {
  counts.set(key, (counts.get(key) ?? 0) + by)
}

// The others are due, and met again by their driver within a minute of the start.
async function* deadLetters(store: Store): AsyncGenerator<Payment> {
  let cursor: string | null = null
  let seen = 0
  do {
    const page: Awaited<ReturnType<Store['list']>> = await store.list({
      account: null,
      hold: 'dead_letter',
      limit: 100,
      ...(cursor === null ? {} : { cursor }),
    })
    for (const { value } of page.rows) yield value.payment
    seen += page.rows.length
    cursor = page.cursor
  } while (cursor !== null && seen < maxLookedThrough)
}

interface Unknown {
  /** Its first send whose outcome is not known. */
  readonly sinceMs: number
  /** Until then its sender still has it in hand: it waits for an answer like any other call. */
  readonly fromMs: number
}

function unknownOf(payment: Payment): Unknown | null {
  const found = operationsOf(payment).flatMap(({ operation }): readonly Unknown[] => {
    const status = statusOf(operation)
    if (status !== 'sent' && status !== 'unknown') return []
    const sends = operation.attempt.sends.filter(
      ({ outcome }) => outcome === null || outcome === 'unknown',
    )
    const sinceMs = sends[0]?.atMs ?? payment.updatedAtMs
    return [{ sinceMs, fromMs: status === 'sent' ? lastSend(operation).recoverAtMs : sinceMs }]
  })
  const [first] = found.toSorted((a, b) => a.fromMs - b.fromMs)
  return first ?? null
}
