// Where people are told: alerts of the engine and alarms of CloudWatch.
import { Stack } from 'aws-cdk-lib'
import * as iam from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import * as sns from 'aws-cdk-lib/aws-sns'
import * as subscriptions from 'aws-cdk-lib/aws-sns-subscriptions'
import type { Construct } from 'constructs'

import type { AlarmProps } from './props.ts'

export function makeTopic(scope: Construct, key: IKey, alarms: AlarmProps = {}): sns.ITopic {
  const topic = alarms.topic ?? ownTopic(scope, key)
  if (alarms.email !== undefined) {
    topic.addSubscription(new subscriptions.EmailSubscription(alarms.email))
  }
  return topic
}

function ownTopic(scope: Construct, key: IKey): sns.Topic {
  const topic = new sns.Topic(scope, 'Alerts', { masterKey: key, enforceSSL: true })
  topic.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'Alarms',
      principals: [new iam.ServicePrincipal('cloudwatch.amazonaws.com')],
      actions: ['sns:Publish'],
      resources: [topic.topicArn],
      conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(scope).account } },
    }),
  )
  return topic
}
