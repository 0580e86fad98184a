// What goes over the wire about the feed, webhooks and publishers.
import type { PaymentEvent } from './types.ts'

export interface FeedEvent extends PaymentEvent {
  /** The event of this payment before it; 0: it is the first. */
  readonly prev_seq: number
  readonly agent: string
  readonly account: string
  readonly livemode: boolean
  /** Goes on after this event. */
  readonly cursor: string
}

export interface WebhookEndpoint {
  readonly id: string
  readonly object: 'webhook_endpoint'
  readonly url: string
  readonly description: string
  /** Empty: all types. */
  readonly events: readonly string[]
  readonly account: string | null
  readonly agent: string | null
  /** The agent has named it for itself. */
  readonly callback: boolean
  readonly status: 'waiting' | 'enabled' | 'disabled'
  readonly reason: string | null
  readonly old_secret_until: string | null
  readonly failing_since: string | null
  readonly created_by: string
  readonly created_at: string
  readonly updated_at: string
  readonly pending: number
  readonly dead: number
}

export interface WebhookEndpointWithSecret extends WebhookEndpoint {
  /** Shown this once; `null`: it keeps the one that it has. */
  readonly secret: string | null
}

export interface WebhookDelivery {
  readonly object: 'delivery'
  readonly number: number
  readonly event_id: string
  readonly payment_id: string
  readonly seq: number
  readonly type: string
  readonly status: 'pending' | 'delivered' | 'dead'
  readonly attempts: number
  readonly since: string
  readonly next_attempt_at: string | null
  readonly ended_at: string | null
  readonly tries: readonly {
    readonly at: string
    readonly status: number | null
    readonly error: string | null
    readonly took_ms: number
  }[]
}

export interface PublisherStatus {
  readonly object: 'publisher'
  readonly name: string
  readonly lag_seconds: number
  readonly dead_letters: number
}

export interface DeadEvent {
  readonly object: 'dead_event'
  readonly publisher: string
  readonly payment_id: string
  readonly seq: number
  readonly reason: string
  readonly at: string
}

export interface Replay {
  readonly object: 'replay'
  readonly replayed: number
  readonly refused: number
  /** `null`: that was all. */
  readonly cursor: string | null
}
