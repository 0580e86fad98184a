// The REST API of the template, on a port of this machine: finds the route, asks who may pass, looks
// for the headers that have to be there, hands over to the function, and answers.
// Source: API Gateway Developer Guide, "Set up Lambda proxy integrations", "Throttle requests". Not
// here: usage plans by key, WAF, caching, compression, binary media types, mutual TLS, logging of
// executions. Functions that fail answer DEFAULT_5XX.
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

import { asNumber, asObject, asText, isObject, listOf, onlyKnown, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import { readCredential } from '../aws/wire.ts'
import type { Result } from '../aws/sandbox.ts'
import type { Guard } from '../iam/guard.ts'
import type { Meter } from '../meter.ts'
import type { Resource, Template } from '../template/template.ts'
import { askAuthoriser, askPolicies, readAuthorisers } from './authoriser.ts'
import type { Verdict } from './authoriser.ts'
import { createResponses } from './responses.ts'
import type { Reply, ResponseType } from './responses.ts'
import { finder, readRoutes } from './routes.ts'
import type { Found, Route } from './routes.ts'

export interface Gateway {
  /** With the stage, as the deployed one has it. */
  readonly url: string
  readonly routes: readonly Route[]
  readonly stop: () => Promise<void>
}

export interface GatewayWorld {
  readonly guard: Guard
  readonly meter: Meter
  readonly invoke: (functionArn: string, event: Json) => Promise<Result>
  /** Who signs with this access key, outside of Lambda. */
  readonly callerOf: (accessKey: string) => string | null
}

interface Asked {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  readonly requestId: string
  readonly address: string
}

const integrationTimeoutMs = 29_000
const longestBody = 10_485_760

export async function startGateway(template: Template, world: GatewayWorld): Promise<Gateway> {
  const [stage, ...others] = template.ofType('AWS::ApiGateway::Stage')
  if (stage === undefined || others.length > 0) throw new Error('there should be one stage')
  const routes = readRoutes(template)
  const authorisers = readAuthorisers(template)
  const find = finder(routes)
  const respond = createResponses(template)
  const hasRoom = limiter(stage)
  const logLine = accessLog(stage, world.meter)
  const apiId = asText(stage.properties['RestApiId'], stage.id)
  const stageName = asText(stage.properties['StageName'], stage.id)

  const answer = async (asked: Asked): Promise<Reply> => {
    world.meter.add('api_requests', 'gateway')
    const refuse = (type: ResponseType): Reply => respond(type, { requestId: asked.requestId })
    const path = asked.path.startsWith(`/${stageName}`)
      ? asked.path.slice(stageName.length + 1)
      : ''
    const found = find(asked.method, path)
    if (found === null) return refuse('MISSING_AUTHENTICATION_TOKEN')
    if (!hasRoom()) return refuse('THROTTLED')
    if (Buffer.byteLength(asked.body) > longestBody) return refuse('REQUEST_TOO_LARGE')
    const event = eventOf(asked, path, found, { apiId, stageName })
    const verdict = await judge(found.route, event)
    if (!verdict.pass) return refuse(verdict.response)
    const isThere = (name: string): boolean => (asked.headers[name.toLowerCase()] ?? '') !== ''
    if (!found.route.requiredHeaders.every(isThere)) return refuse('BAD_REQUEST_PARAMETERS')
    const passed = withVerdict(event, verdict.context, callerIn(event, world))
    const result = await within(
      integrationTimeoutMs,
      call(
        found.route.functionArn,
        `arn:aws:execute-api:us-east-1:000000000000:${apiId}/${stageName}/${asked.method}${found.route.path}`,
        passed,
      ),
    )
    if (result === 'late') return refuse('INTEGRATION_TIMEOUT')
    return (result.ok ? replyOf(result.payload) : null) ?? refuse('DEFAULT_5XX')
  }
  const judge = async (route: Route, event: JsonObject): Promise<Verdict> => {
    const methodArn = asText(event['methodArn'], 'methodArn')
    if (route.authorisation === 'NONE') return { pass: true, context: {} }
    if (route.authorisation === 'AWS_IAM') {
      return askPolicies(world.guard, callerIn(event, world), methodArn)
    }
    const authoriser = authorisers.get(route.authorizerId ?? '')
    if (authoriser === undefined) return { pass: false, response: 'AUTHORIZER_CONFIGURATION_ERROR' }
    const source = `arn:aws:execute-api:us-east-1:000000000000:${apiId}/authorizers/${authoriser.id}`
    return askAuthoriser(authoriser, event, async (asked) =>
      call(authoriser.functionArn, source, asked),
    )
  }
  const call = async (functionArn: string, source: string, event: Json): Promise<Result> => {
    const need = {
      action: 'lambda:InvokeFunction',
      resource: functionArn,
      context: { 'aws:SourceArn': source },
    }
    const denied = await world.guard.service('apigateway.amazonaws.com', need)
    if (denied !== null) return { ok: false, error: { errorType: 'Denied', errorMessage: denied } }
    return world.invoke(functionArn, event)
  }
  return listen(stageName, routes, async (request) => {
    const asked = await read(request)
    const reply = await answer(asked).catch((error: unknown) => {
      console.error('gateway:', error)
      return respond('DEFAULT_5XX', { requestId: asked.requestId })
    })
    logLine(asked, reply)
    return reply
  })
}

async function listen(
  stageName: string,
  routes: readonly Route[],
  answer: (request: IncomingMessage) => Promise<Reply>,
): Promise<Gateway> {
  const server = createServer((request, response) => {
    answer(request).then(
      ({ status, headers, body }) => response.writeHead(status, headers).end(body),
      () => response.destroy(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  return Object.freeze({
    url: `http://127.0.0.1:${port}/${stageName}`,
    routes,
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  })
}

async function read(request: IncomingMessage): Promise<Asked> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const url = new URL(request.url ?? '/', 'http://localhost')
  const headers = Object.entries(request.headers).map(([key, value]) => [key, String(value ?? '')])
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    headers: Object.fromEntries(headers) as Record<string, string>,
    body: Buffer.concat(chunks).toString('utf8'),
    requestId: randomUUID(),
    address: request.socket.remoteAddress ?? '127.0.0.1',
  }
}

/** The event of a proxy integration, in its first format. */
function eventOf(
  asked: Asked,
  path: string,
  { route, parameters }: Found,
  { apiId, stageName }: { readonly apiId: string; readonly stageName: string },
): JsonObject {
  const { method, headers, query, body, requestId, address } = asked
  const names = [...new Set(query.keys())]
  const isEmpty = names.length === 0
  return {
    resource: route.path,
    path,
    httpMethod: method,
    headers,
    multiValueHeaders: Object.fromEntries(
      Object.entries(headers).map(([key, value]) => [key, [value]]),
    ),
    queryStringParameters: isEmpty ? null : Object.fromEntries(query),
    multiValueQueryStringParameters: isEmpty
      ? null
      : Object.fromEntries(names.map((name) => [name, query.getAll(name)])),
    pathParameters: Object.keys(parameters).length === 0 ? null : parameters,
    stageVariables: null,
    methodArn: `arn:aws:execute-api:us-east-1:000000000000:${apiId}/${stageName}/${method}${path}`,
    requestContext: {
      accountId: '000000000000',
      apiId,
      domainName: `${apiId}.execute-api.us-east-1.amazonaws.com`,
      httpMethod: method,
      identity: {
        sourceIp: address,
        userAgent: headers['user-agent'] ?? null,
        accessKey: readCredential(headers)?.accessKey ?? null,
        // The validator of AWS identities fills these in.
        caller: null,
        userArn: null,
      },
      path: `/${stageName}${path}`,
      protocol: 'HTTP/1.1',
      requestId,
      requestTimeEpoch: Date.now(),
      resourcePath: route.path,
      stage: stageName,
    },
    body: body === '' ? null : body,
    isBase64Encoded: false,
  }
}

/** What the one who let it pass has to say goes with the request. */
function withVerdict(event: JsonObject, context: JsonObject, callerArn: string | null): JsonObject {
  const requestContext = asObject(event['requestContext'], 'requestContext')
  const identity = asObject(requestContext['identity'], 'identity')
  const role = callerArn?.split('/').at(-1)
  const signed = {
    caller: 'AROALOCAL:local',
    userArn: `arn:aws:sts::000000000000:assumed-role/${role}/local`,
  }
  return {
    ...event,
    requestContext: {
      ...requestContext,
      authorizer: context,
      identity: callerArn === null ? identity : { ...identity, ...signed },
    },
  }
}

function callerIn(event: JsonObject, world: GatewayWorld): string | null {
  const credential = readCredential(asObject(event['headers'], 'headers') as Record<string, string>)
  return credential?.service === 'execute-api' ? world.callerOf(credential.accessKey) : null
}

function replyOf(payload: string): Reply | null {
  const answer = JSON.parse(payload) as Json
  if (!isObject(answer) || typeof answer['statusCode'] !== 'number') return null
  const { statusCode, headers = {}, multiValueHeaders = {}, body = '', isBase64Encoded } = answer
  if (isBase64Encoded === true) throw new Error('an answer in base64')
  const several = Object.entries(asObject(multiValueHeaders, 'headers')).map(([key, values]) => [
    key,
    listOf(values).map(wordOf).join(', '),
  ])
  return {
    status: statusCode,
    headers: {
      ...(asObject(headers, 'headers') as Record<string, string>),
      ...(Object.fromEntries(several) as Record<string, string>),
    },
    body: typeof body === 'string' ? body : '',
  }
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T | 'late'> {
  const { promise: late, resolve } = Promise.withResolvers<'late'>()
  const timer = setTimeout(() => resolve('late'), ms)
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** The stage's token bucket. */
function limiter({ id, properties }: Resource): () => boolean {
  const settings = listOf(properties['MethodSettings']).map((each) => asObject(each, id))
  const [own = {}] = settings
  if (settings.length > 1) throw new Error(`${id} has settings by method`)
  const rate = asNumber(own['ThrottlingRateLimit'] ?? 10_000, id)
  const burst = asNumber(own['ThrottlingBurstLimit'] ?? 5_000, id)
  let [tokens, atMs] = [burst, Date.now()]
  return () => {
    const nowMs = Date.now()
    tokens = Math.min(burst, tokens + ((nowMs - atMs) / 1_000) * rate)
    atMs = nowMs
    if (tokens < 1) return false
    tokens -= 1
    return true
  }
}

function accessLog(
  { id, properties }: Resource,
  meter: Meter,
): (asked: Asked, reply: Reply) => void {
  onlyKnown(id, properties, [
    'AccessLogSetting',
    'DeploymentId',
    'MethodSettings',
    'RestApiId',
    'StageName',
    'TracingEnabled',
    'Tags',
  ])
  const { Format = '' } = asObject(properties['AccessLogSetting'] ?? {}, id)
  return (asked, reply) => {
    const values: Readonly<Record<string, string>> = {
      requestId: asked.requestId,
      httpMethod: asked.method,
      resourcePath: asked.path,
      status: String(reply.status),
    }
    const line = wordOf(Format).replaceAll(
      /\$context\.([\w.]+)/g,
      (_, name: string) => values[name] ?? '123',
    )
    meter.add('log_bytes', 'gateway', Buffer.byteLength(line))
  }
}
