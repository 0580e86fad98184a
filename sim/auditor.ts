// The judge of the simulated world. It shares nothing with the engine: from what is seen outside it
// keeps a much simpler idea of each payment, and says where the two differ. The numbers are those of
// docs/concepts/proof.md.
import { judgeAnswer } from './auditor/answers.ts'
import { judgeEnd } from './auditor/end.ts'
import { judgeLedger, judgeSend } from './auditor/money.ts'
import { createBooks } from './auditor/books.ts'
import { judgeStored } from './auditor/stored.ts'
import type { Auditor, Violation } from './witness.ts'

/** `off`: invariants that are not judged, to show that each of them catches something. */
export function createAuditor({ off = [] }: { readonly off?: readonly number[] } = {}): Auditor {
  const books = createBooks()
  const judged = (found: readonly Violation[]): readonly Violation[] =>
    found.length === 0 ? found : found.filter(({ invariant }) => !off.includes(invariant))
  return {
    see(seen) {
      switch (seen.see) {
        case 'asked':
          books.asks.set(seen.ask, { ...seen, body: seen.body, bankThen: books.bankNow(seen) })
          return []
        case 'answered':
          return judged(judgeAnswer(books, seen))
        case 'sent':
          return judged(judgeSend(books, seen))
        case 'ledger':
          return judged(judgeLedger(books, seen))
        case 'stored':
          return judged(judgeStored(books, seen))
        case 'delivered':
          return judged(books.deliver(seen))
        case 'crash':
        case 'fault':
        case 'restart':
        case 'healed':
        case 'set_back':
          return []
      }
    },
    end: (standing) => judged(judgeEnd(books, standing)),
  }
}
