// The adapter for Stripe: a PaymentIntent for each payment, made first, its id committed, and only then
// confirmed and captured. After that every doubt is answered by reading it.
import { setTimeout as sleep } from 'node:timers/promises'

import * as z from 'zod'

import type { Binding } from '../../core/payment.ts'
import type { Answer, Call, Processor } from '../../ports.ts'
import { excerptOf } from '../excerpt.ts'
import { openIdentity, RefusedKey } from '../identity.ts'
import { readResponse } from '../response.ts'
import { capabilitiesFor, isKnownVersion } from './capabilities.ts'
import type { StripeCapabilities } from './capabilities.ts'
import { openStripeClient } from './client.ts'

import { lookUpIn } from './look-ups.ts'
import type { Reading } from './look-ups.ts'
import { recordsIn } from './records.ts'
import { requestOf } from './requests.ts'
import type { PayeeIs, RequestSettings } from './requests.ts'
import { answerTo, answerToFailure, noAnswer } from './signals.ts'
import { readWebhook } from './webhook.ts'

export interface StripeProcessorOptions {
  /** A secret or restricted key; its prefix says whether money is real. */
  readonly apiKey: string
  /** Without it a live key is refused. */
  readonly allowLive?: boolean
  /** Where Stripe answers; another address than its own is for a stand-in. */
  readonly url?: string
  /** Our installation's id, put into the metadata of whatever we make. */
  readonly installation: string
  /** The processor's name in bindings; `stripe` unless told. */
  readonly name?: string
  /** Without it no webhook is believed. */
  readonly webhookSecret?: string
  readonly payeeIs?: PayeeIs
  readonly returnUrl?: string | null
  readonly capabilities?: StripeCapabilities
  /** Calls at once, 64 unless told; more wait their turn, inside their own time. */
  readonly connections?: number
  readonly openWithinMs?: number
  /** Who we were there the last time; see the identity. */
  readonly known?: StripeAccount | null
  /** Unix time, for a `Retry-After` that is a date. */
  readonly nowMs?: () => number
}

export interface StripeAccount {
  readonly id: string
  readonly livemode: boolean
}

const stripeUrl = 'https://api.stripe.com'

/**
 * Asks Stripe who we are. Rejects where the key is refused or is a live one that was not allowed, and
 * where Stripe does not answer in time and nobody knows who we were.
 */
export async function openStripeProcessor(options: StripeProcessorOptions): Promise<Processor> {
  const { apiKey, installation, name = 'stripe', webhookSecret = null, known = null } = options
  const { capabilities = {}, connections = 64, openWithinMs = 10_000, nowMs = Date.now } = options
  const livemode = modeOf(apiKey, options.allowLive ?? false)
  const client = await openStripeClient(options.url ?? stripeUrl, apiKey, connections)
  const reading: Reading = { client, nowMs }
  const settings: RequestSettings = {
    installation,
    payeeIs: options.payeeIs ?? 'note',
    returnUrl: options.returnUrl ?? null,
  }
  try {
    const identity = await openIdentity(
      (withinMs) => askAccount(reading, livemode, withinMs),
      known,
      openWithinMs,
    )
    const { account } = identity
    const binding: Binding = Object.freeze({
      processor: name,
      processorAccount: account.id,
      livemode: account.livemode,
    })
    /** What the doubt takes is taken from the call's own time. */
    const within = async (timeoutMs: number): Promise<{ cause: string | null; leftMs: number }> => {
      const beganMs = performance.now()
      const cause = await identity.doubt(timeoutMs)
      return { cause, leftMs: timeoutMs - (performance.now() - beganMs) }
    }
    return Object.freeze({
      binding,
      capabilities: (about) => capabilitiesFor(about, capabilities),
      send: async (call) => {
        const { cause, leftMs } = await within(call.timeoutMs)
        if (cause === 'other_account') return { ...noAnswer, signal: 'account_fault', cause }
        if (cause !== null) return { ...noAnswer, cause }
        return send(reading, { ...call, timeoutMs: leftMs }, settings, [
          apiKey,
          webhookSecret ?? '',
        ])
      },
      lookUp: async (query) => {
        const { cause, leftMs } = await within(query.timeoutMs)
        if (cause !== null) return { finding: 'no_answer', cause, retryAfterMs: null }
        return lookUpIn(reading, { ...query, timeoutMs: leftMs })
      },
      records: async (query) => {
        const { cause, leftMs } = await within(query.timeoutMs)
        if (cause !== null) return { result: 'no_answer', cause, retryAfterMs: null }
        return recordsIn(reading, { ...query, timeoutMs: leftMs }, installation)
      },
      readWebhook: (body, headers, atMs) => readWebhook(webhookSecret, body, headers, atMs),
      close: client.close,
    } satisfies Processor)
  } catch (error) {
    await client.close()
    throw error
  }
}

/** Nothing of the key is told but its kind. */
function modeOf(apiKey: string, allowLive: boolean): boolean {
  const [, mode] = /^(?:sk|rk)_(test|live)_\w{4,}$/.exec(apiKey) ?? []
  if (mode === undefined) {
    throw new RefusedKey(
      'The key for Stripe is none: it begins with sk_test_, rk_test_, sk_live_ or rk_live_.',
    )
  }
  if (mode === 'live' && !allowLive) {
    throw new RefusedKey(
      'The key for Stripe is a live one: it moves real money. QUITTANCE_ALLOW_LIVE=1 says that this is meant.',
    )
  }
  return mode === 'live'
}

async function send(
  { client, nowMs }: Reading,
  call: Call,
  settings: RequestSettings,
  secrets: readonly string[],
): Promise<Answer> {
  // Bytes that other code froze: whatever we wrote under its key would be another request.
  if (!isKnownVersion(call.attempt.request.apiVersion)) {
    return { ...noAnswer, cause: 'unknown_api_version' }
  }
  const ask = requestOf(call, settings)
  if (ask === null) return { ...noAnswer, cause: 'no_object' }
  const { timeoutMs, mayStart } = call
  const result = await client.call(ask, {
    timeoutMs,
    ...(mayStart === undefined ? {} : { mayStart }),
  })
  if (result.result !== 'answered') return answerToFailure(result)
  return answerTo(call, readResponse(result, nowMs()), excerptOf(result.body ?? '', secrets))
}

const accountShape = z.object({ object: z.literal('account'), id: z.string().min(1).max(255) })

/** One question is given up after this long. */
const askTimeoutMs = 2_000
const askAgainMs = 100

async function askAccount(
  { client, nowMs }: Reading,
  livemode: boolean,
  withinMs: number,
): Promise<StripeAccount> {
  const endsAtMs = performance.now() + withinMs
  for (;;) {
    const timeoutMs = Math.max(1, Math.min(askTimeoutMs, endsAtMs - performance.now()))
    const result = await client.call((stripe) => stripe.accounts.retrieveCurrent(), { timeoutMs })
    const response = result.result === 'answered' ? readResponse(result, nowMs()) : null
    const told = response?.status === 200 ? accountShape.safeParse(response.json).data : undefined
    if (told !== undefined) return { id: told.id, livemode }
    if (response?.error && (response.status === 401 || response.status === 403)) {
      throw new RefusedKey('Stripe refuses the API key.')
    }
    if (endsAtMs - performance.now() <= askAgainMs) {
      const cause = result.result === 'answered' ? `http_${result.status}` : result.cause
      throw new Error(`Stripe did not answer within ${withinMs} ms (last: ${cause}).`)
    }
    await sleep(askAgainMs)
  }
}
