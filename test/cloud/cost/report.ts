// The table that `npm run cost` prints, and the page that it writes.
import type { Template } from '../template/template.ts'
import type { Counts } from '../meter.ts'
import type { Workflow } from '../suite/synth.ts'
import { billOf, totalOf } from './bill.ts'
import { monthly, notCounted, prices, pricesAsOf } from './prices.ts'
import { scenarios } from './scenarios.ts'
import type { Counted } from './scenarios.ts'

/** Dollars per million payments on the happy path, everything included. */
const goals: Readonly<Record<Workflow, number>> = { standard: 200, express: 85 }

const minutesPerMonth = 43_800

const dollars = (amount: number): string => `$${amount.toFixed(2)}`
const row = (...cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`
const table = (head: readonly string[], body: readonly (readonly string[])[]): string =>
  row(...head) + row(...head.map(() => '---')) + body.map((cells) => row(...cells)).join('')

export function reportOf(counted: readonly Counted[], template: Template): string {
  return [
    `Prices: us-east-1, on demand, ${pricesAsOf} (\`test/cloud/cost/prices.ts\`). Units are counted in a run`,
    'of the synthesised template on this machine, never assumed.\n\n',
    '## Dollars per million payments\n\n',
    overview(counted),
    `\nTransitions are counted as the price page has it: “each time a step of your workflow is executed”,\n` +
      'retries included. If the way into the first step counted as well, each execution of Standard were $25\n' +
      'per million more. Times of functions are those of this machine, an x64 that was busy with everything\n' +
      'else; on AWS each call takes longer and the rest is quicker: 100 ms more at 512 MB are $0.67.\n',
    '\n## What they are made of\n',
    ...counted.map(breakdown),
    '\n## What costs without any payment\n\n',
    standing(counted, template),
    '\n## What is not in these figures\n\n',
    notCounted.map(([what, why]) => `- ${what}: ${why}.\n`).join(''),
  ]
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
}

function overview(counted: readonly Counted[]): string {
  const of = (name: string, workflow: Workflow): string => {
    const found = counted.find((each) => each.scenario === name && each.workflow === workflow)
    return found === undefined ? '–' : dollars(totalOf(billOf(found.counts, found.payments)))
  }
  const lines = scenarios.map(({ name, title }) => [
    title,
    of(name, 'standard'),
    of(name, 'express'),
  ])
  return table(
    ['', 'Standard', 'Express'],
    [...lines, ['goal for the first line', dollars(goals.standard), dollars(goals.express)]],
  )
}

function breakdown({ scenario, workflow, counts, payments, hottest }: Counted): string {
  const { title = scenario } = scenarios.find(({ name }) => name === scenario) ?? {}
  const lines = billOf(counts, payments)
  const rows = lines.map(({ what, units, dollars: cost }) => [
    what,
    units.toFixed(units < 1 ? 4 : 2),
    dollars(cost),
  ])
  return (
    `\n### ${title}: ${workflow}\n\n` +
    table(
      ['unit', 'for one payment', 'per million'],
      [...rows, ['together', '', dollars(totalOf(lines))]],
    ) +
    sharedKeys(hottest, payments)
  )
}

/** Where a key that many payments share takes more than its part, it is hot. */
function sharedKeys(hottest: Counted['hottest'], payments: number): string {
  if (hottest.length === 0) return '\nNo partition key is written to by two payments.\n'
  const list = hottest.map(([key, units]) => `\`${key}\` ${(units / payments).toFixed(2)}`)
  return `\nWrite units a payment on keys that payments share: ${list.join(', ')}.\n`
}

function standing(counted: readonly Counted[], template: Template): string {
  const [first] = counted
  const idle =
    first === undefined ? [] : billOf(scaled(first.idleMinute, minutesPerMonth), 1_000_000)
  const fixed = monthly.map(({ resource, what, dollars: each }) => {
    const count = template.ofType(resource).length
    return [`${what} × ${count}`, dollars(each * count)]
  })
  return table(
    ['', 'a month'],
    [['the schedules, when nothing is to be done', dollars(totalOf(idle))], ...fixed],
  )
}

const scaled = (counts: Counts, times: number): Counts =>
  Object.fromEntries(
    Object.keys(prices).map((unit) => [unit, (counts[unit as keyof Counts] ?? 0) * times]),
  )
