// The charges in the ledger, and the next time at which one of them changes by itself.
import type { DatabaseSync } from 'node:sqlite'

import { dueAtMs } from './charges.ts'
import type { Charge } from './charges.ts'
import type { Ledger } from './ledger.ts'
import { integer, pageByTime, pageValues, placed, text } from './rows.ts'
import type { SqlRow } from './rows.ts'

type ChargeRows = Pick<
  Ledger,
  | 'charge'
  | 'chargesByReference'
  | 'chargesByPayment'
  | 'chargesCreated'
  | 'chargesDue'
  | 'insertCharge'
  | 'updateCharge'
>

export function chargeRows(db: DatabaseSync): ChargeRows {
  const byId = db.prepare('select body from charge where id = ?')
  const byReference = db.prepare('select body from charge where reference = ? order by seq')
  const byPayment = db.prepare('select body from charge where payment = ? order by seq')
  const created = db.prepare(`select body, created_at_ms, seq from charge ${pageByTime}`)
  const due = dueRows(db)
  const insert = db.prepare(
    'insert into charge (id, reference, payment, created_at_ms, due_at_ms, body) ' +
      'values (?, ?, ?, ?, ?, ?)',
  )
  const update = db.prepare('update charge set due_at_ms = ?, body = ? where id = ?')
  return {
    charge: (id) => byId.all(id).map(toCharge)[0] ?? null,
    chargesByReference: (reference) => byReference.all(reference).map(toCharge),
    chargesByPayment: (payment) => byPayment.all(payment).map(toCharge),
    chargesCreated: (page) => created.all(...pageValues(page)).map((row) => placed(row, toCharge)),
    chargesDue: due.find,
    insertCharge: (charge) => {
      const { id, reference, createdAtMs } = charge
      const payment = charge.metadata['payment'] ?? null
      const body = JSON.stringify(charge)
      insert.run(id, reference, payment, createdAtMs, due.expect(dueAtMs(charge)), body)
    },
    updateCharge: (charge) => {
      update.run(due.expect(dueAtMs(charge)), JSON.stringify(charge), charge.id)
    },
  }
}

interface DueRows {
  /** Notes that something falls due then. */
  expect(atMs: number | null): number | null
  find: Ledger['chargesDue']
}

/** Nearly always nothing is due: a number that is never too late saves each call a query. */
function dueRows(db: DatabaseSync): DueRows {
  const first = db.prepare(
    'select due_at_ms from charge where due_at_ms is not null order by due_at_ms limit 1',
  )
  const due = db.prepare('select body from charge where due_at_ms <= ? order by due_at_ms limit ?')
  const firstDueMs = (): number =>
    first.all().map((row) => integer(row, 'due_at_ms'))[0] ?? Infinity
  let nextMs = firstDueMs()
  return {
    expect: (atMs) => {
      nextMs = Math.min(nextMs, atMs ?? Infinity)
      return atMs
    },
    find: (nowMs, limit) => {
      if (nowMs < nextMs) return []
      const charges = due.all(nowMs, limit).map(toCharge)
      if (charges.length === 0) nextMs = firstDueMs()
      return charges
    },
  }
}

function toCharge(row: SqlRow): Charge {
  // Only `insertCharge` and `updateCharge` write this column.
  return JSON.parse(text(row, 'body')) as Charge
}
