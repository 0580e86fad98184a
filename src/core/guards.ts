// The guards above the key: rows that make two requests for one bill meet, whatever keys they
// carry. Keys are readable text, so that an operator can find a row; parts are escaped.
import type { AskedWith } from './marks.ts'
import { normalise } from './normalise.ts'
import type { Payment } from './payment.ts'
import { leaptMs } from './policy.ts'
import type { Leap } from './policy.ts'

/** A claimed idempotency key. Kept for the life of the payment. */
export interface KeyRow {
  /** SHA-256 of path and canonical body, made by the door. */
  readonly fingerprint: string
  readonly paymentId: string
  readonly refundId: string | null
}

/** The one payment that a bill (account, payee, reference) has now. */
export interface ReferenceRow {
  readonly paymentId: string
}

/** The last payments that look alike, by id, oldest first. Their states are read when needed. */
export interface LookAlikeRow {
  readonly paymentIds: readonly string[]
}

/** What is kept beside the payment because no decision needs it. */
export interface DetailsRow {
  readonly description: string | null
  readonly metadata: Readonly<Record<string, string>>
  readonly distinctFrom: readonly string[]
  readonly reason: string | null
  /** The key that claimed it, as a hash; put there by `marks.ts` of the engine. */
  readonly asked?: AskedWith
}

/** So many open look-alikes fill a row; a full one refuses. */
export const maxLookAlikes = 20

/** A payment that moved money looks alike for so long. */
const lookAlikeWindowMs = 600_000

/** Retries of a bill by `retry_of`; then a person decides. */
export const maxRetriesPerReference = 3

const part = (text: string): string => encodeURIComponent(text)

export function keyRowKey(agent: string, method: string, path: string, key: string): string {
  return `${part(agent)}/${method}${path}/${part(key)}`
}

export function referenceKey(account: string, payee: string, reference: string): string {
  return `${part(account)}/${part(normalise(reference))}/${part(normalise(payee))}`
}

export interface Bill {
  readonly account: string
  readonly payee: string
  readonly reference: string
  readonly amount: number
  readonly currency: string
}

/** Two rows: same payee and amount, same reference and amount. */
export function lookAlikeKeys(bill: Bill): readonly [string, string] {
  const stem = `${part(bill.account)}/${bill.currency}/${bill.amount}`
  return [
    `${stem}/payee/${part(normalise(bill.payee))}`,
    `${stem}/reference/${part(normalise(bill.reference))}`,
  ]
}

/**
 * Is it open, or did it move money a moment ago? Then another like it needs a word of explanation. What
 * was captured before our clock leapt forward is younger than it seems.
 */
export function looksAlike(payment: Payment, nowMs: number, leap: Leap | null): boolean {
  if (payment.duplicateObjects.length > 0) return true
  switch (payment.state) {
    case 'initiated':
    case 'validated':
    case 'authorised':
      return true
    case 'captured':
    case 'settled':
    case 'refunded':
      return nowMs - leaptMs(leap, payment.capturedAtMs) - payment.capturedAtMs < lookAlikeWindowMs
    case 'declined':
    case 'rejected':
    case 'voided':
    case 'expired':
      return false
  }
}

/** Ended, and no money moved: its bill may be asked again with `retry_of`. */
export function endedWithoutMoney(payment: Payment): boolean {
  switch (payment.state) {
    case 'declined':
    case 'rejected':
    case 'voided':
    case 'expired':
      return true
    case 'initiated':
    case 'validated':
    case 'authorised':
    case 'captured':
    case 'settled':
    case 'refunded':
      return false
  }
}
