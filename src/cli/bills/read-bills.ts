// A file of bills, CSV or JSON Lines, read whole and checked before anything is sent. What is wrong is
// told by line; what the service alone can judge (guards, mandates) it judges later.
import { createHash } from 'node:crypto'

import type { PaymentRequest } from '../../client/index.ts'
import { normalise } from '../../core/normalise.ts'
import { readCsv } from './csv.ts'
import { billColumns, toBill } from './to-bill.ts'
import type { RawBill } from './to-bill.ts'

export interface Bill {
  readonly line: number
  readonly request: PaymentRequest
}

export interface LineFault {
  readonly line: number
  readonly reason: string
}

export type BillsResult =
  | {
      readonly bills: readonly Bill[]
      /** Follows from the bills alone, so that running the file again replays. */
      readonly batch: string
      /** Columns that are no part of a bill. */
      readonly ignored: readonly string[]
      readonly faults?: never
    }
  | { readonly faults: readonly LineFault[]; readonly bills?: never }

interface RawLine {
  readonly line: number
  readonly raw: RawBill
}

type RawLines = { readonly lines: readonly RawLine[]; readonly faults: readonly LineFault[] }

export type BillFormat = 'csv' | 'jsonl'

export function readBills(text: string, format: BillFormat): BillsResult {
  const { lines, faults: unreadable } = format === 'csv' ? csvLines(text) : jsonLines(text)
  const faults = [...unreadable]
  const bills: Bill[] = []
  for (const { line, raw } of lines) {
    const { request, faults: wrong } = toBill(raw)
    if (request === null) faults.push(...wrong.map((reason) => ({ line, reason })))
    else bills.push({ line, request })
  }
  faults.push(...repeats(bills))
  if (lines.length === 0 && faults.length === 0)
    faults.push({ line: 1, reason: 'there are no bills' })
  if (faults.length > 0) return { faults: faults.toSorted((a, b) => a.line - b.line) }
  const given = new Set(lines.flatMap(({ raw }) => Object.keys(raw)))
  const ignored = [...given].filter((name) => !billColumns.has(name))
  const batch = batchOf(bills)
  return {
    bills: bills.map(({ line, request }) => ({ line, request: { batch, ...request } })),
    batch,
    ignored,
  }
}

function csvLines(text: string): RawLines {
  const { rows, fault } = readCsv(text)
  if (fault !== undefined) return { lines: [], faults: [fault] }
  const [head, ...body] = rows
  const names = (head?.cells ?? []).map((name) => name.trim().toLowerCase())
  const missing = ['payee', 'reference', 'amount', 'currency'].filter(
    (name) => !names.includes(name),
  )
  if (missing.length > 0) {
    const reason = `the first line must name the columns; missing: ${missing.join(', ')}`
    return { lines: [], faults: [{ line: head?.line ?? 1, reason }] }
  }
  const faults = body
    .filter(({ cells }) => cells.length !== names.length)
    .map(({ line, cells }) => ({
      line,
      reason: `has ${cells.length} cells, the first line ${names.length}`,
    }))
  const lines = body.map(({ line, cells }) => ({
    line,
    // An empty cell is an absent field.
    raw: Object.fromEntries(
      names.map((name, at) => [name, cells[at] === '' ? undefined : cells[at]]),
    ),
  }))
  return { lines: faults.length > 0 ? [] : lines, faults }
}

function jsonLines(text: string): RawLines {
  const lines: RawLine[] = []
  const faults: LineFault[] = []
  for (const [index, each] of text
    .replace(/^\u{feff}/u, '')
    .split(/\r\n|\n|\r/)
    .entries()) {
    if (each.trim() === '') continue
    const line = index + 1
    const raw = parseLine(each)
    if (raw === null) faults.push({ line, reason: 'is not a JSON object' })
    else lines.push({ line, raw })
  }
  return { lines, faults }
}

function parseLine(text: string): RawBill | null {
  try {
    const value: unknown = JSON.parse(text, keepDigits)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject ? (value as RawBill) : null // an object has no other shape than names and values
  } catch {
    return null
  }
}

// `19.00` would become the number 19 and then be taken for 19 minor units: a number keeps its text,
// but for an amount in minor units.
function keepDigits(name: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number') return value
  const digits = context?.source ?? String(value)
  return name === 'amount' && /^\d+$/.test(digits) ? value : digits
}

function repeats(bills: readonly Bill[]): readonly LineFault[] {
  const firstLines = new Map<string, number>()
  return bills.flatMap(({ line, request: { payee, reference } }) => {
    const key = JSON.stringify([normalise(payee), normalise(reference)])
    const first = firstLines.get(key)
    if (first === undefined) {
      firstLines.set(key, line)
      return []
    }
    return [{ line, reason: `is the bill of line ${first} again: same payee and reference` }]
  })
}

function batchOf(bills: readonly Bill[]): string {
  const requests = bills.map(({ request }) => request)
  return `batch_${createHash('sha256').update(JSON.stringify(requests)).digest('hex').slice(0, 32)}`
}
