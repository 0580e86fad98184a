// The books: balances, journals, and all of them as text for other programs.
import { formatAmount, decimalsOf } from '../../core/money.ts'
import type { Balance, Client, Journal } from '../../client/index.ts'
import { remoteOptions } from '../command.ts'
import type { Command } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import { pageOf, pageOptions, printPage } from '../pages.ts'
import { table } from '../table.ts'
import { exportFormats, sourceOf } from './ledger-export.ts'
import type { ExportFormat } from './ledger-export.ts'

const trialBalance: Command = {
  name: 'ledger trial-balance',
  summary: 'what every account stands at',
  about: `
Shows the balance of each account. Debits and credits of a currency are always equal; what the processor
captured and has not paid out stands as a debit on its clearing account.`,
  examples: ['quittance ledger trial-balance', 'quittance ledger trial-balance --json'],
  options: remoteOptions,
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const { data } = expectOk(await client.trialBalance())
    if (words.is('json')) for (const each of data) terminal.out(JSON.stringify(each))
    else if (data.length === 0) terminal.note('Nothing was captured yet: every account is empty.')
    else for (const line of balanceTable(data)) terminal.out(line)
    return exitCodes.ok
  },
}

function balanceTable(balances: readonly Balance[]): readonly string[] {
  const amount = (value: number, currency: string): string =>
    value === 0 ? '' : formatAmount(value, currency)
  const rows = balances.map(({ account, livemode, debit, credit, currency }) => [
    account,
    livemode ? 'live' : 'test',
    amount(debit, currency),
    amount(credit, currency),
  ])
  const byCurrency = Map.groupBy(balances, ({ livemode, currency }) => `${livemode} ${currency}`)
  const totals = [...byCurrency.values()].map((own) => {
    const [first] = own
    const sum = (side: 'debit' | 'credit'): string =>
      formatAmount(
        own.reduce((total, each) => total + each[side], 0),
        first?.currency ?? '',
      )
    return ['total', first?.livemode === true ? 'live' : 'test', sum('debit'), sum('credit')]
  })
  return table(
    [
      { title: 'ACCOUNT' },
      { title: 'MODE' },
      { title: 'DEBIT', align: 'right' },
      { title: 'CREDIT', align: 'right' },
    ],
    [...rows, ...totals],
  )
}

const journals: Command = {
  name: 'ledger journals',
  summary: 'what was booked, newest first',
  about: `
Lists journals: what was booked, from which account to which, for which payment and which of its events.`,
  examples: [
    'quittance ledger journals --payment pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
    'quittance ledger journals --account account:acme --limit 100',
  ],
  options: {
    ...remoteOptions,
    payment: { value: 'ID', what: 'of this payment only' },
    account: { value: 'NAME', what: 'to or from this account only, such as account:acme' },
    ...pageOptions,
  },
  run: async (words, terminal) => {
    const client = await connect(words, 'operator')
    const [account, payment] = [words.text('account'), words.text('payment')]
    const page = expectOk(
      await client.journals({
        ...pageOf(words),
        ...(account === null ? {} : { account }),
        ...(payment === null ? {} : { payment }),
      }),
    )
    return printPage(page, words, terminal, 'journals', journalTable)
  },
}

function journalTable(entries: readonly Journal[]): readonly string[] {
  return table(
    [
      { title: 'AT' },
      { title: 'KIND' },
      { title: 'AMOUNT', align: 'right' },
      { title: 'DEBIT' },
      { title: 'CREDIT' },
      { title: 'OF' },
    ],
    entries.map((journal) => {
      const { at, kind, currency, postings } = journal
      const [debit, credit] = postings
      const amount = formatAmount(debit?.amount ?? 0, currency)
      return [at, kind, amount, debit?.account ?? '', credit?.account ?? '', sourceOf(journal)]
    }),
  )
}

const formats = Object.keys(exportFormats) as ExportFormat[] // its keys are these

const exportAll: Command = {
  name: 'ledger export',
  summary: 'all journals as CSV, hledger or beancount text',
  about: `
Writes every journal, oldest first, to standard output. Books that were made again from the same events
give the same bytes. --format hledger and --format beancount can be read by those programs as they are.`,
  examples: [
    'quittance ledger export --format csv > journals.csv',
    'quittance ledger export --format hledger | hledger -f - balance',
  ],
  options: { ...remoteOptions, format: { value: formats.join('|'), what: 'the text (csv)' } },
  run: async (words, terminal) => {
    const given = words.text('format') ?? 'csv'
    const format = formats.find((each) => each === given)
    if (format === undefined) {
      throw usageError(`--format is "${given}"; it must be ${formats.join(', ')}.`)
    }
    const client = await connect(words, 'operator')
    const { head, lines } = exportFormats[format]()
    for (const line of head) terminal.out(line)
    for await (const journal of allJournals(client)) {
      if (decimalsOf(journal.currency) === null) throw new Error(`${journal.currency} is unknown`)
      for (const line of lines(journal)) terminal.out(line)
    }
    return exitCodes.ok
  },
}

async function* allJournals(client: Client): AsyncGenerator<Journal> {
  let cursor: string | null = null
  do {
    const query = { order: 'oldest', limit: 100, ...(cursor === null ? {} : { cursor }) } as const
    const page: { data: readonly Journal[]; cursor: string | null } = expectOk(
      await client.journals(query),
    )
    yield* page.data
    cursor = page.cursor
  } while (cursor !== null)
}

export const ledgerCommands: readonly Command[] = [trialBalance, journals, exportAll]
