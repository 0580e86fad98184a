// A SQLite file read from its first row to its last, for `quittance export`. It takes the file's lock: while
// a service has it open, nothing is read of it here.
import type { PaymentEvent } from '../../core/payment.ts'
import type { TableName } from '../../ports.ts'
import { decode } from '../json.ts'
import { all, first } from './connection.ts'
import { lock } from './lock.ts'
import { openConnection } from './store.ts'

export interface FileRows {
  readonly count: (table: TableName | 'event') => number
  readonly rows: (table: TableName) => Iterable<{ readonly key: string; readonly value: unknown }>
  readonly events: () => Iterable<PaymentEvent>
  readonly publishers: () => readonly { readonly name: string; readonly acknowledged: number }[]
  readonly close: () => void
}

/** Throws where the file is in use or not ours. */
export function openFileRows(file: string): FileRows {
  const unlock = lock(file)
  try {
    const connection = openConnection(file)
    return {
      count: (table) =>
        first<{ n: number }>(connection, `SELECT count(*) AS n FROM ${table}`)?.n ?? 0,
      *rows(table) {
        const sql = `SELECT key, value FROM ${table} ORDER BY key`
        for (const { key, value } of connection.prepare(sql).iterate()) {
          yield { key: String(key), value: decode(String(value)) }
        }
      },
      *events() {
        const sql = 'SELECT value FROM event ORDER BY position'
        for (const { value } of connection.prepare(sql).iterate()) yield decode(String(value))
      },
      publishers: () =>
        all<{ name: string; acknowledged: number }>(
          connection,
          `SELECT name, (SELECT count(*) FROM event WHERE event.position <= publisher.position)
             AS acknowledged FROM publisher ORDER BY name`,
        ),
      close() {
        connection.db.close()
        unlock()
      },
    }
  } catch (error) {
    unlock()
    throw error
  }
}
