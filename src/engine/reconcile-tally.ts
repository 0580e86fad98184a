// What a reconciliation has counted so far: control totals of both sides, and what agrees.
import type { ReconciliationCounts, Totals } from '../core/breaks.ts'
import type { Payment } from '../core/payment.ts'
import type { BreakType, Compared, Difference, ProcessorRecord } from '../core/reconcile.ts'

/** A payment and the records that carry its id. */
export interface Group {
  readonly paymentId: string
  readonly payment: Payment | null
  readonly records: readonly ProcessorRecord[]
}

export interface Tally {
  readonly group: (group: Group, compared: Compared) => void
  readonly found: (differences: readonly Difference[]) => void
  readonly proved: () => void
  readonly payments: () => number
  readonly counts: (records: number) => ReconciliationCounts
  /** All of it, for one that goes on from here. */
  readonly state: () => TallyState
}

export interface TallyState {
  readonly totals: Readonly<Record<string, Totals>>
  readonly breaks: Readonly<Partial<Record<BreakType, number>>>
  readonly sum: typeof nothing
}

const noTotals: Totals = { ours: 0, theirs: 0, matched: 0 }
const nothing = { payments: 0, foreign: 0, matched: 0, matchable: 0, evidence: 0 }

/** `from`: what was counted before. */
export function createTally(from: TallyState | null = null): Tally {
  const totals = new Map<string, Totals>(Object.entries(from?.totals ?? {}))
  // The keys of the table are its types; `Object.entries` forgets it.
  const breaks = new Map(Object.entries(from?.breaks ?? {}) as [BreakType, number][])
  const sum = { ...(from?.sum ?? nothing) }
  const add = (currency: string, more: Partial<Totals>): void => {
    const { ours, theirs, matched } = totals.get(currency) ?? noTotals
    totals.set(currency, {
      ours: ours + (more.ours ?? 0),
      theirs: theirs + (more.theirs ?? 0),
      matched: matched + (more.matched ?? 0),
    })
  }
  return Object.freeze({
    group({ payment, records }: Group, { matched }: Compared) {
      const own = records.filter(({ isForeign }) => !isForeign)
      sum.foreign += records.length - own.length
      let money = 0
      for (const { object } of own) {
        money += object.amountCaptured
        if (object.amountCaptured > 0) add(object.currency, { theirs: object.amountCaptured })
      }
      if (payment !== null) {
        sum.payments += 1
        const captured = 'amountCaptured' in payment ? payment.amountCaptured : 0
        money += captured
        if (captured > 0) add(payment.currency, { ours: captured, matched: matched.value })
      }
      if (money > 0) sum.matchable += 1
      sum.matched += matched.count
    },
    found(differences: readonly Difference[]) {
      for (const { type } of differences) breaks.set(type, (breaks.get(type) ?? 0) + 1)
    },
    proved() {
      sum.evidence += 1
    },
    payments: () => sum.payments,
    counts: (records: number) => ({
      ...sum,
      records,
      totals: Object.fromEntries(totals),
      breaks: Object.fromEntries(breaks),
    }),
    state: () => ({
      totals: Object.fromEntries(totals),
      breaks: Object.fromEntries(breaks),
      sum: { ...sum },
    }),
  })
}
