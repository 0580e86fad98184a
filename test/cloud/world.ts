// The synthesised template, running on this machine: every resource in its local stand-in, wired as
// the template says, with nothing between them that the template does not have.
import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'

import { startBroker } from './aws/broker.ts'
import type { Broker } from './aws/broker.ts'
import { createBus } from './aws/bus.ts'
import type { Bus } from './aws/bus.ts'
import { startDatabase } from './aws/database.ts'
import type { Database } from './aws/database.ts'
import { createLambda } from './aws/lambda.ts'
import type { Lambda } from './aws/lambda.ts'
import { startProxy } from './aws/proxy.ts'
import type { Proxy } from './aws/proxy.ts'
import { startScheduler } from './aws/scheduler.ts'
import type { Scheduler } from './aws/scheduler.ts'
import { createStates } from './aws/states.ts'
import type { States } from './aws/states.ts'
import type { StreamSource } from './aws/stream-source.ts'
import { createFaults } from './faults.ts'
import type { Faults } from './faults.ts'
import { startGateway } from './gateway/gateway.ts'
import type { Gateway } from './gateway/gateway.ts'
import { createGuard } from './iam/guard.ts'
import type { Guard } from './iam/guard.ts'
import type { Call, Known } from './iam/needs.ts'
import { principalsOf, resourcePoliciesOf } from './iam/policies.ts'
import { wordOf } from './json.ts'
import type { Json, JsonObject } from './json.ts'
import { createMeter } from './meter.ts'
import type { Meter } from './meter.ts'
import { createOffice } from './office.ts'
import type { Office } from './office.ts'
import { startSources } from './sources.ts'
import type { Source } from './aws/queue-source.ts'
import { refuseUnknownTypes } from './template/coverage.ts'
import { keysOf } from './template/keys.ts'
import { readTemplate } from './template/template.ts'
import type { Template } from './template/template.ts'
import { backends } from './backends.ts'

export interface World {
  readonly template: Template
  readonly url: string
  readonly gateway: Gateway
  readonly guard: Guard
  readonly meter: Meter
  readonly faults: Faults
  readonly database: Database
  readonly broker: Broker
  readonly bus: Bus
  readonly states: States
  readonly scheduler: Scheduler
  readonly stream: StreamSource
  readonly queue: Source
  /** By the beginning of its logical id. */
  readonly lambda: (prefix: string) => Lambda
  /** How many wait in a queue, seen or not, by the beginning of its logical id. */
  readonly messagesIn: (prefix: string) => number
  readonly send: (prefix: string, body: string) => Promise<void>
  /** Gives a secret another value, by the beginning of its logical id. */
  readonly rotate: (prefix: string, value: string) => void
  /** An access key whose owner has this managed policy, by the beginning of its logical id. */
  readonly accessKeyWith: (prefix: string) => string
  readonly output: (prefix: string) => string
  readonly logs: (prefix: string) => string
  readonly stop: () => Promise<void>
}

export interface WorldOptions {
  /** The template that `cdk synth` wrote; its assets stand beside it. */
  readonly templateFile: string
  readonly parameters: Readonly<Record<string, string>>
  /** By the beginning of the secret's logical id. */
  readonly secrets: Readonly<Record<string, string>>
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const stops: (() => Promise<void> | void)[] = []
  const stop = async (): Promise<void> => {
    for (const each of stops.splice(0).toReversed()) await each()
  }
  try {
    return await assemble(options, stops, stop)
  } catch (error) {
    await stop()
    throw error
  }
}

async function assemble(
  { templateFile, parameters, secrets }: WorldOptions,
  stops: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<World> {
  const started = async <T extends { readonly stop: () => Promise<void> | void }>(
    starting: Promise<T> | T,
  ): Promise<T> => {
    const part = await starting
    stops.push(part.stop)
    return part
  }
  const proxy = await started(startProxy())
  const json = JSON.parse(readFileSync(templateFile, 'utf8')) as Json
  const template = readTemplate(json, { endpoint: proxy.url, parameters })
  refuseUnknownTypes(template)
  const [meter, faults] = [createMeter(), createFaults()]
  const values = new Map(Object.entries(secrets))
  const principals = principalsOf(template)
  const guard = createGuard(principals, resourcePoliciesOf(template))
  const [table, ...tables] = template.ofType('AWS::DynamoDB::Table')
  if (table === undefined || tables.length > 0) throw new Error('there should be one table')
  const database = await started(startDatabase(table, meter))
  const broker = await started(startBroker(template))
  const office = createOffice(template, broker, meter)
  const logs = new Map<string, string>()
  const known = { keyOf: keyFinder(template), partitionKey: database.partitionKey, busArn }
  const lambdas = createLambdas(template, {
    assets: dirname(templateFile),
    proxy,
    meter,
    faults,
    guard,
    office,
    logs,
  })
  stops.push(async () => void (await Promise.all([...lambdas.values()].map((each) => each.stop()))))
  const invoke = async (arn: string, event: Json) => lambdaBy(lambdas, arn).invoke(event)
  const invokeLater = (arn: string, event: Json) => lambdaBy(lambdas, arn).invokeLater(event)
  const bus = createBus(template, { guard, meter, faults, sendMessage: office.send, invokeLater })
  const states = await started(createStates(template, { guard, meter, faults, invoke }))
  openProxy(proxy, {
    template,
    lambdas,
    guard,
    faults,
    meter,
    known,
    database,
    broker,
    bus,
    states,
    secrets: values,
  })
  const callers = template.ofType('AWS::IAM::ManagedPolicy').map(({ id }) => id)
  const gateway = await started(
    startGateway(template, {
      guard,
      meter,
      invoke,
      callerOf: (key) => (callers.includes(key.slice(5)) ? roleWith(key.slice(5)) : null),
    }),
  )
  const { stream, queue } = await startSources(template, {
    lambdas,
    database,
    broker,
    guard,
    known,
    meter,
    faults,
  })
  stops.push(stream.stop, queue.stop)
  const scheduler = await started(
    startScheduler(template, { guard, meter, faults, invokeLater, sendMessage: office.send }),
  )
  return Object.freeze({
    template,
    url: gateway.url,
    gateway,
    guard,
    meter,
    faults,
    database,
    broker,
    bus,
    states,
    scheduler,
    stream,
    queue,
    lambda: (prefix: string) => startingWith([...lambdas.values()], prefix),
    messagesIn: office.messagesIn,
    send: office.sendTo,
    rotate: (prefix: string, value: string) => {
      if (!values.has(prefix)) throw new Error(`the run has no secret ${prefix}…`)
      values.set(prefix, value)
    },
    accessKeyWith: (prefix: string) =>
      `LOCAL${
        startingWith(
          callers.map((id) => ({ id })),
          prefix,
        ).id
      }`,
    output: template.output,
    logs: (prefix: string) => logs.get(startingWith([...lambdas.values()], prefix).id) ?? '',
    stop,
  })
}

const busArn = (name: string): string =>
  name.startsWith('arn:') ? name : `arn:aws:events:us-east-1:000000000000:event-bus/${name}`

const roleWith = (policyId: string): string => `arn:aws:iam::000000000000:role/with-${policyId}`

function keyFinder(template: Template): Known['keyOf'] {
  const keys = keysOf(template)
  return (resource) => keys.get(resource)
}

function startingWith<T extends { readonly id: string }>(all: readonly T[], prefix: string): T {
  const found = all.filter(({ id }) => id.startsWith(prefix))
  const [one] = found
  if (one === undefined || found.length > 1) {
    throw new Error(
      `${found.length} are called ${prefix}…, of ${all.map(({ id }) => id).join(', ')}`,
    )
  }
  return one
}

function lambdaBy(lambdas: ReadonlyMap<string, Lambda>, arn: string): Lambda {
  const found = lambdas.get(arn)
  if (found === undefined) throw new Error(`there is no function ${arn}`)
  return found
}

interface LambdaParts {
  readonly assets: string
  readonly proxy: Proxy
  readonly meter: Meter
  readonly faults: Faults
  readonly guard: Guard
  readonly office: Office
  readonly logs: Map<string, string>
}

/** What a person may still want to read of a function's output. */
const keptLog = 200_000

function createLambdas(template: Template, parts: LambdaParts): ReadonlyMap<string, Lambda> {
  const { assets, proxy, meter, faults, guard, office, logs } = parts
  const world = {
    assets,
    endpoint: proxy.url,
    meter,
    faults,
    onOutput: (id: string, text: string) => {
      meter.add('log_bytes', id, Buffer.byteLength(text))
      logs.set(id, `${logs.get(id) ?? ''}${text}`.slice(-keptLog))
    },
    onFailure: async ({ roleArn }: Lambda, destination: string, record: JsonObject) => {
      const need = { action: 'sqs:SendMessage', resource: destination, context: {} }
      if ((await guard.role(roleArn, need)) === null) {
        await office.send(destination, JSON.stringify(record))
      }
    },
  }
  return new Map(
    template
      .ofType('AWS::Lambda::Function')
      .map((resource) => createLambda(resource, template, world))
      .map((lambda) => [lambda.arn, lambda]),
  )
}

interface ProxyParts {
  readonly template: Template
  readonly lambdas: ReadonlyMap<string, Lambda>
  readonly guard: Guard
  readonly faults: Faults
  readonly meter: Meter
  readonly known: Known
  readonly database: Database
  readonly broker: Broker
  readonly bus: Bus
  readonly states: States
  readonly secrets: ReadonlyMap<string, string>
}

function openProxy(proxy: Proxy, parts: ProxyParts): void {
  const { lambdas, guard, faults, meter, known } = parts
  const byKey = new Map([...lambdas.values()].map((lambda) => [lambda.accessKey, lambda]))
  proxy.open({
    guard,
    known,
    faults,
    callerOf: (accessKey) => {
      const lambda = byKey.get(accessKey.split('.')[0] ?? accessKey)
      if (lambda === undefined) return undefined
      return { id: lambda.id, roleArn: lambda.roleArn, kill: () => lambda.kill(accessKey) }
    },
    backends: backends(parts),
    onCall: (call: Call) => countPartitions(call, meter, known),
  })
}

const writing: readonly string[] = ['Put', 'Update', 'Delete']

/** How many writes each partition key of the table gets, in units of the smallest rows. */
function countPartitions({ operation, input }: Call, meter: Meter, known: Known): void {
  const key = (write: JsonObject): void => {
    const name = known.partitionKey(wordOf(write['TableName']), null)
    if (name === null) return
    const row = (write['Key'] ?? write['Item']) as JsonObject
    // A transaction writes each item twice.
    meter.wrote(wordOf((row[name] as JsonObject)['S']), operation === 'TransactWriteItems' ? 2 : 1)
  }
  if (operation === 'UpdateItem') return key(input)
  if (operation !== 'TransactWriteItems') return
  for (const each of input['TransactItems'] as readonly JsonObject[]) {
    const [[kind, inner] = ['', {}]] = Object.entries(each)
    if (writing.includes(kind)) key(inner as JsonObject)
  }
}
