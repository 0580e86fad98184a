// The local run itself, on a small system. What it claims of the real template rests on this.
import { factor } from './time.ts'
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'

import { startSmallWorld } from './fixture.ts'
import { until } from './until.ts'
import type { World } from './world.ts'

let world: World

before(async () => {
  world = await startSmallWorld()
})
after(async () => world.stop())
beforeEach(() => world.faults.clear())

interface Reply {
  readonly status: number
  readonly headers: Headers
  readonly body: { readonly code?: string; readonly who?: string | null }
}

async function post(id: string, body: object = {}, headers: object = {}): Promise<Reply> {
  const response = await fetch(`${world.url}/things/${id}`, {
    method: 'POST',
    headers: { authorization: 'ann', 'idempotency-key': 'k', ...headers },
    body: JSON.stringify(body),
  })
  return {
    status: response.status,
    headers: response.headers,
    body: (await response.json()) as Reply['body'],
  }
}

const soon = { withinMs: 100_000 }

test('a request goes through the authoriser to the function, which writes its row', async () => {
  const reply = await post('first')
  assert.deepEqual([reply.status, reply.body], [201, { who: 'ann' }])
  assert.equal(reply.headers.get('x-from'), 'door')
})

const stepped = (line: string) => () => world.logs('step').split('\n').includes(line)

test('what it writes goes on by stream, event, message and execution', async () => {
  const made = world.messagesIn('made')
  assert.equal((await post('goes-on')).status, 201)
  await until('the execution has ended', stepped('Second goes-on'), soon)
  assert.ok(stepped('First goes-on')())
  await until('the event is in the queue', () => world.messagesIn('made') > made, soon)
})

test('a machine that is told to wait waits on the clock of the run, and goes on', async () => {
  const startedAtMs = Date.now()
  assert.equal((await post('waits')).status, 201)
  await until('it has ended', stepped('Second waits'), soon)
  assert.ok(Date.now() - startedAtMs >= 30_000, `${Date.now() - startedAtMs} ms, ×${factor}`)
})

test('who shows no identity is refused without a call', async () => {
  const earlier = world.meter.counts().lambda_invocations
  const response = await fetch(`${world.url}/things/x`, { method: 'POST' })
  assert.deepEqual([response.status, await response.json()], [401, { code: 'unauthorized' }])
  assert.equal(response.headers.get('content-type'), 'application/problem+json')
  assert.equal(world.meter.counts().lambda_invocations, earlier)
})

test('the authoriser’s policy decides, for this very route', async () => {
  const { status, body } = await post('x', {}, { authorization: 'bob' })
  assert.deepEqual([status, body.code], [403, 'access_denied'])
  assert.equal((await post('x', {}, { authorization: 'broken' })).status, 503)
})

test('a header that has to be there is looked for behind the authoriser', async () => {
  const { status, body } = await post('x', {}, { 'idempotency-key': '' })
  assert.deepEqual([status, body.code], [400, 'bad_request_parameters'])
})

test('a route that is not there has the answer of the template', async () => {
  const response = await fetch(`${world.url}/other`, { method: 'POST' })
  assert.deepEqual(
    [response.status, await response.json()],
    [404, { code: 'missing_authentication_token' }],
  )
})

test('a caller with AWS identity passes by the policy that it has, another does not', async () => {
  const put = async (accessKey: string): Promise<number> => {
    const credential = `AWS4-HMAC-SHA256 Credential=${accessKey}/20260101/us-east-1/execute-api/aws4_request`
    const headers = { authorization: credential }
    return (await fetch(`${world.url}/things/signed`, { method: 'PUT', headers, body: '{}' }))
      .status
  }
  assert.equal(await put(world.accessKeyWith('agents')), 201)
  assert.equal(await put(world.accessKeyWith('visitors')), 403)
  assert.equal(await put('LOCALnobody'), 404)
})

test('a call that its role does not allow is refused, and counted', async () => {
  const denied = world.guard.denied.length
  assert.equal((await post('x', { table: 'other' })).status, 503)
  assert.deepEqual(world.guard.denied.slice(denied), [
    {
      caller: 'doorRole',
      action: 'dynamodb:PutItem',
      resource: 'arn:aws:dynamodb:us-east-1:000000000000:table/other',
    },
  ])
})

test('a permission that nobody needed is found', () => {
  const unused = world.guard.unused().map(({ holder, action }) => `${holder} ${action}`)
  assert.ok(unused.includes('doorRole dynamodb:DeleteItem'))
  assert.ok(!unused.includes('doorRole dynamodb:PutItem'))
})

test('a function that takes too long is killed, and the next one is fresh', async () => {
  assert.equal((await post('slow', { sleepMs: 5_000 })).status, 503)
  assert.equal((await post('fresh')).status, 201)
})

test('a function whose process ends answers an error', async () => {
  assert.equal((await post('dead', { exit: true })).status, 503)
  const result = await world.lambda('door').invoke({ body: '{"exit":true}' })
  assert.ok(!result.ok)
  assert.equal(result.error.errorType, 'Runtime.ExitError')
})

test('planted faults meet the calls that they are meant for', async () => {
  const fault = world.faults.plant({
    kind: 'transaction_conflict',
    service: 'dynamodb',
    operation: 'TransactWriteItems',
    caller: 'door',
  })
  const refused = await world.lambda('door').invoke({ body: null, requestContext: {} })
  assert.ok(!refused.ok)
  assert.match(refused.error.errorMessage, /TransactionConflict/)
  assert.equal(fault.met(), 1)
  assert.equal((await post('after')).status, 201)
})

test('a poison record is put aside, and its neighbours go on', async () => {
  const [made, buried] = [world.messagesIn('made'), world.stream.buried()]
  world.stream.pause(true)
  for (const id of ['before', 'poison', 'behind']) assert.equal((await post(id)).status, 201)
  world.stream.pause(false)
  await until('it is put aside', () => world.stream.buried() === buried + 1, soon)
  await until('the others are delivered', () => world.messagesIn('made') >= made + 2, soon)
  const [object] = await world.broker.objects('aside')
  assert.match(object ?? '', /^aws\/lambda\/readStream\//)
})

test('a schedule that cannot reach its function tells its queue', async () => {
  const dead = world.messagesIn('dlq')
  world.faults.plant({
    kind: 'throttled',
    service: 'scheduler',
    operation: 'InvokeFunction',
    times: 2,
  })
  await world.scheduler.wake('wake')
  assert.equal(world.messagesIn('dlq'), dead + 1)
})

test('what is used is counted', () => {
  const counts = world.meter.counts()
  for (const unit of ['api_requests', 'lambda_invocations', 'state_transitions'] as const) {
    assert.ok((counts[unit] ?? 0) > 0, unit)
  }
  assert.equal(world.meter.partitions().get('first'), 2)
})
