// The processor's charges of a window, a page at a time. A page that cannot be read to its end is none:
// what is overlooked here would look like money that never moved.
import * as z from 'zod'

import type { ProcessorRecord } from '../../core/reconcile.ts'
import type { RecordsPage, RecordsQuery } from '../../ports.ts'
import type { HttpResult } from '../http.ts'
import { marksIn } from '../metadata.ts'
import { readCharge, viewOf } from './charge.ts'
import type { Charge } from './charge.ts'
import { readResponse } from '../response.ts'

/** So many charges with their marks and some refunds each stay below the longest answer that is read. */
const pageSize = 32

/** Of a line that cannot be read so much is kept. */
const excerptLength = 300

export function recordsPath({ fromMs, toMs, cursor }: RecordsQuery): string {
  const query = new URLSearchParams({
    created_from: new Date(fromMs).toISOString(),
    created_to: new Date(toMs).toISOString(),
    limit: String(pageSize),
    ...(cursor === null ? {} : { cursor }),
  })
  return `/v1/charges?${query.toString()}`
}

const pageShape = z.object({
  object: z.literal('list'),
  data: z.array(z.unknown()),
  has_more: z.boolean(),
  next_cursor: z.string().min(1).nullable(),
})

export function recordsIn(result: HttpResult, installation: string, nowMs: number): RecordsPage {
  if (result.result !== 'answered') return none(result.cause)
  const response = readResponse(result, nowMs)
  const { status, error, json, retryAfterMs } = response
  if (status !== 200) return none(error?.code ?? `http_${status}`, retryAfterMs)
  const page = pageShape.safeParse(json).data
  if (page === undefined) return none('unreadable')
  // A page that says it goes on and not where would end the window too early.
  if (page.has_more && page.next_cursor === null) return none('incomplete_list')
  const records: ProcessorRecord[] = []
  const unreadable: string[] = []
  for (const value of page.data) {
    const charge = readCharge(value)
    if (charge === null) unreadable.push(JSON.stringify(value).slice(0, excerptLength))
    else records.push(recordOf(charge, installation))
  }
  return { result: 'page', records, unreadable, cursor: page.has_more ? page.next_cursor : null }
}

function recordOf(charge: Charge, installation: string): ProcessorRecord {
  return {
    object: viewOf(charge),
    paymentId: charge.metadata['payment'] ?? null,
    isForeign: charge.metadata['installation'] !== installation,
    createdAtMs: Date.parse(charge.created_at),
    marks: marksIn(charge),
  }
}

const none = (cause: string, retryAfterMs: number | null = null): RecordsPage => ({
  result: 'no_answer',
  cause: cause.slice(0, 64),
  retryAfterMs,
})
