// The step function around its Task: what it tells, whose messages it takes up, and when it stops.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAwsWorld } from '../../test/aws-world.ts'
import type { AwsWorld } from '../../test/aws-world.ts'
import { advance } from '../engine/advance.ts'
import type { WebhookRow } from '../ports.ts'
import { stepOf } from './step.ts'

const left = (ms: number) => () => ms

async function storeWebhook({ world }: AwsWorld, over: Partial<WebhookRow>): Promise<void> {
  const { store, clock } = world.engine
  const value: WebhookRow = {
    processor: 'model',
    eventId: 'evt_1',
    receivedAtMs: clock.nowMs(),
    paymentId: null,
    attemptId: null,
    object: world.capturedObject(1999, 'EUR'),
    observedAtMs: null,
    matched: false,
    ...over,
  }
  const key = `${value.processor}/${value.eventId}`
  const put = { do: 'put', table: 'webhook', key, value, if: null } as const
  await store.commit({ commitId: `cmt_${key}`, actions: [put] })
}

const waiting = async ({ world }: AwsWorld): Promise<readonly string[]> =>
  (await world.engine.store.unmatchedWebhooks(1_000)).map(({ value }) => value.eventId).toSorted()

test('a Task that is done answers with nothing; one that goes elsewhere throws its name', async () => {
  const { aws, settings, pay, world } = await createAwsWorld()
  const id = await pay('INV-1')
  const step = (task: 'Validate' | 'Settle', leftMs = 30_000) =>
    stepOf(aws, settings, { task, paymentId: id, run: 1 }, left(leftMs))
  assert.deepEqual(await step('Validate'), {})
  assert.equal(await world.stateOf(id), 'authorised')
  const other = stepOf(
    aws,
    settings,
    { task: 'Validate', paymentId: 'pay_x', run: 1 },
    left(30_000),
  )
  await assert.rejects(other, { name: 'Ended' })
})

test('no step begins that its function has no time for', async () => {
  const { aws, settings, pay, world } = await createAwsWorld()
  const id = await pay('INV-1')
  const task = { task: 'Validate', paymentId: id, run: 1 } as const
  const name = 'NotYet'
  await assert.rejects(stepOf(aws, settings, task, left(15_999)), { name })
  assert.equal(await world.stateOf(id), 'initiated')
  await stepOf(aws, settings, task, left(16_000))
  assert.equal(await world.stateOf(id), 'authorised')
})

test('a bug is told with its payment, and fails the execution', async () => {
  const made = await createAwsWorld({
    table: (table) => ({ ...table, commit: () => Promise.reject(new Error('a bug of ours')) }),
  })
  const id = await made.pay('INV-1')
  const task = { task: 'Validate', paymentId: id, run: 1 } as const
  await assert.rejects(stepOf(made.aws, made.settings, task, left(30_000)), { name: 'Error' })
  const line = made.lines.find(({ kind }) => kind === 'bug')
  assert.equal(line?.['payment_id'], id)
})

test('a table that cannot be read for a while is waited for, outside', async () => {
  const made = await createAwsWorld({
    table: (table) => ({ ...table, read: () => Promise.reject(new Error('throttled')) }),
  })
  const id = await made.pay('INV-1')
  const task = { task: 'Validate', paymentId: id, run: 1 } as const
  await assert.rejects(stepOf(made.aws, made.settings, task, left(30_000)), { name: 'NotYet' })
  assert.equal(made.lines.length, 0)
})

test('webhooks are taken up as long as that gets somewhere, and those of others are left to them', async () => {
  const made = await createAwsWorld()
  const { aws, settings, pay, world } = made
  const id = await pay('INV-1')
  await advance(world.engine, id, 1)
  const [charge] = world.processor.charges
  const object = { ...world.capturedObject(1999, 'EUR'), objectId: charge?.id ?? '' }
  for (let number = 0; number < 130; number += 1) {
    await storeWebhook(made, { eventId: `evt_${number}`, paymentId: id, object })
  }
  await storeWebhook(made, { eventId: 'evt_other', processor: 'other', paymentId: id, object })
  await storeWebhook(made, { eventId: 'evt_later', paymentId: 'pay_not_there', object })
  await stepOf(aws, settings, { task: 'Observe' }, left(30_000))
  assert.deepEqual(await waiting(made), ['evt_later', 'evt_other'])
})

test('with little time left no message is taken up', async () => {
  const made = await createAwsWorld()
  await storeWebhook(made, {})
  await stepOf(made.aws, made.settings, { task: 'Observe' }, left(11_000))
  assert.deepEqual(await waiting(made), ['evt_1'])
})
