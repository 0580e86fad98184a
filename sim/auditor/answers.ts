// What agents are told: keys that keep their word, and advice that is true.
import type { Answered, Violation } from '../witness.ts'
import { keyOf, violation } from './books.ts'
import type { AskBook, Books } from './books.ts'

interface PaymentBody {
  readonly object?: string
  readonly id?: string
  readonly code?: string
  readonly money_moved?: string
  readonly new_key_allowed?: boolean
}

export function judgeAnswer(
  books: Books,
  { atMs, ask, status, body }: Answered,
): readonly Violation[] {
  const asked = books.asks.get(ask)
  if (asked === undefined) return []
  books.asks.delete(ask)
  const told = (body ?? {}) as PaymentBody // our own door's JSON
  return [
    ...judgeKey(books, asked, status, told, atMs),
    ...(told.object === 'payment' ? judgeAdvice(books, asked, told, atMs) : []),
  ]
}

function judgeKey(
  books: Books,
  asked: AskBook,
  status: number,
  told: PaymentBody,
  atMs: number,
): readonly Violation[] {
  if (asked.method !== 'POST' || asked.key === null) return []
  const key = keyOf(asked)
  const paymentId = told.object === 'payment' ? (told.id ?? null) : null
  const known = books.keys.get(key)
  if (status < 300 && paymentId !== null) {
    if (known === undefined) {
      books.keys.set(key, { body: asked.body, paymentId })
      return books.payments.has(paymentId)
        ? []
        : [violation(5, atMs, paymentId, 'acknowledged, and not stored')]
    }
    if (known.paymentId !== paymentId) {
      return [violation(5, atMs, paymentId, `the key was answered with ${known.paymentId} before`)]
    }
    if (known.body !== asked.body) {
      return [violation(6, atMs, paymentId, 'another body under a used key was accepted')]
    }
    return []
  }
  // Somebody inside said that it was there.
  if (status === 404 && asked.path === '/v1/payments') {
    return [violation(5, atMs, null, 'a claim was accepted, and its payment was not found')]
  }
  // What was refused for good has left no mark, unless the key was used by somebody else as well.
  const isFinal = status >= 400 && status < 500 && told.code !== 'retry_same_key'
  if (!isFinal || asked.path !== '/v1/payments' || books.keyUses.get(key) !== 1) return []
  const row = `key ${encodeURIComponent(asked.who)}/POST/v1/payments/${encodeURIComponent(asked.key)}`
  return books.rows.has(row)
    ? [violation(5, atMs, null, `refused with ${told.code ?? status}, and its key is stored`)]
    : []
}

function judgeAdvice(
  books: Books,
  asked: AskBook,
  told: PaymentBody,
  atMs: number,
): readonly Violation[] {
  const book = books.payments.get(told.id ?? '')
  if (book === undefined) return []
  const found: Violation[] = []
  const say = (what: string) => found.push(violation(14, atMs, book.id, what))
  const then = asked.bankThen.get(book.id)
  if (told.money_moved === 'no' && then === 'captured') say('told that no money moved, and it had')
  if (told.money_moved === 'yes' && book.bank.captured === 0)
    say('told that money moved, and none had')
  if (told.new_key_allowed === true) {
    if (book.bank.captured > 0 || book.bank.live.size > 0) {
      say('a new key was allowed while the processor held its money')
    }
    book.newKeyTold = true
  }
  return found
}
