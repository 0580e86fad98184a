// The functions of the template: environments are started as they are needed, bounded by the reserved
// concurrency and by what this machine can bear, and asynchronous invocations are tried again.
// Source: Lambda Developer Guide, "Understanding Lambda function scaling", "How Lambda handles errors
// and retries with asynchronous invocation". Not here: versions and aliases, layers, VPCs, provisioned
// concurrency, the invoke queue's own order, recursion detection.
import { join } from 'node:path'

import { asNumber, asObject, asText, onlyKnown, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Faults } from '../faults.ts'
import type { Meter } from '../meter.ts'
import type { Resource, Template } from '../template/template.ts'
import { startSandbox } from './sandbox.ts'
import type { Result, Sandbox } from './sandbox.ts'

export interface Lambda {
  readonly arn: string
  readonly id: string
  readonly roleArn: string
  /** What the access keys of its environments begin with, up to a full stop. */
  readonly accessKey: string
  readonly timeoutMs: number
  /** Waits for the answer. `TooManyRequestsException` where its concurrency is used up. */
  readonly invoke: (event: Json) => Promise<Result>
  /** Accepts at once; failures are tried again, then told to the destination. */
  readonly invokeLater: (event: Json) => void
  /** Kills the environment that has this access key: each has its own. */
  readonly kill: (accessKey: string) => void
  /** Ends the environments that are free, as Lambda does now and then: the next ones begin anew. */
  readonly recycle: () => Promise<void>
  readonly stop: () => Promise<void>
}

export interface LambdaWorld {
  /** The folder that `cdk synth` has written. */
  readonly assets: string
  readonly endpoint: string
  readonly meter: Meter
  readonly faults: Faults
  readonly onOutput: (functionId: string, text: string) => void
  /** Where an asynchronous invocation ends that has failed for good. */
  readonly onFailure: (lambda: Lambda, destination: string, record: JsonObject) => Promise<void>
}

/** More processes than this at once, of one function, and the machine is the bottleneck. */
const machineLimit = 6

const known = [
  'Architectures',
  'Code',
  'Description',
  'Environment',
  'EphemeralStorage',
  'Handler',
  'LoggingConfig',
  'MemorySize',
  'ReservedConcurrentExecutions',
  'Role',
  'Runtime',
  'Timeout',
  'TracingConfig',
  'FunctionName',
  'Tags',
]

export function createLambda(resource: Resource, template: Template, world: LambdaWorld): Lambda {
  const { id, properties, metadata } = resource
  onlyKnown(id, properties, known)
  if (properties['Runtime'] !== 'nodejs24.x')
    throw new Error(`${id} runs on ${wordOf(properties['Runtime'])}`)
  if (properties['Handler'] !== 'index.handler') throw new Error(`${id} is entered elsewhere`)
  const roleArn = asText(properties['Role'], id)
  const arn = `arn:aws:lambda:us-east-1:000000000000:function:${wordOf(properties['FunctionName'] ?? id)}`
  const timeoutMs = asNumber(properties['Timeout'] ?? 3, id) * 1_000
  const memoryMb = asNumber(properties['MemorySize'] ?? 128, id)
  const accessKey = `LOCAL${id}`
  const byKey = new Map<string, Sandbox>()
  const start = async (): Promise<Sandbox> => {
    const key = `${accessKey}.${byKey.size}`
    const sandbox = await startSandbox({
      arn,
      bundle: join(world.assets, asText(metadata['aws:asset:path'], id), 'index.mjs'),
      env: environment(resource, key, world.endpoint, memoryMb),
      timeoutMs,
      onOutput: (text) => world.onOutput(id, text),
    })
    byKey.set(key, sandbox)
    return sandbox
  }
  const reserved = Number(properties['ReservedConcurrentExecutions'] ?? 1_000)
  const pool = createPool(start, Math.min(machineLimit, reserved))
  const invoke = async (event: Json): Promise<Result> => {
    if (pool.wanted() >= reserved) return tooMany
    const { result, tookMs } = await pool.run((sandbox) => sandbox.invoke(event))
    world.meter.add('lambda_invocations', id)
    // Billed by the millisecond, and by memory.
    world.meter.add('lambda_gb_seconds', id, (Math.ceil(tookMs) / 1_000) * (memoryMb / 1_024))
    world.meter.add('log_bytes', id, platformLogBytes)
    return result
  }
  const async = asyncSettings(id, template)
  const lambda: Lambda = Object.freeze({
    arn,
    id,
    roleArn,
    accessKey,
    timeoutMs,
    invoke,
    invokeLater: (event: Json) => void later(lambda, event, async, world),
    kill: (key: string) => byKey.get(key)?.kill(),
    recycle: pool.recycle,
    stop: pool.stop,
  })
  return lambda
}

const tooMany: Result = {
  ok: false,
  error: { errorType: 'TooManyRequestsException', errorMessage: 'Rate Exceeded.' },
}

/** The lines START, END and REPORT of one invocation in text format, with tracing. */
const platformLogBytes = 410

function environment(
  { id, properties }: Resource,
  accessKey: string,
  endpoint: string,
  memoryMb: number,
): Record<string, string> {
  const own = asObject(asObject(properties['Environment'] ?? {}, id)['Variables'] ?? {}, id)
  return {
    ...Object.fromEntries(Object.entries(own).map(([key, value]) => [key, asText(value, key)])),
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: accessKey,
    AWS_SECRET_ACCESS_KEY: 'local',
    AWS_SESSION_TOKEN: 'local',
    AWS_ENDPOINT_URL: endpoint,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x',
    AWS_LAMBDA_FUNCTION_NAME: id,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMb),
    AWS_LAMBDA_LOG_GROUP_NAME: wordOf(
      asObject(properties['LoggingConfig'] ?? {}, id)['LogGroup'] ?? '',
    ),
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    PATH: '/usr/local/bin:/usr/bin/:/bin:/opt/bin',
  }
}

interface Pool {
  readonly run: <T>(work: (sandbox: Sandbox) => Promise<T>) => Promise<T>
  readonly wanted: () => number
  readonly recycle: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Environments that are free are used again, the last one first, as Lambda does. */
function createPool(start: () => Promise<Sandbox>, limit: number): Pool {
  const all = new Set<Sandbox>()
  const free: Sandbox[] = []
  const waiting: (() => void)[] = []
  let running = 0
  let isStopping = false
  const take = async (): Promise<Sandbox> => {
    const idle = free.pop()
    if (idle !== undefined && idle.isAlive()) return idle
    if (idle !== undefined) return take()
    const started = await start()
    all.add(started)
    return started
  }
  const run = async <T>(work: (sandbox: Sandbox) => Promise<T>): Promise<T> => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running += 1
    try {
      if (isStopping) throw new Error('the run is over')
      const sandbox = await take()
      try {
        return await work(sandbox)
      } finally {
        if (sandbox.isAlive()) free.push(sandbox)
        else all.delete(sandbox)
      }
    } finally {
      const next = waiting.shift()
      if (next === undefined) running -= 1
      else next()
    }
  }
  return {
    run,
    wanted: () => running + waiting.length,
    recycle: async () => {
      const idle = free.splice(0)
      for (const sandbox of idle) all.delete(sandbox)
      await Promise.all(idle.map((sandbox) => sandbox.stop()))
    },
    stop: async () => {
      isStopping = true
      await Promise.all([...all].map((sandbox) => sandbox.stop()))
    },
  }
}

// ── Asynchronous ─────────────────────────────────────────────────────────────────────────────────

interface AsyncSettings {
  readonly retries: number
  readonly maxAgeMs: number
  readonly onFailure: string | null
}

function asyncSettings(functionId: string, template: Template): AsyncSettings {
  const config = template
    .ofType('AWS::Lambda::EventInvokeConfig')
    .find(({ properties }) => properties['FunctionName'] === functionId)?.properties
  if (config === undefined) return { retries: 2, maxAgeMs: 21_600_000, onFailure: null }
  const { OnFailure, ...others } = asObject(config['DestinationConfig'] ?? {}, functionId)
  if (Object.keys(others).length > 0) throw new Error(`${functionId} tells successes to somebody`)
  return {
    retries: asNumber(config['MaximumRetryAttempts'] ?? 2, functionId),
    maxAgeMs: asNumber(config['MaximumEventAgeInSeconds'] ?? 21_600, functionId) * 1_000,
    onFailure:
      OnFailure === undefined
        ? null
        : asText(asObject(OnFailure, functionId)['Destination'], functionId),
  }
}

/** One minute before the first repeat, two before the second. */
const retryAfterMs = [60_000, 120_000]

async function later(
  lambda: Lambda,
  event: Json,
  { retries, maxAgeMs, onFailure }: AsyncSettings,
  world: LambdaWorld,
): Promise<void> {
  const acceptedAtMs = Date.now()
  const call = { service: 'lambda', operation: 'InvokeFunction', input: { event } }
  if (world.faults.take(call, lambda.id, ['twice']) !== null)
    void lambda.invoke(event).catch(nothing)
  let result = await lambda.invoke(event).catch(failed)
  let tries = 1
  while (!result.ok) {
    const waitMs = retryAfterMs[tries - 1]
    if (tries > retries || waitMs === undefined) break
    if (Date.now() + waitMs - acceptedAtMs > maxAgeMs) break
    await new Promise((resolve) => setTimeout(resolve, waitMs))
    result = await lambda.invoke(event).catch(failed)
    tries += 1
  }
  if (result.ok || onFailure === null) return
  const responsePayload: JsonObject = { ...result.error, trace: [...(result.error.trace ?? [])] }
  await world.onFailure(lambda, onFailure, {
    version: '1.0',
    requestContext: { condition: 'RetriesExhausted', approximateInvokeCount: tries },
    requestPayload: event,
    responsePayload,
  })
}

const nothing = (): void => undefined
const failed = (error: unknown): Result => ({
  ok: false,
  error: { errorType: 'Service', errorMessage: String(error) },
})
