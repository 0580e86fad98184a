// The statements that roles are made of, each with exact actions on exact resources. A Sid that begins
// with `Platform` is used by AWS on our behalf (a poller, a service that decrypts), never by a call
// of our code.
import { Stack } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'

import type { TableName } from '../src/ports.ts'
import { isCopied, placeOf } from '../src/stores/dynamodb/places.ts'
import type { TableArns } from './table.ts'

export function statement(
  sid: string,
  actions: readonly string[],
  resources: readonly string[],
  conditions?: Record<string, Record<string, unknown>>,
): PolicyStatement {
  return new PolicyStatement({
    sid,
    actions: [...actions],
    resources: [...resources],
    ...(conditions === undefined ? {} : { conditions }),
  })
}

// ── The table ────────────────────────────────────────────────────────────────────────────────────

export interface Rows {
  readonly sid: string
  /** Actions of DynamoDB without its name. A transaction is checked as the actions in it. */
  readonly actions: readonly string[]
  /** Left out: of any table. */
  readonly of?: readonly TableName[]
}

export function onRows(table: TableArns, { sid, actions, of }: Rows): PolicyStatement {
  const keys = of?.map(partitionsOf)
  const conditions =
    keys === undefined
      ? undefined
      : { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': [...new Set(keys)].toSorted() } }
  return statement(sid, actions.map(dynamodb), [table.arn], conditions)
}

/** `u#…`; where rows are kept in numbered copies or shards, `c#…`, `c1#…` and so on. */
function partitionsOf(table: TableName): string {
  const { pk } = placeOf({ table, key: '*' })
  const isDivided = isCopied(table) || table === 'budget'
  return isDivided ? pk.replace('#', '*#') : pk
}

/** A condition on leading keys holds for an index with the keys of that index. */
export function onIndexes(table: TableArns, names: readonly string[]): PolicyStatement {
  const resources = names.map((name) => `${table.arn}/index/${name}`)
  return statement('Indexes', ['dynamodb:Query'], resources)
}

const dynamodb = (action: string): string => `dynamodb:${action}`

// ── Keys and secrets ─────────────────────────────────────────────────────────────────────────────

type Encrypted = 'dynamodb' | 'sqs' | 'sns' | 's3' | 'secretsmanager'

const keyUses = {
  read: ['kms:Decrypt', 'kms:DescribeKey'],
  write: [
    'kms:Decrypt',
    'kms:DescribeKey',
    'kms:Encrypt',
    'kms:GenerateDataKey',
    'kms:ReEncryptFrom',
    'kms:ReEncryptTo',
  ],
  send: ['kms:Decrypt', 'kms:GenerateDataKey'],
} as const

/** Only through these services, so that the key opens nothing else. */
export function throughKey(
  key: IKey,
  use: keyof typeof keyUses,
  services: readonly Encrypted[],
): PolicyStatement {
  const { region, urlSuffix } = Stack.of(key)
  const via = services.map((service) => `${service}.${region}.${urlSuffix}`)
  const sid = `PlatformKey${services.map(capital).join('')}`
  return statement(sid, keyUses[use], [key.keyArn], { StringEquals: { 'kms:ViaService': via } })
}

export const readSecrets = (...secrets: readonly ISecret[]): PolicyStatement =>
  statement(
    'Secrets',
    ['secretsmanager:GetSecretValue'],
    secrets.map(({ secretArn }) => secretArn),
  )

// ── Queues, topics, functions ────────────────────────────────────────────────────────────────────

export const send = (sid: string, ...queueArns: readonly string[]): PolicyStatement =>
  statement(sid, ['sqs:SendMessage'], queueArns)

export const publish = (topicArn: string): PolicyStatement =>
  statement('Alerts', ['sns:Publish'], [topicArn])

export const invoke = (...functionArns: readonly string[]): PolicyStatement =>
  statement('Invoke', ['lambda:InvokeFunction'], functionArns)

export const consume = (queueArn: string): PolicyStatement =>
  statement(
    'PlatformQueue',
    [
      'sqs:ChangeMessageVisibility',
      'sqs:DeleteMessage',
      'sqs:GetQueueAttributes',
      'sqs:ReceiveMessage',
    ],
    [queueArn],
  )

/** Lambda asks for the last one before it makes the mapping, and it knows no resources. */
export const readStream = (streamArn: string): readonly PolicyStatement[] => [
  statement(
    'PlatformStream',
    ['dynamodb:DescribeStream', 'dynamodb:GetRecords', 'dynamodb:GetShardIterator'],
    [streamArn],
  ),
  statement('PlatformStreams', ['dynamodb:ListStreams'], ['*']),
]

const capital = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)
