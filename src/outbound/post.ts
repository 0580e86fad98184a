// Signed messages to addresses that others have given (Standard Webhooks), for alerts and for webhooks
// alike: where they may go, and what one try may cost in time, bytes and connections. A redirect is never
// followed, and nothing of an answer matters but its status.
import { lookup as systemLookup } from 'node:dns'

import { Agent } from 'undici'

import { guardedLookup, hostOf, isAllowed, reachOf } from './address.ts'
import type { Reach } from './address.ts'
import { signedHeaders } from './signature.ts'

export interface Rules {
  /** May a message go to this machine itself, where its address is written as such? */
  readonly loopback: boolean
  /** Hosts that may resolve to addresses of a private network, named by whoever runs this. */
  readonly privateHosts: ReadonlySet<string>
}

export interface Message {
  /** The same at each try: by it the receiver drops what it has seen. */
  readonly id: string
  readonly body: string
}

export interface Posted {
  /** `null`: there was no answer. */
  readonly status: number | null
  /** Why there was none, in a word or a sentence of ours or of Node's. */
  readonly error: string | null
  readonly tookMs: number
  /** The receiver asked not to be called before. */
  readonly retryAfterMs: number | null
}

export interface Poster {
  /** One try. Never rejects for what networks and receivers do. */
  readonly post: (message: Message, keys: readonly Buffer[], nowMs: number) => Promise<Posted>
  readonly close: () => Promise<void>
}

export interface PosterOptions {
  readonly rules: Rules
  /** From the name's look-up to the end of the answer. */
  readonly timeoutMs: number
  /** Open at a time; more wait. */
  readonly connections: number
  /** How names are resolved; as the system does. */
  readonly lookup?: typeof systemLookup
}

/** Of an answer; who sends more is cut off. */
const maxAnswerBytes = 16_384
const maxHeaderBytes = 16_384

/** An address that can be used, or what is wrong with it. The address itself is not repeated: it may hold a secret. */
export function readAddress(
  text: string,
  rules: Rules,
): { readonly url: URL; readonly reach: Reach } | { readonly fault: string } {
  if (!URL.canParse(text)) return { fault: 'must be a URL such as https://example.com/hook' }
  const url = new URL(text)
  const host = hostOf(url)
  const isLoopback = reachOf(url) === 'loopback'
  const reach = rules.privateHosts.has(host) ? 'private' : reachOf(url)
  if (url.username !== '' || url.password !== '') {
    return { fault: 'holds a password; the signature says who is calling' }
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback && rules.loopback)) {
    const unless = rules.loopback ? ' (http:// only on 127.0.0.1, ::1 or localhost)' : ''
    return { fault: `must begin with https://${unless}` }
  }
  if (isLoopback && reach === 'loopback' && !rules.loopback) {
    return { fault: `names this machine itself (${host}), which others cannot mean` }
  }
  // A written address is looked up nowhere, so it is judged here.
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':')
  if (isAddress && !isAllowed(host, reach)) {
    return { fault: `names ${host}, which is private, link-local or reserved` }
  }
  return { url, reach }
}

/** Throws where the address cannot be used under these rules: `readAddress` says why. */
export function openPoster(address: string, options: PosterOptions): Poster {
  const { rules, timeoutMs, connections, lookup = systemLookup } = options
  const read = readAddress(address, rules)
  if ('fault' in read) throw new Error(`The address ${read.fault}.`)
  const { url, reach } = read
  const agent = new Agent({
    connections,
    maxHeaderSize: maxHeaderBytes,
    connect: { lookup: guardedLookup(reach, lookup), timeout: timeoutMs },
    // Each try has one timer for all of it; these would only race with it.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const send = async ({ id, body }: Message, keys: readonly Buffer[], nowMs: number) => {
    const {
      statusCode,
      headers,
      body: answer,
    } = await agent.request({
      origin: url.origin,
      path: `${url.pathname}${url.search}`,
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'quittance',
        ...signedHeaders(keys, id, nowMs, body),
      },
      body,
      signal: AbortSignal.timeout(timeoutMs),
    })
    // What comes after the status cannot change it.
    await answer.dump({ limit: maxAnswerBytes }).catch(() => undefined)
    return { status: statusCode, retryAfterMs: retryAfterMs(headers['retry-after']) }
  }
  return Object.freeze<Poster>({
    async post(message, keys, nowMs) {
      const startedMs = performance.now()
      const told = await send(message, keys, nowMs).catch((error: unknown) => ({
        status: null,
        retryAfterMs: null,
        error: causeOf(error),
      }))
      return { error: null, ...told, tookMs: Math.round(performance.now() - startedMs) }
    },
    close: () => agent.destroy(),
  })
}

export function isTaken({ status }: Posted): boolean {
  return status !== null && status >= 200 && status < 300
}

/** Seconds; a date is not worth the trouble of another clock. */
function retryAfterMs(header: string | string[] | undefined): number | null {
  const seconds = typeof header === 'string' && /^\d{1,6}$/.test(header) ? Number(header) : null
  return seconds === null ? null : seconds * 1_000
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  if (error.name === 'TimeoutError' || error.name === 'ConnectTimeoutError') return 'timeout'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : null
  return (code ?? error.message).slice(0, 200)
}
