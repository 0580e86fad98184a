// The one key that everything at rest is encrypted with, and who besides our own roles may use it:
// the services that read or write for us, each for this account only. Roles get their share of it in
// `roles.ts`.
import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import * as kms from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'

export function makeKey(scope: Construct): kms.Key {
  const key = new kms.Key(scope, 'Key', {
    description: 'Payments: table, queues, topic, bus, logs and secrets of Quittance',
    enableKeyRotation: true,
    rotationPeriod: Duration.days(365),
    pendingWindow: Duration.days(30),
    // Without it no backup of the table can be read.
    removalPolicy: RemovalPolicy.RETAIN,
  })
  for (const statement of keyStatements(Stack.of(scope))) key.addToResourcePolicy(statement)
  return key
}

/** What a key that is given must allow as well. In a key policy `*` is the key itself. */
export function keyStatements(stack: Stack): readonly iam.PolicyStatement[] {
  const ours = { 'aws:SourceAccount': stack.account }
  return [
    allow('Events', 'events.amazonaws.com', readAndWrite, { StringEquals: ours }),
    allow('CloudWatchAlarms', 'cloudwatch.amazonaws.com', readAndWrite, { StringEquals: ours }),
    allow('Logs', `logs.${stack.region}.amazonaws.com`, readAndWrite, {
      ArnLike: {
        'kms:EncryptionContext:aws:logs:arn': stack.formatArn({
          service: 'logs',
          resource: '*',
        }),
      },
    }),
    // Step Functions logs through it.
    allow('LogDelivery', 'delivery.logs.amazonaws.com', ['kms:Decrypt'], { StringEquals: ours }),
  ]
}

const readAndWrite = ['kms:Decrypt', 'kms:DescribeKey', 'kms:Encrypt', 'kms:GenerateDataKey']

function allow(
  sid: string,
  service: string,
  actions: readonly string[],
  conditions: Record<string, Record<string, string>>,
): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid,
    principals: [new iam.ServicePrincipal(service)],
    actions: [...actions],
    resources: ['*'],
    conditions,
  })
}
