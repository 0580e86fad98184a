import assert from 'node:assert/strict'
import { test } from 'node:test'

import { needsOf } from './needs.ts'
import type { Known } from './needs.ts'

const table = 'arn:aws:dynamodb:us-east-1:000000000000:table/T'
const key = 'arn:aws:kms:us-east-1:000000000000:key/K'

const known: Known = {
  partitionKey: (_, index) => (index === null ? 'pk' : 'open'),
  keyOf: (resource) => (resource.endsWith('/Secret') ? key : undefined),
  busArn: (name) => `arn:aws:events:us-east-1:000000000000:event-bus/${name}`,
}

const summary = (service: string, operation: string, input: object) =>
  needsOf({ service, operation, input: input as never }, known).map(
    ({ action, resource, context }) => [action, resource, context['dynamodb:LeadingKeys']],
  )

test('a transaction is checked item by item, each with its leading key', () => {
  const TransactItems = [
    { Put: { TableName: 'T', Item: { pk: { S: 'a' }, sk: { S: '1' } } } },
    { Update: { TableName: 'T', Key: { pk: { S: 'b' }, sk: { S: '1' } } } },
    { Delete: { TableName: 'T', Key: { pk: { S: 'c' }, sk: { S: '1' } } } },
    { ConditionCheck: { TableName: 'T', Key: { pk: { S: 'd' }, sk: { S: '1' } } } },
  ]
  assert.deepEqual(summary('dynamodb', 'TransactWriteItems', { TransactItems }), [
    ['dynamodb:PutItem', table, ['a']],
    ['dynamodb:UpdateItem', table, ['b']],
    ['dynamodb:DeleteItem', table, ['c']],
    ['dynamodb:ConditionCheckItem', table, ['d']],
  ])
})

test('a query of an index needs the index, and leads with its own key', () => {
  const input = {
    TableName: 'T',
    IndexName: 'open',
    KeyConditionExpression: '#due < :now AND #open = :shard',
    ExpressionAttributeNames: { '#open': 'open', '#due': 'due' },
    ExpressionAttributeValues: { ':shard': { S: '7' }, ':now': { S: '2026' } },
  }
  assert.deepEqual(summary('dynamodb', 'Query', input), [
    ['dynamodb:Query', `${table}/index/open`, ['7']],
  ])
})

test('an encrypted resource needs its key as well, through its service', () => {
  const SecretId = 'arn:aws:secretsmanager:us-east-1:000000000000:secret/Secret'
  const needs = needsOf(
    { service: 'secretsmanager', operation: 'GetSecretValue', input: { SecretId } },
    known,
  )
  assert.deepEqual(needs.at(-1), {
    action: 'kms:Decrypt',
    resource: key,
    context: { 'kms:ViaService': 'secretsmanager.us-east-1.amazonaws.com' },
  })
})

test('a batch of events needs each bus that it names', () => {
  const Entries = [{ EventBusName: 'a' }, { EventBusName: 'a' }, { EventBusName: 'b' }]
  assert.deepEqual(
    summary('events', 'PutEvents', { Entries }).map(([, resource]) => String(resource).slice(-1)),
    ['a', 'b'],
  )
})

test('an object needs itself, by bucket and key', () => {
  assert.deepEqual(summary('s3', 'GetObject', { Bucket: 'aside', Key: 'a/b.db' }), [
    ['s3:GetObject', 'arn:aws:s3:::aside/a/b.db', undefined],
  ])
})

test('a call that nobody has described is refused', () => {
  assert.throws(() => summary('s3', 'DeleteBucket', {}), /s3:DeleteBucket is not known/)
})
