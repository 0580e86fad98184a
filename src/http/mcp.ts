// MCP over HTTP: the same tools as on stdio, each answered by our own routes with the caller's own token.
// Without sessions: a stream that breaks loses nothing, and its call finds its payment when it comes again.
import * as z from 'zod'

import { createAgentClient } from '../client/index.ts'
import type { AgentClient } from '../client/index.ts'
import { reject } from '../core/rejections.ts'
import { admitAgent, headerOf } from './exchange.ts'
import type { Exchange } from './exchange.ts'
import type { Reply, Route } from './route.ts'

/** As for every other request. */
const maxBodyBytes = 65_536

/** Calls of our own do not leave this process; the name is never looked up. */
const ownUrl = 'http://quittance.internal'

/** Shorter than the 29 s after which an API Gateway gives up. */
const toolTimes = { deadlineMs: 25_000, paySeconds: 20 }

const mcp: Route = {
  method: 'POST',
  path: '/mcp',
  access: 'agent',
  doc: {
    name: 'mcp',
    summary: 'The tools of payments for models, as MCP over Streamable HTTP',
    status: 200,
    answer: z.record(z.string(), z.unknown()),
    example: { jsonrpc: '2.0', id: 1, result: { tools: [] } },
  },
  query: null,
  body: {
    schema: z.record(z.string(), z.unknown()).meta({ id: 'McpMessage' }),
    example: { jsonrpc: '2.0', id: 1, method: 'tools/list' },
  },
  headers: [],
  run,
}

async function run(x: Exchange): Promise<Reply> {
  // A page in a browser that was led to this address must get nowhere (DNS rebinding).
  if (!isTrustedOrigin(headerOf(x, 'origin') ?? null)) {
    return { rejection: reject('forbidden', 'Requests from pages of this origin are not taken.') }
  }
  const admitted = await admitAgent(x)
  if ('rejection' in admitted) return admitted
  const handler = await (loaded ??= load())
  const response = await handler(x.request, clientOf(x))
  const type = response.headers.get('content-type')
  const headers: Record<string, string> = type === null ? {} : { 'content-type': type }
  return { status: response.status, body: await response.text(), headers }
}

const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

function isTrustedOrigin(origin: string | null): boolean {
  if (origin === null) return true
  return URL.canParse(origin) && loopbackNames.has(new URL(origin).hostname)
}

// Nothing of the outer request but the token goes along, least of all its signal: a client that goes
// away leaves what it asked for as it is.
function clientOf(x: Exchange): AgentClient {
  const authorization = headerOf(x, 'authorization') ?? null
  const trace = headerOf(x, 'traceparent')
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    if (authorization !== null) request.headers.set('authorization', authorization)
    if (trace !== undefined) request.headers.set('traceparent', trace)
    return x.inside(request)
  }
  return createAgentClient({ url: ownUrl, token: null, fetch })
}

type Handler = (request: Request, client: AgentClient) => Promise<Response>

let loaded: Promise<Handler> | null = null

// Loaded only when it is asked for: payments do not need it.
async function load(): Promise<Handler> {
  const [{ createMcpHandler }, { createMcpServer }] = await Promise.all([
    import('@modelcontextprotocol/server'),
    import('../mcp/server.ts'),
  ])
  return async (request, client) => {
    const { fetch } = createMcpHandler(() => createMcpServer(client, toolTimes), {
      // There is nothing to subscribe to, and an answer is read to its end.
      maxSubscriptions: 0,
      maxRequestBodySize: maxBodyBytes,
    })
    return fetch(request)
  }
}

export const mcpRoutes: readonly Route[] = [mcp]
