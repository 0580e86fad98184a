// The end: nothing moves any more, and the books have to agree.
import type { Standing, StoredRow, Violation } from '../witness.ts'
import { unpaidEnds, violation } from './books.ts'
import type { Books, PaymentBook, PaymentValue } from './books.ts'
import { heldUnder } from './stored.ts'

export function judgeEnd(books: Books, standing: Standing): readonly Violation[] {
  const rows = new Map(standing.rows.map((row) => [`${row.table} ${row.key}`, row]))
  return [
    ...judgeHistory(books, standing),
    ...judgeKeys(books, rows, standing.atMs),
    ...judgeBudgets(books, standing),
    ...[...books.payments.values()].flatMap((book) =>
      judgePaymentAtEnd(book, rows.get(`payment ${book.id}`), standing.atMs),
    ),
  ]
}

function judgeHistory(books: Books, { atMs, events, unpublished }: Standing): readonly Violation[] {
  const found: Violation[] = []
  const counted = new Map<string, number>()
  for (const { paymentId, seq } of events) {
    const before = counted.get(paymentId) ?? 0
    if (seq !== before + 1)
      found.push(violation(4, atMs, paymentId, `event ${seq} follows ${before}`))
    counted.set(paymentId, seq)
  }
  for (const { id, seq, delivered } of books.payments.values()) {
    if (counted.get(id) !== seq) {
      found.push(
        violation(4, atMs, id, `${counted.get(id) ?? 0} events are there, ${seq} were stored`),
      )
    }
    if (delivered !== seq) {
      found.push(violation(4, atMs, id, `${delivered} of ${seq} events were delivered`))
    }
  }
  if (unpublished > 0) found.push(violation(11, atMs, null, 'the outbox is not empty'))
  return found
}

function judgeKeys(
  { keys }: Books,
  rows: ReadonlyMap<string, StoredRow>,
  atMs: number,
): readonly Violation[] {
  return [...keys].flatMap(([key, { paymentId }]) =>
    rows.get(`payment ${paymentId}`)?.value == null
      ? [violation(5, atMs, paymentId, `${key} was acknowledged with a payment that is not there`)]
      : [],
  )
}

interface Counter {
  readonly left: number
  readonly spent: number
  readonly limit: number
}

function judgeBudgets(books: Books, { atMs, rows }: Standing): readonly Violation[] {
  return rows.flatMap(({ table, key, value }): readonly Violation[] => {
    if (table !== 'budget') return []
    const { left, spent, limit } = value as Counter // a counter's row
    const held = heldUnder(books, key)
    const paid = [...books.payments.values()]
      .filter(({ budgets }) => budgets.includes(key))
      .reduce((sum, { row }) => sum + (row?.amountCaptured ?? 0), 0)
    const found: Violation[] = []
    if (left !== limit - held) {
      found.push(
        violation(10, atMs, null, `${key} says ${left} left; ${limit} less ${held} is held`),
      )
    }
    if (spent !== paid)
      found.push(violation(10, atMs, null, `${key} says ${spent} spent, ${paid} was`))
    return found
  })
}

function judgePaymentAtEnd(
  { id, bank }: PaymentBook,
  row: StoredRow | undefined,
  atMs: number,
): readonly Violation[] {
  const found: Violation[] = []
  const say = (invariant: number, what: string) => found.push(violation(invariant, atMs, id, what))
  if (row?.value == null)
    return [violation(5, atMs, id, 'it was stored, and is not there any more')]
  const { payment } = row.value as { payment: PaymentValue } // the payment's row holds the payment
  const { state, holds, amountCaptured = 0, refunds = [], duplicateObjects } = payment
  const isPersons = holds.length > 0 || duplicateObjects.length > 0
  const isOpen = ['initiated', 'validated', 'authorised'].includes(state)
  if (isOpen && !isPersons) say(11, `it stays ${state}, and nobody looks at it`)
  const openRefunds = refunds.filter(({ status }) => status === 'open')
  if (openRefunds.length > 0 && !isPersons) say(11, `${openRefunds.length} refunds stay open`)
  if (isPersons) return found
  if (amountCaptured !== bank.captured) {
    say(3, `${amountCaptured} captured by our books, ${bank.captured} by the processor's`)
  }
  const back = refunds
    .filter(({ status }) => status === 'succeeded')
    .reduce((sum, { amount }) => sum + amount, 0)
  if (back !== bank.refunded) {
    say(3, `${back} refunded by our books, ${bank.refunded} by the processor's`)
  }
  if (bank.live.size > 0 && unpaidEnds.includes(state)) say(8, 'an authorisation was left behind')
  return found
}
