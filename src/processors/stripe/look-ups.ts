// Reads of PaymentIntents and what they find. `not_found` is said only where Stripe itself said so: it
// may become a proof of absence.
import * as z from 'zod'

import type { Finding, LookUp } from '../../ports.ts'
import type { HttpResult } from '../http.ts'
import { readResponse } from '../response.ts'
import type { Response } from '../response.ts'
import type { StripeClient } from './client.ts'
import { expanded, isCut, isDisputed, readIntent, statusOf, viewOf } from './intent.ts'
import type { Intent } from './intent.ts'
import { reversedOf } from './disputes.ts'

export interface Reading {
  readonly client: StripeClient
  readonly nowMs: () => number
}

/** A list of a hundred with their charges. */
export const listBytes = 4_194_304

export const listExpanded = expanded.map((path) => `data.${path}`)

/** Pages of a window that are read for one payment; with more in it nothing is said. */
const mostPages = 20

/** Clocks differ: ours said when the payment was claimed, theirs when it was made. */
const clocksApartMs = 300_000

export async function lookUpIn(reading: Reading, query: LookUp): Promise<Finding> {
  const endsAtMs = performance.now() + query.timeoutMs
  const leftMs = (): number => endsAtMs - performance.now()
  switch (query.by) {
    case 'object':
      return byObject(reading, query, leftMs)
    case 'reference':
      return bySearch(reading, query, leftMs)
    case 'records':
      return byRecords(reading, query, leftMs)
  }
}

async function byObject(
  reading: Reading,
  { objectId, paymentId }: LookUp,
  leftMs: () => number,
): Promise<Finding> {
  if (objectId === null) return none('no_object')
  const result = await reading.client.call(
    (stripe) => stripe.paymentIntents.retrieve(objectId, { expand: [...expanded] }),
    { timeoutMs: leftMs(), maxBodyBytes: listBytes },
  )
  const response = answered(reading, result)
  if ('finding' in response) return response
  const { status, error } = response
  // A missing route is a 404 as well, and says nothing about an object.
  const isMissing = status === 404 && error?.code === 'resource_missing'
  if (isMissing) return { finding: 'not_found', consistent: true }
  if (status !== 200) return none(error?.code ?? `http_${status}`, response.retryAfterMs)
  const intent = readIntent(response.json)
  if (intent === null || isCut(intent)) return none('unreadable')
  const isOurs = intent.id === objectId && intent.metadata['payment'] === paymentId
  return isOurs ? found(reading, intent, true, leftMs) : none('mismatched_answer')
}

// Search lags; what it does not find may be there all the same.
async function bySearch(
  reading: Reading,
  { paymentId }: LookUp,
  leftMs: () => number,
): Promise<Finding> {
  if (!/^[0-9A-Za-z_]{1,64}$/.test(paymentId)) return none('no_reference')
  const result = await reading.client.call(
    (stripe) =>
      stripe.paymentIntents.search({
        query: `metadata['payment']:'${paymentId}'`,
        limit: 100,
        expand: [...listExpanded],
      }),
    { timeoutMs: leftMs(), maxBodyBytes: listBytes },
  )
  const page = pageOf(reading, result, 'search_result')
  if ('finding' in page) return page
  if (page.hasMore) return none('incomplete_list')
  return ofThem(reading, page.intents, paymentId, false, leftMs)
}

/** Everything that was made since the claim, newest first, and of it what names the payment. */
async function byRecords(
  reading: Reading,
  { paymentId, sinceMs }: LookUp,
  leftMs: () => number,
): Promise<Finding> {
  const since = Math.floor(Math.max(0, sinceMs - clocksApartMs) / 1_000)
  const theirs: Intent[] = []
  let after: string | null = null
  for (let pages = 0; pages < mostPages; pages += 1) {
    const from: { readonly starting_after?: string } =
      after === null ? {} : { starting_after: after }
    const result: HttpResult = await reading.client.call(
      (stripe) =>
        stripe.paymentIntents.list({
          created: { gte: since },
          limit: 100,
          expand: [...listExpanded],
          ...from,
        }),
      { timeoutMs: leftMs(), maxBodyBytes: listBytes },
    )
    const page = pageOf(reading, result, 'list')
    if ('finding' in page) return page
    theirs.push(...page.intents.filter(({ metadata }) => metadata['payment'] === paymentId))
    if (!page.hasMore) return ofThem(reading, theirs, paymentId, true, leftMs)
    after = page.intents.at(-1)?.id ?? null
    if (after === null) break
  }
  return none('incomplete_list')
}

async function ofThem(
  reading: Reading,
  intents: readonly Intent[],
  paymentId: string,
  consistent: boolean,
  leftMs: () => number,
): Promise<Finding> {
  if (intents.some(({ metadata }) => metadata['payment'] !== paymentId)) {
    return none('mismatched_answer')
  }
  const intent = mostTelling(intents)
  return intent === null
    ? { finding: 'not_found', consistent }
    : found(reading, intent, consistent, leftMs)
}

async function found(
  reading: Reading,
  intent: Intent,
  consistent: boolean,
  leftMs: () => number,
): Promise<Finding> {
  if (!isDisputed(intent)) return { finding: 'found', object: viewOf(intent), consistent }
  const reversed = await reversedOf(reading, intent.id, leftMs())
  if (typeof reversed !== 'number') return none(reversed.cause, reversed.retryAfterMs)
  return { finding: 'found', object: viewOf(intent, reversed), consistent }
}

/**
 * Of several objects of one payment the one that took money, else that holds some, else that still may,
 * else the newest: what is overlooked here could be taken for nothing.
 */
function mostTelling(intents: readonly Intent[]): Intent | null {
  return intents.reduce<Intent | null>((best, intent) => {
    if (best === null) return intent
    const difference = weight(intent) - weight(best)
    return difference > 0 || (difference === 0 && intent.created > best.created) ? intent : best
  }, null)
}

function weight(intent: Intent): number {
  switch (statusOf(intent)) {
    case 'captured':
      return 3
    case 'authorised':
      return 2
    case 'pending':
    case 'action_required':
      return 1
    case 'created':
    case 'voided':
    case 'expired':
    case 'declined':
      return 0
  }
}

// ── Answers ──────────────────────────────────────────────────────────────────────────────────────

const pageShape = z.object({
  object: z.enum(['list', 'search_result']),
  data: z.array(z.unknown()),
  has_more: z.boolean(),
})

export interface IntentPage {
  readonly intents: readonly Intent[]
  readonly hasMore: boolean
}

/** A page that cannot be read to its end proves nothing. */
function pageOf(
  reading: Reading,
  result: HttpResult,
  kind: 'list' | 'search_result',
): IntentPage | NoAnswer {
  const response = answered(reading, result)
  if ('finding' in response) return response
  const { status, error, json, retryAfterMs } = response
  if (status !== 200) return none(error?.code ?? `http_${status}`, retryAfterMs)
  const page = pageShape.safeParse(json).data
  const intents = page?.data.map(readIntent) ?? []
  const read = intents.filter((intent) => intent !== null)
  if (page?.object !== kind || read.length < intents.length || read.some(isCut)) {
    return none('unreadable')
  }
  return { intents: read, hasMore: page.has_more }
}

type NoAnswer = Extract<Finding, { finding: 'no_answer' }>

function answered({ nowMs }: Reading, result: HttpResult): Response | NoAnswer {
  return result.result === 'answered' ? readResponse(result, nowMs()) : none(result.cause)
}

function none(cause: string, retryAfterMs: number | null = null): NoAnswer {
  return { finding: 'no_answer', cause: cause.slice(0, 64), retryAfterMs }
}
