import assert from 'node:assert/strict'
import { test } from 'node:test'
import { key, put, row, write } from './contract/builders.ts'
import { storeContract } from './contract/store-contract.ts'
import { openMemoryStore } from './memory.ts'

// It is the model itself: its histories only show that the suite agrees with itself.
storeContract('memory', async () => ({ store: openMemoryStore() }), { sequences: 50 })

test('memory: a lost answer is unknown and written, and the same write again is committed', async () => {
  let fault: 'lose_answer' | 'normal' = 'lose_answer'
  const store = openMemoryStore({ onCommit: () => fault })
  const claim = write(put('key', 'k', key('pay_1'), { absent: true }))
  assert.equal((await store.commit(claim)).result, 'unknown')
  assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [row(key('pay_1'), 1)])
  fault = 'normal'
  assert.deepEqual(await store.commit(claim), { result: 'committed' })
  assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [row(key('pay_1'), 1)])
})

test('memory: a dropped write is unknown and not written, and the same write again is written', async () => {
  let fault: 'drop' | 'normal' = 'drop'
  const store = openMemoryStore({ onCommit: () => fault })
  const claim = write(put('key', 'k', key('pay_1'), { absent: true }))
  assert.equal((await store.commit(claim)).result, 'unknown')
  assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [null])
  fault = 'normal'
  assert.deepEqual(await store.commit(claim), { result: 'committed' })
  assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [row(key('pay_1'), 1)])
})
