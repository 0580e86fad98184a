// A person at the console: every screen by role and label, against the real service. Where there is no
// Chromium it is said loudly, and in CI it is a failure.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import type { Page } from 'playwright-core'

import { sentinels as simulated } from '../../src/simulator/sentinels.ts'
import { sentinels } from '../src/sentinels.ts'
import { violations } from './axe.ts'
import { makeScene } from './scene.ts'
import type { Scene } from './scene.ts'
import { chromiumPath, openWorld, signIn, until, viewerToken, visit } from './testkit.ts'
import type { World } from './testkit.ts'

const isMissing = chromiumPath === null
if (isMissing) {
  console.error(
    '\n!!! No Chromium was found: NOTHING of the console is tested. apt-get install chromium\n',
  )
  if (process.env['CI'] === 'true') process.exitCode = 1
}
const skip = isMissing ? 'there is no Chromium on this machine' : false

let world: World
let scene: Scene
before(async () => {
  if (isMissing) return
  world = await openWorld()
  scene = await makeScene(world)
})
after(() => (isMissing ? undefined : world.close()))

const heading = (page: Page, name: string) => page.getByRole('heading', { name, level: 1 })

async function go(page: Page, name: string): Promise<void> {
  await page.getByRole('navigation', { name: 'Screens' }).getByRole('link', { name }).click()
  await heading(page, name).waitFor()
}

test('the tour has every sentinel payee of the simulator and no other', () => {
  const ours = sentinels.map(({ payee }) => payee)
  assert.deepEqual(ours.toSorted(), Object.keys(simulated).toSorted())
})

test(
  'a stranger is told where the token is; a wrong one is refused in words',
  { skip },
  async () => {
    const { page, context, complaints } = await visit(world)
    await page.goto('/payments')
    await page.getByLabel('Operator token').fill('not-a-token-of-anybody')
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByRole('alert').getByText('Nobody has this token').waitFor()
    await page.getByText('.quittance/tokens.json').waitFor()
    assert.deepEqual(complaints, [])
    await context.close()
  },
)

test('a person sends a payment to the 504 payee and reads what happened', { skip }, async () => {
  const { page, context, complaints } = await visit(world)
  await signIn(world, page)
  await go(page, 'Sandbox tour')
  await page.getByRole('button', { name: 'Send a test payment to acct_504_after_capture' }).click()
  await page.getByRole('link', { name: /See what happened to TOUR-/ }).click()
  await heading(page, 'Payment').waitFor()
  await page.getByText('The money moved, once.').waitFor()
  const story = page.getByRole('region', { name: 'What happened, step by step' })
  for (const line of [
    /Capture of EUR.* under a new key/,
    /HTTP 504/,
    /Unknown: the capture may have been done or not/,
    /Looked it up/,
    /Paid: EUR.* was captured, once/,
    /Proved by a look-up, not by the answer/,
  ]) {
    await story.getByText(line).first().waitFor()
  }
  const states = page.getByRole('list', { name: 'States' })
  await states.getByText('unknown', { exact: true }).waitFor()
  await states.getByText('settled', { exact: true }).waitFor()
  const acts = page.getByRole('region', { name: 'What may be done' })
  await acts.getByText('It is too late to void it; a refund gives the money back.').waitFor()
  assert.equal(await acts.getByRole('button', { name: 'Redrive' }).isDisabled(), true)
  assert.deepEqual(complaints, [])
  await context.close()
})

test('Now says whether money is safe, and what needs a person comes first', { skip }, async () => {
  const { page, context } = await visit(world)
  await signIn(world, page)
  const matters = page.getByRole('region', { name: 'Needs a person' })
  await matters.getByText('Payments are in the dead letters').waitFor()
  await page.getByText(/matters? needs? a person/).waitFor()
  await page.getByRole('link', { name: /Dead letters 1 wait for your word/ }).waitFor()
  await page
    .getByRole('img', { name: /Payments per minute\. In the last hour: \d+ paid/ })
    .waitFor()
  await context.close()
})

test('payments are found, and the address holds the filter', { skip }, async () => {
  const { page, context } = await visit(world)
  await signIn(world, page)
  await go(page, 'Payments')
  await page.getByLabel('Id, payee, reference or agent').fill('inv-1083')
  await page.getByRole('combobox', { name: 'State' }).selectOption('settled')
  await page.getByRole('button', { name: 'Find' }).click()
  await page.getByText('1 payment.').waitFor()
  assert.match(page.url(), /\/payments\?text=inv-1083&state=settled$/)
  await page.reload()
  await page.getByText('1 payment.').waitFor()
  assert.equal(await page.getByLabel('Id, payee, reference or agent').inputValue(), 'inv-1083')
  await page.getByRole('table', { name: 'Payments' }).getByRole('link').click()
  await page.waitForURL(`**/payments/${scene.lost}`)
  await context.close()
})

test('a break is investigated and resolved, side by side with its evidence', { skip }, async () => {
  const { page, context } = await visit(world)
  await signIn(world, page)
  await go(page, 'Reconciliation')
  const breaks = page.getByRole('region', { name: 'Open breaks' })
  await breaks.getByRole('heading', { name: 'Ours' }).waitFor()
  await breaks.getByRole('heading', { name: 'simulated' }).waitFor()
  await breaks.getByRole('button', { name: 'Investigate' }).first().click()
  await act(page, 'Investigate', 'ticket 4711')
  await breaks.getByText('looked into by operator').waitFor()
  await breaks.getByRole('button', { name: 'Resolve' }).first().click()
  await act(page, 'Resolve', 'the dispute is accepted')
  await go(page, 'Audit')
  const entry = page.getByRole('row').filter({ hasText: 'the dispute is accepted' })
  await entry.getByText('break resolve').waitFor()
  await entry.getByText('operator', { exact: true }).waitFor()
  await context.close()
})

async function act(page: Page, label: string, reason: string): Promise<void> {
  const dialog = page.getByRole('dialog')
  await dialog.getByLabel('Reason').fill(reason)
  await dialog.getByRole('button', { name: label, exact: true }).click()
  await dialog.waitFor({ state: 'detached' })
}

test(
  'dead letters are redriven as a group; the payment then comes to its end',
  { skip },
  async () => {
    const { page, context } = await visit(world)
    await signIn(world, page)
    await go(page, 'Dead letters')
    const group = page.getByRole('region', { name: 'configuration' })
    await group.getByText('Lisboa Papel').click()
    await group.getByText('HTTP 401').waitFor()
    await group.getByRole('button', { name: 'Redrive 1 payment' }).click()
    await act(page, 'Redrive 1 payment', 'the key is valid again')
    await page.getByText('1 payment taken up again, 0 left.').waitFor()
    const [id = ''] = scene.parked
    await until(async () => {
      const { body } = await world.ask('GET', `/v1/payments/${id}`)
      return body['state'] === 'settled'
    })
    await context.close()
  },
)

test('agents and processors are switched off and on, each for a reason', { skip }, async () => {
  const { page, context } = await visit(world)
  await signIn(world, page)
  await go(page, 'Agents')
  const agent = page.getByRole('region', { name: 'agent_default' })
  await agent.getByRole('button', { name: 'Suspend' }).click()
  await act(page, 'Suspend', 'buys too much')
  await agent.getByText('suspended', { exact: true }).waitFor()
  await agent.getByRole('button', { name: 'Resume' }).click()
  await act(page, 'Resume', 'its owner has looked')
  await agent.getByText('active', { exact: true }).waitFor()
  await go(page, 'Processors')
  const processor = page.getByRole('region', { name: 'simulated' })
  await processor.getByRole('button', { name: 'Pause' }).click()
  await act(page, 'Pause', 'their status page is red')
  await processor.getByText('operator: their status page is red').waitFor()
  await processor.getByRole('button', { name: 'Resume' }).click()
  await act(page, 'Resume', 'green again')
  await go(page, 'Approvals')
  await page.getByText('Nothing waits for an approval.').waitFor()
  await context.close()
})

test('everything is stopped and started from Now', { skip }, async () => {
  const { page, context } = await visit(world)
  await signIn(world, page)
  await page.getByRole('button', { name: 'Stop everything' }).click()
  await act(page, 'Stop everything', 'a drill')
  await page.getByRole('alert').getByText('Everything is stopped').waitFor()
  await page.getByRole('button', { name: 'Start again' }).click()
  await act(page, 'Start again', 'the drill is over')
  await page.getByRole('button', { name: 'Stop everything' }).waitFor()
  await context.close()
})

test('a viewer sees everything and every act is off', { skip }, async () => {
  const { page, context } = await visit(world)
  await signIn(world, page, viewerToken)
  assert.equal(await page.getByRole('button', { name: 'Stop everything' }).isDisabled(), true)
  await go(page, 'Payments')
  await page.getByRole('row').nth(3).waitFor()
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.getByLabel('Operator token').waitFor()
  await context.close()
})

// ── What a machine can measure ───────────────────────────────────────────────────────────────────

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds no violation on any screen, ${colorScheme}`, { skip }, async () => {
    const { page, context, complaints } = await visit(world, { colorScheme })
    await page.goto('/')
    await page.getByLabel('Operator token').waitFor()
    assert.deepEqual(await violations(page), [], 'sign in')
    await signIn(world, page)
    const paths = [
      '/',
      '/payments',
      `/payments/${scene.lost}`,
      '/dead-letters',
      '/approvals',
      '/reconciliation',
      '/agents',
      '/processors',
      '/sandbox',
      '/audit',
    ]
    for (const path of paths) {
      await page.goto(path)
      await page.getByRole('heading', { level: 1 }).waitFor()
      await page.getByText('Loading').first().waitFor({ state: 'detached' })
      assert.deepEqual(await violations(page), [], path)
    }
    await page.goto('/')
    await page.getByRole('button', { name: 'Stop everything' }).click()
    assert.deepEqual(await violations(page), [], 'a dialog')
    assert.deepEqual(complaints, [])
    await context.close()
  })
}

test('the first view is below 300 KB', { skip }, async () => {
  const { page, context } = await visit(world)
  const session = await context.newCDPSession(page)
  await session.send('Network.enable')
  let bytes = 0
  session.on('Network.loadingFinished', ({ encodedDataLength }) => (bytes += encodedDataLength))
  await page.goto('/')
  await page.getByLabel('Operator token').waitFor()
  await page.waitForLoadState('networkidle')
  assert.ok(bytes > 20_000 && bytes < 300_000, `${bytes} bytes`)
  console.log(`first view: ${Math.round(bytes / 1024)} KiB over the wire`)
  await context.close()
})

/** Made with many at once; the list is what is tested, not how they came to be. */
const many = 10_000

test(`${many} payments are listed with few rows in the document`, { skip }, async () => {
  await makeMany()
  const { page, context } = await visit(world)
  await signIn(world, page)
  await page.goto('/payments?agent=agent_default')
  const rows = page.getByRole('table', { name: 'Payments' }).getByRole('row')
  await rows.nth(5).waitFor()
  const body = page.getByRole('rowgroup', { name: 'Rows' })
  const startedAtMs = Date.now()
  let most = 0
  let longestMs = 0
  await until(async () => {
    const scrolledAtMs = Date.now()
    await body.evaluate((element) => (element.scrollTop = element.scrollHeight))
    most = Math.max(most, await rows.count())
    longestMs = Math.max(longestMs, Date.now() - scrolledAtMs)
    const said = await page.getByText(/^[\d,]+ payments/).textContent()
    return Number((said ?? '').replaceAll(/\D/g, '')) >= many
  }, 100_000)
  console.log(
    `${many} payments loaded in ${Date.now() - startedAtMs} ms; at most ${most} rows; longest look ${longestMs} ms`,
  )
  assert.ok(most < 80, `${most} rows are in the document`)
  assert.ok(longestMs < 1_000, `a scroll took ${longestMs} ms`)
  await context.close()
})

// Behind a pause they are claimed and wait: the list is long without waiting for the processor.
async function makeMany(): Promise<void> {
  const pause = { as: 'operator', body: { reason: 'only claims are wanted' } } as const
  await world.ask('POST', '/v1/processors/simulated/pause', pause)
  let next = 0
  const work = async () => {
    while (next < many) {
      next += 1
      const reference = `MANY-${next}`
      const body = {
        amount: next,
        currency: 'EUR',
        payee: `payee ${next}`,
        reference,
        batch: 'many',
      }
      const { status } = await world.ask('POST', '/v1/payments', {
        body,
        headers: { 'idempotency-key': reference },
      })
      assert.equal(status, 202)
    }
  }
  await Promise.all(Array.from({ length: 40 }, work))
}
