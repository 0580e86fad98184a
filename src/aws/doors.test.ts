// The gate and the door behind it: who asks is found out once, and believed from the gateway only.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld, tokens } from '../../test/http-world.ts'
import { setSuspended } from '../engine/control.ts'
import { addAgent } from '../engine/identity.ts'
import type { Verified } from '../http/jwt.ts'
import { routes } from '../http/routes.ts'
import { authorise } from './authorise.ts'
import type { AuthoriserEvent } from './authorise.ts'
import { answer } from './intake.ts'
import type { GatewayEvent } from './intake.ts'

const arn = 'arn:aws:execute-api:eu-central-1:123456789012:api/main/POST/v1/payments'

const asking = (
  authorization: string | undefined,
  resource = '/v1/payments',
  httpMethod = 'POST',
): AuthoriserEvent => ({
  methodArn: arn,
  httpMethod,
  resource,
  headers: authorization === undefined ? null : { Authorization: authorization },
})

test('the gate lets in who is known, to their own routes, and says who it was', async () => {
  const { engine } = await createHttpWorld()
  const agent = await authorise(engine.store, asking(`Bearer ${tokens.agent}`))
  assert.deepEqual(agent.context, {
    role: 'agent',
    agent: 'agent_1',
    account: 'account_1',
    key_form: 'missing',
    suspended: false,
  })
  assert.deepEqual(
    [agent.principalId, agent.policyDocument.Statement],
    ['agent_1', [{ Action: 'execute-api:Invoke', Effect: 'Allow', Resource: arn }]],
  )
  const operator = await authorise(engine.store, asking(`bearer ${tokens.operator}`, '/v1/stop'))
  const { role, name } = operator.context as { role: string; name: string }
  assert.deepEqual([role, name], ['operator', 'Olga'])
})

test('what each of them may use is what the table of routes says, and nothing else', async () => {
  const { engine } = await createHttpWorld()
  const others = [
    { method: 'POST', path: '/v1/paymentsx', access: 'nobody' },
    { method: 'DELETE', path: '/v1/payments', access: 'nobody' },
    { method: 'GET', path: '/v1/mandate/x', access: 'nobody' },
  ]
  for (const { method, path, access } of [...routes, ...others]) {
    if (access === 'anyone') continue
    const ask = (token: string) => authorise(engine.store, asking(`Bearer ${token}`, path, method))
    const effects = [await ask(tokens.agent), await ask(tokens.operator)].map(
      ({ policyDocument }) => policyDocument.Statement[0].Effect,
    )
    const allowed = (is: boolean) => (is ? 'Allow' : 'Deny')
    const isForAgents = access === 'agent' || access === 'agent or operator'
    assert.equal(effects[0], allowed(isForAgents), `${method} ${path}`)
    // What is not there the app says; it is no secret from an operator.
    assert.equal(effects[1], allowed(access !== 'agent'), `${method} ${path}`)
  }
})

test('the gate tells of a suspension and of the form of a key, and turns nobody away for it', async () => {
  const { engine } = await createHttpWorld()
  await setSuspended(engine, 'agent_1', true, { by: 'Olga', reason: 'test' })
  for (const [key, form] of [
    ['key-1', 'valid'],
    ['"key 1"', 'invalid'],
    ['x'.repeat(256), 'invalid'],
  ] as const) {
    const asked = asking(undefined)
    const headers = { authorization: `Bearer ${tokens.agent}`, 'IDEMPOTENCY-KEY': key }
    const { context, policyDocument } = await authorise(engine.store, { ...asked, headers })
    assert.deepEqual([context.key_form, context.suspended], [form, true])
    assert.equal(policyDocument.Statement[0].Effect, 'Allow')
  }
})

test('a token of the provider is taken at the gate; without its keys nobody is a stranger', async () => {
  const { engine, app } = await createHttpWorld()
  const pretends = (result: Verified) => ({ verify: async () => result })
  const asked = asking('Bearer eyJh.eyJi.c2ln')
  const known = pretends({ result: 'known', subject: 'agent_1', scopes: ['read'] })
  const { context } = await authorise(engine.store, asked, known)
  assert.deepEqual(context, {
    role: 'agent',
    agent: 'agent_1',
    account: 'account_1',
    scopes: 'read',
    key_form: 'missing',
    suspended: false,
  })
  const claim = await answer(app, event({ requestContext: { authorizer: { ...context } } }))
  assert.deepEqual([claim.statusCode, JSON.parse(claim.body).code], [403, 'forbidden'])
  const none = { ...context, scopes: 'everything' }
  const nothing = event({ httpMethod: 'GET', body: null, requestContext: { authorizer: none } })
  assert.equal((await answer(app, nothing)).statusCode, 403, 'what is no scope allows nothing')
  const gone = pretends({ result: 'known', subject: 'agent_9', scopes: null })
  const refused = pretends({ result: 'refused', why: 'expired' })
  for (const stranger of [gone, refused, undefined]) {
    await assert.rejects(authorise(engine.store, asked, stranger), { message: 'Unauthorized' })
  }
  const away = authorise(engine.store, asked, pretends({ result: 'no_keys' }))
  await assert.rejects(away, { message: 'the keys of the tokens cannot be read' })
})

test('where the table cannot be read nobody is called a stranger', async () => {
  const away = { read: () => Promise.reject(new Error('the table is away')) }
  const asked = authorise(away, asking(`Bearer ${tokens.agent}`))
  await assert.rejects(asked, { message: 'the table is away' })
})

test('the answer of the gate is small, whatever the names are', async () => {
  const { engine } = await createHttpWorld()
  const agent = {
    id: 'a'.repeat(64),
    account: 'b'.repeat(64),
    name: '',
    suspended: false,
    mandate: null,
  }
  await addAgent(engine, agent, 'a-token-of-a-long-name')
  const verdict = await authorise(engine.store, asking('Bearer a-token-of-a-long-name'))
  assert(JSON.stringify(verdict).length < 8_192)
})

test('the gate turns away who is not known, without a word of why', async () => {
  const { engine } = await createHttpWorld()
  for (const header of [
    undefined,
    '',
    'Bearer',
    'Bearer nobody-has-this-token',
    'Basic x',
    tokens.agent,
  ]) {
    await assert.rejects(authorise(engine.store, asking(header)), { message: 'Unauthorized' })
  }
})

const body = JSON.stringify({ amount: 1999, currency: 'EUR', payee: 'ACME', reference: 'INV-1' })

const event = (over: Partial<GatewayEvent> = {}): GatewayEvent => ({
  httpMethod: 'POST',
  path: '/v1/payments',
  multiValueHeaders: {
    'Idempotency-Key': ['key-1'],
    'Content-Type': ['application/json'],
    Prefer: ['wait=20'],
  },
  multiValueQueryStringParameters: null,
  body,
  isBase64Encoded: false,
  requestContext: { authorizer: { role: 'agent', agent: 'agent_1', account: 'account_1' } },
  ...over,
})

test('the door claims for whom the gate let in, and answers a replay as before', async () => {
  const { app } = await createHttpWorld()
  const quick = {
    multiValueHeaders: { 'Idempotency-Key': ['key-1'], 'Content-Type': ['application/json'] },
  }
  const first = await answer(app, event(quick))
  assert.equal(first.statusCode, 202)
  const bytes = Buffer.from(body).toString('base64')
  const again = await answer(app, event({ ...quick, body: bytes, isBase64Encoded: true }))
  assert.deepEqual([again.statusCode, again.headers['idempotent-replayed']], [202, 'true'])
  assert.equal(JSON.parse(again.body).id, JSON.parse(first.body).id)
})

test('waiting is cut short, and a strange path stays on our host', async () => {
  const seen: Request[] = []
  const app = {
    fetch: async (request: Request) => {
      seen.push(request)
      return new Response('{}')
    },
  }
  for (const [sent, got] of [
    ['wait=20', 'wait=5'],
    ['respond-async, WAIT="30"', 'respond-async, wait=5'],
    ['wait=3', 'wait=3'],
  ] as const) {
    await answer(app, event({ multiValueHeaders: { PREFER: [sent] } }))
    assert.equal(seen.at(-1)?.headers.get('prefer'), got)
  }
  await answer(app, event({ path: '//elsewhere.example/v1/payments' }))
  assert.equal(new URL(seen.at(-1)?.url ?? '').host, 'localhost')
})

test('a header says nothing about who asks', async () => {
  const { app } = await createHttpWorld()
  const forged = event({
    multiValueHeaders: {
      ...event().multiValueHeaders,
      Authorization: [`Bearer ${tokens.agent}`],
      role: ['operator'],
    },
    requestContext: {},
  })
  assert.equal((await answer(app, forged)).statusCode, 401)
  const half = event({ requestContext: { authorizer: { role: 'agent', agent: 'agent_1' } } })
  assert.equal((await answer(app, half)).statusCode, 401)
  const agent = event({ httpMethod: 'GET', path: '/v1/stop', body: null })
  assert.equal((await answer(app, agent)).statusCode, 403)
})

test('below /aws the role of the caller counts, and nothing that an authoriser would say', async () => {
  const { app } = await createHttpWorld()
  const roles = [{ iamRole: 'operators', role: 'operator' }] as const
  const userArn = 'arn:aws:sts::123456789012:assumed-role/operators/ada'
  const agents = { httpMethod: 'GET', path: '/aws/v1/agents', body: null }
  const signed = event({ ...agents, requestContext: { identity: { userArn } } })
  assert.equal((await answer(app, signed, roles)).statusCode, 200)
  assert.equal((await answer(app, signed, [])).statusCode, 401)
  const operator = { authorizer: { role: 'operator', name: 'mallory' } }
  const forged = event({ ...agents, requestContext: operator })
  assert.equal((await answer(app, forged, roles)).statusCode, 401)
  // Without the prefix nobody has checked a signature.
  const plain = event({ ...agents, path: '/v1/agents', requestContext: { identity: { userArn } } })
  assert.equal((await answer(app, plain, roles)).statusCode, 401)
})

test('queries keep every value, and a route that is open needs nobody', async () => {
  const { app } = await createHttpWorld()
  const listed = event({
    httpMethod: 'GET',
    body: null,
    multiValueQueryStringParameters: { limit: ['1', '2'] },
  })
  assert.equal((await answer(app, listed)).statusCode, 400)
  const health = await answer(app, {
    ...event({ httpMethod: 'GET', path: '/healthz', body: null }),
    requestContext: {},
  })
  assert.equal(health.statusCode, 200)
})
