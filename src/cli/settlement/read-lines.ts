// Reads a settlement file as a stream: rows become lines of one form, and what cannot be read is kept
// with its place and why. What makes the whole file doubtful (its encoding, a missing column, amounts of
// another form) ends the reading before anything is compared.
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'

import { CsvError, parse } from 'csv-parse'

import { Stop, usageError } from '../exit.ts'
import type { Mapping } from './mapping.ts'
import { lineReader } from './row.ts'
import type { Line } from './row.ts'

/** No row of any report is that long: a quote that is never closed must not swallow the file. */
const maxRowBytes = 100_000

export interface Row {
  /** Its number among the rows after the header. */
  readonly place: number
  readonly line: Line | null
  /** Why it is no line, and the row as it came; `null`: it is one. */
  readonly unreadable: string | null
}

/**
 * Of the bytes and of how they are read. Throws where the bytes are not in the encoding of the mapping,
 * before a single row has been taken for what it is not.
 */
export async function digestOf(file: string, mapping: Mapping): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(mapping))
  const decoder = decoderOf(mapping)
  let bytes = 0
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    hash.update(chunk)
    check(chunk, bytes, mapping, file)
    decode(decoder, chunk, bytes, mapping, file)
    bytes += chunk.byteLength
  }
  try {
    decoder.decode()
  } catch {
    throw wrongEncoding(file, bytes, mapping)
  }
  if (bytes === 0) throw usageError(`${file} is empty.`)
  return hash.digest('hex')
}

function check(chunk: Buffer, at: number, { encoding }: Mapping, file: string): void {
  const isWide = at === 0 && chunk[0] === 0xff && chunk[1] === 0xfe
  if (encoding !== 'utf-16le' && (isWide || chunk.includes(0))) {
    throw usageError(
      `${file} is not ${encoding}: it looks like UTF-16. Say "encoding": "utf-16le" in the mapping.`,
    )
  }
}

const decoderOf = ({ encoding }: Mapping) => new TextDecoder(encoding, { fatal: true })

function decode(
  decoder: ReturnType<typeof decoderOf>,
  chunk: Buffer,
  at: number,
  mapping: Mapping,
  file: string,
): string {
  try {
    return decoder.decode(chunk, { stream: true })
  } catch {
    throw wrongEncoding(file, at, mapping)
  }
}

const wrongEncoding = (file: string, at: number, { encoding }: Mapping) =>
  usageError(
    `${file} is not ${encoding} (after byte ${at}). Say how it is written in the mapping, such as ` +
      '"encoding": "windows-1252".',
  )

/** Rows after the header, in their order; `skip` of them are passed over: they were sent before. */
export async function* readRows(file: string, mapping: Mapping, skip = 0): AsyncGenerator<Row> {
  const parser = parserOf(mapping)
  const text = Readable.from(textOf(file, mapping))
  text.on('error', (error) => parser.destroy(error))
  text.pipe(parser)
  let read: ((cells: readonly string[]) => Line | string) | null = null
  let [place, lines] = [0, 0]
  try {
    for await (const found of parser as AsyncIterable<Found>) {
      lines = found.info.lines
      if (read === null) {
        read = lineReader(found.record, mapping, file)
        continue
      }
      place += 1
      if (place > skip) yield rowOf(read(found.record), found, place)
    }
  } catch (error) {
    const cut = cutOff(error, lines)
    if (cut === null) throw explained(error, place, file)
    yield { place: place + 1, line: null, unreadable: told(place + 1, cut) }
  }
  if (read === null) throw usageError(`${file} has no header.`)
}

interface Found {
  readonly record: readonly string[]
  readonly raw: string
  /** The line of the file on which it ends. */
  readonly info: { readonly lines: number }
}

function rowOf(line: Line | string, { raw }: Found, place: number): Row {
  if (typeof line !== 'string') return { place, line: { ...line, line: place }, unreadable: null }
  if (!/[\r\n]./s.test(raw.trim())) {
    return { place, line: null, unreadable: told(place, `${line}: ${raw}`) }
  }
  // A quote that was opened by mistake has swallowed rows: kept as one row they would be lost.
  throw usageError(`${line}, and goes over several lines: a quote in it is not closed.`)
}

async function* textOf(file: string, mapping: Mapping): AsyncGenerator<string> {
  const decoder = decoderOf(mapping)
  let at = 0
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    yield decode(decoder, chunk, at, mapping, file)
    at += chunk.byteLength
  }
  yield decoder.decode()
}

const parserOf = ({ delimiter }: Mapping) =>
  parse({
    bom: true,
    delimiter,
    info: true,
    raw: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: maxRowBytes,
  })

/** A place for people, and no more of the row than they need. */
const told = (place: number, why: string): string =>
  `row ${place}: ${why.replace(/\p{Cc}+/gu, ' ').trim()}`.slice(0, 300)

/** The last line ends inside a quote: nothing but itself is lost. `null`: it is something else. */
function cutOff(error: unknown, lines: number): string | null {
  const isLast =
    error instanceof CsvError &&
    error.code === 'CSV_QUOTE_NOT_CLOSED' &&
    Number(error['lines']) <= lines + 1
  return isLast ? 'the file ends inside a quote' : null
}

function explained(error: unknown, place: number, file: string): unknown {
  if (error instanceof Stop) {
    return place === 0 ? error : usageError(`${file}, row ${place}: ${error.message}`)
  }
  const isOpen =
    error instanceof CsvError &&
    (error.code === 'CSV_QUOTE_NOT_CLOSED' || error.code === 'CSV_MAX_RECORD_SIZE')
  if (!isOpen) return error
  return usageError(
    `${file}: a quote is opened in row ${place + 1} and not closed; the rows after it cannot be told ` +
      'apart. Nothing was compared.',
  )
}
