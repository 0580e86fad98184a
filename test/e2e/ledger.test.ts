// The books of a real service, read by programs that others wrote.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import {
  agentOf,
  operatorToken,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

/** Reads text; throws unless the program says it is in order. Debian has both programs. */
function check(t: TestContext, program: string, args: readonly string[], input: string): string {
  const ended = spawnSync(program, args, { input, encoding: 'utf8' })
  if (ended.error === undefined) {
    assert.equal(ended.status, 0, `${program}: ${ended.stderr}${ended.stdout}`)
    return ended.stdout
  }
  assert.notEqual(process.env['CI'], 'true', `${program} is not installed`)
  t.diagnostic(`${program} is not installed: its reading of the export is left out`)
  return ''
}

test('hledger and beancount read the export, and books made anew are the same bytes', async (t) => {
  const folder = await temporaryFolder(t)
  const simulator = await startSimulator(t, folder)
  const settings = serviceSettings(join(folder, 'data'), simulator.url)
  let service = await start(t, ['serve'], settings)
  const agent = agentOf(service.url)
  for (const [index, currency] of ['EUR', 'JPY', 'KWD'].entries()) {
    const bill = { amount: 1_999 + index, currency, payee: 'acme', reference: `INV-${index}` }
    const paid = await agent.pay(bill, { waitSeconds: 20 })
    assert(paid.ok && paid.payment.money_moved === 'yes')
  }
  const first = await agent.list({ reference: 'INV-0' })
  assert(first.ok)
  const [payment] = first.payments
  assert(payment !== undefined)
  await agent.refund(payment.id, { amount: 500, reference: 'CN-1', reason: 'returned' })

  const ledger = (...words: readonly string[]) =>
    run(['ledger', ...words], {
      QUITTANCE_URL: service.url,
      QUITTANCE_OPERATOR_TOKEN: operatorToken,
    })
  const exported = async (): Promise<string> => {
    for (let tries = 0; tries < 100; tries += 1) {
      const { stdout } = await ledger('export')
      // Three captures, three settlements with their fees, one refund; two lines each and a head.
      if (/refund/.test(stdout) && stdout.match(/settlement/g)?.length === 6) return stdout
      await sleep(100)
    }
    throw new Error(`the books are not complete: ${(await ledger('export')).stdout}`)
  }
  const csv = await exported()
  const hledger = await ledger('export', '--format', 'hledger')
  const balance = check(t, 'hledger', ['-f', '-', 'balance', '-N', '-E'], hledger.stdout)
  if (balance !== '') assert.match(balance, /-14\.99 EUR\n/)
  const bean = join(folder, 'books.beancount')
  await writeFile(bean, (await ledger('export', '--format', 'beancount')).stdout)
  check(t, 'bean-check', [bean], '')

  const shown = await ledger('trial-balance')
  assert.match(shown.stdout, /account:default +test +14\.99 EUR/)
  await service.stop('SIGTERM')
  for (const end of ['', '-wal', '-shm']) {
    await rm(join(folder, 'data', `ledger.db${end}`), { force: true })
  }
  service = await start(t, ['serve'], settings)
  assert.equal(await exported(), csv)
})
