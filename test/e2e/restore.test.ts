// Restore is not resume: a data folder that was set back, one whose processor is away, and a store that is
// moved into another folder by way of a file.
import assert from 'node:assert/strict'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import {
  agentOf as restoreAgent,
  createRestoreWorld,
  operatorOf as restoreOperator,
  runRestore,
} from '../restore-world.ts'
import {
  agentOf,
  operatorOf,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

const bill = { amount: 1999, currency: 'EUR', payee: 'acme', reference: 'INV-1' }

suite('restore', { concurrency: 2 }, () => {
  test('set back in the middle of payments: read-only, rebuilt, confirmed, and nothing is paid twice', async () => {
    const { bills, paid, recovered, replayed, double_charges, lost } = await runRestore(24)
    assert.deepEqual(
      { bills, paid, double_charges, lost },
      { bills: 24, paid: 24, double_charges: 0, lost: 0 },
    )
    assert(recovered >= 8 && replayed >= 16, `${recovered} recovered, ${replayed} replayed`)
  })

  test('an alert is raised and /readyz says why, until an operator has confirmed', async (t) => {
    const world = await createRestoreWorld()
    t.after(() => world.close())
    const first = await world.open()
    const snapshot = await world.snapshot('empty')
    assert((await restoreAgent(first).pay(bill, { waitSeconds: 10 })).ok)
    await first.stop()
    await world.setBack(snapshot)
    const service = await world.open()
    const ready = await fetch(`${service.url}/readyz`)
    assert.equal(ready.status, 503)
    assert.match(await ready.text(), /quittance recover/)
    const operator = restoreOperator(service)
    const kinds = async (): Promise<readonly string[]> => {
      const told = await operator.alerts({ status: 'firing' })
      return told.ok ? told.data.map(({ kind }) => kind) : []
    }
    while (!(await kinds()).includes('store_set_back')) await sleep(100)
    assert((await operator.rebuild({ reason: 'test' })).ok)
    assert((await operator.confirmRecovery({ reason: 'test' })).ok)
    assert.equal((await fetch(`${service.url}/readyz`)).status, 200)
    const audit = await operator.audit({ limit: 100 })
    assert(audit.ok)
    const acts = audit.data.map(({ act }) => act)
    assert(acts.includes('recover') && acts.includes('recover_confirm'), acts.join(', '))
    await service.stop()
    // It is kept: the next start asks nobody again.
    const next = await world.open()
    assert.equal((await fetch(`${next.url}/readyz`)).status, 200)
  })

  test('where the processor is away at a start, reads are answered and payments are told to come back', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const settings = serviceSettings(join(folder, 'data'), simulator.url)
    const service = await start(t, ['serve'], settings)
    const paid = await agentOf(service.url).pay(bill, { waitSeconds: 10 })
    assert(paid.ok)
    assert.equal(await service.stop('SIGTERM'), 0)
    await simulator.stop('SIGKILL')
    const next = await start(t, ['serve'], settings)
    const read = await agentOf(next.url).get(paid.payment.id)
    assert(read.ok && read.payment.state === paid.payment.state)
    const other = { ...bill, reference: 'INV-2', payee: 'globex' }
    const asked = await agentOf(next.url, 500).pay(other, { key: 'second' })
    assert(!asked.ok && asked.problem.code === 'not_ready', JSON.stringify(asked))
    assert.equal(asked.problem.next_action.type, 'retry_same_key')
    await startSimulator(t, folder, new URL(simulator.url).port)
    const again = await agentOf(next.url).pay(other, { key: 'second', waitSeconds: 10 })
    assert(again.ok && again.payment.money_moved === 'yes', JSON.stringify(again))
  })

  test('a store is moved by a file: the key replays there, and nothing is asked of a file that was altered', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const from = serviceSettings(join(folder, 'data'), simulator.url)
    const service = await start(t, ['serve'], from)
    const paid = await agentOf(service.url).pay(bill, { key: 'the-key', waitSeconds: 10 })
    assert(paid.ok)
    const file = join(folder, 'store.jsonl')
    const early = await run(['export', file], from)
    assert.equal(early.code, 2)
    assert.match(early.stderr, /in use: another Quittance process/)
    assert.equal(await service.stop('SIGTERM'), 0)
    const exported = await run(['export', file, '--json'], from)
    assert.equal(exported.code, 0, exported.stderr)
    assert.equal((await stat(file)).mode & 0o777, 0o600)
    const text = await readFile(file, 'utf8')
    assert(!text.includes('e2e_agent_token'), 'tokens are hashes')

    const to = serviceSettings(join(folder, 'moved'), simulator.url)
    const spoilt = join(folder, 'spoilt.jsonl')
    await writeFile(spoilt, text.replace('"amount":1999', '"amount":1998'))
    const refused = await run(['import', spoilt], to)
    assert.equal(refused.code, 2)
    assert.match(refused.stderr, /altered/)
    const imported = await run(['import', file], to)
    assert.equal(imported.code, 0, imported.stderr)
    const twice = await run(['import', file], to)
    assert.equal(twice.code, 2)
    assert.match(twice.stderr, /something in the store already/)

    const moved = await start(t, ['serve'], to)
    const again = await agentOf(moved.url).pay(bill, { key: 'the-key', waitSeconds: 10 })
    assert(
      again.ok && again.replayed && again.payment.id === paid.payment.id,
      JSON.stringify(again),
    )
    const recovery = await operatorOf(moved.url).recovery()
    assert(recovery.ok && recovery.recovery.status === 'open', JSON.stringify(recovery))
    const shown = await run(['recover', 'show'], { ...to, QUITTANCE_URL: moved.url })
    assert.equal(shown.code, 0)
    assert.match(shown.stderr, /Nothing is missing/)
  })
})
