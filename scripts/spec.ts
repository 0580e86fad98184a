// Checks the protocol's model in spec/ with spin: every configuration must hold, and every planted
// mistake must be found, or the check proves nothing. `npm run spec`; needs spin and gcc.
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { table } from '../src/cli/table.ts'

const usage = `npm run spec -- [options]

  --only TEXT      only what has TEXT in its name
  --no-mutants     only the protocol itself
  --json           only one line of JSON at the end
`

interface Case {
  readonly name: string
  /** Given to spin as -D. */
  readonly flags: readonly string[]
  readonly property: 'invariants, ends well' | 'no endless run'
  readonly planted: boolean
}

interface Result extends Case {
  readonly verdict: 'holds' | 'broken' | 'not finished'
  readonly states: number
  readonly depth: number
  readonly seconds: number
  readonly story: readonly string[]
}

/** Of one run; a check that needs more has outgrown its configuration. */
const memoryMb = 1900
const timeoutMs = 170_000

// Nothing but these names the processor's promises; see src/core/policy.ts.
const stored = 'KEY_CACHES_ERRORS=1 ABSENCE=1'
const unstored = 'ABSENCE=1'
const twoStep = 'TWO_STEP=1 KEY_CACHES_ERRORS=1 FENCE=1 CANCEL_BY_REFERENCE=1 ABSENCE=1'
const twoStepUnstored = 'TWO_STEP=1 FENCE=1 ABSENCE=1'
const objectFirst = 'TWO_STEP=1 OBJECT_FIRST=1 OBJECT_ONCE=1 FENCE=1 ABSENCE=1 KEY_CACHES_ERRORS=1'
const objectOneStep = 'OBJECT_FIRST=1 OBJECT_ONCE=1 FENCE=1'
const lagging = 'TWO_STEP=1 LOOKUP_BY_REFERENCE=1'

const configurations: readonly Case[] = [
  holds('one step, errors stored', stored, 'FAULTS=3'),
  holds('one step, errors not stored', unstored, 'FAULTS=3'),
  holds('one step, three sends under one key', unstored, 'FAULTS=2 MAX_SENDS_PER_ATTEMPT=3'),
  holds('one step, late webhook', unstored, 'FAULTS=2 WEBHOOKS=1'),
  holds('two steps, errors stored, fence by reference', twoStep, 'FAULTS=2'),
  holds('two steps, errors not stored', twoStepUnstored, 'FAULTS=2'),
  holds('two steps, late webhook', twoStep, 'FAULTS=1 WEBHOOKS=1'),
  holds('object first, acts once, errors stored', objectFirst, 'FAULTS=1 WEBHOOKS=1'),
  holds('object first, one step, errors not stored', objectOneStep, 'FAULTS=2'),
  holds('no fence, no absence, look-up that lags', lagging, 'FAULTS=2'),
  holds('two claims of one bill, retry_of', stored, 'PAYMENTS=2 FAULTS=1'),
  holds('three claims of one bill, retry_of', stored, 'PAYMENTS=3 FAULTS=0 DECLINES=0'),
  endless('one step, errors stored', stored, 'FAULTS=2 WEBHOOKS=1'),
  endless('two steps, errors not stored', twoStepUnstored, 'FAULTS=1'),
  endless('object first, one step, errors not stored', objectOneStep, 'FAULTS=1'),
  endless('two claims of one bill', stored, 'PAYMENTS=2 FAULTS=0'),
]

const mutants: readonly Case[] = [
  planted('NEW_KEY_ON_RETRY', stored, 'FAULTS=2'),
  planted('504_IS_FAILURE', stored, 'FAULTS=2'),
  planted('504_IS_NOT_EXECUTED', twoStep, 'FAULTS=2'),
  planted('NO_VERSION_CHECK', stored, 'FAULTS=2'),
  planted('RESEND_PAST_WINDOW', lagging, 'FAULTS=3 DECLINES=0 VOIDS=0'),
  planted('VOID_WHILE_OUT', stored, 'FAULTS=2'),
  planted('ATTEMPT_AFTER_CALL', stored, 'FAULTS=2'),
  planted('DECLINE_BELIEVED_UNSTORED', unstored, 'FAULTS=2'),
  planted('LAST_ANSWER_WINS', unstored, 'FAULTS=3'),
  planted('NOT_FOUND_IS_ABSENCE', lagging, 'FAULTS=2'),
  planted('ABSENCE_TOO_EARLY', stored, 'FAULTS=3'),
  planted('STALLED_SENDER_SENDS', stored, 'FAULTS=3'),
  planted('NO_RECOVERY', stored, 'FAULTS=1'),
  planted('NO_REFERENCE_GUARD', stored, 'PAYMENTS=2 FAULTS=0'),
  planted('RETRY_OF_OPEN', stored, 'PAYMENTS=2 FAULTS=0'),
  planted('RETRY_OF_UNCONDITIONAL', stored, 'PAYMENTS=3 FAULTS=0 DECLINES=0'),
  planted('ACK_BEFORE_COMMIT', stored, 'PAYMENTS=2 FAULTS=1'),
]

main()

function main(): void {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', default: '' },
      'no-mutants': { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return
  }
  demandTools()
  const all = values['no-mutants'] ? configurations : [...configurations, ...mutants]
  const results = all
    .filter(({ name }) => name.includes(values.only))
    .map((each) => {
      const result = check(each)
      if (!values.json) process.stderr.write(`${each.name}, ${each.property}: ${word(result)}\n`)
      return result
    })
  if (!values.json) print(results)
  const wrong = results.filter((result) => !isRight(result))
  for (const result of wrong) {
    process.stderr.write(`\n${result.name} (${result.property}): ${word(result)}\n`)
    process.stderr.write(result.story.map((line) => `  ${line}\n`).join(''))
  }
  const own = results.filter((result) => !result.planted)
  const bad = results.filter((result) => result.planted)
  const summary = {
    configurations: own.length,
    states: own.reduce((sum, { states }) => sum + states, 0),
    violations: own.filter((result) => !isRight(result)).length,
    mutants: bad.length,
    caught: bad.filter(isRight).length,
  }
  process.stdout.write(`${JSON.stringify(summary)}\n`)
  process.exitCode = wrong.length === 0 && results.length > 0 ? 0 : 1
}

function holds(name: string, processor: string, bounds: string): Case {
  const flags = `${processor} ${bounds}`.split(' ')
  return { name, flags, property: 'invariants, ends well', planted: false }
}

function endless(name: string, processor: string, bounds: string): Case {
  return { ...holds(name, processor, bounds), property: 'no endless run' }
}

function planted(mutant: string, processor: string, bounds: string): Case {
  const flags = `${processor} ${bounds} MUTANT_${mutant}=1`.split(' ')
  return { name: `MUTANT_${mutant}`, flags, property: 'invariants, ends well', planted: true }
}

function demandTools(): void {
  for (const tool of ['spin', 'gcc']) {
    if (spawnSync(tool, [tool === 'spin' ? '-V' : '--version']).error === undefined) continue
    process.stderr.write(
      `spec: ${tool} is not installed. On Debian or Ubuntu: apt-get install -y spin gcc libc6-dev\n`,
    )
    process.exit(2)
  }
}

// ── One check ────────────────────────────────────────────────────────────────────────────────────

function check(each: Case): Result {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-spec-'))
  const startedAtMs = performance.now()
  try {
    const defines = each.flags.map((flag) => `-D${flag}`)
    const model = join(import.meta.dirname, '..', 'spec', 'payment.pml')
    const isEndless = each.property === 'no endless run'
    must(folder, 'spin', ['-a', ...defines, model])
    const mode = isEndless ? ['-DNP'] : ['-DSAFETY']
    // The compiler takes longer than the check where that stops at a mistake.
    const effort = isEndless || each.planted ? '-O0' : '-O1'
    const options = [effort, '-w', '-DNOREDUCE', '-DCOLLAPSE', `-DMEMLIM=${memoryMb}`, ...mode]
    must(folder, 'gcc', [...options, '-o', 'pan', 'pan.c'])
    const args = ['-n', '-m100000', ...(isEndless ? ['-l'] : [])]
    const told = run(folder, './pan', args)
    const seconds = (performance.now() - startedAtMs) / 1000
    const verdict = verdictOf(told)
    const story = verdict === 'holds' ? [] : tell(folder, defines, model, told)
    return { ...each, ...figures(told), verdict, seconds, story }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

// Whatever pan did not walk to its end is not proved.
function verdictOf(told: string): Result['verdict'] {
  const errors = /errors: (\d+)/.exec(told)?.[1]
  if (errors !== undefined && errors !== '0') return 'broken'
  const cut = /Search not completed|max search depth too small|MEMLIM bound|out of memory/.test(
    told,
  )
  return errors === '0' && !cut ? 'holds' : 'not finished'
}

function figures(told: string): { readonly states: number; readonly depth: number } {
  const states = Number(/(\d+(?:\.\d+)?(?:e[+]\d+)?) states, stored/.exec(told)?.[1] ?? 0)
  return { states, depth: Number(/depth reached (\d+)/.exec(told)?.[1] ?? 0) }
}

// What the model prints on the way to the mistake is the story; spin's own lines are left out.
function tell(
  folder: string,
  defines: readonly string[],
  model: string,
  told: string,
): readonly string[] {
  const trail = readdirSync(folder).find((file) => file.endsWith('.trail'))
  if (trail === undefined) return told.split('\n').slice(0, 20)
  const lines = run(folder, 'spin', ['-t', '-T', '-k', trail, ...defines, model]).split('\n')
  const end = lines.findIndex((line) => line.startsWith('spin: '))
  return lines.slice(0, end < 0 ? undefined : end).filter((line) => line.trim() !== '')
}

function run(cwd: string, command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 64 * 1024 * 1024,
  })
  return `${done.stdout}${done.stderr}`
}

function must(cwd: string, command: string, args: readonly string[]): void {
  const told = run(cwd, command, args)
  const made = command === 'gcc' ? 'pan' : 'pan.c'
  if (existsSync(join(cwd, made)) && !told.includes('Error')) return
  throw new Error(`${command} ${args.join(' ')}\n${told.slice(0, 2000)}`)
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────

function isRight({ planted, verdict }: Result): boolean {
  return verdict === (planted ? 'broken' : 'holds')
}

function word(result: Result): string {
  if (result.verdict === 'not finished') return 'NOT FINISHED'
  if (!result.planted) return result.verdict === 'holds' ? 'holds' : 'BROKEN'
  return result.verdict === 'broken' ? `caught: ${brokenBy(result)}` : 'NOT CAUGHT'
}

// The model's own sentence, or spin's where an assertion without one failed.
function brokenBy({ story }: Result): string {
  const line = story.find((each) => each.includes('BROKEN'))
  return line?.replace(/^.*BROKEN /, '') ?? 'an assertion'
}

function print(results: readonly Result[]): void {
  const columns = [
    { title: 'CONFIGURATION' },
    { title: 'PROPERTY' },
    { title: 'STATES', align: 'right' },
    { title: 'DEPTH', align: 'right' },
    { title: 'SECONDS', align: 'right' },
    { title: 'RESULT', max: 80 },
  ] as const
  const rows = results.map((result) => [
    result.name,
    result.property,
    String(result.states),
    String(result.depth),
    result.seconds.toFixed(1),
    word(result),
  ])
  process.stdout.write(`${table(columns, rows).join('\n')}\n`)
}
