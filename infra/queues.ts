// Queues as they all are here: encrypted with the key, only over TLS, and with a place for what
// cannot be worked off.
import { Duration, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import * as sqs from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'

/** The longest there is: a dead letter keeps the time at which it first came. */
const deadLetterRetention = Duration.days(14)

/** A person empties it; it has no dead-letter queue of its own. */
export function makeDeadLetterQueue(scope: Construct, id: string, key: IKey): sqs.Queue {
  return new sqs.Queue(scope, id, {
    encryption: sqs.QueueEncryption.KMS,
    encryptionMasterKey: key,
    dataKeyReuse: dataKeyReuse,
    enforceSSL: true,
    retentionPeriod: deadLetterRetention,
  })
}

export interface QueueProps {
  readonly key: IKey
  readonly visibility: Duration
  readonly retention: Duration
  readonly deadLetters: { readonly queue: sqs.IQueue; readonly maxReceiveCount: number }
}

export function makeQueue(scope: Construct, id: string, props: QueueProps): sqs.Queue {
  return new sqs.Queue(scope, id, {
    encryption: sqs.QueueEncryption.KMS,
    encryptionMasterKey: props.key,
    dataKeyReuse: dataKeyReuse,
    enforceSSL: true,
    visibilityTimeout: props.visibility,
    retentionPeriod: props.retention,
    deadLetterQueue: props.deadLetters,
  })
}

/** SQS asks for a new data key as often; each time is paid for. */
const dataKeyReuse = Duration.minutes(5)

/** Lets rules of this account, and nobody else's, send to it. */
export function letRulesSend(queue: sqs.Queue, ruleArns: readonly string[]): void {
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'Rules',
      principals: [new iam.ServicePrincipal('events.amazonaws.com')],
      actions: ['sqs:SendMessage'],
      resources: [queue.queueArn],
      conditions: {
        ArnEquals: { 'aws:SourceArn': [...ruleArns] },
        StringEquals: { 'aws:SourceAccount': Stack.of(queue).account },
      },
    }),
  )
}
