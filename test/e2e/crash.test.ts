// SIGKILL of the real service under load, again and again, on one file. Nothing that was acknowledged
// is lost, and the processor's own ledger shows each bill paid once.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import {
  agentOf,
  ledgerOf,
  operatorOf,
  serviceSettings,
  setFaults,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

const kills = 10
const billsPerLife = 12

test(`${kills} SIGKILLs under load lose nothing and pay each bill once`, async (t) => {
  const folder = await temporaryFolder(t)
  const simulator = await startSimulator(t, folder)
  const rates = { '504_after': 0.1, reset_before: 0.05, reset_after: 0.05, late: 0.03 }
  await setFaults(simulator.url, { seed: 11, rates: { authorise: rates, capture: rates } })
  const settings = serviceSettings(join(folder, 'data'), simulator.url)

  let service = await start(t, ['serve'], settings)
  // Agents must find it again at the same place.
  const fixed = { ...settings, QUITTANCE_PORT: new URL(service.url).port }
  // They never give up: ten restarts may take a busy machine a minute and more.
  const agent = agentOf(service.url, 150_000)
  const asked: Promise<Awaited<ReturnType<typeof agent.pay>>>[] = []
  for (let life = 0; life < kills; life += 1) {
    for (let index = 0; index < billsPerLife; index += 1) {
      const reference = `INV-${life}-${index}`
      asked.push(
        agent.pay({ amount: 100 + asked.length, currency: 'EUR', payee: 'acme', reference }),
      )
    }
    // Sometimes before the claims, sometimes in the middle of calls, sometimes after them.
    await sleep((life * 67) % 400)
    await service.stop('SIGKILL')
    service = await start(t, ['serve'], fixed)
  }

  const results = await Promise.all(asked)
  const ids = results.map((result) => {
    assert.ok(result.ok, JSON.stringify(result))
    return result.payment.id
  })
  assert.equal(new Set(ids).size, kills * billsPerLife)
  const ends = await Promise.all(ids.map((id) => agent.wait(id)))
  for (const end of ends) {
    assert.ok(end.ok && end.payment.money_moved === 'yes', JSON.stringify(end))
  }
  const booked = (await ledgerOf(simulator.url)).filter(({ captures }) => captures > 0)
  assert.deepEqual(
    booked.map(({ captures }) => captures),
    ids.map(() => 1),
  )
  assert.deepEqual(new Set(booked.map(({ reference }) => reference)), new Set(ids))

  const operator = operatorOf(service.url)
  const letters = await operator.deadLetters()
  assert.deepEqual(letters.ok && letters.payments, [])
  for (const id of ids) {
    const history = await operator.events(id)
    assert.ok(history.ok)
    assert.deepEqual(
      history.events.map(({ seq }) => seq),
      history.events.map((_, index) => index + 1),
    )
  }
})
