// One file that may not be written, in a folder and on a disk that may: a restore that forgot its
// rights, a mount of a single file. Root may write to any file, so it is mounted over itself.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import {
  agentOf,
  atEnd,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from '../test/e2e/support.ts'

const noMount = 'this user may not mount anything'

const bill = (reference: string) => ({
  amount: 1999,
  currency: 'EUR',
  payee: `payee of ${reference}`,
  reference,
})

/** A data folder with one payment, as a SIGKILL leaves it: with its log. */
async function killed(t: TestContext) {
  const folder = await temporaryFolder(t)
  const simulator = await startSimulator(t, folder)
  const data = join(folder, 'data')
  const settings = serviceSettings(data, simulator.url)
  const service = await start(t, ['serve'], settings)
  const paid = await agentOf(service.url).pay(bill('INV-1'), { waitSeconds: 10 })
  assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))
  await service.stop('SIGKILL')
  const isThere = async (): Promise<string> => {
    const next = await start(t, ['serve'], settings)
    const again = await agentOf(next.url).pay(bill('INV-1'))
    assert.ok(again.ok && again.replayed && again.payment.id === paid.payment.id)
    return next.url
  }
  return { settings, fileOf: (name: string) => join(data, name), isThere }
}

/** `null`: this user may not mount; else what lets it be written again. */
function readOnly(t: TestContext, file: string): (() => void) | null {
  const call = (...words: readonly string[]): void =>
    void execFileSync(words[0] ?? '', words.slice(1), { stdio: 'pipe' })
  try {
    call('mount', '--bind', file, file)
  } catch {
    return null
  }
  let isMounted = true
  const release = (): void => {
    if (isMounted) call('umount', '--lazy', file)
    isMounted = false
  }
  atEnd(t, release)
  call('mount', '-o', 'remount,bind,ro', file)
  return release
}

for (const name of ['quittance.db', 'quittance.db.lock']) {
  test(`${name} that may not be written is told at the start, and nothing is lost by it`, async (t) => {
    const { settings, fileOf, isThere } = await killed(t)
    const release = readOnly(t, fileOf(name))
    if (release === null) return t.skip(noMount)
    // Told to end at once where it starts all the same.
    const refused = await run(['serve', '--end-with-input'], settings)
    assert.equal(refused.code, 2, refused.stdout)
    assert.match(
      refused.stderr,
      /^quittance: [^\n]*quittance\.db[^\n]*(read-?only|cannot be written)[^\n]*\n$/i,
    )
    release()
    await isThere()
  })
}

test('a log that may not be written takes no claim, and the same key is accepted once it may', async (t) => {
  const { settings, fileOf, isThere } = await killed(t)
  const release = readOnly(t, fileOf('quittance.db-wal'))
  if (release === null) return t.skip(noMount)
  const service = await start(t, ['serve'], settings)
  const refused = await agentOf(service.url, 2_000).pay(bill('INV-2'))
  assert.ok(!refused.ok)
  assert.equal(refused.problem.code, 'retry_same_key')
  assert.equal(refused.problem.money_moved, 'unknown')
  await service.stop('SIGKILL')
  release()
  const url = await isThere()
  const paid = await agentOf(url).pay(bill('INV-2'), { waitSeconds: 20 })
  assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))
})
