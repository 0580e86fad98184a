// What the demo prints at the end: the one JSON object of programs, or the table of people.
import type { Reconciliation } from '../../client/index.ts'
import { formatAmount } from '../../core/money.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import type { DemoBill } from './bills.ts'
import { sumBy } from './check.ts'
import { callsToOpenWithin } from './outage.ts'
import type { OutageFigures } from './outage.ts'
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
  /** Of the service's own reconciliation; 0 to 1. */
  readonly match_rate: number | null
  readonly seed: number
  /** Only after `--outage`. */
  readonly breaker_opened?: number
  readonly calls_before_open?: number
  readonly calls_while_open?: number
  readonly probes?: number
  readonly recovered?: number
  readonly redriven?: number
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
    breaks: verdict.breaks.length + differencesOf(result.reconciliation),
    restarts,
    match_rate: result.reconciliation.match_rate,
    seed,
    ...(result.outage === null ? {} : outageSummary(result.outage)),
  }
}

/** Those that the service found itself; a run that did not end is one. */
function differencesOf({ status, breaks }: Reconciliation): number {
  const found = Object.values(breaks).reduce((sum, count) => sum + count, 0)
  return status === 'finished' ? found : found + 1
}

function outageSummary(figures: OutageFigures): Partial<Summary> {
  return {
    breaker_opened: figures.breakerOpened,
    calls_before_open: figures.callsToOpen,
    calls_while_open: figures.callsWhileOpen,
    probes: figures.probes,
    recovered: figures.recovered,
    redriven: figures.redriven,
  }
}

/** The breaker opened soon, nothing went out behind it, and what had met the outage was paid after all. */
function isOutageRight(summary: Summary): boolean {
  const { breaker_opened: opened, calls_before_open: before, calls_while_open: behind } = summary
  if (opened === undefined) return true
  return opened > 0 && (before ?? 0) <= callsToOpenWithin && behind === 0
}

/** Every payable bill paid once, every other ended unpaid, nothing open, no difference, and crashes. */
export function isRight(summary: Summary): boolean {
  const { bills, payable, paid, declined, open, captures, breaks, restarts } = summary
  const counts = paid === payable && declined === bills - payable && captures === payable
  return counts && open === 0 && breaks === 0 && restarts > 0 && isOutageRight(summary)
}

export function report(
  result: DemoResult,
  summary: Summary,
  /** The command that repeats it. */
  again: string,
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
    `Seed ${summary.seed}, ${(result.tookMs / 1000).toFixed(1)} s. \`${again}\` repeats faults and agents.`,
    ...(result.folder === null ? [] : [`Kept: ${result.folder}`]),
  ]
}

function figures(
  { stats, chronicle, reconciliation }: DemoResult,
  summary: Summary,
): readonly string[] {
  const rows: readonly (readonly [string, number, string])[] = [
    ['bills', summary.bills, `${summary.payable} that their script lets be paid`],
    ['paid', summary.paid, howOften(summary)],
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
    ['differences', summary.breaks, reconciledWords(reconciliation)],
    ...outageRows(summary),
  ]
  return table(
    [{ title: '' }, { title: 'COUNT', align: 'right' }, { title: '' }],
    rows.map(([name, count, words]) => [name, String(count), words]),
  )
}

function reconciledWords({ status, match_rate: rate, records }: Reconciliation): string {
  if (status !== 'finished' || rate === null) return 'the reconciliation did not end'
  return `reconciled with ${records} records: ${Math.floor(rate * 10_000) / 100} % match`
}

function howOften({ double_charges: twice, captures, paid }: Summary): string {
  if (twice > 0) return `${twice} of them more than once, as the processor counts`
  return captures === paid
    ? 'exactly once, as the processor counts'
    : `${captures} captures for them`
}

function outageRows(summary: Summary): readonly (readonly [string, number, string])[] {
  if (summary.breaker_opened === undefined) return []
  return [
    ['breaker opened', summary.breaker_opened, `after ${summary.calls_before_open} failed calls`],
    ['calls while open', summary.calls_while_open ?? 0, `beyond ${summary.probes} probes`],
    ['recovered', summary.recovered ?? 0, 'met the outage and were paid after all'],
    ['redriven', summary.redriven ?? 0, 'dead letters, by the rule'],
  ]
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
