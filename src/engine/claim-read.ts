// Everything that a claim is decided on, read at once: the key first, then what stands in its way.
import type { ClaimFacts } from '../core/claim.ts'
import { processorKey, stopKey } from '../core/control.ts'
import { keyRowKey, lookAlikeKeys, referenceKey } from '../core/guards.ts'
import { budgetKey } from '../core/mandate.ts'
import type { BindingMandate } from '../core/mandate.ts'
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
  const alikeIds = new Set(alike.flatMap((row) => row?.value.paymentIds ?? []))
  const facts: ClaimFacts = {
    agentSuspended: agent === null || agent.value.suspended,
    stopped: stop?.value.halted === true,
    capabilities: chooseProcessor(engine, request)?.capabilities(request) ?? null,
    current: current?.value.payment ?? null,
    alike: [...payments.values()].filter((payment) => alikeIds.has(payment.id)),
    mandates: bindingMandates(
      { row: agent, budgetKey: budgets.agent, budget: ofAgent },
      { row: account, budgetKey: budgets.account, budget: ofAccount },
    ),
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

interface Owner {
  readonly row: Row<'agent'> | Row<'account'> | null
  readonly budgetKey: string
  readonly budget: Row<'budget'> | null
}

/** The mandates that this claim has to fit into: the agent's, the account's, or both. */
function bindingMandates(agent: Owner, account: Owner): readonly BindingMandate[] {
  const bind = (scope: BindingMandate['scope'], { row, budgetKey: key, budget }: Owner) => {
    const mandate = row?.value.mandate ?? null
    return mandate === null ? [] : [{ scope, mandate, budgetKey: key, budget }]
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
