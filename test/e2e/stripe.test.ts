// Payments through Stripe by the real service, against the stand-in: whatever goes wrong on the way, each
// bill is taken once.
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { startStandIn } from '../stripe/stand-in.ts'
import type { Asked, Fault } from '../stripe/stand-in.ts'
import {
  agentOf,
  agentToken,
  atEnd,
  operatorToken,
  run,
  start,
  temporaryFolder,
} from './support.ts'

const apiKey = 'sk_test_e2e0123456789'
const webhookSecret = 'whsec_e2e0123456789'

const faults: readonly (readonly [Fault, Asked])[] = [
  ['504_after', 'create'],
  ['504_before', 'create'],
  ['reset_after', 'confirm'],
  ['504_after', 'confirm'],
  ['429', 'confirm'],
  ['500_then_done', 'confirm'],
  ['504_after', 'capture'],
  ['reset_before', 'capture'],
  ['lock_timeout', 'capture'],
  ['504_after', 'read'],
]

test('whatever Stripe answers, and though the service is killed, each bill is captured once', async (t) => {
  const folder = await temporaryFolder(t)
  const standIn = await startStandIn({ apiKey, webhookSecret })
  atEnd(t, standIn.close)
  for (const [fault, asked] of faults) standIn.inject(fault, asked)
  const settings = {
    QUITTANCE_DATA: join(folder, 'data'),
    QUITTANCE_PORT: '0',
    QUITTANCE_PROCESSOR: 'stripe',
    QUITTANCE_STRIPE_KEY: apiKey,
    QUITTANCE_STRIPE_WEBHOOK_SECRET: webhookSecret,
    QUITTANCE_STRIPE_API_BASE: standIn.url,
    QUITTANCE_AGENT_TOKEN: agentToken,
    QUITTANCE_OPERATOR_TOKEN: operatorToken,
    QUITTANCE_CALL_TIMEOUT_MS: '500',
  }
  let service = await start(t, ['serve'], settings)
  const bills = Array.from({ length: 24 }, (_, index) => ({
    amount: 1_000 + index,
    currency: 'EUR',
    payee: 'acme',
    reference: `INV-${index}`,
    payment_method: index % 8 === 7 ? 'pm_card_chargeDeclined' : 'pm_card_visa',
  }))
  const asked = bills.map((bill) => agentOf(service.url, 2_000).pay(bill, { waitSeconds: 1 }))
  await sleep(150)
  await service.stop('SIGKILL')
  await Promise.all(asked)
  service = await start(t, ['serve'], settings)
  const agent = agentOf(service.url, 25_000)
  const untilKnown = async (bill: (typeof bills)[number]) => {
    const givesUpAtMs = performance.now() + 90_000
    for (;;) {
      const answer = await agent.pay(bill, { waitSeconds: 20 })
      const isKnown = answer.ok && answer.payment.money_moved !== 'unknown'
      if (isKnown || performance.now() > givesUpAtMs) return answer
    }
  }
  const ended = await Promise.all(bills.map(untilKnown))

  for (const [index, answer] of ended.entries()) {
    const isDeclined = index % 8 === 7
    assert(answer.ok, JSON.stringify(answer))
    assert.equal(answer.payment.money_moved, isDeclined ? 'no' : 'yes', JSON.stringify(answer))
  }
  const taken = new Map<string, number>()
  for (const { metadata, captures } of standIn.intents.values()) {
    const payment = metadata['payment'] ?? ''
    taken.set(payment, (taken.get(payment) ?? 0) + captures)
  }
  const counts = [...taken.values()]
  assert.equal(counts.filter((count) => count === 1).length, 21)
  assert(counts.every((count) => count <= 1))
  assert(!`${service.stdout()}${service.stderr()}`.includes(apiKey))
})

test('a key that is live, refused or missing stops the start with a sentence, and is not told', async (t) => {
  const data = join(await temporaryFolder(t), 'data')
  const standIn = await startStandIn({ apiKey, webhookSecret })
  atEnd(t, standIn.close)
  const settings = {
    QUITTANCE_DATA: data,
    QUITTANCE_PROCESSOR: 'stripe',
    QUITTANCE_STRIPE_API_BASE: standIn.url,
  }
  for (const [key, told] of [
    ['', /set QUITTANCE_STRIPE_KEY/],
    ['sk_live_51HxSECRET00', /QUITTANCE_ALLOW_LIVE=1/],
    ['sk_test_51HxSECRET00', /Stripe refuses the API key/],
  ] as const) {
    const ended = await run(['serve'], { ...settings, QUITTANCE_STRIPE_KEY: key })
    assert.notEqual(ended.code, 0)
    assert.match(ended.stderr, told)
    assert(!ended.stderr.includes('SECRET'))
  }
})
