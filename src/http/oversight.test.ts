// What has happened, as operators read it: alerts with what to do, and the audit.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'
import { alertKey } from '../core/alerts.ts'
import type { AlertRow } from '../core/alerts.ts'
import type { AlertJson, AuditJson } from './operator-wire.ts'

const as = 'operator'

interface List<Item> {
  readonly data: readonly Item[]
  readonly cursor: string | null
}

const fired: AlertRow = {
  status: 'firing',
  kind: 'dead_letter',
  subject: null,
  detail: 'outcome_unknown',
  count: 2,
  paymentIds: ['pay_1', 'pay_2'],
  firstAtMs: Date.UTC(2027, 0, 15, 8),
  lastAtMs: Date.UTC(2027, 0, 15, 9),
  resolvedAtMs: null,
  edition: 1,
  editionAtMs: 0,
  editionCount: 0,
  told: {},
  lastEvent: null,
}

async function store({ world }: HttpWorld, ...alerts: readonly Partial<AlertRow>[]): Promise<void> {
  const actions = alerts.map((each) => {
    const value = { ...fired, ...each }
    return { do: 'put', table: 'alert', key: alertKey(value), value, if: null } as const
  })
  const { result } = await world.engine.store.commit({ commitId: 'cmt_alerts', actions })
  assert.equal(result, 'committed')
}

test('an alert says what happened, what was done, and what to do', async () => {
  const made = await createHttpWorld({
    service: { alertRunbookUrl: 'https://runbooks.test/quittance' },
  })
  await store(made, {})
  const { body } = await made.ask<List<AlertJson>>('GET', '/v1/alerts', { as })
  const [alert] = body.data
  assert.deepEqual(alert, {
    id: 'dead_letter//outcome_unknown',
    object: 'alert',
    status: 'firing',
    kind: 'dead_letter',
    severity: 'critical',
    title: 'Payments are in the dead letters',
    did: alert?.did,
    todo: 'Look at each in `quittance dead-letters list`; redrive it or resolve it.',
    runbook: 'https://runbooks.test/quittance#dead_letter',
    subject: null,
    detail: 'outcome_unknown',
    count: 2,
    payment_ids: ['pay_1', 'pay_2'],
    first_at: '2027-01-15T08:00:00.000Z',
    last_at: '2027-01-15T09:00:00.000Z',
    resolved_at: null,
  })
})

test('alerts are chosen by status and told by page, whatever their subjects are called', async () => {
  const made = await createHttpWorld()
  const subjects = ['a b/c', 'ü', 'simulated', `(it's)~*!`]
  const open = subjects.map((subject) => ({ kind: 'breaker_open', subject, detail: '' }) as const)
  await store(made, ...open, { kind: 'stopped', status: 'resolved', detail: '', resolvedAtMs: 1 })
  const seen: string[] = []
  for (let cursor: string | null = null; ;) {
    const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
    const page = await made.ask<List<AlertJson>>('GET', `/v1/alerts?status=firing&limit=1${more}`, {
      as,
    })
    assert.equal(page.status, 200, page.text)
    seen.push(...page.body.data.map(({ subject }) => subject ?? ''))
    cursor = page.body.cursor
    if (cursor === null) break
  }
  assert.deepEqual(seen.toSorted(), subjects.toSorted())
  const over = await made.ask<List<AlertJson>>('GET', '/v1/alerts?status=resolved', { as })
  assert.deepEqual(
    over.body.data.map(({ kind }) => kind),
    ['stopped'],
  )
})

test('the audit is told by page, the newest first', async () => {
  const made = await createHttpWorld()
  for (const path of ['/v1/stop', '/v1/start', '/v1/stop']) {
    made.world.hand.nowMs += 1_000
    await made.ask('POST', path, { as, body: { reason: path } })
  }
  const first = await made.ask<List<AuditJson>>('GET', '/v1/audit?limit=2', { as })
  const rest = await made.ask<List<AuditJson>>('GET', `/v1/audit?cursor=${first.body.cursor}`, {
    as,
  })
  assert.deepEqual(
    [...first.body.data, ...rest.body.data].map(({ act }) => act),
    ['stop', 'start', 'stop'],
  )
})
