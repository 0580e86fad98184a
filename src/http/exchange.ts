// One request on its way in, step by step: who asks, what was sent, under which key. Each step gives
// what it found or the refusal that ends the way; the order of steps is that of the rejection table.
import type { z } from 'zod'

import { covers } from '../core/access.ts'
import type { Scope, Visibility } from '../core/access.ts'
import { reject } from '../core/rejections.ts'
import type { Identity } from '../engine/identity.ts'
import type { Caller } from '../engine/submit.ts'
import { identifyBearer } from './bearer.ts'
import { decodeUtf8, readBytes } from './body.ts'
import { check, invalid, refuseCardNumbers } from './faults.ts'
import { isJson, readBearer, readIdempotencyKey, readVersion } from './headers.ts'
import { jsonPointer, parseJson } from './json.ts'
import type { Refusal } from './problem.ts'
import { noQuery } from './schemas.ts'
import type { HttpService } from './service.ts'

export interface Exchange {
  readonly service: HttpService
  readonly request: Request
  /** As in the route table, with the id that was asked. */
  readonly path: string
  /** The one variable part of the path; empty where it has none. */
  readonly id: string
  readonly closing: AbortSignal | null
  /** As a gate in front of the app says. */
  readonly caller?: Identity | null
  /** Asks another route of the same app, for the same caller. */
  readonly inside: (request: Request) => Response | Promise<Response>
}

export type Step<T> = T | Refusal

/** 64 KiB: more than any bill, and little enough to hold for every connection. */
const maxBodyBytes = 65_536

// ── Who asks ─────────────────────────────────────────────────────────────────────────────────────

export type Identified =
  | { readonly role: 'agent'; readonly caller: Caller; readonly visibility: Visibility }
  | { readonly role: 'operator'; readonly name: string }

/** Most who meet a 401 have just started the service for the first time. */
const whereTokens = '`npm start` keeps its own in tokens.json of the data folder (.quittance).'

export async function identifyCaller(x: Exchange): Promise<Step<Identified>> {
  const identity = x.caller === undefined ? await readCaller(x) : x.caller
  if (identity !== null && 'rejection' in identity) return identity
  if (identity === null) {
    return { rejection: reject('unauthenticated', `Nobody has this token. ${whereTokens}`) }
  }
  if (identity.role === 'operator') return identity
  const { agent, account, scopes, visibility = 'account' } = identity
  const needed = scopeOf(x)
  if (needed !== null && !covers(scopes, needed)) {
    const has = scopes?.join(', ') || 'none'
    return {
      rejection: reject('forbidden', `This needs the scope ${needed}; the token has: ${has}.`),
    }
  }
  return { role: 'agent', caller: { agent, account }, visibility }
}

/** What a token must be for; `null`: each tool behind this route asks for its own. */
function scopeOf({ request: { method }, path }: Exchange): Scope | null {
  if (path === '/mcp') return null
  if (path.startsWith('/v1/callback')) return 'callback'
  if (method !== 'POST') return 'read'
  const act = (['capture', 'void', 'refunds'] as const).find((each) => path.endsWith(`/${each}`))
  if (act === undefined) return 'pay'
  return act === 'refunds' ? 'refund' : act
}

async function readCaller(x: Exchange): Promise<Step<Identity> | null> {
  const token = readBearer(headerOf(x, 'authorization'))
  if (token === null) {
    return {
      rejection: reject(
        'unauthenticated',
        `Send \`Authorization: Bearer\` and the token. ${whereTokens}`,
      ),
    }
  }
  const bearer = await identifyBearer(x.service.engine, x.service.jwt, token)
  if (bearer.result === 'known') return bearer.identity
  if (bearer.result === 'no_keys') {
    return {
      rejection: reject('token_keys_unavailable', 'Nobody can say whose it is; ask again soon.'),
    }
  }
  return bearer.why === null ? null : { rejection: reject('unauthenticated', bearer.why) }
}

export async function admitAgent(
  x: Exchange,
): Promise<Step<{ readonly caller: Caller; readonly visibility: Visibility }>> {
  const identified = await identifyCaller(x)
  if ('rejection' in identified || identified.role === 'agent') return identified
  return {
    rejection: reject('forbidden', 'Only agents may ask this; this is an operator’s token.'),
  }
}

export async function admitOperator(x: Exchange): Promise<Step<{ readonly name: string }>> {
  const identified = await identifyCaller(x)
  if ('rejection' in identified || identified.role === 'operator') return identified
  return { rejection: reject('forbidden', 'Only operators may do this; ask one.') }
}

// ── What was sent ────────────────────────────────────────────────────────────────────────────────

export async function readBody(
  x: Exchange,
  maxBytes = maxBodyBytes,
): Promise<Step<{ readonly bytes: Uint8Array }>> {
  const read = await readBytes(x.request, maxBytes)
  if (read.fault !== undefined) {
    const tooLarge = reject('body_too_large', `At most ${maxBytes} bytes are read.`)
    const brokenOff = reject('invalid_json', 'The body broke off.')
    return { rejection: read.fault === 'too_large' ? tooLarge : brokenOff }
  }
  if (read.bytes.byteLength > 0 && !isJson(headerOf(x, 'content-type'))) {
    return {
      rejection: reject(
        'unsupported_media_type',
        'Send `Content-Type: application/json`, in UTF-8.',
      ),
    }
  }
  return read
}

export function readKey(x: Exchange): Step<{ readonly key: string }> {
  const header = headerOf(x, 'idempotency-key')
  if (header === undefined) {
    return {
      rejection: reject(
        'idempotency_key_missing',
        'Make one for each payment you mean, and send it again with each try of that payment.',
      ),
    }
  }
  const key = readIdempotencyKey(header)
  if (key !== null) return { key }
  return {
    rejection: reject('idempotency_key_invalid', 'Quoted or bare, but without spaces inside.'),
  }
}

/**
 * The body as sent and as its schema gives it. No bytes count as `{}`. `cards: 'kept'`: whoever asks looks
 * for card numbers itself, in each part of it.
 */
export function readJson<Schema extends z.ZodType>(
  bytes: Uint8Array,
  schema: Schema,
  { cards = 'refused' }: { readonly cards?: 'refused' | 'kept' } = {},
): Step<{ readonly sent: unknown; readonly body: z.output<Schema> }> {
  const text = decodeUtf8(bytes)
  if (text === null) return { rejection: reject('invalid_json', 'It is not UTF-8.') }
  const parsed = text === '' ? { value: {} } : parseJson(text)
  if (parsed.wrong !== undefined) {
    const { wrong, faults } = parsed
    return {
      rejection: faults === undefined ? reject('invalid_json', wrong) : invalid(wrong, faults),
    }
  }
  const checked = check(schema, parsed.value)
  if ('refused' in checked) return { rejection: checked.refused }
  const card = cards === 'kept' ? null : refuseCardNumbers(parsed.value)
  return card === null ? { sent: parsed.value, body: checked.value } : { rejection: card }
}

export function readQuery<Schema extends z.ZodType>(
  x: Exchange,
  schema: Schema,
): Step<{ readonly query: z.output<Schema> }> {
  const { searchParams } = new URL(x.request.url)
  const names = [...searchParams.keys()]
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice !== undefined) {
    const fault = { pointer: jsonPointer([twice]), reason: 'is given twice' }
    return { rejection: invalid('A parameter is given twice.', [fault]) }
  }
  const checked = check(schema, Object.fromEntries(searchParams))
  return 'refused' in checked ? { rejection: checked.refused } : { query: checked.value }
}

/** Where no parameters are taken, a misspelt one must not be ignored. */
export function refuseQuery(x: Exchange): Refusal | null {
  if (!x.request.url.includes('?')) return null
  const read = readQuery(x, noQuery)
  return 'rejection' in read ? read : null
}

export function readIfMatch(x: Exchange): Step<{ readonly version: number }> {
  const version = readVersion(headerOf(x, 'if-match'))
  if (version !== null) return { version }
  return {
    rejection: invalid('Send `If-Match` with the `version` of the payment as it was shown to you.'),
  }
}

export function refuseUnready({ service }: Exchange): Refusal | null {
  const { ready, why = 'It takes nothing new on for now.' } = service.isReady()
  return ready ? null : { rejection: reject('not_ready', why) }
}

export function headerOf({ request }: Exchange, name: string): string | undefined {
  return request.headers.get(name) ?? undefined
}
