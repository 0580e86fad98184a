// Sends a settlement file, page by page. Whatever breaks off in between, the same command goes on where
// the service has it.
import type { Client, SettlementFile, SettlementLine } from '../../client/index.ts'
import { expectOk } from '../connect.ts'
import { usageError } from '../exit.ts'
import type { Mapping } from './mapping.ts'
import { readRows } from './read-lines.ts'
import type { Row } from './read-lines.ts'

/** Below what the service takes at once (5,000 lines, 1 MiB), whatever stands in them. */
const pageLines = 2_000
const pageBytes = 700_000

/** More rows that cannot be read mean that the mapping is another file's. */
const maxUnreadable = 1_000

export interface Sending {
  readonly file: string
  readonly mapping: Mapping
  readonly upload: SettlementFile
  readonly onProgress: (rows: number) => void
}

/** The upload, with the run that compares it. Throws where the file makes no sense as a whole. */
export async function sendFile(client: Client, sending: Sending): Promise<SettlementFile> {
  const { file, mapping, upload, onProgress } = sending
  let from = upload.received
  let unreadableRows = 0
  let page = emptyPage()
  const send = async (through: number, last: boolean): Promise<SettlementFile> => {
    const { lines, unreadable } = page
    const sent = await client.addSettlementLines(upload.id, {
      from,
      through,
      lines,
      unreadable,
      last,
    })
    page = emptyPage()
    from = through
    onProgress(through)
    return expectOk(sent).file
  }
  let place = from
  for await (const row of readRows(file, mapping, from)) {
    if (isFull(page)) await send(place, false)
    put(page, row)
    place = row.place
    if (row.unreadable === null) continue
    unreadableRows += 1
    if (unreadableRows > maxUnreadable) {
      throw usageError(
        `${file}: more than ${maxUnreadable} rows cannot be read; the last is ${row.unreadable}. Is the ` +
          'mapping another file’s? Nothing was compared.',
      )
    }
  }
  return send(place, true)
}

interface Page {
  readonly lines: SettlementLine[]
  readonly unreadable: string[]
  bytes: number
}

const emptyPage = (): Page => ({ lines: [], unreadable: [], bytes: 0 })

const isFull = ({ lines, unreadable, bytes }: Page): boolean =>
  lines.length + unreadable.length >= pageLines || bytes >= pageBytes || unreadable.length >= 500

function put(page: Page, { line, unreadable }: Row): void {
  if (line !== null) page.lines.push(line)
  if (unreadable !== null) page.unreadable.push(unreadable)
  // Ids and references of 256 characters each would fill a page early.
  page.bytes += line === null ? 2_000 : 200 + lengthOf(line)
}

const lengthOf = (line: SettlementLine): number =>
  Object.values(line).reduce((sum: number, value) => sum + String(value).length * 3, 0)
