// The webhook sink against a receiver on loopback that checks signatures by a way of its own.
import assert from 'node:assert/strict'
import type { lookup } from 'node:dns'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import type { Notice } from '../../core/alerts.ts'
import { openWebhookSink } from './webhook.ts'

const secrets = ['an old key of 24 bytes..', 'a new key of twenty-four'].map(
  (key) => `whsec_${Buffer.from(key).toString('base64')}`,
)

const notice: Notice = {
  id: 'dead_letter/simulated/configuration:3',
  alert: 'dead_letter/simulated/configuration',
  status: 'firing',
  kind: 'dead_letter',
  severity: 'critical',
  subject: 'simulated',
  detail: 'configuration',
  count: 2,
  paymentIds: ['pay_1', 'pay_2'],
  title: 'Payments are in the dead letters',
  did: 'Nothing is sent.',
  todo: 'Look at each.',
  runbook: 'https://example.com/alerts#dead_letter',
  sinceMs: 1_800_000_000_000,
  lastAtMs: 1_800_000_001_000,
  resolvedAtMs: null,
}

interface Received {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

async function receiver(
  t: TestContext,
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<{ readonly url: string; readonly received: Received[] }> {
  const received: Received[] = []
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => (body += String(chunk)))
    request.on('end', () => {
      received.push({ headers: request.headers, body })
      answer(response, request)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook?x=1`, received }
}

function sinkTo(t: TestContext, url: string, secret = secrets[0] ?? '') {
  const sink = openWebhookSink({ url, secret, clock: { nowMs: () => 1_800_000_002_345 } })
  t.after(() => sink.close())
  return sink
}

/** With Web Crypto, as the Standard Webhooks specification words it. */
async function verify(secret: string, { headers, body }: Received): Promise<boolean> {
  const bytes = Uint8Array.from(atob(secret.slice('whsec_'.length)), (c) => c.charCodeAt(0))
  const algorithm = { name: 'HMAC', hash: 'SHA-256' }
  const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify'])
  const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`
  const signatures = String(headers['webhook-signature']).split(' ')
  const results = await Promise.all(
    signatures.map((each) => {
      assert.match(each, /^v1,/)
      const signature = Uint8Array.from(atob(each.slice(3)), (c) => c.charCodeAt(0))
      return crypto.subtle.verify('HMAC', key, signature, new TextEncoder().encode(signed))
    }),
  )
  return results.includes(true)
}

test('an alert is sent as a signed webhook', async (t) => {
  const { url, received } = await receiver(t, (response) => response.end())
  assert.equal(await sinkTo(t, url).deliver(notice), 'delivered')
  const [request] = received
  assert.ok(request !== undefined)
  assert.equal(request.headers['webhook-id'], 'dead_letter/simulated/configuration:3')
  assert.equal(request.headers['webhook-timestamp'], '1800000002')
  assert.equal(await verify(secrets[0] ?? '', request), true)
  assert.equal(await verify(secrets[1] ?? '', request), false)
  assert.equal(await verify(secrets[0] ?? '', { ...request, body: `${request.body} ` }), false)
  assert.deepEqual(JSON.parse(request.body), {
    type: 'alert.firing',
    timestamp: '2027-01-15T08:00:01.000Z',
    data: {
      id: 'dead_letter/simulated/configuration:3',
      alert: 'dead_letter/simulated/configuration',
      status: 'firing',
      kind: 'dead_letter',
      severity: 'critical',
      subject: 'simulated',
      detail: 'configuration',
      count: 2,
      payment_ids: ['pay_1', 'pay_2'],
      title: 'Payments are in the dead letters',
      did: 'Nothing is sent.',
      todo: 'Look at each.',
      runbook: 'https://example.com/alerts#dead_letter',
      since: '2027-01-15T08:00:00.000Z',
      last_at: '2027-01-15T08:00:01.000Z',
      resolved_at: null,
    },
  })
})

test('while one secret takes over from another, both have signed', async (t) => {
  const { url, received } = await receiver(t, (response) => response.end())
  await sinkTo(t, url, secrets.join(',')).deliver(notice)
  const [request] = received
  assert.ok(request !== undefined)
  for (const secret of secrets) assert.equal(await verify(secret, request), true)
})

test('what is not answered with 2xx is not delivered, and a redirect is not followed', async (t) => {
  let status = 307
  const { url, received } = await receiver(t, (response, request) => {
    response.writeHead(status, { location: `http://${request.headers.host}/elsewhere` }).end()
  })
  const sink = sinkTo(t, url)
  for (status of [301, 307, 400, 410, 429, 500]) {
    assert.equal(await sink.deliver(notice), 'not_delivered', String(status))
  }
  assert.equal(received.length, 6)
  status = 204
  assert.equal(await sink.deliver(notice), 'delivered')
})

test('nobody there, a lost connection and an answer without end do no harm', async (t) => {
  const lost = await receiver(t, (response) => response.destroy())
  assert.equal(await sinkTo(t, lost.url).deliver(notice), 'not_delivered')
  assert.equal(await sinkTo(t, 'http://127.0.0.1:1/').deliver(notice), 'not_delivered')
  let written = 0
  const endless = await receiver(t, (response) => {
    response.writeHead(200)
    const write = (): void => {
      if (response.destroyed || response.closed) return
      written += 65_536
      response.write(Buffer.alloc(65_536), () => setImmediate(write))
    }
    write()
  })
  const beganMs = performance.now()
  await sinkTo(t, endless.url).deliver(notice)
  assert.ok(performance.now() - beganMs < 2_000)
  assert.ok(written < 50_000_000, 'it was cut off')
})

test('a receiver that never answers is given up before the engine gives up the sink', async (t) => {
  const { url } = await receiver(t, () => undefined)
  const sink = openWebhookSink({
    url,
    secret: secrets[0] ?? '',
    clock: { nowMs: () => 0 },
    timeoutMs: 300,
  })
  t.after(() => sink.close())
  const beganMs = performance.now()
  assert.equal(await sink.deliver(notice), 'not_delivered')
  assert.ok(performance.now() - beganMs < 2_000)
})

test('a name that resolves to this machine is not connected to', async (t) => {
  let connections = 0
  const server = createTcpServer((socket) => {
    connections += 1
    socket.destroy()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const asked: string[] = []
  const toThisMachine = ((
    name: string,
    _: object,
    done: (error: null, found: object[]) => void,
  ) => {
    asked.push(name)
    done(null, [{ address: '127.0.0.1', family: 4 }])
  }) as unknown as typeof lookup // the one overload that is used
  const clock = { nowMs: () => 0 }
  const open = (host: string) => {
    const url = `https://${host}:${port}/`
    const sink = openWebhookSink({ url, secret: secrets[0] ?? '', clock, lookup: toThisMachine })
    t.after(() => sink.close())
    return sink
  }
  assert.equal(await open('hook.example').deliver(notice), 'not_delivered')
  assert.equal(connections, 0)
  assert.equal(await open('localhost').deliver(notice), 'not_delivered')
  assert.equal(connections, 1, 'the control: where it is written it is meant')
  assert.deepEqual(asked, ['hook.example', 'localhost'])
})

test('an address that cannot be used is refused with a sentence', () => {
  const open = (url: string, secret = secrets[0] ?? '') =>
    openWebhookSink({ url, secret, clock: { nowMs: () => 0 } })
  for (const url of [
    'http://example.com/hook',
    'ftp://example.com/hook',
    'https://user:pass@example.com/hook',
    'https://10.0.0.5/hook',
    'https://169.254.169.254/latest/meta-data',
    'https://[fd00:ec2::254]/hook',
    'https://[::ffff:10.0.0.5]/hook',
    'https://0x0a000005/hook',
    'https://192.168.1.1/hook',
  ]) {
    assert.throws(() => open(url), /^Error: The address/, url)
  }
  for (const secret of [
    '',
    'whsec_',
    'abc',
    'whsec_c2hvcnQ=',
    `${secrets.join(',')},${secrets[0]}`,
  ]) {
    assert.throws(
      () => open('https://example.com/hook', secret),
      /^Error: The secret must be whsec_/,
    )
  }
})
