// What only the HTTP client knows: what has been written and what has not, and how much it opens.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import type { Dispatcher } from 'undici'

import { callOnce, openHttpClient } from './http.ts'
import type { HttpRequest } from './http.ts'

function requestTo(path: string, timeoutMs = 2_000): HttpRequest {
  return { method: 'POST', path, headers: {}, body: '{}', timeoutMs }
}

interface Served {
  readonly origin: string
  readonly paths: readonly string[]
  readonly mostConnections: () => number
  readonly connections: () => number
}

async function serve(t: TestContext, answer: (response: ServerResponse) => void): Promise<Served> {
  const paths: string[] = []
  let open = 0
  let most = 0
  let all = 0
  const server = createServer((incoming, response) => {
    paths.push(incoming.url ?? '')
    incoming.resume().on('end', () => answer(response))
  })
  server.on('connection', (socket) => {
    all += 1
    open += 1
    most = Math.max(most, open)
    socket.on('close', () => (open -= 1))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  // A listening TCP server has an address of this kind.
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  return { origin, paths, mostConnections: () => most, connections: () => all }
}

test('a call that waited in vain for a connection is not sent, and is never written later', async (t) => {
  const { origin, paths, connections } = await serve(t, (response) => {
    setTimeout(() => response.end('late'), 150)
  })
  const client = openHttpClient(origin, 1)
  t.after(client.close)
  const first = client.call(requestTo('/first'))
  const second = await client.call(requestTo('/second', 50))
  assert.deepEqual(second, { result: 'not_sent', cause: 'no_connection_in_time' })
  assert.equal((await first).result, 'answered')
  assert.equal((await client.call(requestTo('/third'))).result, 'answered')
  await sleep(50)
  assert.deepEqual(paths, ['/first', '/third'])
  // Under load, calls that gave up must not cost others theirs.
  assert.equal(connections(), 1)
})

// No server can make undici do these two; a client that did them would pay twice.
for (const [what, beginsAtMs, result, expected] of [
  ['that the client begins anew', [0, 0], 'lost', 'second'],
  ['whose connection comes after its time', [60], 'not_sent', 'first'],
] as const) {
  test(`a request ${what} is stopped before it is written`, async () => {
    const aborted: string[] = []
    const begins = (handler: Dispatcher.DispatchHandler, name: string): void => {
      const abort = (reason: Error): void => {
        aborted.push(name)
        handler.onResponseError?.(controller, reason)
      }
      const still = { pause: () => undefined, resume: () => undefined }
      const controller = { aborted: false, paused: false, reason: null, abort, ...still } as const
      handler.onRequestStart?.(controller, null)
    }
    const dispatch: Dispatcher['dispatch'] = (_, handler) => {
      for (const [index, atMs] of beginsAtMs.entries()) {
        const name = index === 0 ? 'first' : 'second'
        if (atMs === 0) begins(handler, name)
        else setTimeout(() => begins(handler, name), atMs)
      }
      return true
    }
    assert.equal((await callOnce({ dispatch }, requestTo('/', 30))).result, result)
    await sleep(60)
    assert.deepEqual(aborted, [expected])
  })
}

for (const [what, origin] of [
  ['a name that does not exist', 'http://processor.invalid'],
  ['a port where nobody listens', 'http://127.0.0.1:1'],
] as const) {
  test(`${what} is not sent`, async (t) => {
    const client = openHttpClient(origin, 1)
    t.after(client.close)
    assert.equal((await client.call(requestTo('/'))).result, 'not_sent')
  })
}

test('a TLS failure is not sent', async (t) => {
  const { origin, paths } = await serve(t, (response) => response.end())
  const client = openHttpClient(origin.replace('http:', 'https:'), 1)
  t.after(client.close)
  assert.equal((await client.call(requestTo('/'))).result, 'not_sent')
  assert.deepEqual(paths, [])
})

test('connections are kept and are never more than were allowed', async (t) => {
  const served = await serve(t, (response) => void setTimeout(() => response.end('ok'), 5))
  const client = openHttpClient(served.origin, 3)
  t.after(client.close)
  const calls = Array.from({ length: 30 }, (_, index) => client.call(requestTo(`/${index}`)))
  for (const { result } of await Promise.all(calls)) assert.equal(result, 'answered')
  assert.equal(served.paths.length, 30)
  assert.deepEqual([served.mostConnections(), served.connections()], [3, 3])
})

for (const [bytes, whole] of [
  [65_536, true],
  [65_537, false],
] as const) {
  test(`a body of ${bytes} bytes is ${whole ? 'read' : 'too long'}`, async (t) => {
    const { origin } = await serve(t, (response) => response.end('x'.repeat(bytes)))
    const client = openHttpClient(origin, 1)
    t.after(client.close)
    const result = await client.call(requestTo('/'))
    assert.ok(result.result === 'answered')
    assert.deepEqual([result.status, result.body?.length ?? null], [200, whole ? bytes : null])
  })
}
