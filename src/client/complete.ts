// A bill brought to its end: asked for, waited for, and told in one word of six. It follows the advice of
// every answer and never makes a second key.
import type { Asking } from './ask.ts'
import type { Payment, PaymentRequest, PaymentResult, Problem } from './types.ts'

/**
 * `paid`: money moved. `authorised`: it waits for your capture. `not_paid`: it ended without money, and
 * `payment.new_key_allowed` says whether `retry_of` may follow. `needs_person`: somebody must decide.
 * `refused`: nothing was claimed. `unknown`: not at its end, or nobody can say now; ask again in the
 * same words.
 */
export type Completion =
  | { readonly outcome: 'paid' | 'authorised' | 'not_paid'; readonly payment: Payment }
  | { readonly outcome: 'refused'; readonly problem: Problem }
  | {
      readonly outcome: 'needs_person' | 'unknown'
      readonly payment: Payment | null
      readonly problem: Problem | null
    }

/** What an answer comes to. */
export function outcomeOf(result: PaymentResult): Completion {
  if (!result.ok) {
    const { problem } = result
    const { type } = problem.next_action
    if (type === 'ask_human') return { outcome: 'needs_person', payment: null, problem }
    const isOpen = type === 'retry_same_key' || type === 'wait'
    return isOpen ? { outcome: 'unknown', payment: null, problem } : { outcome: 'refused', problem }
  }
  const { payment } = result
  if (payment.money_moved === 'yes') return { outcome: 'paid', payment }
  const { type } = payment.next_action
  if (type === 'ask_human') return { outcome: 'needs_person', payment, problem: null }
  if (type === 'wait' || payment.money_moved === 'unknown') {
    return { outcome: 'unknown', payment, problem: null }
  }
  return { outcome: payment.state === 'authorised' ? 'authorised' : 'not_paid', payment }
}

interface Asker {
  readonly pay: (
    request: PaymentRequest,
    how: Asking & { readonly waitSeconds?: number },
  ) => Promise<PaymentResult>
  readonly wait: (paymentId: string, how: Asking) => Promise<PaymentResult>
}

/** Longest that the service holds one answer back, in seconds. */
const maxWaitSeconds = 25

export async function complete(
  { pay, wait }: Asker,
  request: PaymentRequest,
  how: Asking,
): Promise<Completion> {
  const asked = await pay(request, { ...how, waitSeconds: maxWaitSeconds })
  if (asked.ok) {
    const waits = asked.payment.next_action.type === 'wait'
    const seen = waits ? await wait(asked.payment.id, how) : asked
    // It was acknowledged: what could not be seen since does not make it a refusal.
    return outcomeOf(seen.ok ? seen : asked)
  }
  // Somebody asked for this bill under another key: its payment is this bill's, if it is of the same sum.
  const existing = asked.problem.existing_payment?.id
  if (asked.problem.code !== 'duplicate_reference' || existing === undefined)
    return outcomeOf(asked)
  const theirs = await wait(existing, how)
  const isSame =
    theirs.ok &&
    theirs.payment.amount === request.amount &&
    theirs.payment.currency === request.currency
  if (isSame) return outcomeOf(theirs)
  const { problem } = asked
  return theirs.ok ? { outcome: 'refused', problem } : outcomeOf(theirs)
}

/** An answer, or its problem as an error: for those who would rather catch than look. */
export function orThrow<Result extends { readonly ok: boolean }>(
  result: Result,
): Extract<Result, { readonly ok: true }> {
  if (result.ok) return result as Extract<Result, { readonly ok: true }> // `ok` tells them apart
  const { problem } = result as Result & { readonly problem: Problem } // the other member
  const { code, detail, money_moved: moved, next_action: next } = problem
  const message = `${code}: ${detail} Money moved: ${moved}; next: ${next.type}.`
  throw Object.assign(new Error(message), { name: 'QuittanceProblem', problem })
}
