// Counts that are kept from commit to commit are the store's own, also after a start in the middle, a
// commit in doubt, and while the store cannot be read.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import { states } from '../core/transitions.ts'
import { advance } from '../engine/advance.ts'
import { silentMeter } from '../engine/meter.ts'
import type { Store } from '../ports.ts'
import { openMetrics } from './metrics.ts'
import { openStanding } from './standing.ts'
import type { Standing } from './standing.ts'
import { parseExposition, valueOf } from './testkit.ts'

const shown = (standing: Standing) =>
  Object.fromEntries(
    states.map((state) => [state, standing.inState(state)]).filter(([, count]) => count !== 0),
  )

test('a start in the middle counts what is there, and goes on from there', async () => {
  const { pay, toRest, engine } = await createHttpWorld()
  await toRest((await pay({ reference: 'INV-1' })).id)
  const { id } = await pay({ reference: 'INV-2', amount: 2 })
  const standing = await openStanding(engine.store)
  assert.deepEqual(shown(standing), { initiated: 1, settled: 1 })
  const [row] = await engine.store.read([{ table: 'payment', key: id }])
  assert.ok(row !== null)
  const before = row.value.payment
  const after = { ...before, state: 'expired', holds: [] } as typeof before
  standing.follow({ before, after, events: [] })
  assert.deepEqual(shown(standing), { expired: 1, settled: 1 })
})

test('a dead letter whose outcome is unknown is known to a new process', async () => {
  const { pay, toRest, engine, world } = await createHttpWorld({
    fault: (kind) => (kind === 'look_up' ? 'no_answer' : 'lost_after'),
  })
  const { id } = await pay()
  const [claimed] = await engine.store.read([{ table: 'payment', key: id }])
  await toRest(id)
  const { count, oldestMs } = (await openStanding(engine.store)).unknown(world.hand.nowMs)
  assert.equal(count, 1)
  assert.ok(oldestMs - (claimed?.value.payment.createdAtMs ?? 0) < 5_000)
})

test('a send that its sender still has in hand is not unknown yet', async () => {
  const { pay, engine, world } = await createHttpWorld({ metrics: true })
  const standing = await openStanding(engine.store)
  const { id } = await pay()
  const meter = { ...silentMeter, committed: standing.follow }
  const asking: number[] = []
  const processor = {
    ...world.processor,
    send: async (call: Parameters<typeof world.processor.send>[0]) => {
      asking.push(standing.unknown(world.hand.nowMs).count)
      asking.push(standing.unknown(world.hand.nowMs + 3_600_000).count)
      return world.processor.send(call)
    },
  }
  const processors = new Map([['model', processor]])
  await advance({ ...engine, meter, processors }, id, 1)
  await advance({ ...engine, meter, processors }, id, 1)
  assert.deepEqual(asking, [0, 1, 0, 1])
  assert.equal(standing.unknown(world.hand.nowMs).count, 0)
})

test('after a commit in doubt everything is counted anew', async () => {
  let fault: 'normal' | 'lose_answer' = 'normal'
  const { pay, ask, engine } = await createHttpWorld({
    metrics: true,
    onCommit: () => fault,
  })
  await pay({ reference: 'INV-1' })
  fault = 'lose_answer'
  const body = { amount: 1, currency: 'EUR', payee: 'ACME', reference: 'INV-2' }
  const lost = await ask('POST', '/v1/payments', { key: 'lost', body })
  assert.equal(lost.body.code, 'retry_same_key')
  fault = 'normal'
  const { text } = await ask('GET', '/metrics', { as: 'operator' })
  const families = parseExposition(text)
  assert.equal(valueOf(families, 'quittance_payments', { state: 'initiated' }), 2)
  const { states: counted } = await engine.store.census()
  assert.equal(counted.get('initiated'), 2)
})

test('while the store cannot be read a scrape tells what it knows, and that it does not know the rest', async () => {
  const { engine, pay } = await createHttpWorld()
  await pay()
  let broken = false
  const store: Store = {
    ...engine.store,
    due: (beforeMs, limit) =>
      broken ? Promise.reject(new Error('disk I/O error')) : engine.store.due(beforeMs, limit),
  }
  const { processors, clock } = engine
  const options = { store, nowMs: clock.nowMs, processors, publishers: ['ledger'] }
  const { text } = await openMetrics(options)
  const read = async () => parseExposition(await text())
  assert.equal(valueOf(await read(), 'quittance_store_readable'), 1)
  broken = true
  const dark = await read()
  assert.equal(valueOf(dark, 'quittance_store_readable'), 0)
  assert.equal(valueOf(dark, 'quittance_payments', { state: 'initiated' }), 1)
  assert.equal(valueOf(dark, 'quittance_due_oldest_seconds'), null)
  assert.equal(valueOf(dark, 'quittance_outbox_lag_seconds', { publisher: 'ledger' }), null)
  broken = false
  assert.equal(valueOf(await read(), 'quittance_store_readable'), 1)
})
