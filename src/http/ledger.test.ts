// The books over HTTP, kept from the payments of a whole world.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'
import { relay } from '../engine/relay.ts'
import { openLedger } from '../publishers/ledger/ledger.ts'
import type { BalanceJson, JournalJson } from './ledger.ts'

const as = 'operator'

interface List<Item> {
  readonly data: readonly Item[]
  readonly cursor: string | null
}

async function withBooks(): Promise<HttpWorld & { readonly keep: () => Promise<void> }> {
  const readEvents = (id: string, afterSeq: number, limit: number) =>
    made.engine.store.events(id, afterSeq, limit)
  const books = openLedger({ file: ':memory:', readEvents, newId: () => 'one' })
  const made = await createHttpWorld({ service: { ledger: books.ledger } })
  return {
    ...made,
    keep: async () => void (await relay(made.engine, books.publisher, 500)),
  }
}

test('what was captured is owed by the processor, and of each currency it adds up', async () => {
  const { ask, pay, toRest, keep } = await withBooks()
  for (const currency of ['EUR', 'JPY']) {
    await toRest((await pay({ currency, reference: `INV-${currency}` })).id)
  }
  await keep()
  const { body } = await ask<List<BalanceJson>>('GET', '/v1/ledger/trial-balance', { as })
  for (const currency of ['EUR', 'JPY']) {
    const own = body.data.filter((each) => each.currency === currency)
    const [debits, credits] = (['debit', 'credit'] as const).map((side) =>
      own.reduce((sum, each) => sum + each[side], 0),
    )
    assert.equal(debits, credits)
    assert((debits ?? 0) >= 1999)
    assert(own.some(({ account }) => account === 'account:account_1'))
  }
})

test('journals are found by payment and account, and go on after a page', async () => {
  const { ask, pay, toRest, keep } = await withBooks()
  const first = await pay({ reference: 'INV-A' })
  const second = await pay({ reference: 'INV-B', payee: 'OTHER' })
  for (const { id } of [first, second]) await toRest(id)
  await keep()
  const read = async (query: string) =>
    (await ask<List<JournalJson>>('GET', `/v1/ledger/journals${query}`, { as })).body
  const own = await read(`?payment=${first.id}&order=oldest`)
  assert.equal(own.data[0]?.kind, 'capture')
  assert(own.data.every((each) => each.payment_id === first.id))
  const page = await read('?limit=1&account=account:account_1')
  assert.equal(page.data[0]?.payment_id, second.id)
  const rest = await read(`?limit=1&account=account:account_1&cursor=${page.cursor}`)
  assert.equal(rest.data[0]?.payment_id, first.id)
})

test('a question that cannot be meant is refused, and agents have no access', async () => {
  const { ask } = await withBooks()
  for (const query of ['?account=acme', '?payment=1', '?order=up', '?cursor=x', '?limit=0']) {
    const refused = await ask('GET', `/v1/ledger/journals${query}`, { as })
    assert.equal(refused.status, 400, query)
  }
  for (const path of ['trial-balance', 'journals']) {
    assert.equal((await ask('GET', `/v1/ledger/${path}`, { as: 'agent' })).status, 403)
  }
})

test('a service without books says so', async () => {
  const { ask } = await createHttpWorld()
  for (const path of ['trial-balance', 'journals']) {
    const { status, body } = await ask('GET', `/v1/ledger/${path}`, { as })
    assert.deepEqual([status, body.detail], [404, 'This service keeps no ledger.'])
  }
})
