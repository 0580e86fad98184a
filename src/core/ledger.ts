// Double entry: what a payment's history means in money. A journal is the difference between where the
// money stood before an event and where it stands after it, so that whatever an event says (evidence
// against an end too), the books follow what the payment has become. Debits are positive.
//
// Seen from whoever runs the installation: the processor owes what it captured until it pays it out,
// less its fee; the same money stands to the credit of the account for which it was taken.
import { evolve } from './evolve.ts'
import type { Binding, FactType, Payment, PaymentEvent } from './payment.ts'

/** Where a payment's money stands. Minor units of its currency; nothing here is ever negative. */
interface Position {
  readonly captured: number
  readonly refunded: number
  /** Taken back by others: disputes, returns. */
  readonly reversed: number
  /** Of the captured money, what a settlement of the processor shows. */
  readonly settled: number
  readonly fee: number
}

const noMoney: Position = { captured: 0, refunded: 0, reversed: 0, settled: 0, fee: 0 }

type JournalKind = 'capture' | 'settlement' | 'fee' | 'refund' | 'reversal' | 'write_off'

interface Posting {
  /** `account:acme`, `clearing:stripe/acct_1`, `cash:…`, `fees:…` or `write_offs:…`. */
  readonly account: string
  /** Positive: debit. Of one journal the sum is zero. */
  readonly amount: number
}

interface Journal {
  readonly kind: JournalKind
  readonly postings: readonly [Posting, Posting]
}

export function positionOf(payment: Payment): Position {
  if (!('amountCaptured' in payment)) return noMoney
  const { amountCaptured: captured, amountReversed: reversed, refunds } = payment
  const settlement = payment.state === 'captured' ? null : payment.settlement
  return {
    captured,
    reversed,
    refunded: refunds.reduce(
      (sum, { status, amount }) => sum + (status === 'succeeded' ? amount : 0),
      0,
    ),
    settled: settlement === null ? 0 : captured,
    fee: settlement?.fee ?? 0,
  }
}

/** From one position to the next, in the order of a payment's life; empty where no money moved. */
function journalsOf(
  { account, binding }: Pick<Payment, 'account' | 'binding'>,
  before: Position,
  after: Position,
): readonly Journal[] {
  const owner = `account:${account}`
  const [clearing, cash, fees] = ['clearing', 'cash', 'fees'].map(
    (name) => `${name}:${partyOf(binding)}`,
  ) as [string, string, string] // three names in, three out
  const moves: readonly (readonly [JournalKind, keyof Position, debit: string, credit: string])[] =
    [
      ['capture', 'captured', clearing, owner],
      ['settlement', 'settled', cash, clearing],
      ['fee', 'fee', fees, cash],
      ['refund', 'refunded', owner, clearing],
      ['reversal', 'reversed', owner, clearing],
    ]
  return moves.flatMap(([kind, what, debit, credit]): readonly Journal[] => {
    const amount = after[what] - before[what]
    if (amount === 0) return []
    return [
      {
        kind,
        postings: [
          { account: debit, amount },
          { account: credit, amount: -amount },
        ],
      },
    ]
  })
}

const partyOf = ({ processor, processorAccount }: Binding): string =>
  `${processor}/${processorAccount}`

/** What a journal looks like in the books: one amount from one account to another. */
export interface JournalEntry extends Journal {
  /** `null`: a break that no payment of ours is part of was written off. */
  readonly paymentId: string | null
  /** The event that it follows from; (payment, seq, kind) is unique. 0: a break's end, not an event. */
  readonly seq: number
  /** The break that was written off. */
  readonly breakId?: string
  readonly atMs: number
  readonly currency: string
  readonly livemode: boolean
}

export interface Balance {
  readonly account: string
  readonly currency: string
  readonly livemode: boolean
  /** Debits less credits. Sums of many amounts need more than 53 bits. */
  readonly amount: bigint
}

/** The only facts after which money stands elsewhere. */
const moving: readonly FactType[] = [
  'captured',
  'settled',
  'refund_succeeded',
  'amount_reversed',
  'corrected',
]

export const movesMoney = ({ type }: Pick<PaymentEvent, 'type'>): boolean => moving.includes(type)

/**
 * The journals that a payment's whole history adds from `afterSeq` on, in order. Throws where the
 * history is not whole.
 */
export function entriesOf(
  history: readonly PaymentEvent[],
  afterSeq: number,
): readonly JournalEntry[] {
  let payment: Payment | null = null
  const entries: JournalEntry[] = []
  for (const event of history) {
    const before: Position = payment === null ? noMoney : positionOf(payment)
    payment = evolve(payment, event)
    if (event.seq <= afterSeq) continue
    const { id: paymentId, currency, binding } = payment
    for (const journal of journalsOf(payment, before, positionOf(payment))) {
      const { seq, atMs } = event
      entries.push({ ...journal, paymentId, seq, atMs, currency, livemode: binding.livemode })
    }
  }
  return entries
}
