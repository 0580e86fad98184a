// Structured log: one JSON object a line on standard error, so that standard output stays for what
// a command prints. Nothing secret comes here: callers pass ids, kinds and cleaned details.
import type { LogEntry } from '../engine/log.ts'

let waiting = ''

process.once('exit', flush)

/** What goes well is written once a turn, in one piece; anything else at once, after it. */
export function writeLog(entry: LogEntry): void {
  const isFirst = waiting === ''
  waiting += `${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`
  if (entry.level !== 'info') flush()
  else if (isFirst) setImmediate(flush)
}

function flush(): void {
  if (waiting === '') return
  const lines = waiting
  waiting = ''
  process.stderr.write(lines)
}
