// Requests to DynamoDB, one try each with an end. The client itself repeats nothing: what may be
// repeated, and under which token, is decided by `commit.ts` and `reading.ts`.
import { DynamoDBClient } from '@aws-sdk/client-dynamodb'
import type { DynamoDBClientConfig } from '@aws-sdk/client-dynamodb'

/** What the store uses of a client; tests put faults in between. */
export type Client = Pick<DynamoDBClient, 'send' | 'destroy'>

/** A request takes milliseconds; a transaction that meets a failing partition may take a second. */
const requestTimeoutMs = 2_000
const connectionTimeoutMs = 1_000

export function openClient(config: DynamoDBClientConfig = {}): DynamoDBClient {
  return new DynamoDBClient({
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: connectionTimeoutMs,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
    ...config,
  })
}
