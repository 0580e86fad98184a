// Slots between calls: exact under concurrency and over restarts, and fair between agents.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import fc from 'fast-check'

import { slotHorizonMs, slotToleranceMs } from '../core/rate.ts'
import type { RateLimit } from '../core/rate.ts'
import { createTestEngine, aCaller, aRequest, requestKey } from '../../test/engine-world.ts'
import { advance } from './advance.ts'
import { addAgent } from './identity.ts'
import { createSlots, rowsForRivals } from './slots.ts'
import type { RowsOf } from './slots.ts'
import type { Reserved } from './slots.ts'
import type { Processor } from '../ports.ts'
import { processorKey } from '../core/control.ts'
import { submit } from './submit.ts'

const limit: RateLimit = { perSecond: 10, burst: 3 }

const wanted = (agent: string) => ({ agent, limit, longestMs: slotHorizonMs })

const given = (reserved: readonly Reserved[]): number[] =>
  reserved.flatMap((each) => (each.slot === 'given' ? [each.atMs] : []))

/** In no stretch of time more than the burst and the pace allow. */
function assertPaced(slots: readonly number[], { perSecond, burst }: RateLimit): void {
  const sorted = slots.toSorted((a, b) => a - b)
  for (const [from, fromMs] of sorted.entries()) {
    for (let to = from; to < sorted.length; to += 1) {
      const overMs = (sorted[to] ?? 0) - fromMs
      const allowed = burst + (overMs * perSecond) / 1000
      assert(to - from + 1 <= allowed + 1e-6, `${to - from + 1} slots in ${overMs} ms`)
    }
  }
}

for (const [name, rowsOf] of [
  ['one row', () => 1],
  ['three rows', () => 3],
  ['more rows than its burst', () => 10],
] as const) {
  test(`however many ask at once, from whichever process, the pace is kept: ${name}`, () =>
    assertPaceKept(rowsOf))
}

test('a limit for many a second is in several rows, and never in more than its burst', async () => {
  const { engine } = createTestEngine()
  const fast = { agent: 'a', limit: { perSecond: 100, burst: 3 }, longestMs: 2_000 }
  const slots = createSlots(rowsForRivals)
  for (let asked = 0; asked < 60; asked += 1) await slots.reserve(engine, 'key', fast)
  const keys = ['key', 'key#0', 'key#1', 'key#2', 'key#3']
  const rows = await engine.store.read(keys.map((key) => ({ table: 'slot' as const, key })))
  assert.deepEqual(
    rows.map((row) => row !== null),
    [false, true, true, true, false],
  )
})

async function assertPaceKept(rowsOf: RowsOf): Promise<void> {
  const askings = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 0, max: 700 }),
      agents: fc.array(fc.constantFrom('a', 'b', 'c'), {
        minLength: 1,
        maxLength: 12,
        size: 'max',
      }),
      process: fc.constantFrom(0, 1, 'restarted'),
    }),
    { minLength: 1, maxLength: 12, size: 'max' },
  )
  await fc.assert(
    fc.asyncProperty(askings, async (list) => {
      const { engine, hand } = createTestEngine()
      const processes = [createSlots(rowsOf), createSlots(rowsOf)]
      const slots: number[] = []
      for (const { afterMs, agents, process } of list) {
        hand.nowMs += afterMs
        if (process === 'restarted') processes[0] = createSlots(rowsOf)
        const asked = agents.map((agent, index) => {
          const own = processes[process === 1 && index % 2 === 0 ? 1 : 0] ?? createSlots(rowsOf)
          return own.reserve(engine, 'key', wanted(agent))
        })
        const reserved = await Promise.all(asked)
        for (const each of reserved) {
          if (each.slot === 'given') {
            assert(each.atMs >= hand.nowMs && each.atMs <= hand.nowMs + slotHorizonMs)
          } else assert(each.askAgainAtMs > hand.nowMs)
        }
        slots.push(...given(reserved))
      }
      assertPaced(slots, limit)
    }),
    { numRuns: 300 },
  )
}

test('one busy agent does not starve the others', async () => {
  const { engine, hand } = createTestEngine()
  const slots = createSlots()
  const busy = Array.from({ length: 200 }, () => slots.reserve(engine, 'key', wanted('busy')))
  await Promise.all(busy)
  // The horizon is full of its slots; the next one to come free goes to whoever has fewer.
  let first: Reserved | null = null
  for (let ms = 0; ms < slotHorizonMs + 200 && first?.slot !== 'given'; ms += 100) {
    hand.nowMs += 100
    const others = Array.from({ length: 20 }, () => slots.reserve(engine, 'key', wanted('busy')))
    const [mine] = await Promise.all([slots.reserve(engine, 'key', wanted('quiet')), ...others])
    first = mine
  }
  assert.equal(first?.slot, 'given')
  // From then on each has half of the slots.
  const count = { busy: 0, quiet: 0 }
  for (let ms = 0; ms < 10_000; ms += 100) {
    hand.nowMs += 100
    const asked = (['busy', 'busy', 'busy', 'busy', 'quiet'] as const).map(async (agent) => {
      if ((await slots.reserve(engine, 'key', wanted(agent))).slot === 'given') count[agent] += 1
    })
    await Promise.all(asked)
  }
  assert(count.quiet >= 40 && count.busy >= 40, JSON.stringify(count))
})

test('no call is made before its slot; one that is late takes a new one', async () => {
  const world = await createTestEngine().ready()
  const callsAtMs: number[] = []
  const processor = {
    ...world.processor,
    send: (call: Parameters<typeof world.processor.send>[0]) => {
      callsAtMs.push(world.hand.nowMs)
      return world.processor.send(call)
    },
  }
  const { store } = world.engine
  let slow = false
  const engine = {
    ...world.engine,
    processors: new Map([['model', processor]]),
    rateLimits: new Map([['model', { perSecond: 2, burst: 1 }]]),
    store: {
      ...store,
      commit: (write: Parameters<typeof store.commit>[0]) => {
        // A disk that takes its time between the slot and the call.
        if (slow && write.actions.some((action) => action.do === 'record')) world.hand.nowMs += 450
        return store.commit(write)
      },
    },
  }
  await addAgent(
    engine,
    { id: 'agent_2', account: 'account_2', name: '', suspended: false, mandate: null },
    'another token of sixteen',
  )
  for (const pace of [false, true]) {
    slow = pace
    const callers = [aCaller, { agent: 'agent_2', account: 'account_2' }]
    for (const [index, caller] of callers.entries()) {
      const request = { ...aRequest, reference: `${pace} ${index}`, amount: slow ? 2 : 1 }
      const submission = await submit(engine, caller, requestKey(`${pace}${index}`), request)
      assert(submission.result === 'accepted')
      for (let step = 0; step < 10; step += 1) {
        const progress = await advance(engine, submission.paymentId, 99)
        if (progress.next === 'wait') {
          world.hand.nowMs = Math.max(world.hand.nowMs, progress.untilMs)
        }
      }
    }
  }
  assert.equal(callsAtMs.length, 8)
  for (const [index, atMs] of callsAtMs.entries()) {
    if (index > 0) assert(atMs - (callsAtMs[index - 1] ?? 0) >= 500 - slotToleranceMs)
  }
})

test('where a twin takes a slot at the same moment, the next ones are given at once', async () => {
  const { engine, hand } = createTestEngine()
  const { store } = engine
  let twins = 0
  const commit: typeof store.commit = async (write) => {
    // A twin writes between the read and the commit, twice.
    if ((twins += 1) <= 2) await createSlots().reserve({ ...engine, store }, 'key', wanted('twin'))
    return store.commit(write)
  }
  const reserved = await createSlots().reserve(
    { ...engine, store: { ...store, commit } },
    'key',
    wanted('a'),
  )
  assert.deepEqual(reserved, { slot: 'given', atMs: hand.nowMs })
  assert.equal(twins, 3)
})

test('a call that waited too long for its connection goes with the new slot, not with a third', async () => {
  const world = await createTestEngine().ready()
  const asked: { atMs: number; word: string | null }[] = []
  const processor: Processor = {
    ...world.processor,
    send: async (call) => {
      // Its connection is free too late for its slot, twice.
      for (let wait = 0; wait < 2; wait += 1) {
        world.hand.nowMs += 450
        asked.push({ atMs: world.hand.nowMs, word: (await call.mayStart?.()) ?? null })
      }
      asked.push({ atMs: world.hand.nowMs, word: (await call.mayStart?.()) ?? null })
      return world.processor.send(call)
    },
  }
  const engine = {
    ...world.engine,
    processors: new Map([['model', processor]]),
    rateLimits: new Map([['model', { perSecond: 2.5, burst: 1 }]]),
  }
  const submission = await submit(engine, aCaller, requestKey('k'), aRequest)
  assert(submission.result === 'accepted')
  await advance(engine, submission.paymentId, 99)
  while (asked.length < 3) await advance(engine, submission.paymentId, 99)
  // A slot of 400 ms is there each time, so each was given one, and the last asked for none.
  assert.deepEqual(
    asked.slice(0, 3).map(({ word }) => word),
    [null, null, null],
  )
  const [row] = await engine.store.read([{ table: 'slot', key: processorKey(processor.binding) }])
  const slots = ((row?.value.tatMs ?? 0) - 1_800_000_000_000) / 400
  assert(slots <= 4, `${slots} slots`)
})

test('a slot that is farther ahead than is any use is not taken', async () => {
  const { engine, hand } = createTestEngine()
  const slots = createSlots()
  for (let call = 0; call < limit.burst; call += 1) {
    await slots.reserve(engine, 'key', wanted('a'))
  }
  const [before] = await engine.store.read([{ table: 'slot', key: 'key' }])
  const soon = { ...wanted('b'), longestMs: 50 }
  assert.equal((await slots.reserve(engine, 'key', soon)).slot, 'full')
  const [after] = await engine.store.read([{ table: 'slot', key: 'key' }])
  assert.equal(after?.version, before?.version)
  hand.nowMs += 100
  assert.equal((await slots.reserve(engine, 'key', soon)).slot, 'given')
})

test('a clock that is set back during the wait for a slot keeps nobody waiting for an hour', async () => {
  const world = await createTestEngine().ready()
  const { clock } = world.engine
  let leapt = false
  const engine = {
    ...world.engine,
    rateLimits: new Map([['model', { perSecond: 1, burst: 1 }]]),
    clock: {
      ...clock,
      sleep: async (forMs: number) => {
        await clock.sleep(forMs)
        if (!leapt) world.hand.nowMs -= 3_600_000
        leapt = true
      },
    },
  }
  const key = processorKey(world.processor.binding)
  await engine.slots.reserve(engine, key, {
    ...wanted('agent_2'),
    limit: { perSecond: 1, burst: 1 },
  })
  const submission = await submit(engine, aCaller, requestKey('k'), aRequest)
  assert(submission.result === 'accepted')
  const startedMs = world.hand.steadyMs
  await advance(engine, submission.paymentId, 99)
  assert(leapt)
  assert(world.hand.steadyMs - startedMs <= 2 * slotHorizonMs)
})
