// Where every call of a function's SDK arrives: it is known by its access key, held against the
// policies of its own role, met by planted faults, and then passed on.
// Not here: signatures, TLS, quotas of the services.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { asObject, listOf } from '../json.ts'
import type { FaultKind, Faults } from '../faults.ts'
import type { Guard } from '../iam/guard.ts'
import { needsOf } from '../iam/needs.ts'
import type { Call, Known } from '../iam/needs.ts'
import { failure, readCall, readCredential, readObjectCall } from './wire.ts'
import type { Answer } from './wire.ts'

export interface Caller {
  readonly id: string
  readonly roleArn: string
  /** Kills its process. */
  readonly kill: () => void
}

export type Backend = (call: Call, caller: string, body: Buffer) => Promise<Answer>

export interface ProxyWorld {
  readonly guard: Guard
  readonly known: Known
  readonly faults: Faults
  readonly callerOf: (accessKey: string) => Caller | undefined
  readonly backends: Readonly<Record<string, Backend>>
  readonly onCall: (call: Call, caller: string) => void
}

export interface Proxy {
  readonly url: string
  readonly open: (world: ProxyWorld) => void
  readonly stop: () => Promise<void>
}

/** Listens before the world behind it is there: the template's names hold its URL. */
export async function startProxy(): Promise<Proxy> {
  let world: ProxyWorld | null = null
  const server = createServer((request, response) => {
    if (world === null) return void response.writeHead(503).end()
    handle(request, response, world).catch((error: unknown) => {
      console.error('proxy:', error)
      if (!response.headersSent) response.writeHead(500)
      response.end(JSON.stringify({ __type: 'LocalRunError', message: String(error) }))
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  return Object.freeze({
    url: `http://127.0.0.1:${port}`,
    open: (opened: ProxyWorld) => void (world = opened),
    stop: async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    },
  })
}

/** Those that are met before the call is passed on, and those after it. */
const before = [
  'transaction_conflict',
  'throttled',
  'lost_request',
  'unavailable',
  'invalid',
  'killed_before',
  'hangs',
] as const satisfies readonly FaultKind[]
const after = ['lost_answer', 'killed_after', 'stale_index'] as const satisfies readonly FaultKind[]

async function handle(
  request: IncomingMessage,
  response: ServerResponse,
  world: ProxyWorld,
): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const body = Buffer.concat(chunks)
  const credential = readCredential(request.headers)
  const caller = world.callerOf(credential?.accessKey ?? '')
  if (credential === null || caller === undefined) throw new Error('a call of nobody known')
  const { method = '', url = '', headers } = request
  const call =
    credential.service === 's3'
      ? readObjectCall(method, url)
      : readCall(credential.service, headers, body.toString('utf8'))
  world.onCall(call, caller.id)
  const denied = await refusal(call, caller, world)
  if (denied !== null) return send(response, denied)
  const early = world.faults.take(call, caller.id, before)
  if (early !== null) return meet(early, call, caller, response)
  const answer = await world.backends[call.service]?.(call, caller.id, body)
  if (answer === undefined) throw new Error(`${call.service} is not there`)
  const late = world.faults.take(call, caller.id, after)
  if (late === 'killed_after') caller.kill()
  if (late === 'killed_after' || late === 'lost_answer') return void response.destroy()
  return send(response, late === 'stale_index' ? withoutItems(answer) : answer)
}

async function refusal(call: Call, caller: Caller, world: ProxyWorld): Promise<Answer | null> {
  for (const need of needsOf(call, world.known)) {
    const denied = await world.guard.role(caller.roleArn, need)
    if (denied !== null) return failure(call.service, 'AccessDeniedException', denied)
  }
  return null
}

function meet(
  kind: (typeof before)[number],
  call: Call,
  caller: Caller,
  response: ServerResponse,
): void {
  switch (kind) {
    case 'transaction_conflict':
      return send(response, conflict(call))
    case 'throttled':
      return send(response, failure(call.service, 'ThrottlingException', 'Rate exceeded'))
    case 'unavailable':
      return send(response, failure(call.service, 'InternalServerError', 'Internal error', 500))
    case 'invalid':
      return send(response, failure(call.service, 'ValidationException', 'made so by the test'))
    case 'killed_before':
      caller.kill()
      return void response.destroy()
    case 'lost_request':
      return void response.destroy()
    case 'hangs':
      return // nobody answers; the function's own time ends it
  }
}

function conflict({ service, input }: Call): Answer {
  const reasons = listOf(input['TransactItems']).map((_, index) =>
    index === 0
      ? { Code: 'TransactionConflict', Message: 'Transaction is ongoing for the item' }
      : { Code: 'None' },
  )
  const codes = reasons.map(({ Code }) => Code).join(', ')
  const message = `Transaction cancelled, please refer cancellation reasons for specific reasons [${codes}]`
  const answer = failure(
    service,
    'com.amazonaws.dynamodb.v20120810#TransactionCanceledException',
    message,
  )
  return {
    ...answer,
    body: JSON.stringify({
      ...asObject(JSON.parse(answer.body), 'answer'),
      CancellationReasons: reasons,
    }),
  }
}

const withoutItems = (answer: Answer): Answer => ({
  ...answer,
  body: JSON.stringify({
    ...asObject(JSON.parse(answer.body), 'answer'),
    Items: [],
    Count: 0,
  }),
})

function send(response: ServerResponse, { status, body, type, bytes }: Answer): void {
  const head = { 'content-type': type ?? 'application/x-amz-json-1.0' }
  response.writeHead(status, head).end(bytes ?? body)
}
