// All schedules of up to N faults for one payment, for each workload and on each store, the work shared
// by the cores: `npm run small-scope -- --faults 3 --store memory`. On DynamoDB a sample of them:
// `npm run small-scope -- --store dynamodb --sample 2000 --seed 1`.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'

import { table } from '../src/cli/table.ts'
import { openMemoryStore } from '../src/stores/memory.ts'
import { makeTable, openTestStore } from '../src/stores/contract/dynamo-fixture.ts'
import { dynamoServer } from '../src/stores/contract/dynamo-server.ts'
import { openSqliteStore } from '../src/stores/sqlite/store.ts'
import type { Store } from '../src/ports.ts'
import { exploreSample } from '../test/small-scope-sample.ts'
import type { OpenEmpty } from '../test/small-scope-sample.ts'
import { explore } from '../test/small-scope.ts'
import type { Explored, Share } from '../test/small-scope.ts'
import { workloads } from '../test/workloads.ts'

const usage = `npm run small-scope -- [options]

  --faults N       faults and crashes in one payment's life, 0 to 4 (3)
  --store NAME     memory, sqlite or dynamodb (memory)
  --sample N       not all, but so many that the seed draws; dynamodb needs it
  --seed N         of the sample (1)
  --workers N      threads (one for each core)
  --json           only one line of JSON at the end
`

const stores: Readonly<Record<string, () => Store>> = {
  memory: () => openMemoryStore(),
  sqlite: () => openSqliteStore({ file: ':memory:' }),
}

/** A table of its own for each schedule, in the emulator of this thread. */
const openTable: OpenEmpty = async () => {
  const made = await makeTable()
  return { store: openTestStore(made), dispose: made.dispose }
}

const emptyOf =
  (open: () => Store): OpenEmpty =>
  async () => ({ store: open(), dispose: async () => undefined })

/** The parts of a whole differ by one at most. */
const partOf = (whole: number, part: number, parts: number): number =>
  Math.floor(((part + 1) * whole) / parts) - Math.floor((part * whole) / parts)

interface Task {
  readonly faults: number
  readonly store: string
  readonly share: Share
  readonly sample: number | null
  readonly seed: number
}

interface Done extends Explored {
  readonly workload: string
}

if (isMainThread) await main()
else await work(workerData as Task) // only `main` starts one

async function work({ faults, store, share, sample, seed }: Task): Promise<void> {
  const open = stores[store]
  for (const [index, workload] of workloads.entries()) {
    const explored =
      sample === null && open !== undefined
        ? await explore(open, workload, faults, share)
        : await exploreSample(open === undefined ? openTable : emptyOf(open), workload, {
            faults,
            count: partOf(
              sample ?? 0,
              index * share.of + share.number,
              workloads.length * share.of,
            ),
            // Each share of each workload draws its own.
            seed: `small scope ${seed}/${workload.name}/${share.number} of ${share.of}`,
          })
    const done: Done = { workload: workload.name, ...explored }
    parentPort?.postMessage(done, [])
  }
  // The emulator goes with its thread.
  process.exit(0)
}

async function main(): Promise<void> {
  const { json, workers, ...task } = readOptions()
  const { faults, store, sample, seed } = task
  if (stores[store] === undefined && (await dynamoServer()) === null) {
    refuse('there is no DynamoDB here; see docs/reference/dynamodb.md')
  }
  const found: Done[] = []
  const shares = Array.from({ length: workers }, (_, number) => ({ number, of: workers }))
  const tell = (done: Done): void => {
    found.push(done)
    const parts = found.filter(({ workload }) => workload === done.workload)
    if (parts.length === workers && process.stderr.isTTY) {
      process.stderr.write(`${done.workload}: ${sum(parts, 'schedules')} schedules\n`)
    }
  }
  await Promise.all(shares.map((share) => startWorker({ ...task, share }, tell)))
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
  const drawn = sample === null ? {} : { seed }
  const summary = { faults, store, ...drawn, schedules, violations: violations.length }
  process.stdout.write(`${JSON.stringify(summary)}\n`)
  process.exit(violations.length === 0 ? 0 : 1)
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
      sample: { type: 'string' },
      seed: { type: 'string', default: '1' },
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
  const { store, json } = values
  const sample =
    values.sample === undefined ? null : wholeNumber('sample', values.sample, 1, 1_000_000)
  const seed = wholeNumber('seed', values.seed, 0, 2 ** 31)
  if (stores[store] === undefined && store !== 'dynamodb') {
    refuse(`--store is memory, sqlite or dynamodb, not ${store}`)
  }
  if (store === 'dynamodb' && sample === null) refuse('--store dynamodb needs a --sample')
  return { faults, workers, store, sample, seed, json }
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
