// The bills of a file go out as pages; what a page leaves open is asked for bill by bill.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld, tokens } from '../../../test/http-world.ts'
import { createClient } from '../../client/index.ts'
import type { Bill } from '../bills/read-bills.ts'
import { countResults, payBills } from './pay-bills.ts'

const bills = (count: number): readonly Bill[] =>
  Array.from({ length: count }, (_, index) => ({
    line: index + 2,
    request: {
      amount: 100 + index,
      currency: 'EUR',
      payee: 'acme',
      reference: `INV-${index}`,
      batch: 'b',
    },
  }))

/** A driven service, and what it was asked. `lost`: so many answers to a batch never arrive. */
async function service(change: (path: string) => Response | null = () => null) {
  const { app, world } = await createHttpWorld({ driven: true })
  const asked = new Map<string, number>()
  const fetch = async (input: string, init: RequestInit): Promise<Response> => {
    const path = `${init.method} ${new URL(input).pathname.replace(/pay_\w+/, 'ID')}`
    asked.set(path, (asked.get(path) ?? 0) + 1)
    init.signal?.throwIfAborted()
    const answer = await app.fetch(new Request(input, init))
    return change(path) ?? answer
  }
  const client = createClient({
    url: 'http://service.test',
    token: tokens.agent,
    fetch: fetch as typeof globalThis.fetch,
  })
  return { client, asked, world }
}

const how = { concurrency: 16, waitMs: 20_000, onBill: () => undefined }
const open = () => new AbortController().signal

test('a page of bills is one request; run again, all are replays', async () => {
  const { client, asked, world } = await service()
  const paid = await payBills(client, bills(30), { ...how, signal: open() })
  assert.equal(countResults(paid).paid, 30)
  assert.deepEqual(
    paid.map(({ bill }) => bill.line),
    bills(30).map(({ line }) => line),
  )
  assert.equal(asked.get('POST /v1/payments/batch'), 1)
  assert.equal(asked.get('POST /v1/payments'), undefined)
  const again = await payBills(client, bills(30), { ...how, signal: open() })
  assert.ok(again.every(({ result, replayed }) => result === 'paid' && replayed))
  assert.equal(world.processor.charges.length, 30)
})

test('where the answer to the page is lost or there is no such route, each bill is paid once all the same', async () => {
  for (const status of [404, 403, 400]) {
    const { client, asked, world } = await service((path) =>
      path.endsWith('/batch') ? new Response('no such route', { status }) : null,
    )
    const paid = await payBills(client, bills(12), { ...how, signal: open() })
    assert.equal(countResults(paid).paid, 12)
    assert.equal(asked.get('POST /v1/payments'), 12)
    assert.equal(world.processor.charges.length, 12)
  }
})

test('who stops in the middle is told of no asked bill that it was not asked for', async () => {
  const stop = new AbortController()
  const { client } = await service((path) => {
    if (path.endsWith('/batch')) stop.abort()
    return null
  })
  const paid = await payBills(client, bills(20), { ...how, signal: stop.signal })
  assert.deepEqual(countResults(paid).not_asked, 0)
  assert.deepEqual(countResults(paid).refused, 0)
})
