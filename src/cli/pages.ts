// One page of a list, printed: a line for each with --json, else a table, and how to go on.
import type { Option, Words } from './command.ts'
import { exitCodes } from './exit.ts'
import type { ExitCode } from './exit.ts'
import type { Terminal } from './terminal.ts'

export const pageOptions: Readonly<Record<string, Option>> = {
  limit: { value: 'N', what: 'at most so many (20, at most 100)' },
  cursor: { value: 'TEXT', what: 'go on where an earlier list ended' },
}

export function pageOf(words: Words): { readonly limit: number; readonly cursor?: string } {
  const cursor = words.text('cursor')
  return { limit: words.integer('limit', 20, 1, 100), ...(cursor === null ? {} : { cursor }) }
}

export function printPage<Item>(
  { data, cursor }: { readonly data: readonly Item[]; readonly cursor: string | null },
  words: Words,
  terminal: Terminal,
  name: string,
  toTable: (data: readonly Item[]) => readonly string[],
): ExitCode {
  if (words.is('json')) for (const each of data) terminal.out(JSON.stringify(each))
  else if (data.length > 0) for (const line of toTable(data)) terminal.out(line)
  else terminal.note(`There are no such ${name}${cursor === null ? '' : ' on this page'}.`)
  // Programs need it as well: the list alone does not say that it goes on.
  if (cursor !== null) terminal.note(`There are more: --cursor ${cursor}`)
  return exitCodes.ok
}
