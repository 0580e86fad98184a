// The rows that are read again and again, as they were last committed: a payment at each of its steps,
// who asks at each request. Frozen, so that no caller can change what another one reads. It is filled
// by reads and by writes that are durable; a group that failed empties it.
import type { Row, RowKey, TableName } from '../../ports.ts'
import { decodeRow } from '../json.ts'
import { frozen } from './frozen.ts'
import type { Step } from './steps.ts'

export interface StoredRow {
  readonly version: number
  readonly value: string
}

interface Decoded {
  readonly row: Row<TableName>
}

export interface RowCache {
  /** `null`: known not to be there; `undefined`: not known. */
  get(key: RowKey): Row<TableName> | null | undefined
  /** A row as the file has it now. */
  set(key: RowKey, row: StoredRow | null): void
  /** A write whose every step was carried out and is durable. */
  follow(steps: readonly Step[]): void
  clear(): void
}

/** They are looked at before every call or claim, and most of the time there is none. */
const mostlyAbsent: readonly (TableName | 'event')[] = ['control', 'breaker', 'account', 'budget']

const cachedTables: readonly (TableName | 'event')[] = [
  'payment',
  'details',
  'agent',
  'token',
  ...mostlyAbsent,
]

/** Some 10 MiB, and more payments than are ever in a step at once. The oldest makes way. */
const maxRows = 8_192

export function openRowCache(): RowCache {
  // Text until somebody reads it: most rows of a payment are written and never read again.
  const rows = new Map<string, StoredRow | Decoded | null>()
  const nameOf = (table: string, key: string): string => `${table} ${key}`

  const set = (name: string, row: StoredRow | Decoded | null): void => {
    rows.delete(name)
    rows.set(name, row)
    if (rows.size <= maxRows) return
    for (const oldest of rows.keys()) {
      rows.delete(oldest)
      return
    }
  }

  return {
    get({ table, key }) {
      const name = nameOf(table, key)
      const known = rows.get(name)
      if (known === undefined || known === null) return known
      if ('row' in known) return known.row
      const row = frozen(decodeRow(table, known))
      rows.set(name, { row })
      return row
    },
    set({ table, key }, row) {
      const list = row === null ? mostlyAbsent : cachedTables
      if (list.includes(table)) set(nameOf(table, key), row)
    },
    follow(steps) {
      for (const { table, key, leaves } of steps) {
        if (leaves === 'unchanged' || !cachedTables.includes(table)) continue
        if (leaves === 'untold') rows.delete(nameOf(table, key))
        else set(nameOf(table, key), leaves)
      }
    },
    clear: () => rows.clear(),
  }
}
