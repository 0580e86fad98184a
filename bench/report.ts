// What was measured, as a table and as the one line of JSON.
import { table } from '../src/cli/table.ts'
import type { Backlog } from './backlog.ts'
import type { Line, Measured } from './load.ts'

/** Agents at once where the figures are compared; the last line of each. */
export const compared = 256

/** Of each, a line for each number of agents. */
export interface Bench {
  readonly noStore: readonly Line[]
  readonly bare: readonly Line[]
  readonly plain: readonly Line[]
  readonly service: readonly Line[]
  /** On a file with a past; empty: left out. */
  readonly filled: readonly Line[]
  /** Engine, driver and SQLite in one process without HTTP; `null`: left out. */
  readonly engine: Measured | null
  readonly idlePercent: number
}

function lastOf(lines: readonly Line[]): Line {
  const line = lines.find(({ concurrency }) => concurrency === compared)
  if (line === undefined) throw new Error(`nothing was measured at ${compared}`)
  return line
}

const ratio = (part: number, whole: number): number => Math.round((part / whole) * 1000) / 1000

export function summaryOf(bench: Bench) {
  const [noStore, bare] = [lastOf(bench.noStore), lastOf(bench.bare)]
  const [plain, service] = [lastOf(bench.plain), lastOf(bench.service)]
  const filled = bench.filled.length === 0 ? null : lastOf(bench.filled)
  const perSecond = service.paymentsPerSecond
  return {
    payments_per_s: perSecond,
    p50_ms: service.p50Ms,
    p99_ms: service.p99Ms,
    no_store_per_s: noStore.paymentsPerSecond,
    ratio: ratio(perSecond, noStore.paymentsPerSecond),
    bare_per_s: bare.paymentsPerSecond,
    bare_ratio: ratio(perSecond, bare.paymentsPerSecond),
    rss_mb: service.rssMb,
    filled_ratio: filled === null ? null : ratio(filled.paymentsPerSecond, perSecond),
    plain_per_s: plain.paymentsPerSecond,
    no_store_p99_ms: noStore.p99Ms,
    cpu_us: service.cpuUs,
    no_store_cpu_us: noStore.cpuUs,
    bare_cpu_us: bare.cpuUs,
    idle_cpu_percent: bench.idlePercent,
  }
}

const right = (title: string) => ({ title, align: 'right' }) as const

export function report(bench: Bench): readonly string[] {
  const { noStore, bare, plain, service, filled, engine } = bench
  const titles = ['AGENTS', 'PAYMENTS/S', 'MEDIAN ms', 'P99 ms', 'CPU µs', 'RSS MB', 'OTHERS']
  const rows = [noStore, bare, plain, service, filled]
    .flat()
    .map((line) => [
      line.name,
      ...figuresOf(line),
      `${line.cpuUs}`,
      `${line.rssMb}`,
      `${line.others}`,
    ])
  const alone =
    engine === null
      ? []
      : [['engine and store alone', ...figuresOf(engine), '', '', `${engine.others}`]]
  return [
    ...table([{ title: 'MEASURED' }, ...titles.map(right)], [...rows, ...alone]),
    '',
    'CPU: time on a core of the process that answers, for each payment.',
    // An alternative that was not measured must not look like one that was beaten.
    'SKIPPED: a job queue on PostgreSQL; neither graphile-worker nor pg-boss is among the packages.',
    `Idle: ${bench.idlePercent} % of a core.`,
  ]
}

const figuresOf = (line: Measured): readonly string[] =>
  [line.concurrency, line.paymentsPerSecond, line.p50Ms, line.p99Ms].map(String)

export function backlogReport({ figures, faults }: Backlog): readonly string[] {
  const rows = Object.entries(figures).map(([name, value]) => [name, String(value)])
  return [...table([{ title: 'FIGURE' }, right('VALUE')], rows), ...faults]
}
