// The service as a process: how it starts, ends, refuses a second one, and treats its clients.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import {
  agentOf,
  ledgerOf,
  run,
  serviceSettings,
  setFaults,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

const bill = { amount: 1999, currency: 'EUR', payee: 'acme', reference: 'INV-1' }

suite('serve', { concurrency: 4 }, () => {
  test('serve prints one line, logs JSON, holds its file alone, and ends with 0 on SIGTERM', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const settings = serviceSettings(join(folder, 'data'), simulator.url)
    const service = await start(t, ['serve'], settings)
    const paid = await agentOf(service.url).pay(bill, { waitSeconds: 10 })
    assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))

    const second = await run(['serve'], settings)
    assert.equal(second.code, 2)
    assert.match(second.stderr, /is in use: another Quittance process/)
    assert.equal(second.stderr.trim().split('\n').length, 1)
    assert.equal(second.stdout, '')

    assert.equal(await service.stop('SIGTERM'), 0)
    assert.equal(service.stdout(), `listening on ${service.url}\n`)
    for (const line of service.stderr().split('\n').filter(Boolean)) JSON.parse(line)

    // The file knows everything: the key replays in the next life.
    const next = await start(t, ['serve'], settings)
    const again = await agentOf(next.url).pay(bill)
    assert.ok(again.ok && again.replayed && again.payment.id === paid.payment.id)
    assert.equal(await next.stop('SIGINT'), 0)
  })

  test('a port that is taken, and settings that cannot be meant, are one line and exit code 2', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const settings = serviceSettings(join(folder, 'data'), simulator.url)
    const taken = await run(['serve'], { ...settings, QUITTANCE_PORT: new URL(simulator.url).port })
    assert.equal(taken.code, 2)
    assert.match(taken.stderr, /Port \d+ is in use.*QUITTANCE_PORT/)
    const wrong = await run(['serve'], { ...settings, QUITTANCE_CALL_TIMEOUT_MS: 'soon' })
    assert.equal(wrong.code, 2)
    assert.match(wrong.stderr, /^quittance: QUITTANCE_CALL_TIMEOUT_MS is "soon"[^\n]*\n$/)
    const nothing = await run(['serve'], {
      QUITTANCE_DATA: join(folder, 'none'),
      QUITTANCE_PORT: '0',
    })
    assert.equal(nothing.code, 2)
    assert.match(nothing.stderr, /quittance simulator.*quittance start/)
  })

  test('Prefer: wait answers when the payment is at its end, not when the time is up', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const service = await start(t, ['serve'], serviceSettings(join(folder, 'data'), simulator.url))
    const startedMs = performance.now()
    const slow = { ...bill, payee: 'acct_processing' }
    const paid = await agentOf(service.url).pay(slow, { waitSeconds: 20 })
    assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))
    assert.ok(performance.now() - startedMs < 15_000)
    // A wait that must end at its time: the processor cannot be reached about this payee.
    const stuck = await agentOf(service.url).pay(
      { ...bill, payee: 'acct_unreachable', reference: 'INV-2' },
      { waitSeconds: 1 },
    )
    assert.ok(stuck.ok && stuck.payment.next_action.type === 'wait', JSON.stringify(stuck))
  })

  test('where the processor is away the payment waits, and is paid once when it is back', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const service = await start(t, ['serve'], serviceSettings(join(folder, 'data'), simulator.url))
    await simulator.stop('SIGKILL')
    const agent = agentOf(service.url)
    const asked = await agent.pay(bill, { waitSeconds: 1 })
    assert.ok(asked.ok && asked.payment.next_action.type === 'wait', JSON.stringify(asked))
    const back = await startSimulator(t, folder, new URL(simulator.url).port)
    const paid = await agent.wait(asked.payment.id)
    assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))
    const charges = await ledgerOf(back.url)
    assert.equal(
      charges.reduce((sum, { captures }) => sum + captures, 0),
      1,
    )
  })

  test('without its processor the service does not start, and says why', async (t) => {
    const folder = await temporaryFolder(t)
    const ended = await run(['serve'], serviceSettings(join(folder, 'data'), 'http://127.0.0.1:9'))
    assert.equal(ended.code, 2)
    assert.match(ended.stderr, /http:\/\/127\.0\.0\.1:9 did not answer.*Is it running\?/)
  })

  test('a client that sends too slowly is cut off, and others are served meanwhile', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const service = await start(t, ['serve'], serviceSettings(join(folder, 'data'), simulator.url))
    const { hostname, port } = new URL(service.url)
    const socket = connect(Number(port), hostname)
    await once(socket, 'connect')
    socket.on('error', () => undefined)
    let heard = ''
    socket.on('data', (chunk) => (heard += String(chunk)))
    const dripping = setInterval(() => socket.write('x'), 500)
    t.after(() => clearInterval(dripping))
    socket.write('POST /v1/payments HTTP/1.1\r\nhost: x\r\nx-slow: ')
    const cut = once(socket, 'close').then(() => 'cut')
    const served = await agentOf(service.url).pay(bill, { waitSeconds: 10 })
    assert.ok(served.ok)
    assert.equal(await Promise.race([cut, sleep(15_000, 'still there', { ref: false })]), 'cut')
    assert.match(heard, /^HTTP\/1\.1 408/)
  })

  test('SIGTERM while an answer is outstanding is not waited out, and the payment goes on later', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    await setFaults(simulator.url, {
      script: [{ match: { operation: 'capture', nth: 1 }, fault: 'timeout_after' }],
    })
    const settings = serviceSettings(join(folder, 'data'), simulator.url)
    const service = await start(t, ['serve'], settings)
    const agent = agentOf(service.url)
    const asked = await agent.pay(bill)
    assert.ok(asked.ok)
    const startedMs = performance.now()
    assert.equal(await service.stop('SIGTERM'), 0)
    assert.ok(performance.now() - startedMs < 5_000, 'it took as long as a hung call')
    const next = await start(t, ['serve'], settings)
    const paid = await agentOf(next.url).wait(asked.payment.id)
    assert.ok(paid.ok && paid.payment.money_moved === 'yes', JSON.stringify(paid))
    const charges = await ledgerOf(simulator.url)
    assert.equal(
      charges.reduce((sum, { captures }) => sum + captures, 0),
      1,
    )
  })
})
