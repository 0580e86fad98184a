// One bill of a file: asked for, waited for, and told as what is known of it. It follows the advice of
// every answer and never asks under a second key.
import type { Client, Payment, PaymentRequest, PaymentResult, Problem } from '../../client/index.ts'
import { normalise } from '../../core/normalise.ts'

/**
 * `paid`: money moved. `unpaid`: it ended without. `waiting`: not at its end yet, with somebody or
 * something to wait for. `unknown`: nobody can say now. `refused`: nothing was claimed.
 */
export type BillResult = 'paid' | 'unpaid' | 'waiting' | 'unknown' | 'refused' | 'not_asked'

export interface BillOutcome {
  readonly result: BillResult
  /** A few words: the state, the hold, or why it was refused. */
  readonly why: string
  readonly payment: Payment | null
  readonly problem: Problem | null
  /** An earlier request paid or claimed it; this run only asked. */
  readonly replayed: boolean
}

export const notAsked: BillOutcome = {
  result: 'not_asked',
  why: 'not asked for',
  payment: null,
  problem: null,
  replayed: false,
}

export interface HowToPay {
  readonly waitMs: number
  readonly signal: AbortSignal
  /** A batch has asked for it already; anything but a payment is asked for again, by itself. */
  readonly claimed?: PaymentResult
}

export async function payBill(
  client: Client,
  request: PaymentRequest,
  { waitMs, signal, claimed }: HowToPay,
): Promise<BillOutcome> {
  const asking = { deadlineMs: waitMs, signal }
  if (claimed?.ok === true) return waitForEnd(client, claimed.payment, claimed.replayed, asking)
  const asked = await client.pay(request, { ...asking, waitSeconds: waitSeconds(waitMs) })
  if (!asked.ok) return followProblem(client, request, asked.problem, asking)
  return waitForEnd(client, asked.payment, asked.replayed, asking)
}

type Asking = { readonly deadlineMs: number; readonly signal: AbortSignal }

async function waitForEnd(
  client: Client,
  first: Payment,
  replayed: boolean,
  asking: Asking,
): Promise<BillOutcome> {
  if (first.next_action.type !== 'wait') return told(first, replayed)
  const waited = await client.wait(first.id, asking)
  // It was acknowledged, so it goes on without us; what it came to is what we could not see.
  return waited.ok
    ? told(waited.payment, replayed)
    : { ...unseen(waited.problem, asking), payment: first, replayed }
}

// Another file, or a person, may have asked for this bill before under another key or with other
// words. Where that payment is of the same bill and amount, its end is this bill's end.
async function followProblem(
  client: Client,
  request: PaymentRequest,
  problem: Problem,
  asking: Asking,
): Promise<BillOutcome> {
  const existing = problem.existing_payment?.id
  const isSameBill =
    problem.code === 'duplicate_reference' || problem.code === 'idempotency_key_reused'
  if (isSameBill && existing !== undefined) {
    const got = await client.get(existing, asking)
    if (got.ok && isOf(got.payment, request)) return waitForEnd(client, got.payment, true, asking)
  }
  return isUnclear(problem)
    ? unseen(problem, asking)
    : { ...notAsked, result: 'refused', why: whyRefused(problem), problem }
}

function isOf(payment: Payment, request: PaymentRequest): boolean {
  return (
    payment.amount === request.amount &&
    payment.currency === request.currency &&
    normalise(payment.payee) === normalise(request.payee) &&
    normalise(payment.reference) === normalise(request.reference)
  )
}

/** Asked, and nobody can say what came of it. */
export const isUnclear = (problem: Problem): boolean =>
  problem.money_moved === 'unknown' && problem.next_action.type === 'retry_same_key'

// Time that is up says nothing of the service: it may well be at work on this bill.
function unseen(problem: Problem, { deadlineMs }: Asking): BillOutcome {
  const why =
    problem.status === 0
      ? `not finished within ${deadlineMs / 1000} s: ${problem.detail}`
      : `${problem.title} (${problem.code})`
  return { ...notAsked, result: 'unknown', why, problem }
}

function whyRefused(problem: Problem): string {
  const faults = (problem.errors ?? []).map(({ pointer, reason }) => `${pointer} ${reason}`)
  const which = problem.existing_payment === undefined ? '' : `: ${problem.existing_payment.id}`
  return [`${problem.code}${which}`, ...faults].join('; ')
}

function told(payment: Payment, replayed: boolean): BillOutcome {
  return { result: resultOf(payment), why: whyOf(payment), payment, problem: null, replayed }
}

function resultOf({ money_moved: moved, next_action: next, hold, state }: Payment): BillResult {
  if (moved === 'yes') return 'paid'
  if (moved === 'unknown') return 'unknown'
  const isOpen = state === 'initiated' || state === 'validated' || state === 'authorised'
  return isOpen || hold !== null || next.type === 'wait' ? 'waiting' : 'unpaid'
}

function whyOf({ state, state_reason: reason, hold, next_action: next }: Payment): string {
  if (hold !== null) return `${state}, held: ${hold.reason}`
  if (next.type === 'wait') return `${state}, still at work`
  return reason === null ? state : `${state}: ${reason}`
}

/** So long the answer may be on its way; a wait as long as the deadline would always miss it. */
const answerSeconds = 2

function waitSeconds(waitMs: number): number {
  return Math.min(25, Math.max(0, Math.floor(waitMs / 1000) - answerSeconds))
}
