// One payment, every fault at every call and every crash at every commit: all schedules of up to two
// faults on the reference store, all single faults on SQLite. `npm run small-scope` goes deeper.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openMemoryStore } from '../stores/memory.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import { explore } from '../../test/small-scope.ts'
import { workloads } from '../../test/workloads.ts'

for (const workload of workloads) {
  test(`${workload.name}: no two faults pay twice, lie or leave money behind`, async (t) => {
    const { schedules, parked, violations } = await explore(() => openMemoryStore(), workload, 2)
    t.diagnostic(`${schedules} schedules, ${parked} ended in front of a person`)
    assert.deepEqual(violations, [])
  })

  test(`${workload.name}: no single fault does so on SQLite`, async () => {
    const open = (): ReturnType<typeof openSqliteStore> => openSqliteStore({ file: ':memory:' })
    const { violations } = await explore(open, workload, 1)
    assert.deepEqual(violations, [])
  })
}
