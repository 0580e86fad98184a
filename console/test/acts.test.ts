// What a person decides at the console: approvals and dead letters. What came of it is asked of the
// service and of the processor's own ledger, past the page.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'

import { chromiumPath, openWorld, signIn, until, visit } from './testkit.ts'
import type { World } from './testkit.ts'

// `console.test.ts` says it loudly, and fails in CI.
const skip = chromiumPath === null ? 'there is no Chromium on this machine' : false

let world: World
before(async () => {
  if (skip === false) world = await openWorld()
})
after(() => (skip === false ? world.close() : undefined))

async function pay(payee: string, reference: string, amount: number): Promise<string> {
  const headers = { 'idempotency-key': reference }
  const body = { amount, currency: 'EUR', payee, reference }
  const { status, body: made } = await world.ask('POST', '/v1/payments', { body, headers })
  assert.equal(status, 202, JSON.stringify(made))
  return String(made['id'])
}

const stateOf = async (id: string): Promise<unknown> =>
  (await world.ask('GET', `/v1/payments/${id}`)).body['state']

const becomes = (id: string, state: string): Promise<unknown> =>
  until(async () => (await stateOf(id)) === state)

async function open(page: Page, screen: string): Promise<void> {
  await page.goto(`/${screen}`)
  await page.getByRole('heading', { level: 1 }).waitFor()
}

test(
  'a bill above the threshold is approved, another one denied, as they were shown',
  { skip },
  async (t) => {
    const limits = { EUR: { per_day: 100_000, approval_above: 10_000 } }
    const set = await world.ask('PUT', '/v1/agents/agent_default/mandate', {
      as: 'operator',
      body: { version: 0, limits, reason: 'a person looks at what is dear' },
    })
    assert.equal(set.status, 200, JSON.stringify(set.body))
    const approved = await pay('Nordlicht Hosting', 'INV-1', 12_000)
    const denied = await pay('Kanto Freight', 'INV-2', 34_000)
    const { page, context, complaints } = await visit(world)
    t.after(() => context.close())
    await signIn(world, page)
    await open(page, 'approvals')
    const decide = async (title: string, label: string): Promise<void> => {
      const card = page.getByRole('region', { name: title })
      // What it would leave of the day is beside it.
      await card.getByText('agent_default').first().waitFor()
      await card.getByText('No other payment has this payee and amount.').waitFor()
      await card.getByRole('button', { name: label }).click()
      const dialog = page.getByRole('dialog')
      await dialog.getByText(`${label} ${title} for INV-`).waitFor()
      await dialog.getByRole('button', { name: label, exact: true }).click()
      await dialog.waitFor({ state: 'detached' })
    }
    await decide('EUR 120.00 to Nordlicht Hosting', 'Approve')
    await becomes(approved, 'settled')
    await decide('EUR 340.00 to Kanto Freight', 'Deny')
    await page.getByText('Nothing waits for an approval.').waitFor()
    assert.equal(await stateOf(denied), 'rejected')
    // The budget came back with it.
    const { body } = await world.ask('GET', '/v1/mandate')
    assert.match(JSON.stringify(body), /"left_today":88000,"reserved_today":0,"spent_today":12000/)
    assert.deepEqual(complaints, [])
  },
)

test(
  'of the dead letters one is resolved by what the processor shows, the rest go on by a filter',
  { skip },
  async (t) => {
    world.refuse(true)
    const asked = Array.from({ length: 6 }, (_, index) =>
      pay('Lisboa Papel', `INV-${10 + index}`, 1_000 + index),
    )
    const ids = await Promise.all(asked)
    const parked = async (): Promise<readonly { id: string }[]> =>
      (await world.ask('GET', '/v1/dead-letters', { as: 'operator' })).body.data ?? []
    // An account that is refused opens the breaker: those that were not under way by then wait behind it.
    await until(async () => (await parked()).length > 2)
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const letters = await parked()
    const [first] = letters
    assert.ok(first !== undefined)
    const { page, context, complaints } = await visit(world)
    t.after(() => context.close())
    await signIn(world, page)
    await open(page, `payments/${first.id}`)
    const acts = page.getByRole('region', { name: 'What may be done' })
    await acts.getByRole('button', { name: 'Resolve' }).click()
    const dialog = page.getByRole('dialog')
    const finding = async (label: RegExp, reference: string): Promise<void> => {
      await dialog.getByLabel(label).check()
      await dialog.getByLabel(/reference \(for paid\)/).fill(reference)
      await dialog.getByLabel('Reason').fill('looked at their dashboard')
      await dialog.getByRole('button', { name: 'Resolve', exact: true }).click()
    }
    // Nobody's word is believed against the processor's.
    await finding(/Paid: the money/, 'ch_nobody')
    await dialog.getByRole('alert').waitFor()
    assert.notEqual(await stateOf(first.id), 'captured')
    await finding(/Not paid: no money/, '')
    await dialog.waitFor({ state: 'detached' })
    await page.getByText('Resolved as not paid.').waitFor()
    world.refuse(false)
    await open(page, 'dead-letters')
    const some = page.getByRole('region', { name: 'Redrive by filter' })
    const redriveAll = async (): Promise<void> => {
      await some.getByLabel('Agent').selectOption('agent_default')
      const label = `Redrive all ${(await parked()).length} that fit`
      await some.getByRole('button', { name: label }).click()
      await dialog.getByLabel('Reason').fill('the key is valid again')
      await dialog.getByRole('button', { name: label }).click()
      await dialog.waitFor({ state: 'detached' })
    }
    // Behind an open breaker they would only wait, and the page says what to do.
    await redriveAll()
    await page.getByText(/redrive one payment by itself: it is the probe/).waitFor()
    const [probe] = await parked()
    assert.ok(probe !== undefined)
    await open(page, `payments/${probe.id}`)
    await acts.getByRole('button', { name: 'Redrive' }).click()
    await dialog.getByLabel('Reason').fill('the key is valid again')
    await dialog.getByRole('button', { name: 'Redrive', exact: true }).click()
    await becomes(probe.id, 'settled')
    await open(page, 'dead-letters')
    await redriveAll()
    await page.getByText(/^[1-9].* taken up again, 0 left\.$/).waitFor()
    for (const id of ids) if (id !== first.id) await becomes(id, 'settled')
    assert.ok(['declined', 'voided', 'rejected'].includes(String(await stateOf(first.id))))
    assert.deepEqual(complaints, [])
  },
)
