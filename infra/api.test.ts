// The door as the gateway keeps it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { rejectionTable } from '../src/core/rejections.ts'
import { routes } from '../src/http/routes.ts'
import { refersTo, World } from './testkit.ts'
import type { Resource } from './testkit.ts'

const world = new World()

// Test payments are sent from the console, recovery is of a file, a batch shares its fsync; for accounts and
// the life of tokens there is no room in the template.
const ofOneMachine =
  /^\/v1\/(sandbox\/payments$|recovery|payments\/batch$|accounts|agents\/\{agentId\}\/tokens)/

test('every route of the code is there, and no other', () => {
  const there = routes.filter(({ path }) => !ofOneMachine.test(path))
  const expected = there.flatMap(({ method, path, access }) => {
    const twin = access !== 'anyone' && path.startsWith('/v1/')
    return [`${method} ${path}`, ...(twin ? [`${method} /aws${path}`] : [])]
  })
  assert.deepEqual([...methods(world).keys()].toSorted(), expected.toSorted())
})

test('a route for anyone asks nobody; the others ask the authoriser, or IAM below /aws', () => {
  for (const [route, { Properties }] of methods(world)) {
    const [method = '', path = ''] = route.split(' ')
    const found = routes.find(
      (each) => each.method === method && each.path === path.replace(/^\/aws/, ''),
    )
    const expected =
      found?.access === 'anyone' ? 'NONE' : path.startsWith('/aws') ? 'AWS_IAM' : 'CUSTOM'
    assert.equal(Properties['AuthorizationType'], expected, route)
  }
})

test('a POST of an agent needs a key; nothing else about it is looked at here', () => {
  for (const [route, { Properties }] of methods(world)) {
    const [method, path = ''] = route.split(' ')
    const found = routes.find(
      (each) => each.method === method && each.path === path.replace(/^\/aws/, ''),
    )
    const keyed = found?.headers.includes('idempotency-key') === true
    assert.deepEqual(
      Properties['RequestParameters'],
      keyed ? { 'method.request.header.Idempotency-Key': true } : undefined,
      route,
    )
    assert.equal(Properties['RequestValidatorId'] !== undefined, keyed, route)
    assert.equal(Properties['RequestModels'], undefined, route)
  }
  const [validator, ...others] = world.all('ApiGateway::RequestValidator')
  assert.equal(others.length, 0)
  assert.equal(validator?.Properties['ValidateRequestParameters'], true)
  assert.equal(validator?.Properties['ValidateRequestBody'], false)
})

test('without identities there are no routes for signed requests, and no policies', () => {
  const open = new World({ identities: [] })
  const signed = [...methods(open).keys()].filter((route) => route.includes('/aws'))
  assert.deepEqual(signed, [])
  assert.equal(open.all('IAM::ManagedPolicy').length, 0)
  const { Variables } = open.one('Lambda::Function', 'Intake').Properties['Environment']
  assert.equal(Variables.QUITTANCE_IAM_CALLERS, '[]')
})

// ── What the gateway says by itself ──────────────────────────────────────────────────────────────

const kinds = [
  'ACCESS_DENIED',
  'API_CONFIGURATION_ERROR',
  'AUTHORIZER_CONFIGURATION_ERROR',
  'AUTHORIZER_FAILURE',
  'BAD_REQUEST_BODY',
  'BAD_REQUEST_PARAMETERS',
  'DEFAULT_4XX',
  'DEFAULT_5XX',
  'EXPIRED_TOKEN',
  'INTEGRATION_FAILURE',
  'INTEGRATION_TIMEOUT',
  'INVALID_API_KEY',
  'INVALID_SIGNATURE',
  'MISSING_AUTHENTICATION_TOKEN',
  'QUOTA_EXCEEDED',
  'REQUEST_TOO_LARGE',
  'RESOURCE_NOT_FOUND',
  'THROTTLED',
  'UNAUTHORIZED',
  'UNSUPPORTED_MEDIA_TYPE',
  'WAF_FILTERED',
]

test('whatever the gateway refuses by itself is a problem like those of the app', () => {
  const answers = world.all('ApiGateway::GatewayResponse')
  const types = answers.map(({ Properties }) => String(Properties['ResponseType']))
  assert.deepEqual(types.toSorted(), kinds)
  for (const { Properties } of answers) {
    const { status, code, title, next_action: next } = bodyOf(Properties)
    assert.ok(code in rejectionTable, code)
    assert.equal(String(status), Properties['StatusCode'])
    assert.ok(title.length > 0 && next.type.length > 0)
    const headers = Properties['ResponseParameters']
    assert.equal(
      headers['gatewayresponse.header.content-type'],
      "'application/problem+json'",
      Properties['ResponseType'],
    )
    assert.equal(headers['gatewayresponse.header.request-id'], 'context.requestId')
  }
})

test('none that may hide a payment reads as a failure: ask again with the same key', () => {
  for (const { Properties } of world.all('ApiGateway::GatewayResponse')) {
    const status = Number(Properties['StatusCode'])
    const { next_action: next, money_moved: moved, new_key_allowed: newKey } = bodyOf(Properties)
    assert.equal(newKey, false, Properties['ResponseType'])
    if (status !== 429 && status < 500) continue
    assert.equal(next.type, 'retry_same_key', Properties['ResponseType'])
    assert.equal(moved, 'unknown')
    const headers = Properties['ResponseParameters']
    assert.match(headers['gatewayresponse.header.retry-after'], /^'\d+'$/)
  }
})

test('a missing key is a 400 with its code, an unknown caller a 401', () => {
  const codes = Object.fromEntries(
    world
      .all('ApiGateway::GatewayResponse')
      .map(({ Properties }) => [Properties['ResponseType'], bodyOf(Properties)] as const)
      .map(([type, { status, code }]) => [type, `${status} ${code}`]),
  )
  assert.equal(codes['BAD_REQUEST_PARAMETERS'], '400 idempotency_key_missing')
  assert.equal(codes['UNAUTHORIZED'], '401 unauthenticated')
  assert.equal(codes['ACCESS_DENIED'], '403 forbidden')
  assert.equal(codes['THROTTLED'], '429 rate_limited')
  assert.equal(codes['INTEGRATION_TIMEOUT'], '503 retry_same_key')
})

// ── Stage ────────────────────────────────────────────────────────────────────────────────────────

test('the stage throttles, traces and keeps a line for each request, without bodies', () => {
  const [stage] = world.all('ApiGateway::Stage')
  const [settings] = stage?.Properties['MethodSettings'] ?? []
  assert.equal(settings.ResourcePath, '/*')
  assert.equal(settings.DataTraceEnabled, false)
  assert.equal(settings.ThrottlingRateLimit, 500)
  assert.equal(settings.ThrottlingBurstLimit, 1000)
  // Numbers of each route would be a few hundred metrics at $0.30 a month.
  assert.notEqual(settings.MetricsEnabled, true)
  assert.equal(stage?.Properties['TracingEnabled'], true)
  const { Format } = stage?.Properties['AccessLogSetting'] ?? {}
  assert.ok(JSON.parse(Format).request_id)
  assert.doesNotMatch(Format, /authorization|sourceIp|body/i)
})

test('the API is regional, and nothing invokes functions but this API', () => {
  const [api] = world.all('ApiGateway::RestApi')
  assert.deepEqual(api?.Properties['EndpointConfiguration'].Types, ['REGIONAL'])
  for (const { id, Properties } of world.all('Lambda::Permission')) {
    assert.ok(refersTo(Properties['SourceArn']).length > 0, id)
    assert.match(Properties['Principal'], /^(apigateway|events)[.]amazonaws[.]com$/, id)
  }
})

test('a usage plan binds agents once it has keys', () => {
  const open = world.all('ApiGateway::UsagePlan')
  assert.equal(open.length, 1)
  assert.equal(world.all('ApiGateway::ApiKey').length, 0)
  const planned = new World({
    usagePlan: { perSecond: 5, burst: 10, perDay: 1000, keys: ['robots'] },
  })
  const [plan] = planned.all('ApiGateway::UsagePlan')
  assert.deepEqual(plan?.Properties['Throttle'], { RateLimit: 5, BurstLimit: 10 })
  assert.deepEqual(plan?.Properties['Quota'], { Limit: 1000, Period: 'DAY' })
  assert.equal(planned.all('ApiGateway::ApiKey').length, 1)
  assert.equal(methods(planned).get('POST /v1/payments')?.Properties['ApiKeyRequired'], true)
  assert.notEqual(methods(planned).get('POST /v1/stop')?.Properties['ApiKeyRequired'], true)
})

test('a web ACL is put before the stage where one is given', () => {
  assert.equal(world.all('WAFv2::WebACLAssociation').length, 0)
  const webAclArn = 'arn:aws:wafv2:eu-west-1:123456789012:regional/webacl/a/b'
  const [association] = new World({ webAclArn }).all('WAFv2::WebACLAssociation')
  assert.equal(association?.Properties['WebACLArn'], webAclArn)
})

function bodyOf(properties: Resource['Properties']) {
  return JSON.parse(properties['ResponseTemplates']['application/json'])
}

/** `POST /v1/payments` → its method. */
function methods(of: World): Map<string, Resource> {
  const parts = new Map(of.all('ApiGateway::Resource').map((each) => [each.id, each.Properties]))
  const pathOf = (id: string | undefined): string => {
    const part = id === undefined ? undefined : parts.get(id)
    return part === undefined ? '' : `${pathOf(refersTo(part['ParentId'])[0])}/${part['PathPart']}`
  }
  return new Map(
    of
      .all('ApiGateway::Method')
      .map((each) => [
        `${each.Properties['HttpMethod']} ${pathOf(refersTo(each.Properties['ResourceId'])[0])}`,
        each,
      ]),
  )
}
