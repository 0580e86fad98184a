// The door itself: who may come in, what is not there, what is said when something breaks.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld, tokens } from '../../test/http-world.ts'
import { routes } from './routes.ts'
import type { ProblemJson } from './wire.ts'

const concrete = (path: string): string => path.replace(/\{\w+\}/, `pay_${'0'.repeat(26)}`)

test('nobody comes in without a token that is somebody’s', async () => {
  const { ask, commits } = await createHttpWorld()
  const before = commits()
  for (const authorization of [
    null,
    'Bearer',
    'Bearer nobody',
    'Basic YTpi',
    `Token ${tokens.agent}`,
    `Bearer ${'x'.repeat(600)}`,
  ]) {
    for (const { method, path, access } of routes) {
      if (access === 'anyone') continue
      const headers = authorization === null ? {} : { authorization }
      const body = method === 'POST' ? bill : undefined
      const reply = await ask(method, concrete(path), { as: null, key: 'k', body, headers })
      assert.deepEqual([reply.status, reply.body.code], [401, 'unauthenticated'], path)
      assert.equal(reply.headers.get('www-authenticate'), 'Bearer realm="quittance"')
    }
  }
  assert.equal(commits(), before)
})

test('the body is not read before the caller is known', async () => {
  const { app } = await createHttpWorld()
  let pulled = 0
  const body = new ReadableStream(
    {
      pull(controller) {
        pulled += 1
        controller.enqueue(new Uint8Array(10))
      },
    },
    { highWaterMark: 0 },
  )
  const init: RequestInit = {
    method: 'POST',
    body,
    duplex: 'half',
    headers: { 'content-type': 'application/json' },
  }
  const response = await app.request('/v1/payments', init)
  assert.equal(response.status, 401)
  assert.equal(pulled, 0)
})

test('what is not there is 404, and strangers are not told even that', async () => {
  const { ask } = await createHttpWorld()
  for (const path of [
    '/v1',
    '/v1/',
    '/v1/payment',
    '/v1/payments/',
    '/v2/payments',
    '/',
    '/v1/payments/a/b/c',
  ]) {
    const reply = await ask('GET', path)
    assert.deepEqual([reply.status, reply.body.code], [404, 'not_found'], path)
  }
  assert.equal((await ask('GET', '/v1/nowhere', { as: null })).status, 401)
})

test('a method that a route does not take is 405 and told which it takes', async () => {
  const { ask } = await createHttpWorld()
  const put = await ask('PUT', '/v1/payments', { body: bill })
  assert.deepEqual([put.status, put.body.code], [405, 'method_not_allowed'])
  assert.deepEqual(put.headers.get('allow')?.split(', ').toSorted(), ['GET', 'HEAD', 'POST'])
  assert.equal((await ask('GET', concrete('/v1/payments/{id}/void'))).headers.get('allow'), 'POST')
  assert.equal((await ask('DELETE', '/healthz')).status, 405)
  assert.equal((await ask('PUT', '/v1/payments', { as: null })).status, 401)
})

test('HEAD is GET without its body', async () => {
  const { ask } = await createHttpWorld()
  const reply = await ask('HEAD', '/v1/payments')
  assert.deepEqual([reply.status, reply.text], [200, ''])
})

test('each answer carries a request id: the caller’s own, or one that was made', async () => {
  const { ask } = await createHttpWorld()
  const given = await ask('GET', '/v1/payments', { headers: { 'request-id': 'trace-7' } })
  assert.equal(given.headers.get('request-id'), 'trace-7')
  const made = await ask('GET', '/nowhere', { headers: { 'request-id': 'a b' } })
  assert.match(made.headers.get('request-id') ?? '', /^req_[\w-]{36}$/)
})

// ── When something breaks ────────────────────────────────────────────────────────────────────────

function assertUnknown(reply: { readonly headers: Headers; readonly body: ProblemJson }): void {
  assert.equal(reply.body.money_moved, 'unknown')
  assert.equal(reply.body.next_action.type, 'retry_same_key')
  assert.equal(reply.body.new_key_allowed, false)
  assert.ok((reply.body.next_action.after ?? 0) >= 1)
  assert.equal(reply.headers.get('retry-after'), String(reply.body.next_action.after))
}

test('a store that cannot be read is 503, retry_same_key, on every route that reads it', async () => {
  const { ask, world, log } = await createHttpWorld()
  await world.engine.store.close()
  for (const { method, path, access, body } of routes) {
    if (access === 'anyone') continue
    const sent = body === null ? {} : { body: body.example }
    const reply = await ask(method, concrete(path), { key: 'k', ...sent })
    assert.deepEqual([reply.status, reply.body.code], [503, 'retry_same_key'], path)
    assertUnknown(reply)
  }
  assert.ok(log.every(({ kind }) => kind === 'store_unreadable'))
  assert.doesNotMatch(JSON.stringify(log), new RegExp(tokens.agent))
})

test('a store that fails after the claim never makes the answer look like a refusal', async () => {
  let fail = false
  const { ask } = await createHttpWorld({
    engine: ({ store }) => ({
      store: {
        ...store,
        read: (keys) => (fail ? Promise.reject(new Error('disk')) : store.read(keys)),
        commit: async (write) => {
          const committed = await store.commit(write)
          fail = true
          return committed
        },
      },
    }),
  })
  const reply = await ask('POST', '/v1/payments', { key: 'k', body: bill })
  assert.equal(reply.status, 503)
  assertUnknown(reply)
  fail = false
  const again = await ask('POST', '/v1/payments', { key: 'k', body: bill })
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
})

test('a bug is 500 with its trace in the log, under the request id, and not in the answer', async () => {
  const { ask, log } = await createHttpWorld({
    engine: ({ ids }) => ({
      ids: {
        next: (prefix, nowMs) => {
          if (prefix === 'pay') throw new TypeError('a planted bug')
          return ids.next(prefix, nowMs)
        },
      },
    }),
  })
  const reply = await ask('POST', '/v1/payments', { key: 'k', body: bill })
  assert.deepEqual([reply.status, reply.body.code], [500, 'internal'])
  assertUnknown(reply)
  assert.doesNotMatch(reply.text, /planted|\.ts|at /)
  assert.equal(log[0]?.['kind'], 'http_fault')
  assert.equal(log[0]?.['route'], '/v1/payments')
  assert.equal(log[0]?.['request_id'], reply.headers.get('request-id'))
  assert.match(String(log[0]?.['detail']), /planted bug/)
})

test('an assertion that fails inside the store is a bug, not a disk', async () => {
  const { ask } = await createHttpWorld({
    engine: ({ store }) => ({
      store: { ...store, list: () => Promise.reject(assertionError()) },
    }),
  })
  assert.equal((await ask('GET', '/v1/payments')).status, 500)
})

function assertionError(): Error {
  return new assert.AssertionError({ message: 'a limit is a whole number' })
}

test('while it is not ready nothing new is taken on, and what is stored can be read', async () => {
  let ready = true
  const service = { isReady: () => (ready ? { ready } : { ready, why: 'It is being recovered.' }) }
  const { ask, pay, commits } = await createHttpWorld({ service })
  const { id } = await pay()
  assert.deepEqual((await ask('GET', '/readyz', { as: null })).body, { ready: true })
  ready = false
  const before = commits()
  const refused = await ask('POST', '/v1/payments', { key: 'new', body: bill })
  assert.deepEqual(
    [refused.status, refused.body.code, refused.body.detail],
    [503, 'not_ready', 'It is being recovered.'],
  )
  assertUnknown(refused)
  assert.equal((await ask('POST', `/v1/payments/${id}/void`, { key: 'v' })).status, 503)
  assert.equal(commits(), before)
  assert.equal((await ask('GET', `/v1/payments/${id}`)).status, 200)
  assert.equal((await ask('GET', '/readyz', { as: null })).status, 503)
  assert.equal((await ask('GET', '/healthz', { as: null })).status, 200)
})

test('the docs may be somewhere else', async () => {
  const { ask } = await createHttpWorld({ service: { docsUrl: 'https://docs.example' } })
  assert.equal((await ask('GET', '/x')).body.type, 'https://docs.example/errors#not_found')
})

// ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────

test('a webhook is 200 when stored, 400 when refused, 503 when not stored', async () => {
  const { world } = await createHttpWorld()
  let drop = false
  const made = await createHttpWorld({
    onCommit: ({ actions }) =>
      drop && actions.some((action) => action.do === 'put' && action.table === 'webhook')
        ? 'drop'
        : 'normal',
    engine: ({ processors }) => {
      const [[name, processor] = []] = processors
      assert.ok(name !== undefined && processor !== undefined)
      const readWebhook: typeof processor.readWebhook = (body, headers) =>
        headers['x-signature'] === 'good'
          ? {
              eventId: body,
              paymentId: `pay_${'0'.repeat(26)}`,
              attemptId: null,
              object: world.capturedObject(1, 'EUR'),
            }
          : null
      return { processors: new Map([[name, { ...processor, readWebhook }]]) }
    },
  })
  const post = (name: string, body: string | Uint8Array, signature: string) =>
    made.ask('POST', `/webhooks/${name}`, {
      as: null,
      body,
      headers: { 'x-signature': signature, 'content-type': 'text/plain' },
    })
  const stored = await post('model', 'evt_1', 'good')
  assert.deepEqual([stored.status, stored.body], [200, { received: true }])
  const [kept] = await made.engine.store.unmatchedWebhooks(10)
  assert.equal(kept?.value.eventId, 'evt_1')
  assert.equal((await post('model', 'evt_1', 'good')).status, 200)
  const refused = await post('model', 'evt_2', 'bad')
  const elsewhere = await post('nobody', 'evt_2', 'good')
  assert.deepEqual([refused.status, elsewhere.status], [400, 400])
  assert.equal((await post('model', new Uint8Array([0xff]), 'good')).status, 400)
  assert.equal((await post('model', 'x'.repeat(262_145), 'good')).status, 413)
  drop = true
  assert.equal((await post('model', 'evt_3', 'good')).status, 503)
  assert.equal((await made.engine.store.unmatchedWebhooks(10)).length, 1)
})
