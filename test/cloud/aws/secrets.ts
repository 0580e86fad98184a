// The secrets of the template. Source: Secrets Manager API Reference, GetSecretValue. Not here:
// rotation, versions, generated values: each secret reads what the run gives it.
import { asText, wordOf } from '../json.ts'
import type { Call } from '../iam/needs.ts'
import type { Template } from '../template/template.ts'
import { failure, json } from './wire.ts'
import type { Answer } from './wire.ts'

/** `values`: by the beginning of the secret's logical id; they may change. */
export function createSecrets(
  template: Template,
  values: ReadonlyMap<string, string>,
): (call: Call) => Promise<Answer> {
  const secrets = new Map(
    template.ofType('AWS::SecretsManager::Secret').map(({ id, properties }) => {
      const prefix = [...values.keys()].find((each) => id.startsWith(each))
      if (prefix === undefined) throw new Error(`the run has no value for the secret ${id}`)
      const name = wordOf(properties['Name'] ?? id)
      return [
        `arn:aws:secretsmanager:us-east-1:000000000000:secret:${name}-Local0`,
        { name, prefix },
      ]
    }),
  )
  return async ({ operation, input }) => {
    if (operation !== 'GetSecretValue') throw new Error(`secretsmanager:${operation}`)
    const arn = asText(input['SecretId'], 'SecretId')
    const found = secrets.get(arn)
    if (found === undefined) {
      return failure('secretsmanager', 'ResourceNotFoundException', `there is no ${arn}`)
    }
    return json({
      ARN: arn,
      Name: found.name,
      SecretString: values.get(found.prefix) ?? '',
      VersionId: 'local',
      VersionStages: ['AWSCURRENT'],
    })
  }
}
