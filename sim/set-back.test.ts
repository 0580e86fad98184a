// Invariant 15: a store that is set back to a snapshot, recovered and opened again pays no bill twice and
// knows of all money; and a world in which nobody asks the processor first is seen to break it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createSetBackAuditor } from './auditor/set-back.ts'
import { setBackLifeOf } from './batch.ts'
import type { Seen } from './witness.ts'
import { live } from './world.ts'

/** What each found before it was mended, and of how many bills its world is. */
const found: readonly (readonly [number, number, string])[] = [
  [25, 20, 'a store that did not answer was told as a bug'],
  [69, 20, 'a payment that had been retried was rebuilt beside its retry, and both were paid'],
  [171, 20, 'an attempt that was still open in the snapshot kept the decline of the next one out'],
  [258, 20, 'a declined object was taken for the payment, and another one took money for it'],
  [670, 20, 'a capture that was sent again in the time that was lost was captured once more'],
  [61189093, 6, 'the world, not the engine: nobody took back a stop that the snapshot held'],
]

for (const [seed, bills, what] of found) {
  test(`seed ${seed} with a store that is set back is clean: ${what}`, async () => {
    const { violations } = await live(setBackLifeOf(seed, bills))
    assert.deepEqual(violations, [])
  })
}

test('stores are set back while payments move, payments are rebuilt, and the service opens', async () => {
  const seen = { setBack: 0, opened: 0, rebuilt: 0, refused: 0 }
  for (const seed of [2, 3, 4, 8]) {
    const onSeen = (each: Seen): void => {
      if (each.see === 'set_back') seen.setBack += 1
      if (each.see !== 'answered') return
      const text = JSON.stringify(each.body)
      if (text.includes('"object":"recovery","status":"open"')) seen.opened += 1
      if (text.includes('"result":"rebuilt"')) seen.rebuilt += 1
      if (text.includes('"code":"not_ready"')) seen.refused += 1
    }
    const { violations } = await live({ ...setBackLifeOf(seed, 20), onSeen })
    assert.deepEqual(violations, [])
  }
  assert.deepEqual([seen.setBack, seen.opened], [4, 4])
  assert(seen.rebuilt > 4 && seen.refused > 4, JSON.stringify(seen))
})

test('where nobody asks the processor first, bills are paid twice, and the auditor says so', async () => {
  const broken = new Set<number>()
  for (let seed = 1; seed <= 12; seed += 1) {
    const { violations } = await live({ ...setBackLifeOf(seed, 20), setsBack: 'unchecked' })
    for (const { invariant } of violations) broken.add(invariant)
  }
  assert(broken.has(15), 'no seed of twelve paid twice')
})

const claim = (paymentId: string, reference: string): Seen => ({
  see: 'stored',
  atMs: 1,
  rows: [],
  events: [
    {
      paymentId,
      seq: 1,
      type: 'claimed',
      body: { terms: { account: 'a', payee: 'ACME', reference } },
    },
  ],
})

const capture = (paymentId: string, objectId: string): Seen => ({
  see: 'ledger',
  atMs: 2,
  paymentId,
  objectId,
  key: null,
  change: 'captured',
  amount: 1,
  currency: 'EUR',
  reference: null,
})

test('the auditor sees a second payment of a bill, a second capture, and money that nobody knows', () => {
  const told = (second: Seen, setBack = true): readonly number[] => {
    const auditor = createSetBackAuditor()
    const story: Seen[] = [claim('pay_1', 'INV 1'), capture('pay_1', 'ch_1')]
    if (setBack) story.push({ see: 'set_back', atMs: 2, what: '' })
    story.push(claim('pay_2', ' inv  1'), claim('pay_3', 'INV 3'), second)
    return story.flatMap((seen) => auditor.see(seen)).map(({ invariant }) => invariant)
  }
  assert.deepEqual(told(capture('pay_2', 'ch_2')), [15])
  assert.deepEqual(told(capture('pay_1', 'ch_1')), [15])
  assert.deepEqual(told(capture('pay_3', 'ch_3')), [])
  assert.deepEqual(told(capture('pay_2', 'ch_2'), false), [])
  const charge = {
    objectId: 'ch_1',
    paymentId: 'pay_1',
    currency: 'EUR',
    status: 'captured',
  } as const
  const charges = [{ ...charge, amount: 1, captured: 1, refunded: 0, reversed: 0 }]
  const end = (state: string | null): number => {
    const value = { payment: { state } }
    const rows = state === null ? [] : [{ table: 'payment', key: 'pay_1', value }]
    const standing = { atMs: 3, bills: [], rows, events: [], unpublished: 0, charges }
    return createSetBackAuditor().end(standing).length
  }
  assert.deepEqual([end('captured'), end('authorised'), end(null)], [0, 1, 1])
})
