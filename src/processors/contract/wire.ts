// A wire between an adapter and its processor that keeps what was written and can do whatever
// networks and gateways do. It knows no processor.
import { once } from 'node:events'
import { createServer, request as httpRequest } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

/** A request to the byte: header names and values as they were written, in their order. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface Disturbance {
  /** Does the processor get the request? Its answer is then lost, unless `answer` is missing. */
  readonly forwards?: boolean
  /** Replaces headers on the way to the processor. */
  readonly headers?: Readonly<Record<string, string>>
  /** What the adapter gets instead of the processor's answer. */
  readonly answer?: (response: ServerResponse) => void
}

export interface Wire {
  readonly url: string
  /** Everything that arrived since it was last emptied. */
  readonly received: Received[]
  /** Befalls every request from now on; `null`: none. */
  disturb(disturbance: Disturbance | null): void
  /** From now on connections are refused, and open ones are cut. */
  close(): Promise<void>
}

export async function openWire(origin: string): Promise<Wire> {
  const received: Received[] = []
  let now: Disturbance | null = null
  const server = createServer((incoming, response) => {
    // The adapter may leave in the middle of anything; that is what is tested.
    void carry(incoming, response).catch(() => response.socket?.resetAndDestroy())
  })

  async function carry(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', rawHeaders } = incoming
    const body = await text(incoming)
    received.push({ method, path, rawHeaders, body })
    const { forwards = now === null, headers = {}, answer } = now ?? {}
    const upstream = forwards ? await forward(incoming, headers, body) : null
    if (answer !== undefined) answer(response)
    else if (upstream !== null)
      response.writeHead(upstream.status, upstream.headers).end(upstream.body)
  }

  async function forward(
    { method, url, headers }: IncomingMessage,
    replaced: Readonly<Record<string, string>>,
    body: string,
  ): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> {
    const sent = { ...headers, ...replaced, host: new URL(origin).host }
    const outgoing = httpRequest(`${origin}${url}`, { method, headers: sent, agent: false })
    outgoing.end(body)
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: await text(answer) }
  }

  // Longer than any test, so that a reset is always one that was asked for.
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // A listening TCP server has an address of this kind.
  const { port } = server.address() as AddressInfo
  return Object.freeze({
    url: `http://127.0.0.1:${port}`,
    received,
    disturb: (disturbance: Disturbance | null) => {
      now = disturbance
    },
    close: async () => {
      if (!server.listening) return
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  })
}
