// The request headers that mean something to us, read strictly where a mistake could cost money and
// leniently where it cannot.
import { randomBytes, randomUUID } from 'node:crypto'

const visibleAscii = /^[\x21-\x7e]{1,255}$/
/** A structured string (RFC 9651): quotes and backslashes inside are escaped. */
const quoted = /^"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"$/

/** The key without its quotes, so that quoted and bare are one key. `null`: it is not valid. */
export function readIdempotencyKey(header: string): string | null {
  const isQuoted = quoted.test(header)
  if (!isQuoted && header.startsWith('"')) return null
  const key = isQuoted ? header.slice(1, -1).replace(/\\(.)/g, '$1') : header
  return visibleAscii.test(key) ? key : null
}

/** Longest that we keep a client waiting; longer wishes are shortened. */
const maxWaitSeconds = 25

/** Seconds of `Prefer: wait=N`. What cannot be read is ignored, as RFC 7240 wants. */
export function readWaitSeconds(header: string | undefined): number {
  if (header === undefined) return 0
  const [, seconds] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(header) ?? []
  return Math.min(maxWaitSeconds, Number(seconds ?? 0))
}

/** The version in `If-Match`, quoted or bare. `null`: it is missing or not one version. */
export function readVersion(header: string | undefined): number | null {
  const [, quotedDigits, digits = quotedDigits] =
    /^(?:"(\d{1,15})"|(\d{1,15}))$/.exec(header ?? '') ?? []
  return digits === undefined ? null : Number(digits)
}

/** `null`: there is none, or it is no bearer token. */
export function readBearer(header: string | undefined): string | null {
  const [, token] = /^bearer +([\x21-\x7e]+)$/i.exec(header ?? '') ?? []
  return token ?? null
}

/** The caller's own id for this request, if it is harmless to repeat; else a new one. */
export function requestIdOf(header: string | undefined): string {
  return header !== undefined && /^[\w.:/+=-]{1,128}$/.test(header) ? header : `req_${randomUUID()}`
}

/** W3C Trace Context; a later version may go on after the flags. */
const traceparent =
  /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/

/** The trace that this request is part of; where its header is missing or not valid, a new one. */
export function traceIdOf(header: string | undefined): string {
  const [, version, traceId, rest] = traceparent.exec(header ?? '') ?? []
  if (traceId !== undefined && (version !== '00' || rest === undefined)) return traceId
  return randomBytes(16).toString('hex')
}

/** `application/json`, with no charset or UTF-8. */
export function isJson(header: string | undefined): boolean {
  return /^application\/json\s*(?:;\s*charset\s*=\s*"?utf-?8"?\s*)?;?\s*$/i.test(header ?? '')
}
