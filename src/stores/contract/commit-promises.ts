// What a commit does: all or nothing, versions, own commit ids, records, and what it refuses.
import assert from 'node:assert/strict'
import type { Action, Store } from '../../ports.ts'
import {
  budget,
  event,
  initiated,
  key,
  paymentRow,
  put,
  putPayment,
  record,
  row,
  write,
} from './builders.ts'
import type { Promises } from './store-contract.ts'

const committed = { result: 'committed' }

const append = (rowKey: string, paymentId: string): Action => ({
  do: 'append',
  table: 'look_alike',
  key: rowKey,
  paymentId,
  if: null,
})

const add = (left: number, spent: number, leftAtLeast?: number): Action => ({
  do: 'add',
  table: 'budget',
  key: 'b',
  left,
  spent,
  if: leftAtLeast === undefined ? null : { leftAtLeast, mandateVersion: 1 },
})

async function isRefused(store: Store, actions: readonly Action[], because: RegExp): Promise<void> {
  await assert.rejects(store.commit({ commitId: 'cmt_bug', actions }), because)
}

export const commitPromises: Promises = {
  'every action on a row makes its version one more, a check does not': async ({ store }) => {
    const version = async () => (await store.read([{ table: 'budget', key: 'b' }]))[0]?.version
    await store.commit(write(put('budget', 'b', budget(100), { absent: true })))
    assert.equal(await version(), 1)
    await store.commit(write(add(-10, 10)))
    assert.equal(await version(), 2)
    await store.commit(write({ do: 'check', table: 'budget', key: 'b', if: { version: 2 } }))
    assert.equal(await version(), 2)
    await store.commit(write(put('budget', 'b', budget(1), { version: 2 })))
    assert.equal(await version(), 3)
    await store.commit(write({ do: 'delete', table: 'budget', key: 'b', if: { version: 3 } }))
    assert.equal(await version(), undefined)
    await store.commit(write(put('budget', 'b', budget(1))))
    assert.equal(await version(), 1)
  },

  'one failing condition keeps every action from happening, and every failing row is named':
    async ({ store }) => {
      await store.commit(
        write(put('key', 'k', key('pay_0')), put('reference', 'r', { paymentId: 'pay_0' })),
      )
      const result = await store.commit(
        write(
          putPayment(paymentRow(initiated('pay_1')), { absent: true }),
          put('key', 'k', key('pay_1'), { absent: true }),
          record('pay_1', 1),
          put('reference', 'r', { paymentId: 'pay_1' }, { paymentIs: 'pay_9' }),
          append('l', 'pay_1'),
        ),
      )
      assert.deepEqual(result, {
        result: 'conflict',
        rows: [
          { table: 'key', key: 'k' },
          { table: 'reference', key: 'r' },
        ],
      })
      const keys = [
        { table: 'payment', key: 'pay_1' },
        { table: 'look_alike', key: 'l' },
        { table: 'reference', key: 'r' },
      ] as const
      assert.deepEqual(await store.read(keys), [null, null, row({ paymentId: 'pay_0' }, 1)])
      assert.deepEqual(await store.events('pay_1', 0, 10), [])
    },

  'of many claims of one key at once exactly one is committed': async ({ store }) => {
    const results = await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        store.commit(
          write(put('key', 'k', key(`pay_${index}`), { absent: true }), record(`pay_${index}`, 1)),
        ),
      ),
    )
    const winners = results.flatMap(({ result }, index) => (result === 'committed' ? [index] : []))
    assert.equal(winners.length, 1)
    assert.equal(results.filter(({ result }) => result === 'conflict').length, 99)
    assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [
      row(key(`pay_${winners[0]}`), 1),
    ])
  },

  'many reservations at once never take more than is left': async ({ store }) => {
    await store.commit(write(put('budget', 'b', budget(95))))
    const results = await Promise.all(
      Array.from({ length: 30 }, () => store.commit(write(add(-10, 0, 10)))),
    )
    assert.equal(results.filter(({ result }) => result === 'committed').length, 9)
    assert.deepEqual(await store.read([{ table: 'budget', key: 'b' }]), [row(budget(5), 10)])
  },

  'an add without a condition counts every time, also below zero': async ({ store }) => {
    await store.commit(write(put('budget', 'b', budget(5))))
    await Promise.all([store.commit(write(add(-10, 10))), store.commit(write(add(-1, 0)))])
    const after = budget(-6, { spent: 10 })
    assert.deepEqual(await store.read([{ table: 'budget', key: 'b' }]), [row(after, 3)])
  },

  'an append makes the row, and of two at once both stay': async ({ store }) => {
    await Promise.all(['pay_1', 'pay_2'].map((id) => store.commit(write(append('l', id)))))
    const [both] = await store.read([{ table: 'look_alike', key: 'l' }])
    assert.deepEqual(both?.value.paymentIds.toSorted(), ['pay_1', 'pay_2'])
    assert.equal(both?.version, 2)
  },

  'an append makes a put that read the row before it a conflict': async ({ store }) => {
    await store.commit(write(put('look_alike', 'l', { paymentIds: ['pay_1'] })))
    await store.commit(write(append('l', 'pay_2')))
    const late = write(put('look_alike', 'l', { paymentIds: ['pay_3'] }, { version: 1 }))
    assert.equal((await store.commit(late)).result, 'conflict')
    const [kept] = await store.read([{ table: 'look_alike', key: 'l' }])
    assert.deepEqual(kept?.value.paymentIds, ['pay_1', 'pay_2'])
  },

  'an append goes on after twenty payments': async ({ store }) => {
    const ids = Array.from({ length: 30 }, (_, index) => `pay_${index}`)
    for (const id of ids) await store.commit(write(append('l', id)))
    assert.deepEqual(await store.read([{ table: 'look_alike', key: 'l' }]), [
      row({ paymentIds: ids }, 30),
    ])
  },

  'a record is a conflict where one of its events exists, and names it': async ({ store }) => {
    assert.deepEqual(await store.commit(write(record('pay_1', 1, 2))), committed)
    const result = await store.commit(write(record('pay_1', 2, 3), put('key', 'k', key('pay_1'))))
    assert.deepEqual(result, { result: 'conflict', rows: [{ table: 'event', key: 'pay_1/2' }] })
    assert.deepEqual(await store.events('pay_1', 0, 10), [event('pay_1', 1), event('pay_1', 2)])
    assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [null])
  },

  'the same write again is committed and changes nothing': async ({ store }) => {
    await store.commit(write(put('budget', 'b', budget(50))))
    const once = write(
      put('key', 'k', key('pay_1'), { absent: true }),
      add(-10, 10, 10),
      append('l', 'pay_1'),
      put('reference', 'r', { paymentId: 'pay_1' }),
    )
    for (let time = 0; time < 3; time += 1) assert.deepEqual(await store.commit(once), committed)
    const keys = [
      { table: 'budget', key: 'b' },
      { table: 'look_alike', key: 'l' },
      { table: 'reference', key: 'r' },
    ] as const
    assert.deepEqual(await store.read(keys), [
      row(budget(40, { spent: 10 }), 2),
      row({ paymentIds: ['pay_1'] }, 1),
      row({ paymentId: 'pay_1' }, 1),
    ])
  },

  'the same write again without any condition acts once': async ({ store }) => {
    await store.commit(write(put('budget', 'b', budget(50))))
    for (const action of [add(-10, 0), append('l', 'pay_1'), put('key', 'k', key('pay_1'))]) {
      const once = write(action)
      assert.deepEqual(await store.commit(once), committed)
      assert.deepEqual(await store.commit(once), committed)
    }
    const keys = [
      { table: 'budget', key: 'b' },
      { table: 'look_alike', key: 'l' },
      { table: 'key', key: 'k' },
    ] as const
    const versions = (await store.read(keys)).map((each) => each?.version)
    assert.deepEqual(versions, [2, 1, 1])
  },

  'a write is known by its events also after others have changed its rows': async ({ store }) => {
    const first = write(
      putPayment(paymentRow(initiated('pay_1')), { absent: true }),
      record('pay_1', 1),
    )
    await store.commit(first)
    await store.commit(write(putPayment(paymentRow(initiated('pay_1'), 5), { version: 1 })))
    assert.deepEqual(await store.commit(first), committed)
    const twin = { ...first, commitId: 'cmt_twin' }
    assert.deepEqual(await store.commit(twin), {
      result: 'conflict',
      rows: [
        { table: 'payment', key: 'pay_1' },
        { table: 'event', key: 'pay_1/1' },
      ],
    })
  },

  'the same write twice at once is committed twice and acts once': async ({ store }) => {
    const once = write(append('l', 'pay_1'), record('pay_1', 1))
    const results = await Promise.all([store.commit(once), store.commit(once)])
    assert.deepEqual(results, [committed, committed])
    assert.deepEqual(await store.read([{ table: 'look_alike', key: 'l' }]), [
      row({ paymentIds: ['pay_1'] }, 1),
    ])
  },

  'a write takes 25 actions and no more': async ({ store }) => {
    const puts = Array.from({ length: 26 }, (_, index) => put('key', `k${index}`, key('pay_1')))
    await isRefused(store, puts, /at most 25/)
    assert.deepEqual(await store.commit(write(...puts.slice(0, 25))), committed)
  },

  'two actions on one row are refused as a bug': async ({ store }) => {
    const check: Action = { do: 'check', table: 'key', key: 'k', if: { absent: true } }
    await isRefused(store, [put('key', 'k', key('pay_1')), check], /two actions on one row: key k/)
    await isRefused(store, [record('pay_1', 1), record('pay_1', 2)], /two actions on one row/)
    assert.deepEqual(await store.read([{ table: 'key', key: 'k' }]), [null])
    // The same key in another table is another row.
    const apart = write(
      put('key', 'k', key('pay_1')),
      put('reference', 'k', { paymentId: 'pay_1' }),
    )
    assert.deepEqual(await store.commit(apart), committed)
  },

  'a record with a gap, of another payment or of nothing is refused as a bug': async ({
    store,
  }) => {
    await isRefused(store, [record('pay_1', 1, 3)], /consecutive/)
    await isRefused(store, [record('pay_1')], /holds events/)
    await isRefused(store, [record('pay_1', 0)], /numbered from 1/)
    const foreign: Action = { do: 'record', paymentId: 'pay_1', events: [event('pay_2', 1)] }
    await isRefused(store, [foreign], /of one payment/)
  },

  'a write without actions, and a payment under another id, are refused as bugs': async ({
    store,
  }) => {
    await isRefused(store, [], /needs an action/)
    const strayed = put('payment', 'pay_2', paymentRow(initiated('pay_1')))
    await isRefused(store, [strayed], /under its own id/)
  },

  'a key that text cannot carry, and a time that is no whole number, are refused as bugs': async ({
    store,
  }) => {
    for (const name of ['', 'half a pair: \ud83d']) {
      await isRefused(store, [put('key', name, key('pay_1'))], /well-formed/)
    }
    for (const dueAtMs of [1.5, NaN, Infinity]) {
      const due = putPayment(paymentRow(initiated('pay_1'), dueAtMs))
      await isRefused(store, [due], /dueAtMs is an integer/)
    }
  },

  'a condition that another table would answer is refused as a bug': async ({ store }) => {
    const left = { leftAtLeast: 1, mandateVersion: 1 }
    await isRefused(store, [put('key', 'k', key('pay_1'), left)], /nothing left/)
    await isRefused(
      store,
      [put('key', 'k', key('pay_1'), { paymentIs: 'pay_1' })],
      /names no payment/,
    )
  },

  'after closing, a commit is unknown and a read rejects': async ({ store }) => {
    await store.close()
    const late = await store.commit(write(put('key', 'k', key('pay_1'))))
    assert.deepEqual(late, { result: 'unknown', why: 'the store is closed' })
    await assert.rejects(store.read([{ table: 'key', key: 'k' }]), /closed/)
    await assert.rejects(store.acknowledge('webhook', '0'), /closed/)
  },

  'closing waits for what was asked before it': async ({ store }) => {
    const asked = store.commit(write(put('key', 'k', key('pay_1'))))
    await store.close()
    assert.deepEqual(await asked, committed)
  },
}
