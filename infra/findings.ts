// What else cdk-nag (AwsSolutions) finds here, and why it stays so; where the other way costs money,
// how much (us-east-1).
import { Validations } from 'aws-cdk-lib'
import { CfnMethod } from 'aws-cdk-lib/aws-apigateway'
import type { Construct, IConstruct } from 'constructs'

import type { Quittance } from './quittance.ts'
import { acknowledgeWildcards } from './wildcards.ts'

export function acknowledgeFindings(quittance: Quittance): void {
  const { base, api, functions } = quittance
  acknowledgeWildcards(quittance)
  accept(
    quittance,
    'AwsSolutions-SQS3',
    'These hold what others could not deliver; a person empties them, and an alarm calls one.',
  )
  accept(
    base.putAside,
    'AwsSolutions-S1',
    'Only Lambda writes here, and only in trouble. Logs of access want a second bucket that has none ' +
      'either; CloudTrail data events do it better, for $0.10 per 100,000.',
  )
  for (const { api: secret, webhook } of Object.values(base.secrets)) {
    for (const each of [secret, webhook]) {
      accept(
        each,
        'AwsSolutions-SMG4',
        'The processor gives these out; they are changed there first, by a person.',
      )
    }
  }
  for (const machine of Object.values(functions.machines)) {
    accept(
      machine,
      'AwsSolutions-SF1',
      'Every step is an event in the table. Logging all twenty or so events of each run, half a ' +
        'kilobyte each, would cost about $5 per million payments.',
    )
  }
  acceptAtTheDoor(api)
}

function acceptAtTheDoor(api: Construct & { readonly deploymentStage: IConstruct }): void {
  accept(
    api,
    'AwsSolutions-APIG2',
    'The gateway checks that the key is there. Bodies are checked by the app, which says what is wrong.',
  )
  accept(
    api,
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AmazonAPIGatewayPushToCloudWatchLogs]',
    'The account role of API Gateway: it refuses a role that has less than this policy of AWS.',
  )
  accept(
    api.deploymentStage,
    'AwsSolutions-APIG3',
    'A web ACL is an option (webAclArn): $5 and $1 a rule each month, $0.60 per million requests.',
  )
  for (const method of api.node.findAll().filter((each) => each instanceof CfnMethod)) {
    accept(
      method,
      'AwsSolutions-COG4',
      'Agents are no users: tokens are checked by our own authoriser, AWS identities by IAM.',
    )
    if (method.authorizationType !== 'NONE') continue
    accept(
      method,
      'AwsSolutions-APIG4',
      'Health and descriptions are public; webhooks of processors prove themselves by their signature.',
    )
  }
}

function accept(construct: IConstruct, id: string, reason: string): void {
  Validations.of(construct).acknowledge({ id, reason })
}
