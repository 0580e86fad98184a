// Who lives in the world: accounts, agents and what they may spend, the operator, and the bills with
// an agent's habit for each.
import { createHash } from 'node:crypto'

import type { Mandate } from '../src/core/mandate.ts'
import type { Put, Store } from '../src/ports.ts'
import { habitNames } from './agents.ts'
import type { Errand } from './agents.ts'
import type { Options } from './options.ts'
import type { Random } from './random.ts'
import type { Bill } from './witness.ts'

export const operator = 'operator'

export const tokenOf = (who: string): string => `token-of-the-one-called-${who}`

const account = 'account_1'

export function drawBills(random: Random, { bills, amounts }: Options): readonly Bill[] {
  return Array.from({ length: bills }, (_, index) => ({
    id: `bill_${index + 1}`,
    account,
    // Few payees, so that different bills look alike.
    payee: random.pick(['ACME', 'Globex', 'Initech']),
    reference: `INV-${index + 1}`,
    amount: random.pick(amounts),
    currency: random.pick(['EUR', 'EUR', 'EUR', 'USD']),
    meant: 1,
  }))
}

export function drawErrands(random: Random, bills: readonly Bill[], options: Options): Errand[] {
  const habits = options.habits ?? habitNames
  const usual = random.chance(0.3) ? random.pick(habits) : null
  return bills.map((bill) => {
    const habit = usual !== null && random.chance(0.7) ? usual : random.pick(habits)
    const agent = `agent_${random.whole(1, options.agents)}`
    const capture = habit === 'capturer' ? 'manual' : 'automatic'
    const meant = habit === 'distinct' ? 2 : 1
    // Whoever declares a batch answers for its wording: such a bill is never worded anew.
    const batch = habit !== 'paraphraser' && random.chance(0.5) ? 'batch_1' : null
    const own = random.fork(bill.id)
    return { bill: { ...bill, meant }, agent, habit, capture, batch, random: own }
  })
}

export function settleIn(store: Store, options: Options, bills: readonly Bill[]): Promise<unknown> {
  const agents = Array.from({ length: options.agents }, (_, index) => `agent_${index + 1}`)
  const put = (row: Omit<Put, 'do' | 'if'>): Put => ({ do: 'put', if: null, ...row }) as Put // a row of its table
  return store.commit({
    commitId: 'cmt_setting',
    actions: [
      put({
        table: 'account',
        key: account,
        value: { id: account, mandate: mandateOf(options, bills) },
      }),
      put(tokenRow(operator, 'operator')),
      ...agents.flatMap((id) => [
        put({
          table: 'agent',
          key: id,
          value: { id, account, name: id, suspended: false, mandate: agentMandate(id, options) },
        }),
        put(tokenRow(id, 'agent')),
      ]),
    ],
  })
}

function tokenRow(subject: string, role: 'agent' | 'operator'): Omit<Put, 'do' | 'if'> {
  const key = createHash('sha256').update(tokenOf(subject)).digest('hex')
  return { table: 'token', key, value: { role, subject, createdAtMs: 0 } }
}

function mandateOf({ dayLimit, approvals }: Options, bills: readonly Bill[]): Mandate | null {
  if (dayLimit === null && !approvals) return null
  const total = bills.reduce((sum, { amount }) => sum + amount, 0)
  const limits = {
    perPayment: null,
    perDay: dayLimit === null ? null : Math.ceil(total * dayLimit),
    approvalAbove: approvals ? 20_000 : null,
  }
  return { version: 1, limits: { EUR: limits, USD: limits } }
}

function agentMandate(id: string, { agentLimits }: Options): Mandate | null {
  if (!agentLimits || id !== 'agent_1') return null
  const limits = { perPayment: 500_000, perDay: 30_000, approvalAbove: null }
  return { version: 1, limits: { EUR: limits } }
}
