// The sweep: what is due is driven at a bounded rate, what has no mark is published, people are called,
// and each part is done whatever becomes of the others.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAwsWorld } from '../../test/aws-world.ts'
import { advance } from '../engine/advance.ts'
import { toRest } from '../../test/engine-world.ts'
import { sweepOnce } from './sweep.ts'

test('nothing to do: it says so, with every number at zero', async () => {
  const { sweeping, leftMs, lines } = await createAwsWorld()
  await sweepOnce(sweeping, leftMs)
  const metrics = lines.filter((line) => '_aws' in line)
  assert.equal(metrics.length, 1)
  const { _aws, ...values } = metrics[0] ?? {}
  assert.deepEqual(values, {
    Installation: 'inst_1',
    DueOldestSeconds: 0,
    OutboxOldestSeconds: 0,
    UnknownOldestSeconds: 0,
    DeadLetters: 0,
    BreakersOpen: 0,
    SweepFinished: 1,
  })
  const [directive] = (_aws as { CloudWatchMetrics: { Dimensions: unknown; Namespace: string }[] })
    .CloudWatchMetrics
  assert.deepEqual([directive?.Namespace, directive?.Dimensions], ['Quittance', [['Installation']]])
})

test('what is due is sent once, with its agent and processor, and a backlog at a bounded rate', async () => {
  const { sweeping, leftMs, sent, pay, world, metric } = await createAwsWorld()
  const ids: string[] = []
  for (let number = 0; number < 250; number += 1) ids.push(await pay(`INV-${number}`))
  const startedMs = world.hand.nowMs
  await sweepOnce(sweeping, leftMs)
  assert.deepEqual(sent.map(({ paymentId }) => paymentId).toSorted(), ids.toSorted())
  const [first] = sent
  assert.deepEqual(
    [first?.agent, first?.processor, first?.run, first?.seq],
    ['agent_1', 'model', 1, null],
  )
  assert(world.hand.nowMs - startedMs >= 4_000)
  assert.equal(metric('DueOldestSeconds'), 0)
})

test('what stands still for longer than a driver waits begins a new run, and its age is told', async () => {
  const { sweeping, leftMs, sent, pay, world, metric } = await createAwsWorld()
  await pay('INV-1')
  world.hand.nowMs += 90_000
  world.hand.steadyMs += 90_000
  await sweepOnce(sweeping, () => leftMs() + 90_000)
  assert.deepEqual(
    sent.map(({ run }) => run),
    [2],
  )
  assert.equal(metric('DueOldestSeconds'), 90)
})

test('with little time left nothing is begun, and it is told all the same', async () => {
  const { sweeping, sent, pay, metric } = await createAwsWorld()
  await pay('INV-1')
  await sweepOnce(sweeping, () => 10_000)
  assert.deepEqual(sent, [])
  assert.equal(metric('SweepFinished'), 1)
})

test('events without a mark are published again, to the bus only, and then marked', async () => {
  const { sweeping, leftMs, published, marks, sent, pay, world, metric } = await createAwsWorld()
  const id = await pay('INV-1')
  await toRest(world, id)
  await sweepOnce(sweeping, leftMs)
  assert.deepEqual(published, [])
  world.hand.nowMs += 121_000
  world.hand.steadyMs += 121_000
  await sweepOnce(sweeping, () => leftMs() + 121_000)
  assert.deepEqual(published[0], `${id}/1`)
  assert.equal(marks.get(id), published.length)
  // Nothing is to be driven any more: no execution for what has ended.
  assert.deepEqual(sent, [])
  assert.equal(metric('OutboxOldestSeconds'), 121)
})

test('a payment that cannot be published keeps nobody else waiting, and has no mark', async () => {
  const made = await createAwsWorld({
    table: (table) => ({
      ...table,
      markDelivered: (id, seq) =>
        id === ids[0] ? Promise.reject(new Error('away')) : table.markDelivered(id, seq),
    }),
    takes: ({ paymentId, seq }) => paymentId !== ids[1] || seq !== 2,
  })
  const { sweeping, leftMs, marks, pay, world, lines } = made
  const ids: string[] = []
  for (const reference of ['INV-1', 'INV-2', 'INV-3']) {
    ids.push(await pay(reference))
    await toRest(world, ids.at(-1) ?? '')
  }
  world.hand.nowMs += 121_000
  world.hand.steadyMs += 121_000
  await sweepOnce(sweeping, () => leftMs() + 121_000)
  assert.deepEqual([...marks.keys()], [ids[2]])
  assert(lines.some(({ kind }) => kind === 'not_published'))
})

test('where one part fails the others are done, and the failure is told', async () => {
  const { sweeping, told, metric, pay, world } = await createAwsWorld({
    fault: () => 'refused',
    table: (table) => ({ ...table, undelivered: () => Promise.reject(new Error('no index')) }),
  })
  const id = await pay('INV-1')
  await toRest(world, id)
  const leftMs = (): number => 45_000
  await assert.rejects(sweepOnce(sweeping, leftMs), { message: 'no index' })
  assert.equal(metric('DeadLetters'), 1)
  assert.equal(metric('SweepFinished'), undefined)
  // The first look has seen it, the next minute's tells it.
  world.hand.nowMs += 60_000
  await assert.rejects(sweepOnce(sweeping, leftMs))
  assert.deepEqual(
    told.map(({ kind, paymentIds }) => [kind, paymentIds]),
    [['dead_letter', [id]]],
  )
})

test('events that cannot be read are told of each minute, age, and are never marked', async () => {
  const broken = { paymentId: 'pay_0', events: [], throughSeq: 0, about: null, sinceMs: 0 }
  const { sweeping, pay, published, marks, lines, metric, world } = await createAwsWorld({
    table: (table) => ({
      ...table,
      undelivered: async (...given) => [
        { ...broken, unreadable: 'no JSON' },
        ...(await table.undelivered(...given)),
      ],
    }),
  })
  const id = await pay('INV-1')
  world.hand.nowMs += 300_000
  await sweepOnce(sweeping, () => 45_000)
  assert.ok(published.includes(`${id}/1`))
  assert.equal(marks.has('pay_0'), false)
  assert.equal(metric('OutboxOldestSeconds'), Math.round(world.hand.nowMs / 1000))
  assert.ok(
    lines.some((line) => line['kind'] === 'not_published' && line['payment_id'] === 'pay_0'),
  )
})

test('who waits for a person is told, however long they may wait', async () => {
  const limits = { EUR: { perPayment: null, perDay: null, approvalAbove: 1 } }
  const { sweeping, leftMs, told, pay, world } = await createAwsWorld({
    accountMandate: { version: 1, limits },
  })
  const id = await pay('INV-1')
  // One step: it is held for approval, due when that expires, hours from now.
  await advance(world.engine, id, 1)
  await sweepOnce(sweeping, leftMs)
  assert.deepEqual(
    told.map(({ kind, count, paymentIds }) => [kind, count, paymentIds]),
    [['approval_required', 1, [id]]],
  )
})

test('the age of what is unknown is told from its send on, once its sender has let go of it', async () => {
  const { sweeping, metric, pay, world } = await createAwsWorld({ fault: () => 'lost_after' })
  const id = await pay('INV-1')
  await advance(world.engine, id, 1)
  const leftMs = (): number => 45_000
  for (const seconds of [0, 30]) {
    world.hand.nowMs += seconds * 1000
    world.hand.steadyMs += seconds * 1000
    await sweepOnce(sweeping, leftMs)
    assert.equal(metric('UnknownOldestSeconds'), seconds)
  }
})
