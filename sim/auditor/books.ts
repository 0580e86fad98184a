// What the auditor remembers: of each payment what was stored, what was sent and what the processor's
// ledger says; of each request what it was and how things stood when it was asked.
import type { Asked, Delivered, Violation } from '../witness.ts'

export interface Sending {
  readonly kind: string
  readonly key: string
  readonly firstAtMs: number
}

export interface Money {
  authorised: number
  captured: number
  refunded: number
  reversed: number
  captures: number
  refunds: number
  /** Charges that are authorised and neither captured nor voided. */
  readonly live: Set<string>
}

export interface PaymentBook {
  readonly id: string
  /** Account, payee and reference, made alike. */
  readonly bill: string
  readonly amount: number
  readonly budgets: readonly string[]
  /** By the events alone. */
  state: string
  seq: number
  /** The row as it was stored last. */
  row: PaymentValue | null
  readonly sends: Sending[]
  readonly bank: Money
  readonly refundReferences: Set<string>
  /** Does a person have to agree, and have they? */
  approval: 'not needed' | 'awaited' | 'given'
  /** Somebody was told that a new key may be used. */
  newKeyTold: boolean
  /** What a listener has received. */
  delivered: number
}

/** As much of a payment's row as is judged. */
export interface PaymentValue {
  readonly state: string
  readonly amount: number
  readonly currency: string
  readonly amountAuthorised?: number
  readonly amountCaptured?: number
  readonly amountReversed?: number
  readonly budgets: readonly string[]
  readonly holds: readonly { readonly reason: string }[]
  readonly duplicateObjects: readonly string[]
  readonly refunds?: readonly {
    readonly reference: string
    readonly amount: number
    readonly status: string
  }[]
}

export interface AskBook extends Asked {
  /** The payment in the path, as the bank had it when it was asked for. */
  readonly bankThen: ReadonlyMap<string, 'captured' | 'live'>
}

export interface Books {
  readonly asks: Map<number, AskBook>
  readonly payments: Map<string, PaymentBook>
  /** By account, payee and reference. */
  readonly byBill: Map<string, PaymentBook[]>
  /** Idempotency keys that were acknowledged, with what they were used for. */
  readonly keys: Map<string, { readonly body: string | null; readonly paymentId: string }>
  /** Requests under each key. */
  readonly keyUses: Map<string, number>
  readonly rows: Map<string, unknown>
  readonly bankNow: (asked: Asked) => ReadonlyMap<string, 'captured' | 'live'>
  readonly deliver: (seen: Delivered) => readonly Violation[]
}

/** Ways of writing one bill that must be one: case, outer and double spaces. */
export const alike = (text: string): string =>
  text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()

export const unpaidEnds: readonly string[] = ['declined', 'rejected', 'voided', 'expired']

export const keyOf = ({ who, path, key }: Asked): string => `${who} ${path} ${key}`

export function createBooks(): Books {
  const payments = new Map<string, PaymentBook>()
  const keyUses = new Map<string, number>()
  return {
    asks: new Map(),
    payments,
    byBill: new Map(),
    keys: new Map(),
    keyUses,
    rows: new Map(),
    bankNow(asked) {
      if (asked.key !== null) keyUses.set(keyOf(asked), (keyUses.get(keyOf(asked)) ?? 0) + 1)
      const now = new Map<string, 'captured' | 'live'>()
      for (const { id, bank } of payments.values()) {
        if (bank.captured > 0) now.set(id, 'captured')
        else if (bank.live.size > 0) now.set(id, 'live')
      }
      return now
    },
    deliver({ atMs, events }) {
      return events.flatMap(({ paymentId, seq }): readonly Violation[] => {
        const book = payments.get(paymentId)
        if (book === undefined) {
          return [
            violation(4, atMs, paymentId, 'an event of a payment that is not stored was delivered'),
          ]
        }
        if (seq <= book.delivered) return []
        const isNext = seq === book.delivered + 1
        const what = `event ${seq} was delivered after ${book.delivered}`
        book.delivered = seq
        return isNext ? [] : [violation(4, atMs, paymentId, what)]
      })
    },
  }
}

export const violation = (
  invariant: number,
  atMs: number,
  paymentId: string | null,
  what: string,
): Violation => ({ invariant, atMs, paymentId, what })
