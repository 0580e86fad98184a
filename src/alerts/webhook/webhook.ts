// Alerts as signed webhooks (Standard Webhooks). Delivered is what was answered with 2xx; a redirect
// is never followed, and what else the answer says is of no interest.
import { lookup as systemLookup } from 'node:dns'

import { Agent } from 'undici'

import type { Clock, Sink } from '../../ports.ts'
import type { Notice } from '../../core/alerts.ts'
import { guardedLookup, hostOf, isAllowed, reachOf } from './address.ts'
import { readSecrets, signedHeaders } from './signature.ts'

export interface WebhookOptions {
  readonly url: string
  /** `whsec_…`; two with a comma between them while one takes over from the other. */
  readonly secret: string
  readonly clock: Pick<Clock, 'nowMs'>
  /** From the name's look-up to the end of the answer; less than the engine waits for a sink. */
  readonly timeoutMs?: number
  /** How names are resolved; as the system does. */
  readonly lookup?: typeof systemLookup
}

export interface WebhookSink extends Sink {
  readonly close: () => Promise<void>
}

const defaultTimeoutMs = 9_000
/** Of an answer; who sends more is cut off. */
const maxAnswerBytes = 16_384

/** Throws, with a sentence for whoever has set it, where the address or the secret cannot be used. */
export function openWebhookSink(options: WebhookOptions): WebhookSink {
  const { secret, clock, timeoutMs = defaultTimeoutMs, lookup = systemLookup } = options
  const url = new URL(options.url)
  const reach = reachOf(url)
  assertUsable(url)
  const keys = readSecrets(secret)
  if (keys === null) {
    throw new Error(
      'The secret must be whsec_ and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes one.',
    )
  }
  const agent = new Agent({
    connections: 1,
    connect: { lookup: guardedLookup(reach, lookup), timeout: timeoutMs },
    // Each try has one timer for all of it; these would only race with it.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  return Object.freeze<WebhookSink>({
    name: 'webhook',
    async deliver(notice) {
      const body = JSON.stringify(bodyOf(notice))
      try {
        const { statusCode, body: answer } = await agent.request({
          origin: url.origin,
          path: `${url.pathname}${url.search}`,
          method: 'POST',
          headers: {
            'content-type': 'application/json',
            'user-agent': 'quittance',
            ...signedHeaders(keys, notice.id, clock.nowMs(), body),
          },
          body,
          signal: AbortSignal.timeout(timeoutMs),
        })
        // What comes after the status cannot change it.
        await answer.dump({ limit: maxAnswerBytes }).catch(() => undefined)
        return statusCode >= 200 && statusCode < 300 ? 'delivered' : 'not_delivered'
      } catch {
        return 'not_delivered'
      }
    },
    close: () => agent.destroy(),
  })
}

function assertUsable(url: URL): void {
  const host = hostOf(url)
  const isLoopback = reachOf(url) === 'loopback'
  if (url.username !== '' || url.password !== '') {
    throw new Error('The address holds a password; the signature says who is calling.')
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback)) {
    throw new Error(
      'The address must begin with https:// (http:// only on 127.0.0.1, ::1 or localhost).',
    )
  }
  const isAddress = /^[\d.]+$/.test(host) || host.includes(':')
  if (isAddress && !isLoopback && !isAllowed(host, 'public')) {
    throw new Error(
      `The address ${host} is private, link-local or reserved; alerts do not go there.`,
    )
  }
}

function bodyOf(notice: Notice) {
  const at = (ms: number): string => new Date(ms).toISOString()
  return {
    type: `alert.${notice.status}`,
    timestamp: at(notice.resolvedAtMs ?? notice.lastAtMs),
    data: {
      id: notice.id,
      alert: notice.alert,
      status: notice.status,
      kind: notice.kind,
      severity: notice.severity,
      subject: notice.subject,
      detail: notice.detail,
      count: notice.count,
      payment_ids: notice.paymentIds,
      title: notice.title,
      did: notice.did,
      todo: notice.todo,
      runbook: notice.runbook,
      since: at(notice.sinceMs),
      last_at: at(notice.lastAtMs),
      resolved_at: notice.resolvedAtMs === null ? null : at(notice.resolvedAtMs),
    },
  }
}
