// Takes the table's stream to a function, in order, and puts aside what it cannot bear.
// Source: Lambda Developer Guide, "Process DynamoDB records with Lambda": filters, batches, bisecting,
// retries, partial failures, on-failure destinations. Not here: more than one shard, parallelisation
// (refused), tumbling windows, batching windows, expiry by itself (`trim` does it on order).
import { asNumber, asObject, asText, isObject, listOf, onlyKnown } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Faults } from '../faults.ts'
import type { Resource } from '../template/template.ts'
import { onThisClock } from '../time.ts'
import type { Lambda } from './lambda.ts'
import { matches } from './pattern.ts'
import type { Source } from './queue-source.ts'
import type { Result } from './sandbox.ts'

export interface StreamSourceWorld {
  readonly lambda: Lambda
  /** A call with the function's role, as the poller makes it. */
  readonly stream: (operation: string, input: JsonObject) => Promise<JsonObject>
  readonly putAside: (bucketArn: string, key: string, body: JsonObject) => Promise<void>
  readonly faults: Faults
}

export interface StreamSource extends Source {
  /** Forgets what was not taken yet, as the stream does after 24 hours. */
  readonly trim: () => Promise<void>
  /** It is paused, and nothing that it asked for before is still to come. */
  readonly isStill: () => boolean
  /** Records that were put aside. */
  readonly buried: () => number
}

interface Settings {
  readonly id: string
  readonly streamArn: string
  readonly batchSize: number
  readonly filters: readonly JsonObject[]
  readonly isBisecting: boolean
  readonly isPartial: boolean
  readonly maxRetries: number
  readonly maxAgeMs: number
  readonly onFailure: string | null
}

/** Lambda asks four times a second. */
const askEveryMs = 250

export async function startStreamSource(
  resource: Resource,
  world: StreamSourceWorld,
): Promise<StreamSource> {
  const settings = readSettings(resource)
  const { streamArn } = settings
  let iterator = await iteratorAt(world, streamArn, 'TRIM_HORIZON')
  let isStopping = false
  let isPaused = false
  let isStill = false
  let buried = 0
  const poll = async (): Promise<void> => {
    while (!isStopping) {
      isStill = isPaused
      if (isPaused) {
        await sleep(askEveryMs)
        continue
      }
      const { Records = [], NextShardIterator } = await world.stream('GetRecords', {
        ShardIterator: iterator,
        StreamArn: streamArn,
        Limit: 1_000,
      })
      const records = listOf(Records).map((each) => onTime(asObject(each, 'record')))
      const wanted = records.filter((record) => isWanted(record, settings))
      for (let from = 0; from < wanted.length; from += settings.batchSize) {
        buried += await work(wanted.slice(from, from + settings.batchSize), settings, world)
      }
      iterator = asText(NextShardIterator ?? iterator, 'NextShardIterator')
      if (records.length === 0) await sleep(askEveryMs)
    }
  }
  const polling = poll()
  return Object.freeze({
    pause: (paused: boolean) => void (isPaused = paused),
    trim: async () => {
      iterator = await iteratorAt(world, streamArn, 'LATEST')
    },
    isStill: () => isPaused && isStill,
    buried: () => buried,
    stop: async () => {
      isStopping = true
      await polling
    },
  })
}

const sleep = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function readSettings({ id, properties }: Resource): Settings {
  onlyKnown(id, properties, [
    'BatchSize',
    'BisectBatchOnFunctionError',
    'DestinationConfig',
    'Enabled',
    'EventSourceArn',
    'FilterCriteria',
    'FunctionName',
    'FunctionResponseTypes',
    'MaximumBatchingWindowInSeconds',
    'MaximumRecordAgeInSeconds',
    'MaximumRetryAttempts',
    'MetricsConfig',
    'ParallelizationFactor',
    'StartingPosition',
    'Tags',
  ])
  if ((properties['ParallelizationFactor'] ?? 1) !== 1) throw new Error(`${id} works in parallel`)
  if (properties['StartingPosition'] !== 'TRIM_HORIZON') throw new Error(`${id} skips records`)
  const { OnFailure } = asObject(properties['DestinationConfig'] ?? {}, id)
  const { Filters = [] } = asObject(properties['FilterCriteria'] ?? {}, id)
  // Minus one stands for no bound.
  const bound = (key: string): number => {
    const value = asNumber(properties[key] ?? -1, key)
    return value === -1 ? Number.POSITIVE_INFINITY : value
  }
  return {
    id,
    streamArn: asText(properties['EventSourceArn'], id),
    batchSize: asNumber(properties['BatchSize'] ?? 100, id),
    filters: listOf(Filters).map((each) =>
      asObject(JSON.parse(asText(asObject(each, id)['Pattern'], id)), id),
    ),
    isBisecting: properties['BisectBatchOnFunctionError'] === true,
    isPartial: listOf(properties['FunctionResponseTypes']).includes('ReportBatchItemFailures'),
    maxRetries: bound('MaximumRetryAttempts'),
    maxAgeMs: bound('MaximumRecordAgeInSeconds') * 1_000,
    onFailure: OnFailure === undefined ? null : asText(asObject(OnFailure, id)['Destination'], id),
  }
}

async function iteratorAt(
  world: StreamSourceWorld,
  streamArn: string,
  type: 'TRIM_HORIZON' | 'LATEST',
): Promise<string> {
  const { StreamDescription } = await world.stream('DescribeStream', { StreamArn: streamArn })
  const shards = listOf(asObject(StreamDescription, 'stream')['Shards'])
  const [shard] = shards
  if (shards.length !== 1 || shard === undefined) throw new Error(`${shards.length} shards`)
  const { ShardIterator } = await world.stream('GetShardIterator', {
    StreamArn: streamArn,
    ShardId: asText(asObject(shard, 'shard')['ShardId'], 'ShardId'),
    ShardIteratorType: type,
  })
  return asText(ShardIterator, 'ShardIterator')
}

/** The database lives by the wall's clock. */
function onTime(record: JsonObject): JsonObject {
  const at = onThisClock(Number(dynamodb(record)['ApproximateCreationDateTime']) * 1_000)
  return { ...record, dynamodb: { ...dynamodb(record), ApproximateCreationDateTime: at / 1_000 } }
}

const isWanted = (record: JsonObject, { filters }: Settings): boolean =>
  filters.length === 0 || filters.some((filter) => matches(filter, record))

// ── One batch ────────────────────────────────────────────────────────────────────────────────────

/**
 * Until all of it was taken or put aside; gives how many records were put aside. Halves go on with
 * retries of their own.
 */
async function work(
  batch: readonly JsonObject[],
  settings: Settings,
  world: StreamSourceWorld,
): Promise<number> {
  let left = batch
  for (let retries = 0; left.length > 0; retries += 1) {
    const event = { Records: left.map((record) => recordOf(record, settings.streamArn)) }
    const call = { service: 'dynamodbstreams', operation: 'Deliver', input: event }
    if (world.faults.take(call, world.lambda.id, ['twice']) !== null)
      await world.lambda.invoke(event)
    // A function that cannot even be started has failed; the poller goes on.
    const result = await world.lambda.invoke(event).catch(notInvoked)
    const from = firstFailed(result, left, settings)
    if (from === null) return 0
    // What came before the failure was taken; it does not come again.
    left = left.slice(from)
    if (retries >= settings.maxRetries || isTooOld(left, settings)) {
      return bury(left, result, retries + 1, settings, world)
    }
    if (settings.isBisecting && left.length > 1 && from === 0) {
      const middle = Math.ceil(left.length / 2)
      const first = await work(left.slice(0, middle), settings, world)
      return first + (await work(left.slice(middle), settings, world))
    }
    await sleep(Math.min(1_000 * 2 ** retries, 60_000))
  }
  return 0
}

const notInvoked = (error: unknown): Result => ({
  ok: false,
  error: { errorType: 'Service', errorMessage: String(error) },
})

/** The index of the first record that has to come again; `null`: none. */
function firstFailed(
  result: Result,
  batch: readonly JsonObject[],
  { isPartial }: Settings,
): number | null {
  if (!result.ok) return 0
  const answer = JSON.parse(result.payload) as Json
  const failures = isPartial && isObject(answer) ? listOf(answer['batchItemFailures'] ?? []) : []
  if (failures.length === 0) return null
  const indexes = failures.map((each) => {
    const id = isObject(each) ? each['itemIdentifier'] : null
    return batch.findIndex((record) => sequenceOf(record) === id)
  })
  // An identifier that is none of the batch's fails all of it.
  return Math.max(0, Math.min(...indexes))
}

const dynamodb = (record: JsonObject): JsonObject => asObject(record['dynamodb'], 'record')
const sequenceOf = (record: JsonObject): string =>
  asText(dynamodb(record)['SequenceNumber'], 'SequenceNumber')

function isTooOld([oldest]: readonly JsonObject[], { maxAgeMs }: Settings): boolean {
  if (oldest === undefined) return false
  const madeAtMs = Number(dynamodb(oldest)['ApproximateCreationDateTime']) * 1_000
  return Date.now() - madeAtMs > maxAgeMs
}

function recordOf(record: JsonObject, eventSourceARN: string): JsonObject {
  return { ...record, eventSource: 'aws:dynamodb', awsRegion: 'us-east-1', eventSourceARN }
}

async function bury(
  batch: readonly JsonObject[],
  result: Result,
  invokeCount: number,
  settings: Settings,
  world: StreamSourceWorld,
): Promise<number> {
  if (settings.onFailure === null) return batch.length
  const [first, last] = [batch.at(0), batch.at(-1)].map((record) => sequenceOf(record ?? {}))
  const at = new Date().toISOString()
  const Records = batch.map((record) => recordOf(record, settings.streamArn))
  await world.putAside(
    settings.onFailure,
    `aws/lambda/${settings.id}/shard/${at.slice(0, 10).replaceAll('-', '/')}/${at}-${first}`,
    {
      version: '1.0',
      timestamp: at,
      requestContext: { condition: 'RetryAttemptsExhausted', approximateInvokeCount: invokeCount },
      responseContext: { functionError: result.ok ? null : result.error.errorType },
      DDBStreamBatchInfo: {
        startSequenceNumber: first ?? null,
        endSequenceNumber: last ?? null,
        batchSize: batch.length,
        streamArn: settings.streamArn,
      },
      payload: JSON.stringify({ Records }),
    },
  )
  return batch.length
}
