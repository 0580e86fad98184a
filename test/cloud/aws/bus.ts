// The event bus: takes events, matches them against its rules, and delivers them to the targets, with
// retries and a dead-letter queue for each target.
// Source: EventBridge User Guide, "Rules", "Retry policy", "Using dead-letter queues", and the API
// reference of PutEvents. Not here: input transformers, the archive's replay (events are only counted
// into it), schemas, API destinations, buses of other accounts.
import { asNumber, asObject, asText, listOf, onlyKnown, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Guard } from '../iam/guard.ts'
import type { Call } from '../iam/needs.ts'
import type { Faults } from '../faults.ts'
import type { Meter } from '../meter.ts'
import type { Template } from '../template/template.ts'
import { matches } from './pattern.ts'
import { failure, json } from './wire.ts'
import type { Answer } from './wire.ts'

export interface Bus {
  readonly call: (call: Call, caller: string) => Promise<Answer>
  readonly arnOf: (name: string) => string
  /** Deliveries that are still under way. */
  readonly pending: () => number
  /** Numbers of a payment's events that the bus has taken, in the order in which they came. */
  readonly taken: (paymentId: string) => readonly number[]
}

export interface BusWorld {
  readonly guard: Guard
  readonly meter: Meter
  readonly faults: Faults
  readonly sendMessage: (queueArn: string, body: string, attributes?: JsonObject) => Promise<void>
  readonly invokeLater: (functionArn: string, event: Json) => void
}

interface Target {
  readonly arn: string
  readonly deadLetters: string | null
  readonly maxRetries: number
  readonly maxAgeMs: number
}

interface Rule {
  readonly bus: string
  readonly arn: string
  readonly pattern: JsonObject
  readonly targets: readonly Target[]
}

const account = 'us-east-1:000000000000'

export function createBus(template: Template, world: BusWorld): Bus {
  const buses = template.ofType('AWS::Events::EventBus').map(({ id, properties }) => {
    onlyKnown(id, properties, [
      'DeadLetterConfig',
      'Description',
      'KmsKeyIdentifier',
      'Name',
      'Tags',
    ])
    return asText(properties['Name'], id)
  })
  const rules = template.ofType('AWS::Events::Rule').map(({ id, properties }): Rule => {
    onlyKnown(id, properties, [
      'Description',
      'EventBusName',
      'EventPattern',
      'Name',
      'State',
      'Targets',
    ])
    const bus = asText(properties['EventBusName'], id)
    return {
      bus,
      arn: `arn:aws:events:${account}:rule/${bus}/${wordOf(properties['Name'] ?? id)}`,
      pattern: asObject(properties['EventPattern'], id),
      targets: listOf(properties['Targets']).map((each) => readTarget(asObject(each, id), id)),
    }
  })
  let pending = 0
  const taken = new Map<string, number[]>()
  const note = ({ detail }: JsonObject): void => {
    const { payment_id: paymentId, seq } = asObject(detail ?? {}, 'detail')
    const seen = taken.get(wordOf(paymentId ?? '')) ?? []
    taken.set(wordOf(paymentId ?? ''), [...seen, Number(seq)])
  }
  const publish = (bus: string, event: JsonObject): void => {
    for (const rule of rules) {
      if (rule.bus !== bus || !matches(rule.pattern, event)) continue
      for (const target of rule.targets) {
        pending += 1
        void deliver(rule, target, event, world).finally(() => (pending -= 1))
      }
    }
  }
  return Object.freeze({
    arnOf: (name: string) =>
      name.startsWith('arn:') ? name : `arn:aws:events:${account}:event-bus/${name}`,
    pending: () => pending,
    taken: (paymentId: string) => taken.get(paymentId) ?? [],
    call: async (call: Call, caller: string) => {
      if (call.operation !== 'PutEvents') throw new Error(`events:${call.operation}`)
      const entries = listOf(call.input['Entries']).map((each) => asObject(each, 'entry'))
      if (entries.length < 1 || entries.length > 10) {
        return failure('events', 'ValidationException', 'between 1 and 10 entries')
      }
      const isRefusing = world.faults.take(call, caller, ['partly_refused']) !== null
      const times = world.faults.take(call, caller, ['twice']) === null ? 1 : 2
      const answers = entries.map((entry, index): JsonObject => {
        if (isRefusing && index === 0) {
          return { ErrorCode: 'ThrottlingException', ErrorMessage: 'Rate exceeded' }
        }
        const event = eventOf(entry)
        // Billed for each 64 KB.
        const chunks = Math.ceil(Buffer.byteLength(JSON.stringify(entry)) / 65_536)
        world.meter.add('event_entries', caller, chunks)
        note(event)
        for (let time = 0; time < times; time += 1) publish(busOf(entry, buses), event)
        return { EventId: asText(event['id'], 'id') }
      })
      const FailedEntryCount = answers.filter(({ ErrorCode }) => ErrorCode !== undefined).length
      return json({ FailedEntryCount, Entries: answers })
    },
  })
}

function busOf({ EventBusName }: JsonObject, buses: readonly string[]): string {
  const name = asText(EventBusName, 'EventBusName').split('/').at(-1) ?? ''
  if (!buses.includes(name)) throw new Error(`there is no bus ${name}`)
  return name
}

function eventOf({ Source, DetailType, Detail, Resources, Time }: JsonObject): JsonObject {
  return {
    version: '0',
    id: crypto.randomUUID(),
    'detail-type': asText(DetailType, 'DetailType'),
    source: asText(Source, 'Source'),
    account: '000000000000',
    time: new Date(typeof Time === 'number' ? Time * 1_000 : Date.now()).toISOString(),
    region: 'us-east-1',
    resources: listOf(Resources),
    detail: asObject(JSON.parse(asText(Detail, 'Detail')), 'Detail'),
  }
}

function readTarget(target: JsonObject, id: string): Target {
  onlyKnown(`a target of ${id}`, target, ['Arn', 'DeadLetterConfig', 'Id', 'RetryPolicy'])
  const deadLetters = asObject(target['DeadLetterConfig'] ?? {}, id)['Arn']
  const retry = asObject(target['RetryPolicy'] ?? {}, id)
  return {
    arn: asText(target['Arn'], id),
    deadLetters: deadLetters === undefined ? null : asText(deadLetters, id),
    maxRetries: asNumber(retry['MaximumRetryAttempts'] ?? 185, id),
    maxAgeMs: asNumber(retry['MaximumEventAgeInSeconds'] ?? 86_400, id) * 1_000,
  }
}

// ── Delivery ─────────────────────────────────────────────────────────────────────────────────────

const service = 'events.amazonaws.com'

async function deliver(
  rule: Rule,
  target: Target,
  event: JsonObject,
  world: BusWorld,
): Promise<void> {
  const acceptedAtMs = Date.now()
  for (let retries = 0; ; retries += 1) {
    const error = await tryOnce(rule, target, event, world).catch(String)
    if (error === null) return
    const waitMs = Math.min(1_000 * 2 ** retries, 600_000)
    const isOver = Date.now() + waitMs - acceptedAtMs > target.maxAgeMs
    // What a policy forbids is not tried again.
    if (retries >= target.maxRetries || isOver || error.includes('not authorized')) {
      await bury(rule, target, event, error, world)
      return
    }
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
}

async function tryOnce(
  rule: Rule,
  { arn }: Target,
  event: JsonObject,
  world: BusWorld,
): Promise<string | null> {
  const isQueue = arn.startsWith('arn:aws:sqs:')
  if (!isQueue && !arn.startsWith('arn:aws:lambda:')) throw new Error(`a target ${arn}`)
  const action = isQueue ? 'sqs:SendMessage' : 'lambda:InvokeFunction'
  const context = { 'aws:SourceArn': rule.arn }
  const denied = await world.guard.service(service, { action, resource: arn, context })
  if (denied !== null) return denied
  if (isQueue) await world.sendMessage(arn, JSON.stringify(event))
  else world.invokeLater(arn, event)
  return null
}

async function bury(
  rule: Rule,
  target: Target,
  event: JsonObject,
  error: string,
  world: BusWorld,
): Promise<void> {
  if (target.deadLetters === null) return
  const context = { 'aws:SourceArn': rule.arn }
  const need = { action: 'sqs:SendMessage', resource: target.deadLetters, context }
  if ((await world.guard.service(service, need)) !== null) return
  const text = (StringValue: string): JsonObject => ({ DataType: 'String', StringValue })
  await world.sendMessage(target.deadLetters, JSON.stringify(event), {
    RULE_ARN: text(rule.arn),
    TARGET_ARN: text(target.arn),
    ERROR_MESSAGE: text(error),
  })
}
