// One payment, every fault at every call and every crash at every commit: all schedules of up to two
// faults on the reference store, all single faults on SQLite. `npm run small-scope` goes deeper.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openMemoryStore } from '../stores/memory.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import { explore, faultsOf, run } from '../../test/small-scope.ts'
import type { Schedule } from '../../test/small-scope.ts'
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

// Schedules of three faults that once came out wrong; `npm run small-scope` goes through all of them.
const regressions: readonly (readonly [
  found: string,
  workload: string,
  schedule: Schedule,
  faults: readonly string[],
])[] = [
  [
    'a refused void was parked after one look-up that had no answer, while a capture was still late',
    'voided where the object comes first',
    [
      { site: 8, fault: 'late' },
      { site: 13, fault: 'decline' },
      { site: 15, fault: 'no_answer' },
    ],
    ['send#8:late', 'send#13:decline', 'look_up#15:no_answer'],
  ],
]

for (const [found, name, schedule, faults] of regressions) {
  test(`found before: ${found}`, async () => {
    const workload = workloads.find((each) => each.name === name)
    assert(workload !== undefined)
    const ran = await run(() => openMemoryStore(), workload, schedule)
    assert.deepEqual(ran.faults, faults, 'the schedule meets other sites now')
    assert.deepEqual(faultsOf(ran), [])
  })
}
