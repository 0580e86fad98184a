// The books as text that other programs read. Each line follows from its journal alone (and from which
// accounts came before it), so that the same journals are the same bytes.
import { decimalsOf } from '../../core/money.ts'
import type { Journal } from '../../client/index.ts'

export type ExportFormat = 'csv' | 'hledger' | 'beancount'

export interface Export {
  readonly head: readonly string[]
  readonly lines: (journal: Journal) => readonly string[]
}

/** Made anew for each export: a format may have to name an account before its first line. */
export const exportFormats: Readonly<Record<ExportFormat, () => Export>> = {
  csv: () => ({
    head: ['at,kind,payment,seq,account,currency,livemode,amount,break'],
    // Amounts in minor units, as everywhere in the API: nobody rounds them.
    lines: ({ at, kind, payment_id, seq, currency, livemode, postings, break_id }) =>
      postings.map(({ account, amount }) =>
        [at, kind, payment_id, seq, quoted(account), currency, livemode, amount, break_id].join(
          ',',
        ),
      ),
  }),
  hledger: () => ({
    head: ['; Quittance, double entry'],
    lines: (journal) => [
      '',
      `${journal.at.slice(0, 10)} * (${sourceOf(journal)}) ${journal.kind}`,
      ...journal.postings.map(
        ({ account, amount }) =>
          // Two spaces end an account's name there, and a semicolon is a comment.
          `    ${modeOf(journal)}:${account.replace(/[\s;]/g, '_')}  ${decimal(amount, journal)}`,
      ),
    ],
  }),
  beancount: () => {
    const opened = new Set<string>()
    return {
      head: ['; Quittance, double entry'],
      lines: (journal) => {
        const date = journal.at.slice(0, 10)
        const names = journal.postings.map(({ account }) => beanAccount(modeOf(journal), account))
        const fresh = names.filter((name) => !opened.has(name))
        for (const name of fresh) opened.add(name)
        return [
          '',
          ...fresh.map((name) => `${date} open ${name}`),
          `${date} * "${journal.kind}" "${sourceOf(journal)}"`,
          ...journal.postings.map(
            ({ amount }, index) => `  ${names[index] ?? ''}  ${decimal(amount, journal)}`,
          ),
        ]
      },
    }
  },
}

/** The event or the break that it follows from. */
export const sourceOf = ({ payment_id, seq, break_id }: Journal): string =>
  break_id ?? `${payment_id}/${seq}`

const modeOf = ({ livemode }: Journal): string => (livemode ? 'live' : 'test')

/** `-600, EUR` → `-6.00 EUR`, with a point and without separators. */
function decimal(amount: number, { currency }: Journal): string {
  const decimals = decimalsOf(currency) ?? 0
  const digits = String(Math.abs(amount)).padStart(decimals + 1, '0')
  const whole = digits.slice(0, digits.length - decimals)
  const fraction = decimals === 0 ? '' : `.${digits.slice(digits.length - decimals)}`
  return `${amount < 0 ? '-' : ''}${whole}${fraction} ${currency}`
}

const quoted = (text: string): string =>
  // A spreadsheet takes what begins so for a formula.
  /[",\n\r]|^[=+@-]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text

const roots: Readonly<Record<string, string>> = {
  account: 'Liabilities:Accounts',
  clearing: 'Assets:Clearing',
  cash: 'Assets:Cash',
  fees: 'Expenses:Fees',
  write_offs: 'Expenses:WriteOffs',
}

/** Its parts begin with a capital letter or a digit and hold letters, digits and dashes only. */
function beanAccount(mode: string, account: string): string {
  const [kind = '', ...rest] = account.split(':')
  const parts = [mode, ...rest.join(':').split('/')].map((part) => `N-${escaped(part)}`)
  return [roots[kind] ?? 'Equity:Other', ...parts].join(':')
}

// One name for one account, whatever is in it.
const escaped = (text: string): string =>
  text.replace(/[^A-Za-z0-9]/g, (sign) =>
    sign === '-' ? '--' : `-${sign.codePointAt(0)?.toString(16).toUpperCase()}-`,
  )
