// Stripe's own SDK builds each request, our HTTP client puts it on the wire, once. What came back is read
// from the answer itself: of a failure the SDK cannot tell whether the request may have arrived.
import { AsyncLocalStorage } from 'node:async_hooks'

import type Stripe from 'stripe'

import { openHttpClient } from '../http.ts'
import type { HttpResult } from '../http.ts'

/** The version of Stripe's API that requests and answers are written for. */
const stripeApiVersion = '2026-10-28.endive'

export interface StripeCall {
  /** From the call to its end. */
  readonly timeoutMs: number
  readonly mayStart?: () => Promise<string | null>
  /** The longest answer that is read, in bytes. */
  readonly maxBodyBytes?: number
}

export interface StripeClient {
  /** Makes one request of the SDK; what the SDK makes of the answer is of no interest. Never rejects. */
  readonly call: (ask: (stripe: Stripe) => Promise<unknown>, how: StripeCall) => Promise<HttpResult>
  readonly close: () => Promise<void>
}

interface Under {
  readonly how: StripeCall
  result: HttpResult | null
}

/** Rejects where the package `stripe` is not installed. */
export async function openStripeClient(
  url: string,
  apiKey: string,
  connections: number,
): Promise<StripeClient> {
  const Sdk = await importSdk()
  const { origin, protocol, hostname, port } = new URL(url)
  const http = openHttpClient(origin, connections)
  const under = new AsyncLocalStorage<Under>()
  const stripe = new Sdk(apiKey, {
    apiVersion: stripeApiVersion,
    maxNetworkRetries: 0,
    telemetry: false,
    host: hostname,
    port: port === '' ? (protocol === 'https:' ? '443' : '80') : port,
    protocol: protocol === 'https:' ? 'https' : 'http',
    httpClient: {
      getClientName: () => 'quittance',
      async makeRequest(_host, _port, path, method, headers, requestData) {
        const now = under.getStore()
        // Once and never more: the SDK would send a connection that was reset again by itself.
        if (now === undefined || now.result !== null) throw new Error('sent already')
        const { timeoutMs, mayStart, maxBodyBytes } = now.how
        now.result = { result: 'lost', cause: 'interrupted' }
        now.result = await http.call({
          method: method === 'GET' ? 'GET' : 'POST',
          path,
          headers: namesOf(headers),
          body: requestData === '' ? null : requestData,
          timeoutMs,
          ...(mayStart === undefined ? {} : { mayStart }),
          ...(maxBodyBytes === undefined ? {} : { maxBodyBytes }),
        })
        return nothing
      },
    },
  })
  return Object.freeze({
    async call(ask, how) {
      const now: Under = { how, result: null }
      await under.run(now, () => ask(stripe).catch(() => undefined))
      // It was refused before it was written: an argument of ours that the SDK does not take.
      return now.result ?? { result: 'not_sent', cause: 'request_not_built' }
    },
    close: http.close,
  } satisfies StripeClient)
}

async function importSdk(): Promise<typeof Stripe> {
  try {
    return (await import('stripe')).default
  } catch {
    throw new Error('Payments through Stripe need its package: npm install stripe@23.1.0')
  }
}

/** The length is the HTTP client's to say. */
function namesOf(headers: object): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers)
      .filter(([name]) => name.toLowerCase() !== 'content-length')
      .map(([name, value]) => [name.toLowerCase(), String(value)]),
  )
}

/** The SDK is given an empty object to be content with. */
const nothing = {
  getStatusCode: () => 200,
  getHeaders: () => ({}),
  getRawResponse: () => ({}),
  toStream: () => null,
  toJSON: async () => ({}),
}
