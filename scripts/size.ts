// What it costs to have Quittance: how long `serve` takes to listen, how large the package, the agent's
// client and the functions on AWS are. Each has a budget; one that is exceeded fails. Everything is made
// anew in a folder of its own, so that what is measured is this source.
//
// `npm run size` makes the functions first; by itself: `node scripts/size.ts`.
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'

const root = join(import.meta.dirname, '..')
/** Inside, so that packages are found from there. */
const folder = join(root, 'node_modules', '.cache', `quittance-size-${process.pid}`)

interface Figure {
  readonly name: string
  readonly value: number
  readonly budget: number
  readonly unit: 'ms' | 'bytes'
}

/** Kept in step with what the issue of each asks for; the one place to change them. */
const budgets = {
  /** A supervisor restarts it, and nobody notices. */
  coldStartMs: 400,
  packedBytes: 1_000_000,
  /** It goes into pages and small functions. */
  clientBytes: 10_000,
  /** Of each function: read at every cold start. */
  functionBytes: 1_000_000,
} as const

/** The middle one counts: the first finds files that nobody has read for a while. */
const starts = 7

const path = [dirname(process.execPath), process.env['PATH']].join(':')
const run = (command: string, args: readonly string[], cwd = root): string =>
  execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    env: { ...process.env, PATH: path },
    stdio: ['ignore', 'pipe', 'inherit'],
  })

const tool = (name: string): string => join(root, 'node_modules', '.bin', name)

async function measure(): Promise<{
  readonly figures: readonly Figure[]
  readonly skipped: string[]
}> {
  const skipped: string[] = []
  build(skipped)
  const figures: Figure[] = [
    {
      name: 'cold start of serve',
      value: await coldStart(),
      budget: budgets.coldStartMs,
      unit: 'ms',
    },
    { name: 'package, packed', value: packed(), budget: budgets.packedBytes, unit: 'bytes' },
  ]
  if (existsSync(tool('esbuild'))) {
    const value = clientSize()
    figures.push({
      name: 'agent’s client, minified',
      value,
      budget: budgets.clientBytes,
      unit: 'bytes',
    })
  } else skipped.push('agent’s client: esbuild comes with the workspace of the infrastructure')
  const functions = functionSizes()
  if (functions.length === 0) skipped.push('functions on AWS: `node infra/bundle.ts` makes them')
  return { figures: [...figures, ...functions], skipped }
}

function build(skipped: string[]): void {
  const dist = join(folder, 'dist')
  run(tool('tsc'), ['--project', 'tsconfig.build.json', '--outDir', dist])
  const page = join(root, 'console', 'dist')
  // The page is published with the package: without it the figure is too small.
  const made = [page, join(root, 'dist', 'console')].find((each) => existsSync(each))
  if (made === undefined) skipped.push('console in the package: `npm run console:build` makes it')
  else cpSync(made, join(dist, 'console'), { recursive: true })
  for (const name of ['README.md', 'LICENSE', 'examples/bills.csv']) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    cpSync(join(root, name), join(folder, name))
  }
  cpSync(join(root, 'package.json'), join(folder, 'package.json'))
}

function packed(): number {
  const told = run(
    'npm',
    ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'],
    folder,
  )
  const [tarball] = JSON.parse(told) as readonly { readonly size: number }[] // npm's own words
  if (tarball === undefined) throw new Error('npm packed nothing')
  return tarball.size
}

// ── Cold start ───────────────────────────────────────────────────────────────────────────────────

/** From the start of the process to its word that it listens, on a folder that is there already. */
async function coldStart(): Promise<number> {
  const processor = start([join(root, 'bench', 'processor.ts')], {})
  const processorUrl = await processor.listening
  const tookMs: number[] = []
  for (let count = 0; count <= starts; count += 1) {
    const beganMs = performance.now()
    const service = start([join(folder, 'dist', 'cli', 'main.js'), 'serve', '--end-with-input'], {
      QUITTANCE_PORT: '0',
      QUITTANCE_DATA: join(folder, 'data'),
      QUITTANCE_SIMULATOR_URL: processorUrl,
    })
    await service.listening
    // The very first makes its files.
    if (count > 0) tookMs.push(performance.now() - beganMs)
    await service.end()
  }
  await processor.end()
  return Math.round(tookMs.toSorted((a, b) => a - b)[Math.floor(starts / 2)] ?? 0)
}

function start(args: readonly string[], settings: Readonly<Record<string, string>>) {
  const child = spawn(process.execPath, args, {
    env: { ...process.env, ...settings },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const ended = once(child, 'exit')
  const listening = new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const url = /^listening on (\S+)$/.exec(line)?.[1]
      if (url !== undefined) resolve(url)
    })
    void ended.then(() => reject(new Error(`${args[0]} ended before it listened`)))
  })
  const end = async (): Promise<void> => {
    child.stdin.end()
    await ended
  }
  return { listening, end }
}

// ── Bundles ──────────────────────────────────────────────────────────────────────────────────────

function clientSize(): number {
  const [entry, out] = [join(folder, 'entry.ts'), join(folder, 'client.js')]
  const from = JSON.stringify(join(root, 'src', 'client', 'index.ts'))
  writeFileSync(entry, `import { createAgentClient as c } from ${from}; globalThis.made = c`)
  const how = ['--bundle', '--minify', '--format=iife', '--platform=browser', '--log-level=error']
  run(tool('esbuild'), [entry, ...how, `--outfile=${out}`])
  return statSync(out).size
}

function functionSizes(): readonly Figure[] {
  const made = join(root, 'infra', 'build')
  if (!existsSync(made)) return []
  return readdirSync(made)
    .map((name) => ({ name, file: join(made, name, 'index.mjs') }))
    .filter(({ file }) => existsSync(file))
    .map(({ name, file }) => ({
      name: `function ${name}`,
      value: statSync(file).size,
      budget: budgets.functionBytes,
      unit: 'bytes',
    }))
}

function lineOf({ name, value, budget, unit }: Figure): string {
  const verdict = value < budget ? 'ok' : 'TOO MUCH'
  const figure = (of: number): string => `${of.toLocaleString('en')} ${unit}`.padStart(16)
  return `${name.padEnd(28)}${figure(value)}  of ${figure(budget)}  ${verdict}`
}

try {
  mkdirSync(folder, { recursive: true })
  const { figures, skipped } = await measure()
  for (const figure of figures) console.log(lineOf(figure))
  for (const what of skipped) console.log(`SKIPPED ${what}`)
  const isOver = figures.some(({ value, budget }) => value >= budget)
  if (isOver) process.exitCode = 1
  if (process.argv.includes('--json')) {
    const named = figures.map(({ name, value }) => [name.replace(/\W+/g, '_'), value])
    console.log(JSON.stringify(Object.fromEntries(named)))
  }
} finally {
  rmSync(folder, { recursive: true, force: true })
}
