// What is wrong with a request, field by field.
import type { z } from 'zod'

import { holdsCardNumber } from '../core/normalise.ts'
import { reject } from '../core/rejections.ts'
import type { Fault, Rejection } from '../core/rejections.ts'
import { jsonPointer } from './json.ts'

/** More of them help nobody. */
const maxFaults = 20

export function invalid(detail: string, faults: readonly Fault[] = []): Rejection {
  return reject('invalid_request', detail, faults.length === 0 ? {} : { errors: faults })
}

/** The values as the schema gives them, or why not. */
export function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { readonly value: z.output<Schema> } | { readonly refused: Rejection } {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { value: parsed.data }
  return { refused: refuse(parsed.error.issues.flatMap(faultsOf)) }
}

function refuse(all: readonly Fault[]): Rejection {
  const faults = new Map<string, Fault>()
  for (const fault of all) {
    const before = faults.get(`${fault.pointer} ${fault.reason}`)
    if (before === undefined && faults.size < maxFaults) {
      faults.set(`${fault.pointer} ${fault.reason}`, fault)
    }
  }
  const [first, ...others] = [...faults.values()]
  const more = others.length === 0 ? '' : ` And ${others.length} more.`
  return invalid(`${place(first?.pointer ?? '')} ${first?.reason}.${more}`, [...faults.values()])
}

const place = (pointer: string): string => (pointer === '' ? 'The body' : pointer)

function faultsOf(issue: z.core.$ZodIssue): readonly Fault[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: jsonPointer([...issue.path, key]),
      reason: 'is not a field of this request',
    }))
  }
  const reason = issue.code === 'invalid_key' ? issue.issues[0]?.message : issue.message
  return [{ pointer: jsonPointer(issue.path), reason: reason ?? issue.message }]
}

/** A card number in any text of the body, names of fields included. `null`: there is none. */
export function refuseCardNumbers(body: unknown): Rejection | null {
  const pointers = placesOfCardNumbers(body, [])
  const [first] = pointers
  if (first === undefined) return null
  return reject(
    'card_number_refused',
    `${place(first)} holds a card number; card data must never come here. Send the bill's own number, ` +
      'or the processor’s token as payment_method. Never alter a reference to get past this check: ' +
      'ask a person.',
    { errors: pointers.map((pointer) => ({ pointer, reason: 'holds a card number' })) },
  )
}

function placesOfCardNumbers(value: unknown, path: readonly string[]): readonly string[] {
  if (typeof value === 'string') {
    // A card number has 13 digits at least.
    return value.length >= 13 && holdsCardNumber(value) ? [jsonPointer(path)] : []
  }
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, each]) =>
    // The number itself is not repeated in the answer.
    key.length >= 13 && holdsCardNumber(key)
      ? [jsonPointer(path)]
      : placesOfCardNumbers(each, [...path, key]),
  )
}
