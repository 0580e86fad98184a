// Alerts of a whole service: a real store, a processor that asks for the payer, and a receiver of
// webhooks that is down at first.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { createClient } from '../client/index.ts'
import { ConfigError, readConfig } from '../config.ts'
import type { LogEntry } from '../engine/log.ts'
import { startSimulator } from '../simulator/simulator.ts'
import { openService } from './service.ts'

const tokens = { agent: 'an_agent_token_0123456789', operator: 'an_operator_token_0123456789' }
const key = Buffer.from('thirty-two bytes of a test key..')
const secret = `whsec_${key.toString('base64')}`

interface Told {
  readonly type: string
  readonly data: { readonly kind: string; readonly alert: string; readonly payment_ids: string[] }
  readonly atMs: number
}

async function receiver(t: TestContext) {
  const told: Told[] = []
  const state = { isUp: true, isSigned: true, url: '' }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      const { headers } = request
      const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
      const mac = createHmac('sha256', key).update(signed).digest('base64')
      state.isSigned &&= headers['webhook-signature'] === `v1,${mac}`
      // What the receiver does not know yet is what it can check of the body.
      if (state.isUp) told.push({ ...(JSON.parse(body) as Omit<Told, 'atMs'>), atMs: Date.now() })
      response.writeHead(state.isUp ? 200 : 503).end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  state.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { told, state }
}

async function until(holds: () => boolean, withinMs: number): Promise<void> {
  const untilMs = Date.now() + withinMs
  while (!holds() && Date.now() < untilMs) await sleep(50)
}

async function newFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-alerts-'))
  t.after(() => rm(folder, { recursive: true, force: true }))
  return folder
}

test('a service calls a person within five seconds, by log and by signed webhook', async (t) => {
  const { told, state } = await receiver(t)
  const simulator = await startSimulator()
  t.after(() => simulator.close())
  const lines: LogEntry[] = []
  const config = readConfig({
    QUITTANCE_PORT: '0',
    QUITTANCE_DATA: await newFolder(t),
    QUITTANCE_SIMULATOR_URL: simulator.url,
    QUITTANCE_AGENT_TOKEN: tokens.agent,
    QUITTANCE_OPERATOR_TOKEN: tokens.operator,
    QUITTANCE_ALERT_WEBHOOK_URL: state.url,
    QUITTANCE_ALERT_WEBHOOK_SECRET: secret,
  })
  const service = await openService(config, { log: (entry) => void lines.push(entry) })
  let isStopped = false
  const stop = async (): Promise<void> => {
    if (!isStopped) await service.stop()
    isStopped = true
  }
  t.after(stop)
  const beganMs = Date.now()
  const agent = createClient({ url: service.url, token: tokens.agent })
  await agent.pay({
    amount: 4_711,
    currency: 'EUR',
    payee: 'acct_action_required',
    reference: 'SECRET-1',
  })
  await until(() => told.length > 0, 10_000)
  const [first] = told
  const garbledMs = Date.now()
  await agent.pay({ amount: 4_712, currency: 'EUR', payee: 'acct_garbage', reference: 'SECRET-2' })
  await until(() => told.some(({ data }) => data.kind === 'unreadable'), 10_000)
  const event = told.find(({ data }) => data.kind === 'unreadable')
  assert.ok(event !== undefined && event.atMs - garbledMs < 5_000, 'an event was told too late')
  assert.ok(first !== undefined, 'nobody was told')
  assert.ok(first.atMs - beganMs < 5_000, `${first.atMs - beganMs} ms`)
  assert.equal(first.type, 'alert.firing')
  assert.equal(state.isSigned, true)
  const line = lines.find(({ level }) => level === 'alert')
  assert.ok(line !== undefined)
  const shown = JSON.stringify([told, lines.filter(({ level }) => level === 'alert')])
  assert.doesNotMatch(shown, /secret|471[12]|whsec|token/i)
  // Down, restarted, up: what was not told before is told after.
  state.isUp = false
  await post(service.url, '/v1/stop', { reason: 'a drill' })
  await until(() => lines.some(({ kind }) => kind === 'stopped'), 5_000)
  await stop()
  state.isUp = true
  const again = await openService(config, { log: () => undefined })
  t.after(() => again.stop())
  await until(() => told.some(({ data }) => data.kind === 'stopped'), 10_000)
  await post(again.url, '/v1/start', { reason: 'it is over' })
  await until(() => told.some(({ type }) => type === 'alert.resolved'), 10_000)
  const ofStop = told.filter(({ data }) => data.kind === 'stopped').map(({ type }) => type)
  assert.deepEqual(ofStop, ['alert.firing', 'alert.resolved'])
  const ofFirst = told.filter(({ data }) => data.alert === first.data.alert)
  assert.equal(ofFirst.length, 1, 'a restart tells nothing twice')
})

async function post(url: string, path: string, body: object): Promise<void> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens.operator}`,
      'content-type': 'application/json',
      'idempotency-key': `k-${path}-${Date.now()}`,
    },
    body: JSON.stringify(body),
  })
  assert.equal(response.status, 200, await response.text())
}

test('a webhook that cannot be used stops the start, and its secret is not repeated', async (t) => {
  const simulator = await startSimulator()
  t.after(() => simulator.close())
  const env = {
    QUITTANCE_DATA: await newFolder(t),
    QUITTANCE_PORT: '0',
    QUITTANCE_SIMULATOR_URL: simulator.url,
  }
  const url = 'https://10.0.0.5/hook'
  const alone = { ...env, QUITTANCE_ALERT_WEBHOOK_URL: url }
  assert.throws(() => readConfig(alone), ConfigError)
  const config = readConfig({ ...alone, QUITTANCE_ALERT_WEBHOOK_SECRET: secret })
  await assert.rejects(openService(config, { log: () => undefined }), (error) => {
    assert.ok(error instanceof ConfigError)
    assert.match(error.message, /private/)
    assert.doesNotMatch(error.message, /whsec_dG/)
    return true
  })
})
