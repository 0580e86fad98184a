// Calls of S3 over a socket: what is kept comes back byte for byte, and a refusal is no empty file.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { after, before, test } from 'node:test'

import { openCheckpoints } from './checkpoints.ts'

const identity = {
  accessKeyId: 'AKIDEXAMPLE',
  secretAccessKey: 'secret',
  sessionToken: 'session',
  region: 'eu-west-1',
}

const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, place) => (place * 7) % 256))
const objects = new Map<string, Buffer>()
const seen: IncomingMessage['headers'][] = []
/** Statuses that come first, whatever is asked. */
const refusals: number[] = []

const server = createServer((request, response) => void answer(request, response))
const folder = mkdtempSync(join(tmpdir(), 'quittance-checkpoints-'))
let place = {
  host: 'aside.s3.eu-west-1.amazonaws.com',
  endpoint: '',
  identity: () => identity,
  pausesMs: [1, 1],
}

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await buffer(request)
  seen.push(request.headers)
  const { method, url = '' } = request
  const refusal = refusals.shift()
  if (refusal !== undefined) return void response.writeHead(refusal).end('<Code>Refused</Code>')
  if (method === 'PUT') objects.set(url, body)
  if (method === 'DELETE') objects.delete(url)
  const found = objects.get(url)
  if (method === 'GET') return void response.writeHead(found ? 200 : 404).end(found)
  response.writeHead(200).end()
}

before(async () => {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  place = { ...place, endpoint: `http://127.0.0.1:${port}` }
})
after(() => {
  server.close()
  server.closeAllConnections()
  rmSync(folder, { recursive: true })
})

const fileWith = (name: string, content: Uint8Array): string => {
  const file = join(folder, name)
  writeFileSync(file, content)
  return file
}

test('what is kept comes back byte for byte, below its prefix, and is gone once it is forgotten', async () => {
  const checkpoints = openCheckpoints(place)
  await checkpoints.keep('rec_1', fileWith('kept.db', bytes))
  assert.deepEqual([...objects.keys()], ['/aside/reconciling/rec_1.db'])
  const file = join(folder, 'fetched.db')
  assert.equal(await checkpoints.fetch('rec_1', file), true)
  assert.ok(readFileSync(file).equals(bytes))
  await checkpoints.forget('rec_1')
  assert.equal(objects.size, 0)
})

test('of a run that kept nothing there is no file', async () => {
  const file = join(folder, 'none.db')
  assert.equal(await openCheckpoints(place).fetch('rec_2', file), false)
  assert.equal(existsSync(file), false)
})

test('each call is signed for S3 with the session, and says how long its body is', async () => {
  seen.length = 0
  await openCheckpoints(place).keep('rec_3', fileWith('signed.db', bytes))
  const [headers] = seen
  assert.match(String(headers?.authorization), /Credential=AKIDEXAMPLE\/\d{8}\/eu-west-1\/s3\//)
  assert.match(String(headers?.authorization), /SignedHeaders=content-type;host;x-amz-content-sha/)
  assert.equal(headers?.['x-amz-security-token'], 'session')
  assert.equal(headers?.['x-amz-content-sha256'], 'UNSIGNED-PAYLOAD')
  assert.equal(headers?.['content-length'], String(bytes.length))
})

test('a refusal that passes is waited for; one that stays is told, and is not “nothing kept”', async () => {
  const checkpoints = openCheckpoints(place)
  refusals.push(503, 503)
  await checkpoints.keep('rec_4', fileWith('patient.db', bytes))
  assert.ok(objects.get('/aside/reconciling/rec_4.db')?.equals(bytes))
  refusals.push(403, 403, 403)
  const file = join(folder, 'refused.db')
  await assert.rejects(checkpoints.fetch('rec_4', file), /S3 answers 403: <Code>Refused/)
  assert.equal(existsSync(file), false)
})
