// Restore is not resume. At a start the processor is asked for objects of ours that are newer than what
// the store knows. What the store cannot know of means that it was set back: from then on it must send
// nothing, because what it would send may have been paid already.
import { attemptNumber } from '../core/marks.ts'
import { isOpen, operationOf, refundsOf } from '../core/operation.ts'
import { isDead } from '../core/outcome.ts'
import type { Payment } from '../core/payment.ts'
import type { ProcessorRecord } from '../core/reconcile.ts'
import type { Processor, RecordsPage } from '../ports.ts'
import type { Engine } from './engine.ts'

/** Why the store cannot be what made this object. */
export type Unknown =
  /** It names a payment that is not there. */
  | 'no_payment'
  /** It was made by an attempt that our payment has not opened. */
  | 'no_attempt'
  /** It has moved on by a call that our payment has not made. */
  | 'moved_on'
  /** It was refunded by an attempt of ours that is not there. */
  | 'no_refund'
  /** It carries our installation and no payment. */
  | 'nameless'

export interface Sight {
  readonly processor: string
  readonly record: ProcessorRecord
  readonly payment: Payment | null
  readonly why: Unknown
}

/** Our clock and the processor's may be so far apart. */
const clocksApartMs = 900_000

/** So many hundreds of payments that wait for their capture are looked through. */
const mostPages = 20

const dayMs = 86_400_000
const callTimeoutMs = 10_000

/**
 * From when on objects may be new to the store: its last claim, or the time before which it was not there;
 * and from the first object on that we would capture by ourselves.
 */
export async function newSinceMs({ store, clock }: Engine, madeAtMs: number): Promise<number> {
  const [last] = (await store.list({ account: null, limit: 1 })).rows
  let sinceMs = Math.min(last?.value.payment.createdAtMs ?? madeAtMs, clock.nowMs())
  let cursor: string | null = null
  for (let pages = 0; pages === 0 || (cursor !== null && pages < mostPages); pages += 1) {
    const from: { readonly cursor?: string } = cursor === null ? {} : { cursor }
    const page = await store.list({ account: null, state: 'authorised', limit: 100, ...from })
    for (const { value } of page.rows) {
      const { capture, createdAtMs } = value.payment
      if (capture === 'automatic') sinceMs = Math.min(sinceMs, createdAtMs)
    }
    cursor = page.cursor
  }
  return Math.max(0, sinceMs - clocksApartMs)
}

export type Look =
  | {
      readonly result: 'page'
      readonly sights: readonly Sight[]
      readonly unreadable: number
      readonly cursor: string | null
    }
  | Extract<RecordsPage, { result: 'no_answer' }>

/** A page of a processor's objects since a time, and what of it the store does not know. */
export async function lookForUnknown(
  engine: Engine,
  processor: Processor,
  sinceMs: number,
  cursor: string | null,
): Promise<Look> {
  if (processor.records === undefined) {
    return { result: 'page', sights: [], unreadable: 0, cursor: null }
  }
  // Its clock may be ahead of ours.
  const toMs = engine.clock.nowMs() + dayMs
  const query = { fromMs: sinceMs, toMs, cursor, timeoutMs: callTimeoutMs }
  const page = await processor.records(query)
  if (page.result !== 'page') return page
  const ours = page.records.filter(({ isForeign }) => !isForeign)
  const payments = await paymentsOf(engine, ours)
  const sights = ours.flatMap((record, place): readonly Sight[] => {
    const payment = payments[place] ?? null
    const why = whyUnknown(payment, record)
    return why === null ? [] : [{ processor: processor.binding.processor, record, payment, why }]
  })
  return { result: 'page', sights, unreadable: page.unreadable.length, cursor: page.cursor }
}

async function paymentsOf(
  { store }: Engine,
  records: readonly ProcessorRecord[],
): Promise<readonly (Payment | null)[]> {
  const found: (Payment | null)[] = []
  for (let from = 0; from < records.length; from += 100) {
    const keys = records
      .slice(from, from + 100)
      .map(({ paymentId }) => ({ table: 'payment', key: paymentId ?? '-' }) as const)
    found.push(...(await store.read(keys)).map((row) => row?.value.payment ?? null))
  }
  return found
}

/** `null`: our payment can have made it just as it is, or it can do no harm. */
export function whyUnknown(
  payment: Payment | null,
  { object, paymentId }: ProcessorRecord,
): Unknown | null {
  if (paymentId === null) return 'nameless'
  if (payment === null) return 'no_payment'
  const isNamed =
    payment.objectId === object.objectId || payment.duplicateObjects.includes(object.objectId)
  const number = attemptNumber(object.attemptId)
  const isOpened = number > 0 && number <= payment.attemptsOpened
  const isBeginning = payment.state === 'initiated' || payment.state === 'validated'
  if (!isNamed && !isOpened) {
    const isOver = isDead(object) || object.status === 'declined'
    return isOver && object.amountCaptured === 0 && !isBeginning ? null : 'no_attempt'
  }
  if (hasMovedOn(payment, object)) return 'moved_on'
  return object.refunds.every((refund) => isKnownRefund(payment, refund)) ? null : 'no_refund'
}

// A call that is out is recorded: where none is, or each is proved to have done nothing, what the object
// shows was done in a time that the store has forgotten.
function hasMovedOn(payment: Payment, object: ProcessorRecord['object']): boolean {
  const operation = operationOf(payment)
  const isOut = isOpen(operation)
  if (payment.state === 'authorised') {
    return object.amountCaptured > 0 && !(isOut && operation.kind === 'capture')
  }
  if (payment.state !== 'validated') return false
  if (object.amountCaptured > 0) return !(isOut && operation.attempt.request.oneStep)
  const isLive = ['authorised', 'pending', 'action_required'].includes(object.status)
  return isLive && !isOut
}

function isKnownRefund(
  payment: Payment,
  { objectId, attemptId }: ProcessorRecord['object']['refunds'][number],
): boolean {
  const number = attemptNumber(attemptId)
  const refunds = refundsOf(payment)
  // Made by hand at the processor: reconciliation tells of it.
  if (number === 0 || refunds.some((each) => each.objectId === objectId)) return true
  const own = refunds.find(({ operation }) => operation?.attempt.id === attemptId)
  if (own === undefined) return number <= payment.attemptsOpened
  return own.status !== 'open' || isOpen(own.operation)
}

export type Checked =
  | { readonly result: 'clear' }
  | { readonly result: 'unknown'; readonly count: number; readonly first: readonly Sight[] }
  | { readonly result: 'no_answer'; readonly cause: string }

/** So many are enough to know what happened; `recover` shows the rest. */
const enough = 1_000

/** Asks every processor for all of it. Rejects where the store cannot be read. */
export async function checkRestore(
  engine: Engine,
  sinceMs: number,
  isStopping: () => boolean = () => false,
): Promise<Checked> {
  const found: Sight[] = []
  for (const processor of engine.processors.values()) {
    let cursor: string | null = null
    do {
      if (isStopping()) return { result: 'no_answer', cause: 'stopping' }
      const page: Look = await lookForUnknown(engine, processor, sinceMs, cursor)
      if (page.result !== 'page') return page
      if (page.cursor !== null && page.cursor === cursor) {
        return { result: 'no_answer', cause: 'its pages repeat' }
      }
      found.push(...page.sights)
      cursor = page.cursor
    } while (cursor !== null && found.length < enough)
  }
  if (found.length === 0) return { result: 'clear' }
  return { result: 'unknown', count: found.length, first: found.slice(0, 20) }
}
