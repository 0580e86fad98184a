// One row, from a CSV line or a JSON object, as a request for a payment. Only the form is checked.
import type { PaymentRequest } from '../../client/index.ts'
import { nameFault } from '../../core/normalise.ts'
import { readAmount, readMinorUnits } from './amount.ts'

export type RawBill = Readonly<Record<string, unknown>>

const textColumns = [
  'description',
  'processor',
  'payment_method',
  'retry_of',
  'reason',
  'batch',
  'not_after',
] as const

export const billColumns: ReadonlySet<string> = new Set([
  'payee',
  'reference',
  'amount',
  'currency',
  'capture',
  'distinct_from',
  'metadata',
  ...textColumns,
])

export type ToBill =
  | { readonly request: PaymentRequest; readonly faults?: never }
  | { readonly request: null; readonly faults: readonly string[] }

export function toBill(raw: RawBill): ToBill {
  const faults: string[] = []
  const amount = amountOf(raw, faults)
  const more = optionalFields(raw, faults)
  for (const name of ['payee', 'reference'] as const) {
    const fault = typeof raw[name] === 'string' ? nameFault(raw[name]) : 'is missing'
    if (fault !== null) faults.push(`${name} ${fault}`)
  }
  if (amount === null || faults.length > 0) return { request: null, faults }
  const { payee, reference, currency } = raw as {
    payee: string
    reference: string
    currency: string
  }
  return { request: { amount, currency, payee, reference, ...more } }
}

function amountOf({ amount, currency }: RawBill, faults: string[]): number | null {
  if (typeof currency !== 'string') faults.push('currency is missing')
  const isGiven = typeof amount === 'string' || typeof amount === 'number'
  if (!isGiven) faults.push('amount is missing')
  if (typeof currency !== 'string' || !isGiven) return null
  const read =
    typeof amount === 'number' ? readMinorUnits(amount) : readAmount(amount.trim(), currency)
  if (typeof read === 'number') return read
  faults.push(read)
  return null
}

type Fields = { -readonly [K in keyof PaymentRequest]?: PaymentRequest[K] }

function optionalFields(
  raw: RawBill,
  faults: string[],
): Omit<Fields, 'amount' | 'currency' | 'payee' | 'reference'> {
  const fields: Fields = {}
  for (const name of textColumns) {
    const value = raw[name]
    if (value === undefined || value === null) continue
    if (typeof value === 'string') fields[name] = value
    else faults.push(`${name} must be text`)
  }
  const { capture, distinct_from: distinctFrom, metadata } = raw
  if (capture === 'automatic' || capture === 'manual') fields.capture = capture
  else if (capture !== undefined) faults.push('capture must be automatic or manual')
  if (distinctFrom !== undefined) readIds(distinctFrom, fields, faults)
  if (metadata !== undefined) readMetadata(metadata, fields, faults)
  return fields
}

// A list in JSON; in a CSV cell ids with spaces between them.
function readIds(value: unknown, fields: Fields, faults: string[]): void {
  const list: unknown = typeof value === 'string' ? value.split(/[\s;]+/).filter(Boolean) : value
  if (isTexts(list)) fields.distinct_from = list
  else faults.push('distinct_from must be a list of payment ids')
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string')
}

function readMetadata(value: unknown, fields: Fields, faults: string[]): void {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (isObject && isTexts(Object.values(value))) fields.metadata = value as Record<string, string> // just checked
  else faults.push('metadata must be an object of texts')
}
