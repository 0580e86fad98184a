import { test } from 'node:test'
import { openDynamoFixture, openInTurn } from '../contract/dynamo-fixture.ts'
import { dynamoServer, skipWithoutServer } from '../contract/dynamo-server.ts'
import { storeContract } from '../contract/store-contract.ts'

if ((await dynamoServer()) === null) {
  test('dynamodb: the contract of stores', skipWithoutServer)
} else {
  storeContract('dynamodb', openDynamoFixture(), { sequences: 25, inTurn: openInTurn })
  // A repeated write is known for longer there than by the model: its id stays on the shard that it took
  // from while others take from theirs.
  const sharded = openDynamoFixture({ budgetShards: 3 })
  storeContract('dynamodb, budgets in three shards', sharded, { sequences: 0 })
}
