// What the door needs from whoever opens it, and what goes back and forth inside it.
import type { Engine } from '../engine/engine.ts'
import type { Identity } from '../engine/identity.ts'
import type { Ledger } from '../ports.ts'
import type { Door } from './door.ts'

export interface HttpService {
  readonly engine: Engine
  /** What `GET /metrics` answers; without it, there is nothing to be read. */
  readonly metrics?: () => Promise<string>
  /** Each agent's rate; without it, there is no limit. */
  readonly door?: Door
  /** The books; without them, there is nothing to be read. */
  readonly ledger?: Ledger
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
  /** Becomes JSON, unless it is text already. */
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

export const ok = (status: number, body: unknown): Answer => ({ status, body, headers: {} })

export function withHeaders(answer: Answer, headers: Answer['headers']): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
