// One bounded HTTP call, put on the wire at most once. Of a failure it tells the one thing that
// matters to money: could the request have arrived, or certainly not? What an answer means is for
// the adapters. Redirects are never followed and nothing is retried.
import { Pool } from 'undici'
import type { Dispatcher } from 'undici'

import { openTurns } from './turns.ts'

export interface HttpRequest {
  readonly method: 'GET' | 'POST'
  /** With its query. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  /** From the call to its end, waiting for a connection included. */
  readonly timeoutMs: number
  /** A longer answer is not read; 64 KiB unless told. */
  readonly maxBodyBytes?: number
  /** Asked once its turn has come; a word is why it must not go out. Never rejects. */
  readonly mayStart?: () => Promise<string | null>
}

/**
 * `not_sent`: no byte of it was or will be written. `lost`: it may have been written, in part or
 * whole, and there is no whole answer. `body` is `null` where it was longer than may be read.
 */
export type HttpResult =
  | {
      readonly result: 'answered'
      readonly status: number
      /** Names in lower case. */
      readonly headers: Readonly<Record<string, string>>
      readonly body: string | null
    }
  | { readonly result: 'lost'; readonly cause: string }
  | { readonly result: 'not_sent'; readonly cause: string }

export interface HttpClient {
  /** Never rejects. */
  call(request: HttpRequest): Promise<HttpResult>
  /** Lets calls that are under way come to their end. A second time it changes nothing. */
  close(): Promise<void>
}

/** An object with hundreds of refunds fits; a page that a balancer made up need not. */
const usualBodyBytes = 65_536

/** `connections`: calls at once; more wait their turn inside their own time. */
export function openHttpClient(origin: string, connections: number): HttpClient {
  const pool = new Pool(origin, {
    connections,
    pipelining: 1,
    // HTTP/2 may take a stream back and send it anew.
    allowH2: false,
    // Each call has one timer for all of it; these would only race with it.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  // The pool has a line as well, but who has given up in it still gets a connection, only to cut it:
  // under load that takes the others' away.
  const turns = openTurns(connections)
  let closed: Promise<void> | null = null
  return Object.freeze({
    call: async (request: HttpRequest): Promise<HttpResult> => {
      const { timeoutMs } = request
      if (timeoutMs <= 0) return { result: 'not_sent', cause: 'no_time_left' }
      const beganMs = performance.now()
      const endTurn = await turns.take(timeoutMs)
      if (endTurn === null) return { result: 'not_sent', cause: 'no_connection_in_time' }
      const refused = (await request.mayStart?.()) ?? null
      const leftMs = timeoutMs - (performance.now() - beganMs)
      const result: HttpResult =
        refused === null
          ? await callOnce(pool, { ...request, timeoutMs: leftMs })
          : { result: 'not_sent', cause: refused }
      endTurn()
      return result
    },
    close: () => (closed ??= pool.close()),
  })
}

/**
 * `onRequestStart` comes right before the first byte: before it a failure of any kind is
 * `not_sent`, so that no list of error codes has to be complete, and from then on it is `lost`.
 */
export function callOnce(
  dispatcher: Pick<Dispatcher, 'dispatch'>,
  request: HttpRequest,
): Promise<HttpResult> {
  const { method, path, headers, body, timeoutMs, maxBodyBytes = usualBodyBytes } = request
  return new Promise((resolve) => {
    let started: Dispatcher.DispatchController | null = null
    let isOver = false
    const answer = { status: 0, headers: {} as Dispatcher.ResponseData['headers'] }
    const chunks: Buffer[] = []
    let bytes = 0

    const end = (result: HttpResult): void => {
      isOver = true
      clearTimeout(timer)
      resolve(result)
    }
    const fail = (cause: string): void => {
      if (!isOver) end({ result: started === null ? 'not_sent' : 'lost', cause })
    }
    const answered = (text: string | null): void => {
      end({ result: 'answered', ...answer, headers: plain(answer.headers), body: text })
    }
    const timer = setTimeout(() => {
      // Its turn had come: it is the connection itself that did not come about.
      fail(started === null ? 'connect_timeout' : 'timeout')
      started?.abort(new Error('the time of the call is over'))
    }, timeoutMs)

    dispatcher.dispatch(
      { method, path, headers: { ...headers }, body },
      {
        onRequestStart: (controller) => {
          // Given up while it waited, or begun anew by the client: neither may be written now.
          const mayWrite = !isOver && started === null
          started ??= controller
          if (!mayWrite) controller.abort(new Error('a call is written at most once'))
        },
        onResponseStart: (_, status, received) => {
          if (status < 200) return
          answer.status = status
          answer.headers = received
        },
        onResponseData: (controller, chunk) => {
          bytes += chunk.byteLength
          chunks.push(chunk)
          if (bytes <= maxBodyBytes || isOver) return
          answered(null)
          controller.abort(new Error('the answer is too long'))
        },
        onResponseEnd: () => {
          if (!isOver) answered(Buffer.concat(chunks).toString())
        },
        onResponseError: (_, error) => fail(codeOf(error)),
      },
    )
  })
}

function codeOf(error: Error): string {
  const { code } = error as { code?: unknown }
  return typeof code === 'string' ? code : error.name
}

function plain(headers: Dispatcher.ResponseData['headers']): Record<string, string> {
  const entries = Object.entries(headers).map(([name, value]) => [name, [value].flat().join(', ')])
  // Each entry is a pair of strings; `map` only forgets that it is a pair.
  return Object.fromEntries(entries) as Record<string, string>
}
