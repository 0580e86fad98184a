// Settlements as they are shown: totals, and the payout file that a merchant downloads.
import { time } from './answers.ts'
import type { Answer } from './answers.ts'
import type { Charge } from './charges.ts'
import type { SettlementTotal } from './ledger.ts'
import type { Movement } from './settlements.ts'

export interface ShownSettlement {
  readonly id: string
  readonly object: 'settlement'
  readonly currency: string
  readonly date: string
  /** `open` while its UTC day lasts and more may come. */
  readonly status: 'open' | 'paid'
  readonly gross: number
  readonly fees: number
  readonly refunds: number
  readonly reversals: number
  readonly net: number
  readonly count: number
}

const columns =
  'settlement_id,record_id,type,created_at,charge_id,refund_id,reference,payment,amount,currency'

/** One settlement may have several totals of a type. */
export function presentSettlements(
  totals: readonly SettlementTotal[],
  nowMs: number,
): readonly ShownSettlement[] {
  const ids = [...new Set(totals.map(({ id }) => id))]
  return ids.map((id) => {
    const own = totals.filter((total) => total.id === id)
    const sumOf = (type: Movement['type']): number =>
      own.filter((total) => total.type === type).reduce((sum, total) => sum + total.sum, 0)
    const date = id.replace(/^set_(\d{4})(\d\d)(\d\d)_.*$/, '$1-$2-$3')
    return {
      id,
      object: 'settlement',
      currency: own[0]?.currency ?? '',
      date,
      status: new Date(nowMs).toISOString().startsWith(date) ? 'open' : 'paid',
      gross: sumOf('capture'),
      fees: sumOf('fee'),
      refunds: sumOf('refund'),
      reversals: sumOf('reversal'),
      net: own.reduce((sum, total) => sum + total.sum, 0),
      count: own.reduce((sum, total) => sum + total.count, 0),
    }
  })
}

export function payoutFile(
  movements: readonly Movement[],
  chargeOf: (id: string) => Charge,
): Answer {
  const rows = movements.map((movement) => {
    const { reference, metadata } = chargeOf(movement.chargeId)
    const { settlementId, id, type, chargeId, refundId, amount, currency } = movement
    const at = time(movement.createdAtMs)
    const payment = metadata['payment']
    return [settlementId, id, type, at, chargeId, refundId, reference, payment, amount, currency]
      .map(quoted)
      .join()
  })
  const body = [columns, ...rows, ''].join('\r\n')
  return { status: 200, body, headers: { 'content-type': 'text/csv; charset=utf-8' } }
}

/** As RFC 4180 has it. */
function quoted(value: string | number | null | undefined): string {
  const text = String(value ?? '')
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}
