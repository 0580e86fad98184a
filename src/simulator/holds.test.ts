import assert from 'node:assert/strict'
import { test } from 'node:test'

import { connectionLost, lostCode, openHolds } from './holds.ts'

test('a held connection is let go when its client leaves', async () => {
  const client = new AbortController()
  const held = openHolds(60_000).holdOpen(client.signal)
  client.abort()
  await assert.rejects(held, (error) => lostCode(error) === 'UND_ERR_SOCKET')
})

test('closing ends holds and pauses', async () => {
  const holds = openHolds(60_000)
  const waits = [holds.holdOpen(new AbortController().signal), holds.pause(60_000)]
  holds.close()
  for (const wait of waits) {
    await assert.rejects(wait, (error) => lostCode(error) === 'UND_ERR_SOCKET')
  }
})

test('a lost connection looks as it does to a client of fetch, and other errors do not', () => {
  const lost = connectionLost('ECONNRESET')
  assert.equal(lost.message, 'fetch failed')
  assert.equal(lostCode(lost), 'ECONNRESET')
  assert.equal(lostCode(new TypeError('fetch failed')), null)
  assert.equal(lostCode(new Error('fetch failed', { cause: lost.cause })), null)
})
