// The secrets of the processors. Their values are put in by a person, after the first deployment; until
// then nobody can be paid, and nothing else is wrong.
import { RemovalPolicy } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager'
import type { Construct } from 'constructs'

import type { ProcessorProps } from './props.ts'
import { idOf } from './work.ts'

export interface Secrets {
  readonly api: secretsmanager.ISecret
  readonly webhook: secretsmanager.ISecret
}

export function makeSecrets(
  scope: Construct,
  processor: string,
  { secret, webhookSecret }: ProcessorProps,
  key: IKey,
): Secrets {
  const make = (id: string, description: string): secretsmanager.ISecret => {
    const made = new secretsmanager.Secret(scope, `${id}${idOf(processor)}`, {
      description,
      encryptionKey: key,
      removalPolicy: RemovalPolicy.RETAIN,
    })
    // CDK's classes are not written for exactOptionalPropertyTypes.
    return made as secretsmanager.ISecret
  }
  return {
    api: secret ?? make('Secret', `What ${processor} knows us by`),
    webhook: webhookSecret ?? make('WebhookSecret', `What ${processor} signs its webhooks with`),
  }
}
