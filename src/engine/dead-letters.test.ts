// The desk of dead letters: what its records say, what is taken up again by whom, and how often.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { processorKey } from '../core/control.ts'
import { closedBreaker } from '../core/breaker.ts'
import { createTestEngine, aCaller, aRequest, requestKey } from '../../test/engine-world.ts'
import type { TestWorld } from '../../test/engine-world.ts'
import { advance } from './advance.ts'
import { commandPayment, operatePayment } from './command.ts'
import { setPaused } from './control.ts'
import {
  listDeadLetters,
  noteDeadLetter,
  readDeadLetter,
  redriveByRule,
  redriveMany,
} from './dead-letters.ts'
import { resolvePayment } from './resolve.ts'
import { submit } from './submit.ts'

const act = { by: 'olga', reason: 'the processor is back' }

interface Outage {
  on: boolean
}

/** The breaker would keep these worlds from parking anything. */
const patient = { window: 1_000, failures: 1_000, straight: 1_000 }

async function brokenWorld(): Promise<{ world: TestWorld; outage: Outage }> {
  const outage = { on: true }
  const world = await createTestEngine({ fault: () => (outage.on ? 'refused' : null) }).ready()
  const breakerPolicy = { ...world.engine.breakerPolicy, ...patient }
  return { world: { ...world, engine: { ...world.engine, breakerPolicy } }, outage }
}

async function toRest(world: TestWorld, paymentId: string): Promise<void> {
  for (let step = 0; step < 200; step += 1) {
    const progress = await advance(world.engine, paymentId, 99)
    if (progress.next === 'done') return
    if (progress.next !== 'wait') continue
    const onMs = Math.max(1, progress.untilMs - world.hand.nowMs)
    world.hand.nowMs += onMs
    world.hand.steadyMs += onMs
  }
}

async function park(world: TestWorld, bill: number): Promise<string> {
  const request = { ...aRequest, reference: `INV-${bill}`, amount: 1000 + bill }
  const submission = await submit(world.engine, aCaller, requestKey(`k${bill}`), request)
  assert(submission.result === 'accepted')
  await toRest(world, submission.paymentId)
  return submission.paymentId
}

async function putBreaker(
  world: TestWorld,
  closedAtMs: number,
  openedAtMs = closedAtMs - 3_600_000,
): Promise<void> {
  const key = processorKey(world.processor.binding)
  const value = { ...closedBreaker, openedAtMs, closedAtMs }
  const put = { do: 'put', table: 'breaker', key, value, if: null } as const
  await world.engine.store.commit({ commitId: `cmt_${closedAtMs}`, actions: [put] })
}

test('the record tells what got stuck, how often it was tried, and what was last seen', async () => {
  const { world } = await brokenWorld()
  const id = await park(world, 1)
  const found = await readDeadLetter(world.engine, id)
  assert(found !== null)
  const { requestHash, parkedAtMs, firstAtMs, lastEvidence, ...letter } = found.letter
  assert.deepEqual(letter, {
    paymentId: id,
    agent: 'agent_1',
    account: 'account_1',
    processor: 'model',
    status: 'open',
    step: 'authorise',
    reason: 'retries_exhausted',
    attempts: 1,
    sends: 10,
    redrives: 0,
    ruleRedrives: 0,
    endedBy: null,
    endedAtMs: null,
    note: null,
    proposal: null,
  })
  assert.match(requestHash ?? '', /^[0-9a-f]{64}$/)
  assert(firstAtMs < parkedAtMs)
  assert.equal(lastEvidence?.send, 10)
})

test('redriven, parked again, redriven and settled: one record follows it all', async () => {
  const { world, outage } = await brokenWorld()
  const id = await park(world, 1)
  await noteDeadLetter(world.engine, id, 'asked their support', 'olga')
  const redrive = { type: 'redrive', by: 'olga', reason: 'r', notAfterMs: null } as const
  await operatePayment(world.engine, id, redrive, null)
  assert.equal((await readDeadLetter(world.engine, id))?.letter.status, 'redriven')
  await toRest(world, id)
  const again = (await readDeadLetter(world.engine, id))?.letter
  assert.equal(again?.status, 'open')
  assert.equal(again?.redrives, 1)
  assert.equal(again?.note, 'asked their support')
  outage.on = false
  await operatePayment(world.engine, id, redrive, null)
  await toRest(world, id)
  assert.equal(await world.stateOf(id), 'settled')
  assert.equal(world.processor.capturesOf(id), 1)
  const last = (await readDeadLetter(world.engine, id))?.letter
  assert.deepEqual([last?.status, last?.redrives, last?.endedBy], ['redriven', 2, 'olga'])
})

test('lists are filtered, in pages, and lose nobody', async () => {
  const { world } = await brokenWorld()
  const ids: string[] = []
  for (let bill = 0; bill < 7; bill += 1) ids.push(await park(world, bill))
  const seen: string[] = []
  let cursor: string | undefined
  do {
    const page = await listDeadLetters(world.engine, { reason: 'retries_exhausted' }, 3, cursor)
    seen.push(...page.letters.map(({ letter }) => letter.paymentId))
    cursor = page.cursor ?? undefined
  } while (cursor !== undefined)
  assert.deepEqual(seen.toSorted(), ids.toSorted())
  const others = [
    { reason: 'outcome_unknown' },
    { processor: 'x' },
    { agent: 'x' },
    { step: 'void' },
    { status: 'resolved' },
    { parkedBeforeMs: 1 },
  ] as const
  for (const filter of others) {
    const { letters } = await listDeadLetters(world.engine, filter, 10)
    assert.deepEqual(letters, [], JSON.stringify(filter))
  }
})

test('many are redriven one after the other, never while the processor is paused, never twice', async () => {
  const { world, outage } = await brokenWorld()
  const ids: string[] = []
  for (let bill = 0; bill < 5; bill += 1) ids.push(await park(world, bill))
  outage.on = false
  await setPaused(world.engine, 'model', true, act)
  const paused = await redriveMany(world.engine, {}, act, 10)
  assert.deepEqual(paused, { redriven: [], left: [], stoppedBy: 'processor_paused', cursor: null })
  await setPaused(world.engine, 'model', false, act)
  const twice = await Promise.all([
    redriveMany(world.engine, {}, act, 10),
    redriveMany(world.engine, {}, act, 10),
  ])
  assert.deepEqual(twice.flatMap(({ redriven }) => redriven).toSorted(), ids.toSorted())
  const audit = await world.engine.store.scan({ table: 'audit', limit: 10 })
  const orders = audit.rows.filter(({ value }) => value.act === 'redrive_many')
  assert.equal(orders.length, 3)
  assert.deepEqual([orders[0]?.value.by, orders[0]?.value.reason], [act.by, act.reason])
  for (const { code } of twice.flatMap(({ left }) => left)) assert.equal(code, 'not_parked')
  for (const id of ids) {
    await toRest(world, id)
    assert.equal(world.processor.capturesOf(id), 1)
    assert.equal((await readDeadLetter(world.engine, id))?.letter.redrives, 1)
  }
})

test('after an outage the rule redrives, three times at most; then it is a person’s', async () => {
  const { world } = await brokenWorld()
  const id = await park(world, 1)
  assert.equal((await redriveByRule(world.engine, null)).taken, 0)
  for (let time = 1; time <= 3; time += 1) {
    await putBreaker(world, world.hand.nowMs)
    assert.equal((await redriveByRule(world.engine, null)).taken, 1, `time ${time}`)
    await toRest(world, id)
  }
  await putBreaker(world, world.hand.nowMs)
  assert.equal((await redriveByRule(world.engine, null)).taken, 0)
  const letter = (await readDeadLetter(world.engine, id))?.letter
  assert.deepEqual([letter?.status, letter?.ruleRedrives], ['open', 3])
})

test('the rule leaves what was parked long after, and what is past its deadline', async () => {
  const { world } = await brokenWorld()
  await putBreaker(world, world.hand.nowMs)
  world.hand.nowMs += 10 * 60_000
  await park(world, 1)
  assert.equal((await redriveByRule(world.engine, null)).taken, 0)
  world.hand.nowMs += 2 * 86_400_000
  await putBreaker(world, world.hand.nowMs)
  assert.equal((await redriveByRule(world.engine, null)).taken, 0)
})

test('where two operators are needed, the second one of another name and the same word decides', async () => {
  const { world } = await brokenWorld()
  const id = await park(world, 1)
  const engine = { ...world.engine, secondOperator: true }
  const [row] = await engine.store.read([{ table: 'payment', key: id }])
  const version = row?.value.payment.seq ?? 0
  const word = (by: string, finding: 'paid' | 'not_paid') => ({
    by,
    reason: 'seen in the dashboard',
    said: finding === 'paid' ? { finding, processorReference: 'ch_1' } : { finding },
  })
  const say = async (by: string, finding: 'paid' | 'not_paid') =>
    (await resolvePayment(engine, id, word(by, finding), version)).result
  assert.equal(await say('olga', 'not_paid'), 'proposed')
  assert.equal(await say('olga', 'not_paid'), 'proposed')
  assert.equal(await say('otto', 'paid'), 'proposed')
  assert.equal(await say('olga', 'not_paid'), 'proposed')
  assert.equal(await world.stateOf(id), 'validated')
  assert.equal(await say('otto', 'not_paid'), 'accepted')
  assert.equal(await world.stateOf(id), 'voided')
  const letter = (await readDeadLetter(engine, id))?.letter
  assert.deepEqual([letter?.status, letter?.endedBy], ['resolved', 'otto'])
})

test('a first operator who changes the word at the last moment has agreed to nothing', async () => {
  const { world } = await brokenWorld()
  const id = await park(world, 1)
  const [row] = await world.engine.store.read([{ table: 'payment', key: id }])
  const version = row?.value.payment.seq ?? 0
  const { store } = world.engine
  const reason = 'seen in the dashboard'
  const word = (by: string, said: Parameters<typeof resolvePayment>[2]['said']) => ({
    by,
    reason,
    said,
  })
  const notPaid = { finding: 'not_paid' } as const
  const paid = { finding: 'paid', processorReference: 'ch_1' } as const
  const first = { ...world.engine, secondOperator: true }
  assert.equal((await resolvePayment(first, id, word('olga', notPaid), version)).result, 'proposed')
  // Between the second operator's look at the word and the commit that acts on it.
  let reads = 0
  const read: typeof store.read = async (keys) => {
    if (keys.some(({ table }) => table === 'dead_letter') && (reads += 1) === 2) {
      await resolvePayment(first, id, word('olga', paid), version)
    }
    return store.read(keys)
  }
  const second = { ...first, store: { ...store, read } }
  const said = await resolvePayment(second, id, word('otto', notPaid), version)
  assert.equal(said.result, 'rejected')
  assert.equal(await world.stateOf(id), 'validated')
})

test('a parked payment that never was sent is ended by the agent that voids it', async () => {
  const { world } = await brokenWorld()
  const id = await park(world, 1)
  const command = { type: 'void', reason: 'not needed any more' } as const
  const key = { ...requestKey('void'), path: `/v1/payments/${id}/void` }
  await commandPayment(world.engine, aCaller, key, id, command)
  await toRest(world, id)
  assert.equal(await world.stateOf(id), 'voided')
  const letter = (await readDeadLetter(world.engine, id))?.letter
  assert.deepEqual([letter?.status, letter?.endedBy], ['resolved', aCaller.agent])
})

test('the rule ends between two payments when the service stops, and takes up the rest later', async () => {
  const { world, outage } = await brokenWorld()
  const ids: string[] = []
  for (let bill = 0; bill < 3; bill += 1) ids.push(await park(world, bill))
  outage.on = false
  await putBreaker(world, world.hand.nowMs)
  let asked = 0
  const isStopping = (): boolean => (asked += 1) > 1
  assert.equal((await redriveByRule(world.engine, null, isStopping)).taken, 1)
  assert.equal((await redriveByRule(world.engine, null)).taken, 2)
  for (const id of ids) {
    await toRest(world, id)
    assert.equal(await world.stateOf(id), 'settled')
    assert.equal(world.processor.capturesOf(id), 1)
  }
})

test('the rule leaves what was parked before the outage, and whatever a person has a word on', async () => {
  const { world } = await brokenWorld()
  const before = await park(world, 1)
  const nowMs = world.hand.nowMs + 7_200_000
  world.hand.nowMs = nowMs
  await putBreaker(world, nowMs, nowMs - 60_000)
  assert.equal((await redriveByRule(world.engine, null)).taken, 0, before)
  const noted = await park(world, 2)
  await noteDeadLetter(world.engine, noted, 'paid by hand', 'olga')
  const ruled = await park(world, 3)
  await putBreaker(world, world.hand.nowMs)
  assert.equal((await redriveByRule(world.engine, null)).taken, 1)
  assert.equal((await readDeadLetter(world.engine, noted))?.letter.status, 'open')
  assert.equal((await readDeadLetter(world.engine, ruled))?.letter.status, 'redriven')
})
