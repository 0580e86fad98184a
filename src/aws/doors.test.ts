// The gate and the door behind it: who asks is found out once, and believed from the gateway only.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld, tokens } from '../../test/http-world.ts'
import { authorise } from './authorise.ts'
import type { AuthoriserEvent } from './authorise.ts'
import { answer } from './intake.ts'
import type { GatewayEvent } from './intake.ts'

const arn = 'arn:aws:execute-api:eu-central-1:123456789012:api/main/POST/v1/payments'

const asking = (authorization: string | undefined, path = '/v1/payments'): AuthoriserEvent => ({
  methodArn: arn,
  httpMethod: 'POST',
  path,
  headers: authorization === undefined ? null : { Authorization: authorization },
})

test('the gate lets in who is known, to their own routes, and says who it was', async () => {
  const { engine } = await createHttpWorld()
  const agent = await authorise(engine.store, asking(`Bearer ${tokens.agent}`))
  assert.deepEqual(agent.context, { role: 'agent', agent: 'agent_1', account: 'account_1' })
  const [statement] = agent.policyDocument.Statement
  assert.deepEqual([statement.Effect, statement.Resource], ['Allow', arn])
  for (const path of ['/v1/stop', '/v1/paymentsx', '/v1/agents', '/v1/mandate/x']) {
    const denied = await authorise(engine.store, asking(`Bearer ${tokens.agent}`, path))
    assert.equal(denied.policyDocument.Statement[0].Effect, 'Deny', path)
  }
  const operator = await authorise(engine.store, asking(`bearer ${tokens.operator}`, '/v1/stop'))
  assert.equal(operator.policyDocument.Statement[0].Effect, 'Allow')
  assert.deepEqual(operator.context, { role: 'operator', name: 'Olga' })
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
