// More bills than the demo's file has: its rows again, each time as bills of their own.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { readDemoBills } from '../src/cli/demo/bills.ts'
import type { DemoBill } from '../src/cli/demo/bills.ts'

export function readBills(): readonly DemoBill[] {
  const path = fileURLToPath(new URL('../examples/bills.csv', import.meta.url))
  return readDemoBills(readFileSync(path, 'utf8'), path)
}

/** The first `count` of the file's bills, read over and over. */
export function manyBills(bills: readonly DemoBill[], count: number): readonly DemoBill[] {
  return Array.from({ length: count }, (_, at) => {
    const bill = bills[at % bills.length]
    if (bill === undefined) throw new Error('there are no bills')
    return again(bill, Math.floor(at / bills.length))
  })
}

// Another reference is another bill; another amount keeps it from being a look-alike.
function again(bill: DemoBill, round: number): DemoBill {
  if (round === 0) return bill
  const { id, payee, reference, amount } = bill
  return {
    ...bill,
    id: `${id}-${round}`,
    // Payees named `acct_…` go wrong in a way of their own: their names stay.
    payee: payee.startsWith('acct_') ? payee : `${payee} ${round}`,
    reference: reference.replace('-', `-${round}`),
    amount: amount + round * 1_000_000,
  }
}
