// Metrics as lines of the log that CloudWatch reads (embedded metric format): no call, no permission.
// Written past the console, which would put a prefix before them.
import { systemClock } from '../engine/system.ts'
import type { LogEntry } from '../engine/log.ts'

/** The alarms and the dashboard read exactly these. */
export type MetricName =
  | 'Parked'
  | 'BreakersOpen'
  | 'UnknownOldestSeconds'
  | 'OutboxOldestSeconds'
  | 'DueOldestSeconds'
  | 'DeadLetters'
  | 'ReconciledOldestSeconds'
  | 'SweepFinished'

/** A minute is too long for these. */
const atOnce: ReadonlySet<MetricName> = new Set<MetricName>(['Parked', 'BreakersOpen'])

export type WriteLine = (line: string) => void

const writeLine: WriteLine = (line) => void process.stdout.write(`${line}\n`)

export function putMetrics(
  installation: string,
  values: Readonly<Partial<Record<MetricName, number>>>,
  write: WriteLine = writeLine,
): void {
  const metrics = Object.keys(values).map((name) => ({
    Name: name,
    Unit: name.endsWith('Seconds') ? 'Seconds' : 'Count',
    ...(atOnce.has(name as MetricName) ? { StorageResolution: 1 } : {}), // a key of `values`
  }))
  const directive = { Namespace: 'Quittance', Dimensions: [['Installation']], Metrics: metrics }
  const meta = { Timestamp: systemClock.nowMs(), CloudWatchMetrics: [directive] }
  write(JSON.stringify({ _aws: meta, Installation: installation, ...values }))
}

export const logLine =
  (write: WriteLine = writeLine) =>
  (entry: LogEntry): void =>
    write(JSON.stringify({ at: new Date(systemClock.nowMs()).toISOString(), ...entry }))
