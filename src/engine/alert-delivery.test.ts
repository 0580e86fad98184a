// Sinks that are away, hang or refuse: their alerts wait, nothing else does.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAlertWorld, testSink } from '../../test/alert-world.ts'
import { putAlert, readAlerts } from './alert-rows.ts'

const hourMs = 3_600_000

test('a sink that was away for an hour is told how things stand now, once', async () => {
  let isAway = true
  let tries = 0
  const pager = testSink('pager', () => {
    tries += 1
    return isAway ? 'not_delivered' : 'delivered'
  })
  const log = testSink('log')
  const world = await createAlertWorld({ sinks: [pager, log] })
  await world.park('pay_1')
  await world.park('pay_2', 'configuration')
  await world.pass(60_000)
  for (let index = 3; index <= 13; index += 1) await world.park(`pay_${index}`)
  await world.pass(60_000)
  await world.unpark('pay_2')
  await world.pass(hourMs - 240_000)
  assert.equal(log.told.length, 4, 'twice fired, once grown, once over')
  // Two alerts, each a minute apart at most, and half of that on average.
  assert.ok(tries > 60 && tries < 400, `${tries} tries`)
  isAway = false
  await world.pass(70_000)
  const told = pager.told.map(({ status, detail, count }) => `${status} ${detail} ${count}`)
  assert.deepEqual(told.toSorted(), ['firing outcome_unknown 12', 'resolved configuration 1'])
})

test('once a sink takes one alert, the others do not wait out their pauses', async () => {
  let isAway = true
  const sink = testSink('pager', () => (isAway ? 'not_delivered' : 'delivered'))
  const world = await createAlertWorld({ sinks: [sink] })
  for (const reason of [
    'configuration',
    'pending_too_long',
    'retries_exhausted',
    'void_refused',
  ] as const) {
    await world.park(`pay_${reason}`, reason)
  }
  await world.pass(600_000)
  isAway = false
  while (sink.told.length === 0) await world.pass(100)
  await world.pass(2_000)
  assert.equal(sink.told.length, 4)
})

test('a sink that hangs is given up after ten seconds and keeps no other waiting', async () => {
  const hanging = testSink('hanging', () => 'hangs')
  const log = testSink('log')
  const world = await createAlertWorld({ sinks: [hanging, log] })
  await world.park('pay_1')
  await world.pass(5_000)
  assert.equal(log.told.length, 1)
  await world.park('pay_2', 'configuration')
  await world.pass(5_000)
  assert.equal(log.told.length, 2)
  await world.unpark('pay_1')
  await world.pass(5_000)
  assert.equal(log.told.length, 3)
})

test('one that hung once is tried again with the same id', async () => {
  const ids: string[] = []
  const slow = testSink('slow', () => (ids.length === 1 ? 'hangs' : 'delivered'))
  const sink = {
    ...slow,
    deliver: (notice: Parameters<typeof slow.deliver>[0]) => {
      ids.push(notice.id)
      return slow.deliver(notice)
    },
  }
  const world = await createAlertWorld({ sinks: [sink] })
  await world.park('pay_1')
  await world.pass(20_000)
  assert.deepEqual(ids, [
    'dead_letter/simulated/outcome_unknown:1',
    'dead_letter/simulated/outcome_unknown:1',
  ])
})

test('an alert that a sink always refuses does not keep the others from it', async () => {
  const picky = testSink('picky')
  const sink = {
    ...picky,
    deliver: async (notice: Parameters<typeof picky.deliver>[0]) => {
      if (notice.detail === 'outcome_unknown') throw new Error('a sink with a bug')
      return picky.deliver(notice)
    },
  }
  const world = await createAlertWorld({ sinks: [sink] })
  // It comes first: alerts are tried with the last key first.
  await world.park('pay_1', 'outcome_unknown')
  await world.pass(120_000)
  await world.park('pay_2', 'configuration')
  await world.pass(5_000)
  assert.deepEqual(
    picky.told.map(({ detail }) => detail),
    ['configuration'],
  )
})

test('an edition is not sent again where the store does not take what was told', async () => {
  const sink = testSink('s')
  const world = await createAlertWorld({ sinks: [sink] })
  const { store } = world.engine
  const engine = {
    ...world.engine,
    store: {
      ...store,
      commit: async (write: Parameters<typeof store.commit>[0]) => {
        const remembers = write.actions.some(
          (action) => action.do === 'put' && action.table === 'alert' && 's' in action.value.told,
        )
        return remembers ? { result: 'unknown' as const, why: 'away' } : store.commit(write)
      },
    },
  }
  await world.park('pay_1')
  for (let looks = 0; looks < 10; looks += 1) {
    world.leap(2_000)
    await world.alerts.look(engine)
    await world.alerts.settled()
  }
  assert.equal(sink.told.length, 1)
})

test('a new sink is told what fires, and not what was over long ago', async () => {
  const old = testSink('old')
  const world = await createAlertWorld({ sinks: [old] })
  await world.park('pay_1', 'configuration')
  await world.park('pay_2')
  await world.pass(5_000)
  const rows = await readAlerts(world.engine)
  const over = [...rows.values()].find(({ value }) => value.detail === 'configuration')
  assert.ok(over !== undefined)
  const resolvedAtMs = world.engine.clock.nowMs() - 25 * hourMs
  await putAlert(world.engine, over, { ...over.value, status: 'resolved', resolvedAtMs })
  await world.commit({ do: 'delete', table: 'dead_letter', key: 'pay_1', if: null })
  const fresh = testSink('fresh')
  const second = await createAlertWorld({ sinks: [fresh], store: world.engine.store })
  await second.pass(10_000)
  assert.deepEqual(
    fresh.told.map(({ detail }) => detail),
    ['outcome_unknown'],
  )
})
