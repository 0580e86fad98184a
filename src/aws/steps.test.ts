// Tasks of a run over a whole engine: what the state machine would be told, and that whatever Task is
// entered when, money moves once.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { aCaller, aRequest, createTestEngine, requestKey } from '../../test/engine-world.ts'
import type { TestWorld, TestWorldOptions } from '../../test/engine-world.ts'
import type { CallFault } from '../../test/model-processor.ts'
import { commandPayment } from '../engine/command.ts'
import { submit } from '../engine/submit.ts'
import type { Task } from './state-machine.ts'
import { runStep } from './steps.ts'

const limits = { longestSleepMs: 20_000, longestWaitMs: 900_000, stepNeedsMs: 14_000 }

async function claimed(options: TestWorldOptions = {}, over: Partial<typeof aRequest> = {}) {
  const world = await createTestEngine(options).ready()
  const made = await submit(world.engine, aCaller, requestKey('key-1'), { ...aRequest, ...over })
  assert(made.result === 'accepted')
  return { world, id: made.paymentId }
}

/** The name of the error that it ended with, or `done`. */
function step({ engine }: TestWorld, id: string, task: Task, run = 1, leftMs = 30_000) {
  return runStep(engine, { task, paymentId: id, run }, limits, () => leftMs).then(
    () => 'done',
    (error: unknown) => (error as Error).name,
  )
}

test('four Tasks take a payment to its settlement; what is passed returns at once', async () => {
  const { world, id } = await claimed()
  for (const task of ['Validate', 'Authorise', 'Capture', 'Settle'] as const) {
    assert.equal(await step(world, id, task), 'done', task)
  }
  assert.equal(await world.stateOf(id), 'settled')
  const sends = world.processor.sends.length
  for (const task of ['Validate', 'Authorise', 'Capture', 'Settle'] as const) {
    assert.equal(await step(world, id, task), 'done')
  }
  assert.equal(world.processor.sends.length, sends)
  assert.equal(world.processor.capturesOf(id), 1)
})

test('an older run is told that it is superseded, and sends nothing', async () => {
  const { world, id } = await claimed()
  const [row] = await world.engine.store.read([{ table: 'payment', key: id }])
  assert(row !== null)
  const put = {
    do: 'put',
    table: 'payment',
    key: id,
    value: { ...row.value, run: 2 },
    if: null,
  } as const
  await world.engine.store.commit({ commitId: 'cmt_run', actions: [put] })
  assert.equal(await step(world, id, 'Validate', 1), 'Superseded')
  assert.equal(await world.stateOf(id), 'initiated')
})

test('with too little time left nothing is begun: it comes back', async () => {
  const { world, id } = await claimed()
  assert.equal(await step(world, id, 'Validate', 1, 13_999), 'NotYet')
  assert.equal(await world.stateOf(id), 'initiated')
})

test('what nobody answered is resolved elsewhere, and then the way goes on', async () => {
  const faults: (CallFault | null)[] = ['lost_after']
  const { world, id } = await claimed({ fault: () => faults.shift() ?? null })
  assert.equal(await step(world, id, 'Validate'), 'OutcomeUnknown')
  for (let tries = 0; tries < 20; tries += 1) {
    const ended = await step(world, id, 'Resolve')
    if (ended === 'done') break
    assert.equal(ended, 'NotYet')
    world.hand.nowMs += 60_000
    world.hand.steadyMs += 60_000
  }
  for (const task of ['Validate', 'Authorise', 'Capture', 'Settle'] as const) {
    assert.equal(await step(world, id, task), 'done', task)
  }
  assert.equal(await world.stateOf(id), 'settled')
  assert.equal(world.processor.capturesOf(id), 1)
})

test('a payment that is not there, has ended, or waits for a person ends the run', async () => {
  const { world, id } = await claimed({}, { capture: 'manual' })
  assert.equal(await step(world, 'pay_nobody', 'Validate'), 'Ended')
  await step(world, id, 'Validate')
  await step(world, id, 'Authorise')
  assert.equal(await world.stateOf(id), 'authorised')
  // Only its agent captures it; until then it is due when its authorisation lapses.
  assert.equal(await step(world, id, 'Capture'), 'Ended')
})

test('a void is an amendment, whatever Task meets it', async () => {
  const { world, id } = await claimed({}, { capture: 'manual' })
  await step(world, id, 'Validate')
  await step(world, id, 'Authorise')
  const command = { type: 'void', reason: 'not needed' } as const
  const voided = await commandPayment(world.engine, aCaller, requestKey('void-1'), id, command)
  assert.notEqual(voided.result, 'rejected')
  if ((await world.stateOf(id)) === 'authorised') {
    for (const task of ['Validate', 'Capture'] as const) {
      assert.equal(await step(world, id, task), 'Amend')
    }
    assert.equal(await step(world, id, 'Amend'), 'done')
  }
  assert.equal(await world.stateOf(id), 'voided')
  assert.equal(await step(world, id, 'Settle'), 'Ended')
})

test('a refund of a settled payment is an amendment, which every Task of the way tells', async () => {
  const { world, id } = await claimed()
  for (const task of ['Validate', 'Authorise', 'Capture', 'Settle'] as const)
    await step(world, id, task)
  const refund = { type: 'refund', amount: 500, reference: 'CN-1', reason: 'returned' } as const
  const asked = await commandPayment(world.engine, aCaller, requestKey('refund-1'), id, refund)
  assert.notEqual(asked.result, 'rejected')
  for (const task of ['Validate', 'Settle'] as const)
    assert.equal(await step(world, id, task), 'Amend')
  assert.equal(await step(world, id, 'Amend'), 'done')
  const [row] = await world.engine.store.read([{ table: 'payment', key: id }])
  const payment = row?.value.payment
  assert(payment !== undefined && 'refunds' in payment)
  assert.deepEqual(
    payment.refunds.map(({ status }) => status),
    ['succeeded'],
  )
})
