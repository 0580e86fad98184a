// A door between the processor and the service: it hands each webhook on as it is, and notes which
// were acknowledged. A processor that got its 2xx never sends that message again.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

export interface WebhookDoor {
  /** Where the processor sends its webhooks. */
  readonly url: string
  /** Ids of the messages that were answered with 2xx. */
  readonly acknowledged: ReadonlySet<string>
  readonly close: () => void
}

/** As the service names such a message in its table. */
export const webhookRowKey = (eventId: string): string => `simulated/${eventId}`

/** In an answer's `Request-Id`, where the bytes on the wire show what it acknowledges. */
export const requestIdPrefix = 'webhook:'

/** As long as the processor waits itself. */
const withinMs = 5_000

export async function openWebhookDoor(serviceUrl: string): Promise<WebhookDoor> {
  const acknowledged = new Set<string>()
  const server = createServer((request, response) => {
    // A service that is down, or dies before it answers, has acknowledged nothing.
    const status = handOn(request, serviceUrl, acknowledged).catch(() => 502)
    void status.then((code) => response.writeHead(code).end())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it listens on no port')
  return Object.freeze<WebhookDoor>({
    url: `http://127.0.0.1:${address.port}/`,
    acknowledged,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  })
}

async function handOn(
  request: IncomingMessage,
  serviceUrl: string,
  acknowledged: Set<string>,
): Promise<number> {
  const body = await text(request)
  const { id } = JSON.parse(body) as { readonly id: string } // the simulator's README has its shape
  const response = await fetch(`${serviceUrl}/webhooks/simulated`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'simulated-signature': String(request.headers['simulated-signature']),
      'request-id': `${requestIdPrefix}${id}`,
    },
    body,
    signal: AbortSignal.timeout(withinMs),
  })
  if (response.ok) acknowledged.add(id)
  // What follows its first line may break off: it was acknowledged all the same.
  await response.arrayBuffer().catch(() => null)
  return response.status
}
