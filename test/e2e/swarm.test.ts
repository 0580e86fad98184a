// A small swarm: agents of one account, a budget for half of their bills, kills of the real service.
// `npm run swarm` is the large one.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { isGood, runSwarm } from '../../scripts/swarm/run.ts'
import { temporaryFolder } from './support.ts'

test('of a swarm’s bills exactly those are paid that the budget covers, each once', async (t) => {
  const run = await runSwarm({
    agents: 12,
    bills: 60,
    kills: 2,
    seed: 7,
    folder: await temporaryFolder(t),
    say: (line) => t.diagnostic(line),
  })
  assert.deepEqual(run.surprises, [])
  assert.deepEqual(run.result, {
    agents: 12,
    bills: 60,
    affordable: 30,
    paid: 30,
    double_charges: 0,
    over_limit: 0,
  })
  assert.ok(isGood(run) && run.kills === 2 && run.refusals >= 30 && run.samples > 100)
})
