// The kill switch: what each switch stops, that it is undone, and that it leaves a trace.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'
import { processorKey } from '../core/control.ts'
import type { AgentJson, AuditJson, ProcessorJson, StopJson } from './operator-wire.ts'

const as = 'operator'

/** A second after whatever was done before: the audit is in order of time. */
function post<Body>({ ask, world }: HttpWorld, path: string, reason = 'a reason') {
  world.hand.nowMs += 1_000
  return ask<Body>('POST', path, { as, body: { reason } })
}

const get = <Body>({ ask }: HttpWorld, path: string) => ask<Body>('GET', path, { as })

interface List<Item> {
  readonly data: readonly Item[]
  readonly cursor: string | null
}

const trail = async (made: HttpWorld): Promise<readonly string[]> =>
  (await get<List<AuditJson>>(made, '/v1/audit?limit=100')).body.data.map(
    ({ act, target, by, reason }) => `${act} ${target} ${by}: ${reason}`,
  )

test('everything is stopped and started again, and each throw is told once', async () => {
  const made = await createHttpWorld()
  const { id } = await made.pay()
  assert.deepEqual((await get(made, '/v1/stop')).body, { object: 'stop', stopped: null })
  const stopped = await post<StopJson>(made, '/v1/stop', 'orders come twice')
  assert.equal(stopped.status, 200)
  const since = new Date(made.world.hand.nowMs).toISOString()
  assert.deepEqual(stopped.body.stopped, { by: 'Olga', reason: 'orders come twice', since })
  const again = await post<StopJson>(made, '/v1/stop', 'another reason')
  assert.deepEqual(again.body, stopped.body, 'it stays as it was thrown first')
  assert.deepEqual((await get(made, '/v1/stop')).body, stopped.body)

  const other = { ...bill, payee: 'other', reference: 'INV-2' }
  const refused = await made.ask('POST', '/v1/payments', { key: 'k2', body: other })
  assert.deepEqual([refused.status, refused.body.code], [403, 'stopped'])
  const held = await made.ask('GET', `/v1/payments/${id}`)
  assert.deepEqual(held.body.hold, { reason: 'stopped', since })

  const started = await post<StopJson>(made, '/v1/start', 'the shop is mended')
  assert.deepEqual(started.body, { object: 'stop', stopped: null })
  await made.toRest(id)
  assert.equal(await made.world.stateOf(id), 'settled')
  assert.deepEqual(await trail(made), [
    'start all Olga: the shop is mended',
    'stop all Olga: orders come twice',
  ])
})

test('a processor is paused and resumed; its payments wait, and say why', async () => {
  const made = await createHttpWorld()
  const [before] = (await get<List<ProcessorJson>>(made, '/v1/processors')).body.data
  assert.partialDeepStrictEqual(before, { name: 'model', paused: null, breaker: null })
  const { id } = await made.pay()
  const paused = await post<ProcessorJson>(made, '/v1/processors/model/pause', 'red')
  assert.deepEqual([paused.status, paused.body.paused?.reason], [200, 'red'])
  const held = await made.ask('GET', `/v1/payments/${id}`)
  assert.equal(held.body.hold?.reason, 'processor_paused')
  const resumed = await post<ProcessorJson>(made, '/v1/processors/model/resume', 'green')
  assert.equal(resumed.body.paused, null)
  await made.toRest(id)
  assert.equal(await made.world.stateOf(id), 'settled')
  const [target] = new Set((await trail(made)).map((line) => line.split(' ')[1]))
  assert.match(target ?? '', /^model\/\w+\/test$/)
})

test('a breaker is shown with its state, its reason and its next probe', async () => {
  const made = await createHttpWorld()
  const policy = { ...made.world.engine.breakerPolicy, failures: 2, payments: 2 }
  const key = processorKey(made.world.processor.binding)
  const { breakers } = made.world.engine
  const engine = { ...made.world.engine, breakerPolicy: policy }
  const atMs = made.world.hand.nowMs
  for (const paymentId of ['pay_1', 'pay_2']) {
    await breakers.report(engine, key, { verdict: 'bad', epoch: null, paymentId, atMs })
  }
  const [shown] = (await get<List<ProcessorJson>>(made, '/v1/processors')).body.data
  assert.deepEqual(shown?.breaker, {
    state: 'open',
    reason: 'failures',
    since: new Date(atMs).toISOString(),
    next_probe_at: new Date(atMs + policy.coolDown.baseMs).toISOString(),
    recent_failures: 2,
  })
})

test('a processor that is not configured is 404 and the answer names those that are', async () => {
  const made = await createHttpWorld()
  const before = made.commits()
  const unknown = await post<{ detail: string }>(made, '/v1/processors/modle/pause')
  assert.equal(unknown.status, 404)
  assert.match(unknown.body.detail, /there are: model\./)
  for (const name of ['a%20b', '%00', 'x'.repeat(65), '__proto__', 'constructor']) {
    for (const does of ['pause', 'resume']) {
      assert.equal((await post(made, `/v1/processors/${name}/${does}`)).status, 404, name)
    }
  }
  assert.equal(made.commits(), before)
})

test('an agent is suspended and resumed; it may ask for nothing new meanwhile', async () => {
  const made = await createHttpWorld()
  const { id } = await made.pay()
  const suspended = await post<AgentJson>(made, '/v1/agents/agent_1/suspend', 'who is this?')
  assert.deepEqual(suspended.body, {
    object: 'agent',
    id: 'agent_1',
    account: 'account_1',
    name: '',
    suspended: true,
    account_suspended: false,
    visibility: 'account',
  })
  const other = { ...bill, payee: 'other', reference: 'INV-2' }
  const refused = await made.ask('POST', '/v1/payments', { key: 'k2', body: other })
  assert.deepEqual([refused.status, refused.body.code], [403, 'agent_suspended'])
  const colleague = await made.ask('POST', '/v1/payments', {
    as: 'colleague',
    key: 'k2',
    body: other,
  })
  assert.equal(colleague.status, 202)
  const held = await made.ask('GET', `/v1/payments/${id}`)
  assert.equal(held.body.hold?.reason, 'agent_suspended')
  const resumed = await post<AgentJson>(made, '/v1/agents/agent_1/resume', 'known')
  assert.equal(resumed.body.suspended, false)
  assert.deepEqual(await trail(made), [
    'resume_agent agent_1 Olga: known',
    'suspend agent_1 Olga: who is this?',
  ])
  for (const nobody of ['agent_x', 'a%20b', '__proto__']) {
    const reply = await post<{ code: string }>(made, `/v1/agents/${nobody}/suspend`)
    assert.deepEqual([reply.status, reply.body.code], [404, 'not_found'])
  }
})

test('agents are listed by page, without a token', async () => {
  const made = await createHttpWorld()
  const first = await get<List<AgentJson>>(made, '/v1/agents?limit=2')
  const rest = await get<List<AgentJson>>(made, `/v1/agents?cursor=${first.body.cursor}`)
  const ids = [...first.body.data, ...rest.body.data].map(({ id }) => id)
  assert.deepEqual(ids, ['agent_3', 'agent_2', 'agent_1'])
  assert.doesNotMatch(first.text, /token|hash/)
})

test('a suspended agent that gets a new token stays suspended, and says so', async () => {
  const made = await createHttpWorld()
  await post(made, '/v1/agents/agent_1/suspend')
  const body = { id: 'agent_1', account: 'account_1', name: 'renamed' }
  const added = await made.ask<AgentJson>('POST', '/v1/agents', { as, body })
  assert.deepEqual([added.status, added.body.suspended, added.body.name], [201, true, ''])
})

const acts = [
  '/v1/stop',
  '/v1/start',
  '/v1/processors/model/pause',
  '/v1/processors/model/resume',
  '/v1/agents/agent_1/suspend',
  '/v1/agents/agent_1/resume',
]

test('a switch needs a reason, and nothing else', async () => {
  const made = await createHttpWorld()
  const before = made.commits()
  for (const path of acts) {
    for (const [body, pointer] of [
      [{}, '/reason'],
      [{ reason: '' }, '/reason'],
      [{ reason: ' \t' }, '/reason'],
      [{ reason: 'x'.repeat(501) }, '/reason'],
      [{ reason: 'a\u0007b' }, '/reason'],
      [{ reason: 7 }, '/reason'],
      [{ reason: null }, '/reason'],
      [{ reason: 'x', by: 'Otto' }, '/by'],
      [[], ''],
    ] as const) {
      const reply = await made.ask('POST', path, { as, body })
      assert.deepEqual([reply.status, reply.body.code], [400, 'invalid_request'], path)
      assert.equal(reply.body.errors?.[0]?.pointer, pointer)
    }
    const query = await made.ask('POST', `${path}?force=1`, { as, body: { reason: 'x' } })
    assert.deepEqual([query.status, query.body.errors?.[0]?.pointer], [400, '/force'])
  }
  assert.equal(made.commits(), before)
})

test('lists refuse pages that cannot be', async () => {
  const made = await createHttpWorld()
  for (const [path, pointer] of [
    ['/v1/agents?limit=0', '/limit'],
    ['/v1/agents?limit=101', '/limit'],
    ['/v1/agents?cursor=a%20b', '/cursor'],
    ['/v1/audit?limit=0', '/limit'],
    ['/v1/audit?limit=101', '/limit'],
    ['/v1/audit?cursor=aud_x', '/cursor'],
    ['/v1/audit?act=stop', '/act'],
    ['/v1/alerts?limit=0', '/limit'],
    ['/v1/alerts?limit=101', '/limit'],
    ['/v1/alerts?cursor=a%20b', '/cursor'],
    ['/v1/alerts?status=loud', '/status'],
    ['/v1/processors?limit=1', '/limit'],
    ['/v1/stop?limit=1', '/limit'],
  ] as const) {
    const { status, body } = await made.ask('GET', path, { as })
    assert.deepEqual([status, body.code], [400, 'invalid_request'], path)
    assert.equal(body.errors?.[0]?.pointer, pointer)
  }
})

test('a switch whose commit is not known to have been written is 503, to be asked again', async () => {
  const made = await createHttpWorld({
    onCommit: ({ actions }) =>
      actions.some((each) => each.do !== 'record' && each.table === 'control') ? 'drop' : 'normal',
  })
  const reply = await post<{ code: string }>(made, '/v1/stop')
  assert.deepEqual([reply.status, reply.body.code], [503, 'retry_same_key'])
})
