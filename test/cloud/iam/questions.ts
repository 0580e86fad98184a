// What a set of policies asks about a call besides action and resource, so that two calls with the same
// answers share one verdict: a table's rows have as many keys as payments, and few kinds of them.
import { asObject, isObject, listOf, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Need } from './guard.ts'

export type Ask = (context: Need['context']) => string

/** Operators to which only matters which of the policies' patterns a value fits. */
const byPattern = /^(ForAllValues:|ForAnyValue:)?(String|Arn)(Like|Equals)(IfExists)?$/

export function questionsOf(policies: readonly JsonObject[]): Ask {
  const asked = new Map<string, { readonly patterns: RegExp[]; isExact: boolean }>()
  const conditions = policies
    .flatMap((policy) => listOf(policy['Statement']))
    .flatMap((statement) =>
      Object.entries(asObject(asObject(statement, '')['Condition'] ?? {}, '')),
    )
  for (const [operator, keys] of conditions) {
    for (const [key, values] of Object.entries(isObject(keys) ? keys : {})) {
      const known = asked.get(key.toLowerCase()) ?? { patterns: [], isExact: false }
      asked.set(key.toLowerCase(), known)
      if (byPattern.test(operator)) known.patterns.push(...listOf(values).map(expressionOf))
      else known.isExact = true
    }
  }
  return (context) =>
    JSON.stringify(
      Object.entries(context).flatMap(([key, value]) => {
        const question = asked.get(key.toLowerCase())
        if (question === undefined) return []
        const values = [value].flat()
        if (question.isExact) return [[key, values]]
        const fits = (text: string): string =>
          question.patterns.map((pattern) => (pattern.test(text) ? '1' : '0')).join('')
        return [[key, [...new Set(values.map(fits))].toSorted()]]
      }),
    )
}

/** `*` for anything, `?` for one character. */
function expressionOf(value: Json): RegExp {
  const escaped = wordOf(value).replaceAll(/[.+^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
}
