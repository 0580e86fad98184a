// The demo: agents, faults, crashes, and whether it all adds up.
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

import type { Command, Words } from '../command.ts'
import { readDemoBills } from '../demo/bills.ts'
import { moreBills } from '../demo/outage.ts'
import { isRight, report, summarise, total } from '../demo/report.ts'
import { runDemo } from '../demo/run.ts'
import type { Plant, Progress } from '../demo/run.ts'
import { exitCodes, usageError } from '../exit.ts'
import { progressBar } from '../progress-bar.ts'
import type { Terminal } from '../terminal.ts'

export const demo: Command = {
  name: 'demo',
  summary: 'agents, faults, crashes, and whether it all adds up',
  about: `
Starts the service on a fresh file and the simulated processor as a process of its own, lets agents with
bad habits pay 240 bills while the processor injects faults and the service is killed with SIGKILL, and
then compares with the processor's own ledger. Exits 0 only if every bill whose script lets it be paid
was paid exactly once, every other ended definitely unpaid, nothing is open and no difference is left.

With --json the last line is one object: bills, payable, paid, declined, open, requests, replays,
processor_calls, captures, double_charges, lost, unknown_resolved, dead_letters, breaks, restarts, seed.

With --outage the processor's gateway answers every call with 503 for 20 s, and the service is killed in
the middle of it. Nobody helps: the breaker opens, probes, closes, and what waited goes on. The JSON has
breaker_opened, calls_before_open, calls_while_open, probes, recovered and redriven as well.

To see that it can fail: --plant double-charge takes one bill's money a second time, beside Quittance;
--plant unpaid lets nobody ask for one bill. Each must end with exit code 1 and name the bill.`,
  examples: [
    'quittance demo',
    'quittance demo --seed 7 --json',
    'quittance demo --outage',
    'quittance demo --plant double-charge',
  ],
  options: {
    seed: { value: 'N', what: 'of faults, crashes and agents (drawn, and printed)' },
    kills: { value: 'N', what: 'how often the service is killed (3; once with --outage)' },
    outage: { what: '300 bills, and the processor is out for 20 s in the middle of them' },
    bills: { value: 'FILE', what: 'other bills than examples/bills.csv, with the same columns' },
    plant: { value: 'WHAT', what: 'double-charge or unpaid: a mistake that must be found' },
    keep: { what: 'keep the data folder and print where it is' },
  },
  run: async (words, terminal) => {
    const json = words.is('json')
    const plant = plantOf(words)
    const outage = words.is('outage')
    const read = await readBillsFile(words.text('bills'))
    const bills = outage ? moreBills(read) : read
    const seed = words.integer('seed', Math.floor(Math.random() * 1_000_000), 0, 2 ** 40)
    const say = (line: string): void => (json ? terminal.note(line) : terminal.out(line))
    const result = await runDemo({
      bills,
      seed,
      plant,
      kills: words.integer('kills', 3, 1, 20),
      outage,
      keep: words.is('keep'),
      say,
      onProgress: progressTo(terminal, say, bills.length),
    })
    terminal.live(null)
    const summary = summarise(result, bills, seed)
    if (json)
      for (const each of result.verdict.breaks) terminal.out(JSON.stringify({ break: each }))
    else
      for (const line of report(result, summary, againOf(words, seed), terminal)) terminal.out(line)
    if (json) terminal.out(JSON.stringify(summary))
    return isRight(summary) ? exitCodes.ok : exitCodes.failed
  },
}

// What is typed to see it once more, with whatever else was asked for.
function againOf(words: Words, seed: number): string {
  const isCheckout = process.argv[1]?.endsWith('.ts') === true
  const given = (['bills', 'plant', 'kills'] as const).flatMap((name) => {
    const text = words.text(name)
    return text === null ? [] : [`--${name} ${text}`]
  })
  const outage = words.is('outage') ? ['--outage'] : []
  const options = [`--seed ${seed}`, ...given, ...outage].join(' ')
  return `${isCheckout ? 'npm run demo --' : 'quittance demo'} ${options}`
}

function plantOf(words: Words): Plant | null {
  const plant = words.text('plant')
  if (plant === null || plant === 'double-charge' || plant === 'unpaid') return plant
  throw usageError(`--plant is "${plant}"; it must be double-charge or unpaid.`)
}

async function readBillsFile(given: string | null) {
  // The same place beside src/cli/commands/ and dist/cli/commands/.
  const path = given ?? fileURLToPath(new URL('../../../examples/bills.csv', import.meta.url))
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw usageError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    )
  })
  return readDemoBills(text, path)
}

/** A line that moves on a terminal; elsewhere one at each quarter. */
function progressTo(terminal: Terminal, say: (line: string) => void, bills: number) {
  let told = 0
  return (progress: Progress): void => {
    const line = liveLine(progress, bills)
    const quarter = Math.floor((4 * progress.done) / bills)
    if (!terminal.isWatched && quarter > told) say(line)
    told = quarter
    terminal.live(line)
  }
}

function liveLine({ done, paid, unpaid, restarts, stats }: Progress, bills: number): string {
  const faults = stats === null ? 0 : total(stats.faults)
  const counts = `paid ${paid}  unpaid ${unpaid}  open ${bills - done}`
  return progressBar(done, bills, `${counts}  faults ${faults}  crashes ${restarts}`)
}
