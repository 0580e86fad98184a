// The books in a file of their own: journals and balances, written together. Whatever is in it follows
// from the payments' events, so that a file that was lost is made again from the first of them.
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue } from 'node:sqlite'

import type { Balance, JournalEntry } from '../../core/ledger.ts'
import type { JournalQuery } from '../../ports.ts'
import { insertWriteOff, isWriteOffCursor, listWriteOffs, writeOffSchema } from './write-offs.ts'
import type { BreakWriteOff } from './write-offs.ts'

/** "QTNL" in the file's header. */
const applicationId = 0x51544e4c
const format = 1

// A journal moves one amount from its credit to its debit account: it cannot be out of balance.
const schema = `
CREATE TABLE book (id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE seen (payment_id TEXT NOT NULL PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE journal (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  payment_id TEXT NOT NULL,
  seq INTEGER NOT NULL,
  kind TEXT NOT NULL,
  at_ms INTEGER NOT NULL,
  livemode INTEGER NOT NULL,
  currency TEXT NOT NULL,
  debit TEXT NOT NULL,
  credit TEXT NOT NULL,
  amount INTEGER NOT NULL,
  UNIQUE (payment_id, seq, kind)
) STRICT;
CREATE INDEX journal_by_debit ON journal (debit, number);
CREATE INDEX journal_by_credit ON journal (credit, number);
CREATE TABLE balance (
  livemode INTEGER NOT NULL,
  currency TEXT NOT NULL,
  account TEXT NOT NULL,
  amount INTEGER NOT NULL,
  PRIMARY KEY (livemode, currency, account)
) STRICT, WITHOUT ROWID;
`

/** What became of one payment by a page of events. */
export interface Booking {
  readonly paymentId: string
  /** The last event that is taken account of. */
  readonly seq: number
  readonly entries: readonly JournalEntry[]
}

export interface Books {
  /** Made with the file: another file is another reader of events, from the first one on. */
  readonly id: string
  readonly seen: (paymentId: string) => number
  /** All of it or nothing, durable when it returns; the entries of all bookings, in their order. */
  readonly book: (bookings: readonly Booking[], entries: readonly JournalEntry[]) => void
  /** Each once, however often it comes; durable when it returns. */
  readonly writeOff: (writeOffs: readonly BreakWriteOff[]) => void
  readonly balances: () => readonly Balance[]
  readonly journals: (query: JournalQuery) => {
    readonly entries: readonly JournalEntry[]
    readonly cursor: string | null
  }
  readonly close: () => void
}

/** Throws where the file is somebody else's or a newer program's. `newId` names a file that is made. */
export function openBooks(file: string, newId: () => string): Books {
  const db = new DatabaseSync(file, { readBigInts: true })
  try {
    const id = prepare(db, file, newId)
    return booksOn(db, id)
  } catch (error) {
    db.close()
    throw error
  }
}

function prepare(db: DatabaseSync, file: string, newId: () => string): string {
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
  if (!isEmpty) {
    const found = [pragma(db, 'application_id'), pragma(db, 'user_version')]
    if (found[0] !== applicationId) throw new Error(`${file} is no ledger of Quittance`)
    if (found[1] !== format) {
      throw new Error(
        `${file} was written by another version of Quittance; put it aside: it is made anew`,
      )
    }
  }
  db.exec('PRAGMA journal_mode = WAL')
  // A page is acknowledged only once it is here for good.
  db.exec('PRAGMA synchronous = FULL')
  if (isEmpty) {
    db.exec(`BEGIN IMMEDIATE; ${schema}; PRAGMA application_id = ${applicationId};
      PRAGMA user_version = ${format}`)
    db.prepare('INSERT INTO book (id) VALUES (?)').run(newId())
    db.exec('COMMIT')
  }
  db.exec(writeOffSchema)
  return String(db.prepare('SELECT id FROM book').get()?.['id'])
}

const pragma = (db: DatabaseSync, name: string): number =>
  Number(db.prepare(`PRAGMA ${name}`).get()?.[name])

function booksOn(db: DatabaseSync, id: string): Books {
  const seen = db.prepare('SELECT seq FROM seen WHERE payment_id = ?')
  const see = db.prepare(`INSERT INTO seen (payment_id, seq) VALUES (?, ?)
    ON CONFLICT (payment_id) DO UPDATE SET seq = excluded.seq WHERE seq < excluded.seq`)
  const write = db.prepare(`INSERT INTO journal
    (payment_id, seq, kind, at_ms, livemode, currency, debit, credit, amount)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  const add =
    db.prepare(`INSERT INTO balance (livemode, currency, account, amount) VALUES (?, ?, ?, ?)
    ON CONFLICT (livemode, currency, account) DO UPDATE SET amount = amount + excluded.amount`)
  const bookOne = (entry: JournalEntry): void => {
    const { paymentId, seq, kind, atMs, livemode, currency, postings } = entry
    const [debit, credit] = postings
    const live = livemode ? 1 : 0
    if (paymentId === null) throw new Error('a journal of an event has its payment')
    const about = [paymentId, seq, kind, atMs, live, currency] as const
    write.run(...about, debit.account, credit.account, debit.amount)
    for (const { account, amount } of postings) add.run(live, currency, account, amount)
  }
  const writeOffOne = (one: BreakWriteOff): void => {
    if (!insertWriteOff(db, one)) return
    const { livemode, currency, debit, credit, amount } = one
    add.run(livemode ? 1 : 0, currency, debit, amount)
    add.run(livemode ? 1 : 0, currency, credit, -amount)
  }
  return Object.freeze({
    id,
    seen: (paymentId: string) => Number(seen.get(paymentId)?.['seq'] ?? 0),
    book(bookings: readonly Booking[], entries: readonly JournalEntry[]) {
      inOne(db, () => {
        for (const entry of entries) bookOne(entry)
        for (const { paymentId, seq } of bookings) see.run(paymentId, seq)
      })
    },
    writeOff(writeOffs: readonly BreakWriteOff[]) {
      inOne(db, () => {
        for (const one of writeOffs) writeOffOne(one)
      })
    },
    balances: () =>
      db
        .prepare('SELECT * FROM balance ORDER BY livemode DESC, currency, account')
        .all()
        .map((row) => ({
          account: String(row['account']),
          currency: String(row['currency']),
          livemode: Number(row['livemode']) === 1,
          amount: row['amount'] as bigint, // an INTEGER, read as such
        })),
    journals: (query: JournalQuery) => journals(db, query),
    close: () => db.close(),
  })
}

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

interface Page {
  readonly entries: readonly JournalEntry[]
  readonly cursor: string | null
}

/** Journals of events and then write-offs, or the other way round: two lists, one after the other. */
function journals(db: DatabaseSync, query: JournalQuery): Page {
  const { limit, cursor, order = 'newest' } = query
  const isAmongWriteOffs = isWriteOffCursor(cursor)
  if (order === 'oldest') {
    const first = isAmongWriteOffs ? { entries: [], cursor: null } : ofEvents(db, query)
    if (first.cursor !== null) return first
    const rest = writeOffsOf(db, query, limit - first.entries.length)
    // A page that is full by the last event still says that write-offs follow.
    const last = first.entries.length === limit && rest.hasMore ? lastNumber(db, query) : null
    return { entries: [...first.entries, ...rest.entries], cursor: rest.cursor ?? last }
  }
  if (cursor !== undefined && !isAmongWriteOffs) return ofEvents(db, query)
  const { cursor: _, ...fromStart } = query
  const first = writeOffsOf(db, query, limit)
  if (first.cursor !== null) return first
  const left = limit - first.entries.length
  if (left === 0) {
    const follows = ofEvents(db, { ...fromStart, limit: 1 }).entries.length > 0
    return { entries: first.entries, cursor: follows ? first.lastCursor : null }
  }
  const rest = ofEvents(db, { ...fromStart, limit: left })
  return { entries: [...first.entries, ...rest.entries], cursor: rest.cursor }
}

function writeOffsOf(db: DatabaseSync, query: JournalQuery, limit: number) {
  const found = listWriteOffs(db, query, limit + 1)
  const shown = found.slice(0, limit)
  const lastCursor = shown.at(-1)?.cursor ?? null
  const hasMore = found.length > limit
  const cursor = hasMore ? lastCursor : null
  return { entries: shown.map(({ entry }) => entry), cursor, lastCursor, hasMore }
}

/** The cursor behind the last journal of an event. */
function lastNumber(db: DatabaseSync, { account, paymentId }: JournalQuery): string {
  const about = {
    ...(account === undefined ? {} : { account }),
    ...(paymentId === undefined ? {} : { paymentId }),
  }
  return String(ofEvents(db, { ...about, order: 'newest', limit: 1 }).last ?? 0)
}

function ofEvents(
  db: DatabaseSync,
  { account, paymentId, limit, cursor, order = 'newest' }: JournalQuery,
) {
  const filters: [sql: string, ...values: SQLInputValue[]][] = []
  if (account !== undefined) filters.push(['(debit = ? OR credit = ?)', account, account])
  if (paymentId !== undefined) filters.push(['payment_id = ?', paymentId])
  const [sign, way] = order === 'newest' ? ['<', 'DESC'] : ['>', 'ASC']
  if (cursor !== undefined) filters.push([`number ${sign} ?`, Number(cursor)])
  const where = filters.length === 0 ? '' : `WHERE ${filters.map(([sql]) => sql).join(' AND ')}`
  const found = db
    .prepare(`SELECT * FROM journal ${where} ORDER BY number ${way} LIMIT ?`)
    .all(...filters.flatMap(([, ...values]) => values), limit + 1)
  const rows = found.slice(0, limit)
  const last = rows.at(-1)?.['number']
  return {
    entries: rows.map(entryOf),
    cursor: found.length > limit && last !== undefined ? String(last) : null,
    last,
  }
}

function entryOf(row: Readonly<Record<string, unknown>>): JournalEntry {
  const amount = Number(row['amount'])
  return {
    // Written by `book` from an entry's own kind.
    kind: String(row['kind']) as JournalEntry['kind'],
    paymentId: String(row['payment_id']),
    seq: Number(row['seq']),
    atMs: Number(row['at_ms']),
    currency: String(row['currency']),
    livemode: Number(row['livemode']) === 1,
    postings: [
      { account: String(row['debit']), amount },
      { account: String(row['credit']), amount: -amount },
    ],
  }
}
