import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createGuard } from './guard.ts'
import type { Principal } from './policies.ts'

const table = 'arn:aws:dynamodb:us-east-1:000000000000:table/T'
const queue = 'arn:aws:sqs:us-east-1:000000000000:Q'

const role: Principal = {
  name: 'Reader',
  arn: 'arn:aws:iam::000000000000:role/Reader',
  policies: [
    {
      Version: '2012-10-17',
      Statement: [
        {
          Sid: 'Rows',
          Effect: 'Allow',
          Action: ['dynamodb:GetItem', 'dynamodb:PutItem'],
          Resource: table,
          Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': ['token#*'] } },
        },
        { Sid: 'PlatformLogs', Effect: 'Allow', Action: 'logs:PutLogEvents', Resource: '*' },
      ],
    },
  ],
}

const guard = () =>
  createGuard(
    new Map([[role.arn, role]]),
    new Map([
      [
        queue,
        {
          Version: '2012-10-17',
          Statement: [
            {
              Sid: 'Rule',
              Effect: 'Allow',
              Principal: { Service: 'events.amazonaws.com' },
              Action: 'sqs:SendMessage',
              Resource: queue,
              Condition: {
                ArnEquals: { 'aws:SourceArn': 'arn:aws:events:us-east-1:000000000000:rule/a' },
              },
            },
          ],
        },
      ],
    ]),
  )

const read = (key: string) => ({
  action: 'dynamodb:GetItem',
  resource: table,
  context: { 'dynamodb:LeadingKeys': [key] },
})

test('what the role’s own policy allows passes, and counts as used', async () => {
  const { role: may, unused } = guard()
  assert.equal(await may(role.arn, read('token#1')), null)
  assert.deepEqual(
    unused().map(({ sid, action, isPlatform }) => ({ sid, action, isPlatform })),
    [
      { sid: 'Rows', action: 'dynamodb:PutItem', isPlatform: false },
      { sid: 'PlatformLogs', action: 'logs:PutLogEvents', isPlatform: true },
    ],
  )
})

test('rows of one kind share a verdict, and one of another kind among them does not', async () => {
  const { role: may, evaluations } = guard()
  const many = (keys: readonly string[]) => ({
    ...read(''),
    context: { 'dynamodb:LeadingKeys': keys },
  })
  assert.equal(await may(role.arn, many(['token#1', 'token#2'])), null)
  assert.equal(await may(role.arn, read('token#3')), null)
  assert.equal(evaluations(), 1)
  assert.notEqual(await may(role.arn, many(['token#1', 'payment#1'])), null)
  assert.equal(evaluations(), 2)
})

test('another key of the same table is refused in the words of AWS, and counted', async () => {
  const { role: may, denied } = guard()
  assert.equal(await may(role.arn, read('token#1')), null)
  assert.match(
    (await may(role.arn, read('payment#1'))) ?? '',
    /^User: arn:.*Reader is not authorized to perform: dynamodb:GetItem on resource: arn:/,
  )
  assert.deepEqual(denied, [
    { caller: 'Reader', action: 'dynamodb:GetItem', resource: table, keys: ['payment#1'] },
  ])
})

test('a service of AWS passes by the resource’s policy, for the rule that it names', async () => {
  const { service } = guard()
  const send = (rule: string) => ({
    action: 'sqs:SendMessage',
    resource: queue,
    context: { 'aws:SourceArn': `arn:aws:events:us-east-1:000000000000:rule/${rule}` },
  })
  assert.equal(await service('events.amazonaws.com', send('a')), null)
  assert.notEqual(await service('events.amazonaws.com', send('b')), null)
  assert.notEqual(await service('sns.amazonaws.com', send('a')), null)
})
