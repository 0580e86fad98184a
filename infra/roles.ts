// Who may do what, function by function. `docs/reference/aws-permissions.md` is made of the template
// that comes of it.
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions'

import type { TableName } from '../src/ports.ts'
import { tableDefinition } from '../src/stores/dynamodb/table.ts'
import type { Base } from './base.ts'
import { putAside } from './events.ts'
import {
  consume,
  onIndexes,
  onRows,
  publish,
  readSecrets,
  readStream,
  send,
  statement,
  throughKey,
} from './statements.ts'
import type { TableArns } from './table.ts'

export interface Parts {
  readonly key: IKey
  readonly table: TableArns
  readonly topicArn: string
  readonly workArn: string
  readonly busArn: string
}

export const partsOf = ({ key, table, topic, work, bus }: Base): Parts => ({
  key,
  table,
  topicArn: topic.topicArn,
  workArn: work.queueArn,
  busArn: bus.attrArn,
})

type Statements = readonly PolicyStatement[]

const indexNames = tableDefinition.indexes.map(({ name }) => name)

const readActions = ['GetItem', 'Query']
const writeActions = ['ConditionCheckItem', 'DeleteItem', 'PutItem', 'UpdateItem']

/** What stands behind a token is read where a caller is identified, and nowhere else. */
const callerTables: readonly TableName[] = ['agent', 'token']

/** Where payments go on: not the guards of claims, not tokens, not the books of reconciliation. */
const payingTables: readonly TableName[] = [
  'account',
  'agent',
  'alert',
  'audit',
  'breaker',
  'budget',
  'control',
  'dead_letter',
  'details',
  'payment',
  'slot',
  'webhook',
]

/** What every function needs that runs the engine. */
const runsEngine = (
  { table, topicArn }: Parts,
  tables: readonly TableName[] | 'all' = payingTables,
): Statements => [
  onRows(table, {
    sid: 'Rows',
    actions: [...readActions, ...writeActions],
    ...(tables === 'all' ? {} : { of: tables }),
  }),
  onIndexes(table, indexNames),
  publish(topicArn),
]

export const authoriseMay = ({ table, key }: Parts): Statements => [
  onRows(table, { sid: 'Callers', actions: ['GetItem'], of: callerTables }),
  throughKey(key, 'read', ['dynamodb']),
]

export const intakeMay = (parts: Parts, webhookSecrets: readonly ISecret[]): Statements => [
  ...runsEngine(parts, 'all'),
  readSecrets(...webhookSecrets),
  throughKey(parts.key, 'write', ['dynamodb', 'sns', 'secretsmanager']),
]

/** One processor's secret, and no other's. */
export const stepMay = (parts: Parts, secret: ISecret): Statements => [
  ...runsEngine(parts),
  readSecrets(secret),
  throughKey(parts.key, 'write', ['dynamodb', 'sns', 'secretsmanager']),
]

export const relayMay = (parts: Parts, bucket: Bucket): Statements => [
  onRows(parts.table, {
    sid: 'Marks',
    actions: [...readActions, 'UpdateItem'],
    of: ['payment'],
  }),
  statement('Events', ['events:PutEvents'], [parts.busArn]),
  send('Work', parts.workArn),
  throughKey(parts.key, 'write', ['dynamodb', 'sqs']),
  ...readStream(parts.table.streamArn),
  ...putAside(bucket, parts.key),
]

export const dispatchMay = (parts: Parts, machines: readonly CfnStateMachine[]): Statements => [
  statement(
    'Start',
    ['states:StartExecution'],
    machines.map((machine) => machine.ref),
  ),
  // The input of an execution is encrypted when it is started.
  statement('PlatformKeyStates', ['kms:Decrypt', 'kms:GenerateDataKey'], [parts.key.keyArn]),
  consume(parts.workArn),
]

export const sweepMay = (parts: Parts): Statements => [
  ...runsEngine(parts),
  statement('Events', ['events:PutEvents'], [parts.busArn]),
  send('Work', parts.workArn),
  throughKey(parts.key, 'write', ['dynamodb', 'sns', 'sqs']),
]

export const redriveMay = (parts: Parts): Statements => [
  ...runsEngine(parts),
  throughKey(parts.key, 'write', ['dynamodb', 'sns']),
]

export const alertsMay = (parts: Parts, failedArn: string): Statements => [
  ...runsEngine(parts),
  send('NotTold', failedArn),
  throughKey(parts.key, 'write', ['dynamodb', 'sns', 'sqs']),
]
