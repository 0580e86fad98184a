// The app behind a socket, with a limit on everything that a slow or hostile client could hold on to.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import { isIPv6 } from 'node:net'

import { getRequestListener } from '@hono/node-server'

import type { Surroundings } from './service.ts'

export interface HttpServer {
  readonly url: string
  /** Takes no more connections, answers who waits, and lets what is under way end. */
  readonly close: () => Promise<void>
}

export interface ServeLimits {
  /** From the first byte of a request to the last of its body. */
  readonly requestTimeoutMs: number
  readonly headersTimeoutMs: number
  /** Longer than the 60 s after which most proxies let go, so that they close first. */
  readonly keepAliveTimeoutMs: number
  /** Of a socket on which nothing moves; longer than any answer is waited for. */
  readonly idleTimeoutMs: number
  readonly maxHeaderBytes: number
  /** Each waiting client holds one; more are turned away at the socket. */
  readonly maxConnections: number
  /** After this long what is still under way is cut off. It is stored; the client asks again. */
  readonly closeWithinMs: number
}

export const defaultServeLimits: ServeLimits = {
  requestTimeoutMs: 10_000,
  headersTimeoutMs: 5_000,
  keepAliveTimeoutMs: 65_000,
  idleTimeoutMs: 70_000,
  maxHeaderBytes: 16_384,
  maxConnections: 4_096,
  closeWithinMs: 10_000,
}

/** How often Node looks for requests that take too long. */
const checkEveryMs = 1_000

interface App {
  readonly fetch: (request: Request, env: Surroundings) => Response | Promise<Response>
}

export async function serveHttp(
  app: App,
  address: { readonly host: string; readonly port: number },
  limits: ServeLimits = defaultServeLimits,
): Promise<HttpServer> {
  const closing = new AbortController()
  const underWay = new Set<ServerResponse>()
  const listener = getRequestListener(
    (request) => app.fetch(request, { closing: closing.signal }),
    { hostname: address.host, errorHandler: () => badRequest() },
  )
  const server = createServer(options(limits), (request, response) => {
    underWay.add(response)
    response.once('close', () => {
      underWay.delete(response)
      if (closing.signal.aborted) server.closeIdleConnections()
    })
    if (closing.signal.aborted) response.setHeader('connection', 'close')
    void listener(request, response)
  })
  server.maxConnections = limits.maxConnections
  // A client that neither sends nor reads is let go; the longest wait for an answer is shorter.
  server.setTimeout(limits.idleTimeoutMs)
  server.listen(address.port, address.host)
  await once(server, 'listening')
  return Object.freeze({
    url: urlOf(server),
    close: () => close(server, closing, underWay, limits.closeWithinMs),
  })
}

function options(limits: ServeLimits) {
  return {
    requestTimeout: limits.requestTimeoutMs,
    headersTimeout: limits.headersTimeoutMs,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    maxHeaderSize: limits.maxHeaderBytes,
    connectionsCheckingInterval: Math.min(checkEveryMs, limits.requestTimeoutMs),
  }
}

async function close(
  server: Server,
  closing: AbortController,
  underWay: ReadonlySet<ServerResponse>,
  withinMs: number,
): Promise<void> {
  if (closing.signal.aborted) return
  const closed = once(server, 'close')
  server.close()
  for (const response of underWay) {
    if (!response.headersSent) response.setHeader('connection', 'close')
  }
  closing.abort()
  const cutOff = setTimeout(() => server.closeAllConnections(), withinMs)
  await closed
  clearTimeout(cutOff)
}

// The app answers its own faults; what arrives here is a request line or host that is no URL.
function badRequest(): Response {
  return Response.json(
    { title: 'This is no request that can be read', status: 400 },
    { status: 400 },
  )
}

function urlOf(server: Server): string {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('listening on no port')
  const host = isIPv6(address.address) ? `[${address.address}]` : address.address
  return `http://${host}:${address.port}`
}
