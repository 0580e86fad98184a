// What a call of the SDK needs: its actions, the resources that they touch, and the context keys that
// policies ask about. An operation that is not listed is refused.
// Source: Service Authorization Reference, one page a service; for transactions, DynamoDB Developer
// Guide, "Using IAM with transactions": they have no action of their own, each item counts.
// Not here: dynamodb:Attributes and Select, tags, and the resource types of services not used.
import { asObject, asText, isObject, listOf, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import { accountId, region } from '../template/names.ts'
import type { Need } from './guard.ts'
import { queueArnOfUrl } from './policies.ts'

export interface Call {
  readonly service: string
  readonly operation: string
  readonly input: JsonObject
}

export interface Known {
  /** The partition key of a table, or of one of its indexes; `null`: there is no such table. */
  readonly partitionKey: (table: string, index: string | null) => string | null
  /** The customer's key that a resource is encrypted with. */
  readonly keyOf: (resource: string) => string | undefined
  readonly busArn: (name: string) => string
}

type Read = (input: JsonObject, known: Known) => readonly Need[]

export function needsOf(call: Call, known: Known): readonly Need[] {
  const read = reads[`${call.service}:${call.operation}`]
  if (read === undefined) {
    throw new Error(`${call.service}:${call.operation} is not known to the local run`)
  }
  const needs = read(call.input, known)
  return [...needs, ...keyNeeds(call.service, needs, known)]
}

const need = (action: string, resource: string, context: Need['context'] = {}): Need => ({
  action,
  resource,
  context,
})

// ── DynamoDB ─────────────────────────────────────────────────────────────────────────────────────

const tableArn = (name: string): string =>
  name.startsWith('arn:') ? name : `arn:aws:dynamodb:${region}:${accountId}:table/${name}`

function item(action: string, input: JsonObject, known: Known): Need {
  const table = asText(input['TableName'], 'TableName')
  const row = asObject(input['Key'] ?? input['Item'], `${action} of ${table}`)
  return need(`dynamodb:${action}`, tableArn(table), leading([row], table, known))
}

function leading(rows: readonly JsonObject[], table: string, known: Known): Need['context'] {
  const key = known.partitionKey(table, null)
  if (key === null) return {}
  return {
    'dynamodb:LeadingKeys': [...new Set(rows.map((row) => scalar(row[key], `${table}.${key}`)))],
  }
}

function scalar(value: Json | undefined, what: string): string {
  const { S, N, B } = asObject(value, what)
  return asText(S ?? N ?? B, what)
}

function query(input: JsonObject, known: Known): readonly Need[] {
  const table = asText(input['TableName'], 'TableName')
  const index = input['IndexName'] === undefined ? null : asText(input['IndexName'], 'IndexName')
  const key = known.partitionKey(table, index)
  const names = asObject(input['ExpressionAttributeNames'] ?? {}, 'names')
  const values = asObject(input['ExpressionAttributeValues'] ?? {}, 'values')
  if (key === null) return [need('dynamodb:Query', tableArn(table))]
  const expression = asText(input['KeyConditionExpression'], 'KeyConditionExpression')
  const value = [...expression.matchAll(/([#\w]+)\s*=\s*(:\w+)/g)].find(
    ([, name = '']) => (names[name] ?? name) === key,
  )?.[2]
  const leadingKey = scalar(values[value ?? ''], `${key} in ${expression}`)
  const resource = tableArn(table) + (index === null ? '' : `/index/${index}`)
  return [need('dynamodb:Query', resource, { 'dynamodb:LeadingKeys': [leadingKey] })]
}

const actionOf: Readonly<Record<string, string>> = {
  Put: 'PutItem',
  Update: 'UpdateItem',
  Delete: 'DeleteItem',
  ConditionCheck: 'ConditionCheckItem',
  Get: 'GetItem',
}

function transaction(input: JsonObject, known: Known): readonly Need[] {
  return listOf(input['TransactItems']).map((each) => {
    const [[kind, inner] = ['', null]] = Object.entries(asObject(each, 'item'))
    const action = actionOf[kind]
    if (action === undefined) throw new Error(`a transaction with ${kind}`)
    return item(action, asObject(inner, kind), known)
  })
}

function batchGet(input: JsonObject, known: Known): readonly Need[] {
  return Object.entries(asObject(input['RequestItems'], 'RequestItems')).map(([table, wanted]) => {
    const keys = listOf(asObject(wanted, table)['Keys']).map((each) => asObject(each, table))
    return need('dynamodb:BatchGetItem', tableArn(table), leading(keys, table, known))
  })
}

function batchWrite(input: JsonObject, known: Known): readonly Need[] {
  return Object.entries(asObject(input['RequestItems'], 'RequestItems')).map(([table, wanted]) => {
    const rows = listOf(wanted).map((each) => {
      const { PutRequest: put, DeleteRequest: gone } = asObject(each, table)
      return isObject(put)
        ? asObject(put['Item'], table)
        : asObject(asObject(gone, table)['Key'], table)
    })
    return need('dynamodb:BatchWriteItem', tableArn(table), leading(rows, table, known))
  })
}

// ── The others ───────────────────────────────────────────────────────────────────────────────────

const text = (input: JsonObject, key: string): string => asText(input[key], key)

const onQueue =
  (action: string): Read =>
  (input) => [need(`sqs:${action}`, queueArnOfUrl(text(input, 'QueueUrl')))]

const onTopic: Read = (input) => [need('sns:Publish', text(input, 'TopicArn'))]

const onStream =
  (action: string): Read =>
  (input) => [need(`dynamodb:${action}`, text(input, 'StreamArn'))]

const onObject =
  (action: string): Read =>
  (input) => [need(`s3:${action}`, `arn:aws:s3:::${text(input, 'Bucket')}/${text(input, 'Key')}`)]

const putEvents: Read = (input, { busArn }) => {
  const names = listOf(input['Entries']).map((each) =>
    wordOf(asObject(each, 'entry')['EventBusName'] ?? 'default'),
  )
  return [...new Set(names)].map((name) => need('events:PutEvents', busArn(name)))
}

const reads: Readonly<Record<string, Read>> = {
  'dynamodb:GetItem': (input, known) => [item('GetItem', input, known)],
  'dynamodb:PutItem': (input, known) => [item('PutItem', input, known)],
  'dynamodb:UpdateItem': (input, known) => [item('UpdateItem', input, known)],
  'dynamodb:DeleteItem': (input, known) => [item('DeleteItem', input, known)],
  'dynamodb:Query': query,
  'dynamodb:Scan': (input) => {
    const index = input['IndexName']
    const table = tableArn(text(input, 'TableName'))
    return [need('dynamodb:Scan', index === undefined ? table : `${table}/index/${wordOf(index)}`)]
  },
  'dynamodb:BatchGetItem': batchGet,
  'dynamodb:BatchWriteItem': batchWrite,
  'dynamodb:TransactWriteItems': transaction,
  'dynamodb:TransactGetItems': transaction,
  'dynamodb:DescribeTable': (input) => [
    need('dynamodb:DescribeTable', tableArn(text(input, 'TableName'))),
  ],
  'dynamodb:DescribeStream': onStream('DescribeStream'),
  'dynamodb:GetShardIterator': onStream('GetShardIterator'),
  // The iterator says which stream it is; whoever polls adds that.
  'dynamodb:GetRecords': onStream('GetRecords'),
  'dynamodb:ListStreams': () => [need('dynamodb:ListStreams', '*')],
  'sqs:SendMessage': onQueue('SendMessage'),
  'sqs:SendMessageBatch': onQueue('SendMessage'),
  'sqs:ReceiveMessage': onQueue('ReceiveMessage'),
  'sqs:DeleteMessage': onQueue('DeleteMessage'),
  'sqs:DeleteMessageBatch': onQueue('DeleteMessage'),
  'sqs:ChangeMessageVisibility': onQueue('ChangeMessageVisibility'),
  'sqs:GetQueueAttributes': onQueue('GetQueueAttributes'),
  'sns:Publish': onTopic,
  'sns:PublishBatch': onTopic,
  'events:PutEvents': putEvents,
  'states:StartExecution': (input) => [
    need('states:StartExecution', text(input, 'stateMachineArn')),
  ],
  'secretsmanager:GetSecretValue': (input) => [
    need('secretsmanager:GetSecretValue', text(input, 'SecretId')),
  ],
  's3:DeleteObject': onObject('DeleteObject'),
  's3:GetObject': onObject('GetObject'),
  's3:PutObject': onObject('PutObject'),
  's3:ListBucket': (input) => [need('s3:ListBucket', `arn:aws:s3:::${text(input, 'Bucket')}`)],
  'lambda:InvokeFunction': (input) => [need('lambda:InvokeFunction', text(input, 'FunctionName'))],
  'logs:CreateLogStream': (input) => [need('logs:CreateLogStream', text(input, 'LogStreamArn'))],
  'logs:PutLogEvents': (input) => [need('logs:PutLogEvents', text(input, 'LogStreamArn'))],
  'xray:PutTraceSegments': () => [need('xray:PutTraceSegments', '*')],
  'xray:PutTelemetryRecords': () => [need('xray:PutTelemetryRecords', '*')],
}

// ── Keys ─────────────────────────────────────────────────────────────────────────────────────────

/** What the caller itself needs of the key that the resource is encrypted with, by the action. */
const implied: Readonly<Record<string, readonly string[]>> = {
  'sqs:SendMessage': ['GenerateDataKey', 'Decrypt'],
  'sqs:ReceiveMessage': ['Decrypt'],
  'sns:Publish': ['GenerateDataKey', 'Decrypt'],
  'secretsmanager:GetSecretValue': ['Decrypt'],
  's3:GetObject': ['Decrypt'],
  's3:PutObject': ['GenerateDataKey'],
  'states:StartExecution': ['GenerateDataKey', 'Decrypt'],
}

// Source: the page "Data protection" or "Key management" of each service's guide.
function keyNeeds(service: string, needs: readonly Need[], { keyOf }: Known): readonly Need[] {
  return needs.flatMap(({ action, resource }) => {
    const key = keyOf(encrypted(resource))
    const actions = service === 'dynamodb' ? ['Decrypt'] : (implied[action] ?? [])
    if (key === undefined) return []
    return actions.map((each) =>
      need(`kms:${each}`, key, { 'kms:ViaService': `${service}.${region}.amazonaws.com` }),
    )
  })
}

/** The table of an index or a stream, the bucket of an object. */
const encrypted = (arn: string): string =>
  arn.replace(/(:table\/[^/]+)\/.*$/, '$1').replace(/^(arn:aws:s3:::[^/]+)\/.*$/, '$1')
