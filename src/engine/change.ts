// The one way in which a stored payment changes: read it, decide, write the payment, its events,
// its budgets and when to look again in one commit; on a conflict decide again on the fresh payment.
import { advise } from '../core/advice.ts'
import { budgetChange } from '../core/mandate.ts'
import type { Decision } from '../core/decide.ts'
import { evolveAll, stamp } from '../core/evolve.ts'
import { next } from '../core/next.ts'
import { dueAtMs } from '../core/step.ts'
import { paymentFormat } from '../core/payment.ts'
import type { Payment, PaymentEvent } from '../core/payment.ts'
import type { Rejection } from '../core/rejections.ts'
import type { Action, PaymentRow, Row } from '../ports.ts'
import type { DeadLetterRow } from '../core/dead-letter.ts'
import { deadLetterActions } from './dead-letter-record.ts'
import { circumstances } from './engine.ts'
import type { Engine } from './engine.ts'
import { readGates } from './gates.ts'
import type { Gates } from './gates.ts'
import { tellCommitted } from './meter.ts'

export type Change =
  | {
      readonly result: 'changed' | 'unchanged'
      readonly row: PaymentRow
      /** As it was decided on. */
      readonly gates: Gates
    }
  | { readonly result: 'rejected'; readonly rejection: Rejection; readonly row: PaymentRow }
  | { readonly result: 'not_found' }
  /** A row of the caller's own (`also`) failed its condition; nothing was written. */
  | { readonly result: 'taken' }
  /** The row is not ours to change: written by newer code, or the caller's guard said no. */
  | { readonly result: 'left' }
  /** It may be stored or not. Nothing may be sent or promised on the strength of it. */
  | { readonly result: 'unknown'; readonly why: string }

export interface ChangeOptions {
  /** Looked at on each fresh read; false leaves the payment alone. */
  readonly guard?: (row: PaymentRow) => boolean
  /** Written in the same commit, only if there is something to commit or `always` is set. */
  readonly also?: (after: Payment) => readonly Action[]
  readonly always?: boolean
  /** Looked at in the commit that ends a dead letter; false leaves the payment alone. */
  readonly letterIs?: (letter: DeadLetterRow | null) => boolean
  /** Raise the run: whoever drives the payment now is superseded. */
  readonly raiseRun?: boolean
}

/** Twins that collide this often on one payment are not twins but a fault. */
const maxConflicts = 50

export async function change(
  engine: Engine,
  paymentId: string,
  decideOn: (payment: Payment, nowMs: number, gates: Gates) => Decision,
  options: ChangeOptions = {},
): Promise<Change> {
  for (let conflicts = 0; conflicts < maxConflicts; conflicts += 1) {
    const [row] = await engine.store.read([{ table: 'payment', key: paymentId }])
    if (row === null) return { result: 'not_found' }
    const { payment } = row.value
    if (payment.format > paymentFormat || options.guard?.(row.value) === false)
      return { result: 'left' }
    const gates = await readGates(engine, payment)
    const nowMs = engine.time.nowMs(payment.updatedAtMs)
    const decision = decideOn(payment, nowMs, gates)
    if (decision.rejection !== undefined) {
      return { result: 'rejected', rejection: decision.rejection, row: row.value }
    }
    if (decision.facts.length === 0 && options.always !== true) {
      return { result: 'unchanged', row: row.value, gates }
    }
    const events = stamp(paymentId, payment.seq, decision.facts, nowMs)
    const outcome = await commitChange(engine, row, gates, events, nowMs, options)
    if (outcome !== 'conflict') return outcome
  }
  return { result: 'unknown', why: 'too many conflicts' }
}

async function commitChange(
  engine: Engine,
  row: Row<'payment'>,
  gates: Gates,
  events: readonly PaymentEvent[],
  nowMs: number,
  options: ChangeOptions,
): Promise<Change | 'conflict'> {
  const { payment } = row.value
  const after = evolveAll(payment, events)
  const value: PaymentRow = {
    payment: after,
    dueAtMs: dueAtMs(next(after, circumstances(engine, after, gates), nowMs), nowMs),
    run: row.value.run + (options.raiseRun === true ? 1 : 0),
  }
  const letter = await deadLetterActions(engine, payment, after, events, options.letterIs)
  if (letter === null) return { result: 'left' }
  const committed = await engine.store.commit({
    commitId: engine.ids.next('cmt', nowMs),
    actions: [
      { do: 'put', table: 'payment', key: payment.id, value, if: { version: row.version } },
      ...(events.length > 0 ? [{ do: 'record', paymentId: payment.id, events } as const] : []),
      ...budgetActions(payment, after),
      ...letter,
      ...(options.also?.(after) ?? []),
    ],
  })
  if (committed.result === 'conflict') {
    const isOurs = committed.rows.every(({ table }) => ownTables.includes(table))
    return isOurs ? 'conflict' : { result: 'taken' }
  }
  if (committed.result === 'unknown') {
    engine.meter.inDoubt()
    return { result: 'unknown', why: committed.why }
  }
  tellCommitted(engine, { before: payment, after, events })
  sound(engine, events)
  // Whoever waits, waits until there is nothing to wait for; the steps in between are not worth a read.
  if (advise(after, nowMs).nextAction.type !== 'wait') engine.changes.tell(payment.id)
  return { result: 'changed', row: value, gates }
}

/** A conflict on these is decided again; one on another row is the caller's business. */
const ownTables: readonly string[] = ['payment', 'event', 'dead_letter']

function budgetActions(before: Payment, after: Payment): readonly Action[] {
  const moved = budgetChange(before, after)
  if (moved === null) return []
  return after.budgets.map((key) => ({ do: 'add', table: 'budget', key, ...moved, if: null }))
}

// What a person must hear of, once it is committed.
function sound(engine: Engine, events: readonly PaymentEvent[]): void {
  for (const event of events) {
    const { paymentId } = event
    if (event.type === 'parked') engine.alarm({ kind: 'parked', paymentId, detail: event.reason })
    if (event.type === 'corrected') engine.alarm({ kind: 'corrected', paymentId, detail: event.to })
    if (event.type === 'duplicate_found') {
      engine.alarm({ kind: 'duplicate_object', paymentId, detail: event.object.objectId })
    }
    if (event.type === 'held' && event.reason === 'processor_changed') {
      engine.alarm({ kind: 'processor_changed', paymentId, detail: event.detail })
    }
    if (event.type === 'observed' && isAlarming(event.by.cause)) {
      engine.alarm({ kind: event.by.cause, paymentId, detail: event.by.excerpt ?? '' })
    }
  }
}

function isAlarming(cause: string): cause is 'key_mismatch' | 'mismatched_answer' | 'unreadable' {
  return cause === 'key_mismatch' || cause === 'mismatched_answer' || cause === 'unreadable'
}
