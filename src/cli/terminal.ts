// Where a command prints. Colours only on a terminal and never against NO_COLOR (node:util knows
// both rules); what moves goes to standard error, so that standard output can be piped.
import { isatty } from 'node:tty'
import { styleText } from 'node:util'

type Style = 'green' | 'red' | 'yellow' | 'dim' | 'bold'

export interface Terminal {
  /** What the command was asked for. */
  readonly out: (line: string) => void
  /** What a person should know beside it. */
  readonly note: (line: string) => void
  readonly style: (style: Style, text: string) => string
  /** A line that is written over; nothing where nobody watches. `null` clears it. */
  readonly live: (line: string | null) => void
  readonly isWatched: boolean
}

export function openTerminal(): Terminal {
  const { stdout, stderr } = process
  // A reader that has gone (`| head`) is no fault of the command.
  for (const stream of [stdout, stderr]) stream.on('error', () => undefined)
  const isWatched = isatty(stderr.fd)
  let shown = false
  const clear = (): void => {
    if (shown) stderr.write('\r\u001b[2K')
    shown = false
  }
  return Object.freeze<Terminal>({
    out: (line) => {
      clear()
      stdout.write(`${line}\n`)
    },
    note: (line) => {
      clear()
      stderr.write(`${line}\n`)
    },
    style: (style, text) => styleText(style, text, { stream: stdout, validateStream: true }),
    live: (line) => {
      if (!isWatched) return
      clear()
      if (line === null) return
      // One row: a line that wraps could not be written over.
      stderr.write(line.slice(0, Math.max(20, stderr.columns ?? 80) - 1))
      shown = true
    },
    isWatched,
  })
}
