// The client: what an agent written in TypeScript needs to pay through Quittance. Runs wherever
// `fetch` does.
export type { Asking } from './ask.ts'
export { createClient } from './client.ts'
export type {
  Client,
  ClientOptions,
  EventsResult,
  Keyed,
  ListQuery,
  ListResult,
  Paying,
} from './client.ts'
export { keyFor } from './key.ts'
export type { KeySubject } from './key.ts'
export type {
  Acting,
  AddedAgentResult,
  Agent,
  AgentResult,
  BreakResult,
  DeadLetterFilter,
  DeadLetterQuery,
  DeadLetterResult,
  DeadLettersResult,
  JournalQuery,
  Operating,
  OperatorClient,
  Page,
  Paging,
  ProcessorResult,
  ReconciliationResult,
  RedriveResult,
  Resolution,
  StopResult,
} from './operator.ts'
export type {
  AgentStatus,
  Alert,
  AuditEntry,
  Balance,
  Break,
  DeadLetter,
  Evidence,
  Journal,
  ProcessorStatus,
  Proposal,
  Reconciliation,
  Redrive,
  StopSwitch,
  Thrown,
} from './operator-types.ts'
export type {
  Advice,
  Payment,
  PaymentEvent,
  PaymentRequest,
  PaymentResult,
  Problem,
  Refused,
} from './types.ts'
