// The breaker and the switches around a payment's steps: what they stop, what goes on, and what comes
// back by itself.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { processorKey, stopKey } from '../core/control.ts'
import { createTestEngine, aCaller, aRequest, requestKey } from '../../test/engine-world.ts'
import type { TestWorld, TestWorldOptions } from '../../test/engine-world.ts'
import { advance } from './advance.ts'
import type { Progress } from './advance.ts'
import { createBreakers } from './breakers.ts'
import { commandPayment } from './command.ts'
import { setPaused, setStopped, setSuspended } from './control.ts'
import { readPayment } from './read.ts'
import { submit } from './submit.ts'

const by = { by: 'olga', reason: 'a test' }

async function pay(world: TestWorld, bill: number, more: object = {}): Promise<string> {
  const request = { ...aRequest, reference: `INV-${bill}`, amount: 1000 + bill, ...more }
  const submission = await submit(world.engine, aCaller, requestKey(`k${bill}`), request)
  assert(submission.result === 'accepted', JSON.stringify(submission))
  return submission.paymentId
}

/** Steps until it waits or rests. */
async function drive(world: TestWorld, paymentId: string): Promise<Progress> {
  for (;;) {
    const progress = await advance(world.engine, paymentId, 99)
    if (progress.next !== 'go_on') return progress
  }
}

function pass(world: TestWorld, ms: number): void {
  world.hand.nowMs += ms
  world.hand.steadyMs += ms
}

async function breakerOf({ engine, processor }: TestWorld) {
  const key = processorKey(processor.binding)
  const [row] = await engine.store.read([{ table: 'breaker', key }])
  return row?.value ?? null
}

/** A world whose processor can be switched off and on. */
function failingWorld(options: TestWorldOptions = {}) {
  const outage = { on: true }
  const fault = () => (outage.on ? ('refused' as const) : null)
  return { outage, ready: createTestEngine({ ...options, fault }).ready() }
}

async function opened(): Promise<{ world: TestWorld; outage: { on: boolean }; ids: string[] }> {
  const { outage, ready } = failingWorld()
  const world = await ready
  const ids: string[] = []
  for (let bill = 0; (await breakerOf(world))?.state !== 'open'; bill += 1) {
    assert(bill < 20, 'twenty calls did not open it')
    ids.push(await pay(world, bill))
    await drive(world, ids.at(-1) ?? '')
  }
  return { world, outage, ids }
}

test('the breaker opens within twenty failed calls, and then nothing is sent', async () => {
  const { world, ids } = await opened()
  assert(ids.length <= 20)
  const sends = world.processor.sends.length
  const another = await pay(world, 99)
  for (const id of [...ids, another]) assert.equal((await drive(world, id)).next, 'wait')
  assert.equal(world.processor.sends.length, sends)
  // It is told, and written on no payment.
  const view = await readPayment(world.engine, another, null)
  assert.equal(view?.blockade?.why, 'processor_paused')
  assert.deepEqual(view?.row.payment.holds, [])
  assert.equal(view?.row.payment.seq, 1)
})

test('one payment is the probe; when it fails the rest is longer, when it succeeds all go on', async () => {
  const { world, outage, ids } = await opened()
  const sends = () => world.processor.sends.length
  pass(world, 2_000)
  const before = sends()
  for (const id of ids) await drive(world, id)
  assert.equal(sends(), before + 1)
  assert.equal((await breakerOf(world))?.reason, 'probe_failed')
  outage.on = false
  pass(world, 4_000)
  const trying = ids.map((id) => advance(world.engine, id, 99))
  await Promise.all(trying)
  assert.equal(sends(), before + 2, 'more than one probe at once')
  for (let round = 0; round < 40; round += 1) {
    pass(world, 1_000)
    for (const id of ids) await drive(world, id)
  }
  assert.equal((await breakerOf(world))?.state, 'closed')
  for (const id of ids) assert.equal(await world.stateOf(id), 'settled')
  for (const id of ids) assert.equal(world.processor.capturesOf(id), 1)
})

test('the breaker is in the store: a new process finds it open', async () => {
  const { world, ids } = await opened()
  const sends = world.processor.sends.length
  const reborn: TestWorld = {
    ...world,
    engine: { ...world.engine, breakers: createBreakers() },
  }
  assert.equal((await drive(reborn, ids[0] ?? '')).next, 'wait')
  assert.equal(world.processor.sends.length, sends)
})

test('a prober that dies is followed by another after a while', async () => {
  const { world, outage, ids } = await opened()
  outage.on = false
  pass(world, 2_000)
  const [first = '', second = ''] = ids
  const dying: TestWorld = {
    ...world,
    engine: {
      ...world.engine,
      processors: new Map([
        ['model', { ...world.processor, send: () => new Promise<never>(() => undefined) }],
      ]),
    },
  }
  void advance(dying.engine, first, 99)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal((await breakerOf(world))?.probe?.paymentId, first)
  const sends = world.processor.sends.length
  await drive(world, second)
  assert.equal(world.processor.sends.length, sends)
  pass(world, world.engine.breakerPolicy.probeWithinMs)
  await drive(world, second)
  assert.equal((await breakerOf(world))?.state, 'closed')
})

test('a probe is one call: a twin on the same payment makes none, and cannot take it back', async () => {
  const { world, outage, ids } = await opened()
  outage.on = false
  pass(world, 2_000)
  const [first = ''] = ids
  const dying: TestWorld = {
    ...world,
    engine: {
      ...world.engine,
      processors: new Map([
        ['model', { ...world.processor, send: () => new Promise<never>(() => undefined) }],
      ]),
    },
  }
  void advance(dying.engine, first, 99)
  await new Promise((resolve) => setImmediate(resolve))
  const probe = (await breakerOf(world))?.probe
  assert.equal(probe?.paymentId, first)
  const sends = world.processor.sends.length
  pass(world, world.engine.policy.recoverAfterMs)
  for (let step = 0; step < 20; step += 1) {
    const progress = await advance(world.engine, first, 99)
    if (progress.next === 'wait') pass(world, Math.max(0, progress.untilMs - world.hand.nowMs))
    if (world.hand.nowMs >= (probe?.untilMs ?? 0)) break
    const now = await breakerOf(world)
    assert.deepEqual([now?.state, now?.probe], ['half_open', probe])
    assert.equal(world.processor.sends.length, sends)
  }
})

test('a probe whose step is not stored is given back, and the next payment probes at once', async () => {
  const { world, outage, ids } = await opened()
  outage.on = false
  pass(world, 2_000)
  const [first = '', second = ''] = ids
  const { store } = world.engine
  const commit: typeof store.commit = async (write) =>
    write.actions.some((action) => action.do === 'record')
      ? { result: 'unknown', why: 'a test dropped it' }
      : store.commit(write)
  await advance({ ...world.engine, store: { ...store, commit } }, first, 99)
  assert.equal((await breakerOf(world))?.state, 'open')
  await drive(world, second)
  assert.equal((await breakerOf(world))?.state, 'closed')
})

test('what a probe found out survives a store that is away for a moment, and is counted once', async () => {
  const { world } = await opened()
  const key = processorKey(world.processor.binding)
  const nowMs = world.hand.nowMs
  const open = await breakerOf(world)
  assert(open !== null)
  const probe = { paymentId: 'p', untilMs: nowMs + 30_000 }
  const value = { ...open, state: 'half_open' as const, epoch: 7, probe }
  const put = { do: 'put', table: 'breaker', key, value, if: null } as const
  await world.engine.store.commit({ commitId: 'cmt_half_open', actions: [put] })
  const { store } = world.engine
  let reads = 0
  const read: typeof store.read = async (keys) => {
    if ((reads += 1) === 1) throw new Error('away')
    return store.read(keys)
  }
  const engine = { ...world.engine, store: { ...store, read } }
  await createBreakers().report(engine, key, {
    verdict: 'good',
    epoch: 7,
    paymentId: 'p',
    atMs: nowMs,
  })
  assert.equal((await breakerOf(world))?.state, 'closed')
})

test('a breaker whose write was stored and never confirmed counts each failure once', async () => {
  let lose = false
  const onCommit = () => {
    const fault = lose ? ('lose_answer' as const) : ('normal' as const)
    lose = false
    return fault
  }
  const world = await createTestEngine({ onCommit }).ready()
  const breakers = createBreakers()
  const report = (paymentId: string, verdict: 'bad' | 'none', epoch: number | null) =>
    breakers.report(world.engine, 'key', { verdict, epoch, paymentId, atMs: world.hand.nowMs })
  lose = true
  // Three failures and a late word of an old probe, told in one write.
  await Promise.all([
    report('a', 'bad', null),
    report('b', 'bad', null),
    report('c', 'bad', null),
    report('d', 'none', 3),
  ])
  const [row] = await world.engine.store.read([{ table: 'breaker', key: 'key' }])
  assert.deepEqual([row?.value.state, row?.value.recent.length], ['closed', 3])
})

test('a decline or a typo of an agent never opens the breaker', async () => {
  const world = await createTestEngine({ fault: () => 'decline' }).ready()
  for (let bill = 0; bill < 30; bill += 1) await drive(world, await pay(world, bill))
  assert.equal((await breakerOf(world))?.state ?? 'closed', 'closed')
})

test('an approval that is missing stays missing when the breaker closes', async () => {
  const { outage, ready } = failingWorld({
    accountMandate: {
      version: 1,
      limits: { EUR: { perPayment: null, perDay: null, approvalAbove: 5_000 } },
    },
  })
  const world = await ready
  const held = await pay(world, 1, { amount: 9_000 })
  for (let bill = 2; (await breakerOf(world))?.state !== 'open'; bill += 1) {
    await drive(world, await pay(world, bill))
  }
  outage.on = false
  for (let round = 0; round < 20; round += 1) {
    pass(world, 2_000)
    await drive(world, held)
  }
  assert.equal(await world.stateOf(held), 'initiated')
  assert.equal(world.processor.capturesOf(held), 0)
})

// ── Switches ─────────────────────────────────────────────────────────────────────────────────────

test('stop, pause and suspension each let nothing more out, and lifting each lets it go on', async () => {
  const switches = [
    ['stopped', setStopped],
    ['processor_paused', (engine, on, act) => setPaused(engine, 'model', on, act)],
    ['agent_suspended', (engine, on, act) => setSuspended(engine, aCaller.agent, on, act)],
  ] as const satisfies readonly (readonly [string, typeof setStopped])[]
  for (const [why, set] of switches) {
    const world = await createTestEngine().ready()
    const id = await pay(world, 1)
    assert.deepEqual(await set(world.engine, true, by), { result: 'changed' })
    assert.deepEqual(await set(world.engine, true, by), { result: 'unchanged' })
    assert.equal((await drive(world, id)).next, 'wait', why)
    assert.equal(world.processor.sends.length, 0, why)
    const view = await readPayment(world.engine, id, null)
    assert.equal(view?.blockade?.why, why)
    assert.deepEqual(await set(world.engine, false, by), { result: 'changed' })
    pass(world, 1_000)
    await drive(world, id)
    assert.equal(await world.stateOf(id), 'settled', why)
    const { rows } = await world.engine.store.scan({ table: 'audit', limit: 10 })
    assert.deepEqual(
      rows.map(({ value }) => value.by),
      ['olga', 'olga'],
    )
  }
})

test('a switch that is thrown between the commit and the call still stops the call', async () => {
  const world = await createTestEngine().ready()
  const id = await pay(world, 1)
  const { store } = world.engine
  const engine = {
    ...world.engine,
    store: {
      ...store,
      commit: async (write: Parameters<typeof store.commit>[0]) => {
        const result = await store.commit(write)
        const opens = write.actions.some(
          (action) =>
            action.do === 'record' && action.events.some((e) => e.type === 'attempt_opened'),
        )
        if (opens) await setStopped(world.engine, true, by)
        return result
      },
    },
  }
  await advance(engine, id, 99)
  assert.equal(world.processor.sends.length, 0)
  await setStopped(world.engine, false, by)
  for (let round = 0; round < 5; round += 1) {
    pass(world, 2_000)
    await drive(world, id)
  }
  assert.equal(await world.stateOf(id), 'settled')
})

test('a report waits for the write that speaks for it, and for no later one', async () => {
  const world = await createTestEngine().ready()
  const { store } = world.engine
  const writes: (() => void)[] = []
  const commit: typeof store.commit = async (write) => {
    await new Promise<void>((resolve) => void writes.push(resolve))
    return store.commit(write)
  }
  const engine = { ...world.engine, store: { ...store, commit } }
  const breakers = createBreakers()
  const bad = (paymentId: string) =>
    breakers.report(engine, 'key', {
      verdict: 'bad',
      epoch: null,
      paymentId,
      atMs: world.hand.nowMs,
    })
  const turn = () => new Promise((resolve) => setImmediate(resolve))
  let told = 0
  void bad('a').then(() => (told += 1))
  await turn()
  void bad('b').then(() => (told += 1))
  writes.shift()?.()
  await turn()
  assert.deepEqual([told, writes.length], [1, 1])
  writes.shift()?.()
  await turn()
  assert.equal(told, 2)
})

test('what is in flight when everything stops ends properly', async () => {
  const world = await createTestEngine().ready()
  const id = await pay(world, 1)
  const slow = {
    ...world.processor,
    send: async (call: Parameters<typeof world.processor.send>[0]) => {
      const answer = await world.processor.send(call)
      await setStopped(world.engine, true, by)
      return answer
    },
  }
  await advance({ ...world.engine, processors: new Map([['model', slow]]) }, id, 99)
  assert.equal(await world.stateOf(id), 'authorised')
  assert.equal((await drive(world, id)).next, 'wait')
  assert.equal(world.processor.capturesOf(id), 0)
})

test('while stopped or suspended an agent may void and nothing else; replays are answered', async () => {
  const world = await createTestEngine().ready()
  const id = await pay(world, 1, { capture: 'manual' })
  await drive(world, id)
  const ask = (type: 'capture' | 'void', key: string) =>
    commandPayment(
      world.engine,
      aCaller,
      { ...requestKey(key), path: `/v1/payments/${id}/${type}` },
      id,
      type === 'capture' ? { type, amount: null } : { type, reason: 'r' },
    )
  for (const set of [
    setStopped,
    (e: typeof world.engine, on: boolean, act: typeof by) =>
      setSuspended(e, aCaller.agent, on, act),
  ]) {
    await set(world.engine, true, by)
    const refused = await ask('capture', 'c')
    assert(refused.result === 'rejected')
    assert.match(refused.rejection.code, /^(stopped|agent_suspended)$/)
    const claim = await submit(world.engine, aCaller, requestKey('new'), {
      ...aRequest,
      reference: 'X',
    })
    assert(claim.result === 'rejected')
    const replay = await submit(world.engine, aCaller, requestKey('k1'), aRequest)
    assert.equal(replay.result, 'replayed')
    await set(world.engine, false, by)
  }
  await setStopped(world.engine, true, by)
  assert.equal((await ask('void', 'v')).result, 'accepted')
  const [row] = await world.engine.store.read([{ table: 'control', key: stopKey }])
  assert.equal(row?.value.by, 'olga')
})
