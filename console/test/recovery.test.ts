// A store that was set back, as a person meets it: every screen says so, and the console brings back what
// is missing and opens the service.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { chromium } from 'playwright-core'

import { agentOf, createRestoreWorld, operatorOf, operatorToken } from '../../test/restore-world.ts'
import { violations } from './axe.ts'
import { chromiumPath, signIn, visit } from './testkit.ts'

// `console.test.ts` says it loudly, and fails in CI.
const skip = chromiumPath === null ? 'there is no Chromium on this machine' : false

const bill = { amount: 1999, currency: 'EUR', payee: 'acme', reference: 'INV-1' }

test(
  'a store that was set back is rebuilt and opened by a person at the console',
  { skip },
  async (t) => {
    const world = await createRestoreWorld()
    t.after(() => world.close())
    const first = await world.open()
    const snapshot = await world.snapshot('empty')
    const paid = await agentOf(first).pay(bill, { waitSeconds: 10 })
    assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))
    await first.stop()
    await world.setBack(snapshot)
    const service = await world.open()
    const operator = operatorOf(service)
    for (;;) {
      const told = await operator.recovery()
      if (told.ok && told.recovery.status === 'read_only') break
      await sleep(100)
    }
    const browser = await chromium.launch({
      executablePath: chromiumPath ?? '',
      args: ['--no-sandbox', '--disable-dev-shm-usage'],
    })
    t.after(() => browser.close())
    const { page, complaints } = await visit({ browser, url: service.url })
    await signIn({ tokens: { operatorToken } }, page)
    const banner = page.getByRole('alert').getByText('The store knows less than the processor')
    await banner.waitFor()
    await page.getByRole('link', { name: 'Recover it' }).first().click()
    await page.getByRole('heading', { name: 'Recovery', level: 1 }).waitFor()
    const objects = page.getByRole('table', { name: 'Objects that the store does not know' })
    await objects.getByText('will be rebuilt').waitFor()
    await objects.getByText(/19\.99/).waitFor()
    assert.deepEqual(await violations(page), [])
    const act = async (name: string): Promise<void> => {
      await page.getByRole('button', { name }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByLabel('Reason').fill('the disk failed')
      await dialog.getByRole('button', { name }).click()
    }
    await act('Rebuild')
    await page.getByText('1 rebuilt or brought up to date, 0 left.').waitFor()
    await page.getByText('Nothing is missing any more.').waitFor()
    await act('Confirm and open')
    await page.getByText('The service is open.').first().waitFor()
    await banner.waitFor({ state: 'detached' })
    assert.deepEqual(complaints, [])
    // The same bill under a new key is the payment that was rebuilt.
    const again = await agentOf(service).pay(bill, { key: 'another' })
    assert.ok(!again.ok && again.problem.code === 'duplicate_reference', JSON.stringify(again))
    const [charge, ...others] = await world.charges()
    assert.deepEqual([charge?.captures, others.length], [1, 0])
  },
)
