// What a payment may use of the table, as a budget: counts, not time. Whoever needs more says so here and
// in docs/reference/dynamodb.md.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'

import { dynamoServer, skipWithoutServer } from '../contract/dynamo-server.ts'

interface Units {
  readonly writes: number
  readonly indexWrites: number
  readonly reads: number
  readonly withRateLimit: number
}

test('a payment on the happy path stays within its units of the table', async (t) => {
  if ((await dynamoServer()) === null) return skipWithoutServer(t)
  const script = join(import.meta.dirname, '..', '..', '..', 'scripts', 'units.ts')
  const args = [script, '--json', '--payments', '1']
  const { stdout } = await promisify(execFile)(process.execPath, args)
  const used = JSON.parse(stdout) as Units // printed by the script
  // With a mandate of its account, which is 8 of the writes; 5 of the reads ask whether it is suspended.
  const most: Units = { writes: 40, indexWrites: 5, reads: 75, withRateLimit: 42 }
  const over = Object.entries(most).filter(([unit, units]) => used[unit as keyof Units] > units)
  assert.deepEqual(over, [], JSON.stringify(used))
})
