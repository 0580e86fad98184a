import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { createTestEngine } from '../../test/engine-world.ts'
import { keyUseEndsMs } from '../core/operation.ts'
import { advance } from './advance.ts'
import type { Engine } from './engine.ts'
import { sweep } from './sweep.ts'
import { keepTime } from './time.ts'

const hour = 3_600_000

function handMade(atMs: number) {
  const hand = { nowMs: atMs }
  const clock = {
    nowMs: () => hand.nowMs,
    steadyMs: () => hand.nowMs - atMs,
    sleep: async () => undefined,
  }
  return { hand, time: keepTime(clock, () => undefined) }
}

test('a clock behind what is stored is remembered, with how far and until when', () => {
  const { hand, time } = handMade(build.t0)
  assert.equal(time.jumped(build.t0 + 60_000), false)
  assert.equal(time.setBack(), null)
  assert.equal(time.jumped(build.t0 + hour), true)
  hand.nowMs += hour
  assert.equal(time.jumped(build.t0 + hour), false)
  assert.deepEqual(time.setBack(), { byMs: hour, untilMs: build.t0 + hour })
})

test('a key that was first used then is older than it says; one of later is not', () => {
  const { operation } = build.after(build.claimed(), [
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
  ]) as { operation: Parameters<typeof keyUseEndsMs>[0] } // authorise is open
  const given = build.given()
  const endsMs = keyUseEndsMs(operation, given)
  const setBack = { byMs: hour, untilMs: build.t0 }
  assert.equal(keyUseEndsMs(operation, { ...given, setBack }), endsMs - hour)
  const before = { byMs: hour, untilMs: build.t0 - 1 }
  assert.equal(keyUseEndsMs(operation, { ...given, setBack: before }), endsMs)
})

test('a process compares its clock with the newest payment before it drives anything', async () => {
  const { engine, hand } = createTestEngine()
  await claimedAt(engine, hand.nowMs + hour)
  await sweepOnce(engine)
  assert.deepEqual(engine.time.setBack(), { byMs: hour, untilMs: hand.nowMs + hour })
})

test('what was seen outlives the process, also once no time shows it any more', async () => {
  const { engine, hand } = createTestEngine()
  const untilMs = hand.nowMs + hour
  await claimedAt(engine, untilMs)
  await sweepOnce(engine)
  hand.nowMs += 2 * hour
  const next = { ...engine, time: handMade(hand.nowMs).time }
  assert.equal(next.time.setBack(), null)
  await advance(next, 'pay_none', 1)
  assert.deepEqual(next.time.setBack(), { byMs: hour, untilMs })
})

test('of what two processes saw nothing is lost', async () => {
  const { engine, hand } = createTestEngine()
  const other = { ...engine, time: handMade(hand.nowMs).time }
  await sweepOnce(engine)
  await sweepOnce(other)
  engine.time.jumped(hand.nowMs + 2 * hour)
  other.time.jumped(hand.nowMs + hour)
  await sweepOnce(engine)
  await sweepOnce(other)
  other.time.jumped(hand.nowMs + 3 * hour)
  await sweepOnce(other)
  await sweepOnce(engine)
  const [row] = await engine.store.read([{ table: 'clock', key: 'clock' }])
  assert.deepEqual(row?.value, { byMs: 3 * hour, untilMs: hand.nowMs + 3 * hour })
})

async function claimedAt(engine: Engine, updatedAtMs: number): Promise<void> {
  const payment = { ...build.claimed({ createdAtMs: updatedAtMs - hour }), updatedAtMs }
  const value = { payment, dueAtMs: null, run: 1 }
  const put = { do: 'put', table: 'payment', key: payment.id, value, if: null } as const
  await engine.store.commit({ commitId: 'cmt_1', actions: [put] })
}

const sweepOnce = async (engine: Engine): Promise<number> =>
  sweep(
    engine,
    10,
    () => false,
    () => undefined,
  )
