// Keeps the books from events: a consumer of facts, which takes account of 1 to n of each payment, each
// once. What comes again is dropped, what is missing is read first.
import { entriesOf, movesMoney } from '../../core/ledger.ts'
import type { JournalEntry } from '../../core/ledger.ts'
import type { PaymentEvent } from '../../core/payment.ts'
import type { Ledger, Publisher, Store } from '../../ports.ts'
import { openBooks } from './books.ts'
import type { Booking, Books } from './books.ts'
import type { BreakWriteOff } from './write-offs.ts'

export interface LedgerService {
  /** Reads the outbox under the file's own name: a new file begins with the first event. */
  readonly publisher: Publisher
  readonly ledger: Ledger
  /** Books breaks that were written off; what is there already stays as it is. */
  readonly writeOff: (writeOffs: readonly BreakWriteOff[]) => void
  readonly close: () => void
}

export interface LedgerOptions {
  /** `:memory:` ends with the process. */
  readonly file: string
  readonly readEvents: Store['events']
  readonly newId: () => string
}

/** Events of one payment that are read at once. */
const pageSize = 1_000

export function openLedger({ file, readEvents, newId }: LedgerOptions): LedgerService {
  const books = openBooks(file, newId)
  const publisher: Publisher = Object.freeze({
    name: `ledger:${books.id}`,
    async publish(events: readonly PaymentEvent[]) {
      const bookings: Booking[] = []
      for (const [paymentId, own] of Map.groupBy(events, (event) => event.paymentId)) {
        const booking = await bookingOf(books, readEvents, paymentId, own)
        if (booking !== null) bookings.push(booking)
      }
      if (bookings.length > 0) books.book(bookings, inOrder(bookings, events))
      return 'delivered' as const
    },
  })
  const ledger: Ledger = Object.freeze({
    balances: async () => books.balances(),
    journals: async (query: Parameters<Ledger['journals']>[0]) => books.journals(query),
  })
  const { writeOff, close } = books
  return Object.freeze({ publisher, ledger, writeOff, close })
}

async function bookingOf(
  books: Books,
  readEvents: Store['events'],
  paymentId: string,
  events: readonly PaymentEvent[],
): Promise<Booking | null> {
  const seenSeq = books.seen(paymentId)
  const fresh = events.filter(({ seq }) => seq > seenSeq)
  const seq = Math.max(seenSeq, ...fresh.map((event) => event.seq))
  if (seq === seenSeq) return null
  // A gap may hide what moved money; a history is only told whole.
  const isWhole = fresh.length === seq - seenSeq
  if (isWhole && !fresh.some(movesMoney)) return { paymentId, seq, entries: [] }
  const history = await readHistory(readEvents, paymentId, seq)
  return { paymentId, seq, entries: entriesOf(history, seenSeq) }
}

async function readHistory(
  readEvents: Store['events'],
  paymentId: string,
  throughSeq: number,
): Promise<readonly PaymentEvent[]> {
  const history: PaymentEvent[] = []
  while (history.length < throughSeq) {
    const left = throughSeq - history.length
    const page = await readEvents(paymentId, history.length, Math.min(pageSize, left))
    if (page.length === 0) {
      throw new Error(`${paymentId}: event ${history.length + 1} of ${throughSeq} is not there`)
    }
    history.push(...page)
  }
  return history
}

/** As their events came, wherever a page ended: books that are made again are the same, line by line. */
function inOrder(
  bookings: readonly Booking[],
  events: readonly PaymentEvent[],
): readonly JournalEntry[] {
  const places = new Map(events.map(({ paymentId, seq }, place) => [`${paymentId}/${seq}`, place]))
  const placeOf = ({ paymentId, seq }: JournalEntry): number =>
    places.get(`${paymentId}/${seq}`) ?? -1
  return bookings.flatMap(({ entries }) => entries).toSorted((a, b) => placeOf(a) - placeOf(b))
}
