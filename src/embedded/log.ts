// Structured log: one JSON object a line on standard error, so that standard output stays for what
// a command prints. Nothing secret comes here: callers pass ids, kinds and cleaned details.

export type LogEntry = Readonly<Record<string, string | number | boolean | null>>

export function writeLog(entry: LogEntry): void {
  process.stderr.write(`${JSON.stringify({ at: new Date().toISOString(), ...entry })}\n`)
}
