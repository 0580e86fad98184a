// From the table's stream to whoever listens: relay puts events on the bus, rules take them from there,
// each with a queue for what its target does not take.
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import * as events from 'aws-cdk-lib/aws-events'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as s3 from 'aws-cdk-lib/aws-s3'
import type * as sqs from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'

import { checkpointPrefix } from '../src/aws/checkpoints.ts'
import { streamFilter } from '../src/stores/dynamodb/table.ts'
import { letRulesSend, makeDeadLetterQueue } from './queues.ts'
import { statement, throughKey } from './statements.ts'
import type { TableArns } from './table.ts'

/** Source of every event of ours on the bus. */
const source = 'quittance'

// ── The bus ──────────────────────────────────────────────────────────────────────────────────────

export interface Bus {
  readonly bus: events.CfnEventBus
  readonly busDlq: sqs.Queue
}

export function makeBus(scope: Construct, key: IKey, archiveDays: number): Bus {
  const busDlq = makeDeadLetterQueue(scope, 'BusDlq', key)
  const bus = new events.CfnEventBus(scope, 'Bus', {
    name: `${Stack.of(scope).stackName}-payments`,
    description: 'Every event of every payment',
    kmsKeyIdentifier: key.keyArn,
    // For events that cannot be decrypted any more.
    deadLetterConfig: { arn: busDlq.queueArn },
  })
  new events.CfnArchive(scope, 'Archive', {
    description: 'Events of payments, to be replayed to a new consumer',
    sourceArn: bus.attrArn,
    eventPattern: { source: [source] },
    retentionDays: archiveDays,
    kmsKeyIdentifier: key.keyArn,
  })
  letRulesSend(busDlq, [bus.attrArn])
  return { bus, busDlq }
}

// ── Rules ────────────────────────────────────────────────────────────────────────────────────────

export interface RuleProps {
  readonly bus: events.CfnEventBus
  readonly key: IKey
  readonly description: string
  /** Left out: every event. */
  readonly detailTypes?: readonly string[]
  readonly target: sqs.Queue | lambda.Function
}

export interface RuleWithDlq {
  readonly rule: events.CfnRule
  /** What the target did not take. */
  readonly dlq: sqs.Queue
}

/** For the consumers to come as well: a rule, its target, and a queue for what it does not take. */
export function addRule(scope: Construct, id: string, props: RuleProps): RuleWithDlq {
  const { bus, key, target } = props
  const dlq = makeDeadLetterQueue(scope, `${id}Dlq`, key)
  const rule = new events.CfnRule(scope, `${id}Rule`, {
    description: props.description,
    eventBusName: bus.ref,
    eventPattern: {
      source: [source],
      ...(props.detailTypes === undefined ? {} : { 'detail-type': [...props.detailTypes] }),
    },
    targets: [
      {
        id: 'target',
        arn: 'queueArn' in target ? target.queueArn : target.functionArn,
        deadLetterConfig: { arn: dlq.queueArn },
        // The longest that there is: what waits so long is in the DLQ, and an alarm has told.
        retryPolicy: { maximumEventAgeInSeconds: 86_400, maximumRetryAttempts: 185 },
      },
    ],
  })
  letRulesSend(dlq, [rule.attrArn])
  if ('queueArn' in target) letRulesSend(target, [rule.attrArn])
  else letRuleInvoke(scope, id, target, rule.attrArn)
  return { rule, dlq }
}

function letRuleInvoke(
  scope: Construct,
  id: string,
  target: lambda.Function,
  ruleArn: string,
): void {
  new lambda.CfnPermission(scope, `${id}Invoke`, {
    action: 'lambda:InvokeFunction',
    functionName: target.functionArn,
    principal: 'events.amazonaws.com',
    sourceArn: ruleArn,
  })
}

// ── The stream ───────────────────────────────────────────────────────────────────────────────────

/** Whole records that relay could not deliver: the stream forgets them after a day. */
export function makeRecordBucket(scope: Construct, key: IKey): s3.Bucket {
  return new s3.Bucket(scope, 'PutAside', {
    encryption: s3.BucketEncryption.KMS,
    encryptionKey: key,
    bucketKeyEnabled: true,
    blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
    versioned: true,
    lifecycleRules: [
      // Of runs that never came back for it; each that ends takes its own away.
      {
        prefix: checkpointPrefix,
        expiration: Duration.days(7),
        noncurrentVersionExpiration: Duration.days(1),
      },
      {
        expiration: Duration.days(90),
        noncurrentVersionExpiration: Duration.days(30),
        abortIncompleteMultipartUploadAfter: Duration.days(1),
      },
    ],
    removalPolicy: RemovalPolicy.RETAIN,
  })
}

/** Lambda names the objects, below this prefix. */
export const putAside = (bucket: s3.Bucket, key: IKey) => [
  statement('PlatformPutAside', ['s3:PutObject'], [`${bucket.bucketArn}/aws/lambda/*`]),
  statement('PlatformPutAsideBucket', ['s3:ListBucket'], [bucket.bucketArn]),
  throughKey(key, 'send', ['s3']),
]

/** What a reconciliation has read so far, below another prefix of the same bucket. */
export const keepCheckpoints = (bucket: s3.Bucket) => [
  statement(
    'Checkpoints',
    ['s3:DeleteObject', 's3:GetObject', 's3:PutObject'],
    [`${bucket.bucketArn}/${checkpointPrefix}*`],
  ),
  // Who may not list is told 403 of what is not there, as of what is refused.
  statement('PlatformCheckpointsBucket', ['s3:ListBucket'], [bucket.bucketArn]),
]

interface StreamProps {
  readonly table: TableArns
  readonly relay: lambda.IFunction
  readonly bucket: s3.Bucket
  readonly paused: boolean
}

export function readTheStream(
  scope: Construct,
  { table, relay, bucket, paused }: StreamProps,
): lambda.CfnEventSourceMapping {
  return new lambda.CfnEventSourceMapping(scope, 'ReadStream', {
    functionName: relay.functionArn,
    eventSourceArn: table.streamArn,
    enabled: !paused,
    // LATEST can skip what was written while the mapping was made.
    startingPosition: 'TRIM_HORIZON',
    batchSize: 100,
    maximumBatchingWindowInSeconds: 0,
    // More would keep the order of each item only; a payment's events are items of their own.
    parallelizationFactor: 1,
    // A record that cannot be delivered blocks its shard: it is singled out and put aside within a
    // minute or so, and the sweep publishes its event later.
    bisectBatchOnFunctionError: true,
    functionResponseTypes: ['ReportBatchItemFailures'],
    maximumRetryAttempts: 5,
    maximumRecordAgeInSeconds: 3600,
    destinationConfig: { onFailure: { destination: bucket.bucketArn } },
    // New event items; what else is written wakes nobody.
    filterCriteria: { filters: [{ pattern: JSON.stringify(streamFilter) }] },
    // How many records were put aside is told by these only.
    metricsConfig: { metrics: ['EventCount'] },
  })
}
