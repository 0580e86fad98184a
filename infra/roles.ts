// Who may do what, function by function. `docs/reference/aws-permissions.md` is made of the template
// that comes of it.
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager'
import type { CfnStateMachine } from 'aws-cdk-lib/aws-stepfunctions'

import type { TableName } from '../src/ports.ts'
import type { IndexName } from '../src/stores/dynamodb/table.ts'
import type { Base } from './base.ts'
import { keepCheckpoints, putAside } from './events.ts'
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

/**
 * What each does to rows. Nothing in the engine deletes one; only a claim looks at a row that it does not
 * write; a row is updated, the events of a commit are put, and the events of one payment are a query.
 */
const actionsOf = {
  claims: ['ConditionCheckItem', 'GetItem', 'PutItem', 'Query', 'UpdateItem'],
  drives: ['GetItem', 'PutItem', 'Query', 'UpdateItem'],
  redrives: ['GetItem', 'PutItem', 'UpdateItem'],
  watches: ['GetItem', 'Query', 'UpdateItem'],
} as const

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
  'clock',
  'control',
  'dead_letter',
  'details',
  'payment',
  'slot',
  'webhook',
]

/** What is due, what is listed by status, all rows of a small table. */
const workIndexes: readonly IndexName[] = ['account', 'all', 'work']
/** What people look through. */
const listIndexes: readonly IndexName[] = ['account', 'all', 'reference']

/** What every function needs that runs the engine where payments go on. */
const runsEngine = ({ table }: Parts, does: keyof typeof actionsOf): Statements => [
  onRows(table, { sid: 'Rows', actions: actionsOf[does], of: payingTables }),
  onIndexes(table, workIndexes),
]

export const authoriseMay = ({ table, key }: Parts): Statements => [
  onRows(table, { sid: 'Callers', actions: ['GetItem'], of: callerTables }),
  throughKey(key, 'read', ['dynamodb']),
]

/** Any row: claims, tokens and what operators do. It tells nobody: the bus and the sweep do. */
export const intakeMay = (parts: Parts, webhookSecrets: readonly ISecret[]): Statements => [
  onRows(parts.table, { sid: 'Rows', actions: actionsOf.claims }),
  onIndexes(parts.table, listIndexes),
  readSecrets(...webhookSecrets),
  throughKey(parts.key, 'write', ['dynamodb', 'secretsmanager']),
]

/** One processor's secret, and no other's. */
export const stepMay = (parts: Parts, secret: ISecret): Statements => [
  ...runsEngine(parts, 'drives'),
  publish(parts.topicArn),
  readSecrets(secret),
  throughKey(parts.key, 'write', ['dynamodb', 'sns', 'secretsmanager']),
]

/** It learns what records prove of payments, keeps runs and breaks, and moves no money. */
export const reconcileMay = (parts: Parts, secret: ISecret, bucket: Bucket): Statements => [
  onRows(parts.table, {
    sid: 'Rows',
    actions: actionsOf.redrives,
    of: [...payingTables.filter((table) => table !== 'webhook'), 'break', 'reconciliation'],
  }),
  onIndexes(parts.table, workIndexes),
  publish(parts.topicArn),
  readSecrets(secret),
  ...keepCheckpoints(bucket),
  throughKey(parts.key, 'write', ['dynamodb', 's3', 'sns', 'secretsmanager']),
]

export const relayMay = (parts: Parts, bucket: Bucket): Statements => [
  onRows(parts.table, {
    sid: 'Marks',
    actions: ['Query', 'UpdateItem'],
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
  ...runsEngine(parts, 'watches'),
  publish(parts.topicArn),
  statement('Events', ['events:PutEvents'], [parts.busArn]),
  send('Work', parts.workArn),
  throughKey(parts.key, 'write', ['dynamodb', 'sns', 'sqs']),
]

/** What it raises is told by the next sweep. */
export const redriveMay = (parts: Parts): Statements => [
  ...runsEngine(parts, 'redrives'),
  throughKey(parts.key, 'write', ['dynamodb']),
]

export const alertsMay = (parts: Parts, failedArn: string): Statements => [
  ...runsEngine(parts, 'watches'),
  publish(parts.topicArn),
  send('NotTold', failedArn),
  throughKey(parts.key, 'write', ['dynamodb', 'sns', 'sqs']),
]
