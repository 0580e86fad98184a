// The table, on dynoxide, made from the template's own definition.
// Not here, as dynoxide has it not: contention (`TransactionConflict` comes from the fault proxy),
// throttling, time to live within seconds, point-in-time recovery, more than one shard, encryption.
import { spawn } from 'node:child_process'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { createRequire } from 'node:module'
import { once } from 'node:events'

import { asObject, asText, listOf, onlyKnown, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Call } from '../iam/needs.ts'
import type { Meter } from '../meter.ts'
import type { Resource } from '../template/template.ts'
import { keepUntilExit } from './children.ts'
import type { Answer } from './wire.ts'

export interface Database {
  /** One call; counted for its caller. */
  readonly call: (call: Call, caller: string) => Promise<Answer>
  /** `null`: there is no such table. */
  readonly partitionKey: (table: string, index: string | null) => string | null
  /** What the database itself calls the stream. */
  readonly streamArn: string
  readonly url: string
  readonly stop: () => Promise<void>
}

/** Properties of the table that this machine has no use for, each kept by AWS. */
const forAws = [
  'DeletionProtectionEnabled',
  'PointInTimeRecoverySpecification',
  'SSESpecification',
  'ContributorInsightsSpecification',
  'KinesisStreamSpecification',
  'Tags',
]
const made = [
  'TableName',
  'AttributeDefinitions',
  'KeySchema',
  'BillingMode',
  'GlobalSecondaryIndexes',
  'StreamSpecification',
]

export async function startDatabase(table: Resource, meter: Meter): Promise<Database> {
  onlyKnown(table.id, table.properties, [...made, ...forAws, 'TimeToLiveSpecification'])
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(binary(), ['serve', '--port', `${port}`], { stdio: 'ignore' })
  keepUntilExit(child)
  const stop = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
  }
  try {
    await untilReady(url)
    const name = asText(table.properties['TableName'] ?? table.id, 'TableName')
    const own = Object.fromEntries(
      made.flatMap((key) =>
        table.properties[key] === undefined ? [] : [[key, table.properties[key]]],
      ),
    )
    const described = await ask(url, 'CreateTable', {
      ...own,
      TableName: name,
      StreamSpecification: {
        ...asObject(own['StreamSpecification'], 'StreamSpecification'),
        StreamEnabled: true,
      },
    })
    const arn = asObject(described['TableDescription'], 'TableDescription')['LatestStreamArn']
    return Object.freeze({
      url,
      streamArn: asText(arn ?? null, 'LatestStreamArn'),
      partitionKey: partitionKeys(name, own),
      call: async (call: Call, caller: string) => counted(url, call, caller, meter),
      stop,
    })
  } catch (error) {
    await stop()
    throw error
  }
}

/** The program, or a sentence that says what is missing. */
function binary(): string {
  const given = process.env['CLOUD_DYNOXIDE']
  if (given !== undefined) return given
  try {
    const require = createRequire(import.meta.url)
    return require.resolve('@dynoxide/linux-x64/dynoxide')
  } catch {
    throw new Error(
      'dynoxide is not installed: the local run of the template needs Linux on x64, or the path of ' +
        'a dynoxide in CLOUD_DYNOXIDE.',
    )
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP
  server.close()
  await once(server, 'close')
  return port
}

async function untilReady(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    const isUp = await ask(url, 'ListTables', {}).then(
      () => true,
      () => false,
    )
    if (isUp) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('dynoxide did not start')
}

/** A call of the runner itself, which no role makes. */
async function ask(url: string, operation: string, input: JsonObject): Promise<JsonObject> {
  const { status, body } = await send(url, operation, input)
  if (status !== 200) throw new Error(`${operation}: ${body}`)
  return asObject(JSON.parse(body), operation)
}

async function send(url: string, operation: string, input: JsonObject): Promise<Answer> {
  const area = /Stream|Shard|Records/.test(operation) ? 'DynamoDBStreams' : 'DynamoDB'
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/x-amz-json-1.0',
      'x-amz-target': `${area}_20120810.${operation}`,
      'x-amz-date': '20260101T000000Z',
      authorization:
        'AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/dynamodb/aws4_request, ' +
        'SignedHeaders=host, Signature=local',
    },
    body: JSON.stringify(input),
  })
  return { status: response.status, body: await response.text() }
}

const metered =
  /^(Get|Put|Update|Delete|BatchGet|BatchWrite|TransactWrite|TransactGet)Items?$|^(Query|Scan)$/
const reading = /^(Get|BatchGet|TransactGet)Items?$|^(Query|Scan)$/

/** DynamoDB bills a cancelled transaction as well: two units for each KB of each item. */
const unitsOfCancelledItem = 2

async function counted(url: string, call: Call, caller: string, meter: Meter): Promise<Answer> {
  const { operation, input } = call
  if (!metered.test(operation)) return send(url, operation, input)
  const answer = await send(url, operation, { ...input, ReturnConsumedCapacity: 'TOTAL' })
  const unit = reading.test(operation) ? 'dynamodb_read_units' : 'dynamodb_write_units'
  const by = `${caller}.${operation}`
  if (answer.status === 200) meter.add(unit, by, unitsIn(JSON.parse(answer.body)))
  else if (answer.body.includes('TransactionCanceledException')) {
    meter.add(unit, by, listOf(input['TransactItems']).length * unitsOfCancelledItem)
  }
  return answer
}

function unitsIn(body: unknown): number {
  const { ConsumedCapacity = [] } = asObject(body, 'answer')
  return listOf(ConsumedCapacity)
    .map((each) => Number(asObject(each, 'ConsumedCapacity')['CapacityUnits'] ?? 0))
    .reduce((sum, units) => sum + units, 0)
}

function partitionKeys(name: string, definition: JsonObject): Database['partitionKey'] {
  const hashOf = (schema: Json | undefined): string => {
    const part = listOf(schema)
      .map((each) => asObject(each, name))
      .find(({ KeyType }) => KeyType === 'HASH')
    return asText(part?.['AttributeName'], `partition key of ${name}`)
  }
  const indexes = new Map(
    listOf(definition['GlobalSecondaryIndexes']).map((each) => {
      const index = asObject(each, name)
      return [wordOf(index['IndexName']), hashOf(index['KeySchema'])]
    }),
  )
  const own = hashOf(definition['KeySchema'])
  return (table, index) => {
    if (table !== name) return null
    const key = index === null ? own : indexes.get(index)
    if (key === undefined) throw new Error(`${table} has no index ${index}`)
    return key
  }
}
