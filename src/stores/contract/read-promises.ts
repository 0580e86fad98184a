// What reads answer: rows, events, lists in pages, due times, publishers and webhooks.
import assert from 'node:assert/strict'
import type { Payment, PaymentEvent } from '../../core/payment.ts'
import type { PaymentQuery, ScanQuery, Store } from '../../ports.ts'
import {
  alert,
  captured,
  declined,
  event,
  initiated,
  key,
  paymentRow,
  put,
  putPayment,
  record,
  row,
  webhook,
  write,
} from './builders.ts'
import type { Promises } from './store-contract.ts'

async function storePayments(store: Store, ...payments: Payment[]): Promise<void> {
  for (const payment of payments) await store.commit(write(putPayment(paymentRow(payment))))
}

/** The ids of a list, over all of its pages. */
async function listed(store: Store, query: Partial<PaymentQuery> = {}): Promise<string[]> {
  const ids: string[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Store['list']>> = await store.list({
      account: null,
      limit: 2,
      ...query,
      ...(cursor === null ? {} : { cursor }),
    })
    assert(page.rows.length <= (query.limit ?? 2))
    ids.push(...page.rows.map(({ value }) => value.payment.id))
    cursor = page.cursor
  } while (cursor !== null)
  return ids
}

const names = (events: readonly PaymentEvent[]) =>
  events.map(({ paymentId, seq }) => `${paymentId}/${seq}`)

export const readPromises: Promises = {
  'a scan gives pages of a table, last key first, by status where it is asked': async ({
    store,
  }) => {
    for (const [id, status] of [
      ['a1', 'firing'],
      ['a2', 'resolved'],
      ['a3', 'firing'],
      ['a4', 'firing'],
    ] as const) {
      await store.commit(write(put('alert', id, alert(status))))
    }
    const keys = async (query: Omit<ScanQuery<'alert'>, 'table'>) => {
      const page = await store.scan({ table: 'alert', ...query })
      return [page.rows.map(({ key: each }) => each).join(), page.cursor]
    }
    assert.deepEqual(await keys({ limit: 2 }), ['a4,a3', 'a3'])
    assert.deepEqual(await keys({ limit: 2, cursor: 'a3' }), ['a2,a1', null])
    assert.deepEqual(await keys({ limit: 2, status: 'firing' }), ['a4,a3', 'a3'])
    assert.deepEqual(await keys({ limit: 2, status: 'firing', cursor: 'a3' }), ['a1', null])
    await store.commit(write(put('alert', 'a4', alert('resolved'))))
    assert.deepEqual(await keys({ limit: 9, status: 'resolved' }), ['a4,a2', null])
    const { rows } = await store.scan({ table: 'alert', limit: 1 })
    assert.deepEqual(rows, [{ key: 'a4', ...row(alert('resolved'), 2) }])
    assert.deepEqual(await store.scan({ table: 'agent', limit: 1 }), { rows: [], cursor: null })
    await assert.rejects(store.scan({ table: 'agent', limit: 101 }))
  },

  'rows come in the order asked, with null where there is none': async ({ store }) => {
    await store.commit(
      write(put('key', 'k', key('pay_1')), put('reference', 'r', { paymentId: 'pay_1' })),
    )
    const keys = [
      { table: 'reference', key: 'r' },
      { table: 'key', key: 'missing' },
      { table: 'key', key: 'k' },
      { table: 'reference', key: 'k' },
    ] as const
    assert.deepEqual(await store.read(keys), [
      row({ paymentId: 'pay_1' }, 1),
      null,
      row(key('pay_1'), 1),
      null,
    ])
    assert.deepEqual(await store.read([]), [])
  },

  'a row comes back exactly as it was put': async ({ store }) => {
    const value = paymentRow(
      captured('pay_1', { holds: ['dead_letter'], reference: 'ß “quoted” ’n\\' }),
      7,
      3,
    )
    const hook = webhook('evt_1')
    await store.commit(write(putPayment(value), put('webhook', 'simulated/evt_1', hook)))
    const keys = [
      { table: 'payment', key: 'pay_1' },
      { table: 'webhook', key: 'simulated/evt_1' },
    ] as const
    assert.deepEqual(await store.read(keys), [row(value, 1), row(hook, 1)])
  },

  'keys are kept apart to the letter': async ({ store }) => {
    const keys = ['a', 'A', 'a ', 'ä', 'a\u0308', "a'b", 'a%', '一']
    for (const [index, each] of keys.entries()) {
      await store.commit(write(put('key', each, key(`pay_${index}`), { absent: true })))
    }
    const rows = await store.read(keys.map((each) => ({ table: 'key', key: each }) as const))
    assert.deepEqual(
      rows.map((each) => each?.value.paymentId),
      keys.map((_, index) => `pay_${index}`),
    )
  },

  'what a caller does to a value afterwards changes nothing in the store': async ({ store }) => {
    const paymentIds = ['pay_1']
    const asked = store.commit(write(put('look_alike', 'l', { paymentIds })))
    paymentIds.push('pay_2')
    await asked
    const [first] = await store.read([{ table: 'look_alike', key: 'l' }])
    assert.deepEqual(first?.value, { paymentIds: ['pay_1'] })
    paymentIds.push('pay_3')
    Object.assign(first?.value ?? {}, { paymentIds: [] })
    const [second] = await store.read([{ table: 'look_alike', key: 'l' }])
    assert.deepEqual(second?.value, { paymentIds: ['pay_1'] })
  },

  'a read takes 100 keys and no more': async ({ store }) => {
    const keys = Array.from(
      { length: 101 },
      (_, index) => ({ table: 'key', key: `k${index}` }) as const,
    )
    await assert.rejects(store.read(keys), /at most 100/)
    assert.equal((await store.read(keys.slice(0, 100))).length, 100)
  },

  'events come in order, after a number, up to a limit': async ({ store }) => {
    await store.commit(write(record('pay_1', 1, 2)))
    await store.commit(write(record('pay_2', 1)))
    await store.commit(write(record('pay_1', 3)))
    const all = [1, 2, 3].map((seq) => event('pay_1', seq))
    assert.deepEqual(await store.events('pay_1', 0, 10), all)
    assert.deepEqual(await store.events('pay_1', 1, 10), all.slice(1))
    assert.deepEqual(await store.events('pay_1', 0, 2), all.slice(0, 2))
    assert.deepEqual(await store.events('pay_1', 3, 10), [])
    assert.deepEqual(await store.events('pay_9', 0, 10), [])
  },

  'due payments come longest overdue first, the time itself included': async ({ store }) => {
    const dueAt: readonly [string, number | null][] = [
      ['pay_1', 300],
      ['pay_2', 100],
      ['pay_3', null],
      ['pay_4', 200],
      ['pay_5', 301],
    ]
    for (const [id, dueAtMs] of dueAt) {
      await store.commit(write(putPayment(paymentRow(initiated(id), dueAtMs, 4))))
    }
    const ids = async (limit: number) =>
      (await store.due(300, limit)).map(({ paymentId }) => paymentId)
    assert.deepEqual(await ids(10), ['pay_2', 'pay_4', 'pay_1'])
    assert.deepEqual(await ids(1), ['pay_2'])
    assert.deepEqual(await store.due(100, 10), [{ paymentId: 'pay_2', run: 4 }])
    assert.deepEqual(await store.due(99, 10), [])
  },

  'a payment that is put again is due as it says then, and only then': async ({ store }) => {
    await store.commit(write(putPayment(paymentRow(initiated('pay_1'), 100, 1))))
    await store.commit(write(putPayment(paymentRow(initiated('pay_1'), 200, 2), { version: 1 })))
    assert.deepEqual(await store.due(150, 10), [])
    assert.deepEqual(await store.due(250, 10), [{ paymentId: 'pay_1', run: 2 }])
    await store.commit(write(putPayment(paymentRow(captured('pay_1'), null, 2), { version: 2 })))
    assert.deepEqual(await store.due(250, 10), [])
  },

  'a list comes newest first and in pages': async ({ store }) => {
    const ids = ['pay_1', 'pay_2', 'pay_3', 'pay_4', 'pay_5']
    await storePayments(store, ...ids.map((id) => initiated(id)))
    const newestFirst = ids.toReversed()
    assert.deepEqual(await listed(store), newestFirst)
    assert.deepEqual(await listed(store, { limit: 5 }), newestFirst)
    assert.deepEqual(await listed(store, { limit: 100 }), newestFirst)
    assert.deepEqual((await store.list({ account: null, limit: 1 })).rows, [
      row(paymentRow(initiated('pay_5')), 1),
    ])
  },

  'a list can be narrowed by every field and all of them together': async ({ store }) => {
    await storePayments(
      store,
      initiated('pay_1', { account: 'acct_2' }),
      initiated('pay_2', { agent: 'agt_2' }),
      captured('pay_3'),
      initiated('pay_4', { reference: '  INV-4  b ' }),
      initiated('pay_5', { holds: ['approval_required', 'dead_letter'] }),
      declined('pay_6', {
        account: 'acct_2',
        agent: 'agt_2',
        reference: 'INV-4 B',
        holds: ['dead_letter'],
      }),
    )
    assert.deepEqual(await listed(store, { account: 'acct_2' }), ['pay_6', 'pay_1'])
    assert.deepEqual(await listed(store, { agent: 'agt_2' }), ['pay_6', 'pay_2'])
    assert.deepEqual(await listed(store, { state: 'captured' }), ['pay_3'])
    assert.deepEqual(await listed(store, { reference: 'inv-4 b' }), ['pay_6', 'pay_4'])
    assert.deepEqual(await listed(store, { hold: 'dead_letter' }), ['pay_6', 'pay_5'])
    assert.deepEqual(await listed(store, { hold: 'approval_required' }), ['pay_5'])
    assert.deepEqual(await listed(store, { hold: 'letter' }), [])
    const together = {
      account: 'acct_2',
      agent: 'agt_2',
      state: 'declined',
      reference: 'inv-4 b',
      hold: 'dead_letter',
    } as const
    assert.deepEqual(await listed(store, together), ['pay_6'])
    assert.deepEqual(await listed(store, { ...together, account: 'acct_1' }), [])
  },

  'a list follows a payment from state to state and hold to hold': async ({ store }) => {
    await storePayments(store, initiated('pay_1', { holds: ['dead_letter'] }), captured('pay_1'))
    assert.deepEqual(await listed(store, { state: 'initiated' }), [])
    assert.deepEqual(await listed(store, { hold: 'dead_letter' }), [])
    assert.deepEqual(await listed(store, { state: 'captured' }), ['pay_1'])
  },

  'a census counts every payment once by its state, and under each of its holds': async ({
    store,
  }) => {
    const counts = async () => {
      const { states, holds } = await store.census()
      return { states: Object.fromEntries(states), holds: Object.fromEntries(holds) }
    }
    assert.deepEqual(await counts(), { states: {}, holds: {} })
    await storePayments(
      store,
      initiated('pay_1', { holds: ['approval_required', 'possible_duplicate'] }),
      initiated('pay_2', { holds: ['approval_required'] }),
      initiated('pay_3'),
      captured('pay_4', { holds: ['dead_letter'] }),
    )
    const holds = { approval_required: 2, possible_duplicate: 1, dead_letter: 1 }
    assert.deepEqual(await counts(), { states: { initiated: 3, captured: 1 }, holds })
    await storePayments(store, captured('pay_1'))
    const left = { approval_required: 1, dead_letter: 1 }
    assert.deepEqual(await counts(), { states: { initiated: 2, captured: 2 }, holds: left })
  },

  'pages neither skip nor repeat while newer payments come in': async ({ store }) => {
    await storePayments(store, ...['pay_1', 'pay_2', 'pay_3', 'pay_4'].map((id) => initiated(id)))
    const first = await store.list({ account: 'acct_1', limit: 2 })
    assert.equal(first.cursor, 'pay_3')
    await storePayments(store, initiated('pay_5'), initiated('pay_6'))
    const second = await store.list({ account: 'acct_1', limit: 2, cursor: 'pay_3' })
    assert.deepEqual(
      second.rows.map(({ value }) => value.payment.id),
      ['pay_2', 'pay_1'],
    )
  },

  'a page has 1 to 100 payments': async ({ store }) => {
    for (const limit of [0, 101, 1.5, -1]) {
      await assert.rejects(store.list({ account: null, limit }), /limit|at most 100/)
    }
  },

  'each publisher sees every event from the first, until it acknowledges': async ({ store }) => {
    await store.commit(write(record('pay_1', 1, 2)))
    await store.commit(write(record('pay_2', 1)))
    const everything = ['pay_1/1', 'pay_1/2', 'pay_2/1']
    const { receipt } = await store.unpublished('webhook', 10)
    await store.acknowledge('webhook', receipt)
    assert.deepEqual((await store.unpublished('webhook', 10)).events, [])
    const ledger = await store.unpublished('ledger', 10)
    assert.deepEqual(names(ledger.events), everything)
    assert.deepEqual(names((await store.unpublished('ledger', 10)).events), everything)
    await store.commit(write(record('pay_1', 3)))
    assert.deepEqual(names((await store.unpublished('webhook', 10)).events), ['pay_1/3'])
  },

  'a receipt acknowledges its page and nothing that came after it': async ({ store }) => {
    await store.commit(write(record('pay_1', 1, 2, 3)))
    const page = await store.unpublished('webhook', 2)
    await store.commit(write(record('pay_2', 1)))
    await store.acknowledge('webhook', page.receipt)
    assert.deepEqual(names((await store.unpublished('webhook', 10)).events), ['pay_1/3', 'pay_2/1'])
  },

  'an old receipt takes nothing back': async ({ store }) => {
    await store.commit(write(record('pay_1', 1, 2, 3)))
    const old = await store.unpublished('webhook', 1)
    const newer = await store.unpublished('webhook', 3)
    await store.acknowledge('webhook', newer.receipt)
    await store.acknowledge('webhook', old.receipt)
    assert.deepEqual((await store.unpublished('webhook', 10)).events, [])
  },

  'the receipt of an empty page acknowledges nothing, and a made-up one is refused': async ({
    store,
  }) => {
    const empty = await store.unpublished('webhook', 10)
    await store.commit(write(record('pay_1', 1)))
    await store.acknowledge('webhook', empty.receipt)
    assert.deepEqual(names((await store.unpublished('webhook', 10)).events), ['pay_1/1'])
    await assert.rejects(store.acknowledge('webhook', 'made up'), /no such receipt/)
    await assert.rejects(store.acknowledge('webhook', '99'), /no such receipt/)
  },

  'a refused write leaves no hole and nothing to publish': async ({ store }) => {
    await store.commit(write(record('pay_1', 1)))
    const refused = write(record('pay_2', 1), put('key', 'k', key('pay_2'), { version: 1 }))
    assert.equal((await store.commit(refused)).result, 'conflict')
    await store.commit(write(record('pay_1', 2)))
    assert.deepEqual(names((await store.unpublished('webhook', 10)).events), ['pay_1/1', 'pay_1/2'])
  },

  'unmatched webhooks come oldest first, until they are matched': async ({ store }) => {
    const late = webhook('evt_1', { receivedAtMs: 30 })
    const early = webhook('evt_2', { receivedAtMs: 10 })
    const middle = webhook('evt_3', { receivedAtMs: 20 })
    for (const each of [late, early, middle]) {
      await store.commit(write(put('webhook', `simulated/${each.eventId}`, each)))
    }
    assert.deepEqual(await store.unmatchedWebhooks(10), [
      row(early, 1),
      row(middle, 1),
      row(late, 1),
    ])
    assert.deepEqual(await store.unmatchedWebhooks(1), [row(early, 1)])
    const matched = { ...early, paymentId: 'pay_1', observedAtMs: 40 }
    await store.commit(write(put('webhook', 'simulated/evt_2', matched, { version: 1 })))
    assert.deepEqual(await store.unmatchedWebhooks(10), [row(middle, 1), row(late, 1)])
  },

  'everything that was committed is there after closing and opening again': async (
    { store, reopen },
    context,
  ) => {
    if (reopen === undefined) return context.skip('this store ends with its process')
    await store.commit(
      write(
        putPayment(paymentRow(initiated('pay_1'), 5, 2)),
        record('pay_1', 1, 2),
        put('key', 'k', key('pay_1')),
      ),
    )
    await store.acknowledge('webhook', (await store.unpublished('webhook', 1)).receipt)
    const again = (await reopen()).store
    try {
      assert.deepEqual(await again.read([{ table: 'key', key: 'k' }]), [row(key('pay_1'), 1)])
      assert.deepEqual(await again.due(5, 1), [{ paymentId: 'pay_1', run: 2 }])
      assert.deepEqual(names((await again.unpublished('webhook', 10)).events), ['pay_1/2'])
      const twin = await again.commit(write(record('pay_1', 2)))
      assert.equal(twin.result, 'conflict')
    } finally {
      await again.close()
    }
  },
}
