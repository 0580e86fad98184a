// What people get by SNS: a subject that SNS takes, and everything that is known as JSON.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { alertTable } from '../core/alerts.ts'
import type { Notice } from '../core/alerts.ts'
import { createTopicSink } from './topic.ts'

const notice: Notice = {
  id: 'dead_letter:1',
  alert: 'dead_letter',
  status: 'firing',
  kind: 'dead_letter',
  severity: 'critical',
  subject: 'simulated',
  detail: 'retries_exhausted',
  count: 2,
  paymentIds: ['pay_1', 'pay_2'],
  title: alertTable.dead_letter.title,
  did: alertTable.dead_letter.did,
  todo: alertTable.dead_letter.todo,
  runbook: 'https://example.com/alerts#dead_letter',
  sinceMs: 1_800_000_000_000,
  lastAtMs: 1_800_000_000_000,
  resolvedAtMs: null,
}

interface Published {
  readonly TopicArn: string
  readonly Subject: string
  readonly Message: string
}

function world() {
  const published: Published[] = []
  const client = {
    send: async ({ input }: { input: Published }) => void published.push(input),
  }
  return { published, sink: createTopicSink('arn', client) }
}

test('a notice is published with all that it says', async () => {
  const { published, sink } = world()
  assert.equal(await sink.deliver(notice), 'delivered')
  const [sent] = published
  assert.equal(sent?.TopicArn, 'arn')
  assert.equal(sent?.Subject, '[critical] Payments are in the dead letters')
  assert.deepEqual(JSON.parse(sent?.Message ?? ''), {
    id: 'dead_letter:1',
    alert: 'dead_letter',
    status: 'firing',
    kind: 'dead_letter',
    severity: 'critical',
    subject: 'simulated',
    detail: 'retries_exhausted',
    count: 2,
    payment_ids: ['pay_1', 'pay_2'],
    title: alertTable.dead_letter.title,
    did: alertTable.dead_letter.did,
    todo: alertTable.dead_letter.todo,
    runbook: 'https://example.com/alerts#dead_letter',
    since: '2027-01-15T08:00:00.000Z',
  })
})

test('every kind has a subject that SNS takes: short, one line, ASCII', async () => {
  const { published, sink } = world()
  for (const [kind, { title, severity }] of Object.entries(alertTable)) {
    const each = { ...notice, kind, title, severity, status: 'resolved' } as Notice // of the table
    await sink.deliver(each)
  }
  for (const { Subject } of published) assert.match(Subject, /^[\x20-\x7e]{1,100}$/)
})
