// The balance transactions in the ledger, and their sums.
import type { DatabaseSync } from 'node:sqlite'

import type { Ledger, SettlementTotal } from './ledger.ts'
import { integer, pageByTime, pageValues, placed, text } from './rows.ts'
import type { SqlRow } from './rows.ts'
import type { Movement } from './settlements.ts'

type MovementRows = Pick<
  Ledger,
  'insertMovement' | 'movements' | 'movementsOf' | 'settlementTotals' | 'captureCounts'
>

export function movementRows(db: DatabaseSync): MovementRows {
  const insert = db.prepare(
    'insert into movement (id, type, charge_id, refund_id, amount, currency, created_at_ms, ' +
      'settles_at_ms, settlement_id) values (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const page = db.prepare(`select * from movement ${pageByTime}`)
  const settled = db.prepare(
    'select * from movement where settlement_id = ? and settles_at_ms <= ? order by seq',
  )
  const totals = db.prepare(
    `select settlement_id, currency, type, sum(amount) as sum, count(*) as count from movement
     where settles_at_ms <= :now and settlement_id in (
       select distinct settlement_id from movement
       where settlement_id > :after and settles_at_ms <= :now order by settlement_id limit :limit)
     group by settlement_id, type order by settlement_id`,
  )
  const captures = db.prepare(
    `select charge_id, count(*) as count from movement where type = 'capture' group by charge_id`,
  )
  return {
    insertMovement: (m) => {
      const { chargeId, refundId, createdAtMs, settlesAtMs } = m
      const tail = [createdAtMs, settlesAtMs, m.settlementId] as const
      insert.run(m.id, m.type, chargeId, refundId, m.amount, m.currency, ...tail)
    },
    movements: (asked) => page.all(...pageValues(asked)).map((row) => placed(row, toMovement)),
    movementsOf: (id, nowMs) => settled.all(id, nowMs).map(toMovement),
    settlementTotals: (after, now, limit) => totals.all({ after, now, limit }).map(toTotal),
    captureCounts: () =>
      new Map(captures.all().map((row) => [text(row, 'charge_id'), integer(row, 'count')])),
  }
}

function toMovement(row: SqlRow): Movement {
  const refundId = row['refund_id']
  return {
    id: text(row, 'id'),
    // Only `insertMovement` writes this column.
    type: text(row, 'type') as Movement['type'],
    chargeId: text(row, 'charge_id'),
    refundId: typeof refundId === 'string' ? refundId : null,
    amount: integer(row, 'amount'),
    currency: text(row, 'currency'),
    createdAtMs: integer(row, 'created_at_ms'),
    settlesAtMs: integer(row, 'settles_at_ms'),
    settlementId: text(row, 'settlement_id'),
  }
}

function toTotal(row: SqlRow): SettlementTotal {
  return {
    id: text(row, 'settlement_id'),
    currency: text(row, 'currency'),
    // Only `insertMovement` writes this column.
    type: text(row, 'type') as Movement['type'],
    sum: integer(row, 'sum'),
    count: integer(row, 'count'),
  }
}
