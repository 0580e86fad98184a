// The processor's reads: charges in four ways, balance transactions, settlements and their payout
// files. All but the look-up by reference are consistent and complete.
import { presentCharge, presentMovement, refuse, say } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Charge } from './charges.ts'
import type { Ledger } from './ledger.ts'
import { readLimit, readPage, sayList, sayPage, unlisted, wrongParam } from './pages.ts'
import type { Query } from './pages.ts'
import { payoutFile, presentSettlements } from './payouts.ts'
import type { Scene } from './perform.ts'
import { nobody, subjectOfId, subjectOfSearch } from './subjects.ts'
import type { Subject } from './subjects.ts'

/** A read: whom it is about, and what it answers; both inside the transaction. */
export interface Read {
  readonly subject: (ledger: Ledger) => Subject
  readonly answer: (scene: Scene) => Answer
}

export function chargeById(id: string): Read {
  return {
    subject: (ledger) => subjectOfId(id, ledger),
    answer: ({ ledger }) => {
      const charge = ledger.charge(id)
      return charge === null ? missing('charge') : say(presentCharge(charge))
    },
  }
}

export function charges(query: Query): Read {
  const { reference, payment } = query
  if (reference !== undefined) return chargesByReference(query, reference)
  if (payment !== undefined) return chargesByPayment(query, payment)
  return about(({ ledger }) => {
    const page = readPage(query, 'created_from', 'created_to')
    if (typeof page === 'string') return wrongParam(page)
    const rows = ledger.chargesCreated({ ...page, limit: page.limit + 1 })
    return sayPage(rows, page.limit, presentCharge)
  })
}

export function records(query: Query): Read {
  return about(({ ledger, nowMs }) => {
    const page = readPage(query, 'from', 'to')
    if (typeof page === 'string') return wrongParam(page)
    // Fees are booked for the day of their settlement and not shown before it.
    const beforeMs = Math.min(page.beforeMs, nowMs + 1)
    const rows = ledger.movements({ ...page, beforeMs, limit: page.limit + 1 })
    return sayPage(rows, page.limit, (movement) =>
      presentMovement(movement, chargeOf(movement.chargeId, ledger), nowMs),
    )
  })
}

export function settlements(query: Query): Read {
  return about(({ ledger, nowMs }) => {
    const limit = readLimit(query['limit'])
    const wrong = limit === null ? 'limit' : unlisted(query, ['limit', 'cursor'])
    if (limit === null || wrong !== null) return wrongParam(wrong ?? 'limit')
    const totals = ledger.settlementTotals(query['cursor'] ?? '', nowMs, limit + 1)
    const all = presentSettlements(totals, nowMs)
    const shown = all.slice(0, limit)
    return sayList(shown, all.length > limit ? (shown.at(-1)?.id ?? null) : null)
  })
}

/** With `.csv` behind it the payout file, else the totals. */
export function settlement(name: string): Read {
  return about(({ ledger, nowMs }) => {
    const id = name.replace(/\.csv$/, '')
    const movements = ledger.movementsOf(id, nowMs)
    if (movements.length === 0) return missing('settlement')
    if (name !== id) return payoutFile(movements, (chargeId) => chargeOf(chargeId, ledger))
    const totals = movements.map(({ type, currency, amount }) => {
      return { id, type, currency, sum: amount, count: 1 }
    })
    return say(presentSettlements(totals, nowMs)[0])
  })
}

function chargesByReference(query: Query, reference: string): Read {
  return {
    subject: (ledger) => subjectOfSearch(reference, ledger.chargesByReference(reference), ledger),
    answer: ({ ledger, settings, nowMs }) => {
      const wrong = unlisted(query, ['reference'])
      if (wrong !== null) return wrongParam(wrong)
      // An index that lags: what is younger is not in it yet.
      const seen = ledger
        .chargesByReference(reference)
        .filter((charge) => charge.createdAtMs <= nowMs - settings.lookupLagMs)
      return sayList(seen.map(presentCharge), null)
    },
  }
}

function chargesByPayment(query: Query, payment: string): Read {
  return {
    subject: (ledger) => subjectOfSearch(payment, ledger.chargesByPayment(payment), ledger),
    answer: ({ ledger }) => {
      const wrong = unlisted(query, ['payment'])
      if (wrong !== null) return wrongParam(wrong)
      return sayList(ledger.chargesByPayment(payment).map(presentCharge), null)
    },
  }
}

function about(answer: Read['answer']): Read {
  return { subject: () => nobody, answer }
}

function chargeOf(id: string, ledger: Ledger): Charge {
  const charge = ledger.charge(id)
  if (charge === null) throw new Error(`a movement names charge ${id}, which is not there`)
  return charge
}

function missing(what: string): Answer {
  return refuse('not_found', `There is no such ${what}.`, { param: 'id' })
}
