// The examples run against a service as a reader would run them, twice each: they assert what they say.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { fileURLToPath } from 'node:url'

import { childEnvironment } from '../../src/config.ts'
import {
  agentToken,
  ledgerOf,
  run,
  serviceSettings,
  start,
  startSimulator,
  temporaryFolder,
} from './support.ts'

interface Ended {
  readonly code: number | null
  readonly text: string
}

async function example(name: string, settings: Readonly<Record<string, string>>): Promise<Ended> {
  const path = fileURLToPath(new URL(`../../examples/${name}`, import.meta.url))
  const child = spawn(process.execPath, [path], { env: childEnvironment(settings) })
  let text = ''
  child.stdout.on('data', (chunk) => (text += String(chunk)))
  child.stderr.on('data', (chunk) => (text += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text }
}

suite('examples', () => {
  test('each does what it says, and may be run again', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const service = await start(t, ['serve'], serviceSettings(join(folder, 'data'), simulator.url))
    const settings = { QUITTANCE_URL: service.url, QUITTANCE_AGENT_TOKEN: agentToken }
    const expected = [
      ['agent.ts', /the same payment/],
      ['mcp-agent.ts', /paid by pay_/],
      ['subscriptions.ts', /6 subscriptions of 2026-11, each paid once/],
      ['swarm.ts', /4 sub-agents paid 6 bills, each once/],
    ] as const
    for (const [name, says] of [...expected, ...expected]) {
      const { code, text } = await example(name, settings)
      assert.equal(code, 0, `${name}: ${text}`)
      assert.match(text, says)
    }
    const charges = await ledgerOf(simulator.url)
    assert.deepEqual(
      charges.map(({ captures }) => captures),
      Array.from({ length: 14 }, () => 1),
    )
  })

  test('without a service each says so and exits non-zero', async () => {
    const settings = { QUITTANCE_URL: 'http://127.0.0.1:9', QUITTANCE_AGENT_TOKEN: agentToken }
    assert.equal((await example('agent.ts', { QUITTANCE_URL: settings.QUITTANCE_URL })).code, 2)
    const listed = await run(['payments', 'list'], settings)
    assert.equal(listed.code, 3)
  })

  test('a receipt is fetched, checked with a file of keys, and refused once it is changed', async (t) => {
    const folder = await temporaryFolder(t)
    const simulator = await startSimulator(t, folder)
    const data = join(folder, 'data')
    const service = await start(t, ['serve'], serviceSettings(data, simulator.url))
    const settings = {
      QUITTANCE_URL: service.url,
      QUITTANCE_AGENT_TOKEN: agentToken,
      QUITTANCE_OPERATOR_TOKEN: 'e2e_operator_token_0123456789',
    }
    const bill =
      '{"amount":700,"currency":"EUR","payee":"acme","reference":"R-1","description":"of Ms Miller"}'
    const paid = await run(['pay', '-', '--json'], settings, `${bill}\n`)
    const id = /pay_[0-9A-Z]{26}/.exec(paid.stdout)?.[0] ?? ''
    const keys = join(folder, 'keys.json')
    await writeFile(keys, await (await fetch(`${service.url}/.well-known/jwks.json`)).text())
    const receipt = (await run(['payments', 'receipt', id], settings)).stdout
    const turned = await run(['receipts', 'rotate-key', '--reason', 'a test'], settings)
    assert.match(turned.stdout, /^new key /)
    const redacted = await run(['payments', 'redact', id, '--reason', 'asked for'], settings)
    assert.match(redacted.stdout, /are gone/)
    assert.doesNotMatch((await run(['payments', 'show', id], settings)).stdout, /Miller/)
    const online = await run(['receipts', 'verify', '-'], settings, receipt)
    assert.deepEqual([online.code, /TEST: no real money/.test(online.stdout)], [0, true])
    await service.stop('SIGTERM')
    const offline = await run(['receipts', 'verify', '-', '--jwks', keys], {}, receipt)
    assert.equal(offline.code, 0, offline.stderr)
    assert.match(offline.stdout, /^valid, signed with .*\n.*\n[\s\S]*amount_captured +700/)
    const [head, payload = '', signature] = receipt.split('.')
    const claims = Buffer.from(payload, 'base64url').toString().replace('700', '900')
    const changed = [head, Buffer.from(claims).toString('base64url'), signature].join('.')
    const refused = await run(['receipts', 'verify', '-', '--jwks', keys], {}, changed)
    assert.equal(refused.code, 1)
    assert.match(refused.stdout, /^not valid: Its signature does not hold/)
    const absent = await run(['receipts', 'verify', join(folder, 'none')], {})
    assert.equal(absent.code, 2)
  })
})
