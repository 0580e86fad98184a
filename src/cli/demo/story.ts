// What became of the answers that did not come: read from the events, the way an auditor would.
import type { Payment, PaymentEvent } from '../../client/index.ts'
import type { DemoBill } from './bills.ts'
import type { Shown } from './converge.ts'
import type { ProcessorStats } from './processor-side.ts'

export interface Story {
  /** Operations whose outcome nobody knew for a while, and that were settled by evidence. */
  readonly unknownResolved: number
  /** Payments that were ever parked. */
  readonly deadLetters: number
  readonly sentences: readonly string[]
}

type How = 'looked_up' | 'sent_again' | 'answered_late' | 'proved_absent'

export function tellStory(shown: Shown, bills: readonly DemoBill[], stats: ProcessorStats): Story {
  const histories = [...shown.events.values()]
  const resolved = histories.flatMap(unknownsOf)
  const count = (how: How): number => resolved.filter((each) => each === how).length
  const deadLetters = histories.filter((events) =>
    events.some(({ type }) => type === 'parked'),
  ).length
  const f = (name: string): number => stats.faults[name] ?? 0
  const done = f('504_after')
  const not = f('504_before')
  const late = f('late')
  const sentences = [
    `The processor answered ${done + not + late} calls with a gateway's 504. ${done} of them had done what was ` +
      `asked, ${not} had not, and ${late} did it only after the answer.`,
    `Nothing in the answer tells these apart, so none was called failed and none got a new key: the outcome ` +
      `was unknown until there was evidence.`,
    `With timeouts, resets and crashes ${resolved.length} operations were unknown for a while. ${count('looked_up')} ` +
      "were settled by a look at the processor's own object (on our own, or because its webhook hinted at it), " +
      `${count('sent_again')} by the same bytes under the same key, ${count('answered_late')} by an answer that came ` +
      `after all, and ${count('proved_absent')} were proved absent and only then begun anew.`,
    ...example(shown, bills),
  ]
  return { unknownResolved: resolved.length, deadLetters, sentences }
}

const operations = {
  authorise: ['authorised', 'declined', 'expired'],
  capture: ['captured', 'capture_declined'],
  void: ['voided'],
} as const

function unknownsOf(events: readonly PaymentEvent[]): readonly How[] {
  return Object.entries(operations).flatMap(([kind, ends]) => {
    const own = events.filter(({ data }) => read(data, 'target', 'kind') === kind)
    const end = events.find(({ type }) => ends.some((name) => name === type))
    if (own.length === 0 || end === undefined) return []
    const bySource = read(end.data, 'by', 'source')
    const unknown = own.some(isUnknown) || (bySource !== 'answer' && bySource !== undefined)
    return unknown ? [howOf(own, end)] : []
  })
}

const isUnknown = ({ type, data }: PaymentEvent): boolean =>
  type === 'inquired' || (type === 'observed' && data['outcome'] === 'unknown')

function howOf(own: readonly PaymentEvent[], end: PaymentEvent): How {
  const proved = own.some(
    ({ type, data }) =>
      type === 'observed' && data['outcome'] === 'not_executed' && data['sends'] === 'all',
  )
  if (proved) return 'proved_absent'
  const source = read(end.data, 'by', 'source')
  if (source === 'look_up') return 'looked_up'
  return source === 'answer' && own.some(({ type }) => type === 'sent_again')
    ? 'sent_again'
    : 'answered_late'
}

/** One payment's own words: a capture that was answered by a 504 and had happened. */
function example({ payments, events }: Shown, bills: readonly DemoBill[]): readonly string[] {
  const payment = payments.find(
    ({ payee, state }) => payee === 'acct_504_after_capture' && state === 'settled',
  )
  const bill = bills.find(({ id }) => id === payment?.metadata['bill'])
  if (payment === undefined || bill === undefined) return []
  const steps = (events.get(payment.id) ?? []).flatMap((event) => step(event, payment))
  return [`Take bill ${bill.id}: ${steps.join('; ')}. It was charged once.`]
}

function step({ type, at, data }: PaymentEvent, payment: Payment): readonly string[] {
  const seconds = ((Date.parse(at) - Date.parse(payment.created_at)) / 1000).toFixed(2)
  const kind = read(data, 'target', 'kind')
  const source = read(data, 'by', 'source')
  const via =
    source === 'look_up'
      ? ', found by a look-up'
      : source === 'webhook'
        ? ', told by a webhook'
        : ''
  const words: Partial<Record<PaymentEvent['type'], string>> = {
    attempt_opened: `the ${String(kind)} was recorded and sent`,
    sent_again: `the same ${String(kind)} went out again under the same key`,
    authorised: `it was authorised${via}`,
    captured: `it was captured${via}`,
    ...(data['outcome'] === 'unknown' && {
      observed: `it was unknown (${String(read(data, 'by', 'cause'))})`,
    }),
  }
  return words[type] === undefined ? [] : [`at ${seconds} s ${words[type]}`]
}

/** A field of a nested object of an event; events are data of their own kind each. */
function read(data: PaymentEvent['data'], outer: string, inner: string): unknown {
  const value = data[outer]
  return typeof value === 'object' && value !== null
    ? (value as Record<string, unknown>)[inner]
    : undefined
}
