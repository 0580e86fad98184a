// Hand-written checks of request bodies: the simulator also stands under a benchmark, and these
// cost a tenth of a schema library's.

export type Fields = Readonly<Record<string, unknown>>

export type Check = (value: unknown) => boolean

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The name of the first field that is missing, wrong or not in the shape; `null`: all is well. */
export function firstWrong(body: Fields, shape: Readonly<Record<string, Check>>): string | null {
  for (const name of Object.keys(body)) {
    if (!Object.hasOwn(shape, name)) return name
  }
  for (const [name, check] of Object.entries(shape)) {
    if (!check(body[name])) return name
  }
  return null
}

/** Absent and `null` are the same. */
export function optional(check: Check): Check {
  return (value) => value === undefined || value === null || check(value)
}

export function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean'
}

/** At most 10^12 minor units: above any invoice, and sums of thousands of them stay exact. */
export function isAmount(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value > 0 && value <= 1e12
}

export function isCurrency(value: unknown): boolean {
  return typeof value === 'string' && /^[A-Z]{3}$/.test(value)
}

export function isText(value: unknown): boolean {
  return typeof value === 'string' && value.trim() !== '' && value.length <= 255
}

/** 50 keys of 40 characters with values of 500, as Stripe has it. */
export function isMetadata(value: unknown): boolean {
  if (!isFields(value)) return false
  const entries = Object.entries(value)
  return (
    entries.length <= 50 &&
    entries.every(
      ([key, each]) => key.length <= 40 && typeof each === 'string' && each.length <= 500,
    )
  )
}
