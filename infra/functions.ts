// One Lambda function with a role and a log group of its own. The role is written here, whole: CDK
// may add nothing to it.
import { Duration, Size, Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import * as lambda from 'aws-cdk-lib/aws-lambda'
import * as logs from 'aws-cdk-lib/aws-logs'
import type { Construct } from 'constructs'

import { assetFolder } from './bundle.ts'
import type { FunctionName } from './bundle.ts'
import type { VpcProps } from './props.ts'

export interface FunctionProps {
  readonly asset: FunctionName
  readonly purpose: string
  readonly timeoutSeconds: number
  readonly memoryMb: number
  /** Of its disk; Lambda's own size unless told. */
  readonly diskMb?: number
  /** Kept free for it, and its ceiling. */
  readonly concurrency?: number
  readonly environment: Readonly<Record<string, string>>
  readonly statements: readonly iam.PolicyStatement[]
}

/** What all functions share. */
export interface Surroundings {
  readonly key: IKey
  readonly logRetention: logs.RetentionDays
  readonly vpc: VpcProps | undefined
}

export function makeFunction(
  scope: Construct,
  id: string,
  props: FunctionProps,
  { key, logRetention, vpc }: Surroundings,
): lambda.Function {
  const logGroup = new logs.LogGroup(scope, `${id}Logs`, {
    retention: logRetention,
    encryptionKey: key,
  })
  const role = new iam.Role(scope, `${id}Role`, {
    description: `${props.purpose} (${id})`,
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    inlinePolicies: {
      own: new iam.PolicyDocument({
        statements: [
          ...props.statements,
          writeLogs(logGroup),
          sendTraces(),
          ...(vpc === undefined ? [] : [joinVpc()]),
        ],
      }),
    },
  })
  return new lambda.Function(scope, id, {
    description: props.purpose,
    runtime: lambda.Runtime.NODEJS_24_X,
    architecture: lambda.Architecture.ARM_64,
    handler: 'index.handler',
    code: lambda.Code.fromAsset(assetFolder(props.asset)),
    timeout: Duration.seconds(props.timeoutSeconds),
    memorySize: props.memoryMb,
    ...(props.diskMb === undefined ? {} : { ephemeralStorageSize: Size.mebibytes(props.diskMb) }),
    environment: { ...props.environment },
    role: role.withoutPolicyUpdates(),
    logGroup,
    tracing: lambda.Tracing.ACTIVE,
    ...(props.concurrency === undefined ? {} : { reservedConcurrentExecutions: props.concurrency }),
    ...(vpc === undefined ? {} : vpcOf(vpc)),
  })
}

function vpcOf({ vpc, subnets, securityGroups }: VpcProps) {
  return {
    vpc,
    ...(subnets === undefined ? {} : { vpcSubnets: subnets }),
    ...(securityGroups === undefined ? {} : { securityGroups: [...securityGroups] }),
  }
}

// Lambda names the streams, a new one for each instance.
function writeLogs(group: logs.LogGroup): iam.PolicyStatement {
  const { account, region } = Stack.of(group)
  const name = Stack.of(group).formatArn({
    service: 'logs',
    region,
    account,
    resource: `log-group:${group.logGroupName}:log-stream:*`,
  })
  return new iam.PolicyStatement({
    sid: 'PlatformLogs',
    actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
    resources: [name],
  })
}

// X-Ray knows no resources for these.
function sendTraces(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'PlatformTracing',
    actions: ['xray:PutTelemetryRecords', 'xray:PutTraceSegments'],
    resources: ['*'],
  })
}

// Lambda makes and removes the interfaces; their names are not known before.
function joinVpc(): iam.PolicyStatement {
  return new iam.PolicyStatement({
    sid: 'PlatformVpc',
    actions: [
      'ec2:AssignPrivateIpAddresses',
      'ec2:CreateNetworkInterface',
      'ec2:DeleteNetworkInterface',
      'ec2:DescribeNetworkInterfaces',
      'ec2:DescribeSubnets',
      'ec2:UnassignPrivateIpAddresses',
    ],
    resources: ['*'],
  })
}
