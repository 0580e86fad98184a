// Payments per second over HTTP, from the request to captured money: the service on a real SQLite file,
// the simulated processor without faults, and the load each in a process of its own. Then the same
// without HTTP (engine.ts): what the design by itself costs. Rough figures for this machine, to
// compare with each other and before and after a change.
import { mkdtemp, rm } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { startChild } from '../src/cli/children.ts'
import { table } from '../src/cli/table.ts'
import { measureEngine } from './engine.ts'
import { load } from './load.ts'
import type { Measured } from './load.ts'

const usage = `npm run bench -- [options]

  --seconds N          measured for each line, after a warm-up of a third (3)
  --concurrency LIST   agents at once (1,32,256); engine and store alone run at the last
  --json               only one line of JSON at the end
`

const program = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const token = 'bench_agent_token_0123456789'

async function bench(concurrencies: readonly number[], seconds: number): Promise<Bench> {
  const measureMs = seconds * 1000
  const folder = await mkdtemp(join(tmpdir(), 'quittance-bench-'))
  try {
    const overHttp = await measure(folder, concurrencies, measureMs)
    const engine = await measureEngine(concurrencies.at(-1) ?? 1, measureMs / 3, measureMs)
    return { overHttp, engine }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

interface Bench {
  readonly overHttp: readonly Measured[]
  /** Engine, driver and SQLite in one process, and a processor that answers at once. */
  readonly engine: Measured
}

async function measure(
  folder: string,
  concurrencies: readonly number[],
  measureMs: number,
): Promise<readonly Measured[]> {
  const simulator = await startChild({ program, args: ['simulator', '--port', '0'], settings: {} })
  const service = await startChild({
    program,
    args: ['serve'],
    settings: {
      QUITTANCE_PORT: '0',
      QUITTANCE_DATA: folder,
      QUITTANCE_SIMULATOR_URL: simulator.url,
      QUITTANCE_AGENT_TOKEN: token,
      QUITTANCE_OPERATOR_TOKEN: `operator_${token}`,
      // One agent stands for all of them here.
      QUITTANCE_AGENT_RATE: 'off',
    },
  })
  const measured: Measured[] = []
  for (const concurrency of concurrencies) {
    const warmUpMs = measureMs / 3
    measured.push(await load({ url: service.url, token, concurrency, warmUpMs, measureMs }))
  }
  await service.end('SIGTERM')
  await simulator.end('SIGTERM')
  return measured
}

function report({ overHttp, engine }: Bench): readonly string[] {
  const right = (title: string) => ({ title, align: 'right' }) as const
  const figures = ['AGENTS', 'PAYMENTS/S', 'MEDIAN ms', 'P99 ms', 'PAYMENTS', 'OTHER ANSWERS']
  const columns = [{ title: 'MEASURED' }, ...figures.map(right)]
  const row = (name: string, each: Measured): readonly string[] => [
    name,
    ...[
      each.concurrency,
      each.paymentsPerSecond,
      each.p50Ms,
      each.p99Ms,
      each.payments,
      each.others,
    ].map(String),
  ]
  const rows = [
    ...overHttp.map((each) => row('over HTTP', each)),
    row('engine and store alone', engine),
  ]
  return [
    ...table(columns, rows),
    '',
    `${cpus().length} cores, Node ${process.version}, SQLite with synchronous=FULL`,
  ]
}

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '3' },
    concurrency: { type: 'string', default: '1,32,256' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) {
  process.stdout.write(usage)
} else {
  const measured = await bench(values.concurrency.split(',').map(Number), Number(values.seconds))
  if (!values.json) process.stdout.write(`${report(measured).join('\n')}\n`)
  else process.stdout.write(`${JSON.stringify(measured)}\n`)
  // A figure of something that did not work is no figure.
  const all = [...measured.overHttp, measured.engine]
  if (all.some(({ payments, others }) => payments === 0 || others > 0)) process.exitCode = 1
}
