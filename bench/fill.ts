// A store with a past: one payment is paid for real, and its rows are written again and again under
// other names. Ids come in order, as they do; references and keys are random, as they are.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

import type { Child } from '../src/cli/children.ts'
import { load } from './load.ts'
import { startService, token } from './processes.ts'

/** Leaves `payments` settled ones, delivered to every publisher, and the disk at rest. */
export async function fill(folder: string, processor: Child, payments: number): Promise<void> {
  const service = await startService({ processorUrl: processor.url, folder })
  await load({ url: service.url, token, concurrency: 1, warmUpMs: 0, measureMs: 1 })
  await settled()
  await service.end('SIGTERM')
  const db = new DatabaseSync(join(folder, 'quittance.db'))
  // Nothing of it has to survive a crash, and pages are written once.
  db.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -1000000')
  db.exec('BEGIN')
  for (const sql of statements(payments)) db.exec(sql)
  db.exec('COMMIT')
  db.close()
  // What the kernel still has to write would be written while something else is measured.
  execFileSync('sync')
}

/** The publishers take their last page within a moment. */
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1_500))

// Each table is read from a copy of its few rows and written in the order of its key: nothing is sorted
// but the names, and pages are filled one after the other.
function statements(payments: number): readonly string[] {
  const copy = (table: string, columns: string, loops: string): readonly string[] => {
    const named = columns
      .split(', ')
      .map((name) => `replace(replace(own.${name}, s.id, f.id), s.reference, f.reference)`)
    return [
      `CREATE TEMP TABLE own_${table} AS SELECT * FROM ${table}`,
      `INSERT INTO ${table} (${columns}) SELECT ${named.join(', ')} FROM source s CROSS JOIN ${loops}`,
    ]
  }
  const keyed = 'key, version, commit_id, value'
  const inOrder = (table: string): string => `fresh f CROSS JOIN own_${table} own`
  return [
    'CREATE TEMP TABLE source AS SELECT key AS id, reference FROM payment',
    `CREATE TEMP TABLE fresh AS
      WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${payments})
      SELECT printf('pay_00%024d', i) AS id, lower(hex(randomblob(16))) AS reference FROM n`,
    'CREATE TEMP TABLE shuffled AS SELECT * FROM fresh ORDER BY reference',
    ...copy(
      'payment',
      `${keyed}, account, agent, state, reference, holds, due_at_ms, run`,
      inOrder('payment'),
    ),
    ...copy('details', keyed, inOrder('details')),
    ...copy('event', 'payment_id, seq, commit_id, value', inOrder('event')),
    ...['key', 'reference', 'look_alike'].flatMap((table) =>
      copy(table, keyed, `own_${table} own CROSS JOIN shuffled f`),
    ),
    'UPDATE publisher SET position = (SELECT max(position) FROM event)',
  ]
}
