// Alerts as signed webhooks (Standard Webhooks). Delivered is what was answered with 2xx.
import type { lookup as systemLookup } from 'node:dns'

import type { Clock, Sink } from '../../ports.ts'
import type { Notice } from '../../core/alerts.ts'
import { isTaken, openPoster } from '../../outbound/post.ts'
import { readSecrets } from '../../outbound/signature.ts'

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
/** Whoever sets the address owns this machine: a forwarder on it may be meant. */
const rules = { loopback: true, privateHosts: new Set<string>() }

/** Throws, with a sentence for whoever has set it, where the address or the secret cannot be used. */
export function openWebhookSink(options: WebhookOptions): WebhookSink {
  const { secret, clock, timeoutMs = defaultTimeoutMs, lookup } = options
  const more = lookup === undefined ? {} : { lookup }
  const poster = openPoster(options.url, { rules, timeoutMs, connections: 1, ...more })
  const keys = readSecrets(secret)
  if (keys === null) {
    throw new Error(
      'The secret must be whsec_ and 24 to 64 bytes in base64, as `echo whsec_$(openssl rand -base64 32)` makes one.',
    )
  }
  return Object.freeze<WebhookSink>({
    name: 'webhook',
    async deliver(notice) {
      const message = { id: notice.id, body: JSON.stringify(bodyOf(notice)) }
      const posted = await poster.post(message, keys, clock.nowMs())
      return isTaken(posted) ? 'delivered' : 'not_delivered'
    },
    close: poster.close,
  })
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
