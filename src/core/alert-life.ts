// The life of an alert: it fires, is told, grows, is told again now and then, and is over. Each
// function takes the row as it is and gives the row as it should be; the same row is no news.
import { alertKey, alertTable, natureOf } from './alerts.ts'
import type { AlertGroup, AlertRow, Notice } from './alerts.ts'

/** What was seen of a group: of events how many more, of the others how many there are. */
export interface Sighting {
  readonly group: AlertGroup
  readonly count: number
  readonly paymentIds: readonly string[]
}

/** Enough to begin looking; the lists have the rest. */
export const maxNamed = 5

/** What comes by events comes in numbers: it is gathered for so long before it is first told. */
const gatherMs = 1_000
/** Told again before the next reminder when it has grown so many times, but not at once again. */
const growth = 10
const growthAfterMs = 60_000
/** While it goes on it is told again this often. */
const remindAfterMs = 3_600_000
/** An event that has not happened again for so long begins anew when it does. */
const quietAfterMs = 86_400_000

/** Something that is counted has happened. */
export function moreOf(row: AlertRow | null, sighting: Sighting, nowMs: number): AlertRow {
  const base = row?.status === 'firing' ? row : fired(row, sighting.group, nowMs)
  const named = [...new Set([...base.paymentIds, ...sighting.paymentIds])].slice(0, maxNamed)
  return {
    ...base,
    count: base.count + sighting.count,
    paymentIds: named,
    lastAtMs: Math.max(base.lastAtMs, nowMs),
  }
}

/** So many there are now. */
export function standing(row: AlertRow | null, sighting: Sighting, nowMs: number): AlertRow {
  const base = row?.status === 'firing' ? row : fired(row, sighting.group, nowMs)
  const { count, paymentIds } = sighting
  if (base.count === count && sameIds(base.paymentIds, paymentIds)) return base
  return { ...base, count, paymentIds, lastAtMs: Math.max(base.lastAtMs, nowMs) }
}

function sameIds(some: readonly string[], others: readonly string[]): boolean {
  return some.join() === others.join()
}

function fired(row: AlertRow | null, group: AlertGroup, nowMs: number): AlertRow {
  return {
    ...group,
    status: 'firing',
    count: 0,
    paymentIds: [],
    firstAtMs: nowMs,
    lastAtMs: nowMs,
    resolvedAtMs: null,
    edition: row?.edition ?? 0,
    editionAtMs: row?.editionAtMs ?? 0,
    editionCount: 0,
    told: row?.told ?? {},
    lastEvent: row?.lastEvent ?? null,
  }
}

/** It is over. Whoever was never told that it began is not told that it ended. */
export function over(row: AlertRow, nowMs: number): AlertRow {
  if (row.status === 'resolved') return row
  const resolvedAtMs = Math.max(row.lastAtMs, nowMs)
  const ended: AlertRow = { ...row, status: 'resolved', resolvedAtMs }
  return row.editionCount === 0 ? ended : { ...ended, ...nextEdition(row, nowMs) }
}

/** With its next edition if that is worth telling; an event that is long past is put away. */
export function edited(row: AlertRow, nowMs: number): AlertRow {
  if (row.status === 'resolved') return row
  if (isWorthTelling(row, nowMs)) return { ...row, ...nextEdition(row, nowMs) }
  const quiet = natureOf(row.kind) === 'event' && nowMs - row.lastAtMs >= quietAfterMs
  return quiet ? { ...row, status: 'resolved', resolvedAtMs: nowMs } : row
}

function isWorthTelling(row: AlertRow, nowMs: number): boolean {
  const { kind, count, editionCount, editionAtMs, firstAtMs } = row
  if (editionCount === 0) {
    // A clock that leaps back must not keep its own alert waiting.
    return !comesByEvents(row) || nowMs < firstAtMs || nowMs - firstAtMs >= gatherMs
  }
  const sinceMs = nowMs - editionAtMs
  if (count >= editionCount * growth && sinceMs >= growthAfterMs) return true
  return sinceMs >= remindAfterMs && (natureOf(kind) !== 'event' || count > editionCount)
}

function comesByEvents({ kind }: AlertRow): boolean {
  return kind === 'dead_letter' || natureOf(kind) === 'event'
}

function nextEdition(row: AlertRow, nowMs: number): Partial<AlertRow> {
  return { edition: row.edition + 1, editionAtMs: nowMs, editionCount: Math.max(1, row.count) }
}

/** What a sink is told of it; `runbookUrl`: the page with a heading for each kind. */
export function noticeOf(row: AlertRow, runbookUrl: string): Notice {
  const { kind, subject, detail, count, paymentIds } = row
  const { severity, title, did, todo } = alertTable[kind]
  const isOver = row.status === 'resolved' && natureOf(kind) !== 'event'
  const alert = alertKey(row)
  return {
    id: `${alert}:${row.edition}`,
    alert,
    status: isOver ? 'resolved' : 'firing',
    kind,
    severity,
    subject,
    detail,
    count,
    paymentIds,
    title,
    did,
    todo: isOver ? 'Nothing: it is over.' : todo,
    runbook: `${runbookUrl}#${kind}`,
    sinceMs: row.firstAtMs,
    lastAtMs: row.lastAtMs,
    resolvedAtMs: isOver ? row.resolvedAtMs : null,
  }
}
