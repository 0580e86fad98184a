// Takes messages from a queue to a function.
// Source: Lambda Developer Guide, "Using Lambda with Amazon SQS": batches, partial failures, scaling.
// Not here: batching windows, filters (refused), the gradual start of more pollers, backing off when
// the function fails, deleting in batches.
import { asNumber, asObject, asText, isObject, listOf, onlyKnown, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Faults } from '../faults.ts'
import type { Meter } from '../meter.ts'
import type { Resource } from '../template/template.ts'
import type { Lambda } from './lambda.ts'
import type { Result } from './sandbox.ts'

export interface QueueSourceWorld {
  readonly lambda: Lambda
  readonly queueUrl: string
  /** A call with the function's role, as the poller makes it. */
  readonly queue: (operation: string, input: JsonObject) => Promise<JsonObject>
  readonly meter: Meter
  readonly faults: Faults
}

export interface Source {
  readonly pause: (isPaused: boolean) => void
  readonly stop: () => Promise<void>
}

/** How often an empty queue is asked; AWS waits up to 20 s for the first message instead. */
const askEveryMs = 200

export function startQueueSource({ id, properties }: Resource, world: QueueSourceWorld): Source {
  onlyKnown(id, properties, [
    'BatchSize',
    'Enabled',
    'EventSourceArn',
    'FunctionName',
    'FunctionResponseTypes',
    'ScalingConfig',
    'Tags',
  ])
  const batchSize = asNumber(properties['BatchSize'] ?? 10, id)
  const { MaximumConcurrency = 2 } = asObject(properties['ScalingConfig'] ?? {}, id)
  const isPartial = listOf(properties['FunctionResponseTypes']).includes('ReportBatchItemFailures')
  let isStopping = false
  let isPaused = false
  const poll = async (): Promise<void> => {
    while (!isStopping) {
      const messages = isPaused ? [] : await receive(world, batchSize)
      if (messages.length === 0) await sleep(askEveryMs)
      else await hand(messages, asText(properties['EventSourceArn'], id), isPartial, world)
    }
  }
  // Two pollers show what comes in parallel; more cost this machine more than they show.
  const pollers = Array.from({ length: Math.min(2, asNumber(MaximumConcurrency, id)) }, poll)
  return Object.freeze({
    pause: (paused: boolean) => void (isPaused = paused),
    stop: async () => {
      isStopping = true
      await Promise.all(pollers)
    },
  })
}

const sleep = async (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function receive(world: QueueSourceWorld, batchSize: number): Promise<readonly JsonObject[]> {
  const { Messages = [] } = await world.queue('ReceiveMessage', {
    QueueUrl: world.queueUrl,
    MaxNumberOfMessages: Math.min(10, batchSize),
    MessageSystemAttributeNames: ['All'],
    MessageAttributeNames: ['All'],
  })
  const messages = listOf(Messages).map((each) => asObject(each, 'message'))
  // Asking an empty queue costs as well, but by the hour, not by the payment.
  if (messages.length > 0) world.meter.add('queue_requests', `${world.lambda.id}.ReceiveMessage`)
  return messages
}

async function hand(
  messages: readonly JsonObject[],
  eventSourceARN: string,
  isPartial: boolean,
  world: QueueSourceWorld,
): Promise<void> {
  const event = { Records: messages.map((message) => recordOf(message, eventSourceARN)) }
  const call = { service: 'sqs', operation: 'Deliver', input: event }
  const isTwice = world.faults.take(call, world.lambda.id, ['twice']) !== null
  if (isTwice) await world.lambda.invoke(event)
  const failed = failedIn(await world.lambda.invoke(event), messages, isPartial)
  for (const message of messages) {
    if (failed.has(wordOf(message['MessageId']))) continue
    world.meter.add('queue_requests', `${world.lambda.id}.DeleteMessage`)
    await world.queue('DeleteMessage', {
      QueueUrl: world.queueUrl,
      ReceiptHandle: message['ReceiptHandle'] ?? null,
    })
  }
}

function recordOf(message: JsonObject, eventSourceARN: string): JsonObject {
  return {
    messageId: message['MessageId'] ?? null,
    receiptHandle: message['ReceiptHandle'] ?? null,
    body: message['Body'] ?? null,
    attributes: message['Attributes'] ?? {},
    messageAttributes: message['MessageAttributes'] ?? {},
    md5OfBody: message['MD5OfBody'] ?? null,
    eventSource: 'aws:sqs',
    eventSourceARN,
    awsRegion: 'us-east-1',
  }
}

/** The messages that come again; a list that makes no sense is a failure of the whole batch. */
function failedIn(
  result: Result,
  messages: readonly JsonObject[],
  isPartial: boolean,
): ReadonlySet<string> {
  const all = new Set(messages.map(({ MessageId }) => wordOf(MessageId)))
  if (!result.ok) return all
  const answer = JSON.parse(result.payload) as Json
  const failures = isPartial && isObject(answer) ? listOf(answer['batchItemFailures'] ?? []) : []
  const ids = failures.map((each) => wordOf(isObject(each) ? each['itemIdentifier'] : each))
  return ids.every((id) => all.has(id)) ? new Set(ids) : all
}
