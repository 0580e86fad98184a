// The engine on the reference store with a model processor: what small scope does not enumerate.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { lookAlikeKeys } from '../core/guards.ts'
import { createMemoryPublisher } from '../publishers/memory.ts'
import { createModelProcessor, modelCapabilities } from '../../test/model-processor.ts'
import { aCaller, aRequest, createTestEngine, requestKey, toRest } from '../../test/engine-world.ts'
import { advance, observeEvidence } from './advance.ts'
import { commandPayment, operatePayment } from './command.ts'
import { relay } from './relay.ts'
import { submit } from './submit.ts'
import { sweep } from './sweep.ts'
import { observeWebhooks, receiveWebhook } from './webhooks.ts'

const paid = async (world: ReturnType<typeof createTestEngine>): Promise<string> => {
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  await toRest(world, paymentId)
  return paymentId
}

test('a hundred requests for one bill with keys of their own claim one payment', async () => {
  const world = await createTestEngine().ready()
  const all = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      submit(world.engine, aCaller, requestKey(`k${index}`), aRequest),
    ),
  )
  assert.equal(all.filter((each) => each.result === 'accepted').length, 1)
  const refused = all.flatMap((each) => (each.result === 'rejected' ? [each.rejection.code] : []))
  assert.deepEqual([...new Set(refused)], ['duplicate_reference'])
})

test('a hundred requests with one key claim one payment and replay it', async () => {
  const world = await createTestEngine().ready()
  const all = await Promise.all(
    Array.from({ length: 100 }, () => submit(world.engine, aCaller, requestKey('k'), aRequest)),
  )
  const ids = new Set(
    all.map((each) => (each.result === 'rejected' ? each.rejection.code : each.paymentId)),
  )
  assert.equal(ids.size, 1)
  assert.equal(all.filter((each) => each.result === 'accepted').length, 1)
})

test('a claim whose commit is unknown is told to ask again with the same key, and then replays', async () => {
  let lose = true
  const world = await createTestEngine({
    onCommit: (write) => {
      const isClaim = write.actions.some((action) => action.do === 'put' && action.table === 'key')
      if (!isClaim || !lose) return 'normal'
      lose = false
      return 'lose_answer'
    },
  }).ready()
  const first = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  assert.equal(first.result === 'rejected' && first.rejection.code, 'retry_same_key')
  const second = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  assert.equal(second.result, 'replayed')
})

test('64 agents racing for a day that covers half of their bills get exactly half', async () => {
  const limits = { EUR: { perPayment: null, perDay: 32 * 100, approvalAbove: null } }
  const world = await createTestEngine({ accountMandate: { version: 1, limits } }).ready()
  const all = await Promise.all(
    Array.from({ length: 64 }, (_, index) => {
      const bill = { ...aRequest, amount: 100, reference: `bill ${index}`, payee: `payee ${index}` }
      return submit(world.engine, aCaller, requestKey(`k${index}`), bill)
    }),
  )
  assert.equal(all.filter((each) => each.result === 'accepted').length, 32)
  const refused = all.flatMap((each) => (each.result === 'rejected' ? [each.rejection.code] : []))
  assert.deepEqual([...new Set(refused)], ['mandate_per_day'])
})

test('an older run is superseded and acts no more', async () => {
  const world = await createTestEngine().ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  // Due for a moment: whoever holds it may be waiting for its turn, and keeps it.
  await sweep(world.engine, 10, () => false, assert.fail)
  assert.deepEqual(world.woken.at(-1), { paymentId, run: 1 })
  world.hand.nowMs += 41_000
  await sweep(world.engine, 10, () => true, assert.fail)
  assert.deepEqual(world.woken.at(-1), { paymentId, run: 1 })
  await sweep(world.engine, 10, () => false, assert.fail)
  assert.deepEqual(world.woken.at(-1), { paymentId, run: 2 })
  assert.deepEqual(await advance(world.engine, paymentId, 1), { next: 'superseded' })
  assert.equal(world.processor.sends.length, 0)
  assert.deepEqual(await advance(world.engine, paymentId, 2), { next: 'go_on' })
})

test('a payment bound to another processor account is held, and neither sent nor looked up', async () => {
  const world = await createTestEngine().ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  const other = createModelProcessor(world.engine.clock)
  const processor = { ...other, binding: { ...other.binding, processorAccount: 'acct_other' } }
  const engine = { ...world.engine, processors: new Map([['model', processor]]) }
  await advance(engine, paymentId, 1)
  const [row] = await world.engine.store.read([{ table: 'payment', key: paymentId }])
  assert.deepEqual(
    row?.value.payment.holds.map((hold) => hold.reason),
    ['processor_changed'],
  )
  assert.equal(other.sends.length, 0)
  await toRest(world, paymentId)
  assert.equal(await world.stateOf(paymentId), 'settled')
})

test('a repeated command with the same key replays; with another body it is refused', async () => {
  const world = await createTestEngine().ready()
  const paymentId = await paid(world)
  const refund = { type: 'refund', reference: 'r1', amount: 500, reason: 'broken' } as const
  const key = { ...requestKey('refund'), path: `/v1/payments/${paymentId}/refunds` }
  const first = await commandPayment(world.engine, aCaller, key, paymentId, refund)
  const again = await commandPayment(world.engine, aCaller, key, paymentId, refund)
  assert.equal(first.result, 'accepted')
  assert.equal(again.result, 'replayed')
  const other = { ...key, fingerprint: 'other' }
  const refused = await commandPayment(world.engine, aCaller, other, paymentId, refund)
  assert.equal(refused.result === 'rejected' && refused.rejection.code, 'idempotency_key_reused')
  await toRest(world, paymentId)
  assert.equal(world.processor.charges[0]?.refunds.length, 1)
})

test('two refund requests with one reference refund once, whatever keys they carry', async () => {
  const world = await createTestEngine().ready()
  const paymentId = await paid(world)
  const refund = { type: 'refund', reference: 'r1', amount: 500, reason: 'broken' } as const
  const path = `/v1/payments/${paymentId}/refunds`
  const both = await Promise.all(
    ['a', 'b'].map((key) =>
      commandPayment(world.engine, aCaller, { ...requestKey(key), path }, paymentId, refund),
    ),
  )
  const ids = both.map((each) => (each.result === 'rejected' ? each.rejection.code : each.refundId))
  assert.equal(ids[0], ids[1])
  await toRest(world, paymentId)
  assert.equal(world.processor.charges[0]?.refunds.length, 1)
})

test('a redrive of a parked payment resumes it in a new run', async () => {
  let broken = true
  const world = await createTestEngine({
    fault: (kind) => (broken && kind !== 'look_up' ? 'refused' : null),
  }).ready()
  const paymentId = await paid(world)
  assert.deepEqual(
    world.alarms.map((alarm) => alarm.kind),
    ['parked'],
  )
  broken = false
  const redrive = {
    type: 'redrive',
    by: 'ada',
    reason: 'processor is back',
    notAfterMs: null,
  } as const
  const redriven = await operatePayment(world.engine, paymentId, redrive, null)
  assert.equal(redriven.result, 'accepted')
  assert.deepEqual(world.woken.at(-1), { paymentId, run: 2 })
  await toRest(world, paymentId)
  assert.equal(await world.stateOf(paymentId), 'settled')
  const again = await operatePayment(world.engine, paymentId, redrive, null)
  assert.equal(again.result === 'rejected' && again.rejection.code, 'not_parked')
})

test('an act on a version that was not shown changes nothing', async () => {
  const world = await createTestEngine({ fault: () => 'refused' }).ready()
  const paymentId = await paid(world)
  const redrive = { type: 'redrive', by: 'ada', reason: 'again', notAfterMs: null } as const
  const refused = await operatePayment(world.engine, paymentId, redrive, 1)
  assert.equal(refused.result === 'rejected' && refused.rejection.code, 'version_mismatch')
})

test('evidence that arrives after the end is taken up: a voided payment that was captured is corrected', async () => {
  const capabilities = { ...modelCapabilities, cancelByReference: false, fence: false }
  const world = await createTestEngine({ capabilities }).ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  const path = `/v1/payments/${paymentId}/void`
  await commandPayment(world.engine, aCaller, { ...requestKey('v'), path }, paymentId, {
    type: 'void',
    reason: 'no',
  })
  assert.equal(await world.stateOf(paymentId), 'voided')
  const object = world.capturedObject(aRequest.amount, aRequest.currency)
  await observeEvidence(world.engine, paymentId, {
    kind: 'record',
    object,
    askedAtMs: world.hand.nowMs,
  })
  assert.equal(await world.stateOf(paymentId), 'captured')
  assert.ok(world.alarms.some((alarm) => alarm.kind === 'corrected'))
})

test('the relay delivers each event in order, and again where the receiver did not take it', async () => {
  const world = await createTestEngine().ready()
  await paid(world)
  let up = false
  const publisher = createMemoryPublisher('p', () => up)
  assert.equal((await relay(world.engine, publisher, 3)).result, 'not_delivered')
  up = true
  while ((await relay(world.engine, publisher, 3)).result === 'delivered');
  assert.deepEqual(
    publisher.received.map((event) => event.seq),
    publisher.received.map((_, index) => index + 1),
  )
  assert.equal(publisher.received.at(-1)?.type, 'settled')
})

test('a clock that jumps back by more than five minutes stops sends, alarms, and hurts nothing', async () => {
  const world = await createTestEngine().ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  world.hand.nowMs -= 3_600_000
  const progress = await advance(world.engine, paymentId, 1)
  assert.equal(progress.next, 'wait')
  assert.equal(world.processor.sends.length, 0)
  assert.ok(world.alarms.some((alarm) => alarm.kind === 'clock_jumped'))
})

test('a clock that leaps forward, as after a sleep, alarms and goes on', async () => {
  const world = await createTestEngine().ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  world.hand.nowMs += 3_600_000
  await toRest(world, paymentId)
  assert.equal(await world.stateOf(paymentId), 'settled')
  assert.ok(world.alarms.some((alarm) => alarm.kind === 'clock_jumped'))
})

test('a webhook is stored once, believed only after a look, and one that is not ours makes way', async () => {
  const world = await createTestEngine({
    fault: (kind) => (kind === 'capture' ? 'lost_after' : null),
  }).ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  await advance(world.engine, paymentId, 1)
  await advance(world.engine, paymentId, 1)
  const told = { attemptId: null, object: world.capturedObject(1, 'USD') }
  const messages = new Map([
    ['ours', { ...told, eventId: 'ours', paymentId, object: { ...told.object, objectId: 'ch_1' } }],
    ['theirs', { ...told, eventId: 'theirs', paymentId: null }],
  ])
  const model = world.processor
  const processor = { ...model, readWebhook: (body: string) => messages.get(body) ?? null }
  const engine = { ...world.engine, processors: new Map([['model', processor]]) }
  assert.equal(await receiveWebhook(engine, 'model', 'forged', {}), 'refused')
  for (const body of ['ours', 'ours', 'theirs']) {
    assert.equal(await receiveWebhook(engine, 'model', body, {}), 'stored')
  }
  await observeWebhooks(engine, 10)
  // The message said 1 USD; the object that was read then says what is true.
  assert.equal(await world.stateOf(paymentId), 'settled')
  assert.deepEqual(await engine.store.unmatchedWebhooks(10), [])
})

test('a payment held because the processor had changed goes on by itself once it is right again', async () => {
  const world = await createTestEngine().ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  const engine = { ...world.engine, processors: new Map() }
  for (let step = 0; step < 3; step += 1) await advance(engine, paymentId, 1)
  world.hand.nowMs += 120_000
  world.hand.steadyMs += 120_000
  const due = await world.engine.store.due(world.hand.nowMs, 10)
  assert.deepEqual(
    due.map((each) => each.paymentId),
    [paymentId],
  )
})

test('the rows of look-alikes stay short however long a batch is', async () => {
  const world = await createTestEngine().ready()
  for (let bill = 0; bill < 60; bill += 1) {
    const request = { ...aRequest, reference: `INV-${bill}`, batch: 'one' }
    const submission = await submit(world.engine, aCaller, requestKey(`k${bill}`), request)
    assert.equal(submission.result, 'accepted')
  }
  const keys = lookAlikeKeys({ ...aRequest, account: aCaller.account })
  const [row] = await world.engine.store.read([{ table: 'look_alike', key: keys[0] }])
  assert.equal(row?.value.paymentIds.length, 20)
  const other = await submit(world.engine, aCaller, requestKey('other'), {
    ...aRequest,
    reference: 'X',
  })
  assert.equal(other.result === 'rejected' && other.rejection.code, 'possible_duplicate')
})

test('a bill is not retried while the processor shows a second object of its payment', async () => {
  const world = await createTestEngine().ready()
  const submission = await submit(world.engine, aCaller, requestKey('k'), aRequest)
  const paymentId = submission.result === 'rejected' ? '' : submission.paymentId
  await advance(world.engine, paymentId, 1)
  const object = world.capturedObject(aRequest.amount, aRequest.currency)
  await observeEvidence(world.engine, paymentId, {
    kind: 'record',
    object,
    askedAtMs: world.hand.nowMs,
  })
  const path = `/v1/payments/${paymentId}/void`
  await commandPayment(world.engine, aCaller, { ...requestKey('v'), path }, paymentId, {
    type: 'void',
    reason: 'no',
  })
  await toRest(world, paymentId)
  const retry = { ...aRequest, retryOf: paymentId }
  const refused = await submit(world.engine, aCaller, requestKey('r'), retry)
  assert.equal(refused.result === 'rejected' && refused.rejection.code, 'duplicate_reference')
})
