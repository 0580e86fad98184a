// The one table as data: the construct that deploys it, the emulator in tests and the permissions are
// made from this. What its items hold is said in `places.ts` and `items.ts`.
import type { CreateTableCommandInput } from '@aws-sdk/client-dynamodb'

export interface IndexDefinition {
  readonly name: string
  readonly partitionKey: string
  readonly sortKey: string
  readonly sortKeyType: 'S' | 'N'
}

/**
 * Sparse, keys only: an item is in an index while it has the index's partition key, and is written
 * there again only when that or the sort key changes.
 */
const indexes = [
  /** What somebody has to come back to: payments by time, webhooks that nobody took up. */
  { name: 'work', partitionKey: 'w', sortKey: 't', sortKeyType: 'N' },
  /** The payments of an account; the rows of a looked-through table that have one status. */
  { name: 'account', partitionKey: 'a', sortKey: 'pk', sortKeyType: 'S' },
  /** All payments; all rows of a looked-through table. */
  { name: 'all', partitionKey: 'l', sortKey: 'pk', sortKeyType: 'S' },
  /** Payments by what they pay for, over all accounts. */
  { name: 'reference', partitionKey: 'r', sortKey: 'pk', sortKeyType: 'S' },
] as const satisfies readonly IndexDefinition[]

export type IndexName = (typeof indexes)[number]['name']

export const tableDefinition = {
  partitionKey: 'pk',
  sortKey: 'sk',
  indexes,
  projection: 'KEYS_ONLY',
  billing: 'PAY_PER_REQUEST',
  stream: 'NEW_IMAGE',
  /** Epoch seconds. Only webhooks that were taken up carry it (`items.ts`). */
  timeToLive: 'x',
  pointInTimeRecovery: true,
  deletionProtection: true,
} as const

/** The sort keys of event items begin so, and no others. */
export const eventKeyPrefix = 'e#'

/** What of the stream concerns the relay: event items, which are made once and never changed. */
export const streamFilter = {
  eventName: ['INSERT'],
  dynamodb: { Keys: { [tableDefinition.sortKey]: { S: [{ prefix: eventKeyPrefix }] } } },
} as const

/** For emulators and tests: without what only AWS has (backups, expiry, protection). */
export function createTableInput(table: string): CreateTableCommandInput {
  const { partitionKey, sortKey, projection, billing, stream } = tableDefinition
  const keySchema = (hash: string, range: string) => [
    { AttributeName: hash, KeyType: 'HASH' as const },
    { AttributeName: range, KeyType: 'RANGE' as const },
  ]
  const types = new Map<string, 'S' | 'N'>([
    [partitionKey, 'S'],
    [sortKey, 'S'],
  ])
  for (const index of indexes) {
    types.set(index.partitionKey, 'S')
    types.set(index.sortKey, index.sortKeyType)
  }
  return {
    TableName: table,
    BillingMode: billing,
    AttributeDefinitions: [...types].map(([AttributeName, AttributeType]) => ({
      AttributeName,
      AttributeType,
    })),
    KeySchema: keySchema(partitionKey, sortKey),
    GlobalSecondaryIndexes: indexes.map((index) => ({
      IndexName: index.name,
      KeySchema: keySchema(index.partitionKey, index.sortKey),
      Projection: { ProjectionType: projection },
    })),
    StreamSpecification: { StreamEnabled: true, StreamViewType: stream },
  }
}
