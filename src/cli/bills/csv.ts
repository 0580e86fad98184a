// CSV as RFC 4180 has it, with the line on which each row begins. Quotes may hold commas, quotes and
// line breaks; a byte order mark and any line ends are taken.

export interface CsvRow {
  readonly line: number
  readonly cells: readonly string[]
}

export type CsvResult =
  | { readonly rows: readonly CsvRow[]; readonly fault?: never }
  | { readonly fault: { readonly line: number; readonly reason: string }; readonly rows?: never }

// A cell, then what ends it. Sticky: it matches where the last one ended or not at all.
const cellAndEnd = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n|\n|\r|$)/y

export function readCsv(given: string): CsvResult {
  const text = given.replace(/^\u{feff}/u, '')
  const rows: CsvRow[] = []
  let cells: string[] = []
  let line = 1
  let startedAt = 1
  cellAndEnd.lastIndex = 0
  while (cellAndEnd.lastIndex < text.length || cells.length > 0) {
    const match = cellAndEnd.exec(text)
    if (match === null)
      return { fault: { line, reason: 'a quote is not closed or in the wrong place' } }
    const [, quoted, plain, end] = match
    cells.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    line += (quoted ?? '').split(/\r\n|\n|\r/).length - 1
    if (end === ',') continue
    if (cells.some((cell) => cell.trim() !== '')) rows.push({ line: startedAt, cells })
    cells = []
    line += 1
    startedAt = line
  }
  return { rows }
}
