// The two event sources of the template, each polling with the role of its function.
import type { Database } from './aws/database.ts'
import type { Lambda } from './aws/lambda.ts'
import { startQueueSource } from './aws/queue-source.ts'
import type { Source } from './aws/queue-source.ts'
import { startStreamSource } from './aws/stream-source.ts'
import type { StreamSource } from './aws/stream-source.ts'
import type { Broker } from './aws/broker.ts'
import type { Faults } from './faults.ts'
import type { Guard } from './iam/guard.ts'
import { needsOf } from './iam/needs.ts'
import type { Call, Known } from './iam/needs.ts'
import { asObject, asText, wordOf } from './json.ts'
import type { JsonObject } from './json.ts'
import type { Meter } from './meter.ts'
import { urlOfQueue } from './office.ts'
import type { Resource, Template } from './template/template.ts'

export interface SourceParts {
  readonly lambdas: ReadonlyMap<string, Lambda>
  readonly database: Database
  readonly broker: Broker
  readonly guard: Guard
  readonly known: Known
  readonly meter: Meter
  readonly faults: Faults
}

export async function startSources(
  template: Template,
  parts: SourceParts,
): Promise<{ readonly stream: StreamSource; readonly queue: Source }> {
  const mappings = template.ofType('AWS::Lambda::EventSourceMapping')
  const of = (service: string): Resource => {
    const found = mappings.filter(({ properties }) =>
      wordOf(properties['EventSourceArn']).startsWith(`arn:aws:${service}:`),
    )
    const [one] = found
    if (one === undefined || found.length > 1)
      throw new Error(`${found.length} mappings of ${service}`)
    return one
  }
  if (mappings.length !== 2) throw new Error(`${mappings.length} event source mappings`)
  const queue = startQueue(of('sqs'), parts)
  return { stream: await startStream(of('dynamodb'), parts), queue }
}

function lambdaOf({ id, properties }: Resource, { lambdas }: SourceParts): Lambda {
  const name = asText(properties['FunctionName'], id)
  const found = [...lambdas.values()].find((lambda) => lambda.arn === name || lambda.id === name)
  if (found === undefined) throw new Error(`${id} leads to ${name}`)
  return found
}

/** Throws where the role may not: a poller that is refused stands still, and so does its test. */
async function allow(
  call: Call,
  { roleArn }: Lambda,
  { guard, known }: SourceParts,
): Promise<void> {
  for (const need of needsOf(call, known)) {
    const denied = await guard.role(roleArn, need)
    if (denied !== null) throw new Error(denied)
  }
}

function startQueue(mapping: Resource, parts: SourceParts): Source {
  const lambda = lambdaOf(mapping, parts)
  return startQueueSource(mapping, {
    lambda,
    queueUrl: urlOfQueue(asText(mapping.properties['EventSourceArn'], mapping.id)),
    meter: parts.meter,
    faults: parts.faults,
    queue: async (operation, input) => {
      await allow({ service: 'sqs', operation, input }, lambda, parts)
      return parts.broker.queue(operation, input)
    },
  })
}

async function startStream(mapping: Resource, parts: SourceParts): Promise<StreamSource> {
  const { database, broker } = parts
  const lambda = lambdaOf(mapping, parts)
  const call = async (operation: string, input: JsonObject): Promise<JsonObject> => {
    await allow({ service: 'dynamodb', operation, input }, lambda, parts)
    const { StreamArn, ...others } = input
    // The iterator says which stream it is; the database calls the stream by a name of its own.
    const local = operation === 'GetRecords' ? others : { ...others, StreamArn: database.streamArn }
    if (StreamArn === undefined) throw new Error(`${operation} without a stream`)
    const answer = await database.call({ service: 'dynamodb', operation, input: local }, lambda.id)
    if (answer.status !== 200) throw new Error(`${operation}: ${answer.body}`)
    return asObject(JSON.parse(answer.body), operation)
  }
  return startStreamSource(mapping, {
    lambda,
    faults: parts.faults,
    stream: call,
    putAside: async (bucketArn, key, body) => {
      const Bucket = bucketArn.split(':').at(-1) ?? bucketArn
      await allow({ service: 's3', operation: 'ListBucket', input: { Bucket } }, lambda, parts)
      await allow(
        { service: 's3', operation: 'PutObject', input: { Bucket, Key: key } },
        lambda,
        parts,
      )
      await broker.put(Bucket, key, JSON.stringify(body))
    },
  })
}
