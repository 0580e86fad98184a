// An HTTP answer taken apart: the processor's own words, or what somebody in front of it said.
import * as z from 'zod'

import { readRetryAfter } from './retry-after.ts'
import type { HttpResult } from './http.ts'

const errorShape = z.object({
  error: z.object({
    type: z.string(),
    code: z.string().optional(),
    param: z.string().optional(),
    decline_code: z.string().optional(),
    /** The object as it stands, where it is past what was asked. */
    charge: z.unknown().optional(),
    payment_intent: z.unknown().optional(),
  }),
})

export type ProcessorError = z.infer<typeof errorShape>['error']

export interface Response {
  readonly status: number
  /** The body, parsed; `undefined` where it is no JSON, or too long. */
  readonly json: unknown
  /** The processor's own refusal; `null` where a gateway or nobody we know speaks. */
  readonly error: ProcessorError | null
  readonly requestId: string | null
  readonly retryAfterMs: number | null
  readonly replayed: boolean
  /** The processor's own word on sending it again; `null`: it says none. */
  readonly shouldRetry: boolean | null
}

/**
 * The processor numbers each of its answers and a gateway does not: only with a `Request-Id` is an
 * error believed to be the processor's own, and so a proof that nothing was done.
 */
export function readResponse(
  answered: Extract<HttpResult, { result: 'answered' }>,
  nowMs: number,
): Response {
  const { status, headers, body } = answered
  const json = parse(body)
  const requestId = headers['request-id'] ?? null
  const error = requestId === null ? null : (errorShape.safeParse(json).data?.error ?? null)
  return {
    status,
    json,
    error,
    requestId: requestId && requestId.slice(0, 100),
    retryAfterMs: error === null ? null : readRetryAfter(headers['retry-after'], nowMs),
    replayed: headers['idempotent-replayed'] === 'true',
    shouldRetry: error === null ? null : readFlag(headers['stripe-should-retry']),
  }
}

const readFlag = (word: string | undefined): boolean | null =>
  word === 'true' ? true : word === 'false' ? false : null

function parse(body: string | null): unknown {
  if (body === null) return undefined
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
