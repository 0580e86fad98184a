// The records of one reconciliation in a file of its own, so that a run outlives its process and takes
// no more memory than a page. It may be lost at any time: then the run begins anew.
import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

import type { ProcessorRecord } from '../../core/reconcile.ts'
import type { RecordIndex } from '../../engine/record-index.ts'
import { decode } from '../json.ts'

const schema = `
CREATE TABLE IF NOT EXISTS place (cursor TEXT, is_complete INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS record (
  payment_id TEXT NOT NULL,
  object_id TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (payment_id, object_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS record_by_object ON record (object_id);
CREATE TABLE IF NOT EXISTS unreadable (line TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
`

/** `:memory:` ends with the process. Throws where the file cannot be opened. */
export function openRecordIndex(file: string): RecordIndex {
  const db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL')
  // Whatever a power loss takes of it is read again.
  db.exec('PRAGMA synchronous = NORMAL')
  db.exec(schema)
  const insert = db.prepare(`INSERT INTO record (payment_id, object_id, value) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET value = excluded.value`)
  const note = db.prepare('INSERT OR IGNORE INTO unreadable (line) VALUES (?)')
  const owner = db.prepare("SELECT payment_id FROM record WHERE object_id = ? AND payment_id <> ''")
  const any = db.prepare('SELECT 1 FROM record WHERE payment_id = ?')
  // Whole payments: all rows of the next so many ids.
  const group = db.prepare(`SELECT payment_id, value FROM record WHERE payment_id IN
    (SELECT DISTINCT payment_id FROM record WHERE payment_id > ? ORDER BY payment_id LIMIT ?)
    ORDER BY payment_id, object_id`)
  const nameless = db.prepare(
    "SELECT value FROM record WHERE payment_id = '' ORDER BY object_id LIMIT ? OFFSET ?",
  )
  // Written by `add` from a record.
  const recordOf = (row: Readonly<Record<string, unknown>>): ProcessorRecord =>
    decode<ProcessorRecord>(String(row['value']))
  return Object.freeze<RecordIndex>({
    place() {
      const row = db.prepare('SELECT cursor, is_complete FROM place').get()
      const cursor = row?.['cursor']
      return {
        cursor: typeof cursor === 'string' ? cursor : null,
        isComplete: row?.['is_complete'] === 1,
      }
    },
    add({ records, unreadable, cursor }) {
      db.exec('BEGIN')
      try {
        for (const record of records) {
          insert.run(record.paymentId ?? '', record.object.objectId, JSON.stringify(record))
        }
        for (const line of unreadable) note.run(line)
        db.exec('DELETE FROM place')
        db.prepare('INSERT INTO place VALUES (?, ?)').run(cursor, cursor === null ? 1 : 0)
        db.exec('COMMIT')
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
    groups(afterPaymentId, limit) {
      const rows = group.all(afterPaymentId, limit)
      const groups = Map.groupBy(rows, (row) => String(row['payment_id']))
      return [...groups].map(([paymentId, own]) => ({ paymentId, records: own.map(recordOf) }))
    },
    nameless: (limit, offset) => nameless.all(limit, offset).map(recordOf),
    unreadable: () =>
      db
        .prepare('SELECT line FROM unreadable ORDER BY line')
        .all()
        .map((row) => String(row['line'])),
    has: (paymentId) => any.get(paymentId) !== undefined,
    ownerOf(objectId) {
      const row = owner.get(objectId)
      return row === undefined ? null : String(row['payment_id'])
    },
    count: () => Number(db.prepare('SELECT count(*) AS count FROM record').get()?.['count']),
    close(forget) {
      db.close()
      if (!forget || file === ':memory:') return
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    },
  })
}
