// Payments per second over HTTP, from the request to settled money, durable at every step: the service
// on a real SQLite file, a processor that answers at once, and the load, each in a process of its own on
// the same cores; beside it, in the same run, what others would do (`rivals.ts`). What counts are the
// ratios of one run: absolute figures are this machine's.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import type { Child } from '../src/cli/children.ts'
import { measureBacklog } from './backlog.ts'
import { measureEngine } from './engine.ts'
import { fill } from './fill.ts'
import { load } from './load.ts'
import type { Line } from './load.ts'
import { profile } from './profile.ts'
import { cpuMs, memoryMb, startProcessor, startRival, startService, token } from './processes.ts'
import { backlogReport, compared, report, summaryOf } from './report.ts'
import type { Bench } from './report.ts'

const usage = `npm run bench -- [options]

  --seconds N      measured for each line, after a warm-up of a third (10)
  --filled N       settled payments in the file of the last line (1000000; 0 leaves it out)
  --quick          two seconds each, 20,000 payments in the file: a try, no figures
  --backlog [N]    instead: N open payments behind a paused processor (100000)
  --profile [DIR]  instead: where the time goes, as a table and a flame graph
  --engine         besides: engine and store without HTTP
  --json           one JSON object as the last line
`

interface Options {
  readonly seconds: number
  readonly filled: number
  readonly withEngine: boolean
}

const concurrencies = [1, 32, compared] as const

async function bench(folder: string, options: Options): Promise<Bench> {
  const { seconds, filled, withEngine } = options
  const processor = await startProcessor()
  const processorUrl = processor.url
  const past = join(folder, 'filled')
  const note = (text: string): void => void process.stderr.write(`${text}\n`)
  if (filled > 0) {
    note(`filling a file with ${filled} settled payments`)
    await fill(past, processor, filled)
  }
  // Each of them goes the same way to the last line: a process that has run for a while is faster.
  const run = async (name: string, started: Promise<Child>) => {
    const child = await started
    const lines: Line[] = []
    for (const concurrency of concurrencies) {
      note(`${name}, ${concurrency} at once`)
      lines.push(await lineOf(name, child, concurrency, seconds))
    }
    await child.end('SIGTERM')
    return lines
  }
  const rival = (kind: 'no-store' | 'bare' | 'plain') =>
    run(rivalNames[kind], startRival(kind, processorUrl, join(folder, `${kind}.db`)))
  const noStore = await rival('no-store')
  const bare = await rival('bare')
  const idle = startService({ processorUrl, folder: join(folder, 'empty') })
  const idlePercent = await idleCpu(await idle)
  const service = await run('quittance', idle)
  const old =
    filled === 0
      ? []
      : await run('quittance, filled file', startService({ processorUrl, folder: past }))
  const plain = await rival('plain')
  await processor.end('SIGTERM')
  const engine = withEngine ? await measureEngine(compared, seconds * 333, seconds * 1000) : null
  return { noStore, bare, plain, service, filled: old, engine, idlePercent }
}

const rivalNames = {
  'no-store': '(a) no store',
  bare: '(b) bare group commit',
  plain: '(c) one commit per change',
} as const

async function lineOf(
  name: string,
  child: Child,
  concurrency: number,
  seconds: number,
): Promise<Line> {
  const measureMs = seconds * 1000
  const warmUpMs = Math.round(measureMs / 3)
  const beforeMs = await cpuMs(child.pid)
  const measured = await load({ url: child.url, token, concurrency, warmUpMs, measureMs })
  const usedMs = (await cpuMs(child.pid)) - beforeMs
  const { now } = await memoryMb(child.pid)
  const cpuUs = Math.round((usedMs * 1000) / Math.max(1, measured.all))
  return { name, ...measured, cpuUs, rssMb: now }
}

/** Of a core, with nothing to do, once the start is over. */
async function idleCpu({ pid }: Child): Promise<number> {
  await pause(1_000)
  const beforeMs = await cpuMs(pid)
  const idleMs = 5_000
  await pause(idleMs)
  return Math.round((((await cpuMs(pid)) - beforeMs) / idleMs) * 1000) / 10
}

const pause = (forMs: number) => new Promise((resolve) => setTimeout(resolve, forMs))

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'quittance-bench-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '10' },
    filled: { type: 'string', default: '1000000' },
    quick: { type: 'boolean', default: false },
    backlog: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    engine: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const print = (lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`)
const [operand] = positionals
const { quick, json } = values
const seconds = quick ? 2 : Number(values.seconds)

if (values.help) {
  process.stdout.write(usage)
} else if (values.profile) {
  print(await inFolder((folder) => profile(folder, seconds, operand ?? 'bench')))
} else if (values.backlog) {
  const measured = await inFolder((folder) =>
    measureBacklog(folder, Number(operand ?? (quick ? 5_000 : 100_000))),
  )
  print(backlogReport(measured))
  if (json) print([JSON.stringify(measured.figures)])
  if (measured.faults.length > 0) process.exitCode = 1
} else {
  const filled = quick ? 20_000 : Number(values.filled)
  const before = loadavg()[0] ?? 0
  const measured = await inFolder((folder) =>
    bench(folder, { seconds, filled, withEngine: values.engine }),
  )
  print(report(measured))
  print([`${cpus().length} cores, load ${before.toFixed(1)} before, Node ${process.version}`])
  if (json) print([JSON.stringify(summaryOf(measured))])
  // A figure of something that did not work is no figure.
  const lines = [measured.service, measured.noStore, measured.bare, measured.plain].flat()
  if (lines.some(({ payments, others }) => payments === 0 || others > 0)) process.exitCode = 1
}
