// The life of a charge, pure: what each action does to it in which state, and what happens to it by
// itself as time passes. Who may call, keys, faults and storage are elsewhere.
import { feeOf, settlementId } from './settlements.ts'

export type ChargeStatus =
  | 'created'
  | 'processing'
  | 'requires_action'
  | 'authorised'
  | 'captured'
  | 'cancelled'
  | 'expired'
  | 'declined'

export interface Refund {
  readonly id: string
  readonly amount: number
  readonly status: 'succeeded' | 'pending' | 'failed'
  readonly reference: string
  readonly metadata: Readonly<Record<string, string>>
  readonly createdAtMs: number
}

/** What the caller asks for. Amounts are integer minor units. */
export interface Terms {
  readonly amount: number
  readonly currency: string
  readonly payee: string
  readonly paymentMethod: string | null
  readonly reference: string
  readonly metadata: Readonly<Record<string, string>>
}

export interface Charge extends Terms {
  readonly id: string
  readonly status: ChargeStatus
  readonly amountCaptured: number
  readonly amountRefunded: number
  readonly amountReversed: number
  /** One-step: captured in the moment it is authorised. */
  readonly captureAtOnce: boolean
  readonly decline: { readonly code: string; readonly reason: string } | null
  readonly actionUrl: string | null
  readonly createdAtMs: number
  /** When `processing` ends. */
  readonly readyAtMs: number | null
  readonly authorisedAtMs: number | null
  readonly authorisationExpiresAtMs: number | null
  readonly capturedAtMs: number | null
  readonly settlesAtMs: number | null
  readonly settlement: Settlement | null
  readonly refunds: readonly Refund[]
}

export interface Settlement {
  readonly id: string
  readonly settledAtMs: number
  readonly fee: number
  readonly net: number
}

export type EventType =
  | 'charge.authorised'
  | 'charge.captured'
  | 'charge.cancelled'
  | 'charge.expired'
  | 'charge.declined'
  | 'charge.settled'
  | 'charge.reversed'
  | 'refund.succeeded'

export interface Step {
  readonly charge: Charge
  readonly events: readonly EventType[]
}

export type Refusal = 'unexpected_state' | 'amount_too_large'

export type Result = Step | Refusal

/** How long things take. */
export interface Pace {
  readonly settleAfterMs: number
  readonly processingMs: number
}

/** What the issuer says when it is asked to authorise. */
export type Ruling =
  | { readonly says: 'yes'; readonly validForMs: number }
  | { readonly says: 'no'; readonly code: string; readonly reason: string }
  | { readonly says: 'ask_person'; readonly actionUrl: string }
  | { readonly says: 'later'; readonly validForMs: number }

const actionsIn: Readonly<Record<ChargeStatus, readonly Action[]>> = Object.freeze({
  created: ['authorise', 'cancel'],
  processing: ['cancel'],
  requires_action: ['complete', 'cancel'],
  authorised: ['capture', 'cancel'],
  captured: ['refund', 'reverse'],
  cancelled: [],
  expired: [],
  declined: [],
})

type Action = 'authorise' | 'complete' | 'capture' | 'cancel' | 'refund' | 'reverse'

function allows(charge: Charge, action: Action): boolean {
  return actionsIn[charge.status].includes(action)
}

export function create(id: string, terms: Terms, nowMs: number): Charge {
  return {
    ...terms,
    id,
    status: 'created',
    amountCaptured: 0,
    amountRefunded: 0,
    amountReversed: 0,
    captureAtOnce: false,
    decline: null,
    actionUrl: null,
    createdAtMs: nowMs,
    readyAtMs: null,
    authorisedAtMs: null,
    authorisationExpiresAtMs: null,
    capturedAtMs: null,
    settlesAtMs: null,
    settlement: null,
    refunds: [],
  }
}

export function authorise(before: Charge, ruling: Ruling, pace: Pace, nowMs: number): Result {
  if (!allows(before, 'authorise')) return 'unexpected_state'
  switch (ruling.says) {
    case 'yes':
      return authorised(before, nowMs + ruling.validForMs, pace, nowMs)
    case 'no': {
      const decline = { code: ruling.code, reason: ruling.reason }
      return step({ ...before, status: 'declined', decline }, 'charge.declined')
    }
    case 'ask_person':
      return step({ ...before, status: 'requires_action', actionUrl: ruling.actionUrl })
    case 'later': {
      const readyAtMs = nowMs + pace.processingMs
      const authorisationExpiresAtMs = readyAtMs + ruling.validForMs
      return step({ ...before, status: 'processing', readyAtMs, authorisationExpiresAtMs })
    }
  }
}

/** The person did what the issuer wanted. */
export function complete(before: Charge, validForMs: number, pace: Pace, nowMs: number): Result {
  if (!allows(before, 'complete')) return 'unexpected_state'
  return authorised({ ...before, actionUrl: null }, nowMs + validForMs, pace, nowMs)
}

export function capture(before: Charge, amount: number, pace: Pace, nowMs: number): Result {
  if (!allows(before, 'capture')) return 'unexpected_state'
  if (amount > before.amount) return 'amount_too_large'
  const captured: Charge = {
    ...before,
    status: 'captured',
    amountCaptured: amount,
    capturedAtMs: nowMs,
    settlesAtMs: nowMs + pace.settleAfterMs,
  }
  return then({ charge: captured, events: ['charge.captured'] }, settle(captured, nowMs))
}

export function cancel(before: Charge): Result {
  if (!allows(before, 'cancel')) return 'unexpected_state'
  return step({ ...before, status: 'cancelled', actionUrl: null }, 'charge.cancelled')
}

export function refund(before: Charge, made: Refund): Result {
  if (!allows(before, 'refund')) return 'unexpected_state'
  if (made.amount > refundable(before)) return 'amount_too_large'
  const amountRefunded = before.amountRefunded + made.amount
  const refunds = [...before.refunds, made]
  return step({ ...before, amountRefunded, refunds }, 'refund.succeeded')
}

/** A dispute: the money goes back without anybody here having asked for it. */
export function reverse(before: Charge, amount: number): Result {
  if (!allows(before, 'reverse')) return 'unexpected_state'
  if (amount > refundable(before)) return 'amount_too_large'
  return step({ ...before, amountReversed: before.amountReversed + amount }, 'charge.reversed')
}

/** When the charge next changes by itself; `null`: never. */
export function dueAtMs(charge: Charge): number | null {
  if (charge.status === 'processing') return charge.readyAtMs
  if (charge.status === 'authorised') return charge.authorisationExpiresAtMs
  return charge.settlement === null ? charge.settlesAtMs : null
}

/** Everything that fell due by now, dated when it fell due and not when somebody looked. */
export function ripen(before: Charge, pace: Pace, nowMs: number): Step {
  let now: Step = { charge: before, events: [] }
  let dueMs = dueAtMs(before)
  while (dueMs !== null && dueMs <= nowMs) {
    now = then(now, ripenOnce(now.charge, pace, dueMs))
    dueMs = dueAtMs(now.charge)
  }
  return now
}

function ripenOnce(charge: Charge, pace: Pace, dueMs: number): Step {
  if (charge.status === 'processing') {
    return authorised(charge, charge.authorisationExpiresAtMs ?? dueMs, pace, dueMs)
  }
  if (charge.status === 'authorised')
    return step({ ...charge, status: 'expired' }, 'charge.expired')
  return settle(charge, dueMs)
}

function authorised(before: Charge, expiresAtMs: number, pace: Pace, nowMs: number): Step {
  const charge: Charge = {
    ...before,
    status: 'authorised',
    readyAtMs: null,
    authorisedAtMs: nowMs,
    authorisationExpiresAtMs: expiresAtMs,
  }
  const first = step(charge, 'charge.authorised')
  if (!charge.captureAtOnce) return first
  const second = capture(charge, charge.amount, pace, nowMs)
  return typeof second === 'string' ? first : then(first, second)
}

function settle(charge: Charge, nowMs: number): Step {
  const settledAtMs = charge.settlesAtMs
  if (settledAtMs === null || settledAtMs > nowMs) return step(charge)
  const fee = feeOf(charge.amountCaptured)
  const id = settlementId(settledAtMs, charge.currency)
  const settlement = { id, settledAtMs, fee, net: charge.amountCaptured - fee }
  return step({ ...charge, settlement }, 'charge.settled')
}

function refundable(charge: Charge): number {
  return charge.amountCaptured - charge.amountRefunded - charge.amountReversed
}

function step(charge: Charge, ...events: EventType[]): Step {
  return { charge, events }
}

function then(first: Step, second: Step): Step {
  return { charge: second.charge, events: [...first.events, ...second.events] }
}
