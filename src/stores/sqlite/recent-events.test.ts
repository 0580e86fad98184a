// What is kept of the newest events is what the file would say, to the last of them.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { record } from '../contract/builders.ts'
import { openRecentEvents } from './recent-events.ts'
import { stepsOf } from './steps.ts'
import { openSqliteStore } from './store.ts'

const follow = (recent: ReturnType<typeof openRecentEvents>, id: string, seq: number, at: number) =>
  recent.follow(stepsOf({ commitId: `c${at}`, actions: [record(id, seq)] }), [at])

const positions = (known: readonly { readonly position: number }[] | null) =>
  known?.map(({ position }) => position)

test('what came before it, and what made way, has to be asked of the file', () => {
  const recent = openRecentEvents(3)
  follow(recent, 'a', 1, 1)
  assert.equal(recent.after(0, 10), null)
  recent.begin(1)
  for (const at of [2, 3, 5, 6]) follow(recent, `p${at}`, 1, at)
  assert.equal(recent.after(1, 10), null, 'the second event has made way')
  assert.deepEqual(positions(recent.after(2, 10)), [3, 5, 6])
  assert.deepEqual(positions(recent.after(4, 1)), [5])
  assert.deepEqual(recent.after(6, 10), [])
  for (let at = 7; at < 100; at += 1) follow(recent, 'long', at - 6, at)
  assert.deepEqual(positions(recent.after(96, 10)), [97, 98, 99])
  recent.clear()
  assert.equal(recent.after(99, 10), null)
})

test('a history is told from its beginning without a gap, or not at all', () => {
  const recent = openRecentEvents(4)
  recent.begin(0)
  follow(recent, 'a', 1, 1)
  follow(recent, 'a', 2, 2)
  follow(recent, 'late', 7, 3)
  const seqs = (id: string, after = 0) => recent.of(id, after, 10)?.map(({ seq }) => seq)
  assert.deepEqual(seqs('a'), [1, 2])
  assert.deepEqual(seqs('a', 1), [2])
  assert.equal(seqs('late'), undefined)
  assert.equal(seqs('nobody'), undefined)
  follow(recent, 'a', 4, 4)
  assert.equal(seqs('a'), undefined)
  follow(recent, 'b', 1, 5)
  follow(recent, 'c', 1, 6)
  follow(recent, 'd', 1, 7)
  follow(recent, 'b', 2, 8)
  follow(recent, 'b', 3, 9)
  assert.equal(seqs('b'), undefined, 'its beginning has made way')
})

test('pages are the same whether the file is asked or not, also after a group that failed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-recent-'))
  t.after(() => rmSync(folder, { recursive: true }))
  let fails = false
  const file = join(folder, 'q.db')
  const store = openSqliteStore({
    file,
    onMoment: (moment) => {
      if (fails && moment === 'applied') throw new Error('the disk fails')
    },
  })
  await store.unpublished('p', 10)
  const commit = (id: string, seq: number, commitId = `${id}${seq}`) =>
    store.commit({ commitId, actions: [record(id, seq, seq + 1)] })
  await Promise.all([commit('a', 1), commit('b', 1), commit('a', 1, 'twin')])
  fails = true
  await commit('c', 1)
  fails = false
  await commit('a', 3)
  await commit('d', 1)
  const kept = await store.unpublished('p', 100)
  const history = await store.events('a', 0, 10)
  await store.close()
  const again = openSqliteStore({ file })
  assert.deepEqual(await again.unpublished('p', 100), kept)
  assert.deepEqual(await again.events('a', 0, 10), history)
  assert.deepEqual(
    kept.events.map(({ paymentId, seq }) => `${paymentId}${seq}`),
    ['a1', 'a2', 'b1', 'b2', 'a3', 'a4', 'd1', 'd2'],
  )
  await again.close()
})

test('nobody can change what another one reads', async () => {
  const store = openSqliteStore({ file: ':memory:' })
  await store.unpublished('p', 10)
  await store.commit({ commitId: 'c', actions: [record('a', 1)] })
  const [event] = (await store.unpublished('p', 10)).events
  assert.throws(() => Object.assign(event ?? {}, { seq: 9 }), TypeError)
  await store.close()
})
