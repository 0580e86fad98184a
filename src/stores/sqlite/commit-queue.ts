// Group commit. Jobs wait in a queue until a turn of the event loop brings no more of them; then as
// many as fit in a group run in one transaction, each in its own savepoint, and share one COMMIT,
// that is one fsync. Only then is anybody answered. A group is synchronous from BEGIN to COMMIT on
// the only connection, so no read ever sees a part of it.
//
// If anything throws in between, the whole group is rolled back and each job in it is told that its
// fate is unknown. Nothing is remembered of a failure but one thing: see `inDoubt`.
import type { Connection } from './connection.ts'
import { messageOf, primaryCode } from './connection.ts'
import { schemaVersion } from './schema.ts'

/** What shares a group. */
export interface Job {
  /** Runs inside the transaction; answers what tells its caller once the group is durable. */
  apply(): () => void
  /** The group failed: it may be durable or not. */
  fail(why: string): void
}

/** Where a group stands; tests stop it there. */
export type Moment = 'begun' | 'step' | 'applied' | 'committed'

export interface CommitQueueOptions {
  /**
   * At most so many jobs share one fsync. 512 claims, a whole batch of bills, take a turn of about
   * 100 ms, nothing else runs meanwhile; larger groups gain little more.
   */
  readonly groupSize: number
  /** For tests: called between any two statements; what it throws is a failing disk. */
  readonly onMoment: (moment: Moment) => void
}

export interface CommitQueue {
  add(job: Job): void
  /** Runs all that waits, now. */
  flush(): void
  /** Before every read: nothing unfinished or doubtful may be seen. Throws where that cannot be. */
  settle(): void
}

/** A COMMIT costs about as much for one as for ten: at most so long is one put off. */
const longestWaitMs = 20

/** The disk refused the pages before the one that would have made the group whole. */
const refused: readonly (number | null)[] = [8 /* SQLITE_READONLY */, 13 /* SQLITE_FULL */]

export function openCommitQueue(
  { db }: Connection,
  { groupSize, onMoment }: CommitQueueOptions,
): CommitQueue {
  const queue: Job[] = []
  let scheduled = false
  // A COMMIT that failed at its fsync may have left a whole group in the log: this connection does
  // not see it, but a restart would. So before anything else is said, its place in the log is
  // written over. Until that works, the store can say nothing.
  let inDoubt = false

  function settle(): void {
    if (db.isTransaction) db.exec('ROLLBACK')
    if (!inDoubt) return
    db.exec(`PRAGMA user_version = ${schemaVersion}`)
    inDoubt = false
  }

  function runGroup(group: readonly Job[]): void {
    const answers: (() => void)[] = []
    try {
      settle()
      db.exec('BEGIN IMMEDIATE')
      onMoment('begun')
      for (const job of group) answers.push(job.apply())
      onMoment('applied')
      commit()
    } catch (error) {
      trySettle()
      const why = messageOf(error)
      for (const job of group) job.fail(why)
      return
    }
    for (const answer of answers) answer()
  }

  function commit(): void {
    try {
      db.exec('COMMIT')
      onMoment('committed')
    } catch (error) {
      inDoubt = !refused.includes(primaryCode(error))
      throw error
    }
  }

  // At once where the disk lets it; else before anything else is said.
  function trySettle(): void {
    try {
      settle()
    } catch {
      // The next read or group meets the same disk and says so.
    }
  }

  // A lone job waits one turn; where more keep coming, a COMMIT for all of them is worth the wait.
  function turn(seen: number, sinceMs: number): void {
    const waitsLonger = queue.length > seen && queue.length < groupSize
    if (waitsLonger && performance.now() - sinceMs < longestWaitMs) {
      setImmediate(turn, queue.length, sinceMs)
      return
    }
    scheduled = false
    runGroup(queue.splice(0, groupSize))
    if (queue.length > 0) schedule()
  }

  function schedule(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(turn, 0, performance.now())
  }

  return {
    add(job) {
      queue.push(job)
      schedule()
    },
    flush() {
      while (queue.length > 0) runGroup(queue.splice(0, groupSize))
    },
    settle,
  }
}
