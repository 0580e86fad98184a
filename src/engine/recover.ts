// Rebuilds payments and their guards from the processor's objects, one by one: each in one commit with
// its line in the audit, so that it may be broken off anywhere and begun again. What the store knows
// already is left as it is.
import type { Action, PaymentRow, Processor } from '../ports.ts'
import { decide } from '../core/decide.ts'
import { evolveAll, stamp } from '../core/evolve.ts'
import { endedWithoutMoney, lookAlikeKeys, referenceKey } from '../core/guards.ts'
import type { DetailsRow } from '../core/guards.ts'
import { countersOf, heldAmount, leftUnder, spentAmount } from '../core/mandate.ts'
import type { Counter, Mandate } from '../core/mandate.ts'
import type { Marks } from '../core/marks.ts'
import { next } from '../core/next.ts'
import type { Payment, PaymentEvent, PaymentTerms } from '../core/payment.ts'
import { isDead } from '../core/outcome.ts'
import { dueAtMs } from '../core/step.ts'
import { change } from './change.ts'
import { readWithAllWindows } from './claim-read.ts'
import { circumstances } from './engine.ts'
import type { Engine } from './engine.ts'
import { readGates } from './gates.ts'
import { alikeAlias, billAlias, keyAlias, recoveredPrefix } from './marks.ts'
import { tellCommitted } from './meter.ts'
import { catchUpFacts } from './recover-facts.ts'
import { whyUnknown } from './restore-check.ts'
import type { Sight } from './restore-check.ts'

export interface Recovering {
  readonly by: string
  readonly reason: string
  /** The account of objects that name none; `null`: they are left. */
  readonly account: string | null
}

export type Recovered =
  | { readonly result: 'rebuilt' | 'caught_up'; readonly payment: Payment }
  /** Somebody has to look at it; nothing was written. */
  | { readonly result: 'left'; readonly why: string }

const left = (why: string): Recovered => ({ result: 'left', why })

/** `null`: the store did not say whether it was written; begin again. Rejects where it cannot be read. */
export async function recover(
  engine: Engine,
  found: Sight,
  how: Recovering,
): Promise<Recovered | null> {
  const sight = await mostTelling(engine, found)
  if (sight === null) return left('the processor did not answer a look-up of it: run it again')
  return sight.payment === null ? rebuild(engine, sight, how) : catchUp(engine, sight, how)
}

/**
 * A payment may have several objects where a decline binds no other send: the one that took money, or still
 * may, speaks for it. `null`: the processor did not answer.
 */
async function mostTelling(engine: Engine, sight: Sight): Promise<Sight | null> {
  const { object, paymentId, createdAtMs } = sight.record
  const processor = engine.processors.get(sight.processor)
  const isOver = object.status === 'declined' || isDead(object)
  if (!isOver || object.amountCaptured > 0 || paymentId === null || processor === undefined) {
    return sight
  }
  const asked = { by: 'records', paymentId, objectId: null, sinceMs: createdAtMs } as const
  const told = await processor.lookUp({ ...asked, timeoutMs: lookUpTimeoutMs })
  if (told.finding === 'no_answer') return null
  if (told.finding === 'not_found' || told.object.objectId === object.objectId) return sight
  return { ...sight, record: { ...sight.record, object: told.object } }
}

const lookUpTimeoutMs = 10_000

/** The payment as it would be rebuilt; nothing is written. */
export async function planned(
  engine: Engine,
  sight: Sight,
  account: string | null,
): Promise<Recovered> {
  if (sight.payment !== null) return { result: 'caught_up', payment: sight.payment }
  const drawn = await draw(engine, sight, account)
  return typeof drawn === 'string' ? left(drawn) : { result: 'rebuilt', payment: drawn.payment }
}

// ── A payment that is there ──────────────────────────────────────────────────────────────────────

async function catchUp(
  engine: Engine,
  { processor: name, record, payment: known }: Sight,
  { by, reason }: Recovering,
): Promise<Recovered | null> {
  const processor = engine.processors.get(name)
  const id = known?.id ?? ''
  const changed = await change(
    engine,
    id,
    (payment, nowMs, gates) => ({
      facts: catchUpFacts(payment, {
        record,
        capabilities: processor?.capabilities(payment) ?? null,
        given: circumstances(engine, payment, gates),
        nowMs,
      }),
    }),
    { also: () => [auditLine(engine, id, by, reason)], raiseRun: true },
  )
  if (!('row' in changed))
    return changed.result === 'left' ? left('a newer Quittance wrote it') : null
  const { payment } = changed.row
  return whyUnknown(payment, record) === null
    ? { result: 'caught_up', payment }
    : left(`${payment.id} is ${payment.state} and does not fit object ${record.object.objectId}`)
}

// ── A payment that is not ────────────────────────────────────────────────────────────────────────

interface Drawn {
  readonly payment: Payment
  readonly events: readonly PaymentEvent[]
  readonly row: PaymentRow
  readonly marks: Marks
  readonly billHash: string
  readonly budgets: readonly Budget[]
}

const idPattern = /^pay_[0-9A-Za-z]{1,40}$/
const hashPattern = /^[0-9a-f]{64}$/

/** What would be written, or why nothing can be. */
async function draw(
  engine: Engine,
  { processor: name, record }: Sight,
  otherwise: string | null,
): Promise<Drawn | string> {
  const { paymentId, marks, object } = record
  const processor = engine.processors.get(name)
  if (processor === undefined) return 'its processor is not configured'
  if (paymentId === null || !idPattern.test(paymentId)) return 'it names no payment of ours'
  if (marks === undefined) return 'the adapter of this processor reads no marks'
  const account = marks.account ?? otherwise
  if (account === null) return 'it names no account: say which (`--account`)'
  const { billHash } = marks
  if (billHash === null || !hashPattern.test(billHash)) return 'it carries no hash of its bill'
  const nowMs = engine.time.nowMs(0)
  const atMs = Math.min(record.createdAtMs, nowMs)
  const bare = termsOf({ paymentId, account, billHash, atMs }, marks, record.object, processor)
  const budgets = await readBudgets(engine, bare, object.amount, atMs)
  const terms = { ...bare, budgets: budgets.map(({ key }) => key) }
  const notAfterMs = nowMs + engine.claimPolicy.notAfterDefaultMs
  const claim = { terms, notAfterMs, approval: null, distinctFrom: [], reason: null }
  const claimed = stamp(paymentId, 0, [{ type: 'claimed', ...claim }], atMs)
  const fresh = evolveAll(null, claimed)
  const gates = await readGates(engine, fresh)
  const given = circumstances(engine, fresh, gates)
  const capabilities = processor.capabilities(fresh)
  const facts = catchUpFacts(fresh, { record, capabilities, given, nowMs: atMs })
  const events = [...claimed, ...stamp(paymentId, 1, facts, atMs)]
  const payment = evolveAll(null, events)
  const due = dueAtMs(next(payment, circumstances(engine, payment, gates), nowMs), nowMs)
  return { payment, events, row: { payment, dueAtMs: due, run: 1 }, marks, billHash, budgets }
}

function termsOf(
  named: {
    readonly paymentId: string
    readonly account: string
    readonly billHash: string
    readonly atMs: number
  },
  marks: Marks,
  object: Sight['record']['object'],
  { binding }: Processor,
): Omit<PaymentTerms, 'budgets'> {
  return {
    id: named.paymentId,
    agent: marks.agent ?? 'recovered',
    account: named.account,
    amount: object.amount,
    currency: object.currency,
    payee: marks.payee ?? 'recovered',
    // Whoever asks with the reference finds the payment by its hash; the words are gone.
    reference: `${recoveredPrefix}${named.billHash}`,
    paymentMethod: marks.paymentMethod,
    // Where it is not told, nothing is captured before somebody asks for it.
    capture: marks.capture ?? 'manual',
    binding,
    batch: marks.batch,
    retryOf: marks.retryOf,
    retryCount: marks.retryCount,
    createdAtMs: named.atMs,
  }
}

/** Two starts of it at once write it once: the payment's row must not be there. */
async function rebuild(engine: Engine, sight: Sight, how: Recovering): Promise<Recovered | null> {
  const drawn = await draw(engine, sight, how.account)
  if (typeof drawn === 'string') return left(drawn)
  const { payment, events, row, marks } = drawn
  const earlier = await endRetried(engine, payment)
  const details: DetailsRow = {
    description: null,
    metadata: {},
    distinctFrom: [],
    reason: null,
    ...(marks.asked === null ? {} : { asked: marks.asked }),
  }
  const absent = { absent: true } as const
  const { id } = payment
  const actions: readonly Action[] = [
    { do: 'put', table: 'payment', key: id, value: row, if: absent },
    { do: 'record', paymentId: id, events },
    { do: 'put', table: 'details', key: id, value: details, if: absent },
    ...(await guardActions(engine, drawn, earlier)),
    ...drawn.budgets.map((budget) => budgetAction(budget, payment)),
    auditLine(engine, id, how.by, how.reason),
  ]
  const commitId = engine.ids.next('cmt', engine.time.nowMs(0))
  const { result } = await engine.store.commit({ commitId, actions })
  if (result === 'unknown') return null
  if (result === 'conflict') return left(`${id} was written by somebody else meanwhile: look again`)
  tellCommitted(engine, { before: null, after: payment, events })
  return { result: 'rebuilt', payment }
}

/** A bill was retried only because its first payment had ended: whatever the store knows of it. */
async function endRetried(engine: Engine, { id, retryOf }: Payment): Promise<Payment | null> {
  if (retryOf === null) return null
  const reason = `retried as ${id}`
  const changed = await change(engine, retryOf, (payment, nowMs) =>
    endedWithoutMoney(payment)
      ? { facts: [] }
      : decide(payment, { type: 'void', by: 'recovery', reason }, nowMs),
  )
  return 'row' in changed ? changed.row.payment : null
}

async function guardActions(
  engine: Engine,
  { payment, marks, billHash }: Drawn,
  earlier: Payment | null,
): Promise<readonly Action[]> {
  const { id, account, payee, amount, currency } = payment
  // The payment that it retried is of the same bill, and may know its words.
  const words = earlier === null || earlier.reference.startsWith(recoveredPrefix) ? null : earlier
  const reference =
    words === null
      ? billAlias(account, billHash)
      : referenceKey(account, words.payee, words.reference)
  const [named] = await engine.store.read([{ table: 'reference', key: reference }])
  const bill = { account, payee, amount, currency, reference: words?.reference ?? '' }
  const [byPayee, byReference] = lookAlikeKeys(bill)
  const alikes = [
    ...(marks.payee === null ? [] : [byPayee]),
    ...(words !== null ? [byReference] : []),
    ...(words === null && marks.alikeHash !== null ? [alikeAlias(marks.alikeHash)] : []),
  ]
  return [
    ...(id > (named?.value.paymentId ?? '')
      ? [
          {
            do: 'put',
            table: 'reference',
            key: reference,
            value: { paymentId: id },
            if: asRead(named),
          } as const,
        ]
      : []),
    ...alikes.map(
      (key) => ({ do: 'append', table: 'look_alike', key, paymentId: id, if: null }) as const,
    ),
    ...keyActions(payment, marks),
  ]
}

function keyActions({ id }: Payment, { asked }: Marks): readonly Action[] {
  if (asked === null) return []
  const value = { fingerprint: asked.request, paymentId: id, refundId: null }
  return [{ do: 'put', table: 'key', key: keyAlias(asked.key), value, if: null }]
}

const asRead = (row: { readonly version: number } | null) =>
  row === null ? ({ absent: true } as const) : { version: row.version }

function auditLine(engine: Engine, target: string, by: string, reason: string): Action {
  const atMs = engine.time.nowMs(0)
  const value = { act: 'recover', target, by, reason, atMs } as const
  const key = engine.ids.next('aud', atMs)
  return { do: 'put', table: 'audit', key, value, if: { absent: true } }
}

// ── Budgets ──────────────────────────────────────────────────────────────────────────────────────

interface Budget extends Counter {
  readonly mandate: Mandate
}

/** The counters of its windows, as the claim would have taken from them. */
async function readBudgets(
  engine: Engine,
  terms: Pick<PaymentTerms, 'agent' | 'account' | 'currency' | 'payee'>,
  amount: number,
  atMs: number,
): Promise<readonly Budget[]> {
  if (amount === 0) return []
  const bindings = await readWithAllWindows(engine, terms, terms, atMs)
  return bindings.flatMap((binding) =>
    countersOf(binding, terms.currency).map((each) => ({ ...each, mandate: binding.mandate })),
  )
}

/** May take more than is left: it has been spent. */
function budgetAction({ key, mandate, limit, budget: row }: Budget, payment: Payment): Action {
  const held = heldAmount(payment)
  const value = {
    left: leftUnder(mandate, limit, row?.value ?? null) - held,
    spent: (row?.value.spent ?? 0) + spentAmount(payment),
    limit,
    mandateVersion: mandate.version,
    closed: row?.value.closed ?? false,
  }
  return { do: 'put', table: 'budget', key, value, if: asRead(row) }
}
