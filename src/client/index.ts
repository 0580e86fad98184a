// The client: what an agent written in TypeScript needs to pay through Quittance. Runs wherever
// `fetch` does.
export type {
  AccessClient,
  AccountResult,
  AccountStatus,
  Bound,
  BoundMandate,
  BoundMandateResult,
  MandateLimits,
  MandateTerms,
  NewTokenResult,
  TokenResult,
  TokenStatus,
} from './access.ts'
export { langChainTools, vercelTools } from './adapters.ts'
export type { LangChainTool, VercelSchema, VercelTool } from './adapters.ts'
export type { Asking } from './ask.ts'
export { createAgentClient, createClient } from './client.ts'
export type {
  AgentClient,
  Client,
  ClientOptions,
  EventsResult,
  Keyed,
  ListQuery,
  ListResult,
  MandateResult,
  Paying,
  ReceiptResult,
} from './client.ts'
export { orThrow, outcomeOf } from './complete.ts'
export type { Completion } from './complete.ts'
export type {
  DeliveryClient,
  EndpointRequest,
  EndpointResult,
  EndpointSecretResult,
  FeedQuery,
  FeedResult,
  RemovedResult,
  ReplayRequest,
  ReplayResult,
} from './delivery.ts'
export type {
  DeadEvent,
  FeedEvent,
  PublisherStatus,
  Replay,
  WebhookDelivery,
  WebhookEndpoint,
  WebhookEndpointWithSecret,
} from './delivery-types.ts'
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
  SettlementFileResult,
  RedriveResult,
  Resolution,
  StopResult,
} from './operator.ts'
export type { RecoveryObject, RecoveryState } from './recovery.ts'
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
  SettlementFile,
  SettlementLine,
  Redrive,
  StopSwitch,
  Thrown,
} from './operator-types.ts'
export type {
  Advice,
  Mandate,
  Payment,
  PaymentEvent,
  PaymentRequest,
  PaymentResult,
  Problem,
  Receipt,
  Refused,
} from './types.ts'
export type { JsonSchema } from './tool-texts.ts'
export { paymentTools } from './tools.ts'
export type { PaymentTool, ToolAnswer, ToolOptions, ToolResult } from './tools.ts'
