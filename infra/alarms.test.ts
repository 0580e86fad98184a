// What calls a person, and whether it says what to do.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Topic } from 'aws-cdk-lib/aws-sns'

import { nameOf, refersTo, World } from './testkit.ts'
import type { Resource } from './testkit.ts'

const runbooks = join(import.meta.dirname, '../docs/runbooks/README.md')
const world = new World()
const alarms = world.all('CloudWatch::Alarm')
const named = (name: string): Resource => world.one('CloudWatch::Alarm', `${name}Alarm`)

test('there is an alarm for each kind of trouble', () => {
  assert.deepEqual(alarms.map(({ id }) => nameOf(id).replace(/Alarm$/, '')).toSorted(), [
    'AlertsNotToldDlq',
    'BreakerOpen',
    'BusDlq',
    'DeadLetter',
    'DeadLetters',
    'DispatchDlq',
    'FunctionThrottles',
    'IteratorAge',
    'NewsDlq',
    'NotReconciled',
    'OutboxLag',
    'ParkedDlq',
    'PaymentsOverdue',
    'RecordsPutAside',
    'RunFailuresnorth',
    'RunFailuressouth',
    'ScheduleDlq',
    'ServerErrors',
    'SweepSilent',
    'TableThrottles',
    'UnknownTooLong',
  ])
})

test('every alarm tells the topic, and when it is over as well', () => {
  for (const { id, Properties } of alarms) {
    for (const actions of [Properties['AlarmActions'], Properties['OKActions']]) {
      assert.deepEqual(refersTo(actions).map(nameOf), ['Alerts'], id)
    }
  }
})

test('every alarm links to its own heading of the runbooks, and every heading has an alarm', () => {
  const page = readFileSync(runbooks, 'utf8')
  const headings = [...page.matchAll(/^## (\w+)$/gm)].map(([, heading = '']) => heading)
  const linked = alarms.map(({ id, Properties }) => {
    const [, heading] = /What to do: docs\/runbooks\/README[.]md#([a-z]+)$/.exec(
      Properties['AlarmDescription'],
    ) ?? ['', `nothing in ${id}`]
    return heading
  })
  assert.deepEqual([...new Set(linked)].toSorted(), headings.map(lower).toSorted())
})

test('no alarm reads what Lambda calls Errors: our control flow is thrown', () => {
  for (const { id, Properties } of alarms) {
    assert.doesNotMatch(JSON.stringify(Properties), /"MetricName":"Errors"/, id)
  }
})

test('a dead letter and an open breaker are told within seconds, not from the depth of a queue', () => {
  for (const name of ['DeadLetter', 'BreakerOpen']) {
    const { Properties } = named(name)
    assert.equal(Properties['Period'], 10)
    assert.equal(Properties['Namespace'], 'Quittance')
    assert.equal(Properties['EvaluationPeriods'], 1)
  }
  assert.equal(named('DeadLetter').Properties['MetricName'], 'Parked')
  // Below a minute only our own metrics can be.
  for (const { id, Properties } of alarms) {
    if (Properties['Namespace'] === 'Quittance') continue
    const periods = [
      Properties['Period'],
      ...(Properties['Metrics'] ?? []).map(
        (each: { MetricStat?: { Period: number } }) => each.MetricStat?.Period,
      ),
    ].filter((period) => period !== undefined)
    assert.ok(
      periods.every((period) => period >= 60),
      id,
    )
  }
})

test('our numbers carry the installation, so that two of them in one account do not mix', () => {
  for (const { id, Properties } of alarms) {
    if (Properties['Namespace'] !== 'Quittance') continue
    assert.deepEqual(
      Properties['Dimensions'].map(({ Name }: { Name: string }) => Name),
      ['Installation'],
      id,
    )
    const told = world.one('Lambda::Function', 'Sweep').Properties['Environment'].Variables
    assert.deepEqual(Properties['Dimensions'][0].Value, told.QUITTANCE_INSTALLATION)
  }
})

test('a sweep or a reconciliation that is silent is trouble; nothing else is', () => {
  for (const { id, Properties } of alarms) {
    const isHeard = ['SweepSilentAlarm', 'NotReconciledAlarm'].includes(nameOf(id))
    const expected = isHeard ? 'breaching' : 'notBreaching'
    assert.equal(Properties['TreatMissingData'], expected, id)
  }
})

test('every queue where something can be left has an alarm', () => {
  const watched = alarms.flatMap(({ Properties }) => refersTo(Properties['Dimensions']))
  const dead = world.all('SQS::Queue').filter(({ id }) => nameOf(id) !== 'Work')
  assert.ok(dead.length >= 7)
  for (const { id } of dead) assert.ok(watched.includes(id), id)
})

test('thresholds can be chosen, one by one', () => {
  const chosen = new World({ alarms: { thresholds: { unknownSeconds: 60 } } })
  const { Properties } = chosen.one('CloudWatch::Alarm', 'UnknownTooLongAlarm')
  assert.equal(Properties['Threshold'], 60)
  const { Variables } = chosen.one('Lambda::Function', 'Sweep').Properties['Environment']
  assert.equal(Variables.QUITTANCE_UNKNOWN_ALERT_MINUTES, '1')
  const { Properties: lag } = chosen.one('CloudWatch::Alarm', 'OutboxLagAlarm')
  assert.equal(lag['Threshold'], 60)
})

test('a topic and an address can be given', () => {
  const given = new World((stack) => ({
    alarms: { topic: new Topic(stack, 'Ours'), email: 'on-call@example.com' },
  }))
  assert.equal(given.all('SNS::Topic').length, 1)
  const [subscription] = given.all('SNS::Subscription')
  assert.equal(subscription?.Properties['Endpoint'], 'on-call@example.com')
  assert.ok(
    refersTo(given.one('IAM::Role', 'SweepRole').Properties['Policies']).some((id) =>
      id.startsWith('Ours'),
    ),
  )
})

test('the dashboard shows every alarm', () => {
  const [dashboard] = world.all('CloudWatch::Dashboard')
  const shown = refersTo(dashboard?.Properties['DashboardBody'])
  for (const { id } of alarms) assert.ok(shown.includes(id), id)
})

const lower = (text: string): string => text.toLowerCase()
