// Amounts as people write them: with all the decimals of their currency. Digits alone are minor units
// to programs and whole units to people, so that as text they are refused where the two differ.
import { decimalsOf, formatAmount, isAmount, maxAmount } from '../../core/money.ts'

/** Minor units, or what is wrong. Never through a float. */
export function readAmount(text: string, currency: string): number | string {
  const decimals = decimalsOf(currency)
  if (decimals === null) return `currency "${currency}" is not an ISO 4217 code in capitals`
  const [, whole, fraction] = /^(\d{1,15})(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === undefined)
    return `amount "${text}" is no amount; write ${formatAmount(1999, currency).split(' ')[0]}`
  if (decimals === 0 && fraction !== undefined)
    return `amount "${text}": ${currency} has no decimals; write ${whole}`
  if (decimals === 0 || fraction?.length === decimals)
    return checked(Number(whole + (fraction ?? '')), text)
  const example = `${whole}.${(fraction ?? '').padEnd(decimals, '0').slice(0, decimals)}`
  const other =
    fraction === undefined
      ? `, or ${inMinorUnits(whole, decimals)} if that is its smallest unit`
      : ''
  return `amount "${text}": ${currency} has ${decimals} decimals; write ${example}${other}`
}

/** A number of JSON: minor units, as in the API. */
export function readMinorUnits(amount: number): number | string {
  return checked(amount, String(amount))
}

function checked(amount: number, text: string): number | string {
  return isAmount(amount) ? amount : `amount "${text}" must be from 1 to ${maxAmount} minor units`
}

function inMinorUnits(digits: string, decimals: number): string {
  const padded = String(Number(digits)).padStart(decimals + 1, '0')
  return `${padded.slice(0, -decimals)}.${padded.slice(-decimals)}`
}
