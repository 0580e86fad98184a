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
CREATE TABLE IF NOT EXISTS progress (
  one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1),
  value TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS unreadable (line TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
`

const ownerSql = "SELECT payment_id FROM record WHERE object_id = ? AND payment_id <> ''"

/** Sorts before every id and after none: nameless records are no group. */
const beforeAll = '\u0001'

/** Sorts after every id. */
const afterAll = '\u{10ffff}'

/** `:memory:` ends with the process. Throws where the file cannot be opened. */
export function openRecordIndex(file: string): RecordIndex {
  const db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL')
  // Whatever a power loss takes of it is read again.
  db.exec('PRAGMA synchronous = NORMAL')
  db.exec(schema)
  const insert = db.prepare(
    'INSERT OR IGNORE INTO record (payment_id, object_id, value) VALUES (?, ?, ?)',
  )
  const renew = db.prepare('UPDATE record SET value = ? WHERE payment_id = ? AND object_id = ?')
  const note = db.prepare('INSERT OR IGNORE INTO unreadable (line) VALUES (?)')
  const any = db.prepare('SELECT 1 FROM record WHERE payment_id = ?')
  const span = db.prepare(`SELECT payment_id, value FROM record
    WHERE payment_id < ? AND payment_id >= ?
    ORDER BY payment_id DESC, object_id DESC LIMIT ?`)
  const own = db.prepare('SELECT payment_id, value FROM record WHERE payment_id = ?')
  const nameless = db.prepare(
    "SELECT value FROM record WHERE payment_id = '' ORDER BY object_id LIMIT ? OFFSET ?",
  )
  const advance = db.prepare('INSERT OR REPLACE INTO progress (one, value) VALUES (1, ?)')
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
      let fresh = 0
      db.exec('BEGIN')
      try {
        for (const record of records) {
          const value = JSON.stringify(record)
          const key = [record.paymentId ?? '', record.object.objectId] as const
          const isNew = insert.run(...key, value).changes === 1
          if (isNew) fresh += 1
          else renew.run(value, ...key)
        }
        for (const line of unreadable) note.run(line)
        db.exec('DELETE FROM place')
        db.prepare('INSERT INTO place VALUES (?, ?)').run(cursor, cursor === null ? 1 : 0)
        db.exec('COMMIT')
        return fresh
      } catch (error) {
        if (db.isTransaction) db.exec('ROLLBACK')
        throw error
      }
    },
    groups(before, from, limit) {
      const rows = span.all(before ?? afterAll, from === '' ? beforeAll : from, limit + 1)
      const last = String(rows.at(-1)?.['payment_id'])
      const all = Map.groupBy(rows, (row) => String(row['payment_id']))
      // The last one may go on behind the limit.
      if (rows.length > limit) all.set(last, own.all(last))
      return [...all].map(([paymentId, found]) => ({ paymentId, records: found.map(recordOf) }))
    },
    nameless: (limit, offset) => nameless.all(limit, offset).map(recordOf),
    unreadable: () =>
      db
        .prepare('SELECT line FROM unreadable ORDER BY line')
        .all()
        .map((row) => String(row['line'])),
    has: (paymentId) => any.get(paymentId) !== undefined,
    ownerOf(objectId) {
      // Hardly ever asked, and then of a few: most runs need no index for it.
      db.exec('CREATE INDEX IF NOT EXISTS record_by_object ON record (object_id)')
      const row = db.prepare(ownerSql).get(objectId)
      return row === undefined ? null : String(row['payment_id'])
    },
    progress() {
      const value = db.prepare('SELECT value FROM progress').get()?.['value']
      return typeof value === 'string' ? value : null
    },
    keepProgress: (progress) => void advance.run(progress),
    count: () => Number(db.prepare('SELECT count(*) AS count FROM record').get()?.['count']),
    close(forget) {
      db.close()
      if (!forget || file === ':memory:') return
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    },
  })
}
