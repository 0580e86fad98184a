// Payments as people read them.
import type { Advice, Payment, PaymentEvent } from '../client/index.ts'
import { formatAmount } from '../core/money.ts'
import { clean, table } from './table.ts'
import type { Column } from './table.ts'

const columns: readonly Column[] = [
  { title: 'PAYMENT' },
  { title: 'STATE' },
  { title: 'AMOUNT', align: 'right' },
  { title: 'PAYEE', max: 28 },
  { title: 'REFERENCE', max: 24 },
  { title: 'MONEY MOVED' },
  { title: 'NEXT' },
]

export function paymentTable(payments: readonly Payment[]): readonly string[] {
  return table(
    columns,
    payments.map((payment) => [
      payment.id,
      payment.hold === null ? payment.state : `${payment.state}, ${payment.hold.reason}`,
      formatAmount(payment.amount, payment.currency),
      payment.payee,
      payment.reference,
      payment.money_moved,
      payment.next_action.type,
    ]),
  )
}

export function paymentSheet(payment: Payment): readonly string[] {
  const { operation, hold, currency } = payment
  const money = (amount: number): string => formatAmount(amount, currency)
  const lines: readonly (readonly [string, string | null])[] = [
    ['payment', payment.id],
    ['state', `${payment.state}${why(payment)} (version ${payment.version})`],
    ['money moved', payment.money_moved],
    ['next', adviceSentence(payment)],
    ['hold', hold === null ? null : holdSentence(hold)],
    ['amount', money(payment.amount)],
    ['captured', payment.amount_captured === 0 ? null : money(payment.amount_captured)],
    ['refunded', payment.amount_refunded === 0 ? null : money(payment.amount_refunded)],
    ['reversed', payment.amount_reversed === 0 ? null : money(payment.amount_reversed)],
    ...payment.refunds.map((refund) => ['refund', refundSentence(refund, currency)] as const),
    ['payee', payment.payee],
    ['reference', payment.reference],
    ['description', payment.description],
    ['operation', operation === null ? null : operationSentence(operation)],
    ['processor', [payment.processor, payment.processor_reference].filter(Boolean).join(' ')],
    ['mode', payment.livemode ? 'live' : 'test: no real money'],
    ['agent', `${payment.agent}, account ${payment.account}`],
    ['created', payment.created_at],
    ['updated', payment.updated_at],
  ]
  return sheet(lines)
}

function refundSentence(
  { reference, amount, status }: Payment['refunds'][number],
  currency: string,
): string {
  return `${reference}  ${formatAmount(amount, currency)}  ${status}`
}

/** Names and values, line by line; what is `null` is left out. */
export function sheet(
  lines: readonly (readonly [name: string, value: string | null])[],
): readonly string[] {
  return lines.flatMap(([name, value]) =>
    value === null ? [] : [`${name.padEnd(12)}${clean(value)}`],
  )
}

function holdSentence({ reason, since }: NonNullable<Payment['hold']>): string {
  return since === null ? reason : `${reason} since ${since}`
}

const why = ({ state_reason: reason }: Payment): string => (reason === null ? '' : `, ${reason}`)

function operationSentence({
  kind,
  status,
  attempt,
  sends,
  next_check_at: next,
}: NonNullable<Payment['operation']>): string {
  const looked = next === null ? '' : `, next look ${next}`
  return `${kind} ${status} (attempt ${attempt}, sent ${sends}×${looked})`
}

/** The advice in words. */
function adviceSentence({ next_action: next, new_key_allowed: newKey }: Advice): string {
  switch (next.type) {
    case 'none':
      return newKey ? 'nothing; the bill may be asked again with retry_of this payment' : 'nothing'
    case 'wait':
      return 'wait; Quittance is at work on it, and nothing needs to be sent again'
    case 'ask_human':
      return 'a person must look at it'
    case 'fix_request':
      return 'the request must be changed'
    case 'use_existing':
      return 'use the payment that exists'
    case 'retry_same_key':
      return 'ask again with the same key'
  }
}

/** Cut where a person reads it; in a pipe everything is kept. */
export function eventTable(events: readonly PaymentEvent[], isCut: boolean): readonly string[] {
  const eventColumns: readonly Column[] = [
    { title: '#', align: 'right' },
    { title: 'AT' },
    { title: 'EVENT' },
    { title: 'WHAT', max: isCut ? 90 : Number.MAX_SAFE_INTEGER },
  ]
  return table(
    eventColumns,
    events.map(({ seq, at, type, data }) => [String(seq), at, type, whatOf(data)]),
  )
}

// The small facts, in their order; what is nested stays in --json, but for the evidence.
function whatOf(data: PaymentEvent['data']): string {
  return Object.entries(data)
    .flatMap(([name, value]) => {
      if (value === null || value === '') return []
      if (typeof value === 'string') return [`${name}=${value}`]
      if (typeof value !== 'object') return [`${name}=${JSON.stringify(value)}`]
      const { kind, source, cause } = value as Readonly<Record<string, unknown>> // read with care below
      if (typeof kind === 'string') return [`${name}=${kind}`]
      return typeof source === 'string'
        ? [`by ${source}${typeof cause === 'string' ? ` (${cause})` : ''}`]
        : []
    })
    .join(' ')
}
