// The lines of one settlement file in a database of its own: written as they come, sorted once when all
// are there, read in groups. It may be lost at any time: then the file is sent again.
import { rmSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

import { namedPayment } from '../../core/settlement.ts'
import type { SettlementLine } from '../../core/settlement.ts'
import { normalise } from '../../core/normalise.ts'
import type { LineGroup, LinesPage, SettlementIndex } from '../../engine/settlement-index.ts'
import { decode } from '../json.ts'

const schema = `
CREATE TABLE IF NOT EXISTS place (received INTEGER NOT NULL, is_complete INTEGER NOT NULL) STRICT;
INSERT INTO place SELECT 0, 0 WHERE NOT EXISTS (SELECT 1 FROM place);
CREATE TABLE IF NOT EXISTS line (subject TEXT NOT NULL, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS batch (name TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unreadable (number INTEGER PRIMARY KEY, line TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS seen (payment_id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
`

/** Sorting while lines come would read the file all over for each of them. */
const sortSql = 'CREATE INDEX IF NOT EXISTS line_by_subject ON line (subject)'

/** `:memory:` ends with the process. Throws where the file cannot be opened. */
export function openSettlementIndex(file: string): SettlementIndex {
  const db = new DatabaseSync(file)
  db.exec('PRAGMA journal_mode = WAL')
  db.exec('PRAGMA synchronous = FULL')
  db.exec(schema)
  const place = db.prepare('SELECT received, is_complete FROM place')
  const received = (): number => Number(place.get()?.['received'] ?? 0)
  const isComplete = (): boolean => place.get()?.['is_complete'] === 1
  const insert = db.prepare('INSERT INTO line (subject, value) VALUES (?, ?)')
  const note = db.prepare('INSERT INTO unreadable (line) VALUES (?)')
  const addBatch = db.prepare('INSERT OR IGNORE INTO batch (name) VALUES (?)')
  const see = db.prepare('INSERT OR IGNORE INTO seen (payment_id) VALUES (?)')
  const isSeen = db.prepare('SELECT 1 FROM seen WHERE payment_id = ?')
  const write = ({ lines, unreadable, through }: LinesPage): void => {
    for (const line of lines) insert.run(subjectOf(line), JSON.stringify(line))
    for (const name of new Set(lines.map(({ batch }) => batch))) {
      if (name !== null) addBatch.run(name)
    }
    for (const line of unreadable) note.run(line)
    db.prepare('UPDATE place SET received = ?').run(through)
  }
  return Object.freeze<SettlementIndex>({
    received,
    isComplete,
    add(page) {
      const have = received()
      if (page.from > have) return 'gap'
      if (page.from < have || isComplete()) return 'had'
      inOne(db, () => write(page))
      return 'added'
    },
    complete() {
      inOne(db, () => db.exec(`${sortSql}; UPDATE place SET is_complete = 1`))
    },
    groups: (after, limit) => groups(db, after, limit),
    unreadable: (offset, limit) =>
      db
        .prepare('SELECT line FROM unreadable WHERE number > ? ORDER BY number LIMIT ?')
        .all(offset, limit)
        .map((row) => String(row['line'])),
    unreadableCount: () => countOf(db, 'unreadable'),
    has: (paymentId) => isSeen.get(paymentId) !== undefined,
    seen(paymentIds) {
      if (paymentIds.length === 0) return
      inOne(db, () => {
        for (const id of paymentIds) see.run(id)
      })
    },
    batches: (limit) =>
      db
        .prepare('SELECT name FROM batch ORDER BY name LIMIT ?')
        .all(limit)
        .map((row) => String(row['name'])),
    close(forget) {
      db.close()
      if (!forget || file === ':memory:') return
      for (const end of ['', '-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
    },
  })
}

/** What lines are compared together. Ids of payments sort before references. */
function subjectOf(line: SettlementLine): string {
  const payment = namedPayment(line)
  if (payment !== null) return `p${payment}`
  if (line.kind === 'other') return ''
  const reference = line.reference === null ? '' : normalise(line.reference)
  return `r${reference}`
}

/** Lines that are compared with nothing share the empty subject; they are never read again. */
function groups(db: DatabaseSync, after: string, limit: number): readonly LineGroup[] {
  const rows = db
    .prepare(`SELECT subject, value FROM line WHERE subject IN
      (SELECT DISTINCT subject FROM line WHERE subject > ? ORDER BY subject LIMIT ?)
      ORDER BY subject, rowid`)
    .all(after, limit)
  return [...Map.groupBy(rows, (row) => String(row['subject']))].map(([subject, own]) => ({
    subject,
    paymentId: subject.startsWith('p') ? subject.slice(1) : null,
    // Written by `add` from a line.
    lines: own.map((row) => decode<SettlementLine>(String(row['value']))),
  }))
}

const countOf = (db: DatabaseSync, table: 'unreadable'): number =>
  Number(db.prepare(`SELECT count(*) AS count FROM ${table}`).get()?.['count'])

function inOne(db: DatabaseSync, work: () => void): void {
  db.exec('BEGIN IMMEDIATE')
  try {
    work()
    db.exec('COMMIT')
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}
