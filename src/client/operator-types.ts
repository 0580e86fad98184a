// What operators see over the wire: dead letters, switches, processors, agents, the audit and alerts.
import type { AlertKind } from '../core/alerts.ts'
import type { DeadLetterStatus } from '../core/dead-letter.ts'
import type { OperationKind, ParkReason } from '../core/payment.ts'
import type { Blocked } from '../core/policy.ts'
import type { BreakType, Severity } from '../core/reconcile.ts'
import type { Payment } from './types.ts'

/** A payment that was parked, with all that is known of why. */
export interface DeadLetter extends Payment {
  readonly dead_letter: {
    readonly status: DeadLetterStatus
    readonly reason: ParkReason
    /** The operation that it is stuck in; `null`: none had begun. */
    readonly step: OperationKind | null
    readonly attempts: number
    readonly sends: number
    readonly first_at: string
    readonly parked_at: string
    /** Since it was parked, until now or until it ended. */
    readonly age_seconds: number
    /** SHA-256 of what was sent last. */
    readonly request_hash: string | null
    readonly last_evidence: Evidence | null
    readonly redrives: number
    readonly rule_redrives: number
    readonly note: string | null
    /** An operator's name, `rule` or `evidence`. */
    readonly ended_by: string | null
    readonly ended_at: string | null
    /** The word of a first operator, where a second one is needed. */
    readonly proposal: Proposal | null
  }
}

export interface Evidence {
  readonly source: 'answer' | 'look_up' | 'webhook' | 'record' | 'person'
  readonly attempt_id: string | null
  readonly send: number | null
  readonly cause: string
  readonly asked_at: string
  readonly status: number | null
  readonly request_id: string | null
  readonly excerpt: string | null
}

export interface Proposal {
  readonly by: string
  readonly at: string
  readonly finding: 'paid' | 'not_paid'
  readonly processor_reference: string | null
  readonly reason: string
}

/** What became of one page of a redrive. */
export interface Redrive {
  readonly object: 'redrive'
  readonly redriven: readonly string[]
  /** Not taken up, and why. */
  readonly left: readonly { readonly id: string; readonly code: string }[]
  /** Why it ended early: what is redriven now would only wait. */
  readonly stopped_by: Blocked | null
  /** `null`: there are no more, or it ended before the first. */
  readonly cursor: string | null
}

/** A switch that is thrown: by whom, why, since when. */
export interface Thrown {
  readonly by: string
  readonly reason: string
  readonly since: string
}

export interface StopSwitch {
  readonly object: 'stop'
  /** `null`: payments go on. */
  readonly stopped: Thrown | null
}

export interface ProcessorStatus {
  readonly object: 'processor'
  readonly name: string
  readonly account: string
  readonly livemode: boolean
  readonly paused: Thrown | null
  readonly breaker: {
    readonly state: 'closed' | 'open' | 'half_open'
    readonly reason: string | null
    readonly since: string | null
    readonly next_probe_at: string | null
    readonly recent_failures: number
  } | null
}

export interface AgentStatus {
  readonly object: 'agent'
  readonly id: string
  readonly account: string
  readonly name: string
  readonly suspended: boolean
  /** Its account is: no agent of it may ask for anything new. */
  readonly account_suspended: boolean
  /** Whose payments it sees. */
  readonly visibility: 'own' | 'account'
}

export interface AuditEntry {
  readonly id: string
  readonly object: 'audit'
  readonly act: string
  /** `all`, a processor with account and mode, an agent, or a payment. */
  readonly target: string
  readonly by: string
  readonly reason: string
  readonly at: string
}

export interface Alert {
  readonly id: string
  readonly object: 'alert'
  readonly status: 'firing' | 'resolved'
  readonly kind: AlertKind
  readonly severity: 'critical' | 'warning' | 'info'
  readonly title: string
  /** What Quittance already did about it. */
  readonly did: string
  readonly todo: string
  /** The page that says how. */
  readonly runbook: string
  /** A processor or a publisher; `null`: nothing more than the kind. */
  readonly subject: string | null
  /** Of dead letters the reason; else empty. */
  readonly detail: string
  readonly count: number
  /** The first few that it is about. */
  readonly payment_ids: readonly string[]
  readonly first_at: string
  readonly last_at: string
  readonly resolved_at: string | null
}

/** What an account of the ledger stands at; one of `debit` and `credit` is 0. */
export interface Balance {
  readonly object: 'balance'
  readonly account: string
  readonly currency: string
  readonly livemode: boolean
  readonly debit: number
  readonly credit: number
}

export interface Journal {
  readonly object: 'journal'
  readonly kind: 'capture' | 'settlement' | 'fee' | 'refund' | 'reversal' | 'write_off'
  /** `null`: a break that no payment of ours is part of was written off. */
  readonly payment_id: string | null
  /** The event of the payment that it follows from; 0: it follows from a break. */
  readonly seq: number
  /** The break that was written off. */
  readonly break_id: string | null
  readonly currency: string
  readonly livemode: boolean
  /** Positive: debit. The sum is zero. */
  readonly postings: readonly { readonly account: string; readonly amount: number }[]
  readonly at: string
}

/** One comparison of a window with the processor's records; never changed once it has ended. */
export interface Reconciliation {
  readonly id: string
  readonly object: 'reconciliation'
  readonly status: 'running' | 'finished' | 'failed'
  readonly processor: string
  readonly requested_by: string
  readonly from: string
  readonly to: string
  readonly started_at: string
  readonly ended_at: string | null
  /** Why it failed. */
  readonly cause: string | null
  readonly payments: number
  readonly records: number
  /** Objects of others: counted, and no break. */
  readonly foreign: number
  readonly matched: number
  /** Payments with captured money on either side. */
  readonly matchable: number
  /** 0 to 1; `null`: nothing to match. */
  readonly match_rate: number | null
  /** Captured minor units by currency. */
  readonly totals: Readonly<
    Record<string, { readonly ours: number; readonly theirs: number; readonly matched: number }>
  >
  readonly breaks: Readonly<Partial<Record<BreakType, number>>>
  readonly evidence: number
  /** Lines of a file that were there twice, and count once. */
  readonly repeated?: number
  /** The settlement file that was compared; `null`: the processor's own records were. */
  readonly file: {
    readonly id: string
    readonly name: string
    readonly exclusive: boolean
    readonly batches: readonly string[]
    /** Batches that an earlier run has read as well: harmless. */
    readonly repeats: readonly { readonly batch: string; readonly run: string }[]
  } | null
}

/** A settlement file on its way in. */
export interface SettlementFile {
  readonly id: string
  readonly object: 'settlement_file'
  readonly name: string
  readonly processor: string
  readonly exclusive: boolean
  /** Lines that are there. */
  readonly received: number
  /** The reconciliation that compares it; `null`: not all of it is there. */
  readonly run: string | null
}

/** A line of a settlement file, whatever its columns were called. */
export interface SettlementLine {
  readonly line: number
  readonly kind: 'captured' | 'refunded' | 'reversed' | 'other'
  readonly payment_id?: string
  readonly attempt_id?: string
  readonly object_id?: string
  readonly movement_id?: string
  readonly reference?: string
  readonly currency: string
  /** Gross, minor units. */
  readonly amount: number
  readonly fee?: number
  readonly batch?: string
  readonly settled_at?: string
}

/** A difference between a payment and the processor's records. */
export interface Break {
  readonly id: string
  readonly object: 'break'
  readonly status: 'open' | 'investigating' | 'resolved' | 'written_off'
  readonly type: BreakType
  readonly severity: Severity
  readonly meaning: string
  readonly processor: string
  readonly payment_id: string | null
  readonly processor_reference: string | null
  readonly currency: string
  readonly value_at_risk: number
  readonly ours: string
  readonly theirs: string
  readonly age_seconds: number
  readonly first_seen_at: string
  readonly last_seen_at: string
  readonly first_run: string
  readonly last_run: string
  readonly by: string | null
  readonly reason: string | null
  readonly ended_at: string | null
  readonly version: number
}
