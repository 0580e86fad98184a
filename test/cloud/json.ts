// JSON as templates and wires carry it, and the few ways to look into it that fail with a sentence.
export type Json = null | boolean | number | string | readonly Json[] | JsonObject

export interface JsonObject {
  readonly [key: string]: Json
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export function asObject(value: unknown, what: string): JsonObject {
  if (isObject(value)) return value
  throw new Error(`${what} should be an object: ${JSON.stringify(value)}`)
}

export function asText(value: unknown, what: string): string {
  if (typeof value === 'string') return value
  throw new Error(`${what} should be a text: ${JSON.stringify(value)}`)
}

export function asNumber(value: unknown, what: string): number {
  const number = typeof value === 'string' ? Number(value) : value
  if (typeof number === 'number' && Number.isFinite(number)) return number
  throw new Error(`${what} should be a number: ${JSON.stringify(value)}`)
}

export const listOf = (value: Json | undefined): readonly Json[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly Json[]) : [value]

export const textsOf = (value: Json | undefined, what: string): readonly string[] =>
  listOf(value).map((each) => asText(each, what))

export const parseObject = (text: string, what: string): JsonObject =>
  asObject(text === '' ? {} : JSON.parse(text), what)

/** A property that nobody here reads may change what AWS does: it has to be looked at first. */
export function onlyKnown(what: string, given: JsonObject, known: readonly string[]): void {
  const strange = Object.keys(given).filter((key) => !known.includes(key))
  if (strange.length > 0) {
    throw new Error(`${what} has ${strange.join(', ')}, which the local run does not know`)
  }
}

/** A text as it is, anything else as JSON. */
export const wordOf = (value: Json | undefined): string =>
  typeof value === 'string' ? value : JSON.stringify(value ?? null)
