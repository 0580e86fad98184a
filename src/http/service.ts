// What the door needs from whoever opens it, and what goes back and forth inside it.
import type { Engine } from '../engine/engine.ts'

/** One line of the log: ids, kinds and cleaned details; never a token, a key or a body. */
export type LogEntry = Readonly<Record<string, string | number | boolean | null>>

export interface HttpService {
  readonly engine: Engine
  readonly log: (entry: LogEntry) => void
  /** While it is not ready nothing new is taken on; what is stored can be read. */
  readonly isReady: () => { readonly ready: boolean; readonly why?: string }
  /** Where the docs are served; default `/docs`. */
  readonly docsUrl?: string
}

/** What the socket's side tells the app; there is none in a Lambda, a simulation or a test. */
export interface Surroundings {
  /** Aborts when the server is closing: who waits is answered now. */
  readonly closing?: AbortSignal
}

/** What a route answers, before it becomes a `Response`. */
export interface Answer {
  readonly status: number
  readonly body: unknown
  readonly headers: Readonly<Record<string, string>>
}

export const ok = (status: number, body: unknown): Answer => ({ status, body, headers: {} })

export function withHeaders(answer: Answer, headers: Answer['headers']): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } }
}
