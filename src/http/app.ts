// The HTTP door: the route table as a Hono app. It needs no socket: a Lambda, the simulation and the
// tests call `fetch`. What goes wrong anywhere behind it becomes a problem that says what to do.
import { Hono } from 'hono'
import type { Context } from 'hono'

import { reject } from '../core/rejections.ts'
import type { RejectionCode } from '../core/rejections.ts'
import { identifyCaller } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { readIdempotencyKey, requestIdOf, traceIdOf } from './headers.ts'
import { problem } from './problem.ts'
import type { Refusal } from './problem.ts'
import type { Reply, Route } from './route.ts'
import { routes } from './routes.ts'
import type { Answer, HttpService, Surroundings } from './service.ts'
import { traced } from './trace.ts'
import { isUnreadable, watchStore } from '../engine/watch-store.ts'

export function createApp(service: HttpService): Hono {
  // Wherever it is opened: a store that cannot be read must not look like a bug of ours.
  const engine = Object.freeze({ ...service.engine, store: watchStore(service.engine.store) })
  const watched: HttpService = { ...service, engine }
  const app = new Hono()
  for (const route of routes) {
    app.on(route.method, honoPath(route.path), (c) => answer(c, watched, route, app))
  }
  for (const path of new Set(routes.map((route) => route.path))) {
    const methods = routes.filter((route) => route.path === path).map((route) => route.method)
    app.all(honoPath(path), (c) => methodNotAllowed(c, watched, methods, app))
  }
  app.notFound((c) => respondNotFound(c, watched, app))
  // Everything is caught where the answer is made; this is for a fault in there.
  app.onError((error, c) => respond(c, watched, fault(c, watched, c.req.path, error)))
  return app
}

const honoPath = (path: string): string => path.replace(/\{(\w+)\}/, ':id')

async function answer(
  c: Context,
  service: HttpService,
  route: Route,
  app: Hono,
): Promise<Response> {
  const x = exchange(c, service, route.path, app)
  try {
    return respond(c, service, await route.run(x))
  } catch (error) {
    return respond(c, service, fault(c, service, route.path, error))
  }
}

function exchange(c: Context, service: HttpService, template: string, app: Hono): Exchange {
  const id = c.req.param('id') ?? ''
  // Hono leaves the type of its surroundings to the app; only `serve.ts` gives any.
  const { closing = null, caller } = (c.env ?? {}) as Surroundings
  const path = template.replace(/\{\w+\}/, () => id)
  return {
    service: { ...service, engine: traced(service.engine, traceId(c)) },
    request: c.req.raw,
    path,
    id,
    closing,
    ...(caller === undefined ? {} : { caller }),
    inside: (request) => app.fetch(request, c.env as Surroundings),
  }
}

// ── Nothing there ────────────────────────────────────────────────────────────────────────────────

async function methodNotAllowed(
  c: Context,
  service: HttpService,
  methods: readonly string[],
  app: Hono,
): Promise<Response> {
  const allow = methods
    .flatMap((method) => (method === 'GET' ? ['GET', 'HEAD'] : [method]))
    .join(', ')
  const refused = await refuseTo(c, service, app, 'method_not_allowed', `It takes ${allow}.`)
  return respond(c, service, refused, { allow })
}

async function respondNotFound(c: Context, service: HttpService, app: Hono): Promise<Response> {
  const detail = 'GET /openapi.json lists what there is.'
  return respond(c, service, await refuseTo(c, service, app, 'not_found', detail))
}

// Strangers are not told what there is and what not.
async function refuseTo(
  c: Context,
  service: HttpService,
  app: Hono,
  code: RejectionCode,
  detail: string,
): Promise<Refusal> {
  const refused: Refusal = { rejection: reject(code, detail) }
  if (!c.req.path.startsWith('/v1/')) return refused
  try {
    const who = await identifyCaller(exchange(c, service, c.req.path, app))
    return 'rejection' in who ? who : refused
  } catch (error) {
    return fault(c, service, 'unknown', error)
  }
}

// ── Faults ───────────────────────────────────────────────────────────────────────────────────────

function fault(c: Context, { engine }: HttpService, route: string, error: unknown): Refusal {
  const unreadable = isUnreadable(error)
  const detail = error instanceof Error ? (error.stack ?? error.message) : String(error)
  engine.log({
    level: 'error',
    kind: unreadable ? 'store_unreadable' : 'http_fault',
    route,
    request_id: requestId(c),
    trace_id: traceId(c),
    detail: detail.slice(0, maxLogged),
  })
  return {
    rejection: unreadable
      ? reject('retry_same_key', 'The store cannot be read now.')
      : reject('internal', 'It is in the log, under the Request-Id of this answer.'),
  }
}

/** A stack trace says enough in so many characters. */
const maxLogged = 4000

// ── The answer ───────────────────────────────────────────────────────────────────────────────────

function respond(
  c: Context,
  service: HttpService,
  reply: Reply,
  headers: Answer['headers'] = {},
): Response {
  if ('rejection' in reply) service.engine.meter.rejected(reply.rejection.code)
  const made = 'rejection' in reply ? problem(reply, placeOf(c, service)) : reply
  const { body } = made
  const isMade = typeof body === 'string' || body instanceof ReadableStream
  return new Response(isMade ? body : JSON.stringify(body), {
    status: made.status,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'x-content-type-options': 'nosniff',
      'request-id': requestId(c),
      'trace-id': traceId(c),
      ...keyEcho(c),
      ...made.headers,
      ...reply.headers,
      ...headers,
    },
  })
}

function placeOf(c: Context, { engine, docsUrl = '/docs' }: HttpService) {
  return { instance: c.req.path.slice(0, maxInstance), docsUrl, nowMs: engine.time.nowMs(0) }
}

/** Our longest path is a quarter of this. */
const maxInstance = 200

function keyEcho(c: Context): Answer['headers'] {
  const key = c.req.method === 'POST' ? c.req.raw.headers.get('idempotency-key') : null
  return key !== null && readIdempotencyKey(key) !== null ? { 'idempotency-key': key } : {}
}

// Made once for a request, so that the log and the answer name the same one.
function requestId(c: Context): string {
  const known: unknown = c.get('requestId')
  if (typeof known === 'string') return known
  const made = requestIdOf(c.req.raw.headers.get('request-id') ?? undefined)
  c.set('requestId', made)
  return made
}

function traceId(c: Context): string {
  const known: unknown = c.get('traceId')
  if (typeof known === 'string') return known
  const made = traceIdOf(c.req.raw.headers.get('traceparent') ?? undefined)
  c.set('traceId', made)
  return made
}
