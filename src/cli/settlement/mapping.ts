// How the columns of a processor's settlement file are to be read. A mapping is a small JSON file that
// names them; what it does not say is refused rather than guessed.
import { readFile } from 'node:fs/promises'

import * as z from 'zod'

import { lineKinds } from '../../core/settlement.ts'
import { usageError } from '../exit.ts'

const column = z.string().min(1)

const columns = z.strictObject({
  /** What kind of movement a line is; its words are in `types`. */
  type: column,
  payment_id: column.optional(),
  attempt_id: column.optional(),
  object_id: column.optional(),
  movement_id: column.optional(),
  reference: column.optional(),
  currency: column,
  /** One column, or two of which one is filled: money in and money back. */
  amount: z.union([column, z.strictObject({ credit: column, debit: column })]),
  /** Added up; empty cells are nothing. */
  fee: z.union([column, z.array(column).min(1)]).optional(),
  /** Where fees are in another currency than the payment, they are not compared. */
  fee_currency: column.optional(),
  batch: column.optional(),
  settled_at: column.optional(),
})

const mapping = z.strictObject({
  delimiter: z.string().length(1).default(','),
  encoding: z.enum(['utf-8', 'utf-16le', 'windows-1252', 'iso-8859-1']).default('utf-8'),
  /** How amounts are written; nothing is guessed, because `1.000` has two meanings. */
  amounts: z.enum(['minor_units', 'decimal_point', 'decimal_comma']).default('minor_units'),
  /** The account is only ours: a line that matches no payment is a break. */
  exclusive: z.boolean().default(false),
  columns,
  /** Names of `columns` that a file may leave out. */
  optional: z.array(z.string()).default([]),
  /** Words of the type column, each with what it means here. */
  types: z.record(z.string(), z.enum(lineKinds)),
})

export type Mapping = z.output<typeof mapping>

/** Throws a sentence that says what is wrong with it. */
export async function readMapping(path: string): Promise<Mapping> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw usageError(`The mapping ${path} cannot be read: ${String(error)}`)
  })
  return mappingOf(text, path)
}

export function mappingOf(text: string, path: string): Mapping {
  const parsed = mapping.safeParse(jsonOf(text, path))
  if (parsed.success) {
    const given = parsed.data
    refuseUnknownOptional(given, path)
    const { payment_id, attempt_id, object_id, reference } = given.columns
    if ((payment_id ?? attempt_id ?? reference) !== undefined) return given
    const also = object_id === undefined ? '' : ' (object_id alone finds no payment)'
    throw usageError(
      `The mapping ${path} must name one of payment_id, attempt_id or reference${also}: how else would a ` +
        'line be known to be of a payment?',
    )
  }
  const [issue] = parsed.error.issues
  const where = issue?.path.join('.') ?? ''
  throw usageError(`The mapping ${path}: ${where === '' ? 'it' : where}: ${issue?.message}.`)
}

function jsonOf(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw usageError(`The mapping ${path} is no JSON: ${String(error)}`)
  }
}

function refuseUnknownOptional({ optional, columns: named }: Mapping, path: string): void {
  const wrong = optional.find((name) => !Object.hasOwn(named, name))
  if (wrong === undefined) return
  throw usageError(`The mapping ${path}: optional has "${wrong}", which is none of its columns.`)
}
