// What the processor keeps of each capture, and into which payout a movement of money goes. Pure.
import type { Charge } from './charges.ts'

/** A balance transaction: positive towards the merchant, negative away from it. */
export interface Movement {
  readonly id: string
  readonly type: 'capture' | 'fee' | 'refund' | 'reversal'
  readonly chargeId: string
  readonly refundId: string | null
  readonly amount: number
  readonly currency: string
  readonly createdAtMs: number
  /** It shows in its settlement from then on. */
  readonly settlesAtMs: number
  readonly settlementId: string
}

/**
 * 2.9 % and 30 minor units, a usual card price, rounded half up; never more than the amount. In
 * integers: 29 × 10^12, the largest amount, is far below 2^53.
 */
export function feeOf(amount: number): number {
  return Math.min(amount, Math.floor((amount * 29 + 500) / 1000) + 30)
}

/** One payout for each UTC day and currency. */
export function settlementId(settlesAtMs: number, currency: string): string {
  return `set_${new Date(settlesAtMs).toISOString().slice(0, 10).replaceAll('-', '')}_${currency}`
}

/**
 * The movements between two states of a charge, found by comparing the amounts: no action can
 * forget to book what it did. Ids are made from the charge's, so that they are stable.
 */
export function movementsBetween(
  before: Charge | null,
  after: Charge,
  settleAfterMs: number,
  nowMs: number,
): readonly Movement[] {
  const tail = after.id.replace(/^ch_/, '')
  const movements: Movement[] = []
  const captured = after.amountCaptured - (before?.amountCaptured ?? 0)
  if (captured > 0) {
    const capturedAtMs = after.capturedAtMs ?? nowMs
    const settlesAtMs = capturedAtMs + settleAfterMs
    const fee = -feeOf(captured)
    movements.push(booked(after, 'capture', `txn_${tail}_c`, captured, capturedAtMs, settlesAtMs))
    movements.push(booked(after, 'fee', `txn_${tail}_f`, fee, settlesAtMs, settlesAtMs))
  }
  const settlesAtMs = nowMs + settleAfterMs
  for (const refund of after.refunds.slice(before?.refunds.length ?? 0)) {
    const id = `txn_${refund.id.replace(/^re_/, '')}_r`
    const movement = booked(after, 'refund', id, -refund.amount, nowMs, settlesAtMs)
    movements.push({ ...movement, refundId: refund.id })
  }
  const reversed = after.amountReversed - (before?.amountReversed ?? 0)
  if (reversed > 0) {
    const id = `txn_${tail}_d${after.amountReversed}`
    movements.push(booked(after, 'reversal', id, -reversed, nowMs, settlesAtMs))
  }
  return movements
}

function booked(
  charge: Charge,
  type: Movement['type'],
  id: string,
  amount: number,
  createdAtMs: number,
  settlesAtMs: number,
): Movement {
  return {
    id,
    type,
    chargeId: charge.id,
    refundId: null,
    amount,
    currency: charge.currency,
    createdAtMs,
    settlesAtMs,
    settlementId: settlementId(settlesAtMs, charge.currency),
  }
}
