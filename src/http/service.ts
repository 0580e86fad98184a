// What the door needs from whoever opens it, and what goes back and forth inside it.
import type { Engine } from '../engine/engine.ts'
import type { Identity } from '../engine/identity.ts'
import type { RestoreGate } from '../engine/restore-gate.ts'
import type { SettlementInbox } from '../engine/settlement-inbox.ts'
import type { DeadEvents, Feed, Webhooks } from '../delivery-ports.ts'
import type { Ledger, Publisher } from '../ports.ts'
import type { ReceiptKeys } from '../receipts/receipt-keys.ts'
import type { Door } from './door.ts'
import type { Streams } from './feed-stream.ts'
import type { JwtVerifier } from './jwt.ts'

export interface HttpService {
  readonly engine: Engine
  /** What `GET /metrics` answers; without it, there is nothing to be read. */
  readonly metrics?: () => Promise<string>
  /** Each agent's rate; without it, there is no limit. */
  readonly door?: Door
  /** Reads tokens of an identity provider; without it, only tokens of our own count. */
  readonly jwt?: JwtVerifier
  /** The books; without them, there is nothing to be read. */
  readonly ledger?: Ledger
  /** All events, one after the other; without it, there is nothing to be read. */
  readonly feed?: { readonly feed: Feed; readonly streams: Streams }
  /** Without them, none are sent. */
  readonly webhooks?: Webhooks
  /** Who reads the outbox, by name, and what each of them did not take. */
  readonly publishers?: ReadonlyMap<string, Publisher>
  readonly deadEvents?: DeadEvents
  /** Settlement files on their way in; without it, none are taken. */
  readonly settlements?: SettlementInbox
  /** What signs receipts; without it, there are none. */
  readonly receipts?: ReceiptKeys
  /** Whether the store was set back behind the processor; without it, nobody has asked. */
  readonly restore?: RestoreGate
  /** While it is not ready nothing new is taken on; what is stored can be read. */
  readonly isReady: () => { readonly ready: boolean; readonly why?: string }
  /** Where the docs are served; default `/docs`. */
  readonly docsUrl?: string
  /** The page with a heading for each kind of alert; default: the one of this repository. */
  readonly alertRunbookUrl?: string
}

/** What the socket's side tells the app; there is none in a Lambda, a simulation or a test. */
export interface Surroundings {
  /** Aborts when the server is closing: who waits is answered now. */
  readonly closing?: AbortSignal
  /**
   * Who asks, found out by a gate in front of the app; `null`: nobody was let in there. Left out: the app
   * finds out itself.
   */
  readonly caller?: Identity | null
}

/** What a route answers, before it becomes a `Response`. */
export interface Answer {
  readonly status: number
  /** Becomes JSON, unless it is text already, or a stream of it. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

export const ok = (status: number, body: unknown): Answer => ({ status, body, headers: {} })

export function withHeaders(answer: Answer, headers: Answer['headers']): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
