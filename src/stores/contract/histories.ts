// Random histories as data, in a world so small that rows meet all the time. `plans.ts` turns what
// is planned here into writes when its turn comes.
import * as fc from 'fast-check'
import type { Put, RowKey, Tables } from '../../ports.ts'
import { closedBreaker } from '../../core/breaker.ts'
import {
  budget,
  captured,
  deadLetter,
  initiated,
  key,
  paymentRow,
  put,
  webhook,
} from './builders.ts'
import type { Guess, Intent, Plan } from './plans.ts'

/** One thing that happens in a history. */
export type Deed =
  | { readonly deed: 'commit'; readonly plans: readonly Plan[] }
  | { readonly deed: 'repeat'; readonly index: number }
  | { readonly deed: 'acknowledge'; readonly publisher: string; readonly limit: number }
  | { readonly deed: 'reopen' }
  /** All at once; the process dies, or the disk fails once, at some moment of it. */
  | { readonly deed: 'crash' | 'disturb'; readonly plans: readonly Plan[]; readonly moment: number }

export const paymentIds = ['pay_1', 'pay_2', 'pay_3']
export const publishers = ['webhook', 'ledger']

const budgetKeys = ['b1', 'b2']
const lookAlikeKeys = ['l1', 'l2']
const webhookKeys = ['w1', 'w2', 'w3']
const deadLetterKeys = ['pay_1', 'pay_2']
const otherTables = [
  'details',
  'agent',
  'account',
  'token',
  'control',
  'breaker',
  'slot',
  'clock',
  'audit',
] as const

/** Every row that a history can touch. */
export const allKeys: readonly RowKey[] = [
  ...paymentIds.map((id) => ({ table: 'payment', key: id }) as const),
  ...budgetKeys.map((id) => ({ table: 'budget', key: id }) as const),
  ...lookAlikeKeys.map((id) => ({ table: 'look_alike', key: id }) as const),
  ...webhookKeys.map((id) => ({ table: 'webhook', key: id }) as const),
  ...deadLetterKeys.map((id) => ({ table: 'dead_letter', key: id }) as const),
  ...otherTables.map((table) => ({ table, key: 'o' }) as const),
  { table: 'key', key: 'k' },
  { table: 'reference', key: 'r' },
]

// ── What may happen ──────────────────────────────────────────────────────────────────────────────

// What a payment was claimed with never changes.
const claimedAs: Readonly<Record<string, { account: string; reference: string }>> = {
  pay_1: { account: 'acct_1', reference: 'INV-1' },
  pay_2: { account: 'acct_2', reference: 'inv-1 ' },
  pay_3: { account: 'acct_1', reference: 'INV-2' },
}

const anyPayment: fc.Arbitrary<Put> = fc
  .record({
    id: fc.constantFrom(...paymentIds),
    make: fc.constantFrom(initiated, captured),
    held: fc.boolean(),
    dueAtMs: fc.option(fc.integer({ min: 1, max: 4 })),
    run: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ id, make, held, dueAtMs, run }) => {
    const payment = make(id, { ...claimedAs[id], holds: held ? ['dead_letter'] : [] })
    return put('payment', id, paymentRow(payment, dueAtMs, run))
  })

const anyBudget: fc.Arbitrary<Put> = fc
  .record({
    id: fc.constantFrom(...budgetKeys),
    left: fc.integer({ min: -1, max: 5 }),
    mandateVersion: fc.constantFrom(1, 2),
    closed: fc.boolean(),
  })
  .map(({ id, left, mandateVersion, closed }) =>
    put('budget', id, budget(left, { mandateVersion, closed })),
  )

const anyWebhook: fc.Arbitrary<Put> = fc
  .record({
    id: fc.constantFrom(...webhookKeys),
    receivedAtMs: fc.integer({ min: 1, max: 3 }),
    observedAtMs: fc.option(fc.constant(9)),
    matched: fc.boolean(),
  })
  .map(({ id, ...facts }) => put('webhook', id, webhook(id, facts)))

const anyDeadLetter: fc.Arbitrary<Put> = fc
  .record({
    id: fc.constantFrom(...deadLetterKeys),
    status: fc.constantFrom('open', 'redriven', 'resolved'),
  })
  .map(({ id, status }) => put('dead_letter', id, deadLetter(id, status)))

const others: { readonly [T in (typeof otherTables)[number]]: (text: string) => Tables[T] } = {
  details: (text) => ({ description: text, metadata: { text }, distinctFrom: [], reason: null }),
  agent: (text) => ({ id: text, account: 'acct_1', name: text, suspended: false, mandate: null }),
  account: (text) => ({ id: text, mandate: null }),
  token: (text) => ({ role: 'agent', subject: text, createdAtMs: 1 }),
  control: (text) => ({ halted: text !== '', by: text, reason: text, atMs: 1 }),
  breaker: (text) => ({ ...closedBreaker, epoch: text.length }),
  slot: (text) => ({ tatMs: text.length }),
  clock: (text) => ({ byMs: text.length, untilMs: text.length }),
  audit: (text) => ({ act: 'note', target: text, by: text, reason: text, atMs: 1 }),
}

const anyPut: fc.Arbitrary<Put> = fc.oneof(
  anyPayment,
  anyBudget,
  anyWebhook,
  anyDeadLetter,
  fc.constantFrom(...paymentIds).map((id): Put => put('key', 'k', key(id))),
  fc.constantFrom(...paymentIds).map((id): Put => put('reference', 'r', { paymentId: id })),
  fc.constantFrom(...lookAlikeKeys).map((id): Put => put('look_alike', id, { paymentIds: [] })),
  fc
    .tuple(fc.constantFrom(...otherTables), fc.string({ unit: 'grapheme' }))
    .map(([table, text]): Put => put(table, 'o', others[table](text))),
)

// Each write has several conditions and one wrong one refuses it, so nearly all are right.
const guess: fc.Arbitrary<Guess> = fc.record({
  by: fc.constantFrom('nothing', 'version', 'version', 'value', 'value'),
  off: fc.constantFrom(...Array.from({ length: 14 }, () => 0), 1, -1),
})

const intent: fc.Arbitrary<Intent> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constant('put'), row: anyPut, guess }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom('delete', 'check'),
      row: fc.constantFrom(...allKeys),
      guess,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('add'),
      key: fc.constantFrom(...budgetKeys),
      by: fc.integer({ min: -3, max: 3 }),
      guess,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('append'),
      key: fc.constantFrom(...lookAlikeKeys),
      paymentId: fc.constantFrom(...paymentIds),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('record'),
      paymentId: fc.constantFrom(...paymentIds),
      ahead: fc.constantFrom(1, 1, 1, 1, 1, 1, 1, 0),
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
)

const rowOf = (each: Intent): string => {
  if (each.do === 'record') return `event ${each.paymentId}`
  if (each.do === 'add') return `budget ${each.key}`
  return each.do === 'append' ? `look_alike ${each.key}` : `${each.row.table} ${each.row.key}`
}

const plan: fc.Arbitrary<Plan> = fc.uniqueArray(intent, {
  minLength: 1,
  maxLength: 6,
  selector: rowOf,
})

/** One alone, or some at once: those judge by the same sight, and often only the first is right. */
const plans = fc.oneof(
  { weight: 2, arbitrary: fc.tuple(plan) },
  { weight: 1, arbitrary: fc.array(plan, { minLength: 2, maxLength: 4 }) },
)

const deeds: fc.Arbitrary<readonly Deed[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ deed: fc.constant('commit'), plans }) },
    { weight: 2, arbitrary: fc.record({ deed: fc.constant('repeat'), index: fc.nat(20) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        deed: fc.constant('acknowledge'),
        publisher: fc.constantFrom(...publishers),
        limit: fc.integer({ min: 1, max: 4 }),
      }),
    },
    { weight: 1, arbitrary: fc.record({ deed: fc.constant('reopen') }) },
    {
      weight: 2,
      arbitrary: fc.record({
        deed: fc.constantFrom('crash', 'disturb'),
        plans,
        moment: fc.nat(20),
      }),
    },
  ),
  { maxLength: 12 },
)

const right: Guess = { by: 'version', off: 0 }

// There are budgets and a bill from the first: adding to nothing says little.
const beginning: Plan = [
  { do: 'put', row: put('budget', 'b1', budget(5)), guess: right },
  { do: 'put', row: put('budget', 'b2', budget(3)), guess: right },
  { do: 'put', row: put('reference', 'r', { paymentId: 'pay_1' }), guess: right },
]

export const history: fc.Arbitrary<readonly Deed[]> = deeds.map((each) => [
  { deed: 'commit', plans: [beginning] },
  ...each,
])
