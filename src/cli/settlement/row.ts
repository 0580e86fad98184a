// One row of a settlement file as a line. Money is read digit by digit, never as a fraction.
import { decimalsOf } from '../../core/money.ts'
import type { LineKind } from '../../core/settlement.ts'
import type { SettlementLine } from '../../client/index.ts'
import { usageError } from '../exit.ts'
import type { Mapping } from './mapping.ts'

/** A line whose place is still to be said. */
export type Line = SettlementLine

type Cells = readonly string[]
type Get = (cells: Cells) => string

/** Reads rows under this header; text is why a row is none. Throws where a column is missing. */
export function lineReader(
  header: Cells,
  mapping: Mapping,
  file: string,
): (cells: Cells) => Line | string {
  const at = columnsOf(header, mapping, file)
  const { columns, types } = mapping
  const texts = texted(at, mapping)
  const money = moneyReader(at, mapping)
  const fees = [columns.fee ?? []].flat().map((name) => at('fee', name))
  const feeCurrency = at('fee_currency', columns.fee_currency)
  const [type, currencyOf] = [at('type', columns.type), at('currency', columns.currency)]
  const settledAt = at('settled_at', columns.settled_at)
  return (cells) => {
    if (cells.length !== header.length) {
      return `it has ${cells.length} of ${header.length} columns`
    }
    const word = type?.(cells) ?? ''
    const kind = Object.hasOwn(types, word) ? types[word] : undefined
    if (kind === undefined) return `its type "${word}" is not in the mapping`
    const currency = (currencyOf?.(cells) ?? '').toUpperCase()
    const decimals = decimalsOf(currency)
    if (decimals === null) return kind === 'other' ? nothing : `"${currency}" is no currency`
    const amount = money(cells, decimals, kind)
    if (typeof amount === 'string') return amount
    const when = timeOf(settledAt?.(cells) ?? '')
    if (when === null) return `"${settledAt?.(cells)}" is no time`
    const isComparable = (feeCurrency?.(cells) ?? '') === '' || feeCurrency?.(cells) === currency
    const fee = isComparable ? feeOf(fees, cells, mapping, decimals) : null
    if (typeof fee === 'string') return fee
    return {
      line: 0,
      kind,
      currency,
      amount,
      ...texts(cells),
      ...(fee === null ? {} : { fee }),
      ...(when === '' ? {} : { settled_at: when }),
    }
  }
}

/** A row without money, such as a heading within the file: counted, compared with nothing. */
const nothing: Line = { line: 0, kind: 'other', currency: 'EUR', amount: 0 }

// ── Columns ──────────────────────────────────────────────────────────────────────────────────────

type Columns = (field: string, name: string | undefined) => Get | null

function columnsOf(header: Cells, mapping: Mapping, file: string): Columns {
  const names = header.map((name) => name.trim())
  const twice = names.find((name, index) => names.indexOf(name) !== index && isUsed(name, mapping))
  if (twice !== undefined) throw usageError(`${file} has two columns "${twice}".`)
  return (field, name) => {
    if (name === undefined) return null
    const place = names.indexOf(name)
    if (place >= 0) return (cells) => (cells[place] ?? '').trim()
    if (mapping.optional.includes(field)) return null
    throw usageError(
      `${file} has no column "${name}" (${field}); it has: ${names.join(', ').slice(0, 500)}. Is the ` +
        'mapping, or its delimiter, another file’s?',
    )
  }
}

function isUsed(name: string, { columns }: Mapping): boolean {
  return JSON.stringify(columns).includes(JSON.stringify(name))
}

const textFields = [
  'payment_id',
  'attempt_id',
  'object_id',
  'movement_id',
  'reference',
  'batch',
] as const

type Texts = Partial<Record<(typeof textFields)[number], string>>

function texted(at: Columns, { columns }: Mapping): (cells: Cells) => Texts {
  const getters = textFields.flatMap((field) => {
    const get = at(field, columns[field])
    return get === null ? [] : [[field, get] as const]
  })
  return (cells) => {
    const found: Texts = {}
    for (const [field, get] of getters) {
      const value = get(cells)
      // Longer or with control characters: no id and no reference of anybody.
      if (value !== '' && value.length <= 256 && !/\p{Cc}/u.test(value)) found[field] = value
    }
    // One column for both, as where the processor keeps only one reference of ours.
    const { payment_id: payment } = found
    if (payment !== undefined && !/^pay_[0-9A-Za-z]{26}$/.test(payment)) delete found.payment_id
    const { attempt_id: attempt } = found
    if (attempt !== undefined && !attempt.startsWith('att_')) delete found.attempt_id
    return found
  }
}

// ── Money and time ───────────────────────────────────────────────────────────────────────────────

function moneyReader(at: Columns, mapping: Mapping) {
  const { amount } = mapping.columns
  if (typeof amount === 'string') {
    const get = at('amount', amount)
    return (cells: Cells, decimals: number, kind: LineKind): number | string => {
      const value = amountOf(get?.(cells) ?? '', mapping, decimals, amount)
      if (typeof value === 'string') return value
      // Money back stands there with a minus, or without.
      return kind === 'captured' && value < 0
        ? `"${amount}" of a capture is negative`
        : Math.abs(value)
    }
  }
  const [credit, debit] = [at('amount', amount.credit), at('amount', amount.debit)]
  return (cells: Cells, decimals: number, kind: LineKind): number | string => {
    const [a, b] = [credit?.(cells) ?? '', debit?.(cells) ?? '']
    const into = a === '' ? 0 : amountOf(a, mapping, decimals, amount.credit)
    const back = b === '' ? 0 : amountOf(b, mapping, decimals, amount.debit)
    if (typeof into === 'string') return into
    if (typeof back === 'string') return back
    if (a === '' && b === '' && kind !== 'other') return 'it has no amount'
    // Which of the two a capture fills differs between reports: its type says which way it went.
    return Math.abs(into - back)
  }
}

function feeOf(
  getters: readonly (Get | null)[],
  cells: Cells,
  mapping: Mapping,
  decimals: number,
): number | string | null {
  const texts = getters.flatMap((get) => (get === null ? [] : [get(cells)]))
  const filled = texts.filter((each) => each !== '')
  if (filled.length === 0) return null
  let sum = 0
  for (const each of filled) {
    const value = amountOf(each, mapping, decimals, 'fee')
    if (typeof value === 'string') return value
    sum += value
  }
  return sum
}

const marks = { minor_units: '', decimal_point: '.', decimal_comma: ',' } as const

/** Minor units; text is why not. Throws where the number is of a form that the mapping does not say. */
function amountOf(
  text: string,
  { amounts }: Mapping,
  decimals: number,
  name: string,
): number | string {
  const mark = marks[amounts]
  const found = /^(-?)(\d{1,15})(?:([.,])(\d+))?$/.exec(text)
  if (found === null) {
    if (/^-?\d{1,3}([.,' ]\d{3})+([.,]\d+)?$/.test(text)) throw doubtful(text, name, amounts)
    return `"${text}" in "${name}" is no amount`
  }
  const [, sign = '', whole = '', point = '', fraction = ''] = found
  if (point !== '' && point !== mark) throw doubtful(text, name, amounts)
  if (mark === '') return safe(Number(`${sign}${whole}`), text)
  const extra = fraction.slice(decimals)
  if (/[^0]/.test(extra)) return `"${text}" has more than ${decimals} decimals`
  const digits = `${whole}${fraction.slice(0, decimals).padEnd(decimals, '0')}`
  return safe(Number(`${sign}${digits}`), text)
}

const safe = (value: number, text: string): number | string =>
  Number.isSafeInteger(value) ? value : `"${text}" is too large`

/** This row makes the whole file doubtful. */
const doubtful = (text: string, name: string, amounts: Mapping['amounts']) =>
  usageError(
    `"${name}" is "${text}", and the mapping says that amounts are in ${amounts}. Nothing is guessed: set ` +
      '"amounts" to minor_units, decimal_point or decimal_comma, and leave out marks of thousands. ' +
      'Nothing was compared.',
  )

/** RFC 3339; without a zone it is taken for UTC. Empty stays empty; `null`: no time. */
function timeOf(text: string): string | null {
  if (text === '') return ''
  const found = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.\d+)?\s*(Z|[+-]\d\d:\d\d)?)?$/.exec(
    text,
  )
  if (found === null) return null
  const [, date, time = '00:00:00', zone = 'Z'] = found
  const ms = Date.parse(`${date}T${time}${zone}`)
  return Number.isNaN(ms) ? null : new Date(ms).toISOString()
}
