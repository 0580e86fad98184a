// What an agent or an account may spend. A reservation is taken by the claim from the counters of
// its UTC day and belongs to them for good: spent at capture, given back when the payment ends
// without money. Counters hold what is left, so that a store can refuse with one condition.
import { normalise } from './normalise.ts'
import type { Payment } from './payment.ts'

export interface Limits {
  /** Minor units; `null`: no such limit. */
  readonly perPayment: number | null
  readonly perDay: number | null
  /** Of one UTC month. Left out: no such limit. */
  readonly perMonth?: number | null
  /** To one payee on one UTC day, so that splitting a bill leads nowhere. Left out: no such limit. */
  readonly perPayeeAndDay?: number | null
  /** Payments above this amount wait for a person. */
  readonly approvalAbove: number | null
}

/** By currency; a currency that is not listed is refused. */
export interface Mandate {
  /** One more with each change. */
  readonly version: number
  readonly limits: Readonly<Record<string, Limits>>
  /** Whom it may pay; `null` or left out: anybody. */
  readonly payees?: readonly PayeeRule[] | null
  /** By which payment methods; `null` or left out: any. With a list, a claim has to name one. */
  readonly paymentMethods?: readonly string[] | null
  /** From then on nothing new is claimed under it; `null` or left out: never. */
  readonly expiresAtMs?: number | null
}

/** Compared letter by letter as it was asked: a name that only looks like a listed one is not listed. */
export type PayeeRule = { readonly exact: string } | { readonly prefix: string }

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
  readonly budget: BudgetRead
  /** The other counters that its limits in the claim's currency need. */
  readonly more?: readonly {
    readonly window: OtherWindow
    readonly key: string
    readonly budget: BudgetRead
  }[]
}

type BudgetRead = { readonly value: BudgetRow; readonly version: number } | null

export const otherWindows = ['payee_and_day', 'month'] as const

type OtherWindow = (typeof otherWindows)[number]

/** The counter of one scope, currency and UTC day. */
export function budgetKey(scope: string, id: string, currency: string, nowMs: number): string {
  return `${scope}:${id}:${currency}:${new Date(nowMs).toISOString().slice(0, 10)}`
}

/** The counter of another window of the claim. Names that the guards take for one share one. */
export function otherBudgetKey(
  window: OtherWindow,
  scope: string,
  id: string,
  { currency, payee }: { readonly currency: string; readonly payee: string },
  nowMs: number,
): string {
  const day = budgetKey(scope, id, currency, nowMs)
  return window === 'month'
    ? day.slice(0, -'-01'.length)
    : `${day}:payee:${encodeURIComponent(normalise(payee))}`
}

/** `null`: the window has no limit. */
export function windowLimit(
  limits: Limits | undefined,
  window: 'day' | OtherWindow,
): number | null {
  switch (window) {
    case 'day':
      return limits?.perDay ?? null
    case 'payee_and_day':
      return limits?.perPayeeAndDay ?? null
    case 'month':
      return limits?.perMonth ?? null
  }
}

export interface Counter {
  readonly window: 'day' | OtherWindow
  readonly key: string
  readonly limit: number
  readonly budget: BudgetRead
}

/** The counters that a claim in this currency takes from. */
export function countersOf(binding: BindingMandate, currency: string): readonly Counter[] {
  const { mandate, more = [] } = binding
  const limits = Object.hasOwn(mandate.limits, currency) ? mandate.limits[currency] : undefined
  const day = { window: 'day', key: binding.budgetKey, budget: binding.budget } as const
  return [day, ...more].flatMap((each) => {
    const limit = windowLimit(limits, each.window)
    return limit === null ? [] : [{ ...each, limit }]
  })
}

export type MandateRefusal =
  | { readonly code: 'mandate_expired'; readonly scope: string }
  | { readonly code: 'mandate_payee'; readonly scope: string }
  | { readonly code: 'mandate_payment_method'; readonly scope: string }
  | { readonly code: 'mandate_currency'; readonly scope: string; readonly currency: string }
  | { readonly code: 'mandate_per_payment'; readonly scope: string; readonly limit: number }
  | {
      readonly code: 'mandate_per_day' | 'mandate_per_payee_and_day' | 'mandate_per_month'
      readonly scope: string
      readonly limit: number
      readonly left: number
    }

/** Is it in force, and does it allow this payee and payment method? `null`: yes. */
export function refusalByTerms(
  { scope, mandate }: BindingMandate,
  { payee, paymentMethod }: { readonly payee: string; readonly paymentMethod: string | null },
  nowMs: number,
): MandateRefusal | null {
  const { payees = null, paymentMethods = null, expiresAtMs = null } = mandate
  if (expiresAtMs !== null && expiresAtMs <= nowMs) return { code: 'mandate_expired', scope }
  if (payees !== null && !payees.some((rule) => isNamedBy(rule, payee))) {
    return { code: 'mandate_payee', scope }
  }
  if (paymentMethods === null) return null
  return paymentMethod !== null && paymentMethods.includes(paymentMethod)
    ? null
    : { code: 'mandate_payment_method', scope }
}

const isNamedBy = (rule: PayeeRule, payee: string): boolean =>
  'exact' in rule ? payee === rule.exact : payee.startsWith(rule.prefix)

const refusalOf = {
  day: 'mandate_per_day',
  payee_and_day: 'mandate_per_payee_and_day',
  month: 'mandate_per_month',
} as const

/** Do the mandate's limits allow this claim? `null`: yes. */
export function refusalBy(
  binding: BindingMandate,
  amount: number,
  currency: string,
): MandateRefusal | null {
  const { scope, mandate } = binding
  const limits = Object.hasOwn(mandate.limits, currency) ? mandate.limits[currency] : undefined
  if (limits === undefined) return { code: 'mandate_currency', scope, currency }
  if (limits.perPayment !== null && amount > limits.perPayment) {
    return { code: 'mandate_per_payment', scope, limit: limits.perPayment }
  }
  for (const { window, limit, budget } of countersOf(binding, currency)) {
    const left = leftUnder(mandate, limit, budget?.value ?? null)
    if (amount <= left && budget?.value.closed !== true) continue
    return { code: refusalOf[window], scope, limit, left: Math.max(0, left) }
  }
  return null
}

/** What is left of a window once its counter is brought to this version of the mandate. */
export function leftUnder(mandate: Mandate, limit: number, row: BudgetRow | null): number {
  if (row === null) return limit
  return row.mandateVersion === mandate.version ? row.left : row.left + limit - row.limit
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
