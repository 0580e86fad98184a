// A settlement file whose service is killed while it is read and while it is compared: started again, the
// run ends with what it would have found.
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Reconciliation } from '../../src/client/index.ts'
import {
  agentOf,
  operatorOf,
  operatorToken,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

const mapping = {
  columns: {
    type: 'type',
    payment_id: 'payment',
    reference: 'reference',
    object_id: 'object',
    currency: 'currency',
    amount: 'amount',
    batch: 'batch',
    settled_at: 'at',
  },
  types: { Settled: 'captured' },
}
const head = 'type,payment,reference,object,currency,amount,batch,at'

/** Lines of others: enough for a run that is not over before a signal comes. */
const foreign = 40_000

test('a service that is killed while a settlement file is read and compared ends its run all the same', async (t) => {
  const folder = await temporaryFolder(t)
  const simulator = await startSimulator(t, folder)
  const settings = serviceSettings(join(folder, 'data'), simulator.url)
  const quiet = { ...settings, QUITTANCE_RECONCILE_MINUTES: '0' }
  let service = await start(t, ['serve'], quiet)
  const lines = [head]
  const readings: Promise<unknown>[] = []
  for (let bill = 0; bill < 6; bill += 1) {
    const asked = { amount: 1_000 + bill, currency: 'EUR', payee: 'acme', reference: `INV-${bill}` }
    const paid = await agentOf(service.url).pay(asked, { waitSeconds: 20 })
    assert(paid.ok && paid.payment.money_moved === 'yes')
    // One break, which every end must name.
    const amount = bill === 5 ? 900 : 1_000 + bill
    lines.push(`Settled,${paid.payment.id},INV-${bill},,EUR,${amount},P1,2026-01-31T00:00:00Z`)
  }
  for (let line = 0; line < foreign; line += 1) {
    lines.push(`Settled,,other-${line},obj_${line},EUR,${line + 1},P1,2026-01-31T00:00:00Z`)
  }
  const [csv, map] = [join(folder, 'payout.csv'), join(folder, 'mapping.json')]
  await writeFile(csv, `${lines.join('\n')}\n`)
  await writeFile(map, JSON.stringify(mapping))
  const file = () =>
    run(['reconcile', 'file', csv, '--mapping', map, '--json'], {
      QUITTANCE_URL: service.url,
      QUITTANCE_OPERATOR_TOKEN: operatorToken,
    })

  const killed = async (when: () => Promise<void>): Promise<void> => {
    readings.push(file())
    await when()
    await service.stop('SIGKILL')
    service = await start(t, ['serve'], quiet)
  }
  // While it is read: nothing is compared yet.
  for (let kill = 0; kill < 2; kill += 1) {
    await killed(() => sleep(600))
    assert.deepEqual(await runs(service.url), [])
  }
  // Once it runs, and again as soon as it goes on.
  await killed(async () => {
    while ((await runs(service.url))[0]?.status !== 'running') await sleep(10)
  })
  const [interrupted] = await runs(service.url)
  assert.equal(interrupted?.status, 'running')
  await service.stop('SIGKILL')
  service = await start(t, ['serve'], quiet)

  const ended = await file()
  assert.equal(ended.code, 1, ended.stderr)
  const all = await runs(service.url)
  assert.equal(all.length, 1)
  const [only] = all
  assert(only !== undefined)
  const { id, status, records, matched, matchable, breaks, repeated } = only
  assert.equal(id, interrupted.id)
  assert.deepEqual(
    { status, records, matched, matchable, breaks, repeated },
    {
      status: 'finished',
      records: foreign + 6,
      matched: 5,
      matchable: 6,
      breaks: { amount_mismatch: 1 },
      repeated: 0,
    },
  )
  await Promise.all(readings)
})

async function runs(url: string): Promise<readonly Reconciliation[]> {
  const page = await operatorOf(url).reconciliations({ limit: 5 })
  assert(page.ok)
  return page.data
}
