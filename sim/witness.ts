// What a run of the simulated world shows to whoever judges it. Everything here is seen from outside
// the engine: what agents asked and were answered, what left for the processor and what its own ledger
// says, what a consumer of events received, and the rows as any reader of the store finds them. The
// shapes are written down again on purpose: the auditor must not share a mistake with the engine.

/** A request that a bill of the workload stands behind; agents may word one bill in several ways. */
export interface Bill {
  readonly id: string
  readonly account: string
  readonly payee: string
  readonly reference: string
  readonly amount: number
  readonly currency: string
  /** How often the script means it to be paid; 1 but for bills that are meant twice (`distinct_from`). */
  readonly meant: number
}

export interface Asked {
  readonly see: 'asked'
  readonly atMs: number
  /** One number for each request that an agent or operator sends; an answer names it. */
  readonly ask: number
  readonly who: string
  readonly account: string | null
  readonly method: string
  readonly path: string
  readonly key: string | null
  /** As sent. */
  readonly body: string | null
  readonly bill: string | null
}

/** An answer that reached who asked. One that was lost is never seen. */
export interface Answered {
  readonly see: 'answered'
  readonly atMs: number
  readonly ask: number
  readonly status: number
  readonly body: unknown
}

/** A call that may move money left our process. */
export interface Sent {
  readonly see: 'sent'
  readonly atMs: number
  readonly paymentId: string
  readonly kind: 'create' | 'authorise' | 'capture' | 'void' | 'refund'
  /** The attempt's id: the processor's idempotency key. */
  readonly key: string
  /** The request as the processor gets it. */
  readonly body: string
  /** Stored breaker and switches as they stood when it left. */
  readonly breaker: 'closed' | 'open' | 'half_open'
  readonly halted: boolean
  /** Until when the processor remembers a key, and whether what it names can only happen once. */
  readonly keyWindowMs: number
  readonly actsOnce: boolean
}

/** A change in the processor's own ledger. */
export interface Ledger {
  readonly see: 'ledger'
  readonly atMs: number
  readonly paymentId: string
  readonly objectId: string
  readonly key: string | null
  readonly change: 'authorised' | 'captured' | 'voided' | 'refunded' | 'reversed' | 'settled'
  readonly amount: number
  readonly currency: string
  /** Of a refund. */
  readonly reference: string | null
}

/** Something was stored for good: the rows that changed, as read after it. */
export interface Stored {
  readonly see: 'stored'
  readonly atMs: number
  readonly rows: readonly StoredRow[]
  readonly events: readonly StoredEvent[]
}

export interface StoredRow {
  readonly table: string
  readonly key: string
  /** `null`: deleted. */
  readonly value: unknown
}

export interface StoredEvent {
  readonly paymentId: string
  readonly seq: number
  readonly type: string
  readonly body: unknown
}

/** A consumer received a page of events; it may see them again. */
export interface Delivered {
  readonly see: 'delivered'
  readonly atMs: number
  readonly events: readonly StoredEvent[]
}

/** The process died, or a fault was injected; for the story, and to know when the world heals. */
export interface Happened {
  readonly see: 'crash' | 'fault' | 'restart' | 'healed' | 'set_back'
  readonly atMs: number
  readonly what: string
}

export type Seen = Asked | Answered | Sent | Ledger | Stored | Delivered | Happened

/** How the world stands when nothing moves any more. */
export interface Standing {
  readonly atMs: number
  readonly bills: readonly Bill[]
  /** Every row of every table, by table and key. */
  readonly rows: readonly StoredRow[]
  /** Of every payment, in order. */
  readonly events: readonly StoredEvent[]
  readonly unpublished: number
  /** Charges as the processor has them. */
  readonly charges: readonly Charge[]
}

export interface Charge {
  readonly objectId: string
  readonly paymentId: string
  readonly currency: string
  readonly status: 'created' | 'authorised' | 'captured' | 'voided' | 'declined'
  readonly amount: number
  readonly captured: number
  readonly refunded: number
  readonly reversed: number
}

/** What an auditor found; numbers as in docs/concepts/proof.md. */
export interface Violation {
  readonly invariant: number
  readonly atMs: number
  readonly paymentId: string | null
  /** In plain words, with the figures. */
  readonly what: string
}

export interface Auditor {
  /** Called for everything that is seen, in order. */
  readonly see: (seen: Seen) => readonly Violation[]
  /** Called once, after the world has healed and come to rest. */
  readonly end: (standing: Standing) => readonly Violation[]
}
