// The order of the feed in a file of its own: which event came when, and whose it is. Events themselves
// stay in the store; a file that was lost is made again from the first of them.
import type { SQLInputValue, StatementSync } from 'node:sqlite'

import { openOwnFile } from '../file.ts'
import type { OwnFile } from '../file.ts'
import type { Owner } from '../owners.ts'

const kind = {
  /** "QTNF" in the file's header. */
  applicationId: 0x51544e46,
  format: 1,
  what: 'feed of Quittance',
  advice: 'put it aside: it is made anew',
  schema: `
CREATE TABLE owner (
  number INTEGER PRIMARY KEY,
  payment_id TEXT NOT NULL UNIQUE,
  agent TEXT NOT NULL,
  account TEXT NOT NULL,
  livemode INTEGER NOT NULL
) STRICT;
CREATE TABLE entry (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  owner INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  at_ms INTEGER NOT NULL,
  account TEXT NOT NULL,
  UNIQUE (owner, seq)
) STRICT;
CREATE INDEX entry_by_account ON entry (account, number);
CREATE INDEX entry_by_time ON entry (at_ms, number);
`,
}

export interface Place extends Owner {
  readonly number: number
  readonly seq: number
  readonly atMs: number
}

export interface Numbered {
  readonly paymentId: string
  readonly seq: number
  readonly atMs: number
}

export interface IndexFile {
  readonly id: string
  /** Those of these payments whose owner is known. */
  readonly owners: (paymentIds: readonly string[]) => ReadonlySet<string>
  /** All of it or nothing; what is there already stays where it is. Says how many were new. */
  readonly add: (owners: readonly Owner[], events: readonly Numbered[]) => number
  readonly after: (account: string | null, number: number, limit: number) => readonly Place[]
  /** By time; `after` is the last one that was seen. */
  readonly between: (
    fromMs: number,
    toMs: number,
    after: { readonly atMs: number; readonly number: number } | null,
    limit: number,
  ) => readonly Place[]
  /** The number of the last one; 0: there is none. */
  readonly last: () => number
  /** The number of the last one before all that happened at this time or later. */
  readonly lastBefore: (atMs: number) => number
  readonly close: () => void
}

export function openIndexFile(path: string, newId: () => string): IndexFile {
  const file = openOwnFile(path, kind, newId)
  const { db } = file
  const known = db.prepare('SELECT 1 FROM owner WHERE payment_id = ?')
  const last = db.prepare('SELECT max(number) AS number FROM entry')
  // Times of different payments need not rise with the numbers: the first of the later ones counts.
  const firstAt = db.prepare('SELECT min(number) AS number FROM entry WHERE at_ms >= ?')
  const read = readsOn(file)
  return Object.freeze<IndexFile>({
    id: file.id,
    owners: (ids) => new Set(ids.filter((id) => known.get(id) !== undefined)),
    add: addTo(file),
    after: read.after,
    between: read.between,
    last: () => numberOf(last),
    lastBefore(atMs) {
      const first = firstAt.get(atMs)?.['number']
      return first == null ? numberOf(last) : Number(first) - 1
    },
    close: () => db.close(),
  })
}

const numberOf = (statement: StatementSync): number => Number(statement.get()?.['number'] ?? 0)

function addTo({ db, inOne }: OwnFile): IndexFile['add'] {
  const own = db.prepare(`INSERT OR IGNORE INTO owner (payment_id, agent, account, livemode)
    VALUES (?, ?, ?, ?)`)
  const enter = db.prepare(`INSERT OR IGNORE INTO entry (owner, seq, at_ms, account)
    SELECT number, ?, ?, account FROM owner WHERE payment_id = ?`)
  return (owners, events) =>
    inOne(() => {
      for (const { paymentId, agent, account, livemode } of owners) {
        own.run(paymentId, agent, account, livemode ? 1 : 0)
      }
      return events.reduce(
        (sum, { paymentId, seq, atMs }) => sum + Number(enter.run(seq, atMs, paymentId).changes),
        0,
      )
    })
}

const columns = `entry.number, entry.seq, entry.at_ms, owner.payment_id, owner.agent, owner.account,
  owner.livemode FROM entry JOIN owner ON owner.number = entry.owner`

function readsOn({ db }: OwnFile): Pick<IndexFile, 'after' | 'between'> {
  const ofAll = db.prepare(`SELECT ${columns} WHERE entry.number > ? ORDER BY entry.number LIMIT ?`)
  const ofOne = db.prepare(`SELECT ${columns} WHERE entry.account = ? AND entry.number > ?
    ORDER BY entry.number LIMIT ?`)
  const byTime = db.prepare(`SELECT ${columns}
    WHERE (entry.at_ms, entry.number) > (?, ?) AND entry.at_ms < ?
    ORDER BY entry.at_ms, entry.number LIMIT ?`)
  const places = (statement: StatementSync, ...values: SQLInputValue[]): readonly Place[] =>
    statement.all(...values).map(placeOf)
  return {
    after: (account, number, limit) =>
      account === null ? places(ofAll, number, limit) : places(ofOne, account, number, limit),
    between: (fromMs, toMs, after, limit) =>
      after === null
        ? places(byTime, fromMs, 0, toMs, limit)
        : places(byTime, after.atMs, after.number, toMs, limit),
  }
}

function placeOf(row: Readonly<Record<string, unknown>>): Place {
  return {
    number: Number(row['number']),
    seq: Number(row['seq']),
    atMs: Number(row['at_ms']),
    paymentId: String(row['payment_id']),
    agent: String(row['agent']),
    account: String(row['account']),
    livemode: Number(row['livemode']) === 1,
  }
}
