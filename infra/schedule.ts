// What happens by the clock: EventBridge Scheduler wakes functions, each minute. A run that fails is not
// repeated: the next one comes.
import * as iam from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as scheduler from 'aws-cdk-lib/aws-scheduler'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import { Stack } from 'aws-cdk-lib'
import type { Construct } from 'constructs'

import { makeDeadLetterQueue } from './queues.ts'
import { invoke, send, statement, throughKey } from './statements.ts'

export interface Wake {
  readonly id: string
  /** `rate(1 minute)`, or `cron(…)` in UTC. */
  readonly when: string
  readonly target: lambda.Function
  readonly input: Readonly<Record<string, string>>
}

export function makeSchedules(
  scope: Construct,
  key: IKey,
  wakes: readonly Wake[],
  paused: boolean,
): Queue {
  const dlq = makeDeadLetterQueue(scope, 'ScheduleDlq', key)
  const role = new iam.Role(scope, 'ScheduleRole', {
    description: 'Wakes functions by the clock',
    assumedBy: new iam.ServicePrincipal('scheduler.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
    inlinePolicies: {
      own: new iam.PolicyDocument({
        statements: [
          invoke(...new Set(wakes.map(({ target }) => target.functionArn))),
          send('NotWoken', dlq.queueArn),
          throughKey(key, 'send', ['sqs']),
          statement('PlatformKeyScheduler', ['kms:Decrypt'], [key.keyArn]),
        ],
      }),
    },
  })
  const group = new scheduler.CfnScheduleGroup(scope, 'Schedules', {
    name: `${Stack.of(scope).stackName}-payments`,
  })
  for (const { id, when, target, input } of wakes) {
    new scheduler.CfnSchedule(scope, `Wake${id}`, {
      groupName: group.ref,
      scheduleExpression: when,
      scheduleExpressionTimezone: 'UTC',
      flexibleTimeWindow: { mode: 'OFF' },
      state: paused ? 'DISABLED' : 'ENABLED',
      kmsKeyArn: key.keyArn,
      target: {
        arn: target.functionArn,
        roleArn: role.roleArn,
        input: JSON.stringify(input),
        deadLetterConfig: { arn: dlq.queueArn },
        retryPolicy: { maximumEventAgeInSeconds: 60, maximumRetryAttempts: 2 },
      },
    })
  }
  return dlq
}

/** The clock invokes asynchronously: Lambda would repeat a failure twice, for up to six hours. */
export function notRepeated(scope: Construct, id: string, target: lambda.Function): void {
  new lambda.CfnEventInvokeConfig(scope, id, {
    functionName: target.functionName,
    qualifier: '$LATEST',
    maximumRetryAttempts: 0,
    maximumEventAgeInSeconds: 60,
  })
}

/** A rule invokes asynchronously as well, and its DLQ knows nothing of what the function then throws. */
export function keepOnFailure(
  scope: Construct,
  id: string,
  target: lambda.Function,
  queue: Queue,
): void {
  new lambda.CfnEventInvokeConfig(scope, id, {
    functionName: target.functionName,
    qualifier: '$LATEST',
    maximumRetryAttempts: 2,
    maximumEventAgeInSeconds: 3600,
    destinationConfig: { onFailure: { destination: queue.queueArn } },
  })
}
