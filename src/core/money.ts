// Amounts and currencies. An amount is an integer number of the currency's minor units.

/** ISO 4217 codes with a minor unit, by number of decimals. Those without (gold, test codes) are left out. */
const codesByDecimals: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  2:
    'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD ' +
    'CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS ' +
    'GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD ' +
    'LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB ' +
    'PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP ' +
    'SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
}

const decimalsByCode: ReadonlyMap<string, number> = new Map(
  Object.entries(codesByDecimals).flatMap(([decimals, codes]) =>
    codes.split(' ').map((code) => [code, Number(decimals)] as const),
  ),
)

/**
 * 10^12 minor units: above any invoice, and the sum of 9,000 of the largest still fits below 2^53,
 * the last integer that JSON, SQLite and DynamoDB all keep exactly.
 */
export const maxAmount = 1_000_000_000_000

export function isCurrency(code: string): boolean {
  return decimalsByCode.has(code)
}

/** `null`: no such currency. */
export function decimalsOf(code: string): number | null {
  return decimalsByCode.get(code) ?? null
}

export function isAmount(value: number): boolean {
  return Number.isSafeInteger(value) && value > 0 && value <= maxAmount
}

/** `1999, 'EUR'` → `19.99 EUR`, for people; never parsed back. */
export function formatAmount(amount: number, currency: string): string {
  const decimals = decimalsByCode.get(currency) ?? 0
  const digits = String(Math.abs(amount)).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = decimals === 0 ? '' : `.${digits.slice(digits.length - decimals)}`
  return `${amount < 0 ? '-' : ''}${whole}${fraction} ${currency}`
}
