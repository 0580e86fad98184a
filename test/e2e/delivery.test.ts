// Events of a real service reach a real receiver and a reader of the feed, although the service is killed
// again and again and the receiver refuses every third event at first. Judged by the public `standardwebhooks`.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { Webhook } from 'standardwebhooks'

import {
  agentOf,
  atEnd,
  operatorOf,
  operatorToken,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

interface Told {
  readonly payment_id: string
  readonly seq: number
  readonly prev_seq: number
}

test('killed at any moment, it tells every event, and the feed has each once', async (t) => {
  const folder = await temporaryFolder(t)
  const simulator = await startSimulator(t, folder)
  const settings = serviceSettings(join(folder, 'data'), simulator.url)
  const accepted: Told[] = []
  const unsigned: string[] = []
  let secret = ''
  const met = new Set<string>()
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      try {
        const headers = request.headers as Record<string, string>
        const told = new Webhook(secret).verify(body, headers) as Told
        const isNew = !met.has(`${told.payment_id}/${told.seq}`)
        met.add(`${told.payment_id}/${told.seq}`)
        if (isNew && met.size % 3 === 0) return void response.writeHead(503).end()
        accepted.push(told)
        response.end()
      } catch (error) {
        unsigned.push(String(error))
        response.writeHead(400).end()
      }
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  atEnd(t, () => {
    server.closeAllConnections()
    server.close()
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`

  let service = await start(t, ['serve'], settings)
  const added = await run(['webhooks', 'add', url], {
    QUITTANCE_URL: service.url,
    QUITTANCE_OPERATOR_TOKEN: operatorToken,
  })
  secret = added.stdout.trim()
  assert.match(secret, /^whsec_/)
  const ids: string[] = []
  for (let round = 0; round < 3; round += 1) {
    const agent = agentOf(service.url)
    for (let number = 0; number < 5; number += 1) {
      const reference = `INV-${round}-${number}`
      const amount = 1_000 + round * 10 + number
      const paid = await agent.pay({
        amount,
        currency: 'EUR',
        payee: `p${round}${number}`,
        reference,
      })
      assert.ok(paid.ok)
      ids.push(paid.payment.id)
    }
    await sleep(150 * round)
    await service.stop('SIGKILL')
    service = await start(t, ['serve'], settings)
  }

  const agent = agentOf(service.url)
  const histories = new Map<string, number>()
  for (const id of ids) {
    const ended = await agent.wait(id)
    assert.ok(ended.ok)
  }
  // Settled is the last that happens of its own accord.
  for (const id of ids) {
    for (let tries = 0; tries < 100; tries += 1) {
      const read = await agent.get(id)
      if (read.ok && read.payment.state === 'settled') break
      await sleep(100)
    }
    const events = await agent.events(id)
    assert.ok(events.ok)
    histories.set(id, events.events.length)
  }
  const missing = () =>
    ids.flatMap((id) =>
      Array.from({ length: histories.get(id) ?? 0 }, (_, at) => at + 1)
        .filter((seq) => !accepted.some((each) => each.payment_id === id && each.seq === seq))
        .map((seq) => `${id}/${seq}`),
    )
  for (let tries = 0; tries < 200 && missing().length > 0; tries += 1) await sleep(100)
  assert.deepEqual(missing(), [])
  assert.deepEqual(unsigned, [])
  assert.ok(accepted.every(({ seq, prev_seq: prev }) => prev === seq - 1))

  const operator = operatorOf(service.url)
  const seen: string[] = []
  for (let cursor = 'start'; ;) {
    const page = await operator.feed({ cursor, limit: 50 })
    assert.ok(page.ok)
    if (page.events.length === 0) break
    seen.push(...page.events.map((each) => `${each.payment_id}/${each.seq}`))
    cursor = page.cursor
  }
  const all = ids.flatMap((id) =>
    Array.from({ length: histories.get(id) ?? 0 }, (_, at) => `${id}/${at + 1}`),
  )
  assert.deepEqual(seen.toSorted(), all.toSorted())
  const publishers = await operator.publishers()
  assert.ok(publishers.ok)
  assert.ok(publishers.data.every(({ dead_letters: dead }) => dead === 0))
  assert.equal(await service.stop('SIGTERM'), 0)
})
