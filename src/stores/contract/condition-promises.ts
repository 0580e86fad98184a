// What conditions let through and what they stop. Each table row is tried with every action that
// can carry the condition.
import assert from 'node:assert/strict'
import type { Action, Condition, Store, TableName } from '../../ports.ts'
import { budget, key, put, row, write } from './builders.ts'
import type { Promises } from './store-contract.ts'

const committed = { result: 'committed' }
const conflictOn = (table: TableName, rowKey: string) => ({
  result: 'conflict',
  rows: [{ table, key: rowKey }],
})

/** Every action on one budget row that can carry a condition. */
function budgetActions(condition: Condition): readonly Action[] {
  return [
    put('budget', 'b', budget(7), condition),
    { do: 'add', table: 'budget', key: 'b', left: -1, spent: 1, if: condition },
    { do: 'check', table: 'budget', key: 'b', if: condition },
    { do: 'delete', table: 'budget', key: 'b', if: condition },
  ]
}

async function expectOnEach(
  store: Store,
  actions: readonly Action[],
  expected: object,
  prepare: () => Promise<void>,
): Promise<void> {
  for (const action of actions) {
    await prepare()
    const result = await store.commit(write(action))
    assert.deepEqual(result, expected, JSON.stringify(action))
  }
}

const refusedBudgets: readonly [string, Condition][] = [
  ['more than is left', { leftAtLeast: 51, mandateVersion: 1 }],
  ['another mandate', { leftAtLeast: 1, mandateVersion: 2 }],
  ['an older mandate', { leftAtLeast: 1, mandateVersion: 0 }],
]

export const conditionPromises: Promises = {
  'the condition `absent` lets a put make a row, and stops it where there is one': async ({
    store,
  }) => {
    const claim = (paymentId: string) => write(put('key', 'k', key(paymentId), { absent: true }))
    assert.deepEqual(await store.commit(claim('pay_1')), committed)
    assert.deepEqual(await store.commit(claim('pay_2')), conflictOn('key', 'k'))
    assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [row(key('pay_1'), 1)])
  },

  'the condition `absent` lets a check and a delete pass only where there is no row': async ({
    store,
  }) => {
    const looks: readonly Action[] = [
      { do: 'check', table: 'key', key: 'k', if: { absent: true } },
      { do: 'delete', table: 'key', key: 'k', if: { absent: true } },
    ]
    const nothing = async () => {}
    await expectOnEach(store, looks, committed, nothing)
    await store.commit(write(put('key', 'k', key('pay_1'))))
    await expectOnEach(store, looks, conflictOn('key', 'k'), nothing)
    assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [row(key('pay_1'), 1)])
  },

  'the condition `version` holds for exactly that version, with every action': async ({
    store,
  }) => {
    const prepare = async () => {
      await store.commit(write({ do: 'delete', table: 'budget', key: 'b', if: null }))
      await store.commit(write(put('budget', 'b', budget(1))))
      await store.commit(write(put('budget', 'b', budget(2))))
    }
    await expectOnEach(store, budgetActions({ version: 2 }), committed, prepare)
    for (const version of [0, 1, 3]) {
      await expectOnEach(store, budgetActions({ version }), conflictOn('budget', 'b'), prepare)
    }
  },

  'the conditions `version`, `leftAtLeast` and `paymentIs` fail where there is no row': async ({
    store,
  }) => {
    const nothing = async () => {}
    const versioned = budgetActions({ version: 1 })
    await expectOnEach(store, versioned, conflictOn('budget', 'b'), nothing)
    await expectOnEach(store, budgetActions({ version: 0 }), conflictOn('budget', 'b'), nothing)
    const left = budgetActions({ leftAtLeast: 0, mandateVersion: 1 })
    await expectOnEach(store, left, conflictOn('budget', 'b'), nothing)
    const named: Action = { do: 'check', table: 'reference', key: 'r', if: { paymentIs: 'pay_1' } }
    await expectOnEach(store, [named], conflictOn('reference', 'r'), nothing)
  },

  'the condition `leftAtLeast` holds up to exactly what is left, under this mandate': async ({
    store,
  }) => {
    const prepare = async () => {
      await store.commit(write(put('budget', 'b', budget(50))))
    }
    const enough = budgetActions({ leftAtLeast: 50, mandateVersion: 1 })
    await expectOnEach(store, enough, committed, prepare)
    for (const [, condition] of refusedBudgets) {
      await expectOnEach(store, budgetActions(condition), conflictOn('budget', 'b'), prepare)
    }
  },

  'the condition `leftAtLeast` fails on a closed window, however much is left': async ({
    store,
  }) => {
    const prepare = async () => {
      await store.commit(write(put('budget', 'b', budget(50, { closed: true }))))
    }
    const actions = budgetActions({ leftAtLeast: 1, mandateVersion: 1 })
    await expectOnEach(store, actions, conflictOn('budget', 'b'), prepare)
  },

  'the condition `paymentIs` holds only while the row names that payment': async ({ store }) => {
    const actions = (paymentId: string): readonly Action[] => [
      put('reference', 'r', { paymentId: 'pay_2' }, { paymentIs: paymentId }),
      { do: 'check', table: 'reference', key: 'r', if: { paymentIs: paymentId } },
      { do: 'delete', table: 'reference', key: 'r', if: { paymentIs: paymentId } },
    ]
    const prepare = async () => {
      await store.commit(write(put('reference', 'r', { paymentId: 'pay_1' })))
    }
    await expectOnEach(store, actions('pay_1'), committed, prepare)
    await expectOnEach(store, actions('pay_9'), conflictOn('reference', 'r'), prepare)
  },

  'without a condition a put replaces, and a delete of no row is done': async ({ store }) => {
    await store.commit(write(put('key', 'k', key('pay_1'))))
    assert.deepEqual(await store.commit(write(put('key', 'k', key('pay_2')))), committed)
    assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [row(key('pay_2'), 2)])
    const gone = write({ do: 'delete', table: 'key', key: 'other', if: null })
    assert.deepEqual(await store.commit(gone), committed)
  },

  'an add never invents a budget: where there is none it is a conflict': async ({ store }) => {
    for (const condition of [null, { absent: true }] as const) {
      const add = write({ do: 'add', table: 'budget', key: 'b', left: 1, spent: 0, if: condition })
      assert.deepEqual(await store.commit(add), conflictOn('budget', 'b'))
    }
    assert.deepEqual(await store.read([{ table: 'budget', key: 'b' }]), [null])
  },
}
