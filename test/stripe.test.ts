// Stripe's adapter against its stand-in: the contract of every processor, and what is Stripe's alone.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { callOf, lookUpOf, newPaymentId } from '../src/processors/contract/calls.ts'
import { processorContract } from '../src/processors/contract/processor-contract.ts'
import { openWire } from '../src/processors/contract/wire.ts'
import { openStripeProcessor } from '../src/processors/stripe/stripe.ts'
import { startStripeWorld } from './stripe/world.ts'

const dayMs = 86_400_000

processorContract('stripe', startStripeWorld)

test('a live key is refused unless it is allowed, and no error names a key', async () => {
  const options = { installation: 'inst_1', url: 'http://127.0.0.1:1', openWithinMs: 50 }
  for (const apiKey of [
    'sk_live_51HxSECRET00',
    'rk_live_51HxSECRET00',
    'pk_test_51HxSECRET00',
    '',
  ]) {
    await assert.rejects(openStripeProcessor({ ...options, apiKey }), (error: Error) => {
      assert.match(error.message, /QUITTANCE_ALLOW_LIVE=1|begins with sk_test_/)
      assert(apiKey === '' || !error.message.includes(apiKey))
      return true
    })
  }
  const allowed = { ...options, apiKey: 'sk_live_51HxSECRET00', allowLive: true }
  await assert.rejects(openStripeProcessor(allowed), /did not answer/)
  const known = await openStripeProcessor({ ...allowed, known: { id: 'acct_1', livemode: true } })
  assert.deepEqual(known.binding, {
    processor: 'stripe',
    processorAccount: 'acct_1',
    livemode: true,
  })
  await known.close()
})

test('a payment goes through create, confirm and capture, and what is read of it is whole', async (t) => {
  const { world, processor } = await bench(t)
  const { standIn } = world
  const paymentId = newPaymentId()
  const made = await processor.send(callOf('create', { paymentId }))
  const objectId = made.object?.objectId ?? null
  assert.equal(made.object?.status, 'created')
  const held = await processor.send(callOf('authorise', { paymentId, objectId, number: 2 }))
  assert.equal(held.object?.status, 'authorised')
  const lapses = held.object.authorisationExpiresAtMs ?? 0
  assert(lapses > Date.now() + 6 * dayMs && lapses < Date.now() + 8 * dayMs)
  const taken = await processor.send(callOf('capture', { paymentId, objectId, number: 3 }))
  assert.deepEqual([taken.object?.amountCaptured, taken.object?.settlement], [1999, null])
  standIn.passes(60)
  const query = lookUpOf('object', paymentId, objectId)
  const settled = await processor.lookUp(query)
  assert(settled.finding === 'found')
  assert.equal(settled.object.settlement?.fee, 55)
  const refund = await processor.send(
    callOf('refund', { paymentId, objectId, number: 4, amount: 500 }),
  )
  assert.deepEqual(
    refund.object?.refunds.map(({ amount, status }) => [amount, status]),
    [[500, 'succeeded']],
  )
  const intent = standIn.intents.get(objectId ?? '')
  assert(intent !== undefined)
  intent.disputed = 1_499
  const disputed = await processor.lookUp(query)
  assert(disputed.finding === 'found')
  assert.equal(disputed.object.amountReversed, 1_499)
})

test('3-D Secure comes with its link; what nobody captures lapses', async (t) => {
  const { world, processor } = await bench(t)
  const paymentId = newPaymentId()
  const paymentMethod = 'pm_card_authenticationRequired'
  const asked = await processor.send(callOf('authorise', { paymentId, paymentMethod }))
  assert.equal(asked.signal, 'not_final')
  assert.equal(asked.object?.status, 'action_required')
  assert.match(asked.object.actionUrl ?? '', /^https:\/\/hooks\.stripe\.test\/3ds\/pi_/)
  const other = newPaymentId()
  const held = await processor.send(callOf('authorise', { paymentId: other }))
  world.standIn.passes(8 * 86_400)
  const found = await processor.lookUp(lookUpOf('records', other, null))
  assert(found.finding === 'found')
  assert.equal(found.object.objectId, held.object?.objectId)
  assert.equal(found.object.status, 'expired')
})

test('Stripe’s word on trying again counts: such a decline is not believed, a lock is patience', async (t) => {
  const { world, processor } = await bench(t)
  const paymentMethod = 'pm_card_chargeDeclined'
  world.standIn.inject('retry_a_decline', 'create')
  const retried = await processor.send(callOf('authorise', { paymentMethod }))
  assert.deepEqual([retried.signal, retried.decline], ['unlisted', null])
  const declined = await processor.send(callOf('authorise', { paymentMethod }))
  assert.deepEqual([declined.signal, declined.decline?.code], ['declined', 'generic_decline'])
  world.standIn.inject('lock_timeout', 'create')
  const locked = await processor.send(callOf('authorise', {}))
  assert.deepEqual([locked.signal, locked.cause], ['slow_down', 'lock_timeout'])
})

test('an object of which nobody here knows makes no payment a declined one', async (t) => {
  const { processor } = await bench(t)
  const missing = await processor.send(callOf('capture', { objectId: 'pi_missing' }))
  assert.equal(missing.signal, 'unlisted')
  const noMethod = await processor.send(callOf('create', { paymentMethod: 'pm_missing' }))
  assert.deepEqual([noMethod.signal, noMethod.decline?.reason], ['invalid_content', 'invalid'])
})

test('records tell what a lost store is rebuilt from', async (t) => {
  const { processor } = await bench(t)
  const call = callOf('create')
  const asked = { key: 'k'.repeat(43), request: 'ab'.repeat(32) }
  const payment = {
    ...call.payment,
    amount: 1999,
    agent: 'agent_1',
    account: 'default',
    capture: 'manual',
    batch: 'b-1',
    retryOf: 'pay_0',
    retryCount: 1,
    asked,
  } as const
  await processor.send({ ...call, payment })
  const window = { fromMs: 0, toMs: Date.now() + dayMs, cursor: null, timeoutMs: 5_000 }
  const page = await processor.records?.(window)
  assert(page?.result === 'page')
  const marks = page.records[0]?.marks
  assert.deepEqual(
    { ...marks, billHash: null, alikeHash: null },
    {
      account: 'default',
      agent: 'agent_1',
      capture: 'manual',
      batch: 'b-1',
      retryOf: 'pay_0',
      retryCount: 1,
      payee: payment.payee,
      paymentMethod: null,
      billHash: null,
      alikeHash: null,
      asked,
      refunds: [],
    },
  )
  assert.match(marks?.billHash ?? '', /^[0-9a-f]{64}$/)
})

test('a payee may be a connected account', async (t) => {
  const { world, wire } = await bench(t)
  const processor = await world.openWith({ url: wire.url, payeeIs: 'connected_account' })
  t.after(() => processor.close())
  await processor.send(callOf('create', { payee: 'acct_1ABC', paymentMethod: 'cus_1/pm_1' }))
  const form = new URLSearchParams(wire.received.at(-1)?.body)
  assert.deepEqual(
    ['transfer_data[destination]', 'on_behalf_of', 'customer', 'payment_method'].map((name) =>
      form.get(name),
    ),
    ['acct_1ABC', 'acct_1ABC', 'cus_1', 'pm_1'],
  )
})

async function bench(t: TestContext) {
  const world = await startStripeWorld()
  t.after(() => world.close())
  const wire = await openWire(world.origin)
  t.after(() => wire.close())
  const processor = await world.open(wire.url)
  t.after(() => processor.close())
  return { world, wire, processor }
}
