// The function that tells people of an event, and the one that takes up dead letters by the rule.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAwsWorld } from '../../test/aws-world.ts'
import { toRest } from '../../test/engine-world.ts'
import { alertTable } from '../core/alerts.ts'
import { advance } from '../engine/advance.ts'
import { alertOf } from './alerts.ts'
import { isNews, newsTypes } from './news.ts'
import { redriveOnce } from './redrive.ts'

const left = (ms: number) => () => ms

test('a parked payment is told within a second or two of its event, and once', async () => {
  const { aws, world, told, pay } = await createAwsWorld({ fault: () => 'refused' })
  const id = await pay('INV-1')
  await toRest(world, id)
  const events = await world.engine.store.events(id, 0, 100)
  const parked = events.find(({ type }) => type === 'parked')
  assert(parked !== undefined)
  const startedMs = world.hand.nowMs
  const detail = { payment_id: id, seq: parked.seq }
  await alertOf(aws, { detail }, left(30_000))
  assert.deepEqual(
    told.map(({ kind, count }) => [kind, count]),
    [['dead_letter', 1]],
  )
  assert(world.hand.nowMs - startedMs < 5_000)
  // The bus repeats.
  await alertOf(aws, { detail }, left(30_000))
  assert.equal(told.length, 1)
})

test('an event that is no news costs one read', async () => {
  let operations = 0
  const counted = <A extends readonly unknown[], R>(work: (...args: A) => R) => {
    return (...args: A): R => {
      operations += 1
      return work(...args)
    }
  }
  const { aws, world, pay, told } = await createAwsWorld({
    fault: () => 'refused',
    table: (table) => ({
      ...table,
      events: counted(table.events),
      scan: counted(table.scan),
      commit: counted(table.commit),
      due: counted(table.due),
    }),
  })
  const id = await pay('INV-1')
  await advance(world.engine, id, 1)
  const events = await world.engine.store.events(id, 0, 100)
  assert(events.some(({ type }) => type === 'observed'))
  for (const { seq, type } of events) {
    operations = 0
    await alertOf(aws, { detail: { payment_id: id, seq } }, left(30_000))
    assert.equal(operations, 1, type)
  }
  await alertOf(aws, { detail: { payment_id: id, seq: 99 } }, left(30_000))
  assert.deepEqual(told, [])
})

test('of the answers those are news that have a kind of alert of their own', () => {
  const causes = ['key_mismatch', 'mismatched_answer', 'unreadable', '504', 'declined']
  const told = causes.filter((cause) => isNews({ type: 'observed', by: { cause } } as never))
  assert.deepEqual(told, ['key_mismatch', 'mismatched_answer', 'unreadable'])
  for (const cause of told) assert(cause in alertTable)
  for (const type of newsTypes) {
    if (type !== 'observed') assert(isNews({ type } as never))
  }
  assert.equal(isNews({ type: 'captured' } as never), false)
})

test('the rule has nothing to take up while no processor has recovered, and stops in time', async () => {
  const { aws } = await createAwsWorld()
  assert.deepEqual(await redriveOnce(aws, left(50_000)), { taken: 0 })
  assert.deepEqual(await redriveOnce(aws, left(1_000)), { taken: 0 })
})
