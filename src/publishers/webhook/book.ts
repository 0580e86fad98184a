// What webhooks must remember, as a port of their own: a file keeps it on one machine, a table may
// elsewhere. Everything is durable when it resolves.
import type { FactType } from '../../core/payment.ts'
import type {
  Attempt,
  Delivery,
  DeliveryQuery,
  Endpoint,
  EndpointStanding,
} from '../../delivery-ports.ts'

export interface NewDelivery {
  readonly endpointId: string
  readonly paymentId: string
  readonly seq: number
  readonly type: FactType
}

/** What came of one try. */
export interface Outcome {
  readonly number: number
  readonly status: Delivery['status']
  readonly nextAtMs: number
  readonly attempt: Attempt
}

export interface WebhookBook {
  /** Made with the book: another one is another reader of events. */
  readonly id: string
  /** All of them; there are never more than a few hundred. */
  endpoints(): Promise<readonly Endpoint[]>
  endpoint(id: string): Promise<Endpoint | null>
  add(endpoint: Endpoint): Promise<void>
  /** As it is right then; the same endpoint is not written. `null`: there is none. */
  change(id: string, to: (endpoint: Endpoint) => Endpoint): Promise<Endpoint | null>
  /** With its deliveries; false where it was not there. */
  remove(endpointId: string): Promise<boolean>
  /** One of an endpoint, payment and number that is there already stays as it is. */
  enqueue(deliveries: readonly NewDelivery[], nowMs: number): Promise<void>
  /**
   * Makes these pending from now on, whatever became of them before, and those that are not there; says
   * how many.
   */
  renew(deliveries: readonly NewDelivery[], nowMs: number): Promise<number>
  renewOne(endpointId: string, number: number, nowMs: number): Promise<number>
  renewDead(endpointId: string, nowMs: number): Promise<number>
  /** The patience of all that waits for this endpoint begins anew. */
  renewPending(endpointId: string, nowMs: number): Promise<void>
  /**
   * Pending ones whose time has come. Of one payment in order: an earlier one is waited for until it has
   * failed `holdsUp` times.
   */
  due(
    endpointId: string,
    nowMs: number,
    limit: number,
    holdsUp: number,
  ): Promise<readonly Delivery[]>
  /** When the next of the pending ones is due; `null`: there is none. */
  nextDueMs(endpointId: string): Promise<number | null>
  finish(outcomes: readonly Outcome[]): Promise<void>
  deliveries(query: DeliveryQuery): Promise<readonly Delivery[]>
  standing(): Promise<readonly EndpointStanding[]>
  /** Forgets what was delivered before, at most so many; says how many. */
  prune(beforeMs: number, limit: number): Promise<number>
  close(): void
}
