// How payments stand, asked of the table each time: no instance lives long enough to count along.
import { lastSend, operationsOf, statusOf } from '../core/operation.ts'
import type { Payment } from '../core/payment.ts'
import type { Counts } from '../engine/alert-conditions.ts'
import type { Clock, Row, Store } from '../ports.ts'

/**
 * Open payments that one look reads, those that are due first. Where there are more it does not say that
 * something is over: the numbers of the last whole count stand.
 */
const most = 1_000
/** Of one read of the store. */
const pageSize = 100
/** Everything that is still to be looked at lies before it. */
const farAwayMs = 400 * 86_400_000

export interface Standing extends Counts {
  /** The payments that a hold keeps. */
  readonly held: (reason: string) => readonly Row<'payment'>[]
  /** Since when the oldest of all unknown sends is unknown. */
  readonly unknownOldestMs: () => number | null
}

interface Unknown {
  readonly id: string
  readonly sinceMs: number
}

export function countOpen(store: Store, clock: Clock): Standing {
  let unknown: readonly Unknown[] = []
  let held: readonly Row<'payment'>[] = []
  const older = (sinceMs: number) => unknown.filter((each) => each.sinceMs <= sinceMs)
  const heldBy = (reason: string) =>
    held.filter(({ value }) => value.payment.holds.some((hold) => hold.reason === reason))
  return Object.freeze<Standing>({
    async settle() {
      const nowMs = clock.nowMs()
      const open = await store.due(nowMs + farAwayMs, most)
      const rows = await readAll(
        store,
        open.map(({ paymentId }) => paymentId),
      )
      const isWhole = open.length < most
      const nowHeld = rows.filter(({ value }) => value.payment.holds.length > 0)
      const nowUnknown = rows.flatMap(({ value }) => unknownOf(value.payment, nowMs))
      held = isWhole ? nowHeld : joined(nowHeld, held, ({ value }) => value.payment.id)
      unknown = isWhole ? nowUnknown : joined(nowUnknown, unknown, ({ id }) => id)
    },
    held: heldBy,
    heldBy: (reason) => heldBy(reason).length,
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

async function readAll(store: Store, ids: readonly string[]): Promise<readonly Row<'payment'>[]> {
  const rows: Row<'payment'>[] = []
  for (let from = 0; from < ids.length; from += pageSize) {
    const keys = ids.slice(from, from + pageSize).map((key) => ({ table: 'payment', key }) as const)
    rows.push(...(await store.read(keys)).filter((row) => row !== null))
  }
  return rows
}

/** What is seen now, and what was known of the others. */
function joined<T>(now: readonly T[], before: readonly T[], idOf: (each: T) => string): T[] {
  return [...new Map([...before, ...now].map((each) => [idOf(each), each])).values()].slice(-most)
}

// A send that its sender still has in hand waits for an answer like any other call.
function unknownOf(payment: Payment, nowMs: number): readonly Unknown[] {
  const since = operationsOf(payment).flatMap(({ operation }) => {
    const status = statusOf(operation)
    const isLost = status === 'sent' && lastSend(operation).recoverAtMs <= nowMs
    if (status !== 'unknown' && !isLost) return []
    const open = operation.attempt.sends.find(
      ({ outcome }) => outcome === null || outcome === 'unknown',
    )
    return open === undefined ? [] : [open.atMs]
  })
  return since.length === 0 ? [] : [{ id: payment.id, sinceMs: Math.min(...since) }]
}
