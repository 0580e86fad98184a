// Write-offs in the books. They follow from breaks and not from events, so they are kept beside the
// journals of events and told after them, by their own time and break: however they came in, and however
// often the books are made again, the order is the same.
import type { DatabaseSync, SQLInputValue } from 'node:sqlite'

import type { WriteOff } from '../../core/breaks.ts'
import type { JournalEntry } from '../../core/ledger.ts'
import type { JournalQuery } from '../../ports.ts'

export interface BreakWriteOff extends WriteOff {
  readonly breakId: string
  readonly paymentId: string | null
}

export const writeOffSchema = `
CREATE TABLE IF NOT EXISTS write_off (
  at_ms INTEGER NOT NULL,
  break_id TEXT NOT NULL UNIQUE,
  payment_id TEXT,
  livemode INTEGER NOT NULL,
  currency TEXT NOT NULL,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (at_ms, break_id)
) STRICT, WITHOUT ROWID;
`

/** Its place among the write-offs, as a cursor: `w1700000000000_brk_…`. */
const cursorPattern = /^w(\d{1,15})_(brk_[0-9a-f]{26})$/

export const isWriteOffCursor = (cursor: string | undefined): boolean =>
  cursor !== undefined && cursorPattern.test(cursor)

/** False: it is there already. */
export function insertWriteOff(db: DatabaseSync, one: BreakWriteOff): boolean {
  const { atMs, breakId, paymentId, livemode, currency, debit, credit, amount } = one
  const { changes } = db
    .prepare('INSERT OR IGNORE INTO write_off VALUES (?, ?, ?, ?, ?, ?, ?, ?)')
    .run(atMs, breakId, paymentId, livemode ? 1 : 0, currency, debit, credit, amount)
  return Number(changes) === 1
}

interface Listed {
  readonly entry: JournalEntry
  readonly cursor: string
}

/** The next of them; without a cursor of theirs, from the end that comes first. */
export function listWriteOffs(
  db: DatabaseSync,
  { account, paymentId, cursor, order = 'newest' }: JournalQuery,
  limit: number,
): readonly Listed[] {
  const filters: [sql: string, ...values: SQLInputValue[]][] = []
  if (account !== undefined) filters.push(['(debit = ? OR credit = ?)', account, account])
  if (paymentId !== undefined) filters.push(['payment_id = ?', paymentId])
  const [sign, way] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC']
  const [, atMs, breakId] = cursorPattern.exec(cursor ?? '') ?? []
  if (atMs !== undefined && breakId !== undefined) {
    filters.push([`(at_ms, break_id) ${sign} (?, ?)`, Number(atMs), breakId])
  }
  const where = filters.length === 0 ? '' : `WHERE ${filters.map(([sql]) => sql).join(' AND ')}`
  return db
    .prepare(`SELECT * FROM write_off ${where} ORDER BY at_ms ${way}, break_id ${way} LIMIT ?`)
    .all(...filters.flatMap(([, ...values]) => values), limit)
    .map((row) => ({
      entry: entryOf(row),
      cursor: `w${Number(row['at_ms'])}_${String(row['break_id'])}`,
    }))
}

const textOf = (value: unknown): string | null => (typeof value === 'string' ? value : null)

function entryOf(row: Readonly<Record<string, unknown>>): JournalEntry {
  const amount = Number(row['amount'])
  return {
    kind: 'write_off',
    paymentId: textOf(row['payment_id']),
    seq: 0,
    breakId: String(row['break_id']),
    atMs: Number(row['at_ms']),
    currency: String(row['currency']),
    livemode: Number(row['livemode']) === 1,
    postings: [
      { account: String(row['debit']), amount },
      { account: String(row['credit']), amount: -amount },
    ],
  }
}
