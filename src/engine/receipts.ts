// What a receipt of a payment may say: the outcome of one that is at its end, and nothing while anything
// about it is unknown. The same payment at the same version gives the same words.
import { advise } from '../core/advice.ts'
import { evolve } from '../core/evolve.ts'
import type { Payment, PaymentEvent } from '../core/payment.ts'
import { reject } from '../core/rejections.ts'
import type { Rejection } from '../core/rejections.ts'
import type { ReceiptClaims } from '../receipts/claims.ts'
import type { Engine } from './engine.ts'

export type ReceiptResult =
  | { readonly result: 'claims'; readonly claims: ReceiptClaims }
  | { readonly result: 'rejected'; readonly rejection: Rejection; readonly existing: Payment }
  /** Not there, or of another account. */
  | { readonly result: 'not_found' }

export async function receiptOf(
  engine: Engine,
  paymentId: string,
  account: string | null,
): Promise<ReceiptResult> {
  const [row] = await engine.store.read([{ table: 'payment', key: paymentId }])
  if (row === null || (account !== null && row.value.payment.account !== account)) {
    return { result: 'not_found' }
  }
  const { payment } = row.value
  const claims = claimsOf(payment, await enteredAtMs(engine, payment))
  if (claims !== null) return { result: 'claims', claims }
  const rejection = reject('no_receipt', `${paymentId} is ${payment.state}.`, {
    existing: [paymentId],
  })
  return { result: 'rejected', rejection, existing: payment }
}

/** `null`: it is open, or what became of its money is not known for certain. */
export function claimsOf(payment: Payment, outcomeAtMs: number): ReceiptClaims | null {
  const outcome = outcomeOf(payment)
  // Age changes who is asked, never whether money moved.
  const { moneyMoved } = advise(payment, payment.updatedAtMs)
  if (outcome === null || moneyMoved === 'unknown') return null
  // Never a success that the processor has no name for.
  if (moneyMoved === 'yes' && (payment.objectId ?? '') === '') return null
  const { binding } = payment
  return {
    type: 'quittance.receipt',
    format: 1,
    livemode: binding.livemode,
    payment_id: payment.id,
    agent: payment.agent,
    account: payment.account,
    payee: payment.payee,
    reference: payment.reference,
    amount: payment.amount,
    currency: payment.currency,
    ...outcome,
    money_moved: moneyMoved,
    ...amountsOf(payment),
    processor: binding.processor,
    processor_account: binding.processorAccount,
    processor_reference: payment.objectId,
    version: payment.seq,
    claimed_at: rfc3339(payment.createdAtMs),
    outcome_at: rfc3339(outcomeAtMs),
  }
}

function outcomeOf(payment: Payment): Pick<ReceiptClaims, 'outcome' | 'outcome_reason'> | null {
  switch (payment.state) {
    case 'initiated':
    case 'validated':
    case 'authorised':
      return null
    case 'captured':
    case 'settled':
    case 'refunded':
    case 'expired':
      return { outcome: payment.state, outcome_reason: null }
    case 'declined':
      return { outcome: payment.state, outcome_reason: payment.decline.code }
    case 'rejected':
    case 'voided':
      return { outcome: payment.state, outcome_reason: payment.reason }
  }
}

function amountsOf(payment: Payment) {
  const refunds = 'refunds' in payment ? payment.refunds : []
  const sum = (status: 'open' | 'succeeded'): number =>
    refunds.reduce((total, each) => total + (each.status === status ? each.amount : 0), 0)
  return {
    amount_captured: 'amountCaptured' in payment ? payment.amountCaptured : 0,
    amount_refunded: sum('succeeded'),
    amount_refund_open: sum('open'),
    amount_reversed: 'amountReversed' in payment ? payment.amountReversed : 0,
  }
}

/** More than most histories have. */
const eventsPage = 200

/** When it came into the state that it is in, as its events tell. */
async function enteredAtMs(engine: Engine, { id, seq, state }: Payment): Promise<number> {
  let payment = null as Payment | null
  let atMs = 0
  let afterSeq = 0
  while (afterSeq < seq) {
    const page = await engine.store.events(id, afterSeq, eventsPage)
    // The payment and its events are of one commit: those up to its number are there.
    if (page.length === 0) throw new Error(`${id} has no event after ${afterSeq}`)
    for (const event of page.filter((each: PaymentEvent) => each.seq <= seq)) {
      const after = evolve(payment, event)
      if (after.state !== payment?.state) atMs = event.atMs
      payment = after
    }
    afterSeq = page.at(-1)?.seq ?? seq
  }

  if (payment?.state !== state) throw new Error(`the events of ${id} do not lead to ${state}`)
  return atMs
}

const rfc3339 = (atMs: number): string => new Date(atMs).toISOString()
