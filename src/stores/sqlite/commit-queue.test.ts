// Groups and failing disks. Limits are set on the connection, so that they can be lifted again.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Store } from '../../ports.ts'
import { key, put, record, row, write } from '../contract/builders.ts'
import { newFolder, removeFolder } from '../contract/sqlite-fixture.ts'
import type { CommitQueueOptions, Moment } from './commit-queue.ts'
import type { Connection } from './connection.ts'
import { openConnection, storeOn } from './store.ts'

const claim = (name: string, text = '') =>
  write(put('key', name, { ...key('pay_1'), fingerprint: text }, { absent: true }))

async function withStore(
  options: Partial<CommitQueueOptions>,
  body: (store: Store, connection: Connection) => Promise<void>,
): Promise<void> {
  const folder = newFolder()
  const connection = openConnection(join(folder, 'q.db'))
  const store = storeOn(connection, () => removeFolder(folder), options)
  try {
    await body(store, connection)
  } finally {
    await store.close()
  }
}

const read = async (store: Store, name: string) =>
  (await store.read([{ table: 'key', key: name }]))[0]

const results = (answers: readonly { readonly result: string }[]) =>
  answers.map(({ result }) => result)

test('sqlite: what is asked in one turn shares a commit, up to the size of a group', async () => {
  const moments: Moment[] = []
  await withStore({ groupSize: 4, onMoment: (moment) => moments.push(moment) }, async (store) => {
    await Promise.all(Array.from({ length: 10 }, (_, index) => store.commit(claim(`k${index}`))))
    assert.equal(moments.filter((moment) => moment === 'committed').length, 3)
    await store.commit(claim('later'))
    assert.equal(moments.filter((moment) => moment === 'committed').length, 4)
  })
})

test('sqlite: nobody is answered, and nothing can be read, before the commit of the group', async () => {
  const seen: string[] = []
  const options = { onMoment: (moment: Moment) => seen.push(moment) }
  await withStore(options, async (store) => {
    const answered = store.commit(claim('k')).then(() => seen.push('answered'))
    assert.equal(await read(store, 'k'), null)
    await answered
    assert.deepEqual(seen, ['begun', 'step', 'applied', 'committed', 'answered'])
  })
})

test('sqlite: a conflict in a group takes nothing from its neighbours', async () => {
  await withStore({}, async (store) => {
    const answers = await Promise.all([
      store.commit(claim('a')),
      store.commit(write(record('pay_1', 1), put('key', 'a', key('pay_2'), { absent: true }))),
      store.commit(claim('b')),
    ])
    assert.deepEqual(results(answers), ['committed', 'conflict', 'committed'])
    assert.deepEqual(await store.events('pay_1', 0, 1), [])
  })
})

for (const at of ['begun', 'step', 'applied'] as const) {
  test(`sqlite: a disk that fails at "${at}" rolls the whole group back, and the next one works`, async () => {
    let broken = true
    const onMoment = (moment: Moment) => {
      if (broken && moment === at) throw new Error('no such sector')
    }
    await withStore({ onMoment }, async (store, { db }) => {
      const writes = [claim('a'), claim('b')]
      const answers = await Promise.all(writes.map((each) => store.commit(each)))
      const unknown = { result: 'unknown', why: 'no such sector' }
      assert.deepEqual(answers, [unknown, unknown])
      assert(!db.isTransaction)
      assert.equal(await read(store, 'a'), null)
      broken = false
      assert.deepEqual(results(await Promise.all(writes.map((each) => store.commit(each)))), [
        'committed',
        'committed',
      ])
    })
  })
}

test('sqlite: a conflict in a failing group is unknown too: it was judged by what is gone', async () => {
  let broken = true
  const onMoment = (moment: Moment) => {
    if (broken && moment === 'applied') throw new Error('no such sector')
  }
  await withStore({ onMoment }, async (store) => {
    const answers = await Promise.all([store.commit(claim('a')), store.commit(claim('a'))])
    assert.deepEqual(results(answers), ['unknown', 'unknown'])
    broken = false
    assert.deepEqual(await store.commit(claim('a')), { result: 'committed' })
  })
})

test('sqlite: a commit whose answer is lost is unknown, can be read, and is known by its id', async () => {
  let broken = true
  const onMoment = (moment: Moment) => {
    if (broken && moment === 'committed') throw new Error('no answer')
  }
  await withStore({ onMoment }, async (store) => {
    const lost = claim('a')
    assert.deepEqual(await store.commit(lost), { result: 'unknown', why: 'no answer' })
    broken = false
    assert.deepEqual(await read(store, 'a'), row({ ...key('pay_1'), fingerprint: '' }, 1))
    assert.deepEqual(await store.commit(lost), { result: 'committed' })
    assert.deepEqual((await read(store, 'a'))?.version, 1)
  })
})

test('sqlite: while a commit is in doubt and the disk takes nothing, reads reject', async () => {
  let disk: Connection['db'] | null = null
  const onMoment = (moment: Moment) => {
    if (moment !== 'committed' || disk === null) return
    disk.exec('PRAGMA query_only = 1')
    throw new Error('no answer')
  }
  await withStore({ onMoment }, async (store, { db }) => {
    disk = db
    assert.equal((await store.commit(claim('a'))).result, 'unknown')
    await assert.rejects(read(store, 'a'), /readonly/)
    assert.deepEqual(results([await store.commit(claim('b'))]), ['unknown'])
    disk = null
    db.exec('PRAGMA query_only = 0')
    assert.equal((await read(store, 'a'))?.version, 1)
    // The doubt is over: reading needs no disk that takes anything.
    db.exec('PRAGMA query_only = 1')
    assert.equal(await read(store, 'b'), null)
  })
})

test('sqlite: a full disk makes the whole group unknown and keeps all that was; then it goes on', async () => {
  await withStore({}, async (store, { db }) => {
    assert.deepEqual(await store.commit(claim('before')), { result: 'committed' })
    const pages = Number(db.prepare('PRAGMA page_count').get()?.['page_count'])
    db.exec(`PRAGMA max_page_count = ${pages + 4}`)
    const writes = [claim('small'), claim('large', 'x'.repeat(40_000)), claim('other')]
    const answers = await Promise.all(writes.map((each) => store.commit(each)))
    const full = { result: 'unknown', why: 'database or disk is full' }
    assert.deepEqual(answers, [full, full, full])
    assert.equal(await read(store, 'small'), null)
    assert.equal((await read(store, 'before'))?.version, 1)
    db.exec('PRAGMA max_page_count = 4294967294')
    assert.deepEqual(results(await Promise.all(writes.map((each) => store.commit(each)))), [
      'committed',
      'committed',
      'committed',
    ])
  })
})

test('sqlite: a file that became read-only answers reads and makes commits unknown; then it goes on', async () => {
  await withStore({}, async (store, { db }) => {
    await store.commit(claim('before'))
    db.exec('PRAGMA query_only = 1')
    const late = claim('late')
    const why = 'attempt to write a readonly database'
    assert.deepEqual(await store.commit(late), { result: 'unknown', why })
    await assert.rejects(store.acknowledge('webhook', '0'), /readonly/)
    assert.equal((await read(store, 'before'))?.version, 1)
    db.exec('PRAGMA query_only = 0')
    assert.deepEqual(await store.commit(late), { result: 'committed' })
  })
})
