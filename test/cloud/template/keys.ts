// Which resource is encrypted with which key of the customer.
import { isObject, listOf, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import { queueArnOfUrl } from '../iam/policies.ts'
import { accountId, region } from './names.ts'
import type { Resource, Template } from './template.ts'

export function keysOf(template: Template): ReadonlyMap<string, string> {
  const place = `${region}:${accountId}`
  const entries: readonly (readonly [
    string,
    (resource: Resource) => readonly [string, Json | undefined],
  ])[] = [
    [
      'AWS::DynamoDB::Table',
      ({ id, properties }) => [
        `arn:aws:dynamodb:${place}:table/${wordOf(properties['TableName'] ?? id)}`,
        inside(properties, 'SSESpecification', 'KMSMasterKeyId'),
      ],
    ],
    [
      'AWS::SQS::Queue',
      ({ id, properties }) => [
        queueArnOfUrl(`http://queue/${accountId}/${wordOf(properties['QueueName'] ?? id)}`),
        properties['KmsMasterKeyId'],
      ],
    ],
    [
      'AWS::SNS::Topic',
      ({ id, properties }) => [
        `arn:aws:sns:${place}:${wordOf(properties['TopicName'] ?? id)}`,
        properties['KmsMasterKeyId'],
      ],
    ],
    [
      'AWS::SecretsManager::Secret',
      ({ id, properties }) => [
        `arn:aws:secretsmanager:${place}:secret:${wordOf(properties['Name'] ?? id)}-Local0`,
        properties['KmsKeyId'],
      ],
    ],
    [
      'AWS::StepFunctions::StateMachine',
      ({ properties }) => [
        `arn:aws:states:${place}:stateMachine:${wordOf(properties['StateMachineName'])}`,
        inside(properties, 'EncryptionConfiguration', 'KmsKeyId'),
      ],
    ],
    [
      'AWS::S3::Bucket',
      ({ id, properties }) => [
        `arn:aws:s3:::${wordOf(properties['BucketName'] ?? id.toLowerCase())}`,
        bucketKey(properties),
      ],
    ],
  ]
  const found = entries.flatMap(([type, read]) =>
    template.ofType(type).flatMap((resource): readonly (readonly [string, string])[] => {
      const [arn, key] = read(resource)
      return typeof key === 'string' ? [[arn, key]] : []
    }),
  )
  return new Map(found)
}

function inside(properties: JsonObject, ...path: readonly string[]): Json | undefined {
  let value: Json | undefined = properties
  for (const key of path) value = isObject(value) ? value[key] : undefined
  return value
}

function bucketKey(properties: JsonObject): Json | undefined {
  const [rule] = listOf(inside(properties, 'BucketEncryption', 'ServerSideEncryptionConfiguration'))
  return isObject(rule)
    ? inside(rule, 'ServerSideEncryptionByDefault', 'KMSMasterKeyID')
    : undefined
}
