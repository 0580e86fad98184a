// Real disks that are full or read-only, as mounts (root may write to any file, so its rights prove
// nothing). Where nothing may be mounted, the limits in `commit-queue.test.ts` stand for them.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { key, put, row, write } from '../contract/builders.ts'
import { newFolder, removeFolder } from '../contract/sqlite-fixture.ts'
import { openSqliteStore } from './store.ts'

function mount(...options: string[]): boolean {
  try {
    execFileSync('mount', options, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

async function onDisk(
  context: TestContext,
  body: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = newFolder()
  const mounted = mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder)
  try {
    if (mounted) await body(folder)
    else context.skip('this user may not mount a disk')
  } finally {
    // Lazily: a test that failed has left its store open, and its own error matters more.
    if (mounted) execFileSync('umount', ['--lazy', folder])
    removeFolder(folder)
  }
}

const claim = (name: string) =>
  write(put('key', name, { ...key('pay_1'), fingerprint: 'x'.repeat(2_000) }, { absent: true }))

test('sqlite: on a disk that runs full nothing answered is lost, and it goes on once there is room', async (context) => {
  await onDisk(context, async (folder) => {
    const store = openSqliteStore({ file: join(folder, 'q.db') })
    await store.commit(claim('k0'))
    writeFileSync(join(folder, 'filler'), Buffer.alloc(600_000))
    const names = Array.from({ length: 200 }, (_, index) => `k${index + 1}`)
    const answers: string[] = []
    for (const name of names) answers.push((await store.commit(claim(name))).result)
    assert(answers.includes('committed') && answers.includes('unknown'), answers.join())
    for (const [index, name] of names.entries()) {
      const [kept] = await store.read([{ table: 'key', key: name }])
      assert.equal(kept !== null, answers[index] === 'committed', name)
    }
    rmSync(join(folder, 'filler'))
    assert.deepEqual(await store.commit(claim('later')), { result: 'committed' })
    await store.close()
  })
})

test('sqlite: on a read-only disk it does not open, and says so', async (context) => {
  await onDisk(context, async (folder) => {
    const file = join(folder, 'q.db')
    const store = openSqliteStore({ file })
    await store.commit(claim('k'))
    await store.close()
    assert(mount('-o', 'remount,ro', folder))
    assert.throws(
      () => openSqliteStore({ file }),
      /cannot open the store .*q\.db: .*(read-only|readonly|unable)/,
    )
    assert(mount('-o', 'remount,rw', folder))
    const again = openSqliteStore({ file })
    const [kept] = await again.read([{ table: 'key', key: 'k' }])
    assert.deepEqual(kept, row({ ...key('pay_1'), fingerprint: 'x'.repeat(2_000) }, 1))
    await again.close()
  })
})
