// What an agent or an account may spend. A reservation is taken by the claim from the counters of
// its UTC day and belongs to them for good: spent at capture, given back when the payment ends
// without money. Counters hold what is left, so that a store can refuse with one condition.
import type { Payment } from './payment.ts'

export interface Limits {
  /** Minor units; `null`: no such limit. */
  readonly perPayment: number | null
  readonly perDay: number | null
  /** Payments above this amount wait for a person. */
  readonly approvalAbove: number | null
}

/** By currency; a currency that is not listed is refused. */
export interface Mandate {
  /** One more with each change. */
  readonly version: number
  readonly limits: Readonly<Record<string, Limits>>
}

export interface AgentRow {
  readonly id: string
  readonly account: string
  readonly name: string
  readonly suspended: boolean
  /** `null`: only the account's mandate binds. */
  readonly mandate: Mandate | null
}

export interface AccountRow {
  readonly id: string
  readonly mandate: Mandate | null
}

/** Keyed by the SHA-256 of the token; the token itself is stored nowhere. */
export interface TokenRow {
  readonly role: 'agent' | 'operator'
  /** The agent's id, or the operator's name. */
  readonly subject: string
  readonly createdAtMs: number
}

export interface BudgetRow {
  /** May fall below 0: by a correction, or by a mandate lowered below what is reserved. */
  readonly left: number
  readonly spent: number
  readonly limit: number
  readonly mandateVersion: number
  /** A closed window takes no more claims. */
  readonly closed: boolean
}

/** A mandate that binds a claim, and the counter of its day, as read. */
export interface BindingMandate {
  readonly scope: 'agent' | 'account'
  readonly mandate: Mandate
  readonly budgetKey: string
  readonly budget: { readonly value: BudgetRow; readonly version: number } | null
}

/** The counter of one scope, currency and UTC day. */
export function budgetKey(scope: string, id: string, currency: string, nowMs: number): string {
  return `${scope}:${id}:${currency}:${new Date(nowMs).toISOString().slice(0, 10)}`
}

export type MandateRefusal =
  | { readonly code: 'mandate_currency'; readonly scope: string; readonly currency: string }
  | { readonly code: 'mandate_per_payment'; readonly scope: string; readonly limit: number }
  | {
      readonly code: 'mandate_per_day'
      readonly scope: string
      readonly limit: number
      readonly left: number
    }

/** Does the mandate allow this claim? `null`: yes. */
export function refusalBy(
  binding: BindingMandate,
  amount: number,
  currency: string,
): MandateRefusal | null {
  const { scope, mandate, budget } = binding
  const limits = Object.hasOwn(mandate.limits, currency) ? mandate.limits[currency] : undefined
  if (limits === undefined) return { code: 'mandate_currency', scope, currency }
  if (limits.perPayment !== null && amount > limits.perPayment) {
    return { code: 'mandate_per_payment', scope, limit: limits.perPayment }
  }
  if (limits.perDay === null) return null
  const left = leftUnder(mandate, limits.perDay, budget?.value ?? null)
  if (amount <= left && budget?.value.closed !== true) return null
  return { code: 'mandate_per_day', scope, limit: limits.perDay, left: Math.max(0, left) }
}

/** What is left of a day once its counter is brought to this version of the mandate. */
export function leftUnder(mandate: Mandate, perDay: number, row: BudgetRow | null): number {
  if (row === null) return perDay
  return row.mandateVersion === mandate.version ? row.left : row.left + perDay - row.limit
}

/** The strictest approval threshold of those that bind, or `null`. */
export function approvalThreshold(
  bindings: readonly BindingMandate[],
  currency: string,
): number | null {
  const thresholds = bindings
    .map(({ mandate }) => mandate.limits[currency]?.approvalAbove ?? null)
    .filter((threshold) => threshold !== null)
  return thresholds.length === 0 ? null : Math.min(...thresholds)
}

/** How much of the limits a payment holds now: reserved or spent. */
export function heldAmount(payment: Payment): number {
  switch (payment.state) {
    case 'initiated':
    case 'validated':
    case 'authorised':
      return payment.amount
    case 'captured':
    case 'settled':
    case 'refunded':
      return payment.amountCaptured
    case 'declined':
    case 'rejected':
    case 'voided':
    case 'expired':
      return 0
  }
}

export function spentAmount(payment: Payment): number {
  return 'amountCaptured' in payment ? payment.amountCaptured : 0
}

/** What a change of a payment does to each of its counters; `null`: nothing. */
export function budgetChange(
  before: Payment,
  after: Payment,
): { readonly left: number; readonly spent: number } | null {
  const left = heldAmount(before) - heldAmount(after)
  const spent = spentAmount(after) - spentAmount(before)
  return left === 0 && spent === 0 ? null : { left, spent }
}
