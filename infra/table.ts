// The one table. What it holds is said where it is written, in `src/stores/dynamodb`; here is only
// how it is kept.
import { Fn, RemovalPolicy } from 'aws-cdk-lib'
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import type { Construct } from 'constructs'

import { tableDefinition } from '../src/stores/dynamodb/table.ts'

export interface TableArns {
  readonly name: string
  readonly arn: string
  readonly streamArn: string
}

export function makeTable(scope: Construct, key: IKey): TableArns {
  const { partitionKey, sortKey, indexes, timeToLive } = tableDefinition
  const table = new dynamodb.Table(scope, 'Table', {
    partitionKey: text(partitionKey),
    sortKey: text(sortKey),
    billingMode: dynamodb.BillingMode[tableDefinition.billing],
    encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
    encryptionKey: key,
    stream: dynamodb.StreamViewType[tableDefinition.stream],
    pointInTimeRecoverySpecification: {
      pointInTimeRecoveryEnabled: tableDefinition.pointInTimeRecovery,
    },
    deletionProtection: tableDefinition.deletionProtection,
    timeToLiveAttribute: timeToLive,
    removalPolicy: RemovalPolicy.RETAIN,
  })
  for (const index of indexes) {
    table.addGlobalSecondaryIndex({
      indexName: index.name,
      partitionKey: text(index.partitionKey),
      sortKey: { name: index.sortKey, type: types[index.sortKeyType] },
      projectionType: dynamodb.ProjectionType[tableDefinition.projection],
    })
  }
  const { tableStreamArn } = table
  if (tableStreamArn === undefined) throw new Error('The table has no stream.')
  return { name: table.tableName, arn: table.tableArn, streamArn: tableStreamArn }
}

const types = { S: dynamodb.AttributeType.STRING, N: dynamodb.AttributeType.NUMBER }

const text = (name: string): dynamodb.Attribute => ({ name, type: dynamodb.AttributeType.STRING })

/** A table that was restored from a backup takes the place of the one that is no good any more. */
export function restored({ arn, streamArn }: { arn: string; streamArn: string }): TableArns {
  return { arn, streamArn, name: Fn.select(1, Fn.split('/', arn)) }
}
