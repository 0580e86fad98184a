// Payments as answers: read now or waited for, and shown as they are by then.
import type { Payment } from '../core/payment.ts'
import type { Rejection } from '../core/rejections.ts'
import type { CommandResult } from '../engine/command.ts'
import { readPayment, waitForPayment } from '../engine/read.ts'
import type { PaymentView } from '../engine/read.ts'
import type { Exchange } from './exchange.ts'
import { toPaymentJson } from './representation.ts'
import type { Reply } from './route.ts'
import { ok } from './service.ts'
import { noSuchPayment } from './variables.ts'

/** `waitMs` 0: as it is now. Else until its agent has nothing to wait for, at most that long. */
function lookAt(
  { service: { engine }, request, closing }: Exchange,
  paymentId: string,
  account: string | null,
  waitMs: number,
): Promise<PaymentView | null> {
  if (waitMs === 0) return readPayment(engine, paymentId, account)
  const gone = closing === null ? request.signal : AbortSignal.any([request.signal, closing])
  return waitForPayment(engine, paymentId, account, waitMs, gone)
}

/** The answer with a payment that was accepted or read a moment ago. */
export async function showPayment(
  x: Exchange,
  paymentId: string,
  account: string | null,
  { status, waitMs = 0, replayed = false }: ShowOptions,
): Promise<Reply> {
  const view = await lookAt(x, paymentId, account, waitMs)
  if (view === null) return noSuchPayment
  const answer = ok(status, toPaymentJson(view, x.service.engine.time.nowMs(0)))
  return replayed ? { ...answer, headers: { 'idempotent-replayed': 'true' } } : answer
}

interface ShowOptions {
  readonly status: number
  readonly waitMs?: number
  readonly replayed?: boolean
}

/** What an operator has acted on, as it is now. */
export async function showActed(x: Exchange, result: CommandResult): Promise<Reply> {
  if (result.result === 'rejected') return refusal(result)
  return showPayment(x, result.payment.id, null, { status: 200 })
}

export function refusal(rejected: {
  readonly rejection: Rejection
  readonly existing: Payment | null
}): Reply {
  return { rejection: rejected.rejection, existing: rejected.existing }
}
