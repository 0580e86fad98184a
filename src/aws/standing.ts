// How payments stand, asked of the table each time: no instance lives long enough to count along.
import { operationOf, statusOf } from '../core/operation.ts'
import type { HoldReason, Payment } from '../core/payment.ts'
import type { Counts } from '../engine/alert-conditions.ts'
import type { Clock, Store } from '../ports.ts'

/** The driver comes back to an open payment within this; what is due later waits for a person or a day. */
const activeWithinMs = 15 * 60_000

/** Looked at in one go; more of them are no less urgent. */
const most = 100

export interface Standing extends Counts {
  /** Of payments that are driven now. */
  readonly unknownOldestMs: () => number | null
}

export function countOpen(store: Store, clock: Clock): Standing {
  let unknown: readonly { readonly id: string; readonly sinceMs: number }[] = []
  let held = new Map<HoldReason, number>()
  const older = (sinceMs: number) => unknown.filter((each) => each.sinceMs <= sinceMs)
  return Object.freeze<Standing>({
    async settle() {
      const due = await store.due(clock.nowMs() + activeWithinMs, most)
      const keys = due.map(({ paymentId }) => ({ table: 'payment', key: paymentId }) as const)
      const rows = keys.length === 0 ? [] : await store.read(keys)
      const payments = rows.flatMap((row) => (row === null ? [] : [row.value.payment]))
      unknown = payments.flatMap((payment) => {
        const sinceMs = unknownSince(payment)
        return sinceMs === null ? [] : [{ id: payment.id, sinceMs }]
      })
      held = countHolds(payments)
    },
    heldBy: (reason) => held.get(reason) ?? 0,
    unknown: (sinceMs) => ({ count: older(sinceMs).length }),
    unknownIds: (sinceMs, limit) =>
      older(sinceMs)
        .slice(0, limit)
        .map(({ id }) => id),
    unknownOldestMs: () =>
      unknown.reduce<number | null>(
        (oldest, { sinceMs }) => Math.min(oldest ?? sinceMs, sinceMs),
        null,
      ),
  })
}

function countHolds(payments: readonly Payment[]): Map<HoldReason, number> {
  const counts = new Map<HoldReason, number>()
  for (const { reason } of payments.flatMap(({ holds }) => holds)) {
    counts.set(reason, (counts.get(reason) ?? 0) + 1)
  }
  return counts
}

function unknownSince(payment: Payment): number | null {
  const operation = operationOf(payment)
  if (operation === null || statusOf(operation) !== 'unknown') return null
  return operation.attempt.sends[0]?.atMs ?? null
}
