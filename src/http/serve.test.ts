// The door on a real socket: slow clients, bodies without an end, and a close that breaks nothing.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import { bill, createHttpWorld, tokens } from '../../test/http-world.ts'
import type { HttpWorldOptions } from '../../test/http-world.ts'
import { defaultServeLimits, serveHttp } from './serve.ts'
import type { HttpServer, ServeLimits } from './serve.ts'

const loopback = { host: '127.0.0.1', port: 0 }

async function listen(
  t: TestContext,
  limits: Partial<ServeLimits> = {},
  options: HttpWorldOptions = {},
) {
  const world = await createHttpWorld(options)
  const server = await serveHttp(world.app, loopback, { ...defaultServeLimits, ...limits })
  t.after(() => server.close())
  return { ...world, server }
}

const authorization = `Bearer ${tokens.agent}`
const asAgent = { authorization, 'content-type': 'application/json' }

const post = (server: HttpServer, key: string, body: object = bill, headers: object = {}) =>
  fetch(`${server.url}/v1/payments`, {
    method: 'POST',
    headers: { ...asAgent, 'idempotency-key': key, ...headers },
    body: JSON.stringify(body),
  })

async function open(server: HttpServer): Promise<Socket> {
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.on('error', () => undefined)
  await once(socket, 'connect')
  return socket
}

/** All that arrives until the other side ends the connection. */
async function readToEnd(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => {
    text += chunk.toString()
  })
  if (!socket.closed) await once(socket, 'close')
  return text
}

const head = (...lines: string[]): string =>
  [
    'POST /v1/payments HTTP/1.1',
    'Host: localhost',
    `Authorization: ${authorization}`,
    ...lines,
    '',
    '',
  ].join('\r\n')

const asJson = ['Content-Type: application/json', 'Idempotency-Key: k']

test('a payment is claimed over a socket, and the port is one that was free', async (t) => {
  const { server } = await listen(t)
  assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/)
  const response = await post(server, 'k')
  assert.equal(response.status, 202)
  assert.equal(response.headers.get('content-type'), 'application/json')
  assert.ok(Number(response.headers.get('content-length')) > 0)
  assert.equal((await post(server, 'k')).headers.get('idempotent-replayed'), 'true')
})

test('a chunked body that does not end is refused while it is still being sent', async (t) => {
  const { server, commits } = await listen(t)
  const before = commits()
  const socket = await open(server)
  const answered = readToEnd(socket)
  socket.write(head(...asJson, 'Transfer-Encoding: chunked'))
  const chunk = `4000\r\n${' '.repeat(16_384)}\r\n`
  for (let count = 0; count < 20 && !socket.closed; count += 1) {
    socket.write(chunk)
    await sleep(5)
  }
  const answer = await answered
  assert.match(answer, /^HTTP\/1\.1 413 /)
  assert.match(answer, /"code":"body_too_large"/)
  assert.equal(commits(), before)
})

test('a body that declares to be too large is refused before it is sent', async (t) => {
  const { server } = await listen(t)
  const socket = await open(server)
  const answered = readToEnd(socket)
  socket.write(head(...asJson, 'Content-Length: 65537'))
  assert.match(await answered, /^HTTP\/1\.1 413 /)
})

test('a chunked body that ends is read', async (t) => {
  const { server } = await listen(t)
  const body = JSON.stringify(bill)
  const stream = new ReadableStream({
    start(controller) {
      for (const part of [body.slice(0, 9), body.slice(9)])
        controller.enqueue(new TextEncoder().encode(part))
      controller.close()
    },
  })
  const headers = { ...asAgent, 'idempotency-key': 'k' }
  const init: RequestInit = { method: 'POST', headers, body: stream, duplex: 'half' }
  assert.equal((await fetch(`${server.url}/v1/payments`, init)).status, 202)
})

test('a client that sends its body too slowly is cut off, and nothing is stored', async (t) => {
  const { server, commits } = await listen(t, { requestTimeoutMs: 300, headersTimeoutMs: 300 })
  const before = commits()
  const socket = await open(server)
  const answered = readToEnd(socket)
  socket.write(head(...asJson, 'Content-Length: 100'))
  const startedMs = performance.now()
  const drip = setInterval(() => socket.writable && socket.write(' '), 50)
  const answer = await answered
  clearInterval(drip)
  assert.match(answer, /^(HTTP\/1\.1 4\d\d |$)/)
  assert.ok(performance.now() - startedMs < 3_000)
  assert.equal(commits(), before)
})

test('a client that sends its headers too slowly is cut off', async (t) => {
  const { server } = await listen(t, { requestTimeoutMs: 300, headersTimeoutMs: 200 })
  const socket = await open(server)
  const answered = readToEnd(socket)
  socket.write('POST /v1/payments HTTP/1.1\r\nHost: localhost\r\n')
  assert.match(await answered, /^HTTP\/1\.1 408 /)
})

test('headers that are too large, and what is no HTTP, are refused', async (t) => {
  const { server, log } = await listen(t)
  for (const [sent, expected] of [
    [head(...asJson, `X: ${'x'.repeat(20_000)}`), /^HTTP\/1\.1 431 /],
    ['nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET /a\\b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
    ['GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', /^HTTP\/1\.1 400 /],
  ] as const) {
    const socket = await open(server)
    const answered = readToEnd(socket)
    socket.write(sent)
    assert.match(await answered, expected)
  }
  assert.deepEqual(log, [])
})

test('a client that goes away in the middle of its body leaves nothing behind', async (t) => {
  const { server, commits, log } = await listen(t)
  const before = commits()
  const socket = await open(server)
  socket.write(`${head(...asJson, 'Content-Length: 100')}{"amount":`)
  await sleep(50)
  socket.destroy()
  await sleep(50)
  assert.equal(commits(), before)
  assert.deepEqual(log, [])
  assert.equal((await post(server, 'k')).status, 202)
})

test('more connections than the ceiling are turned away', async (t) => {
  const { server } = await listen(t, { maxConnections: 2 })
  const held = [await open(server), await open(server)]
  const third = await open(server)
  assert.equal(await readToEnd(third), '')
  for (const socket of held) socket.destroy()
})

test('a close answers who waits at once, and lets go of the port', async (t) => {
  const { server, pay } = await listen(
    t,
    {},
    { driven: true, engine: () => ({ wake: () => undefined }) },
  )
  const { id } = await pay()
  const startedMs = performance.now()
  const waiting = fetch(`${server.url}/v1/payments/${id}`, {
    headers: { ...asAgent, prefer: 'wait=20' },
  })
  await sleep(200)
  await server.close()
  const response = await waiting
  assert.equal(response.status, 200)
  assert.equal(response.headers.get('connection'), 'close')
  assert.ok(performance.now() - startedMs < 5_000)
  await assert.rejects(fetch(`${server.url}/healthz`))
})

test('a close lets a request that is under way end', async (t) => {
  const { server } = await listen(
    t,
    {},
    {
      engine: ({ store }) => ({
        store: {
          ...store,
          commit: async (write) => {
            await sleep(300)
            return store.commit(write)
          },
        },
      }),
    },
  )
  const paying = post(server, 'k')
  await sleep(100)
  const closed = server.close()
  assert.equal((await paying).status, 202)
  await closed
})

test('a close does not wait for ever', async (t) => {
  const stuck = { commit: () => new Promise<never>(() => undefined) }
  const { server } = await listen(
    t,
    { closeWithinMs: 200 },
    {
      engine: ({ store }) => ({ store: { ...store, ...stuck } }),
    },
  )
  const paying = post(server, 'k').catch(() => 'cut off')
  await sleep(100)
  const startedMs = performance.now()
  await server.close()
  assert.ok(performance.now() - startedMs < 2_000)
  assert.equal(await paying, 'cut off')
})

test('idle connections that are kept alive do not hold up a close', async (t) => {
  const { server } = await listen(t)
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  const startedMs = performance.now()
  await server.close()
  assert.ok(performance.now() - startedMs < 2_000)
})

test('a port that is taken is an error, not a silence', async (t) => {
  const { server, app } = await listen(t)
  const port = Number(new URL(server.url).port)
  await assert.rejects(serveHttp(app, { ...loopback, port }), { code: 'EADDRINUSE' })
})

test('an address of IPv6 makes a URL', async (t) => {
  const { app } = await createHttpWorld()
  const server = await serveHttp(app, { host: '::1', port: 0 }).catch(() => null)
  if (server === null) return t.skip('this machine has no IPv6')
  assert.match(server.url, /^http:\/\/\[::1\]:\d+$/)
  assert.equal((await fetch(`${server.url}/healthz`)).status, 200)
  return server.close()
})
