// The keys of receipts on disk: for this user only, turned without losing what was signed before.
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { shapes } from '../../test/shapes.ts'
import { ConfigError } from '../config.ts'
import { claimsOf } from '../engine/receipts.ts'
import { verifyReceipt } from '../receipts/receipt.ts'
import { openReceiptKeys } from './receipt-keys.ts'

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-keys-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

const someClaims = () => {
  const paid = shapes().find(({ payment }) => payment.state === 'settled')
  const claims = paid === undefined ? null : claimsOf(paid.payment, 0)
  assert.ok(claims !== null)
  return claims
}

test('keys are kept for this user only, survive a restart, and turn without losing a receipt', async (t) => {
  const dataFolder = await newFolder(t)
  const path = join(dataFolder, 'receipt-keys.json')
  const first = await openReceiptKeys({ dataFolder })
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const early = await first.sign(someClaims())
  const again = await openReceiptKeys({ dataFolder })
  assert.equal((await again.sign(someClaims())).jws, early.jws)
  const kids = await Promise.all([again.rotate(), again.rotate()])
  assert.equal(again.publicKeys().length, 3)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const reopened = await openReceiptKeys({ dataFolder })
  const late = await reopened.sign(someClaims())
  assert.equal(late.kid, kids[1])
  for (const { jws } of [early, late]) {
    assert.equal((await verifyReceipt(jws, reopened.publicKeys())).valid, true)
  }
  const text = await readFile(path, 'utf8')
  assert.equal(text.match(/"current"/g)?.length, 1)
  assert.equal(JSON.stringify(reopened.publicKeys()).includes('"d"'), false)
})

test('a file of keys that cannot be read stops the start and is not replaced', async (t) => {
  const dataFolder = await newFolder(t)
  const path = join(dataFolder, 'receipt-keys.json')
  for (const text of ['', '{"current":', '{"current":"x","keys":[]}']) {
    await writeFile(path, text)
    await assert.rejects(openReceiptKeys({ dataFolder }), ConfigError)
    assert.equal(await readFile(path, 'utf8'), text)
  }
})
