// What agents and accounts may spend: shown as it was set, and set from a file of the same form.
import { readFile } from 'node:fs/promises'

import type { Bound, BoundMandate, MandateLimits, MandateTerms } from '../../client/index.ts'
import { formatAmount } from '../../core/money.ts'
import { remoteOptions } from '../command.ts'
import type { Command, Words } from '../command.ts'
import { connect, expectOk } from '../connect.ts'
import { exitCodes, usageError } from '../exit.ts'
import type { ExitCode } from '../exit.ts'
import { table } from '../table.ts'
import type { Terminal } from '../terminal.ts'
import { whyNeeded, whyOption } from './stop.ts'

const show: Command = {
  name: 'mandates show',
  operands: 'agent|account ID',
  summary: 'what an agent or an account may spend',
  about: `
Shows the mandate as it was set. Both bind a payment: that of the agent and that of its account. With
--json it is what \`quittance mandates set\` reads. What is left of it is told at GET /v1/mandate?agent=ID.`,
  examples: [
    'quittance mandates show account shop',
    'quittance mandates show agent agent_books --json > mandate.json',
  ],
  options: remoteOptions,
  run: async (words, terminal) => {
    const bound = boundOf(words)
    const client = await connect(words, 'operator')
    return print(expectOk(await client.mandateOf(bound)).mandate, words, terminal)
  },
}

const set: Command = {
  name: 'mandates set',
  operands: 'agent|account ID',
  summary: 'what an agent or an account may spend from its next payment on',
  about: `
Takes the place of the mandate as a whole: what is not in the file is no limit any more, and a currency
that is not in it is refused. Amounts are in minor units. "version" is the one that it replaces, as
\`quittance mandates show --json\` shows it (0: there is none yet); if somebody else has changed it since,
nothing is done. Reservations of payments under way stay.

A file: {"version": 0, "limits": {"EUR": {"per_payment": 50000, "per_day": 200000, "per_month": null,
"per_payee_and_day": null, "approval_above": 20000}}, "payees": [{"prefix": "cloud-"}]}`,
  examples: [
    'quittance mandates set account shop --file mandate.json --reason "the budget of the year"',
  ],
  options: {
    ...remoteOptions,
    file: { value: 'FILE', what: 'the mandate as JSON (required)' },
    reason: whyOption,
  },
  run: async (words, terminal) => {
    const bound = boundOf(words)
    const reason = words.needed('reason', whyNeeded)
    const terms = await readTerms(words.needed('file', 'the mandate is read from it'), bound)
    const client = await connect(words, 'operator')
    return print(
      expectOk(await client.setMandate(bound, terms, { reason })).mandate,
      words,
      terminal,
    )
  },
}

function boundOf({ operands: [scope, id = ''] }: Words): Bound {
  if (scope === 'agent' || scope === 'account') return { scope, id }
  throw usageError(`"${scope ?? ''}" is neither agent nor account: whose mandate is meant?`)
}

/** The service checks the rest, and says where a fault is. */
async function readTerms(
  file: string,
  bound: Bound,
): Promise<MandateTerms & { readonly version: number }> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw usageError(`${file} cannot be read: ${String(error)}`)
  })
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    throw usageError(`${file} is no JSON: ${String(error)}`)
  }
  if (typeof given !== 'object' || given === null) throw usageError(`${file} holds no mandate.`)
  const { object: _, scope, id, ...terms } = given as BoundMandate // checked by the service
  const isOther = (scope ?? bound.scope) !== bound.scope || (id ?? bound.id) !== bound.id
  if (isOther)
    throw usageError(`${file} is the mandate of ${scope} ${id}; leave both out to use it.`)
  return terms as MandateTerms & { readonly version: number }
}

function print(mandate: BoundMandate, words: Words, terminal: Terminal): ExitCode {
  for (const line of words.is('json') ? [JSON.stringify(mandate)] : tell(mandate))
    terminal.out(line)
  return exitCodes.ok
}

function tell(mandate: BoundMandate): readonly string[] {
  const { scope, id, version, limits, payees, payment_methods: methods, expires_at: end } = mandate
  if (limits === null) return [`${scope} ${id}: no mandate (version 0); nothing binds here.`]
  const whom = payees?.map((each) => ('exact' in each ? each.exact : `${each.prefix}…`))
  return [
    `${scope} ${id}: version ${version}, ends ${end ?? 'never'}`,
    `payees: ${whom?.join(', ') ?? 'any'}; payment methods: ${methods?.join(', ') ?? 'any'}`,
    ...limitTable(Object.entries(limits)),
  ]
}

const kinds = [
  'per_payment',
  'per_day',
  'per_month',
  'per_payee_and_day',
  'approval_above',
] as const
const titles = ['A PAYMENT', 'A DAY', 'A MONTH', 'A PAYEE AND DAY', 'A PERSON ABOVE'] as const

function limitTable(limits: readonly (readonly [string, MandateLimits])[]): readonly string[] {
  return table(
    [{ title: 'CURRENCY' }, ...titles.map((title) => ({ title, align: 'right' as const }))],
    limits.map(([currency, each]) => [
      currency,
      ...kinds.map((kind) => {
        const amount = each[kind] ?? null
        return amount === null ? '-' : formatAmount(amount, currency)
      }),
    ]),
  )
}

export const mandateCommands: readonly Command[] = [show, set]
