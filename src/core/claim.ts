// May this request become a payment? Everything that was read is in `ClaimFacts`; the answer holds
// for exactly these versions, which the store's write then conditions on. First reason wins.
import { endedWithoutMoney, looksAlike, maxLookAlikes, maxRetriesPerReference } from './guards.ts'
import { approvalThreshold, countersOf, refusalBy, refusalByTerms } from './mandate.ts'
import type { BindingMandate } from './mandate.ts'
import type { Approval, Fact, Payment, PaymentTerms } from './payment.ts'
import type { Capabilities, Leap } from './policy.ts'
import { reject } from './rejections.ts'
import type { Rejection } from './rejections.ts'

export interface ClaimRequest {
  /** As asked, with what follows from the caller and the configuration; nothing is decided yet. */
  readonly terms: Omit<PaymentTerms, 'retryCount' | 'budgets'>
  /** `null`: the default. */
  readonly notAfterMs: number | null
  readonly distinctFrom: readonly string[]
  readonly reason: string | null
  /** What an approver will be shown, hashed. */
  readonly approvalHash: string
}

export interface ClaimFacts {
  readonly agentSuspended: boolean
  readonly stopped: boolean
  /** `null`: no processor can carry out such a payment. */
  readonly capabilities: Capabilities | null
  /** The payment that the reference row names. */
  readonly current: Payment | null
  /** The payments that the look-alike rows name. */
  readonly alike: readonly Payment[]
  readonly mandates: readonly BindingMandate[]
  readonly leap: Leap | null
}

export interface ClaimPolicy {
  readonly notAfterDefaultMs: number
  readonly approvalMs: number
}

/** Design §4: 24 h each. */
export const defaultClaimPolicy: ClaimPolicy = {
  notAfterDefaultMs: 86_400_000,
  approvalMs: 86_400_000,
}

export type ClaimDecision =
  | { readonly facts: readonly Fact[]; readonly rejection?: never }
  | { readonly rejection: Rejection; readonly facts?: never }

export function decideClaim(
  request: ClaimRequest,
  given: ClaimFacts,
  policy: ClaimPolicy,
  nowMs: number,
): ClaimDecision {
  const rejection =
    refusedNow(given) ??
    refusedByTime(request, nowMs) ??
    refusedByReference(request, given) ??
    refusedByLookAlike(request, given, nowMs) ??
    refusedByMandate(request, given, nowMs)
  return rejection === null ? { facts: accepted(request, given, policy, nowMs) } : { rejection }
}

function refusedNow({ agentSuspended, stopped, capabilities }: ClaimFacts): Rejection | null {
  if (agentSuspended) return reject('agent_suspended', 'An operator must resume it.')
  if (stopped) return reject('stopped', 'An operator must start payments again.')
  if (capabilities === null) {
    return reject('processor_unavailable', 'It takes no such currency or payment method.')
  }
  return null
}

function refusedByTime({ notAfterMs }: ClaimRequest, nowMs: number): Rejection | null {
  return notAfterMs !== null && notAfterMs <= nowMs
    ? reject('too_late', 'The deadline of this payment has passed.')
    : null
}

function refusedByReference({ terms }: ClaimRequest, { current }: ClaimFacts): Rejection | null {
  const { retryOf } = terms
  if (current === null) {
    return retryOf === null
      ? null
      : reject('retry_of_invalid', 'This bill has no payment that could be retried.')
  }
  const existing = [current.id]
  if (retryOf !== null && retryOf !== current.id) {
    return reject('retry_of_invalid', `The bill's payment is ${current.id}.`, { existing })
  }
  if (current.duplicateObjects.length > 0) {
    const found = 'The processor shows a second object of it that holds money.'
    return reject('duplicate_reference', `${current.id}: ${found}`, { existing })
  }
  if (retryOf === null) {
    const how = endedWithoutMoney(current) ? ' It ended without money: ask with retry_of.' : ''
    return reject('duplicate_reference', `It is ${current.id}, ${current.state}.${how}`, {
      existing,
    })
  }
  if (!endedWithoutMoney(current)) {
    return reject('retry_of_invalid', `${current.id} is ${current.state}.`, { existing })
  }
  return current.retryCount >= maxRetriesPerReference
    ? reject('too_many_retries', 'A person must look at this bill.', { existing })
    : null
}

function refusedByLookAlike(
  { terms, distinctFrom }: ClaimRequest,
  { alike, leap }: ClaimFacts,
  nowMs: number,
): Rejection | null {
  const likely = alike.filter(
    (payment) => payment.id !== terms.retryOf && looksAlike(payment, nowMs, leap),
  )
  const unexplained = likely.filter(
    (payment) => !distinctFrom.includes(payment.id) && !isOfSameBatch(payment, terms),
  )
  const existing = unexplained.map((payment) => payment.id)
  const [first] = existing
  if (first !== undefined) {
    return reject(
      'possible_duplicate',
      `${first} has the same amount, and the same payee or reference. Use it, or, only if this is ` +
        'another bill, name it in distinct_from with a reason.',
      { existing },
    )
  }
  if (terms.batch === null && likely.length >= maxLookAlikes) {
    const open = likely.map((payment) => payment.id)
    return reject('possible_duplicate', `${open.length} payments like this are open.`, {
      existing: open,
    })
  }
  return null
}

// Bills of one batch are distinct by declaration; the same reference is caught by its own guard.
function isOfSameBatch(payment: Payment, terms: ClaimRequest['terms']): boolean {
  return terms.batch !== null && payment.batch === terms.batch
}

function refusedByMandate(
  { terms }: ClaimRequest,
  { mandates }: ClaimFacts,
  nowMs: number,
): Rejection | null {
  for (const binding of mandates) {
    const refusal =
      refusalByTerms(binding, terms, nowMs) ?? refusalBy(binding, terms.amount, terms.currency)
    if (refusal !== null) {
      const { code, ...figures } = refusal
      const told = Object.entries(figures).map(([name, value]) => `${name} ${value}`)
      return reject(code, `${told.join(', ')}; asked ${terms.amount} ${terms.currency}.`)
    }
  }
  return null
}

function accepted(
  request: ClaimRequest,
  { current, mandates }: ClaimFacts,
  policy: ClaimPolicy,
  nowMs: number,
): readonly Fact[] {
  const { terms, distinctFrom, reason } = request
  const threshold = approvalThreshold(mandates, terms.currency)
  const approval: Approval | null =
    threshold !== null && terms.amount > threshold
      ? { hash: request.approvalHash, expiresAtMs: nowMs + policy.approvalMs, approvedBy: null }
      : null
  const claimed: Fact = {
    type: 'claimed',
    terms: {
      ...terms,
      retryCount: current === null ? 0 : current.retryCount + 1,
      budgets: mandates.flatMap((each) => countersOf(each, terms.currency)).map(({ key }) => key),
    },
    notAfterMs: request.notAfterMs ?? nowMs + policy.notAfterDefaultMs,
    approval,
    distinctFrom,
    reason,
  }
  const held: Fact = { type: 'held', reason: 'approval_required', detail: `above ${threshold}` }
  return approval === null ? [claimed] : [claimed, held]
}
