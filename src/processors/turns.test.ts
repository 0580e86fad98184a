import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { openTurns } from './turns.ts'

test('so many are let in at once, and the others in the order in which they came', async () => {
  const turns = openTurns(2)
  const entered: number[] = []
  const ends: ((() => void) | null)[] = []
  for (const who of [1, 2, 3, 4]) {
    void turns.take(1_000).then((end) => {
      entered.push(who)
      ends.push(end)
    })
  }
  await sleep(5)
  assert.deepEqual(entered, [1, 2])
  ends[1]?.()
  await sleep(5)
  assert.deepEqual(entered, [1, 2, 3])
  ends[0]?.()
  ends[2]?.()
  await sleep(5)
  assert.deepEqual(entered, [1, 2, 3, 4])
})

test('whoever waited too long is not let in, and keeps nobody out', async () => {
  const turns = openTurns(1)
  const end = await turns.take(1_000)
  assert.equal(await turns.take(20), null)
  const next = turns.take(1_000)
  end?.()
  assert.notEqual(await next, null)
})
