// Who answers a call of an SDK, service by service.
import type { Broker } from './aws/broker.ts'
import type { Bus } from './aws/bus.ts'
import type { Database } from './aws/database.ts'
import type { Backend } from './aws/proxy.ts'
import { createSecrets } from './aws/secrets.ts'
import type { States } from './aws/states.ts'
import type { Answer } from './aws/wire.ts'
import type { Call } from './iam/needs.ts'
import { wordOf } from './json.ts'
import type { Meter } from './meter.ts'
import type { Template } from './template/template.ts'

interface Parts {
  readonly template: Template
  readonly meter: Meter
  readonly database: Database
  readonly broker: Broker
  readonly bus: Bus
  readonly states: States
  readonly secrets: ReadonlyMap<string, string>
}

export function backends(parts: Parts): Readonly<Record<string, Backend>> {
  const { template, meter, database, broker, bus, states, secrets } = parts
  const secret = createSecrets(template, secrets)
  return {
    dynamodb: async (call, caller) => database.call(call, caller),
    sqs: async (call, caller, body) => {
      meter.add('queue_requests', `${caller}.${call.operation}`, chunks(body))
      return forward(broker.url, call, body)
    },
    sns: async (call, caller, body) => {
      meter.add('sns_requests', caller, chunks(body))
      return forward(broker.url, call, body)
    },
    events: async (call, caller) => bus.call(call, caller),
    states: async (call, caller) => states.call(call, caller),
    secretsmanager: async (call) => secret(call),
    s3: async (call, _, body) => forwardObject(broker.url, call, body),
  }
}

/** Requests are billed for each 64 KB. */
const chunks = (body: Buffer): number => Math.max(1, Math.ceil(body.byteLength / 65_536))

const credential = (service: string): string =>
  `AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/${service}/aws4_request`

async function forward(url: string, { service, operation }: Call, body: Buffer): Promise<Answer> {
  const isQuery = service === 'sns'
  const type = isQuery ? 'application/x-www-form-urlencoded' : 'application/x-amz-json-1.0'
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': type,
      authorization: credential(service),
      ...(isQuery ? {} : { 'x-amz-target': `AmazonSQS.${operation}` }),
    },
    body,
  })
  return {
    status: response.status,
    body: await response.text(),
    type: response.headers.get('content-type') ?? type,
  }
}

const methodOf: Readonly<Record<string, string>> = {
  DeleteObject: 'DELETE',
  GetObject: 'GET',
  PutObject: 'PUT',
}

async function forwardObject(
  url: string,
  { operation, input }: Call,
  body: Buffer,
): Promise<Answer> {
  const method = methodOf[operation] ?? operation
  const response = await fetch(`${url}/${wordOf(input['Bucket'])}/${wordOf(input['Key'])}`, {
    method,
    headers: { authorization: credential('s3') },
    ...(method === 'PUT' ? { body } : {}),
  })
  const { status, headers } = response
  const type = headers.get('content-type') ?? 'application/octet-stream'
  return { status, body: '', type, bytes: new Uint8Array(await response.arrayBuffer()) }
}
