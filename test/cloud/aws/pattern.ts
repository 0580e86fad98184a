// Event patterns of EventBridge rules and of Lambda's event filters.
// Source: EventBridge User Guide, "Comparison operators for use in event patterns". Not here: suffix,
// wildcard, cidr, equals-ignore-case, $or: refused.
import { isObject, listOf, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'

export function matches(pattern: JsonObject, event: Json): boolean {
  return Object.entries(pattern).every(([key, wanted]) => {
    const value = isObject(event) ? event[key] : undefined
    if (isObject(wanted)) return matches(wanted, value ?? {})
    if (!Array.isArray(wanted)) throw new Error(`a pattern’s leaves are lists: ${key}`)
    return listOf(wanted).some((condition) => fits(condition, value))
  })
}

function fits(condition: Json, value: Json | undefined): boolean {
  if (Array.isArray(value)) return listOf(value).some((each) => fits(condition, each))
  if (!isObject(condition)) return value === condition
  const [[operator, operand] = ['', null], ...more] = Object.entries(condition)
  if (more.length > 0) throw new Error(`two operators at once: ${JSON.stringify(condition)}`)
  switch (operator) {
    case 'prefix':
      return typeof value === 'string' && value.startsWith(wordOf(operand))
    case 'exists':
      return (value !== undefined) === operand
    case 'anything-but':
      if (isObject(operand)) return !fits(operand, value)
      return value !== undefined && !listOf(operand).includes(value)
    case 'numeric':
      return typeof value === 'number' && numeric(listOf(operand), value)
    default:
      throw new Error(`the operator ${operator} is not known to the local run`)
  }
}

function numeric([sign, bound, ...more]: readonly Json[], value: number): boolean {
  if (sign === undefined) return true
  const compare = comparisons[wordOf(sign)]
  if (compare === undefined || typeof bound !== 'number') throw new Error(`numeric ${wordOf(sign)}`)
  return compare(value, bound) && numeric(more, value)
}

const comparisons: Readonly<Record<string, (one: number, other: number) => boolean>> = {
  '=': (one, other) => one === other,
  '<': (one, other) => one < other,
  '<=': (one, other) => one <= other,
  '>': (one, other) => one > other,
  '>=': (one, other) => one >= other,
}
