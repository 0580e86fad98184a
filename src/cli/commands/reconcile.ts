// Reconciliation: run it, look at what it found, and say what became of a break.
import type { Break } from '../../client/index.ts'
import { formatAmount } from '../../core/money.ts'
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import { pageOf, pageOptions, printPage } from '../pages.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { reconcileFile } from './reconcile-file.ts'
import { reconcileReport } from './reconcile-report.ts'
import { awaitRun, percent, showRun } from './reconcile-run.ts'
import { whyNeeded, whyOption } from './stop.ts'

type Style = Terminal['style']

const run: Command = {
  name: 'reconcile run',
  summary: 'compare payments with the processor’s own records, now',
  about: `
Reads the processor's records of a window and compares them with our payments, both ways. It moves no money;
what a record proves of a payment (its settlement, an unknown outcome) is learnt. It waits for the end, and
exits with 1 if there are differences or it could not be finished.`,
  examples: ['quittance reconcile run', 'quittance reconcile run --days 2 --json'],
  options: {
    ...remoteOptions,
    processor: { value: 'NAME', what: 'which one (the first)' },
    days: { value: 'N', what: 'how far back (10)' },
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const days = words.integer('days', 10, 1, 3_650)
    const processor = words.text('processor')
    const from = new Date(Date.now() - days * 86_400_000).toISOString()
    const begun = await client.reconcile({ from, ...(processor === null ? {} : { processor }) })
    const ended = await awaitRun(client, expectOk(begun).reconciliation)
    return showRun(ended, words, terminal)
  },
}

const runs: Command = {
  name: 'reconcile list',
  summary: 'the runs, newest first',
  about: 'Lists reconciliations. A run that has ended is never changed.',
  examples: ['quittance reconcile list'],
  options: { ...remoteOptions, ...pageOptions },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const page = expectOk(await client.reconciliations(pageOf(words)))
    return printPage(page, words, terminal, 'runs', (data) =>
      table(
        [
          { title: 'RUN' },
          { title: 'STATUS' },
          { title: 'BY', max: 20 },
          { title: 'PAYMENTS', align: 'right' },
          { title: 'MATCHED', align: 'right' },
          { title: 'BREAKS', align: 'right' },
          { title: 'ENDED' },
        ],
        data.map((each) => [
          each.id,
          each.status,
          each.requested_by,
          String(each.payments),
          each.match_rate === null ? '–' : percent(each.match_rate),
          String(Object.values(each.breaks).reduce((sum, count) => sum + count, 0)),
          each.ended_at ?? each.cause ?? '',
        ]),
      ),
    )
  },
}

const statuses = ['open', 'investigating', 'resolved', 'written_off', 'any'] as const

const list: Command = {
  name: 'breaks list',
  summary: 'differences between our payments and the processor’s records',
  about: `
Lists breaks, with the money at stake and how long they are known. They end by a word of yours, or by a run
that finds both sides to agree.`,
  examples: ['quittance breaks list', 'quittance breaks list --status any --json'],
  options: {
    ...remoteOptions,
    status: { value: statuses.join('|'), what: 'which of them (open)' },
    ...pageOptions,
  },
  run: async (words, terminal) => {
    const given = words.text('status') ?? 'open'
    const status = statuses.find((each) => each === given)
    if (status === undefined) {
      throw usageError(`--status is "${given}"; it must be ${statuses.join(', ')}.`)
    }
    const client = await connect(words, 'operator')
    const page = expectOk(await client.breaks({ ...pageOf(words), status }))
    return printPage(page, words, terminal, 'breaks', (data) => breakTable(data, terminal.style))
  },
}

function breakTable(breaks: readonly Break[], style: Style): readonly string[] {
  return table(
    [
      { title: 'BREAK' },
      {
        title: 'SEVERITY',
        paint: (cell) => (cell.startsWith('critical') ? style('red', cell) : cell),
      },
      { title: 'TYPE' },
      { title: 'STATUS' },
      { title: 'AT STAKE', align: 'right' },
      { title: 'AGE', align: 'right' },
      { title: 'PAYMENT' },
      { title: 'OURS', max: 36 },
      { title: 'THEIRS', max: 48 },
    ],
    breaks.map((each) => [
      each.id,
      each.severity,
      each.type,
      each.status,
      each.currency === '' ? '' : formatAmount(each.value_at_risk, each.currency),
      ageOf(each),
      each.payment_id ?? '–',
      each.ours,
      each.theirs,
    ]),
  )
}

/** As finance people sort them. */
function ageOf({ age_seconds: seconds }: Break): string {
  const days = Math.floor(seconds / 86_400)
  return days <= 1 ? '0–1 d' : days <= 3 ? '2–3 d' : days <= 7 ? '4–7 d' : '> 7 d'
}

const acts = {
  investigate: ['investigate', 'say that somebody looks into a break'],
  resolve: ['resolve', 'end a break that is explained or mended'],
  'write-off': ['write_off', 'accept the loss of a break'],
} as const

const acting = Object.entries(acts).map(([word, [act, summary]]): Command => ({
  name: `breaks ${word}`,
  operands: 'BREAK_ID',
  summary,
  about: `
Keeps your word with the break and in the audit. No money moves and no payment is changed. What is resolved
and found again opens anew; what is written off does not.`,
  examples: [`quittance breaks ${word} brk_0123456789abcdef0123456789 --reason "ticket 4711"`],
  options: { ...remoteOptions, reason: whyOption },
  run: async (words, terminal) => {
    const reason = words.needed('reason', whyNeeded)
    const client = await connect(words, 'operator')
    const id = words.operands[0] ?? ''
    const { version } = expectOk(await client.break(id)).break
    const after = expectOk(await client.actOnBreak(id, act, { reason, version })).break
    if (words.is('json')) terminal.out(JSON.stringify(after))
    else for (const line of breakTable([after], terminal.style)) terminal.out(line)
    return exitCodes.ok
  },
}))

export const reconcileCommands: readonly Command[] = [
  run,
  reconcileFile,
  runs,
  reconcileReport,
  list,
  ...acting,
]
