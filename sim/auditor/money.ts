// What leaves for the processor, and what its own ledger says.
import type { Ledger, Sent, Violation } from '../witness.ts'
import { unpaidEnds, violation } from './books.ts'
import type { Books, PaymentBook } from './books.ts'

export function judgeSend(books: Books, sent: Sent): readonly Violation[] {
  const { atMs, paymentId, kind, key } = sent
  const book = books.payments.get(paymentId)
  const say = (invariant: number, what: string) => violation(invariant, atMs, paymentId, what)
  if (book === undefined) return [say(9, `a ${kind} left for a payment that is not stored`)]
  const found: Violation[] = []
  const known = book.sends.find((each) => each.key === key)
  if (known === undefined) book.sends.push({ kind, key, firstAtMs: atMs })
  else {
    const ageMs = atMs - known.firstAtMs
    if (ageMs >= sent.keyWindowMs && !sent.actsOnce) {
      found.push(say(9, `${kind} was sent again ${ageMs} ms after its key was first used`))
    }
  }
  if (unpaidEnds.includes(book.state) && kind !== 'void') {
    found.push(say(8, `a ${kind} left although the payment is ${book.state}`))
  }
  if (sent.breaker === 'open') found.push(say(13, `a ${kind} left while the breaker was open`))
  if (sent.halted) found.push(say(13, `a ${kind} left while it was stopped`))
  const movesMoney = kind === 'create' || kind === 'authorise' || kind === 'capture'
  if (movesMoney && book.approval === 'awaited') {
    found.push(say(13, `a ${kind} left before anybody had agreed to it`))
  }
  return found
}

export function judgeLedger(books: Books, ledger: Ledger): readonly Violation[] {
  const { atMs, paymentId, change, amount, key } = ledger
  const book = books.payments.get(paymentId)
  const say = (invariant: number, what: string) => violation(invariant, atMs, paymentId, what)
  if (book === undefined) return [say(1, `${change} for a payment that is not stored`)]
  enter(book, ledger)
  const { bank } = book
  const found: Violation[] = []
  if (bank.captures > 1) found.push(say(1, `captured ${bank.captures} times`))
  if (bank.captured > book.amount) found.push(say(2, `${bank.captured} of ${book.amount} captured`))
  if (bank.refunded + bank.reversed > bank.captured) {
    found.push(
      say(2, `${bank.refunded} refunded and ${bank.reversed} taken back of ${bank.captured}`),
    )
  }
  if (change === 'refunded' && bank.refunds > book.refundReferences.size) {
    found.push(say(2, `${bank.refunds} refunds for ${book.refundReferences.size} references`))
  }
  if (change === 'authorised' || change === 'captured') {
    found.push(...judgeNewMoney(books, book, ledger))
    if (key !== null && isOutdated(book, key)) {
      found.push(say(9, `${key} took effect after a newer key had been sent: ${change} ${amount}`))
    }
  }
  return found
}

function judgeNewMoney(books: Books, book: PaymentBook, { atMs, change }: Ledger): Violation[] {
  const found: Violation[] = []
  const say = (invariant: number, what: string) =>
    found.push(violation(invariant, atMs, book.id, what))
  const others = (books.byBill.get(book.bill) ?? []).filter(
    (each) => each !== book && (each.bank.captured > 0 || each.bank.live.size > 0),
  )
  if (others.length > 0) {
    say(
      6,
      `${change} although ${others.map(({ id }) => id).join(', ')} of the same bill holds money`,
    )
  }
  if (unpaidEnds.includes(book.state)) say(8, `${change} although it is ${book.state}`)
  if (book.newKeyTold) say(14, `${change} after an answer had allowed a new key`)
  return found
}

/** Was another key of the same kind sent after this one? */
function isOutdated({ sends }: PaymentBook, key: string): boolean {
  const index = sends.findIndex((each) => each.key === key)
  const kind = sends[index]?.kind
  return index >= 0 && sends.slice(index + 1).some((each) => each.kind === kind)
}

function enter({ bank }: PaymentBook, { change, amount, objectId }: Ledger): void {
  switch (change) {
    case 'authorised':
      bank.authorised += amount
      bank.live.add(objectId)
      return
    case 'captured':
      bank.captured += amount
      bank.captures += 1
      bank.live.delete(objectId)
      return
    case 'voided':
      bank.live.delete(objectId)
      return
    case 'refunded':
      bank.refunded += amount
      bank.refunds += 1
      return
    case 'reversed':
      bank.reversed += amount
      return
    case 'settled':
      return
  }
}
