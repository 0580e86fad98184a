// `npm run cost`: what a million payments cost, from calls counted in a run of the synthesised
// template. Fails where the happy path uses more than its budget. `--write` also writes
// docs/reference/cost.md; names of scenarios count only those.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { overBudget } from './cost/budget.ts'
import { reportOf } from './cost/report.ts'
import { scenarios } from './cost/scenarios.ts'
import type { Counted, Scenario } from './cost/scenarios.ts'
import type { Json } from './json.ts'
import { synthesise, templateOf } from './suite/synth.ts'
import type { Workflow } from './suite/synth.ts'
import { readTemplate } from './template/template.ts'

const workflows: readonly Workflow[] = ['standard', 'express']
const only = process.argv.slice(2).filter((each) => !each.startsWith('--'))

const page = join(import.meta.dirname, '..', '..', 'docs', 'reference', 'cost.md')
const head = `<!-- Written by \`npm run cost -- --write\` from counted calls; changes here are lost. -->

# What a payment costs on AWS

`

async function runScenario({ name, factor }: Scenario, workflow: Workflow): Promise<Counted> {
  console.error(`counting: ${name}, ${workflow}, time ×${factor} …`)
  const script = join(import.meta.dirname, 'cost', 'run.ts')
  const time = join(import.meta.dirname, 'time.ts')
  const child = spawn(process.execPath, ['--import', time, script, name, workflow], {
    env: { ...process.env, CLOUD_TIME_FACTOR: String(factor) },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.on('data', (chunk) => (output += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${name} ${workflow} ended with ${code}: ${output}`)
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as Counted // run.ts writes it
}

const counted: Counted[] = []
for (const workflow of workflows) {
  if (!process.argv.includes('--no-synth')) synthesise(workflow)
  for (const scenario of scenarios) {
    if (only.length === 0 || only.includes(scenario.name)) {
      counted.push(await runScenario(scenario, workflow))
    }
  }
}
const json = JSON.parse(readFileSync(templateOf('standard'), 'utf8')) as Json
const template = readTemplate(json, { endpoint: 'http://local', parameters: {} })
const report = reportOf(counted, template)
console.log(report)
const over = counted
  .filter(({ scenario }) => scenario === 'happy')
  .flatMap(({ counts, payments, workflow }) =>
    overBudget(counts, payments, workflow).map((what) => `${workflow}: ${what}`),
  )
for (const what of over) console.error(`over the budget: ${what}`)
if (over.length > 0) process.exitCode = 1
if (process.argv.includes('--write')) writeFileSync(page, head + report)
