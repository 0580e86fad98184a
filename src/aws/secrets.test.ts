// Secrets change while functions run, and Secrets Manager is away now and then.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createSecrets } from './secrets.ts'

function world() {
  const made = { value: 'first' as string | undefined, isAway: false, reads: 0, nowMs: 0 }
  const client = {
    send: async () => {
      made.reads += 1
      if (made.isAway) throw new Error('away')
      return { SecretString: made.value }
    },
  }
  return { made, read: createSecrets(client, () => made.nowMs) }
}

test('a new value is used within minutes, and not asked for each time', async () => {
  const { made, read } = world()
  assert.equal(await read('arn'), 'first')
  made.value = 'second'
  made.nowMs = 299_999
  assert.equal(await read('arn'), 'first')
  made.nowMs = 300_000
  assert.equal(await read('arn'), 'second')
  assert.equal(made.reads, 2)
  assert.equal(await read('another'), 'second')
  assert.equal(made.reads, 3)
})

test('the known value outlives a read that fails; without one the failure is told', async () => {
  const { made, read } = world()
  made.isAway = true
  await assert.rejects(read('arn'), /away/)
  made.isAway = false
  await read('arn')
  made.isAway = true
  made.nowMs = 300_000
  assert.equal(await read('arn'), 'first')
})

test('a secret that nobody has filled in is no secret', async () => {
  for (const value of ['', undefined]) {
    const { made, read } = world()
    made.value = value
    await assert.rejects(read('arn'), /no value yet/)
  }
})
