// One invocation after another of an instance that is frozen in between, and what it tells before it is.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAwsWorld, environment } from '../../test/aws-world.ts'
import { toRest } from '../../test/engine-world.ts'
import { advance } from '../engine/advance.ts'
import { openEngine } from './open-engine.ts'
import { readSettings } from './settings.ts'

const left = (ms: number) => () => ms

test('an instance that was frozen for hours has seen no clock leap', async () => {
  const { aws, world, lines, told } = await createAwsWorld()
  const { engine, during } = aws
  await during(left(30_000), async () => engine.time.nowMs(0))
  // Only the wall clock goes on while it is frozen.
  world.hand.nowMs += 7_200_000
  await during(left(30_000), async () => {
    assert.equal(engine.time.leap(), null)
    assert.equal(engine.time.jumped(world.hand.nowMs), false)
  })
  assert.deepEqual([lines, told], [[], []])
  // Within one invocation a leap is one.
  await during(left(30_000), async () => {
    world.hand.nowMs += 7_200_000
    assert.equal(engine.time.leap()?.byMs, 7_200_000)
  })
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['clock_jumped'],
  )
})

test('what parks a payment tells it at once: a metric, a line of the log, and people', async () => {
  const { aws, world, told, lines, metric, pay } = await createAwsWorld({ fault: () => 'refused' })
  const id = await pay('INV-1')
  await aws.during(left(30_000), () => toRest({ ...world, engine: aws.engine }, id))
  assert.equal(metric('Parked'), 1)
  assert(lines.some((line) => line['level'] === 'alarm' && line['kind'] === 'parked'))
  const [notice] = told
  assert.deepEqual([notice?.kind, notice?.paymentIds], ['dead_letter', [id]])
  assert.equal(notice?.runbook, 'https://example.com/alerts#dead_letter')
  // The log has it as well, whoever listens to the topic.
  assert(lines.some((line) => line['level'] === 'alert' && line['kind'] === 'dead_letter'))
})

test('where there is no time to tell, the answer is given all the same, and it is told later', async () => {
  const { aws, told } = await createAwsWorld()
  const alarm = { kind: 'bug', paymentId: null, detail: 'x' } as const
  const raise = (leftMs: number) =>
    aws.during(left(leftMs), async () => {
      aws.engine.alarm(alarm)
      return 'answered'
    })
  assert.equal(await raise(1_000), 'answered')
  assert.deepEqual(told, [])
  await aws.during(left(30_000), async () => undefined)
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['bug'],
  )
})

test('hundreds of alarms at once are not told one by one', async () => {
  let scans = 0
  const { aws } = await createAwsWorld({
    table: (table) => ({
      ...table,
      scan: (query) => {
        scans += query.table === 'alert' ? 1 : 0
        return table.scan(query)
      },
    }),
  })
  for (let number = 0; number < 100; number += 1) {
    await aws.during(left(30_000), async () =>
      aws.engine.alarm({ kind: 'bug', paymentId: null, detail: 'x' }),
    )
  }
  assert.equal(scans, 2)
})

test('that people cannot be told changes nothing about how an invocation ends', async () => {
  const { aws, lines } = await createAwsWorld({
    table: (table) => ({ ...table, scan: () => Promise.reject(new Error('throttled')) }),
  })
  const failing = aws.during(left(30_000), async () => {
    aws.engine.alarm({ kind: 'bug', paymentId: null, detail: 'x' })
    throw new Error('its own')
  })
  await assert.rejects(failing, { message: 'its own' })
  assert(lines.some(({ kind }) => kind === 'not_told'))
})

test('a breaker that opens is told by whoever opened it, and so is its end', async () => {
  let isAway = true
  const { aws, world, metric, told, pay } = await createAwsWorld({
    fault: () => (isAway ? 'lost_before' : null),
  })
  for (let number = 0; number < 6; number += 1) {
    const id = await pay(`INV-${number}`)
    await aws.during(left(30_000), () => advance(aws.engine, id, 1))
  }
  assert.equal(metric('BreakersOpen'), 1)
  assert(told.some(({ kind, status }) => kind === 'breaker_open' && status === 'firing'))
  isAway = false
  const id = await pay('INV-7')
  await aws.during(left(30_000), () => toRest({ ...world, engine: aws.engine }, id))
  assert.equal(metric('BreakersOpen'), 0)
  // Told by the next invocation, where the last news is younger than that.
  world.hand.nowMs += 5_000
  await aws.during(left(30_000), async () => undefined)
  assert(told.some(({ kind, status }) => kind === 'breaker_open' && status === 'resolved'))
})

test('what is held is looked up in the count, not by a walk through all payments', async () => {
  const limits = { EUR: { perPayment: null, perDay: null, approvalAbove: 1 } }
  const { aws, pay, world, told } = await createAwsWorld({
    accountMandate: { version: 1, limits },
    table: (table) => ({ ...table, list: () => assert.fail('a list by hold reads everything') }),
  })
  const id = await pay('INV-1')
  await advance(world.engine, id, 1)
  await aws.look()
  assert.deepEqual(
    told.map(({ kind, paymentIds }) => [kind, paymentIds]),
    [['approval_required', [id]]],
  )
})

test('a template that cannot be meant stops the function at its start', async () => {
  const open = (over: object) => () =>
    openEngine({
      settings: readSettings({ ...environment, ...over }),
      processors: new Map(),
      table: {} as never,
      sink: { name: 'sns', deliver: async () => 'delivered' },
    })
  assert.throws(open({ QUITTANCE_SANDBOX: '0' }), /simulated: no money would move/)
  assert.throws(open({ QUITTANCE_INSTALLATION: '' }), /QUITTANCE_INSTALLATION is not set/)
  const processors = JSON.parse(environment.QUITTANCE_PROCESSORS) as { model: object }
  const slow = JSON.stringify({ model: { ...processors.model, callTimeoutMs: 20_000 } })
  assert.throws(open({ QUITTANCE_PROCESSORS: slow }), /at most 15000 fit into a step/)
})
