// The door of each agent: a pace of its own, told in headers, and never in the way of a replay.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill as aBill, createHttpWorld } from '../../test/http-world.ts'
import { openDoor } from './door.ts'

const limit = { perSecond: 1, burst: 3 }

test('an agent that asks too often is told to come back; nothing is stored and its key is unused', async () => {
  const world = await createHttpWorld({ service: { door: openDoor(limit) } })
  const pay = (bill: number, key = `key-${bill}`) =>
    world.ask('POST', '/v1/payments', {
      body: { ...aBill, reference: `INV-${bill}`, amount: 100 + bill },
      key,
    })
  for (const [bill, left] of [
    [1, 2],
    [2, 1],
    [3, 0],
  ] as const) {
    const { status, headers } = await pay(bill)
    assert.equal(status, 202)
    assert.equal(headers.get('ratelimit-policy'), '"agent";q=3;w=3')
    assert.match(headers.get('ratelimit') ?? '', new RegExp(`^"agent";r=${left};t=\\d$`))
  }
  const refused = await pay(4)
  assert.equal(refused.status, 429)
  assert.equal(refused.body.code, 'rate_limited')
  assert.equal(refused.headers.get('retry-after'), '1')
  assert.deepEqual(refused.body.next_action, { type: 'retry_same_key', after: 1, url: null })
  const read = await world.ask('GET', '/v1/payments')
  assert.equal(read.status, 429)
  // What was accepted before is still answered to whoever repeats it.
  const replay = await pay(1)
  assert.equal(replay.status, 202)
  assert.equal(replay.headers.get('idempotent-replayed'), 'true')
  // Operators have no door, and the agent's opens again.
  assert.equal((await world.ask('GET', '/v1/payments', { as: 'operator' })).status, 200)
  world.world.hand.nowMs += 3_000
  assert.equal((await pay(4)).status, 202)
})
