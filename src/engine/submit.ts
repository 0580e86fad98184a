// Claims a payment: one atomic write of key, payment, first event, guards and reservations. The key
// comes first: a replay is answered before anything that could hide a payment which exists.
import { createHash } from 'node:crypto'

import { decideClaim } from '../core/claim.ts'
import type { ClaimRequest } from '../core/claim.ts'
import { evolveAll, stamp } from '../core/evolve.ts'
import {
  keyRowKey,
  lookAlikeKeys,
  looksAlike,
  maxLookAlikes,
  referenceKey,
} from '../core/guards.ts'
import type { DetailsRow } from '../core/guards.ts'
import { countersOf, leftUnder } from '../core/mandate.ts'
import type { BindingMandate } from '../core/mandate.ts'
import { next } from '../core/next.ts'
import { dueAtMs } from '../core/step.ts'
import type { Fact, Payment } from '../core/payment.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action } from '../ports.ts'
import { circumstances } from './engine.ts'
import type { Engine } from './engine.ts'
import { chooseProcessor, readForClaim } from './claim-read.ts'
import type { ClaimRead } from './claim-read.ts'
import { tellCommitted } from './meter.ts'

/** A caller whose token was checked. */
export interface Caller {
  readonly agent: string
  readonly account: string
}

/** The idempotency key with its scope, and what the key was used for. */
export interface RequestKey {
  readonly method: string
  readonly path: string
  readonly key: string
  /** SHA-256 of path and canonical body. */
  readonly fingerprint: string
}

/** A request for a payment whose form was checked by a door. */
export interface PaymentRequest {
  readonly amount: number
  readonly currency: string
  readonly payee: string
  readonly reference: string
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly processor: string | null
  readonly paymentMethod: string | null
  readonly capture: 'automatic' | 'manual'
  readonly retryOf: string | null
  readonly distinctFrom: readonly string[]
  readonly reason: string | null
  readonly batch: string | null
  readonly notAfterMs: number | null
}

export type Submission =
  | { readonly result: 'accepted' | 'replayed'; readonly paymentId: string }
  /** `existing`: the payment whose situation the answer must tell. */
  | {
      readonly result: 'rejected'
      readonly rejection: Rejection
      readonly existing: Payment | null
    }

/** Claims that collide so often are told to come back; nothing was stored by then. */
const maxConflicts = 20

export async function submit(
  engine: Engine,
  caller: Caller,
  key: RequestKey,
  request: PaymentRequest,
  limitedForMs: number | null = null,
): Promise<Submission> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const nowMs = engine.time.nowMs(0)
    const read = await readForClaim(engine, caller, key, request, nowMs)
    if (read.key !== null) return replay(engine, read.key.value, key.fingerprint, request)
    if (limitedForMs !== null) return rejected(tooMany(limitedForMs))
    const claim = toClaim(engine, caller, request, nowMs)
    if (claim === null)
      return rejected(reject('processor_unknown', 'Ask an operator for the names.'))
    const decision = decideClaim(claim, read.facts, engine.claimPolicy, nowMs)
    if (decision.rejection !== undefined) {
      const blocking = decision.rejection.existing?.[0]
      return rejected(decision.rejection, read.payments.get(blocking ?? '') ?? null)
    }
    const stored = await store(engine, caller, key, request, read, decision.facts, nowMs)
    if (stored !== 'conflict') return stored
    // Somebody else claimed meanwhile: a moment apart, the next try finds what they stored.
    await engine.clock.sleep(conflicts)
  }
  return rejected(
    reject('retry_same_key', 'Too many claims collide on this bill; nothing was stored.'),
  )
}

/** An agent asks more often than it may; the key is not used. */
export const tooMany = (retryAfterMs: number): Rejection =>
  reject('rate_limited', 'This agent asks more often than its limit allows.', { retryAfterMs })

const rejected = (rejection: Rejection, existing: Payment | null = null): Submission => ({
  result: 'rejected',
  rejection,
  existing,
})

/** The stored payment of a key that is known, or the refusal of another body or bill under it. */
async function replay(
  engine: Engine,
  row: { readonly fingerprint: string; readonly paymentId: string },
  fingerprint: string,
  { payee, reference }: PaymentRequest,
): Promise<Submission> {
  const { paymentId } = row
  if (row.fingerprint === fingerprint) return { result: 'replayed', paymentId }
  const [existing] = await engine.store.read([{ table: 'payment', key: paymentId }])
  const claimed = existing?.value.payment ?? null
  if (claimed !== null && isAnotherBill(claimed, payee, reference)) {
    const detail = `${paymentId} was claimed with this key, and it is for another payee or reference. `
    return rejected(
      reject(
        'idempotency_key_of_another_bill',
        `${detail}Nothing was stored; ask for this bill under a key of its own.`,
      ),
    )
  }
  const rejection = reject(
    'idempotency_key_reused',
    `This key claimed ${paymentId} with another body. Nothing was stored.`,
    { existing: [paymentId] },
  )
  return rejected(rejection, claimed)
}

// The guard's own idea of a bill.
function isAnotherBill(claimed: Payment, payee: string, reference: string): boolean {
  const { account } = claimed
  const own = referenceKey(account, claimed.payee, claimed.reference)
  return referenceKey(account, payee, reference) !== own
}

function toClaim(
  engine: Engine,
  caller: Caller,
  request: PaymentRequest,
  nowMs: number,
): ClaimRequest | null {
  const processor = chooseProcessor(engine, request)
  if (processor === null) return null
  const { amount, currency, payee, reference, paymentMethod, capture, batch, retryOf } = request
  const shown = { ...caller, amount, currency, payee, reference, paymentMethod, capture }
  return {
    terms: {
      ...shown,
      id: engine.ids.next('pay', nowMs),
      binding: processor.binding,
      batch,
      retryOf,
      createdAtMs: nowMs,
    },
    notAfterMs: request.notAfterMs,
    distinctFrom: request.distinctFrom,
    reason: request.reason,
    approvalHash: createHash('sha256').update(JSON.stringify(shown)).digest('hex'),
  }
}

// ── What is written ──────────────────────────────────────────────────────────────────────────────

async function store(
  engine: Engine,
  caller: Caller,
  key: RequestKey,
  request: PaymentRequest,
  read: ClaimRead,
  facts: readonly Fact[],
  nowMs: number,
): Promise<Submission | 'conflict'> {
  const [claimed] = facts
  if (claimed?.type !== 'claimed') throw new Error('a claim begins with claimed')
  const paymentId = claimed.terms.id
  const events = stamp(paymentId, 0, facts, nowMs)
  const payment = evolveAll(null, events)
  const due = dueAtMs(next(payment, circumstances(engine, payment, read.gates), nowMs), nowMs)
  const keyRow = { fingerprint: key.fingerprint, paymentId, refundId: null }
  const absent = { absent: true } as const
  const actions: Action[] = [
    {
      do: 'put',
      table: 'key',
      key: keyRowKey(caller.agent, key.method, key.path, key.key),
      value: keyRow,
      if: absent,
    },
    {
      do: 'put',
      table: 'payment',
      key: paymentId,
      value: { payment, dueAtMs: due, run: 1 },
      if: absent,
    },
    { do: 'put', table: 'details', key: paymentId, value: detailsOf(request), if: absent },
    { do: 'record', paymentId, events },
    ...referenceActions(payment, read),
    ...lookAlikeActions(payment, read, nowMs),
    ...budgetActions(payment, read.facts.mandates),
  ]
  const committed = await engine.store.commit({ commitId: engine.ids.next('cmt', nowMs), actions })
  if (committed.result === 'conflict') return 'conflict'
  if (committed.result === 'unknown') {
    engine.meter.inDoubt()
    return rejected(
      reject('retry_same_key', 'The store did not say whether the claim was written.'),
    )
  }
  tellCommitted(engine, { before: null, after: payment, events })
  if (due !== null && due <= nowMs) engine.wake(paymentId, 1)
  return { result: 'accepted', paymentId }
}

function detailsOf({ description, metadata, distinctFrom, reason }: PaymentRequest): DetailsRow {
  return { description, metadata, distinctFrom, reason }
}

// A retry holds only while the row still names the payment that ended without money, and while that
// payment is as it was read: late evidence may have found its money.
function referenceActions(payment: Payment, { current }: ClaimRead): readonly Action[] {
  const put = {
    do: 'put',
    table: 'reference',
    key: referenceKey(payment.account, payment.payee, payment.reference),
    value: { paymentId: payment.id },
  } as const
  if (current === null) return [{ ...put, if: { absent: true } }]
  const { id } = current.value.payment
  return [
    { ...put, if: { paymentIs: id } },
    { do: 'check', table: 'payment', key: id, if: { version: current.version } },
  ]
}

function lookAlikeActions(
  payment: Payment,
  { alike, payments, facts }: ClaimRead,
  nowMs: number,
): readonly Action[] {
  return lookAlikeKeys(payment).flatMap((key, index): readonly Action[] => {
    const row = alike[index] ?? null
    const named = row?.value.paymentIds.length ?? 0
    // The bills of a batch are distinct by declaration and must not wait for each other's rows.
    if (payment.batch !== null && named < maxLookAlikes) {
      return [{ do: 'append', table: 'look_alike', key, paymentId: payment.id, if: null }]
    }
    const still = (row?.value.paymentIds ?? []).filter((id) => {
      const named = payments.get(id)
      return named !== undefined && looksAlike(named, nowMs, facts.leap)
    })
    // A row that is full of open payments refuses whoever declares nothing; it need not name more.
    if (still.length >= maxLookAlikes) return []
    const value = { paymentIds: [...still, payment.id] }
    const condition = row === null ? ({ absent: true } as const) : { version: row.version }
    return [{ do: 'put', table: 'look_alike', key, value, if: condition }]
  })
}

// Takes the reservation. A counter of an older mandate is brought to the new one in the same write.
function budgetActions(payment: Payment, mandates: readonly BindingMandate[]): readonly Action[] {
  const { amount, currency } = payment
  const counters = mandates.flatMap((binding) =>
    countersOf(binding, currency).map((counter) => ({ ...counter, mandate: binding.mandate })),
  )
  return counters.map(({ key, limit, budget, mandate }): Action => {
    if (budget?.value.mandateVersion === mandate.version) {
      const condition = { leftAtLeast: amount, mandateVersion: mandate.version }
      return { do: 'add', table: 'budget', key, left: -amount, spent: 0, if: condition }
    }
    const left = leftUnder(mandate, limit, budget?.value ?? null) - amount
    const value = {
      left,
      spent: budget?.value.spent ?? 0,
      limit,
      mandateVersion: mandate.version,
      closed: false,
    }
    const condition = budget === null ? ({ absent: true } as const) : { version: budget.version }
    return { do: 'put', table: 'budget', key, value, if: condition }
  })
}
