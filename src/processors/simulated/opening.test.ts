// Opening, what is declared, and what only this adapter's reads can meet.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Processor } from '../../ports.ts'
import { startSimulator } from '../../simulator/simulator.ts'
import { callOf, lookUpOf } from '../contract/calls.ts'
import { startSimulatedWorld } from '../contract/simulated-world.ts'
import { openSimulatedProcessor } from './simulated.ts'
import type { SimulatedProcessorOptions } from './simulated.ts'

async function open(
  t: TestContext,
  options: Partial<SimulatedProcessorOptions> = {},
): Promise<Processor> {
  const world = await startSimulatedWorld()
  t.after(() => world.close())
  const processor = await world.openWith(options)
  t.after(() => processor.close())
  return processor
}

async function listen(t: TestContext, answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  // A listening TCP server has an address of this kind.
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('the binding is the account that the processor names', async (t) => {
  const { binding } = await open(t)
  assert.deepEqual(binding, {
    processor: 'simulated',
    processorAccount: 'acct_simulated',
    livemode: false,
  })
  assert.equal((await open(t, { name: 'second' })).binding.processor, 'second')
})

test('opening waits for a service that is only starting', async (t) => {
  const first = await startSimulator()
  await first.close()
  const { port } = first
  const starting = sleep(250).then(() => startSimulator({ port }))
  t.after(async () => (await starting).close())
  const url = `http://127.0.0.1:${port}`
  const processor = await openSimulatedProcessor({ url, apiKey: 'sim_test_key', installation: 'i' })
  assert.equal(processor.binding.processorAccount, 'acct_simulated')
  await processor.close()
})

test('and gives up in time, with a sentence that says what to look at', async () => {
  const startedMs = performance.now()
  const options = { url: 'http://127.0.0.1:1', apiKey: 'k', installation: 'i', openWithinMs: 250 }
  await assert.rejects(openSimulatedProcessor(options), {
    message:
      'The simulated processor at http://127.0.0.1:1 did not answer within 250 ms (last: ECONNREFUSED). Is it running?',
  })
  assert.ok(performance.now() - startedMs < 2_000)
})

test('a wrong key is refused at once', async (t) => {
  const startedMs = performance.now()
  await assert.rejects(open(t, { apiKey: 'wrong' }), /refuses the API key\.$/)
  assert.ok(performance.now() - startedMs < 2_000)
})

test('something else that listens there is no processor', async (t) => {
  const url = await listen(t, (_, response) => response.end('hello'))
  const options = { url, apiKey: 'k', installation: 'i', openWithinMs: 300 }
  await assert.rejects(
    openSimulatedProcessor(options),
    /\(last: (http_200|timeout|no_connection_in_time)\)/,
  )
})

test('a path in the URL stands in front of every route', async (t) => {
  const paths: string[] = []
  const origin = await listen(t, (incoming, response) => {
    paths.push(`${incoming.method} ${incoming.url}`)
    response.end('{"id":"acct_1","livemode":false}')
  })
  const url = `${origin}/sim/`
  const processor = await openSimulatedProcessor({ url, apiKey: 'k', installation: 'i' })
  await processor.send(callOf('authorise'))
  await processor.lookUp(lookUpOf('object', 'pay_1', 'ch_1'))
  await processor.close()
  assert.deepEqual(paths, [
    'GET /sim/v1/account',
    'POST /sim/v1/charges',
    'GET /sim/v1/charges/ch_1',
  ])
})

test('what it declares, and what may be declared otherwise', async (t) => {
  const usual = { currency: 'EUR', paymentMethod: null }
  const processor = await open(t, { capabilities: { absenceAfterMs: 900 } })
  const can = processor.capabilities(usual)
  assert.deepEqual(can, {
    keyWindowMs: 86_400_000,
    keyCachesErrors: true,
    objectFirst: false,
    objectOnce: true,
    absenceAfterMs: 900,
    fence: true,
    cancelByReference: true,
    lookupByReference: true,
    lookupLagMs: 2_000,
    twoStep: true,
    authorisationWindowMs: 604_800_000,
    apiVersion: '2',
  })
  const oneStep = processor.capabilities({ ...usual, paymentMethod: 'onestep_1' })
  assert.deepEqual(oneStep, { ...can, twoStep: false })
  const first = processor.capabilities({ ...usual, paymentMethod: 'objectfirst_1' })
  assert.deepEqual(first, { ...can, objectFirst: true })
  assert.equal(processor.capabilities({ ...usual, currency: 'XPF' }), null)
  assert.equal((await open(t)).capabilities(usual)?.absenceAfterMs, 5_000)
})

test('without a secret no webhook is believed', async (t) => {
  const world = await startSimulatedWorld()
  t.after(() => world.close())
  const processor = await world.open(world.origin)
  t.after(() => processor.close())
  const made = await processor.send(callOf('authorise'))
  const { body, headers, sentAtMs } = await world.webhook(made.object?.objectId ?? '')
  assert.notEqual(processor.readWebhook(body, headers, sentAtMs), null)
  const deaf = await openSimulatedProcessor({
    url: world.origin,
    apiKey: 'sim_contract_key',
    installation: 'inst_1',
  })
  t.after(() => deaf.close())
  assert.equal(deaf.readWebhook(body, headers, sentAtMs), null)
})
