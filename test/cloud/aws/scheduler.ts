// Schedules: each invokes its target at its rate, with the schedule's role.
// Source: EventBridge Scheduler User Guide, "Schedule types", "Target configuration". Not here: cron and
// one-time expressions (refused), flexible windows, the time between retries, time zones.
import { asNumber, asObject, asText, onlyKnown } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Faults } from '../faults.ts'
import type { Guard } from '../iam/guard.ts'
import type { Meter } from '../meter.ts'
import type { Resource, Template } from '../template/template.ts'

export interface Scheduler {
  /** Invokes the target of one schedule now, by the beginning of its logical id. */
  readonly wake: (prefix: string) => Promise<void>
  /** How many there are, and how often any of them has woken its target. */
  readonly count: number
  readonly wakes: () => number
  /** Schedules rest, or go on. */
  readonly pause: (isPaused: boolean) => void
  readonly stop: () => void
}

export interface SchedulerWorld {
  readonly guard: Guard
  readonly meter: Meter
  readonly faults: Faults
  readonly invokeLater: (functionArn: string, event: Json) => void
  readonly sendMessage: (queueArn: string, body: string) => Promise<void>
}

const known = [
  'Description',
  'FlexibleTimeWindow',
  'GroupName',
  'KmsKeyArn',
  'Name',
  'ScheduleExpression',
  'ScheduleExpressionTimezone',
  'State',
  'Target',
]

interface Schedule {
  readonly id: string
  readonly everyMs: number
  readonly target: JsonObject
}

export function startScheduler(template: Template, world: SchedulerWorld): Scheduler {
  const schedules = template.ofType('AWS::Scheduler::Schedule').map(readSchedule)
  let isPaused = false
  let wakes = 0
  const wakeOne = async (schedule: Schedule): Promise<void> => {
    wakes += 1
    await wake(schedule, world)
  }
  const timers = schedules.map((schedule) =>
    setInterval(() => {
      if (!isPaused) void wakeOne(schedule)
    }, schedule.everyMs),
  )
  return Object.freeze({
    wake: async (prefix: string) => {
      const found = schedules.filter(({ id }) => id.startsWith(prefix))
      if (found.length === 0) throw new Error(`there is no schedule ${prefix}…`)
      await Promise.all(found.map(wakeOne))
    },
    count: schedules.length,
    wakes: () => wakes,
    pause: (paused: boolean) => void (isPaused = paused),
    stop: () => {
      for (const timer of timers) clearInterval(timer)
    },
  })
}

const unitMs: Readonly<Record<string, number>> = {
  minute: 60_000,
  hour: 3_600_000,
  day: 86_400_000,
}

function readSchedule({ id, properties }: Resource): Schedule {
  onlyKnown(id, properties, known)
  if (asObject(properties['FlexibleTimeWindow'], id)['Mode'] !== 'OFF')
    throw new Error(`${id} flexes`)
  const expression = asText(properties['ScheduleExpression'], id)
  const [, count = '', unit = ''] = /^rate\((\d+) (\w+?)s?\)$/.exec(expression) ?? []
  const stepMs = unitMs[unit]
  if (stepMs === undefined) throw new Error(`${id}: ${expression} is not known to the local run`)
  const target = asObject(properties['Target'], id)
  onlyKnown(id, target, ['Arn', 'DeadLetterConfig', 'Input', 'RetryPolicy', 'RoleArn'])
  return { id, everyMs: Number(count) * stepMs, target }
}

async function wake({ id, target }: Schedule, world: SchedulerWorld): Promise<void> {
  const resource = asText(target['Arn'], id)
  const input = asText(target['Input'] ?? '{}', id)
  const { MaximumRetryAttempts = 185 } = asObject(target['RetryPolicy'] ?? {}, id)
  const invoke = { action: 'lambda:InvokeFunction', resource, context: {} }
  for (let tries = 0; tries <= asNumber(MaximumRetryAttempts, id); tries += 1) {
    world.meter.add('schedule_invocations', id)
    const call = { service: 'scheduler', operation: 'InvokeFunction', input: {} }
    if (world.faults.take(call, id, ['throttled']) !== null) continue
    if ((await world.guard.role(asText(target['RoleArn'], id), invoke)) !== null) break
    world.invokeLater(resource, JSON.parse(input) as Json)
    return
  }
  await bury({ id, target }, input, world)
}

async function bury(
  { id, target }: Omit<Schedule, 'everyMs'>,
  input: string,
  world: SchedulerWorld,
): Promise<void> {
  const queue = asText(asObject(target['DeadLetterConfig'], id)['Arn'], id)
  const send = { action: 'sqs:SendMessage', resource: queue, context: {} }
  const denied = await world.guard.role(asText(target['RoleArn'], id), send)
  if (denied === null) await world.sendMessage(queue, input)
}
