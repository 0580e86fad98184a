// A write as actions on items, each with the judgement of its own failure. The table judges all
// conditions at once; nothing is read, changed here and put back.
import type { Put, Write } from '../../ports.ts'
import { budgetSteps } from './budget-shards.ts'
import {
  clausesOf,
  exists,
  failedForGood,
  holds,
  isAbsent,
  isPlain,
  notByUs,
} from './conditions.ts'
import { eventAttributes } from './event-items.ts'
import { check, insert, remove, update } from './expressions.ts'
import type { ItemAction } from './expressions.ts'
import { headStep } from './head.ts'
import { attributesOf, text, textOf, versionOf, whole } from './items.ts'
import type { Item } from './items.ts'
import { anyCopy, eventsPlace, isCopied, placeOf } from './places.ts'
import type { Judgement, Of, Placed, RowAction, Setting, Step } from './step.ts'

export function stepsOf(write: Write, setting: Setting): readonly Step[] {
  const { commitId } = write
  const placed = write.actions.map((action, at) => ({ at, action }))
  const rows: Placed<RowAction>[] = []
  const records: Placed<Of<'record'>>[] = []
  for (const { at, action } of placed) {
    if (action.do === 'record') records.push({ at, action })
    else rows.push({ at, action })
  }
  const onPayment = (paymentId: string) =>
    rows.find(({ action }) => action.table === 'payment' && action.key === paymentId) ?? null
  const recorded = new Set(records.map(({ action }) => action.paymentId))
  return [
    ...rows.flatMap((each) => {
      if (each.action.table !== 'payment') return rowSteps(each, commitId, setting)
      // Its head goes along with the events.
      if (recorded.has(each.action.key)) return []
      return headStep(each.action.key, each, null, commitId, setting)
    }),
    ...records.flatMap((record) => {
      const payment = onPayment(record.action.paymentId)
      return [
        ...headStep(record.action.paymentId, payment, record, commitId, setting),
        eventStep(record, payment?.action ?? null, commitId, setting),
      ]
    }),
  ]
}

// ── Rows ─────────────────────────────────────────────────────────────────────────────────────────

function rowSteps(
  { at, action }: Placed<RowAction>,
  commitId: string,
  setting: Setting,
): readonly Step[] {
  if (action.table === 'budget' && setting.budgets.shards > 1) {
    return budgetSteps({ at, action }, commitId, setting)
  }
  const judge = (before: Item | undefined) => judgeRow({ at, action }, before, commitId)
  return partsOf(action, setting)
    .map((part) => rowAction(action, part, commitId, setting))
    .flatMap((each) =>
      each === null ? [] : [{ action: each, judge, isPlain: isPlain(action), entry: null }],
    )
}

/** All copies are written together, so any one of them tells of all. */
function partsOf({ do: does, table, if: condition }: RowAction, setting: Setting): number[] {
  if (!isCopied(table)) return [0]
  const looks = does === 'check' || (condition !== null && 'absent' in condition && does !== 'put')
  return looks
    ? [anyCopy(table, setting.copies, setting.random)]
    : Array.from({ length: setting.copies }, (_, part) => part)
}

const count = { computed: { v: 'if_not_exists(v, :zero) + :one' } }
const countValues = { ':zero': whole(0), ':one': whole(1) }

/** `null`: there is nothing to look at and nothing to do. */
function rowAction(
  action: RowAction,
  part: number,
  commitId: string,
  { table, ...shards }: Setting,
): ItemAction | null {
  const place = placeOf(action, part)
  const clauses = clausesOf(action.if)
  const c = text(commitId)
  switch (action.do) {
    case 'put': {
      const attributes = { ...attributesOf(action, shards), c }
      const change = { attributes, ...count, values: countValues }
      return update(table, place, change, [...clauses, notByUs(commitId)])
    }
    case 'add': {
      const computed = { ...count.computed, lf: 'lf + :left', sp: 'sp + :spent' }
      const values = {
        ...countValues,
        ':left': whole(action.left),
        ':spent': whole(action.spent),
      }
      const change = { attributes: { c }, computed, values }
      return update(table, place, change, [exists, ...clauses, notByUs(commitId)])
    }
    case 'append': {
      const computed = { ...count.computed, ids: 'list_append(if_not_exists(ids, :none), :new)' }
      const values = {
        ...countValues,
        ':none': { L: [] },
        ':new': { L: [text(action.paymentId)] },
      }
      return update(table, place, { attributes: { c }, computed, values }, [notByUs(commitId)])
    }
    case 'delete':
      return isAbsent(action.if) ? check(table, place, clauses) : remove(table, place, clauses)
    case 'check':
      return clauses.length === 0 ? null : check(table, place, clauses)
  }
}

function judgeRow(
  { at, action }: Placed<RowAction>,
  before: Item | undefined,
  commitId: string,
): Judgement {
  const { table, key, if: condition } = action
  const addsToNothing = action.do === 'add' && versionOf(before) === null
  const isHeld = holds(condition, before) && !addsToNothing
  return {
    isOurs: textOf(before, 'c') === commitId,
    rows: isHeld ? [] : [{ at, row: { table, key } }],
    isForGood: !isHeld && failedForGood(condition, before),
    isStale: false,
  }
}

// ── Events ───────────────────────────────────────────────────────────────────────────────────────

function eventStep(
  { at, action }: Placed<Of<'record'>>,
  payment: RowAction | null,
  commitId: string,
  { table, nowMs }: Setting,
): Step {
  const { paymentId, events } = action
  const written: Put | null = payment?.do === 'put' ? payment : null
  const attributes = eventAttributes(events, written, { commitId, nowMs, at })
  return {
    action: insert(table, eventsPlace(paymentId, events.at(-1)?.seq ?? 0), attributes),
    isPlain: false,
    entry: null,
    // Which events are in the way is said by the payment's head; here is whose they are.
    judge: (before) => ({
      isOurs: textOf(before, 'c') === commitId,
      rows: [],
      isForGood: true,
      isStale: false,
    }),
  }
}
