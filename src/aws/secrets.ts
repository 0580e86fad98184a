// Secrets, read once in a while: a new value is used within minutes, and a read that fails does not
// take away the one that is known.
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'

const keepForMs = 300_000

export type ReadSecret = (arn: string) => Promise<string>

export function createSecrets(
  client: Pick<SecretsManagerClient, 'send'> = new SecretsManagerClient({}),
  nowMs: () => number = Date.now,
): ReadSecret {
  const known = new Map<string, { readonly value: string; readonly untilMs: number }>()
  return async (arn) => {
    const kept = known.get(arn)
    if (kept !== undefined && nowMs() < kept.untilMs) return kept.value
    try {
      const { SecretString: value } = await client.send(
        new GetSecretValueCommand({ SecretId: arn }),
      )
      if (value === undefined || value === '') throw new Error('the secret has no value yet')
      known.set(arn, { value, untilMs: nowMs() + keepForMs })
      return value
    } catch (error) {
      if (kept === undefined) throw error
      return kept.value
    }
  }
}
