// A file of bills, paid: safe to run twice, because keys and batch follow from the bills.
import { readFile } from 'node:fs/promises'
import { text as textOf } from 'node:stream/consumers'

import { formatAmount } from '../../core/money.ts'
import { readBills } from '../bills/read-bills.ts'
import type { Bill, BillFormat } from '../bills/read-bills.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, stopFor, usageError } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { countResults, payBills } from '../pay/pay-bills.ts'
import type { PaidBill } from '../pay/pay-bills.ts'
import { progressBar } from '../progress-bar.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'

export const pay: Command = {
  name: 'pay',
  operands: 'FILE',
  summary: 'pay the bills of a CSV or JSON Lines file',
  about: `
The first line of a CSV file names the columns: payee, reference, amount, currency, and if wanted
description, payment_method, capture, retry_of, distinct_from, reason, not_after. A JSON Lines file has
one object a line with the same names. An amount has the decimals of its currency in full (19.99 EUR;
30 EUR is refused, write 30.00); a number without a point in JSON is minor units, as in the API (1999).
Nothing is sent unless every line is right. - reads standard input.

Run it again at any time, after a crash too: keys and batch follow from the bills, so that what was
paid is not paid again. What is not known is reported as unknown, never as failed; run it again then.
Columns that are no part of a bill are left out, with a note.`,
  examples: [
    'quittance pay examples/bills.csv',
    'quittance pay bills.jsonl --concurrency 64 --json > results.jsonl',
    `printf 'payee,reference,amount,currency\\nacme,INV-1,19.99,EUR\\n' | quittance pay -`,
  ],
  options: {
    ...remoteOptions,
    concurrency: { value: 'N', what: 'bills waited for at a time (16); 500 are asked for at once' },
    wait: { value: 'SECONDS', what: 'how long one bill is waited for (120)' },
    format: {
      value: 'csv|jsonl',
      what: 'what the file holds (by its name, else by its first character)',
    },
  },
  run: async (words, terminal) => {
    const { bills, batch } = await readFileOfBills(words, terminal)
    const client = await connect(words, 'agent')
    // Whether anybody is there at all, and knows us, is learned before the first bill goes out.
    expectOk(await client.list({ limit: 1 }))
    const stop = new AbortController()
    const interrupt = (): void => stop.abort()
    process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
    const json = words.is('json')
    const soFar: PaidBill[] = []
    const waitSeconds = words.integer('wait', 120, 1, 86_400)
    const paid = await payBills(client, bills, {
      concurrency: words.integer('concurrency', 16, 1, 1_000),
      waitMs: waitSeconds * 1000,
      signal: stop.signal,
      onBill: (each) => {
        soFar.push(each)
        if (json) terminal.out(JSON.stringify(toLine(each)))
        terminal.live(progressBar(soFar.length, bills.length, wordsFor(soFar)))
      },
    })
    terminal.live(null)
    return conclude(paid, { batch, waitSeconds, json }, terminal)
  },
}

async function readFileOfBills(
  words: Words,
  terminal: Terminal,
): Promise<{ readonly bills: readonly Bill[]; readonly batch: string }> {
  const path = words.operands[0] ?? ''
  const reading = path === '-' ? textOf(process.stdin) : readFile(path, 'utf8')
  const text = await reading.catch((error: unknown) => {
    throw usageError(
      `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    )
  })
  const read = readBills(text, formatOf(words, path, text))
  if (read.faults !== undefined) {
    for (const { line, reason } of read.faults.slice(0, 20))
      terminal.note(`${path}:${line}: ${reason}`)
    throw usageError(
      `${path} has ${read.faults.length} ${one(read.faults.length, 'fault')}; nothing was sent.`,
    )
  }
  if (read.ignored.length > 0)
    terminal.note(`Left out, no part of a bill: ${read.ignored.join(', ')}`)
  return read
}

function formatOf(words: Words, path: string, text: string): BillFormat {
  const given = words.text('format')
  if (given === 'csv' || given === 'jsonl') return given
  if (given !== null) throw usageError(`--format is "${given}"; it must be csv or jsonl.`)
  if (/\.csv$/i.test(path)) return 'csv'
  if (/\.(jsonl|ndjson)$/i.test(path)) return 'jsonl'
  return text.trimStart().startsWith('{') ? 'jsonl' : 'csv'
}

const one = (count: number, name: string): string => (count === 1 ? name : `${name}s`)

function wordsFor(paid: readonly PaidBill[]): string {
  return Object.entries(countResults(paid))
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${name.replace('_', ' ')} ${count}`)
    .join('  ')
}

function toLine({ bill, result, why, payment, problem, replayed }: PaidBill): object {
  const { payee, reference, amount, currency } = bill.request
  const { line } = bill
  return { line, payee, reference, amount, currency, result, why, replayed, payment, problem }
}

interface Run {
  readonly batch: string
  readonly waitSeconds: number
  readonly json: boolean
}

function conclude(paid: readonly PaidBill[], run: Run, terminal: Terminal): ExitCode {
  const { batch, json } = run
  const counts = countResults(paid)
  const replayed = paid.filter((each) => each.replayed).length
  // The service was there before the first bill: that it did not answer in time refuses nothing.
  const refusedAll = paid.find(
    ({ problem }) =>
      problem !== null &&
      problem.status !== 0 &&
      counts.paid + counts.unpaid + counts.waiting === 0,
  )
  if (json) terminal.out(JSON.stringify({ batch, bills: paid.length, ...counts, replayed }))
  else for (const line of closing(paid, run, replayed, terminal)) terminal.out(line)
  if (counts.paid === paid.length) return exitCodes.ok
  // Nothing came of any bill: the one reason for it is the message.
  if (
    refusedAll?.problem != null &&
    counts.refused + counts.unknown + counts.not_asked === paid.length
  ) {
    throw stopFor(refusedAll.problem)
  }
  return exitCodes.failed
}

function closing(
  paid: readonly PaidBill[],
  { batch, waitSeconds }: Run,
  replayed: number,
  terminal: Terminal,
): readonly string[] {
  const others = paid.filter(({ result }) => result !== 'paid')
  const rows = others.map(({ bill: { line, request }, result, why, payment }) => [
    String(line),
    request.payee,
    request.reference,
    formatAmount(request.amount, request.currency),
    result.replace('_', ' '),
    why,
    payment?.id ?? '',
  ])
  const columns = [
    { title: 'LINE', align: 'right' },
    { title: 'PAYEE', max: 28 },
    { title: 'REFERENCE', max: 24 },
    { title: 'AMOUNT', align: 'right' },
    { title: 'RESULT', paint: (cell: string) => terminal.style('yellow', cell) },
    { title: 'WHY', max: 60 },
    { title: 'PAYMENT' },
  ] as const
  const known = others.length === 0 ? [] : [...table(columns, rows), '']
  const sums = [...sumsOf(paid)]
    .map(([currency, amount]) => formatAmount(amount, currency))
    .join(', ')
  const again = others.some(
    ({ result }) => result === 'unknown' || result === 'waiting' || result === 'not_asked',
  )
  return [
    ...known,
    `${wordsFor(paid)}  of ${paid.length} ${one(paid.length, 'bill')}${sums === '' ? '' : `; ${sums} moved`}`,
    `batch ${batch}${replayed === 0 ? '' : `, ${replayed} asked for before`}`,
    ...(again
      ? [
          `Not finished within ${waitSeconds} s: run it again. Finished bills are replays, nothing is ` +
            'paid twice.',
        ]
      : []),
  ]
}

function sumsOf(paid: readonly PaidBill[]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const { result, payment } of paid) {
    if (result !== 'paid' || payment === null) continue
    sums.set(payment.currency, (sums.get(payment.currency) ?? 0) + payment.amount_captured)
  }
  return sums
}
