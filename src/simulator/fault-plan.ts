// Reads the body of `PUT /faults`. A plan with a mistake is refused whole: a test whose fault never
// happens would pass for the wrong reason.
import { appliesTo, faultKinds, operations } from './faults.ts'
import type { FaultKind, FaultPlan, Operation, ScriptLine } from './faults.ts'
import { isFields } from './fields.ts'
import type { Fields } from './fields.ts'

/** The plan, or what is wrong with it. */
export function parsePlan(body: unknown, seedBefore: number): FaultPlan | string {
  if (!isFields(body)) return 'the plan is a JSON object'
  const unknown = unlisted(body, ['seed', 'rates', 'script', 'outage'])
  if (unknown !== null) return `unknown field ${unknown}`
  const seed = body['seed'] ?? seedBefore
  const rates = body['rates'] ?? {}
  const script = body['script'] ?? []
  const outage = body['outage'] ?? null
  if (typeof seed !== 'number' || !Number.isSafeInteger(seed)) return 'seed is an integer'
  const wrong = wrongRates(rates) ?? wrongScript(script) ?? wrongOutage(outage)
  if (wrong !== null) return wrong
  // The three checks above looked at every field.
  return {
    seed,
    rates,
    script: script as readonly ScriptLine[],
    outage: outage as FaultPlan['outage'],
  }
}

function wrongRates(rates: unknown): string | null {
  if (!isFields(rates)) return 'rates is an object'
  for (const [operation, each] of Object.entries(rates)) {
    if (!isOperation(operation)) return `unknown operation ${operation}`
    if (!isFields(each)) return `rates.${operation} is an object`
    let sum = 0
    for (const [fault, rate] of Object.entries(each)) {
      const wrong = wrongFault(fault, operation)
      if (wrong !== null) return wrong
      if (typeof rate !== 'number' || !(rate >= 0)) return `${operation}.${fault} is a probability`
      sum += rate
    }
    // A little more than 1, because 0.1 is no binary fraction.
    if (sum > 1.000_001) return `the rates of ${operation} add up to more than 1`
  }
  return null
}

function wrongScript(script: unknown): string | null {
  if (!Array.isArray(script)) return 'script is a list'
  for (const line of script as readonly unknown[]) {
    if (!isFields(line) || !isFields(line['match'])) return 'a script line is {match, fault}'
    const match = line['match']
    const unknown = unlisted(match, ['operation', 'payee', 'reference', 'nth'])
    if (unknown !== null) return `unknown field match.${unknown}`
    const operation = match['operation']
    if (operation !== undefined && !isOperation(operation)) return 'unknown match.operation'
    const wrong = wrongFault(line['fault'], operation ?? null) ?? wrongMatch(match)
    if (wrong !== null) return wrong
  }
  return null
}

function wrongMatch({ payee, reference, nth }: Fields): string | null {
  if (payee !== undefined && typeof payee !== 'string') return 'match.payee is a string'
  if (reference !== undefined && typeof reference !== 'string') return 'match.reference is a string'
  if (nth !== undefined && !Number.isSafeInteger(nth)) return 'match.nth is an integer from 1'
  return null
}

function wrongFault(fault: unknown, operation: Operation | null): string | null {
  if (typeof fault !== 'string' || !Object.hasOwn(faultKinds, fault)) {
    return `unknown fault ${String(fault)}`
  }
  // `hasOwn` on the table of all kinds is the check.
  const fits = operation === null || appliesTo(fault as FaultKind, operation)
  return fits ? null : `${fault} cannot happen to ${operation}`
}

function wrongOutage(outage: unknown): string | null {
  if (outage === null) return null
  if (!isFields(outage) || unlisted(outage, ['from_ms', 'until_ms']) !== null) {
    return 'outage is {from_ms, until_ms}'
  }
  const { from_ms: fromMs, until_ms: untilMs } = outage
  return Number.isFinite(fromMs) && Number.isFinite(untilMs) ? null : 'outage is in unix ms'
}

function isOperation(value: unknown): value is Operation {
  return operations.some((operation) => operation === value)
}

function unlisted(fields: Fields, names: readonly string[]): string | null {
  return Object.keys(fields).find((name) => !names.includes(name)) ?? null
}
