// A processor that is away at the start: we go on as who we were, and believe nothing before it says
// the same again.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { openIdentity, RefusedKey } from './identity.ts'

const ours = { id: 'acct_1', livemode: false }
const away = async () => Promise.reject(new Error('away'))

test('a processor that answers says who we are, whoever we were', async () => {
  for (const known of [null, ours, { id: 'acct_before', livemode: false }]) {
    const identity = await openIdentity(async () => ours, known, 1_000)
    assert.deepEqual(identity.account, ours)
    assert.equal(await identity.doubt(100), null)
  }
})

test('away at the first start of all: there is nobody to be', async () => {
  await assert.rejects(openIdentity(away, null, 1_000), /away/)
})

test('a refused key is refused at every start', async () => {
  const refuse = async () => Promise.reject(new RefusedKey('no'))
  await assert.rejects(openIdentity(refuse, ours, 1_000), RefusedKey)
})

test('away at a later start: nothing is called until it is back, and then asked once for all', async () => {
  let answer: () => Promise<typeof ours> = away
  let asked = 0
  const ask = async () => {
    asked += 1
    return answer()
  }
  const identity = await openIdentity(ask, ours, 1_000)
  assert.deepEqual(identity.account, ours)
  assert.equal(await identity.doubt(100), 'processor_unreachable')
  answer = async () => ours
  asked = 0
  assert.deepEqual(await Promise.all([1, 2, 3].map(() => identity.doubt(100))), [null, null, null])
  assert.equal(asked, 1)
})

test('back as somebody else: nothing is sent there, and nothing it shows is believed', async () => {
  let answer: () => Promise<typeof ours> = away
  const identity = await openIdentity(() => answer(), ours, 1_000)
  answer = async () => ({ id: 'acct_2', livemode: false })
  assert.equal(await identity.doubt(100), 'other_account')
  assert.equal(await identity.doubt(100), 'other_account')
})
