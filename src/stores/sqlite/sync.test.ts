// What reaches the disk and when, seen from outside the process by strace, and what is left when the
// disk fails exactly at a sync.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { newFolder, removeFolder } from '../contract/sqlite-fixture.ts'
import { openSqliteStore } from './store.ts'

// Of the machine, not of the package.
const tracer = 'strace'

// One group of twenty, one read, and death.
const program = (file: string) => `
  const { writeSync } = await import('node:fs')
  const at = (name) => import(new URL(name, ${JSON.stringify(import.meta.url)}))
  const { openSqliteStore } = await at('store.ts')
  const { key, put } = await at('../contract/builders.ts')
  const store = openSqliteStore({ file: ${JSON.stringify(file)} })
  writeSync(1, 'opened ')
  const answers = await Promise.all(Array.from({ length: 20 }, (_, index) =>
    store.commit({ commitId: 'cmt_' + index, actions: [put('key', 'k' + index, key('pay_1'))] })))
  writeSync(1, [...new Set(answers.map(({ result }) => result))].join() + ' ')
  const [row] = await store.read([{ table: 'key', key: 'k7' }])
  writeSync(1, row === null ? 'absent' : 'there')
  process.kill(process.pid, 'SIGKILL')`

interface Run {
  readonly printed: string
  /** The program's syncs and prints, in their order. */
  readonly calls: readonly string[]
}

function traced(folder: string, ...inject: string[]): Run {
  const log = join(folder, 'calls')
  const node = [process.execPath, '--input-type=module', '--eval', program(join(folder, 'q.db'))]
  const options = ['-f', '-e', 'trace=fsync,fdatasync,write', ...inject, '-o', log]
  const { stdout } = spawnSync(tracer, [...options, ...node], { encoding: 'utf8' })
  const calls = readFileSync(log, 'utf8').matchAll(/ (fsync|fdatasync)\(| write\(1, "(\w+)/g)
  return { printed: stdout, calls: [...calls].map(([, sync, print]) => sync ?? print ?? '') }
}

function canTrace(context: TestContext): boolean {
  const { status } = spawnSync(tracer, ['-o', '/dev/null', 'true'])
  if (status !== 0) context.skip('strace is not installed, or may not trace here')
  return status === 0
}

test('sqlite: a group of twenty is answered after one sync', (context) => {
  if (!canTrace(context)) return
  const folder = newFolder()
  const { printed, calls } = traced(folder)
  assert.equal(printed, 'opened committed there')
  const group = calls.slice(calls.indexOf('opened'))
  assert.deepEqual(group, ['opened', 'fsync', 'committed', 'there'])
  removeFolder(folder)
})

test('sqlite: where the sync of a group fails, a read and a restart agree that it is not there', async (context) => {
  if (!canTrace(context)) return
  const folder = newFolder()
  const [first, second] = [join(folder, 'first'), join(folder, 'second')]
  for (const each of [first, second]) mkdirSync(each)
  const syncsToOpen = traced(first).calls.indexOf('opened')
  const { printed } = traced(second, '-e', `inject=fsync:error=EIO:when=${syncsToOpen + 1}`)
  assert.equal(printed, 'opened unknown absent')
  const store = openSqliteStore({ file: join(second, 'q.db') })
  assert.deepEqual(await store.read([{ table: 'key', key: 'k7' }]), [null])
  await store.close()
  removeFolder(folder)
})
