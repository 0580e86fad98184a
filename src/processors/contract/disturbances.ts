// What networks, gateways and broken processors answer, whatever the processor is, and the signal
// that an adapter makes of it. None of this is the processor's own word, so none of it is a proof.
import type { ServerResponse } from 'node:http'
import { setInterval } from 'node:timers'

import type { Signal } from '../../core/outcome.ts'

type Answer = (response: ServerResponse) => void

/** Answers that never come to their end: only the call's own time ends them. */
export const silences: Readonly<Record<string, readonly [Signal, Answer]>> = {
  'nothing at all': ['connection_lost', () => undefined],
  'headers and then nothing': [
    'connection_lost',
    (response) => void response.writeHead(200, { 'content-length': '1000' }).write('{"id":'),
  ],
  'one byte now and then, without end': ['connection_lost', drip],
}

/** The signal for a send, and how it shows. */
export const disturbances: Readonly<Record<string, readonly [Signal, Answer]>> = {
  'a reset': ['connection_lost', (response) => void response.socket?.resetAndDestroy()],
  'the end of the connection': ['connection_lost', (response) => void response.socket?.end()],
  'an answer that breaks off': [
    'connection_lost',
    (response) => {
      response.writeHead(200, { 'content-length': '1000' }).write('{"id":', () => {
        response.socket?.destroy()
      })
    },
  ],
  'bytes that are no HTTP': [
    'connection_lost',
    (response) => void response.socket?.end('SSH-2.0-OpenSSH_9.6\r\n'),
  ],
  'headers without end': [
    'connection_lost',
    (response) => void response.socket?.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(100_000)}`),
  ],
  'a 200 that is longer than any answer': [
    'unreadable',
    (response) => void response.writeHead(200, json).end(`{"pad":"${'x'.repeat(200_000)}"}`),
  ],
  'a 200 with a page': ['unreadable', page(200)],
  'a 200 with nothing': ['unreadable', (response) => void response.writeHead(200).end()],
  'a 204': ['unreadable', (response) => void response.writeHead(204).end()],
  'a 200 with other JSON': [
    'unreadable',
    (response) => void response.writeHead(200, json).end('[]'),
  ],
  'a 200 with JSON null': [
    'unreadable',
    (response) => void response.writeHead(200, json).end('null'),
  ],
  'a 200 with half a JSON': [
    'unreadable',
    (response) => void response.writeHead(200, json).end('{"id":"ch_1","object":"cha'),
  ],
  'a gateway’s 502': ['gateway_error', page(502)],
  'a gateway’s 503': ['gateway_error', page(503)],
  'a gateway’s 504': ['gateway_error', page(504)],
  'a 500 with a page': ['server_error', page(500)],
  'a 301': ['unlisted', page(301)],
  'a 307': ['unlisted', page(307)],
  'a 400 with a page': ['unlisted', page(400)],
  'a 401 with a page': ['unlisted', page(401)],
  'a 402 with a page': ['unlisted', page(402)],
  'a 403 with a page': ['unlisted', page(403)],
  'a 404 with a page': ['unlisted', page(404)],
  'a 408': ['unlisted', page(408)],
  'a 409 with a page': ['unlisted', page(409)],
  'a 418': ['unlisted', page(418)],
  'a 422 with a page': ['unlisted', page(422)],
  'a 429 with a page': ['unlisted', page(429)],
  'a 402 with somebody else’s JSON': [
    'unlisted',
    (response) => void response.writeHead(402, json).end('{"message":"Payment Required"}'),
  ],
  'a 599': ['unlisted', page(599)],
}

const json = { 'content-type': 'application/json' }

/** As balancers write it; the location would be followed by a client that follows. */
function page(status: number): Answer {
  return (response) => {
    const headers = { 'content-type': 'text/html', 'retry-after': '3600', location: '/elsewhere' }
    response.writeHead(status, headers).end(`<html><body>${status}</body></html>`)
  }
}

function drip(response: ServerResponse): void {
  response.writeHead(200, json)
  const timer = setInterval(() => response.write(' '), 5)
  response.on('close', () => clearInterval(timer))
}
