// What the demo prints at the end: the one JSON object of programs, or the table of people.
import { formatAmount } from '../../core/money.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { DemoBill } from './bills.ts'
import { sumBy } from './check.ts'
import type { DemoResult } from './run.ts'

export interface Summary {
  readonly bills: number
  readonly payable: number
  readonly paid: number
  readonly declined: number
  readonly open: number
  readonly requests: number
  readonly replays: number
  readonly processor_calls: number
  readonly captures: number
  readonly double_charges: number
  readonly lost: number
  readonly unknown_resolved: number
  readonly dead_letters: number
  readonly breaks: number
  readonly restarts: number
  readonly seed: number
}

export function summarise(result: DemoResult, bills: readonly DemoBill[], seed: number): Summary {
  const { verdict, story, chronicle, stats, restarts } = result
  return {
    bills: bills.length,
    payable: bills.filter(({ isPayable }) => isPayable).length,
    paid: verdict.paid,
    declined: verdict.declined,
    open: verdict.open,
    requests: chronicle.requests,
    replays: chronicle.replays,
    processor_calls: total(stats.calls),
    captures: verdict.captures,
    double_charges: verdict.doubleCharges,
    lost: verdict.lost,
    unknown_resolved: story.unknownResolved,
    dead_letters: story.deadLetters,
    breaks: verdict.breaks.length,
    restarts,
    seed,
  }
}

/** Every payable bill paid once, every other ended unpaid, nothing open, no difference, and crashes. */
export function isRight(summary: Summary): boolean {
  const { bills, payable, paid, declined, open, captures, breaks, restarts } = summary
  const counts = paid === payable && declined === bills - payable && captures === payable
  return counts && open === 0 && breaks === 0 && restarts > 0
}

export function report(
  result: DemoResult,
  summary: Summary,
  terminal: Terminal,
): readonly string[] {
  const right = isRight(summary)
  const verdict = right
    ? terminal.style(
        'green',
        'Every payable bill was paid exactly once, every other ended unpaid, and the books agree.',
      )
    : terminal.style('red', 'It does not add up:')
  return [
    '',
    'What happened to the 504s',
    ...result.story.sentences.flatMap((sentence) => wrap(sentence, 96)).map((line) => `  ${line}`),
    '',
    ...figures(result, summary),
    '',
    ...books(result),
    '',
    verdict,
    ...result.verdict.breaks
      .slice(0, 50)
      .map(({ bill, kind, what }) => `  ${bill ?? '—'}  ${kind}: ${what}`),
    `Seed ${summary.seed}, ${(result.tookMs / 1000).toFixed(1)} s. \`quittance demo --seed ${summary.seed}\` repeats faults and agents.`,
    ...(result.folder === null ? [] : [`Kept: ${result.folder}`]),
  ]
}

function figures({ stats, chronicle }: DemoResult, summary: Summary): readonly string[] {
  const rows: readonly (readonly [string, number, string])[] = [
    ['bills', summary.bills, `${summary.payable} that their script lets be paid`],
    ['paid', summary.paid, 'exactly once, as the processor counts'],
    ['ended unpaid', summary.declined, 'declined, voided or lapsed'],
    ['open', summary.open, ''],
    [
      'requests of agents',
      summary.requests,
      `${summary.replays} replays, ${chronicle.dropped} without an answer`,
    ],
    [
      'calls to the processor',
      summary.processor_calls,
      `${total(stats.faults)} of them met a fault`,
    ],
    ['unknown, then settled', summary.unknown_resolved, 'by evidence'],
    ['dead letters', summary.dead_letters, 'parked and taken up by an operator'],
    ['crashes', summary.restarts, 'SIGKILL of the service'],
    ['captures', summary.captures, 'in the processor’s ledger'],
    ['double charges', summary.double_charges, ''],
    ['lost', summary.lost, ''],
    ['differences', summary.breaks, ''],
  ]
  return table(
    [{ title: '' }, { title: 'COUNT', align: 'right' }, { title: '' }],
    rows.map(([name, count, words]) => [name, String(count), words]),
  )
}

function books({ payments, charges }: DemoResult): readonly string[] {
  const ours = sumBy(payments)
  const theirs = sumBy(charges)
  const currencies = [...new Set([...ours.keys(), ...theirs.keys()])].toSorted()
  return table(
    [
      { title: 'CAPTURED' },
      { title: 'QUITTANCE', align: 'right' },
      { title: 'PROCESSOR', align: 'right' },
    ],
    currencies.map((currency) => [
      currency,
      formatAmount(ours.get(currency) ?? 0, currency),
      formatAmount(theirs.get(currency) ?? 0, currency),
    ]),
  )
}

export const total = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((sum, count) => sum + count, 0)

function wrap(text: string, width: number): readonly string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + word.length >= width) {
      lines.push(line)
      line = ''
    }
    line = line === '' ? word : `${line} ${word}`
  }
  return [...lines, line]
}
