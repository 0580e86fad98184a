// The bills of the demo with what their script means. The file is `examples/bills.csv`; every row of
// it is a bill that must be paid exactly once, or definitely not at all.
import { readAmount } from '../bills/amount.ts'
import { readCsv } from '../bills/csv.ts'
import { usageError } from '../exit.ts'
import { isScriptName, scripts } from './scripts.ts'
import type { ScriptName } from './scripts.ts'

export interface DemoBill {
  readonly id: string
  readonly account: string
  readonly payee: string
  readonly reference: string
  /** Minor units. */
  readonly amount: number
  readonly currency: string
  readonly description: string
  readonly script: ScriptName
  /** Does its script let it be paid? */
  readonly isPayable: boolean
}

const columns = [
  'bill',
  'account',
  'payee',
  'reference',
  'amount',
  'currency',
  'description',
  'script',
] as const

type Fields = Readonly<Record<(typeof columns)[number], string>>

export function readDemoBills(text: string, path: string): readonly DemoBill[] {
  const { rows, fault } = readCsv(text)
  if (fault !== undefined) throw usageError(`${path}:${fault.line}: ${fault.reason}`)
  const [head, ...body] = rows
  if (head?.cells.join() !== columns.join()) {
    throw usageError(`${path}:1: the columns of the demo's bills are ${columns.join(', ')}`)
  }
  return body.map(({ line, cells }) => {
    const fields = Object.fromEntries(columns.map((name, at) => [name, cells[at] ?? ''])) as Fields
    const bill = toBill(fields)
    if (typeof bill === 'string') throw usageError(`${path}:${line}: ${bill}`)
    return bill
  })
}

function toBill(fields: Fields): DemoBill | string {
  const { bill, script, currency, ...rest } = fields
  const amount = readAmount(fields.amount, currency)
  if (typeof amount === 'string') return amount
  if (!isScriptName(script)) return `there is no script "${script}"`
  return { ...rest, id: bill, amount, currency, script, isPayable: scripts[script].isPayable }
}
