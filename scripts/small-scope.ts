// All schedules of up to N faults for one payment, for each workload and on each store, the work shared
// by the cores: `npm run small-scope -- --faults 3 --store memory`.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import { table } from '../src/cli/table.ts'
import { openMemoryStore } from '../src/stores/memory.ts'
import { openSqliteStore } from '../src/stores/sqlite/store.ts'
import type { Store } from '../src/ports.ts'
import { explore } from '../test/small-scope.ts'
import type { Explored, Share } from '../test/small-scope.ts'
import { workloads } from '../test/workloads.ts'

const usage = `npm run small-scope -- [options]

  --faults N       faults and crashes in one payment's life, 0 to 4 (3)
  --store NAME     memory or sqlite (memory)
  --workers N      threads (one for each core)
  --json           only one line of JSON at the end
`

const stores: Readonly<Record<string, () => Store>> = {
  memory: () => openMemoryStore(),
  sqlite: () => openSqliteStore({ file: ':memory:' }),
}

interface Task {
  readonly faults: number
  readonly store: string
  readonly share: Share
}

interface Done extends Explored {
  readonly workload: string
}

if (isMainThread) await main()
else await work(workerData as Task) // only `main` starts one

async function work({ faults, store, share }: Task): Promise<void> {
  const open = stores[store] ?? stores['memory']
  if (open === undefined) return
  for (const workload of workloads) {
    const explored = await explore(open, workload, faults, share)
    const done: Done = { workload: workload.name, ...explored }
    parentPort?.postMessage(done, [])
  }
}

async function main(): Promise<void> {
  const { faults, store, workers, json } = readOptions()
  const found: Done[] = []
  const shares = Array.from({ length: workers }, (_, number) => ({ number, of: workers }))
  const tell = (done: Done): void => {
    found.push(done)
    const parts = found.filter(({ workload }) => workload === done.workload)
    if (parts.length === workers && process.stderr.isTTY) {
      process.stderr.write(`${done.workload}: ${sum(parts, 'schedules')} schedules\n`)
    }
  }
  await Promise.all(shares.map((share) => startWorker({ faults, store, share }, tell)))
  const rows = workloads.map(({ name }) => {
    const parts = found.filter(({ workload }) => workload === name)
    const violations = parts.flatMap((part) => part.violations)
    return { name, schedules: sum(parts, 'schedules'), parked: sum(parts, 'parked'), violations }
  })
  const violations = rows.flatMap((row) => row.violations)
  if (!json) {
    const columns = [
      { title: 'WORKLOAD' },
      { title: 'SCHEDULES', align: 'right' },
      { title: 'IN FRONT OF A PERSON', align: 'right' },
      { title: 'VIOLATIONS', align: 'right' },
    ] as const
    const cells = rows.map((row) => [
      row.name,
      String(row.schedules),
      String(row.parked),
      String(row.violations.length),
    ])
    process.stdout.write(`${table(columns, cells).join('\n')}\n\n`)
  }
  for (const { faults: schedule, wrong } of violations.slice(0, 20)) {
    process.stdout.write(`  ${schedule.join(', ')}: ${wrong.join('; ')}\n`)
  }
  const schedules = rows.reduce((all, row) => all + row.schedules, 0)
  const summary = { faults, store, schedules, violations: violations.length }
  process.stdout.write(`${JSON.stringify(summary)}\n`)
  process.exitCode = violations.length === 0 ? 0 : 1
}

function sum(parts: readonly Done[], what: 'schedules' | 'parked'): number {
  return parts.reduce((all, part) => all + part[what], 0)
}

function startWorker(task: Task, tell: (done: Done) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task })
    worker.on('message', tell)
    worker.on('error', reject)
    worker.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`exit code ${code}`))))
  })
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      faults: { type: 'string', default: '3' },
      store: { type: 'string', default: 'memory' },
      workers: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const faults = wholeNumber('faults', values.faults, 0, 4)
  const workers = wholeNumber('workers', values.workers, 1, 64)
  if (stores[values.store] === undefined) refuse(`--store is memory or sqlite, not ${values.store}`)
  return { faults, workers, store: values.store, json: values.json }
}

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (Number.isInteger(number) && number >= least && number <= most) return number
  return refuse(`--${name} is a whole number from ${least} to ${most}, not ${text}`)
}

function refuse(why: string): never {
  process.stderr.write(`small-scope: ${why}\n\n${usage}`)
  process.exit(2)
}
