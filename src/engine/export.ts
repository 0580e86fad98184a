// A whole store as text: JSON Lines with a header, every row, every event in its order, how far each
// publisher has read, and at the end a hash of all of it. docs/reference/export-format.md is the page
// for whoever reads such a file; `import.ts` puts it into any store.
import { createHash } from 'node:crypto'

import type { PaymentEvent } from '../core/payment.ts'
import type { TableName } from '../ports.ts'

/** Files of a newer format are refused. */
export const exportFormat = 1

/** Every table, so that adding one is not forgotten here. */
const exported: { readonly [T in TableName]: true } = {
  account: true,
  agent: true,
  token: true,
  control: true,
  breaker: true,
  slot: true,
  clock: true,
  budget: true,
  key: true,
  reference: true,
  look_alike: true,
  details: true,
  payment: true,
  webhook: true,
  dead_letter: true,
  alert: true,
  reconciliation: true,
  break: true,
  audit: true,
}

// The keys of the object are its tables; `Object.keys` forgets it.
export const exportedTables = Object.keys(exported) as readonly TableName[]

/** A store at rest: nobody writes to it meanwhile. */
export interface ExportSource {
  readonly installation: string
  readonly count: (table: TableName | 'event') => number
  /** By key. */
  readonly rows: (table: TableName) => Iterable<{ readonly key: string; readonly value: unknown }>
  /** In the order in which they were committed. */
  readonly events: () => Iterable<PaymentEvent>
  /** How many of the events each publisher has acknowledged. */
  readonly publishers: () => readonly { readonly name: string; readonly acknowledged: number }[]
}

export type ExportLine =
  | {
      readonly line: 'header'
      readonly format: number
      readonly installation: string
      readonly made_at: string
      readonly counts: Readonly<Record<string, number>>
    }
  | {
      readonly line: 'row'
      readonly table: TableName
      readonly key: string
      readonly value: unknown
    }
  | { readonly line: 'event'; readonly event: PaymentEvent }
  | { readonly line: 'publisher'; readonly name: string; readonly acknowledged: number }
  | { readonly line: 'end'; readonly lines: number; readonly sha256: string }

/** Line by line, each with its end. */
export function* exportLines(source: ExportSource, nowMs: number): Generator<string> {
  const hash = createHash('sha256')
  let lines = 0
  const write = (line: ExportLine): string => {
    // Some readers take these for ends of lines.
    const json = JSON.stringify(line)
      .replaceAll('\u2028', '\\u2028')
      .replaceAll('\u2029', '\\u2029')
    const text = `${json}\n`
    hash.update(text)
    lines += 1
    return text
  }
  const counted = [...exportedTables, 'event' as const]
  yield write({
    line: 'header',
    format: exportFormat,
    installation: source.installation,
    made_at: new Date(nowMs).toISOString(),
    counts: Object.fromEntries(counted.map((table) => [table, source.count(table)])),
  })
  for (const table of exportedTables) {
    for (const { key, value } of source.rows(table)) yield write({ line: 'row', table, key, value })
  }
  for (const event of source.events()) yield write({ line: 'event', event })
  for (const { name, acknowledged } of source.publishers()) {
    yield write({ line: 'publisher', name, acknowledged })
  }
  yield `${JSON.stringify({ line: 'end', lines, sha256: hash.digest('hex') } satisfies ExportLine)}\n`
}
