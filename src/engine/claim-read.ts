// Everything that a claim is decided on, read at once: the key first, then what stands in its way.
import type { ClaimFacts } from '../core/claim.ts'
import { processorKey, stopKey } from '../core/control.ts'
import { keyRowKey, lookAlikeKeys, referenceKey } from '../core/guards.ts'
import { budgetKey, otherBudgetKey, otherWindows, windowLimit } from '../core/mandate.ts'
import type { BindingMandate, Mandate } from '../core/mandate.ts'
import type { Payment } from '../core/payment.ts'
import type { Processor, Row } from '../ports.ts'
import type { Engine } from './engine.ts'
import type { Gates } from './gates.ts'
import type { Caller, PaymentRequest, RequestKey } from './submit.ts'

export interface ClaimRead {
  readonly key: Row<'key'> | null
  readonly reference: Row<'reference'> | null
  readonly alike: readonly (Row<'look_alike'> | null)[]
  readonly current: Row<'payment'> | null
  readonly payments: ReadonlyMap<string, Payment>
  readonly facts: ClaimFacts
  readonly gates: Gates
}

export async function readForClaim(
  engine: Engine,
  caller: Caller,
  key: RequestKey,
  request: PaymentRequest,
  nowMs: number,
): Promise<ClaimRead> {
  const bill = { ...request, account: caller.account }
  const [byPayee, byReference] = lookAlikeKeys(bill)
  const budgets = {
    agent: budgetKey('agent', caller.agent, request.currency, nowMs),
    account: budgetKey('account', caller.account, request.currency, nowMs),
  }
  const binding = chooseProcessor(engine, request)?.binding ?? noBinding
  const [
    keyRow,
    agent,
    account,
    reference,
    alikePayee,
    alikeReference,
    ofAgent,
    ofAccount,
    ...gates
  ] = await engine.store.read([
    { table: 'key', key: keyRowKey(caller.agent, key.method, key.path, key.key) },
    { table: 'agent', key: caller.agent },
    { table: 'account', key: caller.account },
    { table: 'reference', key: referenceKey(bill.account, bill.payee, bill.reference) },
    { table: 'look_alike', key: byPayee },
    { table: 'look_alike', key: byReference },
    { table: 'budget', key: budgets.agent },
    { table: 'budget', key: budgets.account },
    { table: 'control', key: stopKey },
    { table: 'control', key: processorKey(binding) },
    { table: 'breaker', key: processorKey(binding) },
  ])
  const [stop, pause, breaker] = gates
  const alike = [alikePayee, alikeReference]
  const named = await readNamed(engine, reference, alike)
  const payments = new Map(named.map((row) => [row.value.payment.id, row.value.payment]))
  const current = named.find((row) => row.value.payment.id === reference?.value.paymentId) ?? null
  const mandates = [agent, account].some((row) => needsMore(row, request.currency))
    ? await readWithAllWindows(engine, caller, request, nowMs)
    : bindingMandates(
        { row: agent, budgetKey: budgets.agent, budget: ofAgent },
        { row: account, budgetKey: budgets.account, budget: ofAccount },
      )
  const alikeIds = new Set(alike.flatMap((row) => row?.value.paymentIds ?? []))
  const facts: ClaimFacts = {
    agentSuspended: isSuspended(agent, account),
    stopped: stop?.value.halted === true,
    capabilities: chooseProcessor(engine, request)?.capabilities(request) ?? null,
    current: current?.value.payment ?? null,
    alike: [...payments.values()].filter((payment) => alikeIds.has(payment.id)),
    mandates,
    leap: engine.time.leap(),
  }
  const suspended = facts.agentSuspended
  return {
    key: keyRow,
    reference,
    alike,
    current,
    payments,
    facts,
    gates: { stop, pause, breaker, suspended },
  }
}

/** One by one, or the account as a whole. */
export const isSuspended = (agent: Row<'agent'> | null, account: Row<'account'> | null): boolean =>
  agent === null || agent.value.suspended || account?.value.suspended === true

interface Owner {
  readonly row: Row<'agent'> | Row<'account'> | null
  readonly budgetKey: string
  readonly budget: Row<'budget'> | null
  readonly more?: NonNullable<BindingMandate['more']>
}

type Bill = Pick<PaymentRequest, 'currency' | 'payee'>

const needsMore = (row: Row<'agent'> | Row<'account'> | null, currency: string): boolean =>
  otherWindows.some((window) => windowLimit(row?.value.mandate?.limits[currency], window) !== null)

/**
 * Mandates with windows other than the day, which few have. Mandates and counters come from one read: a
 * counter that is newer than the mandate beside it would be taken back to the older mandate.
 */
export async function readWithAllWindows(
  engine: Pick<Engine, 'store'>,
  caller: Caller,
  bill: Bill,
  atMs: number,
): Promise<readonly BindingMandate[]> {
  const scopes = [
    { scope: 'agent', id: caller.agent },
    { scope: 'account', id: caller.account },
  ] as const
  const keys = scopes.flatMap(({ scope, id }) => [
    budgetKey(scope, id, bill.currency, atMs),
    ...otherWindows.map((window) => otherBudgetKey(window, scope, id, bill, atMs)),
  ])
  const [agent, account, ...rows] = await engine.store.read([
    { table: 'agent', key: caller.agent },
    { table: 'account', key: caller.account },
    ...keys.map((key) => ({ table: 'budget', key }) as const),
  ])
  const owner = (row: Row<'agent'> | Row<'account'> | null, from: number): Owner => ({
    row,
    budgetKey: keys[from] ?? '',
    budget: rows[from] ?? null,
    more: otherWindows.map((window, index) => {
      const at = from + 1 + index
      return { window, key: keys[at] ?? '', budget: rows[at] ?? null }
    }),
  })
  return bindingMandates(owner(agent, 0), owner(account, 1 + otherWindows.length))
}

/** The mandates that this claim has to fit into: the agent's, the account's, or both. */
function bindingMandates(agent: Owner, account: Owner): readonly BindingMandate[] {
  const bind = (scope: BindingMandate['scope'], { row, ...counters }: Owner) => {
    const mandate: Mandate | null = row?.value.mandate ?? null
    return mandate === null ? [] : [{ scope, mandate, ...counters }]
  }
  return [...bind('agent', agent), ...bind('account', account)]
}

/** Of a processor that is not there: no row has this key. */
const noBinding = { processor: '', processorAccount: '', livemode: false }

async function readNamed(
  engine: Engine,
  reference: Row<'reference'> | null,
  alike: readonly (Row<'look_alike'> | null)[],
): Promise<readonly Row<'payment'>[]> {
  const ids = new Set(alike.flatMap((row) => row?.value.paymentIds ?? []))
  if (reference !== null) ids.add(reference.value.paymentId)
  const all = [...ids]
  const rows: Row<'payment'>[] = []
  // A batch may have appended many; the port reads a hundred at once.
  for (let from = 0; from < all.length; from += 100) {
    const keys = all.slice(from, from + 100).map((key) => ({ table: 'payment', key }) as const)
    rows.push(...(await engine.store.read(keys)).filter((row) => row !== null))
  }
  return rows
}

export function chooseProcessor(engine: Engine, request: PaymentRequest): Processor | null {
  if (request.processor !== null) return engine.processors.get(request.processor) ?? null
  const [first] = engine.processors.values()
  return first ?? null
}
