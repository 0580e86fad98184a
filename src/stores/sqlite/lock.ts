// One process per file. An exclusive transaction on a second small file is the lock: the kernel
// frees it when the process dies, however it dies, so there is never a stale one to remove.
import { accessSync, constants } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { primaryCode } from './connection.ts'

/** `SQLITE_BUSY`: another connection holds it. */
const busy = 5

// Kept here until they are given back: a connection that nobody refers to is closed with the next
// garbage, and its lock with it, while commits of a forgotten store may still wait in their queue.
const locks = new Set<DatabaseSync>()

/** Takes the lock of a store's file, or throws; answers what gives it back. */
export function lock(file: string): () => void {
  const path = `${file}.lock`
  const db = new DatabaseSync(path)
  try {
    // SQLite opens what it may not write for reading, and then `BEGIN EXCLUSIVE` locks nobody out.
    accessSync(path, constants.W_OK)
    db.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    db.close()
    throw primaryCode(error) === busy ? held(file) : error
  }
  locks.add(db)
  return () => {
    locks.delete(db)
    db.close()
  }
}

function held(file: string): Error {
  return new Error(
    `it is in use: another Quittance process on this machine has it open (a service, a demo, ` +
      `an export or import that still runs; \`fuser ${file}.lock\` shows its process id). If it was told to stop, it may still be stopping. ` +
      'Stop that one first, or give this one a data folder of its own (QUITTANCE_DATA). ' +
      'Do not delete the lock file: it holds no lock by itself, and two processes on one file ' +
      'would each miss what the other has paid.',
  )
}
