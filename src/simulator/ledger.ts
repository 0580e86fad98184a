// The durable ledger: one SQLite file, one transaction for each request, prepared statements. It
// stores and finds; what a charge may do is in `charges.ts`.
import { DatabaseSync } from 'node:sqlite'

import { chargeRows } from './charge-rows.ts'
import type { Charge } from './charges.ts'
import { movementRows } from './movement-rows.ts'
import { schema } from './schema.ts'
import type { Movement } from './settlements.ts'
import { answerRows, tallyRows } from './small-rows.ts'

export interface Answered {
  readonly fingerprint: string
  readonly status: number
  readonly body: string
  readonly createdAtMs: number
}

/** A stretch of time, oldest first, that continues behind `after`. */
export interface Page {
  readonly fromMs: number
  readonly beforeMs: number
  readonly after: { readonly atMs: number; readonly seq: number }
  readonly limit: number
}

/** A row with its place in a page. */
export interface Placed<T> {
  readonly value: T
  readonly atMs: number
  readonly seq: number
}

export interface SettlementTotal {
  readonly id: string
  readonly currency: string
  readonly type: Movement['type']
  readonly sum: number
  readonly count: number
}

export interface Ledger {
  /** All that `work` writes or, where it throws, nothing of it. Not to be nested. */
  transaction<T>(work: () => T): T
  charge(id: string): Charge | null
  chargesByReference(reference: string): readonly Charge[]
  chargesByPayment(payment: string): readonly Charge[]
  chargesCreated(page: Page): readonly Placed<Charge>[]
  /** Charges that change by themselves at or before a time, longest due first. */
  chargesDue(nowMs: number, limit: number): readonly Charge[]
  insertCharge(charge: Charge): void
  updateCharge(charge: Charge): void
  insertMovement(movement: Movement): void
  movements(page: Page): readonly Placed<Movement>[]
  movementsOf(settlementId: string, nowMs: number): readonly Movement[]
  /** Sums by settlement and type of what is settled by now, at most `limit` settlements. */
  settlementTotals(afterId: string, nowMs: number, limit: number): readonly SettlementTotal[]
  /** How many captures each charge had, counted from the movements and not from its state. */
  captureCounts(): ReadonlyMap<string, number>
  answered(key: string): Answered | null
  insertAnswered(key: string, answered: Answered): void
  forgetAnswered(key: string): void
  /** Forgets up to 200 of the oldest keys, if they were made then or earlier. */
  forgetOldAnswers(atMs: number): void
  /** Adds one and says how many there are now. */
  count(scope: string, subject: string): number
  counted(scope: string, subject: string): number
  /** The counts of a scope by subject. */
  tally(scope: string): Readonly<Record<string, number>>
  /** The sum of the counts of a scope. */
  total(scope: string): number
  setting(name: string): string | null
  putSetting(name: string, value: string): void
  close(): void
}

export function openLedger(file: string): Ledger {
  const db = new DatabaseSync(file)
  // Exclusive: a second simulator on the same file would keep a second key table in memory.
  // Normal: what a killed process had committed is with the kernel; only a power cut could lose it.
  db.exec('pragma locking_mode = exclusive; pragma journal_mode = wal; pragma synchronous = normal')
  // A WAL of 32 MB: each checkpoint waits for the disk, and a benchmark would wait for it often.
  db.exec('pragma wal_autocheckpoint = 8000')
  db.exec(schema)
  return Object.freeze({
    transaction: transactions(db),
    ...chargeRows(db),
    ...movementRows(db),
    ...answerRows(db),
    ...tallyRows(db),
    close: () => db.close(),
  })
}

function transactions(db: DatabaseSync): Ledger['transaction'] {
  const begin = db.prepare('begin immediate')
  const commit = db.prepare('commit')
  const rollback = db.prepare('rollback')
  return (work) => {
    begin.run()
    try {
      const result = work()
      commit.run()
      return result
    } catch (error) {
      rollback.run()
      throw error
    }
  }
}
