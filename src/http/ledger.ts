// The books over HTTP: what every account stands at, and the journals behind it. They are kept from
// events, and so lag a moment behind the payments.
import * as z from 'zod'

import type { Balance, JournalEntry } from '../core/ledger.ts'
import { reject } from '../core/rejections.ts'
import { rfc3339 } from './representation.ts'
import { operatorRead } from './route.ts'
import type { Reply, Route } from './route.ts'
import { cursorOf, limit, noQuery, object, paymentId } from './schemas.ts'
import { ok } from './service.ts'
import { cursor, list, time } from './wire.ts'

const defaultPage = 20

/** A kind, and what it is of. */
const ledgerAccount = z
  .string()
  .regex(
    /^(account|clearing|cash|fees|write_offs):[\x21-\x7e]{1,512}$/,
    'must be an account, as in a journal',
  )

const minor = z.int().meta({ description: 'Minor units of the currency.' })

const balanceJson = z
  .strictObject({
    object: z.literal('balance'),
    account: z.string(),
    currency: z.string(),
    livemode: z.boolean(),
    debit: minor.min(0),
    credit: minor.min(0),
  })
  .meta({ id: 'LedgerBalance' })

export type BalanceJson = z.output<typeof balanceJson>

const journalJson = z
  .strictObject({
    object: z.literal('journal'),
    kind: z.enum(['capture', 'settlement', 'fee', 'refund', 'reversal', 'write_off']),
    payment_id: z.string().nullable().meta({ description: '`null`: no payment of ours.' }),
    seq: z.int().meta({
      description: 'The event of the payment that it follows from; 0: it follows from a break.',
    }),
    break_id: z.string().nullable().meta({ description: 'The break that was written off.' }),
    currency: z.string(),
    livemode: z.boolean(),
    postings: z
      .array(z.strictObject({ account: z.string(), amount: minor }))
      .meta({ description: 'Positive: debit. The sum is zero.' }),
    at: time,
  })
  .meta({ id: 'Journal' })

export type JournalJson = z.output<typeof journalJson>

const balanceListJson = z.strictObject(list(balanceJson)).meta({ id: 'TrialBalance' })
const journalListJson = z.strictObject({ ...list(journalJson), cursor }).meta({ id: 'JournalList' })

const journalsQuery = object({
  account: ledgerAccount.optional(),
  payment: paymentId.optional(),
  order: z
    .enum(['newest', 'oldest'], { error: 'must be newest or oldest' })
    .optional()
    .meta({ description: 'Which come first; default: newest.' }),
  limit,
  cursor: cursorOf(
    z
      .string()
      .regex(/^(\d{1,15}|w\d{1,15}_brk_[0-9a-f]{26})$/, 'must be a cursor that a page ended with'),
  ),
})

const noBooks: Reply = { rejection: reject('not_found', 'This service keeps no ledger.') }

const exampleBalance: BalanceJson = {
  object: 'balance',
  account: 'clearing:simulated/acct_sim',
  currency: 'EUR',
  livemode: false,
  debit: 4_200,
  credit: 0,
}

const trialBalance = operatorRead(
  '/v1/ledger/trial-balance',
  {
    name: 'readTrialBalance',
    summary: 'What every account stands at; of each currency debits and credits are equal',
    status: 200,
    answer: balanceListJson,
    example: { object: 'list', data: [exampleBalance] },
  },
  noQuery,
  async ({ x: { service } }) => {
    if (service.ledger === undefined) return noBooks
    const balances = await service.ledger.balances()
    return ok(200, { object: 'list', data: balances.map(toBalanceJson) })
  },
)

function toBalanceJson({ account, currency, livemode, amount }: Balance): BalanceJson {
  const [debit, credit] = amount < 0n ? [0n, -amount] : [amount, 0n]
  // Exact below 2^53 minor units; of euros that is 90 trillion.
  return {
    object: 'balance',
    account,
    currency,
    livemode,
    debit: Number(debit),
    credit: Number(credit),
  }
}

const exampleJournal: JournalJson = {
  object: 'journal',
  kind: 'capture',
  payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  seq: 6,
  break_id: null,
  currency: 'EUR',
  livemode: false,
  postings: [
    { account: 'clearing:simulated/acct_sim', amount: 4_200 },
    { account: 'account:acme', amount: -4_200 },
  ],
  at: '2026-01-31T12:20:00.000Z',
}

const journals = operatorRead(
  '/v1/ledger/journals',
  {
    name: 'listJournals',
    summary: 'What was booked, for which payment and which of its events',
    status: 200,
    answer: journalListJson,
    example: { object: 'list', data: [exampleJournal], cursor: null },
  },
  journalsQuery,
  async ({ x: { service }, query }) => {
    if (service.ledger === undefined) return noBooks
    const { account, payment, order, limit: most = defaultPage, cursor: from } = query
    const page = await service.ledger.journals({
      limit: most,
      ...(account === undefined ? {} : { account }),
      ...(payment === undefined ? {} : { paymentId: payment }),
      ...(order === undefined ? {} : { order }),
      ...(from === undefined ? {} : { cursor: from }),
    })
    const data = page.entries.map(toJournalJson)
    return ok(200, { object: 'list', data, cursor: page.cursor })
  },
)

function toJournalJson(entry: JournalEntry): JournalJson {
  const { kind, paymentId: payment, seq, currency, livemode, postings, atMs } = entry
  return {
    object: 'journal',
    kind,
    payment_id: payment,
    seq,
    break_id: entry.breakId ?? null,
    currency,
    livemode,
    postings: [...postings],
    at: rfc3339(atMs),
  }
}

export const ledgerRoutes: readonly Route[] = [trialBalance, journals]
