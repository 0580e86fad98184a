// What functions stand on: key, table, topic, bus, queues, secrets.
import { Fn, Stack } from 'aws-cdk-lib'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { RetentionDays } from 'aws-cdk-lib/aws-logs'
import type { Bucket } from 'aws-cdk-lib/aws-s3'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { Queue } from 'aws-cdk-lib/aws-sqs'
import type { Construct } from 'constructs'

import { makeBus, makeRecordBucket } from './events.ts'
import type { Bus } from './events.ts'
import { makeKey } from './key.ts'
import { withDefaults } from './props.ts'
import type { QuittanceProps, Settled } from './props.ts'
import { makeDeadLetterQueue } from './queues.ts'
import { makeSecrets } from './secrets.ts'
import type { Secrets } from './secrets.ts'
import { makeTable, restored } from './table.ts'
import type { TableArns } from './table.ts'
import { makeTopic } from './topic.ts'
import { makeWorkQueue } from './work.ts'

export interface Base extends Bus {
  readonly settled: Settled
  readonly installation: string
  readonly key: IKey
  readonly logRetention: RetentionDays
  readonly table: TableArns
  readonly topic: ITopic
  readonly work: Queue
  readonly dispatchDlq: Queue
  /** The shadow of the dead letters in the table. */
  readonly deadLetters: Queue
  /** Alerts that could not be told. */
  readonly notTold: Queue
  /** Records of the stream that could not be delivered. */
  readonly putAside: Bucket
  /** By processor. */
  readonly secrets: Readonly<Record<string, Secrets>>
}

export function makeBase(scope: Construct, props: QuittanceProps): Base {
  const settled = withDefaults(props)
  const key = props.encryptionKey ?? makeKey(scope)
  const { restoredTable } = props
  return {
    settled,
    installation: props.installation ?? uuidOfStack(scope),
    key,
    logRetention: props.logRetention ?? RetentionDays.THREE_MONTHS,
    table: restoredTable === undefined ? makeTable(scope, key) : restored(restoredTable),
    topic: makeTopic(scope, key, props.alarms),
    ...makeBus(scope, key, settled.archiveDays),
    ...makeWorkQueue(scope, key),
    deadLetters: makeDeadLetterQueue(scope, 'DeadLetters', key),
    notTold: makeDeadLetterQueue(scope, 'AlertsNotToldDlq', key),
    putAside: makeRecordBucket(scope, key),
    secrets: Object.fromEntries(
      Object.entries(props.processors).map(([name, processor]) => [
        name,
        makeSecrets(scope, name, processor, key),
      ]),
    ),
  }
}

// `arn:…:stack/name/uuid`: no other stack ever has the same.
const uuidOfStack = (scope: Construct): string =>
  Fn.select(2, Fn.split('/', Stack.of(scope).stackId))
