// One process per file, with real processes: only the kernel frees the lock of a killed one.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { newFolder, removeFolder } from '../contract/sqlite-fixture.ts'
import { openSqliteStore } from './store.ts'

const inUse = /\.db: it is in use: another Quittance process .* Stop that one first/

test('sqlite: a file that another process holds is refused with advice, and free once it is killed', async () => {
  const folder = newFolder()
  const file = join(folder, 'q.db')
  const program = `
    const { openSqliteStore } = await import(${JSON.stringify(new URL('store.ts', import.meta.url))})
    openSqliteStore({ file: ${JSON.stringify(file)} })
    console.log('open')
    process.stdin.resume().on('end', () => process.exit())`
  const holder = spawn(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    await once(holder.stdout, 'data')
    assert.throws(() => openSqliteStore({ file }), inUse)
  } finally {
    holder.kill('SIGKILL')
    await once(holder, 'exit')
  }
  await openSqliteStore({ file }).close()
  removeFolder(folder)
})

test('sqlite: the same process cannot open a file twice either, nor by another name', async () => {
  const folder = newFolder()
  const file = join(folder, 'q.db')
  const store = openSqliteStore({ file })
  symlinkSync(file, join(folder, 'alias.db'))
  assert.throws(() => openSqliteStore({ file }), inUse)
  assert.throws(() => openSqliteStore({ file: join(folder, 'alias.db') }), inUse)
  await store.close()
  const again = openSqliteStore({ file: join(folder, 'alias.db') })
  assert.throws(() => openSqliteStore({ file }), inUse)
  await again.close()
  removeFolder(folder)
})
