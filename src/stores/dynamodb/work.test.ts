// The work index: entries may be early, never late, and whoever races leaves it so. Marks of delivery.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetItemCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import * as fc from 'fast-check'

import { initiated, paymentRow, putPayment, record, write } from '../contract/builders.ts'
import { makeTable, openTestStore } from '../contract/dynamo-fixture.ts'
import type { TestTable } from '../contract/dynamo-fixture.ts'
import { faultyClient } from '../contract/dynamo-faults.ts'
import { dynamoServer, skipWithoutServer } from '../contract/dynamo-server.ts'
import type { Client } from './client.ts'
import { redeliverAfterMs } from './event-items.ts'
import { eventSortKey } from './places.ts'
import type { DynamoOptions, DynamoStore } from './store.ts'

const nowMs = 1_000_000
const fixed: Partial<DynamoOptions> = { now: () => nowMs }
const committed = { result: 'committed' }

interface Head {
  readonly v: number | null
  readonly t: number | null
  readonly d: number | null
  readonly n: number
  readonly m: number
  readonly w: string | null
}

async function headOf({ client, table }: TestTable, id: string): Promise<Head> {
  const Key = { pk: { S: `p#${id}` }, sk: { S: 'p' } }
  const { Item: item = {} } = await client.send(new GetItemCommand({ TableName: table, Key }))
  const number = (name: string) => (item[name]?.N === undefined ? null : Number(item[name].N))
  return {
    v: number('v'),
    t: number('t'),
    d: number('d'),
    n: number('n') ?? 0,
    m: number('m') ?? 0,
    w: item['w']?.S ?? null,
  }
}

const row = (dueAtMs: number | null) => paymentRow(initiated('pay_1'), dueAtMs)

async function claimed(store: DynamoStore, dueAtMs: number | null): Promise<void> {
  const first = write(putPayment(row(dueAtMs), { absent: true }), record('pay_1', 1))
  assert.deepEqual(await store.commit(first), committed)
}

async function goOn(store: DynamoStore, version: number, dueAtMs: number | null): Promise<void> {
  const next = write(putPayment(row(dueAtMs), { version }), record('pay_1', version + 1))
  assert.deepEqual(await store.commit(next), committed)
}

const tests: Record<string, (table: TestTable) => Promise<void>> = {
  'a payment in progress writes no index: its entry stays where the claim put it': async (
    table,
  ) => {
    const store = openTestStore(table, fixed)
    await claimed(store, nowMs)
    await goOn(store, 1, nowMs + 15_000)
    await goOn(store, 2, null)
    assert.deepEqual(await headOf(table, 'pay_1').then(({ t }) => t), nowMs)
    assert.deepEqual(await store.due(nowMs + 99_000, 10), [])
  },

  'who becomes due earlier than its entry is moved by its commit': async (table) => {
    const store = openTestStore(table, fixed)
    await claimed(store, nowMs + 50_000)
    await goOn(store, 1, nowMs + 10_000)
    assert.equal((await headOf(table, 'pay_1')).t, nowMs + 10_000)
    assert.deepEqual(await store.due(nowMs + 10_000, 1), [{ paymentId: 'pay_1', run: 1 }])
  },

  'a process that knows no entry writes it exactly': async (table) => {
    await claimed(openTestStore(table, fixed), nowMs)
    await goOn(openTestStore(table, fixed), 1, nowMs + 20_000)
    assert.equal((await headOf(table, 'pay_1')).t, nowMs + 20_000)
  },

  'the sweep moves what it finds early, once its events are delivered': async (table) => {
    const store = openTestStore(table, fixed)
    await claimed(store, nowMs)
    await goOn(store, 1, nowMs + 900_000)
    assert.deepEqual(await store.due(nowMs, 10), [])
    assert.equal((await headOf(table, 'pay_1')).t, nowMs)
    await store.markDelivered('pay_1', 2)
    assert.deepEqual(await store.due(nowMs, 10), [])
    assert.equal((await headOf(table, 'pay_1')).t, nowMs + 900_000)
    assert.deepEqual(await store.due(nowMs + 900_000, 10), [{ paymentId: 'pay_1', run: 1 }])
  },

  'a commit based on the entry before it was moved puts it back in time': async (table) => {
    const slow = openTestStore(table, fixed)
    const sweeper = openTestStore(table, fixed)
    await claimed(slow, nowMs)
    await goOn(slow, 1, nowMs + 900_000)
    await slow.read([{ table: 'payment', key: 'pay_1' }])
    await sweeper.markDelivered('pay_1', 2)
    await sweeper.due(nowMs, 10)
    assert.equal((await headOf(table, 'pay_1')).t, nowMs + 900_000)
    // It still believes that the entry is at `nowMs`, and would leave it alone.
    await goOn(slow, 2, nowMs + 5_000)
    assert.equal((await headOf(table, 'pay_1')).t, nowMs + 5_000)
  },

  'a commit between the look of a sweep and its move is not undone by the move': async (table) => {
    const driver = openTestStore(table, fixed)
    await claimed(driver, nowMs)
    await goOn(driver, 1, nowMs + 900_000)
    await driver.markDelivered('pay_1', 2)
    const send = async (command: Parameters<Client['send']>[0]) => {
      if (command instanceof UpdateItemCommand) await goOn(driver, 2, nowMs + 5_000)
      return table.client.send(command)
    }
    // The client's `send` has an overload for each command; this passes all of them on.
    const client: Client = { send: send as Client['send'], destroy: () => undefined }
    const sweeper = openTestStore({ ...table, client }, fixed)
    assert.deepEqual(await sweeper.due(nowMs, 10), [])
    const { t, d } = await headOf(table, 'pay_1')
    assert.equal(d, nowMs + 5_000)
    assert((t ?? Infinity) <= nowMs + 5_000)
  },

  'a commit that races the last mark keeps the payment in the index': async (table) => {
    const slow = openTestStore(table, fixed)
    const relay = openTestStore(table, fixed)
    await claimed(slow, nowMs)
    await goOn(slow, 1, null)
    await slow.read([{ table: 'payment', key: 'pay_1' }])
    assert.equal(await relay.markDelivered('pay_1', 2), 'at_rest')
    assert.equal((await headOf(table, 'pay_1')).w, null)
    await goOn(slow, 2, null)
    const head = await headOf(table, 'pay_1')
    assert.deepEqual([head.t, head.n, head.m], [nowMs + redeliverAfterMs, 3, 2])
  },

  'a mark that comes after a newer commit leaves the entry': async (table) => {
    const store = openTestStore(table, fixed)
    await claimed(store, null)
    await goOn(store, 1, null)
    assert.equal(await store.markDelivered('pay_1', 1), 'marked')
    assert.notEqual((await headOf(table, 'pay_1')).w, null)
    assert.equal(await store.markDelivered('pay_1', 2), 'at_rest')
    assert.equal((await headOf(table, 'pay_1')).w, null)
  },

  'a mark never goes back, may be repeated, and never runs ahead of the events': async (table) => {
    const store = openTestStore(table, fixed)
    await claimed(store, nowMs)
    await goOn(store, 1, nowMs)
    assert.equal(await store.markDelivered('pay_1', 2), 'marked')
    assert.equal(await store.markDelivered('pay_1', 1), 'known')
    assert.equal(await store.markDelivered('pay_1', 2), 'known')
    await assert.rejects(store.markDelivered('pay_1', 3), /no event 3/)
    assert.equal((await headOf(table, 'pay_1')).m, 2)
  },

  'what nobody marked is found after a while, with all events since the last mark': async (
    table,
  ) => {
    const store = openTestStore(table, fixed)
    await claimed(store, nowMs)
    await goOn(store, 1, nowMs)
    await store.markDelivered('pay_1', 1)
    await goOn(store, 2, null)
    assert.deepEqual(await store.undelivered(nowMs, 10), [])
    const [late, ...more] = await store.undelivered(nowMs + 1, 10)
    assert.deepEqual(more, [])
    assert.deepEqual(
      late?.events.map(({ seq }) => seq),
      [2, 3],
    )
    assert.deepEqual([late?.paymentId, late?.throughSeq], ['pay_1', 3])
    assert.equal(late?.about?.dueAtMs, null)
    await store.markDelivered('pay_1', 3)
    assert.deepEqual(await store.undelivered(nowMs + 1, 10), [])
  },

  'a payment that waits for long is found at once where its events are not delivered': async (
    table,
  ) => {
    const store = openTestStore(table, fixed)
    await claimed(store, nowMs + 86_400_000)
    const late = await store.undelivered(nowMs + 1, 10)
    assert.deepEqual(
      late.map(({ paymentId }) => paymentId),
      ['pay_1'],
    )
  },

  'an item of events that cannot be read is named, and keeps nobody else from being published':
    async (table) => {
      const store = openTestStore(table, fixed)
      await claimed(store, nowMs)
      const other = paymentRow(initiated('pay_2'), nowMs)
      const first = write(putPayment(other, { absent: true }), record('pay_2', 1))
      assert.deepEqual(await store.commit(first), committed)
      await table.client.send(
        new UpdateItemCommand({
          TableName: table.table,
          Key: { pk: { S: 'p#pay_1' }, sk: { S: eventSortKey(1) } },
          UpdateExpression: 'SET j = :j',
          ExpressionAttributeValues: { ':j': { S: '[broken' } },
        }),
      )
      const found = await store.undelivered(nowMs + 1, 10)
      const late = found.toSorted((a, b) => (a.paymentId < b.paymentId ? -1 : 1))
      const told = late.map(({ paymentId, events, throughSeq, sinceMs, unreadable }) => [
        paymentId,
        events.length,
        throughSeq,
        sinceMs,
        unreadable === null,
      ])
      assert.deepEqual(told, [
        ['pay_1', 0, 0, nowMs, false],
        ['pay_2', 1, 1, nowMs, true],
      ])
    },

  'an index that lags shows nobody, and nothing is lost by that': async (table) => {
    let lags = true
    const client = faultyClient(table.client, () => (lags ? 'lagging_index' : null))
    const store = openTestStore({ ...table, client }, fixed)
    await claimed(store, nowMs)
    assert.deepEqual(await store.due(nowMs, 10), [])
    lags = false
    assert.deepEqual(await store.due(nowMs, 10), [{ paymentId: 'pay_1', run: 1 }])
  },

  'of more than a page of due payments the longest overdue come first': async (table) => {
    const store = openTestStore(table, { ...fixed, workShards: 1 })
    const ids = Array.from({ length: 70 }, (_, index) => `pay_${100 + index}`)
    // Claimed at once: all entries are of one time, and only their rows tell.
    for (const [index, id] of ids.entries()) {
      await store.commit(write(putPayment(paymentRow(initiated(id), 10), { absent: true })))
      const dueAtMs = 1_000 - index
      await store.commit(write(putPayment(paymentRow(initiated(id), dueAtMs), { version: 1 })))
    }
    const due = await store.due(1_000, 3)
    assert.deepEqual(
      due.map(({ paymentId }) => paymentId),
      ['pay_169', 'pay_168', 'pay_167'],
    )
  },

  'whatever two processes do, nobody is indexed too late': async (table) => {
    const act = fc.record({
      who: fc.constantFrom(0, 1),
      does: fc.constantFrom('commit', 'commit', 'put', 'sweep', 'mark', 'read'),
      dueInMs: fc.option(fc.constantFrom(0, 5_000, 200_000, 900_000)),
    })
    let payments = 0
    const property = fc.asyncProperty(fc.array(act, { maxLength: 14 }), async (acts) => {
      payments += 1
      const id = `pay_${payments}`
      const stores = [openTestStore(table, fixed), openTestStore(table, fixed)] as const
      for (const { who, does, dueInMs } of acts) {
        const store = stores[who === 0 ? 0 : 1]
        const head = await headOf(table, id)
        const dueAtMs = dueInMs === null ? null : nowMs + dueInMs
        const condition = head.v === null ? ({ absent: true } as const) : { version: head.v }
        const putNow = putPayment(paymentRow(initiated(id), dueAtMs), condition)
        if (does === 'commit') await store.commit(write(putNow, record(id, head.n + 1)))
        if (does === 'put') await store.commit(write(putNow))
        if (does === 'sweep') await store.due(nowMs + 1_000, 10)
        if (does === 'mark' && head.n > 0) await store.markDelivered(id, head.n)
        if (does === 'read') await store.read([{ table: 'payment', key: id }])
        const after = await headOf(table, id)
        if (after.d !== null) assert((after.t ?? Infinity) <= after.d, `late: ${does}`)
        if (after.n > after.m) assert((after.t ?? Infinity) <= nowMs + redeliverAfterMs, does)
      }
    })
    await fc.assert(property, { numRuns: 40 })
  },
}

if ((await dynamoServer()) === null) test('dynamodb: the work index', skipWithoutServer)
else {
  for (const [name, body] of Object.entries(tests)) {
    test(`dynamodb: ${name}`, async () => {
      const table = await makeTable()
      try {
        await body(table)
      } finally {
        await table.dispose()
      }
    })
  }
}
