// All PaymentIntents of a window, oldest first. Stripe lists the newest first and to the second, so a
// window that does not fit on one page is halved until it does; a second that holds more is read page by
// page. What is overlooked here would look like money that never moved.
import * as z from 'zod'

import type { ProcessorRecord } from '../../core/reconcile.ts'
import type { RecordsPage, RecordsQuery } from '../../ports.ts'
import type { HttpResult } from '../http.ts'
import { marksIn } from '../metadata.ts'
import { readResponse } from '../response.ts'
import { reversedOf } from './disputes.ts'
import { isCut, isDisputed, readIntent, refundsOf, viewOf } from './intent.ts'
import type { Intent } from './intent.ts'
import { listBytes, listExpanded } from './look-ups.ts'
import type { Reading } from './look-ups.ts'

const pageSize = 100
/** Of a line that cannot be read so much is kept. */
const excerptLength = 300

/** Seconds, the last one not included; within one second after an object. */
interface Slice {
  readonly from: number
  readonly to: number
  readonly after: string | null
}

export async function recordsIn(
  reading: Reading,
  query: RecordsQuery,
  installation: string,
): Promise<RecordsPage> {
  const endsAtMs = performance.now() + query.timeoutMs
  const leftMs = (): number => endsAtMs - performance.now()
  const end = Math.ceil(query.toMs / 1_000)
  let slice = readCursor(query.cursor) ?? {
    from: Math.ceil(query.fromMs / 1_000),
    to: end,
    after: null,
  }
  if (slice.from >= slice.to) return { result: 'page', records: [], unreadable: [], cursor: null }
  for (;;) {
    const page = pageIn(reading, await list(reading, slice, leftMs()))
    if ('result' in page) return page
    if (page.hasMore && slice.to - slice.from > 1) {
      const half = slice.from + Math.ceil((slice.to - slice.from) / 2)
      slice = { ...slice, to: half }
      continue
    }
    const last = idOf(page.data.at(-1))
    if (page.hasMore && last === null) return none('incomplete_list')
    const next: Slice | null = page.hasMore
      ? { ...slice, after: last }
      : slice.to < end
        ? { from: slice.to, to: wider(slice, end), after: null }
        : null
    return told(reading, page.data, next, installation, leftMs)
  }
}

/** The next one is looked for in twice the time that held a page: not halved from the whole again. */
const wider = ({ from, to }: Slice, end: number): number => Math.min(end, to + 2 * (to - from))

function list({ client }: Reading, { from, to, after }: Slice, timeoutMs: number) {
  const place = after === null ? {} : { starting_after: after }
  return client.call(
    (stripe) =>
      stripe.paymentIntents.list({
        created: { gte: from, lt: to },
        limit: pageSize,
        expand: [...listExpanded],
        ...place,
      }),
    { timeoutMs, maxBodyBytes: listBytes },
  )
}

async function told(
  reading: Reading,
  data: readonly unknown[],
  next: Slice | null,
  installation: string,
  leftMs: () => number,
): Promise<RecordsPage> {
  const records: ProcessorRecord[] = []
  const unreadable: string[] = []
  for (const value of data) {
    const intent = readIntent(value)
    if (intent === null || isCut(intent)) {
      unreadable.push(JSON.stringify(value).slice(0, excerptLength))
      continue
    }
    const reversed = isDisputed(intent) ? await reversedOf(reading, intent.id, leftMs()) : 0
    if (typeof reversed !== 'number') return none(reversed.cause, reversed.retryAfterMs)
    records.push(recordOf(intent, reversed, installation))
  }
  records.sort((a, b) => a.createdAtMs - b.createdAtMs)
  return { result: 'page', records, unreadable, cursor: next === null ? null : writeCursor(next) }
}

function recordOf(intent: Intent, reversed: number, installation: string): ProcessorRecord {
  const { metadata, latest_charge: charge, created } = intent
  return {
    object: viewOf(intent, reversed),
    paymentId: metadata['payment'] ?? null,
    isForeign: metadata['installation'] !== installation,
    createdAtMs: created * 1_000,
    marks: marksIn({
      metadata,
      payee: metadata['payee'],
      payment_method: metadata['payment_method'] ?? null,
      refunds: refundsOf(typeof charge === 'object' ? charge : null),
    }),
  }
}

const pageShape = z.object({
  object: z.literal('list'),
  data: z.array(z.unknown()),
  has_more: z.boolean(),
})

function pageIn(
  { nowMs }: Reading,
  result: HttpResult,
): { readonly data: readonly unknown[]; readonly hasMore: boolean } | RecordsPage {
  if (result.result !== 'answered') return none(result.cause)
  const { status, error, json, retryAfterMs } = readResponse(result, nowMs())
  if (status !== 200) return none(error?.code ?? `http_${status}`, retryAfterMs)
  const page = pageShape.safeParse(json).data
  return page === undefined ? none('unreadable') : { data: page.data, hasMore: page.has_more }
}

const idOf = (value: unknown): string | null => readIntent(value)?.id ?? null

const writeCursor = ({ from, to, after }: Slice): string => `${from}.${to}.${after ?? ''}`

function readCursor(cursor: string | null): Slice | null {
  const [, from, to, after = ''] = /^(\d{1,12})\.(\d{1,12})\.(\w{0,255})$/.exec(cursor ?? '') ?? []
  if (from === undefined || to === undefined) return null
  return { from: Number(from), to: Number(to), after: after === '' ? null : after }
}

const none = (cause: string, retryAfterMs: number | null = null): RecordsPage => ({
  result: 'no_answer',
  cause: cause.slice(0, 64),
  retryAfterMs,
})
