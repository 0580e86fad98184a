// Real crashes of the real service: `npm run crash`. SIGKILL under load, full disks, power loss; at
// the end the processor's own ledger is held against everything that anybody was told.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { killChildren } from '../src/cli/children.ts'
import { progressBar } from '../src/cli/progress-bar.ts'
import { openTerminal } from '../src/cli/terminal.ts'
import { defects } from './defects.ts'
import { runFullDisk } from './full-disk.ts'
import { runKills } from './kills.ts'
import { runPower } from './power/power.ts'
import { whyNoTracer } from './power/record.ts'
import { faultsOf, report, summarise } from './report.ts'
import type { Results } from './report.ts'

const usage = `npm run crash -- [options]

  --kills N     SIGKILLs, at least one at each named point (20)
  --seed S      of bills, faults and moments; a random one unless told, which is printed
  --moments N   at which the power is cut; each leaves two disks (300)
  --only PART   kills, disk or power
  --plant NAME  a planted defect, which has to be found: exit code 1 is right then
  --json        one line of JSON at the end

Power loss needs strace (Debian, Ubuntu: apt-get install strace): without it that part is not run
and the exit code is 2. Exit code 1: something is wrong.
`

const plantable = Object.keys(defects)

const parts = ['kills', 'disk', 'power'] as const

interface Options {
  readonly kills: number
  readonly seed: number
  readonly moments: number
  readonly parts: readonly string[]
  readonly plant: string | null
  readonly json: boolean
}

const terminal = openTerminal()

async function run(options: Options, folder: string): Promise<number> {
  const { seed, json } = options
  const say = (line: string): void => (json ? terminal.note(line) : terminal.out(line))
  const onProgress = progressTo(say)
  const wants = (part: (typeof parts)[number]): boolean => options.parts.includes(part)
  const patches = options.plant === null ? [] : (defects[options.plant] ?? [])
  const given = { folder, seed, patches, say, onProgress }
  const kills = wants('kills') ? await runKills({ ...given, kills: options.kills }) : null
  const disk = wants('disk') ? await runFullDisk(patches) : null
  const noTracer = wants('power') ? whyNoTracer() : null
  const cutsPower = wants('power') && noTracer === null
  const power = cutsPower ? await runPower({ ...given, moments: options.moments }) : null
  terminal.live(null)
  const results: Results = { seed, kills, disk, power }
  for (const line of report(results)) say(line)
  if (noTracer !== null) terminal.note(`Power loss was not tried: ${noTracer}.`)
  if (json) terminal.out(JSON.stringify(summarise(results)))
  if (faultsOf(results).length > 0) return 1
  return noTracer === null ? 0 : 2
}

/** A line that moves on a terminal; elsewhere one at each quarter. */
function progressTo(say: (line: string) => void) {
  return (done: number, all: number, words: string): void => {
    const line = progressBar(done, all, words)
    const quarter = (count: number): number => Math.floor((4 * count) / all)
    if (!terminal.isWatched && quarter(done) > quarter(done - 1)) say(line)
    terminal.live(line)
  }
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string', default: '20' },
      seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
      moments: { type: 'string', default: '300' },
      only: { type: 'string' },
      plant: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  const whole = (name: 'kills' | 'seed' | 'moments', most: number): number => {
    const number = Number(values[name])
    if (/^\d+$/.test(values[name]) && number <= most) return number
    return stop(`--${name} must be a whole number up to ${most}`)
  }
  if (values.help) stop('')
  const { plant = null } = values
  if (plant !== null && !plantable.includes(plant)) {
    stop(`--plant is one of ${plantable.join(', ')}`)
  }
  const known = parts.find((part) => part === values.only)
  if (values.only !== undefined && known === undefined) stop(`--only is one of ${parts.join(', ')}`)
  return {
    kills: whole('kills', 10_000),
    seed: whole('seed', 2 ** 40),
    moments: whole('moments', 20_000),
    parts: known === undefined ? parts : [known],
    plant,
    json: values.json,
  }
}

function stop(reason: string): never {
  process.stdout.write(reason === '' ? usage : `${reason}\n\n${usage}`)
  process.exit(reason === '' ? 0 : 2)
}

const options = readOptions()
const folder = mkdtempSync(join(tmpdir(), 'quittance-crash-'))
// Also on Ctrl-C and on a bug: the handler of the signal ends the process, and this runs then.
process.once('exit', () => {
  killChildren()
  rmSync(folder, { recursive: true, force: true })
})
const interrupt = (): never => process.exit(130)
process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
process.exit(await run(options, folder))
