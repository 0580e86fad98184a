// Looking at payments: list, show, watch, events.
import { setTimeout as sleep } from 'node:timers/promises'

import type { Client, ListQuery, Payment } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { eventTable, paymentSheet, paymentTable } from '../show-payment.ts'
import { clean } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { openRefunds, refundPauseMs } from '../wait-for-refund.ts'

const list: Command = {
  name: 'payments list',
  summary: 'payments, newest first',
  about:
    'Lists payments, newest first, with what each waits for: an operator’s token shows every account, an agent’s its own.',
  examples: [
    'quittance payments list --state authorised',
    'quittance payments list --reference INV-1042 --json',
  ],
  options: {
    ...remoteOptions,
    state: { value: 'STATE', what: 'only those in this state, such as captured or declined' },
    reference: { value: 'TEXT', what: 'only those of this reference' },
    limit: { value: 'N', what: 'at most so many (20, at most 100)' },
    cursor: { value: 'TEXT', what: 'go on where an earlier list ended' },
    all: { what: 'every one of them, page by page' },
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'reader')
    const wanted = {
      state: words.text('state'),
      reference: words.text('reference'),
      cursor: words.text('cursor'),
    }
    const given = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== null))
    const limit = words.integer('limit', 20, 1, 100)
    const { payments, cursor } = words.is('all')
      ? await everyPage(client, given)
      : expectOk(await client.list({ ...given, limit }))
    if (words.is('json')) for (const payment of payments) terminal.out(JSON.stringify(payment))
    else if (payments.length === 0) terminal.note('There are no such payments.')
    else for (const line of paymentTable(payments)) terminal.out(line)
    // A program's list does not say by itself that it goes on.
    if (cursor !== null) terminal.note(`There are more: ${nextCommand(words, limit, cursor)}`)
    return exitCodes.ok
  },
}

async function everyPage(
  client: Client,
  wanted: ListQuery,
): Promise<{ readonly payments: readonly Payment[]; readonly cursor: null }> {
  const all: Payment[] = []
  let cursor = wanted.cursor ?? null
  do {
    const from = cursor === null ? {} : { cursor }
    const page = expectOk(await client.list({ ...wanted, ...from, limit: 100 }))
    all.push(...page.payments)
    cursor = page.cursor
  } while (cursor !== null)
  return { payments: all, cursor }
}

function nextCommand(words: Words, limit: number, cursor: string): string {
  const given = (['url', 'state', 'reference'] as const).flatMap((name) => {
    const text = words.text(name)
    return text === null ? [] : [`--${name} '${text.replaceAll("'", `'\\''`)}'`]
  })
  const json = words.is('json') ? ['--json'] : []
  const rest = [...given, ...json, `--limit ${limit}`, `--cursor ${cursor}`].join(' ')
  return `quittance payments list ${rest} (or --all)`
}

const show: Command = {
  name: 'payments show',
  operands: 'ID',
  summary: 'one payment with all that is known of it',
  about: 'Shows a payment: its state, whether money moved, and what to do next.',
  examples: ['quittance payments show pay_01JD4Z0M8Q'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'reader')
    const { payment } = expectOk(await client.get(words.operands[0] ?? ''))
    return print(payment, words.is('json'), terminal)
  },
}

/** Longer than any wait of a person at a terminal. */
const longestWaitSeconds = 86_400

const watch: Command = {
  name: 'payments watch',
  operands: 'ID',
  summary: 'wait until a payment has ended or needs somebody',
  about: `
Prints each state as it comes and ends when there is nothing to wait for any more, refunds included.
Exits 0 where the money moved, 1 where it did not, or where it or a refund is not known when the time
is up.`,
  examples: ['quittance payments watch pay_01JD4Z0M8Q --timeout 300'],
  options: {
    ...remoteOptions,
    timeout: { value: 'SECONDS', what: 'stop watching after this long (600)' },
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'reader')
    const id = words.operands[0] ?? ''
    const untilMs = performance.now() + words.integer('timeout', 600, 1, longestWaitSeconds) * 1000
    let seen = -1
    for (;;) {
      const { payment } = expectOk(await client.get(id, { waitSeconds: seen < 0 ? 0 : 2 }))
      if (payment.version !== seen) showStep(payment, words.is('json'), terminal)
      seen = payment.version
      const refunding = openRefunds(payment).length > 0
      const waits = payment.next_action.type === 'wait' || refunding
      if (!waits || performance.now() >= untilMs)
        return payment.money_moved === 'yes' && !refunding ? exitCodes.ok : exitCodes.failed
      // The service waits for payments only: who waits for a refund looks again.
      if (refunding) await sleep(refundPauseMs)
    }
  },
}

function showStep(payment: Payment, json: boolean, terminal: Terminal): void {
  const { updated_at: at, state, operation, money_moved: moved, next_action: next } = payment
  const doing = [
    ...(operation === null ? [] : [`, ${operation.kind} ${operation.status}`]),
    ...openRefunds(payment).map((refund) => `, refund ${clean(refund.reference)} open`),
  ].join('')
  terminal.out(
    json
      ? JSON.stringify(payment)
      : `${at}  ${state}${doing}  money moved: ${moved}  next: ${next.type}`,
  )
}

const events: Command = {
  name: 'payments events',
  operands: 'ID',
  summary: 'a payment’s history, every event of it',
  about:
    'Prints what happened to a payment, numbered without gaps, with the evidence for each step.',
  examples: ['quittance payments events pay_01JD4Z0M8Q --json'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'reader')
    const { events: found } = expectOk(await client.events(words.operands[0] ?? ''))
    const lines = words.is('json')
      ? found.map((event) => JSON.stringify(event))
      : eventTable(found, process.stdout.isTTY)
    for (const line of lines) terminal.out(line)
    return exitCodes.ok
  },
}

function print(payment: Payment, json: boolean, terminal: Terminal): ExitCode {
  const lines = json ? [JSON.stringify(payment)] : paymentSheet(payment)
  for (const line of lines) terminal.out(line)
  return exitCodes.ok
}

export const paymentReads: readonly Command[] = [list, show, watch, events]
