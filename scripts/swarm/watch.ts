// Was the budget ever exceeded? Asked twice: while the swarm works, of the counter as it stands in the file,
// and afterwards of the event log, which has every moment that there was.
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'

import { evolve } from '../../src/core/evolve.ts'
import { heldAmount } from '../../src/core/mandate.ts'
import type { BudgetRow } from '../../src/core/mandate.ts'
import type { Payment } from '../../src/core/payment.ts'
import { openSqliteStore } from '../../src/stores/sqlite/store.ts'
import { account } from './world.ts'

export interface Watch {
  /** Ends the watch: how often it looked, and how often more was taken than the limit. */
  readonly stop: () => Promise<{ readonly samples: number; readonly over: number }>
}

const everyMs = 5

/** Reads the counter beside the service, also while that is dead. */
export function watchCounter(file: string, budget: number): Watch {
  const db = new DatabaseSync(file, { readOnly: true, timeout: 1_000 })
  const select = db.prepare('SELECT value FROM budget WHERE key LIKE ?')
  let [samples, over, stopped] = [0, 0, false]
  const look = async (): Promise<void> => {
    while (!stopped) {
      for (const row of select.all(`account:${account}:%`)) {
        // The store writes this text and nobody else.
        const { left, spent, limit } = JSON.parse(String(row['value'])) as BudgetRow
        samples += 1
        // Of a limit, all is left, spent or reserved.
        const taken = limit - left
        if (taken > budget || spent > taken || left < 0) over += 1
      }
      await sleep(everyMs)
    }
  }
  const looking = look()
  return Object.freeze({
    async stop() {
      stopped = true
      await looking
      db.close()
      return { samples, over }
    },
  })
}

export interface Walk {
  readonly events: number
  /** Moments at which payments held more than the budget. */
  readonly over: number
  readonly payments: readonly Payment[]
}

const pageEvents = 100

/** Lets the payments come about once more, event by event, in the order of their commits. */
export async function walkEvents(file: string, budget: number): Promise<Walk> {
  const store = openSqliteStore({ file })
  try {
    const payments = new Map<string, Payment>()
    let [held, events, over] = [0, 0, 0]
    for (;;) {
      const page = await store.unpublished('swarm', pageEvents)
      if (page.events.length === 0) return { events, over, payments: [...payments.values()] }
      for (const event of page.events) {
        const before = payments.get(event.paymentId) ?? null
        const after = evolve(before, event)
        payments.set(event.paymentId, after)
        held += heldAmount(after) - (before === null ? 0 : heldAmount(before))
        events += 1
        if (held > budget) over += 1
      }
      await store.acknowledge('swarm', page.receipt)
    }
  } finally {
    await store.close()
  }
}
