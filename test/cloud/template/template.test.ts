import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { JsonObject } from '../json.ts'
import { refuseUnknownTypes } from './coverage.ts'
import { readTemplate } from './template.ts'

const place = { endpoint: 'http://127.0.0.1:1', parameters: { Url: 'http://sim' } }

const value = (given: unknown, more: JsonObject = {}) =>
  readTemplate(
    {
      Parameters: { Url: { Type: 'String' }, Size: { Type: 'Number', Default: 7 } },
      Conditions: { Yes: { 'Fn::Equals': ['a', 'a'] }, No: { 'Fn::Not': [{ Condition: 'Yes' }] } },
      Resources: {
        Q: { Type: 'AWS::SQS::Queue', Properties: {} },
        B: { Type: 'AWS::S3::Bucket', Properties: {} },
        X: { Type: 'AWS::SNS::Topic', Properties: { value: given } },
        ...more,
      } as JsonObject,
    },
    place,
  ).resources.find(({ id }) => id === 'X')?.properties['value']

test('references become what they read on this machine', () => {
  assert.equal(value({ Ref: 'Q' }), 'http://127.0.0.1:1/000000000000/Q')
  assert.equal(value({ 'Fn::GetAtt': ['Q', 'Arn'] }), 'arn:aws:sqs:us-east-1:000000000000:Q')
  assert.equal(value({ 'Fn::GetAtt': 'B.Arn' }), 'arn:aws:s3:::b')
  assert.equal(value({ Ref: 'Url' }), 'http://sim')
  assert.equal(value({ Ref: 'Size' }), '7')
  assert.equal(value({ Ref: 'AWS::Region' }), 'us-east-1')
})

test('functions are carried out, one within the other', () => {
  assert.equal(value({ 'Fn::Join': ['-', ['a', { Ref: 'Url' }]] }), 'a-http://sim')
  assert.equal(value({ 'Fn::Select': [1, { 'Fn::Split': ['/', 'a/b/c'] }] }), 'b')
  assert.equal(value({ 'Fn::Sub': 'x-${Q.QueueName}-${AWS::Partition}' }), 'x-Q-aws')
  assert.equal(value({ 'Fn::Sub': ['${One}/${Url}', { One: 'two' }] }), 'two/http://sim')
})

test('of a condition only the branch that is taken is looked at', () => {
  assert.equal(value({ 'Fn::If': ['Yes', 'a', { Ref: 'Nowhere' }] }), 'a')
  assert.equal(value({ 'Fn::If': ['No', { Ref: 'Nowhere' }, { Ref: 'AWS::NoValue' }] }), undefined)
})

test('what is not known is refused, never guessed', () => {
  assert.throws(() => value({ Ref: 'Nowhere' }), /refers to Nowhere/)
  assert.throws(() => value({ 'Fn::ImportValue': 'x' }), /Fn::ImportValue/)
  assert.throws(() => value({ 'Fn::GetAtt': ['Q', 'Colour'] }), /no Colour/)
  assert.throws(() => value({ 'Fn::Select': [9, ['a']] }), /not there/)
  const W = { Type: 'AWS::WAFv2::WebACL', Properties: {} }
  assert.throws(() => value({ Ref: 'W' }, { W }), /AWS::WAFv2::WebACL/)
})

test('a type of resource that nobody has decided about is refused', () => {
  const template = readTemplate({ Resources: { C: { Type: 'AWS::ECS::Cluster' } } }, place)
  assert.throws(() => refuseUnknownTypes(template), /C \(AWS::ECS::Cluster\)/)
})

test('the condition of a policy’s statement stays a condition', () => {
  const statement = { Condition: { Bool: { 'aws:SecureTransport': 'true' } }, Effect: 'Allow' }
  assert.deepEqual(value([statement]), [statement])
})
