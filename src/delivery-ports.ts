// What carries news to others, on one page: the feed, the webhooks and the dead letters of publishers,
// each behind promises that a file on one machine keeps as well as a table elsewhere. What a payment
// runs through is in `ports.ts`.
import type { FactType, PaymentEvent } from './core/payment.ts'

// ── Feed ─────────────────────────────────────────────────────────────────────────────────────────

/** One event in the order of the feed, with whom it belongs to. */
export interface FeedEntry {
  /** Goes on after this entry. */
  readonly cursor: string
  readonly event: PaymentEvent
  readonly agent: string
  readonly account: string
  readonly livemode: boolean
}

export interface FeedQuery {
  /** `null`: of every account. */
  readonly account: string | null
  /** From `cursorAt`, or the cursor of an entry. */
  readonly after: string
  /** 1 to 100. */
  readonly limit: number
}

/** Where to begin: before all that there is, after it, or at a time (Unix milliseconds). */
export type FeedStart = 'start' | 'now' | number

export interface Feed {
  /** In the order in which it was committed, in order for each payment; shows an event once. */
  read(query: FeedQuery): Promise<{
    readonly entries: readonly FeedEntry[]
    /** Where the next page begins, also where this one is empty. */
    readonly cursor: string
  }>
  cursorAt(start: FeedStart): Promise<string>
  /** Is it a cursor of this feed? Feeds that were made anew do not know those of the one before. */
  knows(cursor: string): boolean
  /** Events by the time at which they happened, oldest first; `next`: there are more. */
  between(window: {
    readonly fromMs: number
    readonly toMs: number
    readonly after: string | null
    readonly limit: number
  }): Promise<{ readonly events: readonly PaymentEvent[]; readonly next: string | null }>
  /** Resolves when something may have come, the signal aborts, or so much time has passed. */
  news(withinMs: number, signal: AbortSignal): Promise<void>
}

// ── Dead letters of publishers ───────────────────────────────────────────────────────────────────

/** An event that a publisher would not take while it took others. */
export interface DeadEvent {
  readonly publisher: string
  readonly paymentId: string
  readonly seq: number
  readonly reason: string
  readonly atMs: number
}

export interface DeadEvents {
  /** Durable when it resolves; one that is there already stays as it is. */
  put(event: DeadEvent): Promise<void>
  /** It was delivered after all. */
  take(publisher: string, paymentId: string, seq: number): Promise<void>
  /** Oldest first. */
  list(query: { readonly publisher: string; readonly limit: number }): Promise<readonly DeadEvent[]>
  counts(): Promise<ReadonlyMap<string, number>>
}

// ── Webhooks ─────────────────────────────────────────────────────────────────────────────────────

/**
 * `waiting`: an agent has named it, and no operator has let it in yet. Unless it is `enabled` nothing is
 * sent, and what happens is kept for it.
 */
export type EndpointStatus = 'waiting' | 'enabled' | 'disabled'

export interface EndpointSecret {
  readonly secret: string
  /** `null`: until it is replaced. */
  readonly untilMs: number | null
}

export interface Endpoint {
  readonly id: string
  readonly url: string
  readonly description: string
  /** Types of events that it wants; empty: all. */
  readonly events: readonly FactType[]
  /** Only payments of this account; `null`: of all. */
  readonly account: string | null
  /** Only payments of this agent; `null`: of all. */
  readonly agent: string | null
  /** The agent that has named it for itself; `null`: an operator has. */
  readonly callbackOf: string | null
  readonly status: EndpointStatus
  /** Why it is disabled, in a word: `operator`, `gone`, `failing`. */
  readonly reason: string | null
  /** The newest first; none is ever shown again. */
  readonly secrets: readonly EndpointSecret[]
  readonly createdBy: string
  readonly createdAtMs: number
  readonly updatedAtMs: number
  /** Nothing was taken since then; `null`: the last try went well, or there was none. */
  readonly failingSinceMs: number | null
}

export type DeliveryStatus = 'pending' | 'delivered' | 'dead'

/** One try to deliver. */
export interface Attempt {
  readonly atMs: number
  readonly status: number | null
  readonly error: string | null
  readonly tookMs: number
}

export interface Delivery {
  /** Grows with each one. */
  readonly number: number
  readonly endpointId: string
  readonly paymentId: string
  readonly seq: number
  readonly type: FactType
  readonly status: DeliveryStatus
  /** When its patience began: its making, or the last replay. */
  readonly sinceMs: number
  readonly nextAtMs: number
  readonly attempts: number
  readonly endedAtMs: number | null
  /** The last few tries, oldest first. */
  readonly tries: readonly Attempt[]
}

export interface DeliveryQuery {
  readonly endpointId: string
  readonly status?: DeliveryStatus
  readonly paymentId?: string
  /** 1 to 100. */
  readonly limit: number
  /** Newest first; continues after this number. */
  readonly before?: number
}

/** Which deliveries are to be made again. */
export type ReplayFilter =
  | { readonly which: 'payment'; readonly paymentId: string }
  | {
      readonly which: 'window'
      readonly fromMs: number
      readonly toMs: number
      readonly after: string | null
    }
  | { readonly which: 'delivery'; readonly number: number }
  | { readonly which: 'dead' }

export interface NewEndpoint {
  readonly url: string
  readonly description: string
  readonly events: readonly FactType[]
  readonly account: string | null
  readonly agent: string | null
  readonly callbackOf: string | null
  readonly createdBy: string
  readonly status: EndpointStatus
}

export interface EndpointStanding {
  readonly endpoint: Endpoint
  readonly pending: number
  readonly dead: number
  /** When the oldest of the pending ones came. */
  readonly oldestPendingMs: number | null
  /** The first few payments whose deliveries are dead. */
  readonly deadPaymentIds: readonly string[]
}

/** `no_room`: there are as many endpoints as there may be. */
export type AddResult =
  | { readonly result: 'added'; readonly endpoint: Endpoint; readonly secret: string }
  | { readonly result: 'bad_url'; readonly fault: string }
  | { readonly result: 'no_room'; readonly most: number }
  /** This address has one for the same payments: a request that came twice makes no second. */
  | { readonly result: 'exists'; readonly id: string }

export type ChangeResult =
  | { readonly result: 'changed'; readonly endpoint: Endpoint }
  | { readonly result: 'bad_url'; readonly fault: string }
  | { readonly result: 'absent' }

/** What operators, and agents for themselves, may do about webhooks. Durable when it resolves. */
export interface Webhooks {
  add(endpoint: NewEndpoint): Promise<AddResult>
  change(
    id: string,
    to: Partial<Pick<Endpoint, 'url' | 'description' | 'events' | 'status' | 'reason'>>,
  ): Promise<ChangeResult>
  /** `overlapMs`: for so long the secret before signs as well. `null`: there is no such endpoint. */
  rotate(
    id: string,
    overlapMs: number,
  ): Promise<{ readonly endpoint: Endpoint; readonly secret: string } | null>
  /** With its deliveries; false where there was none. */
  remove(id: string): Promise<boolean>
  get(id: string): Promise<Endpoint | null>
  /** Newest first. */
  list(query: { readonly limit: number; readonly before?: string }): Promise<readonly Endpoint[]>
  ofAgent(agent: string): Promise<Endpoint | null>
  standing(): Promise<readonly EndpointStanding[]>
  deliveries(query: DeliveryQuery): Promise<readonly Delivery[]>
  /**
   * Sets them going again, under the ids that they had; what happened before the endpoint was made is
   * among it. `next` continues a window; `null` as a whole: there is no such endpoint.
   */
  replay(
    endpointId: string,
    filter: ReplayFilter,
  ): Promise<{ readonly replayed: number; readonly next: string | null } | null>
}
