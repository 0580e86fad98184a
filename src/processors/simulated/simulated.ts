// The adapter for the simulated processor: a service of its own, reached over HTTP like any other.
// It knows the wire's contract (the simulator's README) and imports nothing of the simulator.
import { setTimeout as sleep } from 'node:timers/promises'

import * as z from 'zod'

import type { Binding } from '../../core/payment.ts'
import type { Answer, Call, Finding, LookUp, Processor } from '../../ports.ts'
import { excerptOf } from '../excerpt.ts'
import { openHttpClient } from '../http.ts'
import type { HttpClient, HttpResult } from '../http.ts'
import { capabilitiesFor } from './capabilities.ts'
import type { CapabilityOverrides } from './capabilities.ts'
import { openIdentity, RefusedKey } from '../identity.ts'
import { findingIn, pathTo } from './look-ups.ts'
import { recordsIn, recordsPath } from './records.ts'
import { isKnownVersion, requestOf } from './requests.ts'
import { readResponse } from '../response.ts'
import { answerTo, answerToFailure, noAnswer } from './signals.ts'
import { readWebhook } from './webhook.ts'

export interface SimulatedProcessorOptions {
  /** Where the service answers; a path is put in front of every route. */
  readonly url: string
  readonly apiKey: string
  /** Our installation's id, put into the metadata of whatever we make. */
  readonly installation: string
  /** The processor's name in bindings; `simulated` unless told. */
  readonly name?: string
  /** Without it no webhook is believed. */
  readonly webhookSecret?: string
  readonly capabilities?: CapabilityOverrides
  /** Calls at once, 64 unless told; more wait their turn, inside their own time. */
  readonly connections?: number
  /** How long opening waits for a service that is only starting, 10 s unless told. */
  readonly openWithinMs?: number
  /**
   * Who we were there the last time. With it a processor that is away does not keep us from
   * starting; nothing is sent or looked up before it has said the same again.
   */
  readonly known?: Account | null
  /** Unix time, for a `Retry-After` that is a date. */
  readonly nowMs?: () => number
}

interface Wire {
  readonly http: HttpClient
  /** Of the URL, in front of every route. */
  readonly prefix: string
  readonly secrets: readonly string[]
  readonly installation: string
  readonly authorization: string
  readonly nowMs: () => number
}

/**
 * Asks the processor who we are there. Rejects where it refuses us, and where it does not answer in
 * time and nobody knows who we were.
 */
export async function openSimulatedProcessor(
  options: SimulatedProcessorOptions,
): Promise<Processor> {
  const {
    url,
    apiKey,
    installation,
    name = 'simulated',
    webhookSecret = null,
    known = null,
  } = options
  const { capabilities = {}, connections = 64, openWithinMs = 10_000, nowMs = Date.now } = options
  const { origin, pathname } = new URL(url)
  const http = openHttpClient(origin, connections)
  const wire: Wire = {
    http,
    prefix: pathname.replace(/\/+$/, ''),
    secrets: [apiKey, webhookSecret ?? ''],
    installation,
    authorization: `Bearer ${apiKey}`,
    nowMs,
  }
  try {
    const identity = await openIdentity(
      (withinMs) => askAccount(wire, url, withinMs),
      known,
      openWithinMs,
    )
    const { id, livemode } = identity.account
    const binding: Binding = Object.freeze({ processor: name, processorAccount: id, livemode })
    return Object.freeze({
      binding,
      capabilities: (about) => capabilitiesFor(about, capabilities),
      send: async (call) => {
        // What the doubt takes is taken from the call's own time: it must end when it said it would.
        const beganMs = performance.now()
        const cause = await identity.doubt(call.timeoutMs)
        if (cause === 'other_account') return { ...noAnswer, signal: 'account_fault', cause }
        if (cause !== null) return { ...noAnswer, signal: 'not_sent', cause }
        return send(wire, { ...call, timeoutMs: call.timeoutMs - (performance.now() - beganMs) })
      },
      lookUp: async (query) => {
        const beganMs = performance.now()
        const cause = await identity.doubt(query.timeoutMs)
        if (cause !== null) return { finding: 'no_answer', cause, retryAfterMs: null }
        return lookUp(wire, {
          ...query,
          timeoutMs: query.timeoutMs - (performance.now() - beganMs),
        })
      },
      records: async (query) => {
        const beganMs = performance.now()
        const cause = await identity.doubt(query.timeoutMs)
        if (cause !== null) return { result: 'no_answer', cause, retryAfterMs: null }
        const timeoutMs = query.timeoutMs - (performance.now() - beganMs)
        const result = await get(wire, recordsPath(query), timeoutMs)
        return recordsIn(result, installation, nowMs())
      },
      readWebhook: (body, headers, atMs) => readWebhook(webhookSecret, body, headers, atMs),
      close: http.close,
    } satisfies Processor)
  } catch (error) {
    await http.close()
    throw error
  }
}

export type Account = z.infer<typeof accountShape>

const accountShape = z.object({ id: z.string().min(1).max(255), livemode: z.boolean() })

/** One question is given up after this long; a service that starts may swallow the first. */
const askTimeoutMs = 2_000
const askAgainMs = 100

async function askAccount(wire: Wire, url: string, withinMs: number): Promise<Account> {
  const startedMs = performance.now()
  const leftMs = (): number => withinMs - (performance.now() - startedMs)
  for (;;) {
    const timeoutMs = Math.max(1, Math.min(askTimeoutMs, leftMs()))
    const result = await get(wire, '/v1/account', timeoutMs)
    const response = result.result === 'answered' ? readResponse(result, wire.nowMs()) : null
    const account =
      response?.status === 200 ? accountShape.safeParse(response.json).data : undefined
    if (account !== undefined) return account
    if (response?.error && (response.status === 401 || response.status === 403)) {
      throw new RefusedKey(`The simulated processor at ${url} refuses the API key.`)
    }
    if (leftMs() <= askAgainMs) {
      const cause = result.result === 'answered' ? `http_${result.status}` : result.cause
      throw new Error(
        `The simulated processor at ${url} did not answer within ${withinMs} ms (last: ${cause}). ` +
          'Is it running?',
      )
    }
    await sleep(askAgainMs)
  }
}

async function send(wire: Wire, call: Call): Promise<Answer> {
  if (!isKnownVersion(call.attempt.request.apiVersion)) {
    // Bytes that other code froze: whatever we wrote under its key would be another request.
    return { ...noAnswer, cause: 'unknown_api_version' }
  }
  const { path, key, body } = requestOf(call, wire.installation)
  const result = await wire.http.call({
    method: 'POST',
    path: wire.prefix + path,
    headers: {
      authorization: wire.authorization,
      'content-type': 'application/json',
      'idempotency-key': key,
    },
    body,
    timeoutMs: call.timeoutMs,
    ...(call.mayStart === undefined ? {} : { mayStart: call.mayStart }),
  })
  if (result.result !== 'answered') return answerToFailure(result)
  const excerpt = excerptOf(result.body ?? '', wire.secrets)
  return answerTo(call, readResponse(result, wire.nowMs()), excerpt)
}

async function lookUp(wire: Wire, query: LookUp): Promise<Finding> {
  const path = pathTo(query)
  if (path === null) return { finding: 'no_answer', cause: 'no_object', retryAfterMs: null }
  return findingIn(query, await get(wire, path, query.timeoutMs), wire.nowMs())
}

function get(
  { http, prefix, authorization }: Wire,
  path: string,
  timeoutMs: number,
): Promise<HttpResult> {
  const headers = { authorization }
  return http.call({ method: 'GET', path: prefix + path, headers, body: null, timeoutMs })
}
