// The whole system in a simulated world, from one seed: `npm run sim`. A failing seed is shrunk to a
// short story, and replayed with `--seed`.
import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'

import { progressBar } from '../src/cli/progress-bar.ts'
import { lifeOf, setBackLifeOf } from './batch.ts'
import type { Batch, Outcome } from './batch.ts'
import { shrink } from './shrink.ts'
import { tell } from './story.ts'
import { live } from './world.ts'

const usage = `npm run sim -- [options]

  --seed S       one seed, with a trace hash; a failing one is told as a story
  --seeds N      so many seeds (200)
  --from F       the first of them; a random one unless told, which is printed
  --minutes M    as many as there is time for, instead of --seeds
  --bills N      bills in each world, 1 to 200 (20)
  --first        ends at the first violation
  --untold       tells no story of a failing seed
  --set-back     with --seed: in the world whose store is set back; every 16th seed lives in it too
  --off LIST     invariants that are not judged: what they catch, nothing else does
  --workers N    threads (one for each core)
  --json         only one line of JSON at the end
`

interface Options {
  readonly seed: number | null
  readonly seeds: number
  readonly from: number
  readonly untilMs: number
  readonly bills: number
  readonly first: boolean
  readonly untold: boolean
  readonly setBack: boolean
  readonly off: readonly number[]
  readonly workers: number
  readonly json: boolean
}

// ── One seed ─────────────────────────────────────────────────────────────────────────────────────

async function replay(seed: number, { bills, off, json, setBack }: Options): Promise<void> {
  const life = (setBack ? setBackLifeOf : lifeOf)(seed, bills, off)
  const startedMs = performance.now()
  const ended = await live({ ...life, trace: true })
  const seconds = (performance.now() - startedMs) / 1000
  const [first] = ended.violations
  if (!json) {
    const { profile, processes, faultyForMs, focus } = ended.options
    say(`seed ${seed}: ${ended.payments} payments at a processor with ${profile}, by ${processes}`)
    say(`process(es), ${ended.struck.length} faults in ${faultyForMs / 1000} s; then it heals.`)
    if (focus !== 'none') say(`It is about ${focus}.`)
    sayKinds(ended.faults)
    if (first === undefined) say('No invariant was broken.')
    else await tellStory(seed, { bills, off, setBack })
  }
  const { payments, steps, struck, violations } = ended
  const counts = { seeds: 1, payments, steps, faults: struck.length, violations: violations.length }
  const trace = ended.traceHash.toString(16)
  if (!json) say(`trace_hash ${trace}`)
  const worst = first === undefined ? null : seed
  const speed = round(1 / seconds)
  summarise({ ...counts, worst_seed: worst, seeds_per_second: speed, trace_hash: trace })
}

async function tellStory(
  seed: number,
  given: Pick<Options, 'bills' | 'off' | 'setBack'>,
): Promise<void> {
  const life = (given.setBack ? setBackLifeOf : lifeOf)(seed, given.bills, given.off)
  const failing = await live(life)
  const shrunk = await shrink(life, failing)
  const bills = shrunk.life.onlyBills?.size ?? given.bills
  const { struck, requests } = shrunk.ended
  const left = `${bills} bill(s), ${requests.length} request(s) and ${struck.length} fault(s)`
  say(`\nSeed ${seed} shrunk to ${left} in ${shrunk.lives} lives:`)
  for (const fault of struck) say(`  fault: ${fault}`)
  for (const line of await tell(shrunk.life, shrunk.violation)) say(line)
  const bent = given.setBack ? ' --set-back' : ''
  const many = given.bills === 20 ? '' : ` --bills ${given.bills}`
  say(`Again: npm run sim -- --seed ${seed}${many}${bent}`)
}

// ── Many ─────────────────────────────────────────────────────────────────────────────────────────

interface Total {
  seeds: number
  payments: number
  steps: number
  faults: number
  violations: number
  worst: Outcome | null
  readonly kinds: Map<string, number>
}

async function runMany(given: Options): Promise<void> {
  if (!given.json) say(`seeds from ${given.from} on; --from ${given.from} repeats them`)
  const startedMs = performance.now()
  const none = { seeds: 0, payments: 0, steps: 0, faults: 0, violations: 0 }
  const total: Total = { ...none, worst: null, kinds: new Map() }
  const workers = Math.min(given.workers, given.seeds)
  const threads = Array.from({ length: workers }, (_, index) =>
    startThread(given, index, workers, total),
  )
  await Promise.all(threads)
  const seconds = (performance.now() - startedMs) / 1000
  const { worst, kinds, ...counts } = total
  if (process.stderr.isTTY) process.stderr.write('\n')
  if (!given.json) sayKinds(kinds)
  if (worst !== null && !given.json && !given.untold) {
    await tellStory(worst.seed, { ...given, setBack: worst.setBack })
  }
  summarise({
    ...counts,
    worst_seed: worst?.seed ?? null,
    seeds_per_second: round(total.seeds / seconds),
  })
}

function startThread(given: Options, index: number, workers: number, total: Total): Promise<void> {
  const { from, seeds, bills, off } = given
  const batch: Batch = { from: from + index, step: workers, seeds: seeds - index, bills, off }
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('batch.ts', import.meta.url), { workerData: batch })
    worker.on('message', (outcome: Outcome) => {
      count(total, outcome, given)
      const isOver = performance.now() > given.untilMs || (given.first && total.worst !== null)
      if (isOver) void worker.terminate()
    })
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })
}

function count(total: Total, outcome: Outcome, { seeds, json }: Options): void {
  total.seeds += 1
  total.payments += outcome.payments
  total.steps += outcome.steps
  for (const [kind, times] of outcome.faults) {
    total.faults += times
    total.kinds.set(kind, (total.kinds.get(kind) ?? 0) + times)
  }
  total.violations += outcome.violations
  if (outcome.violation !== null) {
    if (total.worst === null || outcome.violations > total.worst.violations) total.worst = outcome
    if (!json) say(`seed ${outcome.seed}: ${outcome.violation} (${outcome.violations} in all)`)
  }
  if (!process.stderr.isTTY || total.seeds % 10 !== 0) return
  const words = `${total.payments} payments, ${total.faults} faults, ${total.violations} violations`
  process.stderr.write(`\r${progressBar(total.seeds, seeds, words)}`)
}

function sayKinds(kinds: ReadonlyMap<string, number>): void {
  for (const [kind, times] of [...kinds].toSorted(([, a], [, b]) => b - a)) {
    say(`  ${String(times).padStart(7)} × ${kind}`)
  }
}

function summarise(summary: Readonly<Record<string, number | string | null>>): void {
  say(JSON.stringify(summary))
  process.exitCode = summary['violations'] === 0 ? 0 : 1
}

const round = (value: number): number => Math.round(value * 10) / 10

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}

// ── Options ──────────────────────────────────────────────────────────────────────────────────────

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      seed: { type: 'string' },
      seeds: { type: 'string', default: '200' },
      from: { type: 'string' },
      minutes: { type: 'string' },
      bills: { type: 'string', default: '20' },
      first: { type: 'boolean', default: false },
      untold: { type: 'boolean', default: false },
      'set-back': { type: 'boolean', default: false },
      off: { type: 'string', default: '' },
      workers: { type: 'string', default: String(availableParallelism()) },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    process.exit(0)
  }
  const { seed, from, minutes } = values
  const large = 2 ** 40
  return {
    seed: seed === undefined ? null : whole('seed', seed, 0, large),
    seeds: minutes === undefined ? whole('seeds', values.seeds, 1, 10_000_000) : large,
    from: from === undefined ? randomInt(1_000_000_000) : whole('from', from, 0, large),
    untilMs:
      minutes === undefined
        ? Infinity
        : performance.now() + whole('minutes', minutes, 1, 100_000) * 60_000,
    bills: whole('bills', values.bills, 1, 200),
    first: values.first,
    untold: values.untold,
    setBack: values['set-back'],
    off: values.off === '' ? [] : values.off.split(',').map((each) => whole('off', each, 0, 15)),
    workers: whole('workers', values.workers, 1, 64),
    json: values.json,
  }
}

function whole(name: string, text: string, least: number, most: number): number {
  const number = Number(text)
  if (text !== '' && Number.isInteger(number) && number >= least && number <= most) return number
  process.stderr.write(
    `sim: --${name} is a whole number from ${least} to ${most}, not "${text}"\n\n${usage}`,
  )
  process.exit(2)
}

const options = readOptions()
if (options.seed !== null) await replay(options.seed, options)
else await runMany(options)
