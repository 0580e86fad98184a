// Plants one defect after the other and demands that each is caught: `npm run sim:mutants`. Each runs in
// processes of its own: the simulation, from the same first seed until an invariant breaks, or the one
// test that the list names for what no simulated world can show.
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
  readonly isCaught: boolean
  /** Until it was caught; `null`: it was not, or not by a seed. */
  readonly seeds: number | null
  readonly by: string
}

const root = fileURLToPath(new URL('..', import.meta.url))
const loader = new URL('../test/mutants/load.ts', import.meta.url).href

async function plant(mutant: Mutant, from: number, seeds: number): Promise<Caught> {
  const { unit } = mutant
  if (unit !== undefined) {
    const args = ['--test', '--test-reporter=tap', unit.file]
    const { out } = await run(mutant, args)
    const failed = out
      .split('\n')
      .some((line) => /^not ok \d+ - /.test(line) && line.includes(unit.name))
    return { mutant, isCaught: failed, seeds: null, by: `${unit.file}: ${unit.name}` }
  }
  const args = ['sim/main.ts', '--first', '--workers', '1', '--untold']
  const range = ['--from', String(from), '--seeds', String(seeds)]
  const { out, error } = await run(mutant, [...args, ...range])
  const last = out.trim().split('\n').at(-1) ?? ''
  if (!last.startsWith('{')) throw new Error(`${mutant.name}: ${error.slice(0, 2000)}`)
  const told = JSON.parse(last) as { seeds: number; violations: number } // `sim` prints it
  const isCaught = told.violations > 0
  const by = /^seed \d+: (.*) \(/m.exec(out)?.[1] ?? ''
  return { mutant, isCaught, seeds: isCaught ? told.seeds : null, by }
}

function run(
  { name }: Mutant,
  args: readonly string[],
): Promise<{ readonly out: string; readonly error: string }> {
  const child = spawn(process.execPath, ['--import', loader, ...args], {
    cwd: root,
    env: { ...process.env, MUTANT: name },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let out = ''
  let error = ''
  child.stdout.on('data', (text: Buffer) => (out += text.toString()))
  child.stderr.on('data', (text: Buffer) => (error += text.toString()))
  return new Promise((resolve) => child.on('close', () => resolve({ out, error })))
}

async function main(): Promise<void> {
  const { seeds, from, only, workers, json } = readOptions()
  const waiting = mutants.filter(({ name }) => name.includes(only))
  const results: Caught[] = []
  const work = async (): Promise<void> => {
    for (let mutant = waiting.shift(); mutant !== undefined; mutant = waiting.shift()) {
      const caught = await plant(mutant, from, seeds)
      results.push(caught)
      const how = caught.seeds === null ? 'by its test' : `after ${caught.seeds} seed(s)`
      const words = caught.isCaught ? `caught ${how}` : 'NOT CAUGHT'
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
  const caught = results.filter((each) => each.isCaught).length
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
