// A table for a terminal: columns as wide as their widest cell, numbers to the right. Text that came
// from elsewhere is cleaned, so that a payee's name cannot move the cursor.

export interface Column {
  readonly title: string
  readonly align?: 'right'
  /** Longer cells are cut. */
  readonly max?: number
  /** Colours a cell that is padded already. */
  readonly paint?: (cell: string) => string
}

export function table(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
): readonly string[] {
  const cells = rows.map((row) =>
    columns.map((column, index) => cut(clean(row[index] ?? ''), column.max)),
  )
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...cells.map((row) => width(row[index] ?? ''))),
  )
  const line = (row: readonly string[], paints: boolean): string =>
    columns
      .map((column, index) => {
        const padded = pad(row[index] ?? '', widths[index] ?? 0, column.align)
        return paints && column.paint !== undefined ? column.paint(padded) : padded
      })
      .join('  ')
      .trimEnd()
  const rule = widths.map((each) => '─'.repeat(each)).join('  ')
  const head = line(
    columns.map(({ title }) => title),
    false,
  )
  return [head, rule, ...cells.map((row) => line(row, true))]
}

/** Text of others without anything that a terminal would obey. */
export function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '\u{fffd}')
}

// Code points: exact for what payees are mostly called, close enough for the rest.
const width = (text: string): number => [...text].length

function cut(text: string, max = 60): string {
  return width(text) <= max ? text : `${[...text].slice(0, max - 1).join('')}…`
}

function pad(text: string, to: number, align: Column['align']): string {
  const space = ' '.repeat(Math.max(0, to - width(text)))
  return align === 'right' ? space + text : text + space
}
