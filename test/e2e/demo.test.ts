// The demo on a part of its bills: it adds up, and it can fail. All of them: `npm run demo`.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import type { TestContext } from 'node:test'

import { run, temporaryFolder } from './support.ts'

const perScript = 3

/** A few bills of every script. */
async function fewBills(t: TestContext): Promise<string> {
  const text = await readFile(new URL('../../examples/bills.csv', import.meta.url), 'utf8')
  const [head = '', ...rows] = text.trim().split('\n')
  const seen = new Map<string, number>()
  const few = rows.filter((row) => {
    const script = row.slice(row.lastIndexOf(',') + 1)
    seen.set(script, (seen.get(script) ?? 0) + 1)
    // The rows of a pair of twins follow each other.
    return (seen.get(script) ?? 0) <= (script === 'twin' ? 4 : perScript)
  })
  const path = join(await temporaryFolder(t), 'bills.csv')
  await writeFile(path, [head, ...few].join('\n'))
  return path
}

const keys = [
  'bills',
  'payable',
  'paid',
  'declined',
  'open',
  'requests',
  'replays',
  'processor_calls',
  'captures',
  'double_charges',
  'lost',
  'unknown_resolved',
  'dead_letters',
  'breaks',
  'restarts',
  'match_rate',
  'seed',
]

interface Summary {
  readonly [name: string]: number
}

const summaryOf = (stdout: string): Summary =>
  JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Summary

suite('demo', { concurrency: 3 }, () => {
  test('it adds up, and says so in one line', async (t) => {
    const ended = await run([
      'demo',
      '--bills',
      await fewBills(t),
      '--kills',
      '2',
      '--seed',
      '1',
      '--json',
    ])
    assert.equal(ended.code, 0, ended.stdout + ended.stderr)
    const summary = summaryOf(ended.stdout)
    assert.deepEqual(Object.keys(summary), keys)
    assert.equal(summary['paid'], summary['payable'])
    assert.equal(summary['captures'], summary['payable'])
    assert.equal((summary['paid'] ?? 0) + (summary['declined'] ?? 0), summary['bills'])
    assert.equal(summary['restarts'], 2)
    assert.equal(summary['match_rate'], 1)
    for (const none of ['open', 'double_charges', 'lost', 'breaks'])
      assert.equal(summary[none], 0, none)
    assert.ok((summary['replays'] ?? 0) > 0 && (summary['unknown_resolved'] ?? 0) > 0)
  })

  test('a charge beside Quittance is found, and the bill is named', async (t) => {
    const args = ['demo', '--bills', await fewBills(t), '--kills', '1', '--seed', '2', '--json']
    const ended = await run([...args, '--plant', 'double-charge'])
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    assert.equal(summaryOf(ended.stdout)['double_charges'], 1)
    assert.match(ended.stdout, /{"break":{"bill":"B\d+","kind":"double_charge"/)
  })

  test('a bill that nobody asks for is found, and is named', async (t) => {
    const args = ['demo', '--bills', await fewBills(t), '--kills', '1', '--seed', '3']
    const ended = await run([...args, '--plant', 'unpaid'])
    assert.equal(ended.code, 1, ended.stdout + ended.stderr)
    assert.match(ended.stdout, /It does not add up:\n {2}B\d+ {2}not_paid: nobody asked for it/)
  })
})
