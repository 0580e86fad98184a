// Reconciliation over HTTP: runs, and the breaks that they found. An act on a break is bound to the
// version that was shown; it moves no money and changes no payment.
import * as z from 'zod'

import type { BreakAct, ReconciliationRow, SettlementFile } from '../core/breaks.ts'
import { breakTable } from '../core/reconcile.ts'
import type { BreakType } from '../core/reconcile.ts'
import { reject } from '../core/rejections.ts'
import { actOnBreak, scanBreaks } from '../engine/breaks.ts'
import { beginReconciliation } from '../engine/reconcile.ts'
import type { Row } from '../ports.ts'
import { invalid } from './faults.ts'
import { actRequest } from './operator-schemas.ts'
import type { Refusal } from './problem.ts'
import { rfc3339 } from './representation.ts'
import { operatorAct, operatorPost, operatorRead } from './route.ts'
import type { Reply, Route } from './route.ts'
import { cursorOf, limit, noQuery, object, ownName, time as timeOf, toMs } from './schemas.ts'
import { ok } from './service.ts'
import { noSuchBreak, noSuchProcessor, noSuchRun } from './variables.ts'
import { cursor, list, time } from './wire.ts'

const defaultPage = 20

/** Asked without a window: as far back as money is in no settlement yet. */
const defaultWindowMs = 10 * 86_400_000

// ── Runs ─────────────────────────────────────────────────────────────────────────────────────────

const count = z.int().min(0)
const minor = z.int().meta({ description: 'Minor units.' })

// The keys of the table are its types; `Object.keys` forgets it.
const breakTypes = Object.keys(breakTable) as [BreakType, ...BreakType[]]

const fileJson = z
  .strictObject({
    id: z.string(),
    name: z.string(),
    exclusive: z.boolean(),
    batches: z.array(z.string()),
    repeats: z
      .array(z.strictObject({ batch: z.string(), run: z.string() }))
      .meta({ description: 'Batches that an earlier run has read as well: harmless.' }),
  })
  .meta({ id: 'ReconciledFile' })

const runJson = z
  .strictObject({
    id: z.string(),
    object: z.literal('reconciliation'),
    status: z.enum(['running', 'finished', 'failed']),
    processor: z.string(),
    requested_by: z.string(),
    from: time,
    to: time,
    started_at: time,
    ended_at: time.nullable(),
    cause: z.string().nullable().meta({ description: 'Why it failed.' }),
    payments: count,
    records: count,
    foreign: count.meta({ description: 'Objects of others: counted, and no break.' }),
    matched: count.meta({ description: 'Payments whose captured money agrees.' }),
    matchable: count.meta({ description: 'Payments with captured money on either side.' }),
    match_rate: z.number().nullable().meta({ description: '0 to 1; `null`: nothing to match.' }),
    totals: z
      .record(z.string(), z.strictObject({ ours: minor, theirs: minor, matched: minor }))
      .meta({ description: 'Captured money by currency.' }),
    breaks: z.partialRecord(z.enum(breakTypes), count),
    evidence: count.meta({ description: 'Payments that a record settled or resolved.' }),
    repeated: count
      .optional()
      .meta({ description: 'Lines of a file that were there twice, and count once.' }),
    file: fileJson.nullable().meta({ description: '`null`: the processor’s own records.' }),
  })
  .meta({ id: 'Reconciliation' })

export type ReconciliationJson = z.output<typeof runJson>

const runListJson = z.strictObject({ ...list(runJson), cursor }).meta({ id: 'ReconciliationList' })

const exampleRun: ReconciliationJson = {
  id: 'rec_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  object: 'reconciliation',
  status: 'finished',
  processor: 'simulated',
  requested_by: 'schedule',
  from: '2026-01-21T12:20:00.000Z',
  to: '2026-01-31T12:20:00.000Z',
  started_at: '2026-01-31T12:20:00.000Z',
  ended_at: '2026-01-31T12:20:02.000Z',
  cause: null,
  payments: 215,
  records: 230,
  foreign: 0,
  matched: 200,
  matchable: 200,
  match_rate: 1,
  totals: { EUR: { ours: 420_000, theirs: 420_000, matched: 420_000 } },
  breaks: {},
  evidence: 3,
  file: null,
}

const runDoc = (name: string, summary: string, status = 200) =>
  ({ name, summary, status, answer: runJson, example: exampleRun }) as const

function toRunJson(id: string, row: ReconciliationRow): ReconciliationJson {
  const { matched, matchable, totals, breaks, ...counts } = row.counts
  return {
    id,
    object: 'reconciliation',
    status: row.status,
    processor: row.processor,
    requested_by: row.requestedBy,
    from: rfc3339(row.fromMs),
    to: rfc3339(row.toMs),
    started_at: rfc3339(row.startedAtMs),
    ended_at: row.endedAtMs === null ? null : rfc3339(row.endedAtMs),
    cause: row.cause,
    ...counts,
    matched,
    matchable,
    match_rate: matchable === 0 ? null : matched / matchable,
    totals: { ...totals },
    breaks: { ...breaks },
    file: row.file === undefined ? null : toFileJson(row.file),
  }
}

const toFileJson = ({ id, name, isExclusive: exclusive, batches, repeats }: SettlementFile) => ({
  id,
  name,
  exclusive,
  batches: [...batches],
  repeats: [...repeats],
})

const runRequest = object({
  processor: ownName.optional().meta({ description: 'Default: the first one.' }),
  from: timeOf('Default: ten days before `to`.').optional(),
  to: timeOf('Default: now.').optional(),
}).meta({ id: 'ReconciliationRequest' })

const noRecords: Refusal = {
  rejection: reject('not_found', 'This service reads no records of that processor.'),
}

const begin = operatorPost(
  '/v1/reconciliations',
  runDoc('beginReconciliation', 'Compare a window with the processor’s records', 202),
  { schema: runRequest, example: {} },
  async ({ engine, operator, body, nowMs }) => {
    const processor = body.processor ?? [...engine.processors.keys()][0] ?? ''
    const asked = engine.processors.get(processor)
    if (asked === undefined) return noSuchProcessor
    // Stored, the run could only stand still: nobody would carry it out.
    if (asked.records === undefined) return noRecords
    const until = Math.min(nowMs, toMs(body.to ?? null) ?? nowMs)
    const fromMs = toMs(body.from ?? null) ?? until - defaultWindowMs
    if (fromMs >= until) {
      const faults = [{ pointer: '/from', reason: 'must be before `to` and in the past' }]
      return { rejection: invalid('The window is empty.', faults) }
    }
    const id = await beginReconciliation(engine, { processor, fromMs, toMs: until }, operator)
    if (id === null) {
      const detail = 'Wait for its end: GET /v1/reconciliations?limit=1 shows it.'
      return { rejection: reject('already_reconciling', detail) }
    }
    const [row] = await engine.store.read([{ table: 'reconciliation', key: id }])
    return row === null ? noSuchRun : ok(202, toRunJson(id, row.value))
  },
)

const runs = operatorRead(
  '/v1/reconciliations',
  {
    name: 'listReconciliations',
    summary: 'Runs, newest first; one that has ended is never changed',
    status: 200,
    answer: runListJson,
    example: { object: 'list', data: [exampleRun], cursor: null },
  },
  object({ limit, cursor: cursorOf(z.string().regex(/^rec_[0-9A-Z]{26}$/, 'must be a run’s id')) }),
  async ({ engine, query: { limit: most = defaultPage, cursor: from } }) => {
    const page = await engine.store.scan({
      table: 'reconciliation',
      limit: most,
      ...(from === undefined ? {} : { cursor: from }),
    })
    const data = page.rows.map(({ key, value }) => toRunJson(key, value))
    return ok(200, { object: 'list', data, cursor: page.cursor })
  },
)

const oneRun = operatorRead(
  '/v1/reconciliations/{runId}',
  runDoc('readReconciliation', 'One run'),
  noQuery,
  async ({ engine, id }) => {
    const [row] = await engine.store.read([{ table: 'reconciliation', key: id }])
    return row === null ? noSuchRun : ok(200, toRunJson(id, row.value))
  },
)

// ── Breaks ───────────────────────────────────────────────────────────────────────────────────────

const statuses = ['open', 'investigating', 'resolved', 'written_off'] as const

const breakJson = z
  .strictObject({
    id: z.string().meta({ description: 'The same difference has the same id in every run.' }),
    object: z.literal('break'),
    status: z.enum(statuses),
    type: z.enum(breakTypes),
    severity: z.enum(['critical', 'high', 'medium', 'low', 'info']),
    meaning: z.string(),
    processor: z.string(),
    payment_id: z.string().nullable(),
    processor_reference: z.string().nullable(),
    currency: z.string(),
    value_at_risk: minor,
    ours: z.string(),
    theirs: z.string(),
    age_seconds: count.meta({ description: 'Since it was first seen, until now or its end.' }),
    first_seen_at: time,
    last_seen_at: time,
    first_run: z.string(),
    last_run: z.string(),
    by: z.string().nullable(),
    reason: z.string().nullable(),
    ended_at: time.nullable(),
    version: z.int(),
  })
  .meta({ id: 'Break' })

export type BreakJson = z.output<typeof breakJson>

const breakListJson = z.strictObject({ ...list(breakJson), cursor }).meta({ id: 'BreakList' })

const exampleBreak: BreakJson = {
  id: 'brk_0123456789abcdef0123456789',
  object: 'break',
  status: 'open',
  type: 'amount_mismatch',
  severity: 'high',
  meaning: breakTable.amount_mismatch.meaning,
  processor: 'simulated',
  payment_id: 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  processor_reference: 'ch_1',
  currency: 'EUR',
  value_at_risk: 100,
  ours: 'captured, 10.00 EUR captured',
  theirs: 'ch_1: captured, 9.00 EUR captured',
  age_seconds: 3_600,
  first_seen_at: '2026-01-31T11:20:00.000Z',
  last_seen_at: '2026-01-31T12:20:00.000Z',
  first_run: 'rec_01JD4Z0M8QW3R5T7V9X1B2C4D5',
  last_run: 'rec_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  by: null,
  reason: null,
  ended_at: null,
  version: 2,
}

function toBreakJson(id: string, { value, version }: Row<'break'>, nowMs: number): BreakJson {
  const { firstSeenAtMs, lastSeenAtMs, endedAtMs } = value
  return {
    id,
    object: 'break',
    status: value.status,
    type: value.type,
    severity: value.severity,
    meaning: breakTable[value.type].meaning,
    processor: value.processor,
    payment_id: value.paymentId,
    processor_reference: value.objectId,
    currency: value.currency,
    value_at_risk: value.valueAtRisk,
    ours: value.ours,
    theirs: value.theirs,
    age_seconds: Math.max(0, Math.floor(((endedAtMs ?? nowMs) - firstSeenAtMs) / 1000)),
    first_seen_at: rfc3339(firstSeenAtMs),
    last_seen_at: rfc3339(lastSeenAtMs),
    first_run: value.firstRun,
    last_run: value.lastRun,
    by: value.by,
    reason: value.reason,
    ended_at: endedAtMs === null ? null : rfc3339(endedAtMs),
    version,
  }
}

const breaks = operatorRead(
  '/v1/breaks',
  {
    name: 'listBreaks',
    summary: 'Differences between our payments and the processor’s records',
    status: 200,
    answer: breakListJson,
    example: { object: 'list', data: [exampleBreak], cursor: null },
  },
  object({
    status: z
      .enum([...statuses, 'any'], { error: `must be ${statuses.join(', ')} or any` })
      .optional()
      .meta({ description: 'Default: open.' }),
    limit,
    cursor: cursorOf(z.string().regex(/^brk_[0-9a-f]{26}$/, 'must be a break’s id')),
  }),
  async ({
    engine,
    nowMs,
    query: { status = 'open', limit: most = defaultPage, cursor: from },
  }) => {
    const page = await scanBreaks(engine, {
      limit: most,
      ...(status === 'any' ? {} : { status }),
      ...(from === undefined ? {} : { cursor: from }),
    })
    const data = page.rows.map((row) => toBreakJson(row.key, row, nowMs))
    return ok(200, { object: 'list', data, cursor: page.cursor })
  },
)

const breakDoc = (name: string, summary: string) =>
  ({ name, summary, status: 200, answer: breakJson, example: exampleBreak }) as const

const oneBreak = operatorRead(
  '/v1/breaks/{breakId}',
  breakDoc('readBreak', 'One break, both sides of it'),
  noQuery,
  async ({ engine, id, nowMs }) => {
    const [row] = await engine.store.read([{ table: 'break', key: id }])
    return row === null ? noSuchBreak : ok(200, toBreakJson(id, row, nowMs))
  },
)

const acts: Readonly<Record<BreakAct, readonly [name: string, summary: string]>> = {
  investigate: ['investigateBreak', 'Somebody looks into it'],
  resolve: ['resolveBreak', 'It is explained or mended; if it is found again it opens anew'],
  write_off: ['writeOffBreak', 'The loss is accepted; it does not open again'],
}

const acting = Object.entries(acts).map(([name, [docName, summary]]) => {
  const act = name as BreakAct // the table's own key
  return operatorAct(
    `/v1/breaks/{breakId}/${act}`,
    breakDoc(docName, summary),
    { schema: actRequest, example: { reason: 'refunded by hand, ticket 4711' } },
    async ({ engine, id, operator, body, version, nowMs }): Promise<Reply> => {
      const word = { by: operator, reason: body.reason }
      const acted = await actOnBreak(engine, id, act, word, version)
      return acted.result === 'rejected' ? acted : ok(200, toBreakJson(id, acted.row, nowMs))
    },
  )
})

export const reconciliationRoutes: readonly Route[] = [
  begin,
  runs,
  oneRun,
  breaks,
  oneBreak,
  ...acting,
]
