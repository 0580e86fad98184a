// Amounts as people write them. Digits alone are minor units; with a decimal point they are the
// currency's own decimals, all of them, so that no reader can take one form for the other.
import { decimalsOf, isAmount, maxAmount } from '../../core/money.ts'

/** Minor units, or what is wrong. Never through a float. */
export function readAmount(text: string, currency: string): number | string {
  const decimals = decimalsOf(currency)
  if (decimals === null) return `currency "${currency}" is not an ISO 4217 code in capitals`
  const [, whole, fraction] = /^(\d{1,15})(?:\.(\d+))?$/.exec(text) ?? []
  if (whole === undefined)
    return `amount "${text}" is neither minor units (1999) nor decimals (19.99)`
  if (fraction === undefined) return checked(Number(whole), text)
  if (fraction.length === decimals) return checked(Number(whole + fraction), text)
  if (decimals === 0) return `amount "${text}": ${currency} has no decimals; write ${whole}`
  const example = `${whole}.${fraction.padEnd(decimals, '0').slice(0, decimals)}`
  return `amount "${text}": ${currency} has ${decimals} decimals; write ${example}`
}

function checked(amount: number, text: string): number | string {
  return isAmount(amount) ? amount : `amount "${text}" must be from 1 to ${maxAmount} minor units`
}
