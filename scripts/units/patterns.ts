// Each question that can be asked of the table, and each act besides those of a payment, once: on a table
// with a handful of payments, so that what depends on their number is of a handful.
import { closedBreaker } from '../../src/core/breaker.ts'
import { randomIds } from '../../src/engine/system.ts'
import type { Action } from '../../src/ports.ts'
import { deadLetter, put, webhook } from '../../src/stores/contract/builders.ts'
import type { DynamoStore } from '../../src/stores/dynamodb/store.ts'
import type { Counter } from './counting.ts'

export async function askEverything(store: DynamoStore, counter: Counter): Promise<void> {
  const ask = async (operation: string, act: () => Promise<unknown>) => {
    counter.operation = operation
    await act()
  }
  const commit = (...actions: Action[]) =>
    store.commit({ commitId: randomIds.next('cmt', Date.now()), actions })
  const nowMs = Date.now()
  const account = 'acct_office'
  const { rows } = await store.list({ account, limit: 1 })
  const paymentId = rows[0]?.value.payment.id ?? ''
  counter.counted.length = 0
  await ask('due: nobody', () => store.due(nowMs, 100))
  await ask('undelivered: nothing', () => store.undelivered(nowMs, 100))
  await ask('webhooks that nobody took up: none', () => store.unmatchedWebhooks(100))
  await ask('events of a payment', () => store.events(paymentId, 0, 100))
  await ask('list of an account, 20', () => store.list({ account, limit: 20 }))
  await ask('list of all, 20', () => store.list({ account: null, limit: 20 }))
  await ask('list by account and reference', () =>
    store.list({ account, reference: 'bill-0', limit: 20 }),
  )
  await ask('list by reference', () =>
    store.list({ account: null, reference: 'bill-0', limit: 20 }),
  )
  const row = webhook('evt_1', { receivedAtMs: nowMs })
  await ask('webhook: stored', () => commit(put('webhook', 'p/evt_1', row, { absent: true })))
  const taken = { ...row, observedAtMs: nowMs, matched: true }
  await ask('webhook: taken up', () => commit(put('webhook', 'p/evt_1', taken, { version: 1 })))
  await ask('slot of a call', () => commit(put('slot', 'p', { tatMs: nowMs }, { absent: true })))
  const letter = deadLetter(paymentId, 'open')
  await ask('dead letter', () => commit(put('dead_letter', paymentId, letter), stamp(nowMs)))
  await ask('scan of open dead letters', () =>
    store.scan({ table: 'dead_letter', status: 'open', limit: 20 }),
  )
  await ask('breaker, 16 copies', () =>
    commit(put('breaker', 'p', closedBreaker, { absent: true })),
  )
  const halted = { halted: true, by: 'op', reason: '', atMs: nowMs }
  await ask('switch, 16 copies, and its audit', () =>
    commit(put('control', 'all', halted, { absent: true }), stamp(nowMs)),
  )
  await ask('census, the whole table', () => store.census())
}

const stamp = (atMs: number): Action => {
  const value = { act: 'note', target: 'all', by: 'op', reason: '', atMs } as const
  return put('audit', randomIds.next('aud', atMs), value, { absent: true })
}
