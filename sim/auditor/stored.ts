// What is stored: numbers without gaps, a history that is a path, and limits that hold.
import type { Stored, StoredEvent, Violation } from '../witness.ts'
import { alike, unpaidEnds, violation } from './books.ts'
import type { Books, PaymentBook, PaymentValue } from './books.ts'

/** Which event may follow in which state, and the state after it; others leave the state as it is. */
const paths: Readonly<Record<string, { readonly from: readonly string[]; readonly to: string }>> = {
  validated: { from: ['initiated'], to: 'validated' },
  authorised: { from: ['validated'], to: 'authorised' },
  captured: { from: ['authorised'], to: 'captured' },
  settled: { from: ['captured', 'refunded'], to: 'settled' },
  declined: { from: ['validated'], to: 'declined' },
  rejected: { from: ['initiated'], to: 'rejected' },
  voided: { from: ['initiated', 'validated', 'authorised'], to: 'voided' },
  expired: { from: ['validated', 'authorised'], to: 'expired' },
}

const paidStates: readonly string[] = ['captured', 'settled', 'refunded']

export function judgeStored(books: Books, { atMs, rows, events }: Stored): readonly Violation[] {
  const found: Violation[] = []
  for (const event of events) found.push(...judgeEvent(books, event, atMs))
  for (const { table, key, value } of rows) {
    if (value === null) books.rows.delete(`${table} ${key}`)
    else books.rows.set(`${table} ${key}`, value)
    if (table === 'payment' && value !== null) {
      // The payment's row holds the payment.
      found.push(...judgePayment(books, key, (value as { payment: PaymentValue }).payment, atMs))
    }
  }
  for (const { type, paymentId } of events) {
    if (type === 'claimed') found.push(...judgeLimits(books, paymentId, atMs))
  }
  return found
}

function judgeEvent(books: Books, event: StoredEvent, atMs: number): readonly Violation[] {
  const { paymentId, seq, type, body } = event
  if (type === 'claimed') open(books, paymentId, body)
  const book = books.payments.get(paymentId)
  const say = (invariant: number, what: string) => violation(invariant, atMs, paymentId, what)
  if (book === undefined) return [say(4, `${type} before it was claimed`)]
  const found: Violation[] = []
  if (seq !== book.seq + 1) found.push(say(4, `event ${seq} follows ${book.seq}`))
  book.seq = seq
  const path = paths[type]
  if (path !== undefined) {
    if (!path.from.includes(book.state)) found.push(say(7, `${type} while it was ${book.state}`))
    if (book.state !== 'refunded') book.state = path.to
  }
  if (type === 'corrected') {
    const { to } = body as { to: string } // as such an event is
    const isKnown = unpaidEnds.includes(book.state) || book.state === 'captured'
    if (!isKnown) found.push(say(7, `corrected while it was ${book.state}`))
    book.state = to
  }
  if (asksForApproval(type, body) && book.approval === 'not needed') book.approval = 'awaited'
  if (type === 'approved') book.approval = 'given'
  const unbacked = notInLedger(book, type, body)
  if (unbacked !== null) found.push(say(12, unbacked))
  if (type === 'refund_requested') {
    const { reference } = body as { reference: string } // as such an event is
    if (book.refundReferences.has(alike(reference))) {
      found.push(say(2, `refund ${reference} was requested twice`))
    }
    book.refundReferences.add(alike(reference))
  }
  return found
}

function asksForApproval(type: string, body: unknown): boolean {
  // As such events are.
  if (type === 'claimed') return (body as { approval?: object | null }).approval != null
  return type === 'held' && (body as { reason: string }).reason === 'approval_required'
}

/** What we say that the processor did must have happened there, whoever told us. */
function notInLedger({ bank }: PaymentBook, type: string, body: unknown): string | null {
  const to = type === 'corrected' ? (body as { to: string }).to : type // as such an event is
  if (to === 'captured' && bank.captured === 0)
    return `${type}, and the processor has captured nothing`
  const isLive = bank.live.size > 0 || bank.captured > 0
  // A first authorisation may have been cancelled by the time that we hear of it; a correction is asked.
  if (type === 'corrected' && to === 'authorised' && !isLive) {
    return 'corrected to authorised, and the processor holds nothing'
  }
  if (to === 'authorised' && bank.authorised === 0)
    return 'authorised, and the processor was not asked'
  return to === 'refund_succeeded' && bank.refunded === 0
    ? 'refunded, and no money went back'
    : null
}

function open(books: Books, id: string, body: unknown): void {
  const { terms } = body as {
    terms: {
      account: string
      payee: string
      reference: string
      amount: number
      budgets: readonly string[]
    }
  } // a claim carries its terms
  const bill = JSON.stringify([terms.account, alike(terms.payee), alike(terms.reference)])
  const bank = { authorised: 0, captured: 0, refunded: 0, reversed: 0, captures: 0, refunds: 0 }
  const book: PaymentBook = {
    id,
    bill,
    amount: terms.amount,
    budgets: terms.budgets,
    state: 'initiated',
    seq: 0,
    row: null,
    sends: [],
    bank: { ...bank, live: new Set() },
    refundReferences: new Set(),
    approval: 'not needed',
    newKeyTold: false,
    delivered: 0,
  }
  books.payments.set(id, book)
  books.byBill.set(bill, [...(books.byBill.get(bill) ?? []), book])
}

function judgePayment(
  books: Books,
  id: string,
  payment: PaymentValue,
  atMs: number,
): readonly Violation[] {
  const book = books.payments.get(id)
  const say = (invariant: number, what: string) => violation(invariant, atMs, id, what)
  if (book === undefined) return [say(4, 'a payment is stored without an event')]
  const found: Violation[] = []
  book.row = payment
  // The last refund of all that was captured changes the state, without an event of its own.
  if (payment.state === 'refunded' && paidStates.includes(book.state) && isGivenBack(payment)) {
    book.state = 'refunded'
  }
  if (payment.state !== book.state) {
    found.push(say(7, `it is ${payment.state}, its events say ${book.state}`))
  }
  const { amount, amountAuthorised = 0, amountCaptured = 0 } = payment
  if (amountAuthorised > amount) found.push(say(2, `${amountAuthorised} of ${amount} authorised`))
  if (amountCaptured > amount) found.push(say(2, `${amountCaptured} of ${amount} captured`))
  if (unpaidEnds.includes(payment.state) && (book.bank.captured > 0 || book.bank.live.size > 0)) {
    const held = book.bank.captured > 0 ? `${book.bank.captured} captured` : 'an authorisation'
    found.push(say(8, `it is ${payment.state}, and the processor has ${held}`))
  }
  return found
}

// The limit of each counter that the claim took from: everything that is held under it together.
function judgeLimits(books: Books, paymentId: string, atMs: number): readonly Violation[] {
  const budgets = books.payments.get(paymentId)?.budgets ?? []
  return budgets.flatMap((key): readonly Violation[] => {
    const row = books.rows.get(`budget ${key}`) as { limit: number } | undefined // a counter's row
    if (row === undefined)
      return [violation(10, atMs, paymentId, `no counter ${key} was taken from`)]
    const held = heldUnder(books, key)
    return held > row.limit
      ? [violation(10, atMs, paymentId, `${held} is held under ${key}, the limit is ${row.limit}`)]
      : []
  })
}

/** Reserved or spent by payments under one counter. */
export function heldUnder({ payments }: Books, key: string): number {
  let held = 0
  for (const { budgets, row } of payments.values()) {
    if (row !== null && budgets.includes(key)) held += heldBy(row)
  }
  return held
}

const heldBy = ({ state, amount, amountCaptured = 0 }: PaymentValue): number =>
  unpaidEnds.includes(state) ? 0 : paidStates.includes(state) ? amountCaptured : amount

function isGivenBack({ refunds = [], amountCaptured = 0 }: PaymentValue): boolean {
  const back = refunds
    .filter(({ status }) => status === 'succeeded')
    .reduce((sum, { amount }) => sum + amount, 0)
  return back >= amountCaptured
}
