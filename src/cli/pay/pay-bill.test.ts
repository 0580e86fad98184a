import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createClient } from '../../client/index.ts'
import { payBill } from './pay-bill.ts'

const bill = { amount: 500, currency: 'EUR', payee: 'acme', reference: 'INV-1' }

/** A service that is well and takes longer than anybody waits. */
function busyService() {
  const prefers: (string | null)[] = []
  const fetch: typeof globalThis.fetch = (_input, init) => {
    prefers.push(new Headers(init?.headers).get('prefer'))
    return new Promise((_resolve, reject) => {
      init?.signal?.addEventListener('abort', () => reject(init.signal?.reason))
    })
  }
  return { client: createClient({ url: 'http://service.test', token: 't', fetch }), prefers }
}

test('the service is asked to answer two seconds before the wait is over', async () => {
  for (const [waitMs, prefer] of [
    [1_000, null],
    [2_000, null],
    [10_000, 'wait=8'],
    [25_000, 'wait=23'],
    [120_000, 'wait=25'],
  ] as const) {
    const { client, prefers } = busyService()
    const stop = new AbortController()
    const paying = payBill(client, bill, { waitMs, signal: stop.signal })
    await new Promise((resolve) => setTimeout(resolve, 20))
    stop.abort()
    await paying
    assert.equal(prefers[0], prefer, `${waitMs} ms`)
  }
})

test('a bill that is not finished in time is unknown, and says that the time was up', async () => {
  const { client } = busyService()
  const { signal } = new AbortController()
  const { result, why } = await payBill(client, bill, { waitMs: 100, signal })
  assert.equal(result, 'unknown')
  assert.match(why, /^not finished within 0\.1 s: .*no answer in time/)
})
