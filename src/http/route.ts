// The kinds of routes there are. A route says who may ask and what is sent, and its handler gets
// just that, checked; nothing else reaches the engine.
import type { z } from 'zod'

import type { Engine } from '../engine/engine.ts'
import { tooMany } from '../engine/submit.ts'
import type { Caller, RequestKey } from '../engine/submit.ts'
import {
  admitAgent,
  admitOperator,
  headerOf,
  identifyCaller,
  readBody,
  readIfMatch,
  readJson,
  readKey,
  readQuery,
  refuseQuery,
  refuseUnready,
} from './exchange.ts'
import type { Exchange } from './exchange.ts'
import { fingerprintOf } from './fingerprint.ts'
import { readWaitSeconds } from './headers.ts'
import type { Refusal } from './problem.ts'
import type { Answer } from './service.ts'
import { onlyOf, refuseUnseen } from './sight.ts'
import { refusePath, variableOf } from './variables.ts'

export type Reply = Answer | Refusal

/** How a route stands in the OpenAPI document. */
export interface RouteDoc {
  readonly name: string
  readonly summary: string
  readonly status: number
  /** The same answer under another status, and when. */
  readonly otherwise?: { readonly status: number; readonly description: string }
  /** JSON, unless told. */
  readonly contentType?: string
  readonly answer: z.ZodType
  readonly example: unknown
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** With at most one variable part, in braces; `variables.ts` says what may stand there. */
  readonly path: string
  readonly access: 'agent' | 'operator' | 'agent or operator' | 'anyone'
  readonly doc: RouteDoc
  readonly query: z.ZodObject | null
  readonly body: { readonly schema: z.ZodType; readonly example: unknown } | null
  readonly headers: readonly ('idempotency-key' | 'prefer' | 'if-match')[]
  readonly run: (x: Exchange) => Promise<Reply>
}

interface Asked {
  readonly engine: Engine
  readonly x: Exchange
  /** What the path names: the payment, the agent, the processor. */
  readonly id: string
  readonly nowMs: number
}

export interface Keyed<Body> extends Asked {
  readonly caller: Caller
  /** The agent asks too often: only a replay is answered, anything new for so long refused. */
  readonly limitedForMs: number | null
  readonly key: RequestKey
  readonly body: Body
  readonly waitMs: number
}

export interface Reading<Query> extends Asked {
  /** `null`: of every account, for an operator. */
  readonly account: string | null
  /** `null`: an operator asks. */
  readonly agent: string | null
  /** The one agent whose payments may be seen; `null`: those of all in the account. */
  readonly only: string | null
  readonly query: Query
  readonly waitMs: number
}

export interface Operating<Body> extends Asked {
  readonly operator: string
  readonly body: Body
}

interface Sent<Schema extends z.ZodType> {
  readonly schema: Schema
  readonly example: z.input<Schema>
}

function asked(x: Exchange): Asked {
  const { engine } = x.service
  return { engine, x, id: x.id, nowMs: engine.time.nowMs(0) }
}

const waitMsOf = (x: Exchange): number => readWaitSeconds(headerOf(x, 'prefer')) * 1000

/** Counts the request at the agent's door, and tells the agent how it stands with its limit. */
export async function paced(
  x: Exchange,
  { agent }: Caller,
  answer: (limitedForMs: number | null) => Promise<Reply>,
): Promise<Reply> {
  const { door, engine } = x.service
  if (door === undefined) return answer(null)
  const taken = door.take(agent, engine.time.nowMs(0))
  if (!taken.allowed) engine.meter.doorRefused()
  const reply = await answer(taken.allowed ? null : taken.retryAfterMs)
  return { ...reply, headers: { ...reply.headers, ...taken.headers } }
}

/** An agent asks for something that must happen once: a key is needed, repeats are replays. */
export function agentPost<Schema extends z.ZodType>(
  path: string,
  doc: RouteDoc,
  body: Sent<Schema>,
  handle: (given: Keyed<z.output<Schema>>) => Promise<Reply>,
): Route {
  const variable = variableOf(path)
  const run = async (x: Exchange): Promise<Reply> => {
    const admitted = await admitAgent(x)
    if ('rejection' in admitted) return admitted
    const read = refusePath(variable, x.id) ?? (await readBody(x))
    if ('rejection' in read) return read
    const keyed = readKey(x)
    if ('rejection' in keyed) return keyed
    const json = readJson(read.bytes, body.schema)
    if ('rejection' in json) return json
    const refusal = refuseQuery(x) ?? refuseUnready(x)
    if (refusal !== null) return refusal
    const unseen = await refuseUnseen(x, path, admitted)
    if (unseen !== null) return unseen
    const fingerprint = fingerprintOf(x.path, json.sent)
    const key = { method: 'POST', path: x.path, key: keyed.key, fingerprint }
    const { caller } = admitted
    const given = { ...asked(x), caller, key, body: json.body, waitMs: waitMsOf(x) }
    return paced(x, caller, (limitedForMs) => handle({ ...given, limitedForMs }))
  }
  const headers = ['idempotency-key', 'prefer'] as const
  return { method: 'POST', path, access: 'agent', doc, query: null, body, headers, run }
}

/** Agents read what is their account's, operators everything. */
export function read<Schema extends z.ZodObject>(
  path: string,
  doc: RouteDoc,
  query: Schema,
  handle: (given: Reading<z.output<Schema>>) => Promise<Reply>,
  headers: Route['headers'] = [],
): Route {
  const variable = variableOf(path)
  const run = async (x: Exchange): Promise<Reply> => {
    const who = await identifyCaller(x)
    if ('rejection' in who) return who
    const given = refusePath(variable, x.id) ?? readQuery(x, query)
    if ('rejection' in given) return given
    const reading = { ...asked(x), query: given.query, waitMs: waitMsOf(x) }
    if (who.role === 'operator')
      return handle({ ...reading, account: null, agent: null, only: null })
    const unseen = await refuseUnseen(x, path, who)
    if (unseen !== null) return unseen
    const only = onlyOf(who)
    return paced(x, who.caller, async (limitedForMs) =>
      limitedForMs === null
        ? handle({ ...reading, ...who.caller, only })
        : { rejection: tooMany(limitedForMs) },
    )
  }
  return { method: 'GET', path, access: 'agent or operator', doc, query, body: null, headers, run }
}

export function operatorRead<Schema extends z.ZodObject>(
  path: string,
  doc: RouteDoc,
  query: Schema,
  handle: (given: Reading<z.output<Schema>>) => Promise<Reply>,
): Route {
  const variable = variableOf(path)
  const run = async (x: Exchange): Promise<Reply> => {
    const admitted = await admitOperator(x)
    if ('rejection' in admitted) return admitted
    const given = refusePath(variable, x.id) ?? readQuery(x, query)
    if ('rejection' in given) return given
    const everything = { account: null, agent: null, only: null }
    return handle({ ...asked(x), ...everything, query: given.query, waitMs: 0 })
  }
  return { method: 'GET', path, access: 'operator', doc, query, body: null, headers: [], run }
}

export function operatorPost<Schema extends z.ZodType>(
  path: string,
  doc: RouteDoc,
  body: Sent<Schema>,
  handle: (given: Operating<z.output<Schema>>) => Promise<Reply>,
): Route {
  const variable = variableOf(path)
  const run = async (x: Exchange): Promise<Reply> => {
    const admitted = await admitOperator(x)
    if ('rejection' in admitted) return admitted
    const sent = refusePath(variable, x.id) ?? (await readBody(x))
    if ('rejection' in sent) return sent
    const json = readJson(sent.bytes, body.schema)
    if ('rejection' in json) return json
    const refusal = refuseQuery(x) ?? refuseUnready(x)
    if (refusal !== null) return refusal
    return handle({ ...asked(x), operator: admitted.name, body: json.body })
  }
  return { method: 'POST', path, access: 'operator', doc, query: null, body, headers: [], run }
}

/** An operator's act on a payment: only on the version that was shown. */
export function operatorAct<Schema extends z.ZodType>(
  path: string,
  doc: RouteDoc,
  body: Sent<Schema>,
  handle: (given: Operating<z.output<Schema>> & { readonly version: number }) => Promise<Reply>,
): Route {
  const route = operatorPost(path, doc, body, async (given) => {
    const match = readIfMatch(given.x)
    return 'rejection' in match ? match : handle({ ...given, version: match.version })
  })
  return { ...route, headers: ['if-match'] }
}

export function open(
  method: Route['method'],
  path: string,
  doc: RouteDoc,
  run: (x: Exchange) => Promise<Reply>,
): Route {
  return { method, path, access: 'anyone', doc, query: null, body: null, headers: [], run }
}
