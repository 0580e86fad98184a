// One connection to one file, with its settings and its cached statements. Everything on it is
// synchronous: between BEGIN and COMMIT no other JavaScript runs, so nobody can read in between.
import { DatabaseSync } from 'node:sqlite'
import type { SQLInputValue, StatementSync } from 'node:sqlite'

export interface Connection {
  readonly db: DatabaseSync
  /** Prepared once for each text. */
  prepare(sql: string): StatementSync
}

/** The whole data of a store that lives in no file and ends with its process. */
export const inMemory = ':memory:'

/** A backup program may hold the file for a moment; a group that waits longer answers `unknown`. */
const busyTimeoutMs = 250

/**
 * The log is copied into the file once it holds so many pages (4 KiB each), at the end of a commit
 * that crosses the mark. SQLite's own 1,000 are a few full groups, and each copy costs two more
 * fsyncs and writes the same hot pages again; 4,000 keep the log near 16 MiB, and a restart, which
 * reads all of it, far below a second. Reads here never stay open, so the log always starts over.
 */
const checkpointPages = 4_000

/** What the log is cut back to where a burst made it longer. */
const logSizeLimitBytes = 64 * 1024 * 1024

/** Room for the upper pages of all indexes at some millions of payments. */
const cacheKiB = 64 * 1024

export function connect(file: string): Connection {
  const db = new DatabaseSync(file, { timeout: busyTimeoutMs })
  const statements = new Map<string, StatementSync>()
  return {
    db,
    prepare(sql) {
      const known = statements.get(sql)
      if (known !== undefined) return known
      const made = db.prepare(sql)
      statements.set(sql, made)
      return made
    },
  }
}

/** Separate from `connect`: a file that is not ours is left as it was. */
export function makeDurable({ db }: Connection): void {
  const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode']
  if (mode !== 'wal' && mode !== 'memory') throw new Error('its disk cannot hold a log beside it')
  db.exec('PRAGMA synchronous = FULL')
  // On macOS a plain fsync stops at the disk's own cache; elsewhere these change nothing.
  db.exec('PRAGMA fullfsync = ON')
  db.exec('PRAGMA checkpoint_fullfsync = ON')
  db.exec(`PRAGMA wal_autocheckpoint = ${checkpointPages}`)
  db.exec(`PRAGMA journal_size_limit = ${logSizeLimitBytes}`)
  db.exec(`PRAGMA cache_size = -${cacheKiB}`)
}

/** All rows of a query whose columns are named after the fields of `T`. */
export function all<T>(connection: Connection, sql: string, ...values: SQLInputValue[]): T[] {
  // The SQL beside each call names these columns, and STRICT tables hold their types to it.
  return connection.prepare(sql).all(...values) as T[]
}

export function first<T>(
  connection: Connection,
  sql: string,
  ...values: SQLInputValue[]
): T | undefined {
  // As above.
  return connection.prepare(sql).get(...values) as T | undefined
}

/** SQLite's result code without its details, or `null` where the error is not SQLite's. */
export function primaryCode(error: unknown): number | null {
  const code = error instanceof Error && 'errcode' in error ? error.errcode : null
  return typeof code === 'number' ? code & 0xff : null
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
