// A disk that is full, or cannot be written, is no reason to lose or to invent anything: claims are
// answered 503 `retry_same_key`, and the same key is accepted once the disk is well again.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { createClient } from '../../src/client/index.ts'
import {
  agentOf,
  atEnd,
  agentToken,
  ledgerOf,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

const bill = (reference: string) => ({
  amount: 1999,
  currency: 'EUR',
  payee: `payee of ${reference}`,
  reference,
})

/** A small file system of its own; `null` where this user may not mount one. */
function smallDisk(t: TestContext, folder: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    return false
  }
  atEnd(t, () => void execFileSync('umount', ['-l', folder]))
  return true
}

/** The answer to a claim that is asked for once. */
async function askOnce(url: string, reference: string) {
  const client = createClient({ url, token: agentToken, deadlineMs: 5_000, fetch: withoutRetries })
  return client.pay(bill(reference), { deadlineMs: 1, tryMs: 5_000 })
}

const withoutRetries: typeof globalThis.fetch = (input, init) =>
  // The client's own time is nearly zero so that it does not ask again; the answer may take longer.
  fetch(input, { ...init, signal: AbortSignal.timeout(5_000) })

test('a full disk answers 503 retry_same_key, and the same key is accepted when there is room again', async (t) => {
  const folder = await temporaryFolder(t)
  const disk = join(folder, 'disk')
  await mkdir(disk)
  if (!smallDisk(t, disk)) return t.skip('only root may mount a small file system')
  const simulator = await startSimulator(t, folder)
  const service = await start(t, ['serve'], serviceSettings(join(disk, 'data'), simulator.url))
  const before = await agentOf(service.url).pay(bill('INV-1'), { waitSeconds: 10 })
  assert.ok(before.ok && before.payment.money_moved === 'yes', JSON.stringify(before))

  const filler = join(disk, 'filler')
  await writeFile(filler, Buffer.alloc(16 << 20)).catch(() => undefined)
  // The log may have a page left: ask until one claim does not fit.
  let refused = await askOnce(service.url, 'INV-2')
  for (let count = 3; refused.ok && count < 200; count += 1)
    refused = await askOnce(service.url, `INV-${count}`)
  assert.ok(!refused.ok)
  assert.equal(refused.problem.status, 503)
  assert.equal(refused.problem.code, 'retry_same_key')
  assert.equal(refused.problem.money_moved, 'unknown')
  // What is stored can still be read.
  const read = await agentOf(service.url).get(before.payment.id)
  assert.ok(read.ok)

  await rm(filler)
  const ids = await Promise.all(
    ['INV-2', 'INV-999'].map(async (reference) => {
      const paid = await agentOf(service.url).pay(bill(reference), { waitSeconds: 20 })
      assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))
      return paid.payment.id
    }),
  )
  const own = (await ledgerOf(simulator.url)).filter(({ reference }) => ids.includes(reference))
  assert.deepEqual(
    own.map(({ captures }) => captures),
    [1, 1],
  )
})

// One with open files cannot be turned read-only while it is used; a service that finds it so says so.
test('a read-only file system is told at the start, and nothing is lost by it', async (t) => {
  const folder = await temporaryFolder(t)
  const disk = join(folder, 'disk')
  await mkdir(disk)
  if (!smallDisk(t, disk)) return t.skip('only root may mount a small file system')
  const remount = (options: string): void => {
    execFileSync('mount', ['-o', `remount,${options}`, disk], { stdio: 'pipe' })
  }
  const simulator = await startSimulator(t, folder)
  const settings = serviceSettings(join(disk, 'data'), simulator.url)
  const service = await start(t, ['serve'], settings)
  const paid = await agentOf(service.url).pay(bill('INV-1'), { waitSeconds: 10 })
  assert.ok(paid.ok)
  assert.equal(await service.stop('SIGTERM'), 0)

  remount('ro')
  const refused = await run(['serve'], settings)
  assert.equal(refused.code, 2)
  assert.match(
    refused.stderr,
    /^quittance: [^\n]*(read-?only|readonly|cannot be written)[^\n]*\n$/i,
  )
  remount('rw')
  const next = await start(t, ['serve'], settings)
  const again = await agentOf(next.url).pay(bill('INV-1'))
  assert.ok(again.ok && again.replayed && again.payment.id === paid.payment.id)
})
