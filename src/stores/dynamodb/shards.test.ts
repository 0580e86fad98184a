// Rows that are kept in several items: budgets in shards, switches and breakers in copies. And what only
// a real table can show: repetitions, faults under load, sizes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  BatchWriteItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import * as fc from 'fast-check'

import { closedBreaker } from '../../core/breaker.ts'
import type { Action, Store } from '../../ports.ts'
import { budget, deadLetter, key, put, record, row, write } from '../contract/builders.ts'
import { makeTable, openTestStore } from '../contract/dynamo-fixture.ts'
import type { TestTable } from '../contract/dynamo-fixture.ts'
import { faultyClient } from '../contract/dynamo-faults.ts'
import type { Fault } from '../contract/dynamo-faults.ts'
import { dynamoServer, skipWithoutServer } from '../contract/dynamo-server.ts'
import { openMemoryStore } from '../memory.ts'
import type { Client } from './client.ts'
import { pack } from './packed.ts'
import { shardOf } from './places.ts'

const add = (left: number, leftAtLeast: number | null): Action => ({
  do: 'add',
  table: 'budget',
  key: 'b',
  left,
  spent: 1,
  if: leftAtLeast === null ? null : { leftAtLeast, mandateVersion: 1 },
})

/** A commit id whose reservations begin at this shard. */
function idAtHome(shard: number, shards: number): string {
  for (let number = 0; ; number += 1) {
    const id = `cmt_home_${number}`
    if (shardOf(id, shards) === shard) return id
  }
}

/** Before its first transaction goes out, something else happens. */
function interrupted(table: TestTable, happens: () => Promise<unknown>): TestTable {
  let isFirst = true
  const send = async (command: Parameters<Client['send']>[0]) => {
    if (command instanceof TransactWriteItemsCommand && isFirst) {
      isFirst = false
      await happens()
    }
    return table.client.send(command)
  }
  // The client's `send` has an overload for each command; this passes all of them on.
  return { ...table, client: { send: send as Client['send'], destroy: () => undefined } }
}

const theBudget = async (store: Store) => (await store.read([{ table: 'budget', key: 'b' }]))[0]

/** Asked again until the answer is certain, as a caller may. */
async function commitForSure(store: Store, each: ReturnType<typeof write>) {
  for (let times = 0; times < 50; times += 1) {
    const result = await store.commit(each)
    if (result.result !== 'unknown') return result
  }
  return assert.fail('the answer stays unknown')
}

const tests: Record<string, (table: TestTable) => Promise<void>> = {
  'a claim borrows from several shards, and is refused only when the sum is too small': async (
    table,
  ) => {
    const store = openTestStore(table, { budgetShards: 4 })
    await store.commit(write(put('budget', 'b', budget(100))))
    const results: string[] = []
    for (const amount of [30, 30, 30, 30, 10]) {
      results.push((await store.commit(write(add(-amount, amount)))).result)
    }
    assert.deepEqual(results, ['committed', 'committed', 'committed', 'conflict', 'committed'])
    assert.deepEqual(await theBudget(store), row(budget(0, { spent: 4 }), 5))
  },

  'a shard below zero counts against the others': async (table) => {
    const store = openTestStore(table, { budgetShards: 2 })
    await store.commit(write(put('budget', 'b', budget(20))))
    await store.commit(write(add(-15, null)))
    assert.equal((await store.commit(write(add(-8, 8)))).result, 'conflict')
    assert.equal((await store.commit(write(add(-5, 5)))).result, 'committed')
    assert.equal((await theBudget(store))?.value.left, 0)
  },

  'what others take between the reading of the shards and the write is not taken twice': async (
    table,
  ) => {
    const other = openTestStore(table, { budgetShards: 3 })
    await other.commit(write(put('budget', 'b', budget(30))))
    // From the last shard: the claim that is under way begins with the first.
    const taken = { ...write(add(-10, 10)), commitId: idAtHome(2, 3) }
    const store = openTestStore(
      interrupted(table, () => other.commit(taken)),
      { budgetShards: 3 },
    )
    assert.equal((await store.commit(write(add(-25, 25)))).result, 'conflict')
    assert.equal((await theBudget(other))?.value.left, 20)
  },

  'a debt stays covered, whatever others take meanwhile': async (table) => {
    const other = openTestStore(table, { budgetShards: 2 })
    await other.commit(write(put('budget', 'b', budget(20))))
    await other.commit({ ...write(add(-15, null)), commitId: idAtHome(0, 2) })
    // Now -5 and 10: five may be taken, and whoever takes three of them leaves two.
    const taken = write(add(-3, 3))
    const store = openTestStore(
      interrupted(table, () => other.commit(taken)),
      { budgetShards: 2 },
    )
    assert.equal((await store.commit(write(add(-5, 5)))).result, 'conflict')
    assert.equal((await theBudget(other))?.value.left, 2)
  },

  'reservations at once, from shards and under faults, never take more than is left': async (
    table,
  ) => {
    const faults: readonly (Fault | null)[] = [
      'conflict',
      'lost',
      null,
      'throttled',
      'not_sent',
      null,
    ]
    let requests = 0
    const client = faultyClient(table.client, () => faults[(requests += 1) % 13] ?? null)
    const store = openTestStore({ ...table, client }, { budgetShards: 3 })
    await commitForSure(store, write(put('budget', 'b', budget(95))))
    const results = await Promise.all(
      Array.from({ length: 30 }, () => commitForSure(store, write(add(-10, 10)))),
    )
    assert.equal(results.filter(({ result }) => result === 'committed').length, 9)
    assert.deepEqual(await theBudget(store), row(budget(5, { spent: 9 }), 10))
  },

  'sharded budgets add up as one row does': async (table) => {
    const store = openTestStore(table, { budgetShards: 3 })
    const act = fc.record({
      by: fc.integer({ min: -6, max: 4 }),
      least: fc.option(fc.integer({ min: -2, max: 9 })),
      does: fc.constantFrom('add', 'add', 'add', 'put', 'check', 'delete'),
    })
    const property = fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
      const model = openMemoryStore()
      const start = write({ do: 'delete', table: 'budget', key: 'b', if: null })
      const first = write(put('budget', 'b', budget(12)))
      for (const each of [start, first]) {
        await store.commit(each)
        await model.commit(each)
      }
      for (const { by, least, does } of acts) {
        const condition = least === null ? null : { leftAtLeast: least, mandateVersion: 1 }
        const action: Action =
          does === 'add'
            ? add(by, least)
            : does === 'put'
              ? put('budget', 'b', budget(by), condition)
              : { do: does, table: 'budget', key: 'b', if: condition }
        const each = write(action, record('pay_1', ...nextSeqs()))
        assert.deepEqual(await store.commit(each), await model.commit(each))
        assert.deepEqual(await theBudget(store), await theBudget(model))
      }
    })
    let seq = 0
    const nextSeqs = () => [(seq += 1)]
    await fc.assert(property, { numRuns: 25 })
  },

  'a switch is written to all of its copies, and any of them is read': async (table) => {
    let which = 0
    const options = { copies: 4, random: () => which / 4 }
    const store = openTestStore(table, options)
    const halted = { halted: true, by: 'op', reason: '', atMs: 1 }
    await store.commit(write(put('control', 'all', halted, { absent: true })))
    await store.commit(write(put('breaker', 'p', closedBreaker, { absent: true })))
    for (which = 0; which < 4; which += 1) {
      const [control, breaker] = await store.read([
        { table: 'control', key: 'all' },
        { table: 'breaker', key: 'p' },
      ])
      assert.deepEqual([control, breaker], [row(halted, 1), row(closedBreaker, 1)])
    }
    which = 0
    const late = await store.commit(write(put('control', 'all', halted, { version: 2 })))
    assert.deepEqual(late, { result: 'conflict', rows: [{ table: 'control', key: 'all' }] })
  },

  'a write is known by its rows when its token is long forgotten': async (table) => {
    const once = write(
      put('key', 'k', key('pay_1'), { absent: true }),
      { do: 'append', table: 'look_alike', key: 'l', paymentId: 'pay_1', if: null },
      record('pay_1', 1),
    )
    // Tokens are of one call: each of these is to the table what a repetition after an hour is.
    for (let time = 0; time < 3; time += 1) {
      assert.deepEqual(await openTestStore(table).commit(once), { result: 'committed' })
    }
    const [alike] = await openTestStore(table).read([{ table: 'look_alike', key: 'l' }])
    assert.deepEqual(alike, row({ paymentIds: ['pay_1'] }, 1))
  },

  'a lost answer is found out within the same commit': async (table) => {
    for (const fault of ['lost', 'not_sent', 'in_progress', 'server_error'] as const) {
      let requests = 0
      const client = faultyClient(table.client, () => ((requests += 1) <= 2 ? fault : null))
      const store = openTestStore({ ...table, client })
      const name = `l-${fault}`
      const appended: Action = {
        do: 'append',
        table: 'look_alike',
        key: name,
        paymentId: 'pay_1',
        if: null,
      }
      assert.deepEqual(await store.commit(write(appended)), { result: 'committed' })
      const [alike] = await openTestStore(table).read([{ table: 'look_alike', key: name }])
      assert.deepEqual(alike, row({ paymentIds: ['pay_1'] }, 1), fault)
    }
  },

  'a page asks no more of the index than it needs': async (table) => {
    let questions = 0
    const client = faultyClient(table.client, (request) => {
      if (request instanceof QueryCommand) questions += 1
      return null
    })
    const store = openTestStore({ ...table, client })
    for (let number = 10; number < 40; number += 1) {
      const value = { id: `a${number}`, account: 'x', name: '', suspended: false, mandate: null }
      await store.commit(write(put('agent', value.id, value)))
    }
    const page = await store.scan({ table: 'agent', limit: 2 })
    assert.deepEqual([page.rows.map((each) => each.key).join(), page.cursor], ['a39,a38', 'a38'])
    assert.equal(questions, 1)
  },

  'one page looks at a bounded number of rows, and goes on by its cursor': async (table) => {
    const store = openTestStore(table)
    // Their entries say open, and they are not: an index that lags, or a filter that few pass.
    const stale = { ...deadLetter('pay_1', 'resolved') }
    for (let from = 1_000; from < 2_050; from += 25) {
      const items = Array.from({ length: 25 }, (_, index) => ({
        pk: { S: `x#pay_${from + index}` },
        sk: { S: '-' },
        v: { N: '1' },
        c: { S: 'cmt_1' },
        j: { S: pack(stale) },
        a: { S: 'dead_letter#open' },
      }))
      const puts = items.map((Item) => ({ PutRequest: { Item } }))
      await table.client.send(new BatchWriteItemCommand({ RequestItems: { [table.table]: puts } }))
    }
    const asked = { table: 'dead_letter', status: 'open', limit: 100 } as const
    const first = await store.scan(asked)
    assert.deepEqual(first.rows, [])
    assert.match(first.cursor ?? '', /^pay_10\d\d$/)
    const rest = await store.scan({ ...asked, cursor: first.cursor ?? '' })
    assert.deepEqual(rest, { rows: [], cursor: null })
  },
}

if ((await dynamoServer()) === null) test('dynamodb: rows in several items', skipWithoutServer)
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
