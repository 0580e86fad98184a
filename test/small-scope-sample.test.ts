// The sample says what all schedules would say: nothing of a store that keeps its promises, and something
// of one that does not.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Store } from '../src/ports.ts'
import { openMemoryStore } from '../src/stores/memory.ts'
import { openSqliteStore } from '../src/stores/sqlite/store.ts'
import { exploreSample } from './small-scope-sample.ts'
import type { OpenEmpty } from './small-scope-sample.ts'
import { workloads } from './workloads.ts'

const opening =
  (open: () => Store): OpenEmpty =>
  async () => ({ store: open(), dispose: async () => undefined })

const [plain] = workloads
assert.ok(plain !== undefined)
const sample = { faults: 3, count: 20, seed: 'test' }

test('a sample on SQLite ends as on the reference store', async () => {
  const open = opening(() => openSqliteStore({ file: ':memory:' }))
  for (const workload of workloads.slice(0, 5)) {
    const { schedules, violations } = await exploreSample(open, workload, { ...sample, count: 5 })
    assert.deepEqual([schedules, violations], [5, []])
  }
})

test('the same seed draws the same schedules', async () => {
  const drawn = async (seed: string): Promise<string> => {
    const open = opening(() => forgetful(2))
    return JSON.stringify(await exploreSample(open, plain, { ...sample, seed }))
  }
  assert.equal(await drawn('one'), await drawn('one'))
  assert.notEqual(await drawn('one'), await drawn('other'))
})

test('a store that says committed and has forgotten is found out', async () => {
  const { violations } = await exploreSample(
    opening(() => forgetful(3)),
    plain,
    sample,
  )
  assert.ok(violations.length > sample.count / 2, `${violations.length}`)
})

/** Its n-th commit is not written. */
function forgetful(at: number): Store {
  const store = openMemoryStore()
  let commits = 0
  return {
    ...store,
    commit: async (write) =>
      (commits += 1) === at ? { result: 'committed' } : store.commit(write),
  }
}
