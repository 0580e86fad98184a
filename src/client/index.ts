// The client: what an agent written in TypeScript needs to pay through Quittance. Runs wherever
// `fetch` does.
export { createClient } from './client.ts'
export type {
  Agent,
  AgentResult,
  Asking,
  Client,
  ClientOptions,
  EventsResult,
  Keyed,
  ListQuery,
  ListResult,
  Operating,
  Paying,
  Resolution,
} from './client.ts'
export { keyFor } from './key.ts'
export type { KeySubject } from './key.ts'
export type {
  Advice,
  Payment,
  PaymentEvent,
  PaymentRequest,
  PaymentResult,
  Problem,
  Refused,
} from './types.ts'
