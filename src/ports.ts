// What the engine needs from the world, on one page, each method with its promise. Adapters keep
// the promises (one contract suite per port proves it); only the engine uses the ports together.
import type { AlertRow, Notice } from './core/alerts.ts'
import type { BreakRow, ReconciliationRow } from './core/breaks.ts'
import type { Breaker } from './core/breaker.ts'
import type { AuditRow, ControlRow } from './core/control.ts'
import type { DeadLetterRow } from './core/dead-letter.ts'
import type { AccountRow, AgentRow, BudgetRow, TokenRow } from './core/access.ts'
import type { Balance, JournalEntry } from './core/ledger.ts'
import type { DetailsRow, KeyRow, LookAlikeRow, ReferenceRow } from './core/guards.ts'
import type { AskedWith } from './core/marks.ts'
import type { Answer, Finding, ObjectView } from './core/outcome.ts'
import type {
  Attempt,
  Binding,
  HoldReason,
  OperationKind,
  Payment,
  PaymentEvent,
  Refund,
} from './core/payment.ts'
import type { Capabilities, SetBack } from './core/policy.ts'
import type { ProcessorRecord } from './core/reconcile.ts'

export type { Answer, Finding } from './core/outcome.ts'

// ── Store ────────────────────────────────────────────────────────────────────────────────────────

/** A payment with what drivers need: when to look at it again, and which run may act on it. */
export interface PaymentRow {
  readonly payment: Payment
  /** When a driver must look at it; `null`: it is at an end or in front of a person. */
  readonly dueAtMs: number | null
  /** The numbered life of its driver; an older one is superseded. */
  readonly run: number
}

/** A processor's message, stored before it is acknowledged, kept until it is understood. */
export interface WebhookRow {
  readonly processor: string
  readonly eventId: string
  readonly receivedAtMs: number
  readonly paymentId: string | null
  readonly attemptId: string | null
  readonly object: ObjectView
  /** `null`: not yet taken up; it is tried again. */
  readonly observedAtMs: number | null
  /** Was it a payment of ours? False is kept for reconciliation to report. */
  readonly matched: boolean
}

/** When the next slot of a processor account's rate limit is due by its pace (GCRA). */
export interface SlotRow {
  readonly tatMs: number
}

/**
 * The tables and what a row of each holds. Account, agent and reference of a payment never change, so
 * a store need not index them again.
 */
export interface Tables {
  payment: PaymentRow
  details: DetailsRow
  key: KeyRow
  reference: ReferenceRow
  look_alike: LookAlikeRow
  budget: BudgetRow
  agent: AgentRow
  account: AccountRow
  token: TokenRow
  webhook: WebhookRow
  control: ControlRow
  breaker: Breaker
  slot: SlotRow
  audit: AuditRow
  dead_letter: DeadLetterRow
  alert: AlertRow
  reconciliation: ReconciliationRow
  break: BreakRow
  /** One row, `clock`: how far it was seen behind what is stored. Never taken back. */
  clock: SetBack
}

export type TableName = keyof Tables

export interface RowKey<T extends TableName = TableName> {
  readonly table: T
  readonly key: string
}

/** A row as it was read. The version is 1 at first and one more with every action on the row. */
export interface Row<T extends TableName> {
  readonly value: Tables[T]
  readonly version: number
}

/** The one condition that an action may carry; `null` is none. */
export type Condition =
  | { readonly absent: true }
  | { readonly version: number }
  /** Budgets: enough is left, under this mandate, and the window is open. */
  | { readonly leftAtLeast: number; readonly mandateVersion: number }
  /** References: the row still names this payment. */
  | { readonly paymentIs: string }
  | null

export type Put = {
  readonly [T in TableName]: {
    readonly do: 'put'
    readonly table: T
    readonly key: string
    readonly value: Tables[T]
    readonly if: Condition
  }
}[TableName]

/** One change, or one look, at one row. */
export type Action =
  | Put
  | {
      readonly do: 'delete'
      readonly table: TableName
      readonly key: string
      readonly if: Condition
    }
  /** The row is as it was read; nothing is written. */
  | {
      readonly do: 'check'
      readonly table: TableName
      readonly key: string
      readonly if: Condition
    }
  /** Adds to the counters of a budget row that exists. */
  | {
      readonly do: 'add'
      readonly table: 'budget'
      readonly key: string
      readonly left: number
      readonly spent: number
      readonly if: Condition
    }
  /** Adds a payment to a look-alike row, made if need be; of two at once both stay. */
  | {
      readonly do: 'append'
      readonly table: 'look_alike'
      readonly key: string
      readonly paymentId: string
      readonly if: null
    }
  /** Events with consecutive numbers; the condition is that none of them exists. */
  | { readonly do: 'record'; readonly paymentId: string; readonly events: readonly PaymentEvent[] }

/** At most this many actions in one write, each on a row of its own (a DynamoDB transaction). */
export const maxActions = 25

export interface Write {
  /**
   * Random, stored with every row and event it writes: a conflict on our own id means that it was
   * committed, so the same write may be repeated. Never reused for other actions.
   */
  readonly commitId: string
  readonly actions: readonly Action[]
}

/**
 * `conflict`: nothing was written; the rows whose condition failed. `unknown`: it may have been
 * written or not; nothing may be sent or answered on the strength of it.
 */
export type CommitResult =
  | { readonly result: 'committed' }
  | {
      readonly result: 'conflict'
      readonly rows: readonly (RowKey | { table: 'event'; key: string })[]
    }
  | { readonly result: 'unknown'; readonly why: string }

export interface PaymentQuery {
  /** `null`: of every account (operators). */
  readonly account: string | null
  readonly agent?: string
  readonly state?: Payment['state']
  /** Normalised. */
  readonly reference?: string
  readonly hold?: string
  /** 1 to 100. */
  readonly limit: number
  /** Newest first; continues after this payment id. */
  readonly cursor?: string
}

type WithStatus = 'dead_letter' | 'alert' | 'reconciliation' | 'break'
/** The tables that people look through. */
export type ScannedTable = WithStatus | 'audit' | 'agent' | 'account'

export interface ScanQuery<T extends ScannedTable> {
  readonly table: T
  /** Only rows whose value has this `status`; for dead letters, alerts, reconciliations and breaks. */
  readonly status?: string
  /** 1 to 100. */
  readonly limit: number
  /** Continues after this key. */
  readonly cursor?: string
}

export interface KeyedRow<T extends TableName> extends Row<T> {
  readonly key: string
}

/** How many payments there are; what is not named is none. */
export interface Census {
  readonly states: ReadonlyMap<Payment['state'], number>
  /** A payment with two holds counts under both. */
  readonly holds: ReadonlyMap<HoldReason, number>
}

export interface Store {
  /**
   * Rows by key in one consistent read, in the order asked; `null` where there is none. Shows only
   * what is durable. At most 100 keys. Rejects where the store cannot be read.
   */
  read<const K extends readonly RowKey[]>(
    keys: K,
  ): Promise<{ -readonly [I in keyof K]: Row<K[I]['table']> | null }>
  /** All actions or none, durable before it says `committed`. Never rejects for what disks and networks do. */
  commit(write: Write): Promise<CommitResult>
  /** A payment's events with `seq > afterSeq`, in order, consistent. */
  events(paymentId: string, afterSeq: number, limit: number): Promise<readonly PaymentEvent[]>
  /** Payments due at or before a time, longest overdue first. May lag; repeats are harmless. */
  due(
    beforeMs: number,
    limit: number,
  ): Promise<readonly { readonly paymentId: string; readonly run: number }[]>
  /** A page of a table that people look through, last key first; may lag behind the rows. */
  scan<T extends ScannedTable>(
    query: ScanQuery<T>,
  ): Promise<{ readonly rows: readonly KeyedRow<T>[]; readonly cursor: string | null }>
  /** Payments by index; may lag behind the rows. */
  list(query: PaymentQuery): Promise<{
    readonly rows: readonly Row<'payment'>[]
    readonly cursor: string | null
  }>
  /** Counts all payments at one moment. Walks a whole index: for a start, not for each question. */
  census(): Promise<Census>
  /**
   * Events that a publisher has not acknowledged, in order for each payment. `receipt` acknowledges
   * exactly this page.
   */
  unpublished(
    publisher: string,
    limit: number,
  ): Promise<{ readonly events: readonly PaymentEvent[]; readonly receipt: string }>
  acknowledge(publisher: string, receipt: string): Promise<void>
  /** Webhooks that no payment was found for yet, oldest first. */
  unmatchedWebhooks(limit: number): Promise<readonly Row<'webhook'>[]>
  close(): Promise<void>
}

// ── Processor ────────────────────────────────────────────────────────────────────────────────────

/** Everything that the bytes of a request are made from; the same for every send of an attempt. */
export interface Call {
  readonly kind: OperationKind
  readonly attempt: Attempt
  readonly payment: {
    readonly id: string
    readonly currency: string
    readonly payee: string
    readonly reference: string
    readonly paymentMethod: string | null
    readonly createdAtMs: number
    /** What its objects carry besides, so that they can be found again: fixed by the claim. */
    readonly amount?: number
    readonly agent?: string
    readonly account?: string
    readonly capture?: 'automatic' | 'manual'
    readonly batch?: string | null
    readonly retryOf?: string | null
    readonly retryCount?: number
    readonly asked?: AskedWith
    readonly refunds?: readonly Pick<Refund, 'id' | 'reference' | 'operation'>[]
  }
  /** The call is given up after this long, answered or not. */
  readonly timeoutMs: number
  /**
   * Asked when the call could go out at once, after whatever the adapter had to wait for. A word is
   * why it must not: the answer is then `not_sent` with it.
   */
  readonly mayStart?: () => Promise<string | null>
}

export interface LookUp {
  /** `object`: by the processor's id. `reference`: by ours, may lag. `records`: complete, consistent. */
  readonly by: 'object' | 'reference' | 'records'
  readonly paymentId: string
  readonly objectId: string | null
  /** The payment was claimed then; nothing of it is older. */
  readonly sinceMs: number
  readonly timeoutMs: number
}

/** The processor's objects by when they were made. */
export interface RecordsQuery {
  /** Inclusive. */
  readonly fromMs: number
  /** Exclusive. */
  readonly toMs: number
  /** Continues after an earlier page of the same window. */
  readonly cursor: string | null
  readonly timeoutMs: number
}

export interface RecordsRead {
  readonly result: 'page'
  readonly records: readonly ProcessorRecord[]
  /** Lines that cannot be read, as they came, cut short. */
  readonly unreadable: readonly string[]
  /** `null`: the window ends here. */
  readonly cursor: string | null
}

export type RecordsPage =
  | RecordsRead
  | { readonly result: 'no_answer'; readonly cause: string; readonly retryAfterMs: number | null }

export interface Processor {
  readonly binding: Binding
  /** What it can do for such a payment; `null`: it cannot carry it out at all. */
  capabilities(about: {
    readonly currency: string
    readonly paymentMethod: string | null
  }): Capabilities | null
  /** One send. The key is derived from the attempt's id and nothing else. */
  send(call: Call): Promise<Answer>
  /** A read; moves nothing. */
  lookUp(query: LookUp): Promise<Finding>
  /** All its objects in a window, oldest first, consistent and complete; missing where it tells none. */
  records?(query: RecordsQuery): Promise<RecordsPage>
  /** A webhook's facts from its raw body, or `null` where its signature does not hold. */
  readWebhook(
    body: string,
    headers: Readonly<Record<string, string>>,
    nowMs: number,
  ): {
    readonly eventId: string
    readonly paymentId: string | null
    readonly attemptId: string | null
    readonly object: ObjectView
  } | null
  close(): Promise<void>
}

// ── Publisher, sink, clock, ids ────────────────────────────────────────────────────────────

export interface Publisher {
  readonly name: string
  /** `delivered` only when the receiver has them for good; repeats happen and are the receiver's to drop. */
  publish(events: readonly PaymentEvent[]): Promise<'delivered' | 'not_delivered'>
}

export interface JournalQuery {
  readonly account?: string
  readonly paymentId?: string
  /** Default: newest first. */
  readonly order?: 'newest' | 'oldest'
  /** 1 to 100. */
  readonly limit: number
  /** Continues after this one. */
  readonly cursor?: string
}

/** The books, kept by a publisher of their own; they lag behind the events that they are made from. */
export interface Ledger {
  /** Every account that was ever booked to, sorted; of each currency the sum is zero. */
  balances(): Promise<readonly Balance[]>
  journals(query: JournalQuery): Promise<{
    readonly entries: readonly JournalEntry[]
    readonly cursor: string | null
  }>
}

/** Where people are called. */
export interface Sink {
  readonly name: string
  /** As `publish`; given up after ten seconds and tried again, with the same id for the same news. */
  deliver(notice: Notice): Promise<'delivered' | 'not_delivered'>
}

export interface Clock {
  /** Unix time; may jump. */
  nowMs(): number
  /** Only ever grows, at the same pace; its zero means nothing. */
  steadyMs(): number
  /** Ends early, without an error, when the signal aborts. */
  sleep(forMs: number, signal?: AbortSignal): Promise<void>
}

export interface Ids {
  /** `prefix_` and 26 characters, sortable by the time given, random enough never to collide. */
  next(prefix: 'pay' | 'ref' | 'cmt' | 'inst' | 'aud' | 'rec' | 'tok', nowMs: number): string
}
