// One question to the service, asked until it is answered or the deadline has passed. A request is
// serialised once: each time it goes out it is the same bytes under the same key, because a dropped
// connection, a 5xx or a 429 never says that nothing was done.
import type { Problem } from './types.ts'

export interface Question {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
  /** Give up asking after this long. */
  readonly deadlineMs: number
  /** A single try is cut off after this long, and asked again. */
  readonly tryMs: number
  readonly signal?: AbortSignal | undefined
}

export interface Asking {
  readonly deadlineMs?: number
  /** One try is cut off after this long. */
  readonly tryMs?: number
  readonly signal?: AbortSignal
}

/** Asks with the client's own deadlines where `how` gives no other. */
export type Send = (
  asked: Pick<Question, 'method' | 'path' | 'headers' | 'body'>,
  how?: Asking,
) => Promise<Reply>

export type Reply =
  | {
      readonly ok: true
      readonly status: number
      readonly body: unknown
      readonly headers: Headers
    }
  | { readonly ok: false; readonly problem: Problem }

export interface Way {
  readonly url: string
  readonly token: string | null
  readonly fetch: typeof globalThis.fetch
}

/** The first pause where nobody advises one; each next is twice as long, up to the last. */
const firstPauseMs = 100
const longestPauseMs = 5_000

export async function ask(way: Way, question: Question): Promise<Reply> {
  const untilMs = performance.now() + question.deadlineMs
  const init = requestOf(way, question)
  for (let count = 1; ; count += 1) {
    const leftMs = untilMs - performance.now()
    const tryMs = Math.max(1, Math.ceil(Math.min(question.tryMs, leftMs)))
    const tried = await tryOnce(way, question, init, tryMs)
    if (tried.again === null) return tried.reply
    const pauseMs = tried.again.afterMs ?? backoffMs(count)
    const over = performance.now() + pauseMs >= untilMs
    if (over || question.signal?.aborted === true) return tried.reply
    await pause(pauseMs, question.signal)
  }
}

interface Tried {
  readonly reply: Reply
  /** `null`: this is the answer. Else it may be asked again, after the advised time if there is one. */
  readonly again: { readonly afterMs: number | null } | null
}

function requestOf(way: Way, { method, headers, body }: Question): RequestInit {
  return {
    method,
    redirect: 'manual',
    headers: {
      accept: 'application/json',
      ...(way.token === null ? {} : { authorization: `Bearer ${way.token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }
}

async function tryOnce(
  way: Way,
  question: Question,
  init: RequestInit,
  tryMs: number,
): Promise<Tried> {
  const cut = AbortSignal.timeout(tryMs)
  const signal = question.signal === undefined ? cut : AbortSignal.any([cut, question.signal])
  try {
    const response = await way.fetch(`${way.url}${question.path}`, { ...init, signal })
    return read(response, await response.text())
  } catch (error) {
    return {
      reply: { ok: false, problem: noAnswer(way.url, causeOf(error)) },
      again: { afterMs: null },
    }
  }
}

function read(response: Response, text: string): Tried {
  const { status, headers } = response
  const body = parse(text)
  if (response.ok && body !== undefined)
    return { reply: { ok: true, status, body, headers }, again: null }
  const problem = problemOf(status, body)
  const asksAgain = status >= 500 || status === 429 || response.ok
  return {
    reply: { ok: false, problem },
    again: asksAgain ? { afterMs: advisedMs(headers, problem) } : null,
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

// A gateway's page or an empty body says as much as `retry_same_key`: not known.
function problemOf(status: number, body: unknown): Problem {
  // Whatever has a code of ours has the rest of a problem, too: the service makes both in one place.
  if (typeof body === 'object' && body !== null && 'code' in body) return body as Problem
  const again = status >= 500 || status === 429 || status < 300
  return {
    code: 'unreadable_answer',
    title: 'The answer cannot be read',
    status,
    detail: `HTTP ${status} without a body of the service; is this its address?`,
    ...unknownAdvice(again ? 'retry_same_key' : 'ask_human'),
  }
}

function noAnswer(url: string, cause: string): Problem {
  return {
    code: 'no_answer',
    title: 'The service did not answer',
    status: 0,
    detail: `${url}: ${cause}`,
    ...unknownAdvice('retry_same_key'),
  }
}

function unknownAdvice(type: 'retry_same_key' | 'ask_human') {
  return {
    money_moved: 'unknown',
    next_action: { type, after: null, url: null },
    new_key_allowed: false,
  } as const
}

function advisedMs(headers: Headers, problem: Problem): number | null {
  const header = headers.get('retry-after')
  const seconds = header === null ? problem.next_action.after : Number(header)
  if (seconds !== null && Number.isFinite(seconds)) return Math.max(0, seconds * 1000)
  const atMs = Date.parse(header ?? '')
  return Number.isNaN(atMs) ? null : Math.max(0, atMs - Date.now())
}

/** Doubling, with jitter so that many agents do not come back in the same moment. */
function backoffMs(count: number): number {
  const ceilingMs = Math.min(longestPauseMs, firstPauseMs * 2 ** Math.min(count - 1, 10))
  return ceilingMs * (0.5 + Math.random() / 2)
}

function pause(forMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, forMs)
    function done(): void {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    signal?.addEventListener('abort', done, { once: true })
  })
}

// `fetch failed` says nothing; its cause does.
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  if (error.name === 'TimeoutError') return 'no answer in time'
  if (!(cause instanceof Error)) return error.message
  const code = 'code' in cause ? String(cause.code) : ''
  return cause.message === '' ? code || error.message : cause.message
}
