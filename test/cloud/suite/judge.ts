// Judges the suite by the processor's own ledger: money by bill and by payment, counted from what was
// booked there. Knows nothing of how Quittance decides.
import type { Payment } from '../../../src/client/index.ts'
import type { Charge } from '../../../src/cli/demo/processor-side.ts'
import type { Bill } from './setting.ts'

export interface Verdict {
  readonly payments: number
  readonly doubleCharges: number
  readonly lost: number
  readonly findings: readonly string[]
}

const ended: readonly string[] = [
  'captured',
  'settled',
  'refunded',
  'declined',
  'voided',
  'expired',
  'rejected',
]
const paid: readonly string[] = ['captured', 'settled', 'refunded']

export function judge(
  acknowledged: ReadonlyMap<string, Bill>,
  payments: ReadonlyMap<string, Payment>,
  charges: readonly Charge[],
): Verdict {
  const doubles = [...takenByBill(acknowledged, charges)]
    .filter(([, captures]) => captures > 1)
    .map(([bill, captures]) => `${bill} was charged ${captures} times`)
  const lost = [...acknowledged.keys()].flatMap((id) => {
    const payment = payments.get(id)
    if (payment === undefined) return [`${id} was acknowledged and is not there`]
    const isStuck = !ended.includes(payment.state) && payment.hold === null
    const isManual = payment.capture === 'manual' && payment.state === 'authorised'
    return isStuck && !isManual ? [`${id} is still ${payment.state}, and nobody was told why`] : []
  })
  const unseen = charges.flatMap(({ id, reference, amount_captured: booked, captures }) => {
    const payment = payments.get(reference)
    const shown =
      payment !== undefined && paid.includes(payment.state) ? payment.amount_captured : 0
    return captures > 0 && shown !== booked
      ? [`${id} took ${booked}, ${reference} shows ${shown}`]
      : []
  })
  const unbacked = [...payments.values()].flatMap((payment) => {
    const own = charges.filter(({ reference }) => reference === payment.id)
    const booked = own.reduce((sum, { amount_captured: amount }) => sum + amount, 0)
    return payment.amount_captured > booked
      ? [`${payment.id} shows ${payment.amount_captured}, the processor took ${booked}`]
      : []
  })
  return {
    payments: acknowledged.size,
    doubleCharges: doubles.length,
    lost: lost.length + unseen.length + unbacked.length,
    findings: [...doubles, ...lost, ...unseen, ...unbacked],
  }
}

function takenByBill(
  acknowledged: ReadonlyMap<string, Bill>,
  charges: readonly Charge[],
): ReadonlyMap<string, number> {
  const taken = new Map<string, number>()
  for (const { reference, captures } of charges) {
    const bill = acknowledged.get(reference)
    const name = bill === undefined ? reference : `${bill.payee}/${bill.reference}`
    taken.set(name, (taken.get(name) ?? 0) + captures)
  }
  return taken
}
