// From the work queue to the processor: dispatch starts a run, a state machine walks it, and its steps
// call the one processor that it is for.
import { Duration, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import * as stepfunctions from 'aws-cdk-lib/aws-stepfunctions'
import type { Construct } from 'constructs'

import { stateMachine } from '../src/aws/state-machine.ts'
import type { Settled } from './props.ts'
import { makeDeadLetterQueue, makeQueue } from './queues.ts'
import { invoke, statement } from './statements.ts'

export const dispatchTimeoutSeconds = 30

/** SQS hands a message out again after this; Lambda wants six times the function's timeout. */
const visibility = Duration.seconds(6 * dispatchTimeoutSeconds)

export function makeWorkQueue(scope: Construct, key: IKey) {
  const dispatchDlq = makeDeadLetterQueue(scope, 'DispatchDlq', key)
  const work = makeQueue(scope, 'Work', {
    key,
    visibility,
    // The sweep sends again what is still due, so that nothing has to wait here for long.
    retention: Duration.days(1),
    deadLetters: { queue: dispatchDlq, maxReceiveCount: 5 },
  })
  return { work, dispatchDlq }
}

export function takeWork(
  scope: Construct,
  queue: IQueue,
  dispatch: lambda.IFunction,
  { limits, paused }: Settled,
): void {
  new lambda.EventSourceMapping(scope, 'TakeWork', {
    target: dispatch,
    eventSourceArn: queue.queueArn,
    enabled: !paused,
    batchSize: 10,
    reportBatchItemFailures: true,
    // Else the poller takes messages that a throttled function cannot, and their receives count.
    maxConcurrency: limits.dispatch,
  })
}

// ── State machines ───────────────────────────────────────────────────────────────────────────────

interface MachineProps {
  readonly processor: string
  readonly step: lambda.IFunction
  readonly key: IKey
  readonly workflow: Settled['workflow']
  readonly logRetention: logs.RetentionDays
}

/** The logical id's part for a processor: `stripe_eu` is `StripeEu`. */
export const idOf = (processor: string): string =>
  processor.replace(/(?:^|_)([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())

export function makeMachine(
  scope: Construct,
  { processor, step, key, workflow, logRetention }: MachineProps,
): stepfunctions.CfnStateMachine {
  const id = idOf(processor)
  const logGroup = new logs.LogGroup(scope, `Machine${id}Logs`, {
    // Step Functions adds names to one resource policy, which is soon full; not for this prefix.
    logGroupName: `/aws/vendedlogs/states/${Stack.of(scope).stackName}-${processor}`,
    retention: logRetention,
    encryptionKey: key,
  })
  const role = new iam.Role(scope, `Machine${id}Role`, {
    description: `Runs payments of ${processor}`,
    assumedBy: new iam.ServicePrincipal('states.amazonaws.com', {
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
    inlinePolicies: {
      own: new iam.PolicyDocument({
        statements: [invoke(step.functionArn), ...machineStatements(key)],
      }),
    },
  })
  const machine = new stepfunctions.CfnStateMachine(scope, `Machine${id}`, {
    // The kind is part of the name: a machine cannot change it, and a name cannot be taken twice.
    stateMachineName: `${Stack.of(scope).stackName}-${processor}-${workflow}`,
    stateMachineType: workflow === 'express' ? 'EXPRESS' : 'STANDARD',
    roleArn: role.roleArn,
    definitionString: JSON.stringify(
      stateMachine({ workflow, stepFunctionArn: '${StepFunctionArn}' }),
    ),
    definitionSubstitutions: { StepFunctionArn: step.functionArn },
    encryptionConfiguration: {
      type: 'CUSTOMER_MANAGED_KMS_KEY',
      kmsKeyId: key.keyArn,
      // A new data key as seldom as there may be: an execution holds ids and nothing else.
      kmsDataKeyReusePeriodSeconds: 900,
    },
    tracingConfiguration: { enabled: true },
    loggingConfiguration: {
      level: 'ERROR',
      includeExecutionData: true,
      destinations: [{ cloudWatchLogsLogGroup: { logGroupArn: logGroup.logGroupArn } }],
    },
  })
  // The policy of the role is checked when the machine is made.
  machine.node.addDependency(role)
  return machine
}

function machineStatements(key: IKey): readonly iam.PolicyStatement[] {
  return [
    statement('PlatformKeyStates', ['kms:Decrypt', 'kms:GenerateDataKey'], [key.keyArn]),
    // AWS takes none of these for one log group: a delivery is no resource.
    statement(
      'PlatformLogDelivery',
      [
        'logs:CreateLogDelivery',
        'logs:DeleteLogDelivery',
        'logs:DescribeLogGroups',
        'logs:DescribeResourcePolicies',
        'logs:GetLogDelivery',
        'logs:ListLogDeliveries',
        'logs:PutResourcePolicy',
        'logs:UpdateLogDelivery',
      ],
      ['*'],
    ),
    statement(
      'PlatformTracing',
      [
        'xray:GetSamplingRules',
        'xray:GetSamplingTargets',
        'xray:PutTelemetryRecords',
        'xray:PutTraceSegments',
      ],
      ['*'],
    ),
  ]
}
