import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createClient, keyFor } from './index.ts'
import type { PaymentRequest } from './index.ts'

const bill: PaymentRequest = { amount: 1999, currency: 'EUR', payee: 'acme', reference: 'INV-1' }

const advice = {
  money_moved: 'no',
  next_action: { type: 'none', after: null, url: null },
  new_key_allowed: false,
}

type Reply = Response | Error

/** A client whose every try gets the next reply; the last one repeats. */
function clientOf(replies: readonly Reply[], deadlineMs = 2_000) {
  const sent: { url: string; key: string | null; body: string | null }[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const key = new Headers(init?.headers).get('idempotency-key')
    sent.push({
      url: input instanceof Request ? input.url : String(input),
      key,
      body: typeof init?.body === 'string' ? init.body : null,
    })
    const reply = replies[Math.min(sent.length, replies.length) - 1]
    if (reply instanceof Response) return reply.clone()
    throw reply ?? new Error('no reply')
  }
  return {
    client: createClient({ url: 'http://service.test/', token: 't', deadlineMs, fetch }),
    sent,
  }
}

const json = (status: number, body: object, headers: Record<string, string> = {}): Response =>
  Response.json(body, { status, headers })
const accepted = json(202, { id: 'pay_1', state: 'initiated', ...advice })
const again = (after: number): Response =>
  json(503, {
    code: 'retry_same_key',
    status: 503,
    ...advice,
    next_action: { type: 'retry_same_key', after, url: null },
  })

test('after dropped connections, gateway pages, 5xx and 429 the same bytes go out under the same key', async () => {
  const gateway = new Response('<html>504</html>', { status: 504 })
  const empty = new Response(null, { status: 500 })
  const limited = json(
    429,
    { code: 'rate_limited', status: 429, ...advice },
    { 'retry-after': '0' },
  )
  const broken = new Response('{"id":', { status: 202 })
  const { client, sent } = clientOf(
    [new TypeError('fetch failed'), gateway, empty, limited, broken, again(0), accepted],
    // The pauses between come to 2.3 s at most.
    10_000,
  )
  const paid = await client.pay(bill)
  assert.ok(paid.ok)
  assert.equal(sent.length, 7)
  assert.equal(new Set(sent.map(({ key }) => key)).size, 1)
  assert.equal(new Set(sent.map(({ body }) => body)).size, 1)
  assert.equal(sent[0]?.url, 'http://service.test/v1/payments')
})

test('a refusal is returned at once, as data', async () => {
  const refusal = { code: 'duplicate_reference', status: 409, detail: 'It is pay_9.', ...advice }
  const { client, sent } = clientOf([
    json(409, { ...refusal, existing_payment: { id: 'pay_9', state: 'captured' } }),
  ])
  const asked = await client.pay(bill)
  assert.equal(sent.length, 1)
  assert.equal(asked.ok ? '' : asked.problem.existing_payment?.id, 'pay_9')
})

test('when the time is up, what is not known is told as not known', async () => {
  const { client } = clientOf(
    [new TypeError('fetch failed', { cause: new Error('connect ECONNREFUSED') })],
    250,
  )
  const asked = await client.pay(bill)
  assert.ok(!asked.ok)
  assert.equal(asked.problem.code, 'no_answer')
  assert.equal(asked.problem.money_moved, 'unknown')
  assert.equal(asked.problem.next_action.type, 'retry_same_key')
  assert.match(asked.problem.detail, /ECONNREFUSED/)
})

test('it comes back when it was told to, and not at all where that is too late', async () => {
  const early = clientOf([again(1), accepted])
  const startedMs = performance.now()
  assert.ok((await early.client.pay(bill)).ok)
  assert.ok(performance.now() - startedMs >= 990)
  const late = clientOf([again(60), accepted])
  const asked = await late.client.pay(bill)
  assert.equal(asked.ok ? '' : asked.problem.code, 'retry_same_key')
  assert.equal(late.sent.length, 1)
})

test('a page that is not the service’s own 4xx is no refusal that anybody should act on', async () => {
  const { client } = clientOf([new Response('not here', { status: 404 })])
  const asked = await client.get('pay_1')
  assert.equal(asked.ok ? '' : asked.problem.code, 'unreadable_answer')
  assert.equal(asked.ok ? '' : asked.problem.next_action.type, 'ask_human')
})

test('the key follows from the bill: the same for the same, another for another', async () => {
  const subject = { operation: 'pay', payee: 'acme / co', reference: 'INV-1' } as const
  assert.equal(await keyFor(subject), 'pay//acme%20%2F%20co/INV-1/')
  assert.equal(
    await keyFor({ ...subject, account: 'eu', retryOf: 'pay_1' }),
    'pay/eu/acme%20%2F%20co/INV-1/pay_1',
  )
  const long = await keyFor({ ...subject, reference: 'x'.repeat(300) })
  assert.match(long, /^pay\/[0-9a-f]{64}$/)
  assert.notEqual(long, await keyFor({ ...subject, reference: 'x'.repeat(301) }))
  const parts = [
    { payee: 'a', reference: 'b/c' },
    { payee: 'a/b', reference: 'c' },
  ]
  const keys = await Promise.all(parts.map((part) => keyFor({ operation: 'pay', ...part })))
  assert.equal(new Set(keys).size, 2)
})

test('what is still waited for when the time is up is told as it was seen last', async () => {
  const asked: (string | null)[] = []
  const waiting = { id: 'pay_1', ...advice, next_action: { type: 'wait', after: 1, url: null } }
  // As the service does: it answers when there is news, or after the seconds that it was asked for.
  const fetch: typeof globalThis.fetch = async (_, init) => {
    const prefer = new Headers(init?.headers).get('prefer')
    asked.push(prefer)
    const seconds = Number(/^wait=(\d+)$/.exec(prefer ?? '')?.[1] ?? 0)
    await new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, seconds * 1000)
      init?.signal?.addEventListener('abort', () => {
        clearTimeout(timer)
        reject(new Error('cut off'))
      })
    })
    return Response.json(waiting)
  }
  const client = createClient({ url: 'http://service.test', token: 't', fetch })
  const waited = await client.wait('pay_1', { deadlineMs: 2_300 })
  assert.ok(waited.ok, JSON.stringify(waited))
  assert.equal(waited.payment.next_action.type, 'wait')
  assert.equal(asked[0], 'wait=1')
  const paid = await client.pay(bill, { deadlineMs: 2_300, waitSeconds: 25 })
  assert.ok(paid.ok, 'the answer of a request comes before its deadline')
})

test('a service that goes away while it is waited for leaves what was seen last', async () => {
  const waiting = json(200, {
    id: 'pay_1',
    ...advice,
    next_action: { type: 'wait', after: 1, url: null },
  })
  const { client } = clientOf([waiting, new TypeError('fetch failed')], 600)
  const waited = await client.wait('pay_1')
  assert.equal(waited.ok ? waited.payment.id : waited.problem.code, 'pay_1')
})

test('wait asks again until there is nothing to wait for', async () => {
  const waiting = json(200, {
    id: 'pay_1',
    ...advice,
    next_action: { type: 'wait', after: 1, url: null },
  })
  const { client, sent } = clientOf([waiting, waiting, accepted])
  const waited = await client.wait('pay_1')
  assert.ok(waited.ok && waited.payment.next_action.type === 'none')
  assert.equal(sent.length, 3)
})
