// The store of one machine: one SQLite file, one process. What makes it safe is in the parts: the
// conditions are SQL (`steps.ts`), a group is one fsync (`commit-queue.ts`), one process per file
// (`lock.ts`). Nothing here decides about payments.
import { closeSync, existsSync, openSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import type { CommitResult, Store, Write } from '../../ports.ts'
import { assertWrite, readReceipt } from '../assert-write.ts'
import { applyWrite } from './apply-write.ts'
import { openCommitQueue } from './commit-queue.ts'
import type { CommitQueue, CommitQueueOptions } from './commit-queue.ts'
import { connect, inMemory, makeDurable, messageOf } from './connection.ts'
import type { Connection } from './connection.ts'
import { lock } from './lock.ts'
import {
  census,
  due,
  events,
  lastPosition,
  list,
  readRows,
  scan,
  unmatchedWebhooks,
  unpublished,
} from './reads.ts'
import { openRecentEvents } from './recent-events.ts'
import type { RecentEvents } from './recent-events.ts'
import { openRowCache } from './row-cache.ts'
import type { RowCache } from './row-cache.ts'
import { assertOurs, migrate } from './schema.ts'
import { stepsOf } from './steps.ts'

export interface SqliteOptions extends Partial<CommitQueueOptions> {
  /** Made where there is none; its folder must exist. `:memory:` ends with the process. */
  readonly file: string
}

/** Throws where the file is in use, somebody else's, or cannot be opened. */
export function openSqliteStore({ file, ...options }: SqliteOptions): Store {
  if (file === inMemory) return storeOn(openConnection(inMemory), () => {}, options)
  let unlock = (): void => {}
  try {
    const path = realPath(file)
    unlock = lock(path)
    // Payments are nobody else's business; the log takes over these rights.
    closeSync(openSync(path, 'a', 0o600))
    return storeOn(openConnection(path), unlock, options)
  } catch (error) {
    unlock()
    throw new Error(`cannot open the store ${file}: ${messageOf(error)}`, { cause: error })
  }
}

// Two names of one file must meet at one lock.
function realPath(file: string): string {
  return existsSync(file) ? realpathSync(file) : join(realpathSync(dirname(file)), basename(file))
}

/** A connection to a file that is ours, brought to the newest schema. */
export function openConnection(file: string): Connection {
  const connection = connect(file)
  try {
    assertOurs(connection.db)
    makeDurable(connection)
    migrate(connection.db)
    return connection
  } catch (error) {
    connection.db.close()
    throw error
  }
}

/** The port on an open connection; `release` is called once it is closed. */
export function storeOn(
  connection: Connection,
  release: () => void,
  { groupSize = 512, onMoment = () => {} }: Partial<CommitQueueOptions> = {},
): Store {
  const queue = openCommitQueue(connection, { groupSize, onMoment })
  const known: Known = { rows: openRowCache(), events: openRecentEvents() }
  let closed = false
  const settled = (): Connection => {
    if (closed) throw new Error('the store is closed')
    queue.settle()
    return connection
  }
  return Object.freeze<Store>({
    read: async (keys) => readRows(settled(), known.rows, keys),
    commit: async (write) => {
      assertWrite(write)
      if (closed) return { result: 'unknown', why: 'the store is closed' }
      return commit(connection, queue, known, write, () => onMoment('step'))
    },
    events: async (paymentId, afterSeq, limit) =>
      events(settled(), known.events, paymentId, afterSeq, limit),
    due: async (beforeMs, limit) => due(settled(), beforeMs, limit),
    scan: async (query) => scan(settled(), query),
    list: async (query) => list(settled(), query),
    census: async () => census(settled()),
    unpublished: async (publisher, limit) => unpublished(settled(), known.events, publisher, limit),
    acknowledge: async (publisher, receipt) => {
      await acknowledge(settled(), queue, publisher, receipt)
    },
    unmatchedWebhooks: async (limit) => unmatchedWebhooks(settled(), limit),
    close: async () => {
      if (closed) return
      closed = true
      try {
        queue.flush()
        closeFile(connection)
      } finally {
        release()
      }
    },
  })
}

/** What need not be read from the file. */
interface Known {
  readonly rows: RowCache
  readonly events: RecentEvents
}

function commit(
  connection: Connection,
  queue: CommitQueue,
  known: Known,
  write: Write,
  onStep: () => void,
): Promise<CommitResult> {
  // The text is made now: what the caller changes later is not stored.
  const steps = stepsOf(write)
  const { promise, resolve } = Promise.withResolvers<CommitResult>()
  queue.add({
    apply() {
      const { result, isNew, positions } = applyWrite(connection, write.commitId, steps, onStep)
      return () => {
        if (isNew) {
          known.rows.follow(steps)
          known.events.follow(steps, positions)
        }
        resolve(result)
      }
    },
    fail: (why) => {
      known.rows.clear()
      known.events.clear()
      resolve({ result: 'unknown', why })
    },
  })
  return promise
}

// Rejects where it may not have been kept: the page is delivered once more then.
function acknowledge(
  connection: Connection,
  queue: CommitQueue,
  publisher: string,
  receipt: string,
): Promise<void> {
  const position = readReceipt(receipt, lastPosition(connection))
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  queue.add({
    apply() {
      connection
        .prepare(
          `INSERT INTO publisher (name, position) VALUES (?, ?)
            ON CONFLICT (name) DO UPDATE SET position = max(position, excluded.position)`,
        )
        .run(publisher, position)
      return resolve
    },
    fail: (why) => reject(new Error(why)),
  })
  return promise
}

function closeFile({ db }: Connection): void {
  try {
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // A disk that cannot take the pages now: the log keeps them for the next start.
  }
  db.close()
}
