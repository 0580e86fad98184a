// Money, times and ages as people read them. Amounts come in minor units and never become fractions
// on the way back.

export function money(amount: number, currency: string): string {
  const format = formatOf(currency)
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2
  return format.format(amount / 10 ** digits)
}

const formats = new Map<string, Intl.NumberFormat>()

function formatOf(currency: string): Intl.NumberFormat {
  const known = formats.get(currency)
  if (known !== undefined) return known
  const made = new Intl.NumberFormat('en-GB', {
    style: 'currency',
    currency,
    currencyDisplay: 'code',
  })
  formats.set(currency, made)
  return made
}

/** A few of them by currency: sums of different currencies are never added. */
export function sums(items: readonly { amount: number; currency: string }[]): string {
  const totals = new Map<string, number>()
  for (const { amount, currency } of items) {
    totals.set(currency, (totals.get(currency) ?? 0) + amount)
  }
  return [...totals].map(([currency, amount]) => money(amount, currency)).join(' + ')
}

const two = (value: number): string => String(value).padStart(2, '0')

export type Zone = 'local' | 'UTC'

export function when(at: string | number, zone: Zone, withMs = false): string {
  const date = new Date(at)
  if (zone === 'UTC') return utc(date, withMs)
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  return `${day} ${clock(date, withMs)}`
}

export function clock(at: Date, withMs = false): string {
  const ms = withMs ? `.${String(at.getMilliseconds()).padStart(3, '0')}` : ''
  return `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}${ms}`
}

function utc(date: Date, withMs: boolean): string {
  return `${date
    .toISOString()
    .replace('T', ' ')
    .slice(0, withMs ? 23 : 19)}Z`
}

export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`
  const seconds = ms / 1_000
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3_600)} h ${Math.floor((seconds % 3_600) / 60)} min`
  }
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3_600)} h`
}

export const ago = (at: string, nowMs = Date.now()): string =>
  `${duration(nowMs - Date.parse(at))} ago`

/** `outcome_unknown` as a person says it. */
export const words = (code: string): string => code.replaceAll('_', ' ')

export const count = (value: number, one: string, many = `${one}s`): string =>
  `${value.toLocaleString('en-GB')} ${value === 1 ? one : many}`

export const percent = (share: number): string =>
  `${(Math.floor(share * 1_000) / 10).toFixed(share === 1 ? 0 : 1)} %`
