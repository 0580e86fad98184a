// One write inside a group's transaction: all of its steps, or none of them.
import type { CommitResult } from '../../ports.ts'
import type { Connection } from './connection.ts'
import type { Step } from './steps.ts'

export interface Applied {
  readonly result: CommitResult
  /** These steps changed the rows; false where an earlier try of the same write had. */
  readonly isNew: boolean
  /** Of the events that were written, in their order. */
  readonly positions: readonly number[]
}

/**
 * Runs every step even after a failed one, so that a conflict names all rows that were in the way.
 * Throws where the disk fails; the group is rolled back then.
 */
export function applyWrite(
  connection: Connection,
  commitId: string,
  steps: readonly Step[],
  onStep: () => void,
): Applied {
  const positions: number[] = []
  connection.prepare('SAVEPOINT command').run()
  const failed = steps.filter((step) => {
    onStep()
    return !run(connection, step, positions)
  })
  if (failed.length > 0) connection.prepare('ROLLBACK TO command').run()
  connection.prepare('RELEASE command').run()
  if (failed.length === 0) return { result: { result: 'committed' }, isNew: true, positions }
  if (failed.some((step) => writerOf(connection, step) === commitId)) {
    return { result: { result: 'committed' }, isNew: false, positions: [] }
  }
  const rows = failed.map(({ table, key }) => ({ table, key }))
  return { result: { result: 'conflict', rows }, isNew: false, positions: [] }
}

/** Does its condition hold? The position of an event that was written is added to `positions`. */
function run(
  connection: Connection,
  { table, sql, values, needs }: Step,
  positions: number[],
): boolean {
  const statement = connection.prepare(sql)
  switch (needs) {
    case 'change': {
      const { changes, lastInsertRowid } = statement.run(...values)
      if (table === 'event' && changes === 1) positions.push(Number(lastInsertRowid))
      return changes === 1
    }
    case 'row':
      return statement.get(...values) !== undefined
    case 'no_row':
      return statement.get(...values) === undefined
    case 'nothing':
      statement.run(...values)
      return true
  }
}

// After the rollback: what is there now was there before this write, so our own id in it means that
// this write was committed earlier.
function writerOf(connection: Connection, { writer }: Step): unknown {
  return connection.prepare(writer.sql).get(...writer.values)?.['commit_id']
}
