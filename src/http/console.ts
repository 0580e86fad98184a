// The console in front of the app: its files, signing in and out, and the cookie in place of a token.
// It has no way into the engine: what a person does is a request to the API like any other, under the
// name of that person.
import { createHash, timingSafeEqual } from 'node:crypto'

import * as z from 'zod'

import { reject } from '../core/rejections.ts'
import { identify } from '../engine/identity.ts'
import type { Engine } from '../engine/engine.ts'
import { decodeUtf8, readBytes } from './body.ts'
import { openConsoleFiles } from './console-files.ts'
import type { ConsoleFiles } from './console-files.ts'
import { readBearer } from './headers.ts'
import { problem } from './problem.ts'
import type { Refusal } from './problem.ts'
import type { Surroundings } from './service.ts'
import { createSessions, readSessionId, sessionCookie } from './session.ts'
import type { Person, Session, Sessions } from './session.ts'

interface App {
  readonly fetch: (request: Request, env: Surroundings) => Response | Promise<Response>
}

export interface ConsoleOptions {
  /** Reads as an operator does and changes nothing; `null`: there is none. */
  readonly viewerToken: string | null
  readonly files?: ConsoleFiles
  readonly sessions?: Sessions
}

interface Gate extends ConsoleOptions {
  readonly engine: Pick<Engine, 'store' | 'log' | 'processors' | 'time'>
  readonly app: App
  readonly sessions: Sessions
}

const sessionPath = '/console/session'

/** Other sites cannot send it without asking first, and nobody answers them. */
const ownHeader = 'x-quittance-console'

/** A token and its quotes. */
const maxSignInBytes = 4_096

/** Where the cookie stands for a token; agents' doors and webhooks know no cookies. */
const cookiePaths = /^\/(?:v1\/|metrics$)/

const readMethods = new Set(['GET', 'HEAD'])

export function withConsole(app: App, engine: Gate['engine'], options: ConsoleOptions): App {
  const files = options.files ?? openConsoleFiles()
  const { viewerToken, sessions = createSessions() } = options
  const gate: Gate = { app, engine, viewerToken, sessions }
  return Object.freeze<App>({
    async fetch(request, env) {
      const { pathname } = new URL(request.url)
      if (pathname === sessionPath) return answerSession(gate, request)
      if (readMethods.has(request.method)) {
        const file = await files.answer(request, pathname)
        if (file !== null) return file
      }
      return passOn(gate, request, pathname, env)
    },
  })
}

// ── What goes on to the API ──────────────────────────────────────────────────────────────────────

function passOn(
  gate: Gate,
  request: Request,
  path: string,
  env: Surroundings,
): Response | Promise<Response> {
  const authorization = request.headers.get('authorization')
  if (authorization !== null) {
    const token = readBearer(authorization)
    const isViewer = token !== null && isSame(token, gate.viewerToken)
    return isViewer ? as(gate, viewer, request, env) : gate.app.fetch(request, env)
  }
  if (!cookiePaths.test(path) || !request.headers.has(ownHeader))
    return gate.app.fetch(request, env)
  if (!readMethods.has(request.method) && !isFromHere(request))
    return refuse(gate, request, foreign)
  const session = sessionOf(gate, request)
  return session === null
    ? gate.app.fetch(request, { ...env, caller: null })
    : as(gate, session, request, env)
}

function as(
  gate: Gate,
  { role, name }: Person,
  request: Request,
  env: Surroundings,
): Response | Promise<Response> {
  if (role === 'viewer' && !readMethods.has(request.method)) return refuse(gate, request, onlyLooks)
  return gate.app.fetch(request, { ...env, caller: { role: 'operator', name } })
}

const viewer: Person = { role: 'viewer', name: 'viewer' }

const onlyLooks: Refusal = {
  rejection: reject('forbidden', 'A viewer only looks; sign in with an operator’s token to act.'),
}

const foreign: Refusal = {
  rejection: reject('forbidden', 'This request was not made by the console of this service.'),
}

/** Compared by their hashes, so that neither length nor beginning shows in the time that it takes. */
function isSame(given: string, known: string | null): boolean {
  if (known === null) return false
  const hash = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(hash(given), hash(known))
}

// Browsers send the origin with every request that could change something. The scheme is not compared:
// behind a proxy that ends TLS we see another one.
function isFromHere(request: Request): boolean {
  const origin = request.headers.get('origin')
  if (origin === null || !URL.canParse(origin)) return false
  const host = request.headers.get('host') ?? new URL(request.url).host
  return new URL(origin).host === host
}

// ── Signing in and out ───────────────────────────────────────────────────────────────────────────

async function answerSession(gate: Gate, request: Request): Promise<Response> {
  const isOurs = request.headers.has(ownHeader)
  switch (request.method) {
    case 'GET':
      return isOurs ? show(gate, sessionOf(gate, request)) : refuse(gate, request, foreign)
    case 'POST':
      if (!isOurs || !isFromHere(request)) return refuse(gate, request, foreign)
      return signIn(gate, request)
    case 'DELETE':
      if (!isOurs || !isFromHere(request)) return refuse(gate, request, foreign)
      return signOut(gate, request)
    default:
      return refuse(gate, request, {
        rejection: reject('method_not_allowed', 'GET, POST, DELETE.'),
      })
  }
}

function sessionOf({ sessions, engine }: Gate, request: Request): Session | null {
  const id = readSessionId(request.headers.get('cookie'))
  return id === null ? null : sessions.find(id, engine.time.nowMs(0))
}

function show({ engine }: Gate, session: Session | null, cookie?: string): Response {
  const body = {
    object: 'console_session',
    signed_in: session !== null,
    name: session?.name ?? null,
    role: session?.role ?? null,
    expires_at: session === null ? null : new Date(session.expiresAtMs).toISOString(),
    // Told only to who is in: strangers learn nothing of how this service is set up.
    sandbox: session !== null && engine.processors.has('simulated'),
  }
  const headers = { 'cache-control': 'no-store', ...(cookie ? { 'set-cookie': cookie } : {}) }
  return Response.json(body, { headers })
}

const signInBody = z.strictObject({ token: z.string().min(1).max(512) })

async function signIn(gate: Gate, request: Request): Promise<Response> {
  const { engine, sessions } = gate
  const read = await readBytes(request, maxSignInBytes)
  const token = read.fault === undefined ? tokenIn(decodeUtf8(read.bytes) ?? '') : null
  if (token === null) return refuse(gate, request, noToken)
  const person = await personOf(gate, token).catch(() => 'unreadable' as const)
  if (person === 'unreadable') return refuse(gate, request, unreadable)
  if (person === 'agent') return refuse(gate, request, agentToken)
  if (person === null) return refuse(gate, request, nobody)
  const nowMs = engine.time.nowMs(0)
  const session = sessions.begin(person, nowMs)
  const { role, name } = person
  engine.log({ level: 'info', kind: 'console_signed_in', role, operator: name })
  const maxAgeSeconds = Math.floor((session.expiresAtMs - nowMs) / 1000)
  return show(gate, session, sessionCookie(session.id, maxAgeSeconds, isSecure(request)))
}

function tokenIn(text: string): string | null {
  try {
    const parsed = signInBody.safeParse(JSON.parse(text))
    return parsed.success ? parsed.data.token.trim() : null
  } catch {
    return null
  }
}

async function personOf(
  { engine, viewerToken }: Gate,
  token: string,
): Promise<Person | 'agent' | null> {
  if (isSame(token, viewerToken)) return viewer
  const identity = await identify(engine, token)
  if (identity === null) return null
  return identity.role === 'operator' ? { role: 'operator', name: identity.name } : 'agent'
}

function signOut(gate: Gate, request: Request): Response {
  const id = readSessionId(request.headers.get('cookie'))
  if (id !== null) gate.sessions.end(id)
  return show(gate, null, sessionCookie('', 0, isSecure(request)))
}

function isSecure(request: Request): boolean {
  const forwarded = request.headers.get('x-forwarded-proto')
  return (forwarded ?? new URL(request.url).protocol).startsWith('https')
}

const noToken: Refusal = {
  rejection: reject('invalid_request', 'Send {"token": "…"} with an operator’s token.'),
}
const nobody: Refusal = {
  rejection: reject(
    'unauthenticated',
    'Nobody has this token. `npm start` keeps its own in tokens.json of the data folder (.quittance).',
  ),
}
const agentToken: Refusal = {
  rejection: reject('forbidden', 'This is an agent’s token; the console takes an operator’s.'),
}
const unreadable: Refusal = {
  rejection: reject('retry_same_key', 'The store cannot be read now; try again.'),
}

function refuse({ engine }: Gate, request: Request, refusal: Refusal): Response {
  const instance = new URL(request.url).pathname.slice(0, 200)
  const place = { instance, docsUrl: '/docs', nowMs: engine.time.nowMs(0) }
  const { status, body, headers } = problem(refusal, place)
  return new Response(JSON.stringify(body), {
    status,
    headers: { ...headers, 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' },
  })
}
