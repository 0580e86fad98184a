// Rows as SQLite gives them, and pages of them by time.
import type { StatementSync } from 'node:sqlite'

import type { Page, Placed } from './ledger.ts'

export type SqlRow = ReturnType<StatementSync['all']>[number]

/** Oldest first; `seq` keeps the order of those in the same millisecond. */
export const pageByTime =
  'where created_at_ms >= ? and created_at_ms < ? and (created_at_ms, seq) > (?, ?) ' +
  'order by created_at_ms, seq limit ?'

export function pageValues({ fromMs, beforeMs, after, limit }: Page): number[] {
  return [fromMs, beforeMs, after.atMs, after.seq, limit]
}

export function placed<T>(row: SqlRow, read: (row: SqlRow) => T): Placed<T> {
  return { value: read(row), atMs: integer(row, 'created_at_ms'), seq: integer(row, 'seq') }
}

export function text(row: SqlRow, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new Error(`${column} is no text`)
  return value
}

export function integer(row: SqlRow, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new Error(`${column} is no integer`)
  return value
}
