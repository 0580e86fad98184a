// The file itself: its schema, whose it is, what indexes its queries use, and files that are broken.
import assert from 'node:assert/strict'
import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { test } from 'node:test'
import type { PaymentQuery } from '../../ports.ts'
import { key, put, write } from '../contract/builders.ts'
import { newFolder, removeFolder } from '../contract/sqlite-fixture.ts'
import { connect, inMemory } from './connection.ts'
import { censusSql, listSql, scanSql } from './reads.ts'
import { migrate, schemaText } from './schema.ts'
import { openConnection, openSqliteStore, storeOn } from './store.ts'

test('sqlite: the schema is the one in schema.golden.sql', () => {
  const { db } = connect(inMemory)
  migrate(db)
  const golden = readFileSync(new URL('schema.golden.sql', import.meta.url), 'utf8')
  assert.equal(schemaText(db), golden, 'to accept it: node src/stores/sqlite/write-golden.ts')
  migrate(db)
  assert.equal(schemaText(db), golden)
  db.close()
})

test('sqlite: a commit is only answered once the log is synced', () => {
  const folder = newFolder()
  const { db } = openConnection(join(folder, 'q.db'))
  assert.deepEqual({ ...db.prepare('PRAGMA journal_mode').get() }, { journal_mode: 'wal' })
  // 2 is FULL: the log is synced at every commit.
  assert.deepEqual({ ...db.prepare('PRAGMA synchronous').get() }, { synchronous: 2 })
  db.close()
  removeFolder(folder)
})

test('sqlite: only its owner can read the file and its log', async () => {
  const folder = newFolder()
  const store = openSqliteStore({ file: join(folder, 'q.db') })
  await store.commit(write(put('key', 'k', key('pay_1'))))
  for (const name of ['q.db', 'q.db-wal']) {
    assert.equal(statSync(join(folder, name)).mode & 0o777, 0o600, name)
  }
  await store.close()
  removeFolder(folder)
})

function expectRefused(prepare: (file: string) => void, because: RegExp): void {
  const folder = newFolder()
  const file = join(folder, 'q.db')
  prepare(file)
  const before = readFileSync(file)
  assert.throws(() => openSqliteStore({ file }), because)
  assert.deepEqual(readFileSync(file), before, 'the file was changed')
  // The lock was given back: the second try fails for the same reason.
  assert.throws(() => openSqliteStore({ file }), because)
  removeFolder(folder)
}

function makeDatabase(file: string, sql: string): void {
  const db = new DatabaseSync(file)
  db.exec(sql)
  db.close()
}

test('sqlite: a database of another program, a newer schema and no database are refused unchanged', () => {
  expectRefused(
    (file) => makeDatabase(file, 'CREATE TABLE t (a)'),
    /q\.db: it is a database of another program/,
  )
  expectRefused((file) => {
    const { db } = openConnection(file)
    db.exec('PRAGMA user_version = 99')
    db.close()
  }, /q\.db: a newer Quittance wrote it \(schema 99, this program knows 4\)/)
  expectRefused(
    (file) => writeFileSync(file, 'Dear diary, '.repeat(100)),
    /q\.db: file is not a database/,
  )
})

test('sqlite: a folder that does not exist is named', () => {
  assert.throws(
    () => openSqliteStore({ file: '/no/such/folder/q.db' }),
    /cannot open the store \/no\/such\/folder\/q\.db: ENOENT/,
  )
})

test('sqlite: a file that cannot be read any more rejects reads and makes commits unknown', async () => {
  const folder = newFolder()
  const file = join(folder, 'q.db')
  const connection = openConnection(file)
  const store = storeOn(connection, () => {})
  for (let index = 0; index < 200; index += 1) {
    void store.commit(
      write(
        put('details', `d${index}`, {
          description: 'x'.repeat(500),
          metadata: {},
          distinctFrom: [],
          reason: null,
        }),
      ),
    )
  }
  await store.commit(write(put('key', 'k', key('pay_1'))))
  connection.db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  connection.db.exec('PRAGMA shrink_memory')
  truncateSync(file, 4096)
  await assert.rejects(store.read([{ table: 'details', key: 'd7' }]), /disk I\/O error|malformed/)
  const late = await store.commit(write(put('key', 'k', key('pay_2'))))
  assert.equal(late.result, 'unknown')
  await store.close()
  removeFolder(folder)
})

const filters: Partial<PaymentQuery> = {
  account: 'acct_1',
  agent: 'agt_1',
  state: 'captured',
  reference: 'inv-1',
  hold: 'dead_letter',
  cursor: 'pay_9',
}

test('sqlite: every list walks an index in its order, whatever it is narrowed by', () => {
  const { db } = connect(inMemory)
  migrate(db)
  const names = Object.keys(filters)
  for (let chosen = 0; chosen < 2 ** names.length; chosen += 1) {
    const kept = Object.entries(filters).filter((_, index) => (chosen & (1 << index)) !== 0)
    const query: PaymentQuery = { account: null, limit: 10, ...Object.fromEntries(kept) }
    const plan = planOf(db, listSql(query))
    const described = `${JSON.stringify(query)}: ${plan}`
    assert(!plan.includes('TEMP B-TREE'), described)
    // Without any filter the primary key itself is walked from its end.
    assert(/USING (COVERING )?INDEX/.test(plan), described)
  }
  db.close()
})

test('sqlite: a scan walks an index from its end and sorts nothing', () => {
  const { db } = connect(inMemory)
  migrate(db)
  for (const table of ['dead_letter', 'alert', 'audit', 'agent'] as const) {
    const hasStatus = table === 'dead_letter' || table === 'alert'
    for (const status of hasStatus ? [undefined, 'open'] : [undefined]) {
      for (const cursor of [undefined, 'k']) {
        const query = {
          table,
          limit: 10,
          ...(status === undefined ? {} : { status }),
          ...(cursor === undefined ? {} : { cursor }),
        }
        const plan = planOf(db, scanSql(query))
        assert(!plan.includes('TEMP B-TREE'), `${JSON.stringify(query)}: ${plan}`)
        if (status !== undefined) assert.match(plan, new RegExp(`${table}_by_status`))
      }
    }
  }
  db.close()
})

test('sqlite: a census reads no payment but the held ones', () => {
  const { db } = connect(inMemory)
  migrate(db)
  assert.match(planOf(db, censusSql.states), /^SCAN payment USING COVERING INDEX payment_by_state$/)
  assert.match(planOf(db, censusSql.holds), /^SCAN payment USING INDEX payment_held/)
  db.close()
})

function planOf(db: DatabaseSync, sql: string): string {
  const rows = db.prepare(`EXPLAIN QUERY PLAN ${sql}`).all()
  return rows.map(({ detail }) => String(detail)).join('; ')
}
