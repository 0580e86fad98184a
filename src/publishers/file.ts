// A SQLite file of a publisher's own, beside the store: made or opened, never somebody else's, durable
// with each commit.
import { closeSync, openSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'

export interface FileKind {
  /** Four letters in the file's header. */
  readonly applicationId: number
  readonly format: number
  /** Of a new file. */
  readonly schema: string
  /** What it is, after "no": `feed of Quittance`. */
  readonly what: string
  /** What to do with a file of another version. */
  readonly advice: string
}

export interface OwnFile {
  readonly db: DatabaseSync
  /** Made with the file: another file is another reader of events, from the first one on. */
  readonly id: string
  /** All of it or nothing, durable when it returns. */
  readonly inOne: <T>(work: () => T) => T
}

/** Throws where the file is somebody else's or another version's. `:memory:` ends with the process. */
export function openOwnFile(path: string, kind: FileKind, newId: () => string): OwnFile {
  // Only this user may read it, from the first moment on; the log takes over these rights.
  if (path !== ':memory:') closeSync(openSync(path, 'a', 0o600))
  const db = new DatabaseSync(path)
  try {
    return Object.freeze({ db, id: prepare(db, path, kind, newId), inOne: inOneOn(db) })
  } catch (error) {
    db.close()
    throw error
  }
}

function prepare(db: DatabaseSync, path: string, kind: FileKind, newId: () => string): string {
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema').get() === undefined
  if (!isEmpty) {
    if (pragma(db, 'application_id') !== kind.applicationId) {
      throw new Error(`${path} is no ${kind.what}`)
    }
    if (pragma(db, 'user_version') !== kind.format) {
      throw new Error(`${path} was written by another version of Quittance; ${kind.advice}`)
    }
  }
  db.exec('PRAGMA journal_mode = WAL')
  // What is acknowledged is here for good.
  db.exec('PRAGMA synchronous = FULL')
  db.exec('PRAGMA journal_size_limit = 67108864')
  if (isEmpty) {
    db.exec(`BEGIN IMMEDIATE;
      CREATE TABLE file (id TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;
      ${kind.schema};
      PRAGMA application_id = ${kind.applicationId};
      PRAGMA user_version = ${kind.format}`)
    db.prepare('INSERT INTO file (id) VALUES (?)').run(newId())
    db.exec('COMMIT')
  }
  return String(db.prepare('SELECT id FROM file').get()?.['id'])
}

function inOneOn(db: DatabaseSync) {
  return <T>(work: () => T): T => {
    db.exec('BEGIN IMMEDIATE')
    try {
      const made = work()
      db.exec('COMMIT')
      return made
    } catch (error) {
      if (db.isTransaction) db.exec('ROLLBACK')
      throw error
    }
  }
}

const pragma = (db: DatabaseSync, name: string): number =>
  Number(db.prepare(`PRAGMA ${name}`).get()?.[name])
