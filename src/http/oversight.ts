// What has happened: who threw which switch and why, and what people were called for.
import { alertTable } from '../core/alerts.ts'
import type { AlertRow } from '../core/alerts.ts'
import type { AuditRow } from '../core/control.ts'
import { listAudit } from '../engine/control.ts'
import { alertsQuery, auditQuery } from './operator-schemas.ts'
import { alertListJson, auditListJson } from './operator-wire.ts'
import type { AlertJson, AuditJson } from './operator-wire.ts'
import { rfc3339 } from './representation.ts'
import { operatorRead } from './route.ts'
import type { Route } from './route.ts'
import { ok } from './service.ts'

const defaultPage = 20

const exampleEntry: AuditJson = {
  id: 'aud_01JD4Z0M8QW3R5T7V9X1B2C4D6',
  object: 'audit',
  act: 'pause',
  target: 'simulated/acct_sim/test',
  by: 'Olga',
  reason: 'their status page is red',
  at: '2026-01-31T12:20:00.000Z',
}

const audit = operatorRead(
  '/v1/audit',
  {
    name: 'listAudit',
    summary: 'Who did what and why, newest first; kept for good',
    status: 200,
    answer: auditListJson,
    example: { object: 'list', data: [exampleEntry], cursor: null },
  },
  auditQuery,
  async ({ engine, query: { limit = defaultPage, cursor } }) => {
    const page = await listAudit(engine, limit, cursor)
    const data = page.rows.map(({ key, value }) => toAuditJson(key, value))
    return ok(200, { object: 'list', data, cursor: page.cursor })
  },
)

function toAuditJson(id: string, { act, target, by, reason, atMs }: AuditRow): AuditJson {
  return { id, object: 'audit', act, target: targetOf(target), by, reason, at: rfc3339(atMs) }
}

/** A processor's key is a list of its name, account and mode. */
function targetOf(target: string): string {
  if (!target.startsWith('[')) return target
  const parts: unknown = JSON.parse(target)
  return Array.isArray(parts) ? parts.join('/') : target
}

const exampleAlert = toAlertJson('dead_letter//outcome_unknown', {
  status: 'firing',
  kind: 'dead_letter',
  subject: null,
  detail: 'outcome_unknown',
  count: 1,
  paymentIds: ['pay_01JD4Z0M8QW3R5T7V9X1B2C4D6'],
  firstAtMs: Date.UTC(2026, 0, 31, 12, 20),
  lastAtMs: Date.UTC(2026, 0, 31, 12, 20),
  resolvedAtMs: null,
})

const alerts = operatorRead(
  '/v1/alerts',
  {
    name: 'listAlerts',
    summary: 'What people are called for: one alert for all that is alike',
    status: 200,
    answer: alertListJson,
    example: { object: 'list', data: [exampleAlert], cursor: null },
  },
  alertsQuery,
  async ({ engine, x, query: { status, limit = defaultPage, cursor } }) => {
    const page = await engine.store.scan({
      table: 'alert',
      limit,
      ...(status === undefined ? {} : { status }),
      ...(cursor === undefined ? {} : { cursor }),
    })
    const { alertRunbookUrl } = x.service
    const data = page.rows.map(({ key, value }) => toAlertJson(key, value, alertRunbookUrl))
    return ok(200, { object: 'list', data, cursor: page.cursor })
  },
)

type ShownAlert = Omit<AlertRow, 'edition' | 'editionAtMs' | 'editionCount' | 'told' | 'lastEvent'>

function toAlertJson(
  id: string,
  alert: ShownAlert,
  runbookUrl = 'docs/guides/alerts.md',
): AlertJson {
  const { severity, title, did, todo } = alertTable[alert.kind]
  return {
    id,
    object: 'alert',
    status: alert.status,
    kind: alert.kind,
    severity,
    title,
    did,
    todo,
    runbook: `${runbookUrl}#${alert.kind}`,
    subject: alert.subject,
    detail: alert.detail,
    count: alert.count,
    payment_ids: [...alert.paymentIds],
    first_at: rfc3339(alert.firstAtMs),
    last_at: rfc3339(alert.lastAtMs),
    resolved_at: alert.resolvedAtMs === null ? null : rfc3339(alert.resolvedAtMs),
  }
}

export const oversightRoutes: readonly Route[] = [audit, alerts]
