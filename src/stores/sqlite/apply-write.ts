// One write inside a group's transaction: all of its steps, or none of them.
import type { CommitResult } from '../../ports.ts'
import type { Connection } from './connection.ts'
import type { Step } from './steps.ts'

/**
 * Runs every step even after a failed one, so that a conflict names all rows that were in the way.
 * `isNew`: these steps changed the rows; false where an earlier try of the same write had.
 * Throws where the disk fails; the group is rolled back then.
 */
export function applyWrite(
  connection: Connection,
  commitId: string,
  steps: readonly Step[],
  onStep: () => void,
): { readonly result: CommitResult; readonly isNew: boolean } {
  connection.prepare('SAVEPOINT command').run()
  const failed = steps.filter((step) => {
    onStep()
    return !run(connection, step)
  })
  if (failed.length > 0) connection.prepare('ROLLBACK TO command').run()
  connection.prepare('RELEASE command').run()
  if (failed.length === 0) return { result: { result: 'committed' }, isNew: true }
  if (failed.some((step) => writerOf(connection, step) === commitId)) {
    return { result: { result: 'committed' }, isNew: false }
  }
  const rows = failed.map(({ table, key }) => ({ table, key }))
  return { result: { result: 'conflict', rows }, isNew: false }
}

/** Does its condition hold? */
function run(connection: Connection, { sql, values, needs }: Step): boolean {
  const statement = connection.prepare(sql)
  switch (needs) {
    case 'change':
      return statement.run(...values).changes === 1
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
