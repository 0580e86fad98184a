// Invariant 15: a store that was set back does not pay twice, and in the end it knows of all money. A store
// that forgets breaks its word about much else, which is why nothing else is judged here.
import type { Auditor, Charge, Ledger, Seen, Standing, Violation } from '../witness.ts'

const paidStates: readonly unknown[] = ['captured', 'settled', 'refunded']

const alike = (text: string): string =>
  text.normalize('NFKC').trim().replace(/\s+/g, ' ').toLowerCase()

interface Terms {
  readonly account: string
  readonly payee: string
  readonly reference: string
}

export function createSetBackAuditor(): Auditor {
  /** The bill of each payment, as it was first claimed; what is rebuilt has lost the words. */
  const bills = new Map<string, string>()
  const captured = new Map<string, Ledger>()
  let wasSetBack = false

  const judgeCapture = (seen: Ledger): readonly Violation[] => {
    const bill = bills.get(seen.paymentId) ?? seen.paymentId
    const earlier = captured.get(bill)
    captured.set(bill, earlier ?? seen)
    if (earlier === undefined || !wasSetBack) return []
    const { paymentId, atMs } = seen
    const what = `${earlier.paymentId} (${earlier.objectId}) has paid its bill already`
    return [{ invariant: 15, atMs, paymentId, what }]
  }

  return {
    see(seen: Seen) {
      if (seen.see === 'set_back') wasSetBack = true
      if (seen.see === 'stored') {
        for (const { type, paymentId, body } of seen.events) {
          if (type !== 'claimed' || bills.has(paymentId)) continue
          const { account, payee, reference } = (body as { terms: Terms }).terms // a claim's
          bills.set(paymentId, JSON.stringify([account, alike(payee), alike(reference)]))
        }
      }
      return seen.see === 'ledger' && seen.change === 'captured' ? judgeCapture(seen) : []
    },
    end: (standing) => standing.charges.flatMap((charge) => judgeKnown(charge, standing)),
  }
}

function judgeKnown(
  { paymentId, objectId, captured }: Charge,
  { rows, atMs }: Standing,
): readonly Violation[] {
  if (captured === 0) return []
  const row = rows.find(({ table, key }) => table === 'payment' && key === paymentId)
  const state = (row?.value as { payment: { state: string } } | null | undefined)?.payment.state
  if (paidStates.includes(state)) return []
  const what = `${objectId} took ${captured}, and our payment is ${state ?? 'not there'}`
  return [{ invariant: 15, atMs, paymentId, what }]
}
