// Plants one defect after the other and demands that the simulation catches each: `npm run sim:mutants`.
// Each runs in processes of its own, from the same first seed, until an invariant breaks.
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { table } from '../src/cli/table.ts'
import { mutants } from '../test/mutants/list.ts'
import type { Mutant } from '../test/mutants/list.ts'

const usage = `npm run sim:mutants -- [options]

  --seeds N      each defect has to be caught within so many seeds (400)
  --from F       the first of them (1)
  --only TEXT    defects whose name holds this text
  --workers N    defects at once (one for each core)
  --json         only one line of JSON at the end
`

interface Caught {
  readonly mutant: Mutant
  /** Seeds until it was caught; `null`: it was not. */
  readonly seeds: number | null
  readonly by: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const loader = new URL('../test/mutants/load.ts', import.meta.url).href

function plant(mutant: Mutant, from: number, seeds: number): Promise<Caught> {
  const args = ['sim/main.ts', '--first', '--workers', '1', '--untold']
  const range = ['--from', String(from), '--seeds', String(seeds)]
  const child = spawn(process.execPath, ['--import', loader, ...args, ...range], {
    cwd: root,
    env: { ...process.env, MUTANT: mutant.name },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let error = ''
  child.stdout.on('data', (text: Buffer) => (out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (error += text.toString()))
  return new Promise((resolve, reject) => {
    child.on('exit', () => {
      const last = out.trim().split('\n').at(-1) ?? ''
      if (!last.startsWith('{')) return reject(new Error(`${mutant.name}: ${error.slice(0, 2000)}`))
      const told = JSON.parse(last) as { seeds: number; violations: number } // `sim` prints it
      const by = /^seed \d+: (.*) \(/m.exec(out)?.[1] ?? ''
      resolve({ mutant, seeds: told.violations === 0 ? null : told.seeds, by })
    })
  })
}

async function main(): Promise<void> {
  const { seeds, from, only, workers, json } = readOptions()
  const waiting = mutants.filter(({ name }) => name.includes(only))
  const results: Caught[] = []
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const caught = await plant(mutant, from, seeds)
      results.push(caught)
      const words = caught.seeds === null ? 'NOT CAUGHT' : `caught after ${caught.seeds} seed(s)`
      if (!json) process.stderr.write(`${words}: ${mutant.name}\n`)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  if (!json) {
    const columns = [
      { title: 'DEFECT', max: 64 },
      { title: 'SEEDS', align: 'right' },
      { title: 'CAUGHT BY', max: 80 },
    ] as const
    const rows = results
      .toSorted((a, b) => (a.seeds ?? Infinity) - (b.seeds ?? Infinity))
      .map(({ mutant, seeds: needed, by }) => [mutant.name, String(needed ?? '-'), by])
    process.stdout.write(`\n${table(columns, rows).join('\n')}\n\n`)
  }
  const caught = results.filter((each) => each.seeds !== null).length
  process.stdout.write(`${JSON.stringify({ mutants: results.length, caught })}\n`)
  process.exitCode = caught === results.length && caught > 0 ? 0 : 1
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      seeds: { type: 'string', default: '400' },
      from: { type: 'string', default: '1' },
      only: { type: 'string', default: '' },
      workers: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  return {
    seeds: whole('seeds', values.seeds, 1, 100_000),
    from: whole('from', values.from, 0, 2 ** 40),
    workers: whole('workers', values.workers, 1, 64),
    only: values.only,
    json: values.json,
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (text !== '' && Number.isInteger(number) && number >= least && number <= most) return number
  process.stderr.write(`sim:mutants: --${name} is a whole number, not "${text}"\n\n${usage}`)
  process.exit(2)
}

await main()
