// Lists: how a stretch of time and a place in it are asked for, and how a page of it is answered.
import { refuse, say } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Page, Placed } from './ledger.ts'

export type Query = Readonly<Record<string, string>>

const defaultLimit = 100
const maxLimit = 500

/** RFC 3339, as the processor itself writes times; seconds and zone are not optional. */
const timePattern = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/

/** The page that a query asks for, or the name of its first wrong parameter. */
export function readPage(query: Query, fromName: string, beforeName: string): Page | string {
  const wrong = unlisted(query, [fromName, beforeName, 'limit', 'cursor'])
  if (wrong !== null) return wrong
  const fromMs = readTime(query[fromName], 0)
  const beforeMs = readTime(query[beforeName], Number.MAX_SAFE_INTEGER)
  const limit = readLimit(query['limit'])
  const after = readCursor(query['cursor'])
  if (fromMs === null) return fromName
  if (beforeMs === null) return beforeName
  if (limit === null) return 'limit'
  if (after === null) return 'cursor'
  return { fromMs, beforeMs, limit, after }
}

export function readLimit(text: string | undefined): number | null {
  if (text === undefined) return defaultLimit
  const limit = Number(text)
  return Number.isInteger(limit) && limit >= 1 && limit <= maxLimit ? limit : null
}

export function unlisted(query: Query, names: readonly string[]): string | null {
  return Object.keys(query).find((name) => !names.includes(name)) ?? null
}

export function wrongParam(param: string): Answer {
  return refuse('invalid_request', `${param} is wrong or not known here.`, { param })
}

export function sayList(data: readonly unknown[], nextCursor: string | null): Answer {
  return say({ object: 'list', data, has_more: nextCursor !== null, next_cursor: nextCursor })
}

/** `rows` were asked for with one more than `limit`: that one tells whether there are more. */
export function sayPage<T>(
  rows: readonly Placed<T>[],
  limit: number,
  present: (value: T) => unknown,
): Answer {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  const more = rows.length > limit && last !== undefined
  const cursor = more ? Buffer.from(`${last.atMs}.${last.seq}`).toString('base64url') : null
  return sayList(
    shown.map((row) => present(row.value)),
    cursor,
  )
}

function readTime(text: string | undefined, otherwise: number): number | null {
  if (text === undefined) return otherwise
  const atMs = timePattern.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(atMs) ? null : atMs
}

function readCursor(text: string | undefined): Page['after'] | null {
  if (text === undefined) return { atMs: -1, seq: 0 }
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(Buffer.from(text, 'base64url').toString())
  return match === null ? null : { atMs: Number(match[1]), seq: Number(match[2]) }
}
