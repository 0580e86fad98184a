// JSON that means the same to everybody who reads it. `JSON.parse` keeps the last of two equal keys,
// rounds long numbers and takes `__proto__` for a name like others: two readers could see two
// different bills, so each of these is refused.
import type { Fault } from '../core/rejections.ts'

export type Parsed =
  | { readonly value: unknown; readonly wrong?: never; readonly faults?: never }
  /** Not JSON, or nested too deep to look into. */
  | { readonly wrong: string; readonly faults?: readonly Fault[]; readonly value?: never }

/** Our requests nest two deep. */
export const maxDepth = 16

export function parseJson(text: string): Parsed {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { wrong: `It does not parse${whereOf(text)}.` }
  }
  const faults = faultsOf(text)
  if (faults === null) return { wrong: `It is nested deeper than ${maxDepth}.` }
  const [first] = faults
  if (first === undefined) return { value }
  return { wrong: `It could be read in two ways: ${first.pointer} ${first.reason}.`, faults }
}

// V8's own words repeat what was sent, and leave the place out where a sign is unexpected: then it is
// where the shortest beginning ends that nothing could make whole.
function whereOf(text: string): string {
  let [whole, broken] = [0, text.length + 1]
  while (broken - whole > 1) {
    const middle = (whole + broken) >> 1
    if (isBroken(text.slice(0, middle))) broken = middle
    else whole = middle
  }
  if (broken > text.length) return ': it ends too early'
  const lines = text.slice(0, broken).split('\n')
  return `: line ${lines.length}, column ${lines.at(-1)?.length ?? 0}`
}

/** No text that begins so is JSON. */
function isBroken(beginning: string): boolean {
  try {
    JSON.parse(beginning)
    return false
  } catch (error) {
    const message = error instanceof Error ? error.message : ''
    const [, position] = / at position (\d+)/.exec(message) ?? []
    if (position !== undefined) return Number(position) < beginning.length
    return !message.startsWith('Unexpected end')
  }
}

/** One object or array that is open at this place of the text. */
interface Level {
  /** The keys so far; `null` in an array. */
  readonly keys: Set<string> | null
  /** The key or index of the value that is being read. */
  at: string | number
  expectsKey: boolean
}

const maxFaults = 20

// The text is known to be JSON, so that a quote, a bracket, a comma or a digit tells where we are.
function faultsOf(text: string): readonly Fault[] | null {
  const levels: Level[] = []
  const faults: Fault[] = []
  const fault = (reason: string): void => {
    if (faults.length < maxFaults) faults.push({ pointer: pointerTo(levels), reason })
  }
  for (let index = 0; index < text.length;) {
    const sign = text.charAt(index)
    const level = levels.at(-1)
    let end = index + 1
    if (sign === '"') {
      end = endOfString(text, index)
      if (level?.expectsKey === true) takeKey(level, text.slice(index, end), fault)
    } else if (sign === '{' || sign === '[') {
      levels.push(sign === '{' ? openObject() : openArray())
      if (levels.length > maxDepth) return null
    } else if (sign === '}' || sign === ']') {
      levels.pop()
    } else if (sign === ',' && level !== undefined) {
      goOn(level)
    } else if (sign === '-' || (sign >= '0' && sign <= '9')) {
      end = endOfNumber(text, index)
      if (!isKeptExactly(text.slice(index, end))) fault('has more digits than a number can keep')
    }
    index = end
  }
  return faults
}

const openObject = (): Level => ({ keys: new Set(), at: '', expectsKey: true })
const openArray = (): Level => ({ keys: null, at: 0, expectsKey: false })

function goOn(level: Level): void {
  if (typeof level.at === 'number') level.at += 1
  else level.expectsKey = true
}

function takeKey(level: Level, literal: string, fault: (reason: string) => void): void {
  // The literal was parsed before as a part of the whole.
  const key = literal.includes('\\') ? (JSON.parse(literal) as string) : literal.slice(1, -1)
  level.at = key
  level.expectsKey = false
  if (level.keys?.has(key) === true) fault('is given twice')
  if (key === '__proto__') fault('is not a name that a field can have')
  level.keys?.add(key)
}

/** The place after the closing quote. */
function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    const sign = text[index]
    if (sign === '\\') index += 1
    else if (sign === '"') return index + 1
  }
  return text.length
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1
  while (end < text.length && '0123456789.eE+-'.includes(text.charAt(end))) end += 1
  return end
}

/** Fifteen digits survive a double whatever their exponent; longer ones only as a safe integer. */
function isKeptExactly(literal: string): boolean {
  const value = Number(literal)
  if (!Number.isFinite(value)) return false
  if (/^-?\d+$/.test(literal)) return Number.isSafeInteger(value)
  const digits = literal.replace(/[eE].*$/, '').replace(/\D/g, '')
  return digits.length <= 15 && (!Number.isInteger(value) || Number.isSafeInteger(value))
}

function pointerTo(levels: readonly Level[]): string {
  return jsonPointer(levels.map(({ at }) => at))
}

/** RFC 6901, cut where a sender made a name absurdly long. */
export function jsonPointer(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'))
  return parts.map((part) => `/${part.slice(0, 100)}`).join('')
}
