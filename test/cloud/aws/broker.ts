// Queues, topics and buckets, on fauxqs, made from the template's own definitions.
// Not here, as fauxqs has them not: retention, encryption, subscriptions that are not queues,
// `StartMessageMoveTask`, fair queues (a group's id is stored and ignored).
import { startFauxqs } from 'fauxqs'
import type { FauxqsServer } from 'fauxqs'

import { asObject, asText, onlyKnown, wordOf } from '../json.ts'
import type { JsonObject } from '../json.ts'
import type { Template } from '../template/template.ts'

export interface Broker {
  readonly url: string
  readonly server: FauxqsServer
  /** A call of SQS in AWS JSON. */
  readonly queue: (operation: string, input: JsonObject) => Promise<JsonObject>
  readonly put: (bucket: string, key: string, body: string) => Promise<void>
  readonly objects: (bucket: string) => Promise<readonly string[]>
  /** What topics have told whoever listens to them, oldest first. */
  readonly told: () => readonly string[]
  readonly stop: () => Promise<void>
}

/** Stands for the people who listen to the topics: it is not of the template. */
const listener = 'people-who-listen'

/** What AWS does with a queue besides: nothing of it can be seen here. */
const forAws = ['KmsDataKeyReusePeriodSeconds', 'KmsMasterKeyId', 'SqsManagedSseEnabled', 'Tags']
const queueAttributes = [
  'DelaySeconds',
  'MaximumMessageSize',
  'MessageRetentionPeriod',
  'ReceiveMessageWaitTimeSeconds',
  'RedrivePolicy',
  'VisibilityTimeout',
]

export async function startBroker(template: Template): Promise<Broker> {
  const server = await startFauxqs({ port: 0, logger: false, host: '127.0.0.1' })
  try {
    createQueues(server, template)
    server.createQueue(listener)
    for (const { id, properties } of template.ofType('AWS::SNS::Topic')) {
      onlyKnown(id, properties, ['KmsMasterKeyId', 'TopicName', 'DisplayName', 'Tags'])
      const topic = asText(properties['TopicName'] ?? id, id)
      server.createTopic(topic)
      server.subscribe({ topic, queue: listener, attributes: { RawMessageDelivery: 'true' } })
    }
    for (const { id, properties } of template.ofType('AWS::S3::Bucket')) {
      server.createBucket(asText(properties['BucketName'] ?? id.toLowerCase(), id))
    }
  } catch (error) {
    await server.stop()
    throw error
  }
  const url = `http://127.0.0.1:${server.port}`
  return Object.freeze({
    url,
    server,
    queue: async (operation: string, input: JsonObject) => askQueue(url, operation, input),
    put: async (bucket: string, key: string, body: string) => {
      const response = await fetch(`${url}/${bucket}/${key}`, { method: 'PUT', body, headers: s3 })
      if (!response.ok) throw new Error(`${bucket}/${key}: ${await response.text()}`)
    },
    objects: async (bucket: string) => {
      const response = await fetch(`${url}/${bucket}?list-type=2`, { headers: s3 })
      return [...(await response.text()).matchAll(/<Key>([^<]*)<\/Key>/g)].map(
        ([, key = '']) => key,
      )
    },
    told: () => (server.inspectQueue(listener)?.messages.ready ?? []).map(({ body }) => body),
    stop: () => server.stop(),
  })
}

/** A queue comes after the one that takes its dead letters. */
function createQueues(server: FauxqsServer, template: Template): void {
  const queues = template.ofType('AWS::SQS::Queue')
  const sorted = queues.toSorted(
    (one, other) =>
      Number(one.properties['RedrivePolicy'] !== undefined) -
      Number(other.properties['RedrivePolicy'] !== undefined),
  )
  for (const { id, properties } of sorted) {
    onlyKnown(id, properties, [...forAws, ...queueAttributes, 'QueueName'])
    const attributes = Object.fromEntries(
      queueAttributes.flatMap((key) => {
        const value = properties[key]
        if (value === undefined) return []
        return [[key, wordOf(value)]]
      }),
    )
    server.createQueue(asText(properties['QueueName'] ?? id, id), { attributes })
  }
}

const credential = (service: string): Record<string, string> => ({
  authorization: `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/${service}/aws4_request`,
})
const s3 = credential('s3')

async function askQueue(url: string, operation: string, input: JsonObject): Promise<JsonObject> {
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      ...credential('sqs'),
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `AmazonSQS.${operation}`,
    },
    body: JSON.stringify(input),
  })
  const text = await response.text()
  if (!response.ok) throw new Error(`${operation}: ${text}`)
  return asObject(text === '' ? {} : JSON.parse(text), operation)
}
