// Which questions are asked row by row, and that the answers are the same.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { RowKey, Store } from '../ports.ts'
import { openMemoryStore } from '../stores/memory.ts'
import { readGatesApart } from './gate-reads.ts'

const control = { halted: true, by: 'someone', reason: 'drill', atMs: 1 } as const
const agent = {
  id: 'a1',
  account: 'default',
  name: 'first',
  suspended: false,
  mandate: null,
} as const

async function world() {
  const memory = openMemoryStore()
  const put = { do: 'put', if: null } as const
  const actions = [
    { ...put, table: 'control', key: 'all', value: control },
    { ...put, table: 'agent', key: 'a1', value: agent },
  ] as const
  assert.deepEqual(await memory.commit({ commitId: 'c1', actions }), { result: 'committed' })
  const asked: string[][] = []
  const read: Store['read'] = async (keys) => {
    asked.push(keys.map(({ table, key }) => `${table} ${key}`))
    return memory.read(keys)
  }
  return { asked, memory, store: readGatesApart({ ...memory, read }) }
}

test('switches, breaker and agent are asked for one by one, and answered in the order asked', async () => {
  const { asked, memory, store } = await world()
  const keys = [
    { table: 'breaker', key: 'p1' },
    { table: 'control', key: 'all' },
    { table: 'agent', key: 'a1' },
  ] as const
  const rows = await store.read(keys)
  assert.deepEqual(asked, [['breaker p1'], ['control all'], ['agent a1']])
  assert.deepEqual(rows, await memory.read(keys))
  assert.deepEqual(
    rows.map((row) => row?.version),
    [undefined, 1, 1],
  )
})

test('whatever else is among them is read at one moment, as the port has it', async () => {
  const others: readonly (readonly RowKey[])[] = [
    [{ table: 'control', key: 'all' }],
    [
      { table: 'agent', key: 'a1' },
      { table: 'payment', key: 'pay_1' },
    ],
    [
      { table: 'token', key: 't' },
      { table: 'agent', key: 'a1' },
    ],
  ]
  for (const keys of others) {
    const { asked, store } = await world()
    await store.read(keys)
    assert.deepEqual(asked, [keys.map(({ table, key }) => `${table} ${key}`)])
  }
})

test('a row that cannot be read rejects the whole question', async () => {
  const { memory } = await world()
  const store = readGatesApart({
    ...memory,
    read: async (keys) => {
      if (keys[0]?.table === 'breaker') throw new Error('away')
      return memory.read(keys)
    },
  })
  const keys = [
    { table: 'control', key: 'all' },
    { table: 'breaker', key: 'p1' },
  ] as const
  await assert.rejects(store.read(keys), /away/)
})
