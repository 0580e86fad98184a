// State machines of the template, on aws-local-stepfunctions: one object for each machine, all
// executions on it. Source: Step Functions Developer Guide, "StartExecution", "Handling errors in
// workflows"; Lambda errors as in "Invoke an AWS Lambda function with Step Functions".
// Not here: history, DescribeExecution, redrive, task tokens, nested executions, quotas; the name of an
// execution is remembered for the run, not for ninety days.
import { StateMachine } from 'aws-local-stepfunctions'

import { asObject, asText, isObject, onlyKnown, wordOf } from '../json.ts'
import type { Json, JsonObject } from '../json.ts'
import type { Guard } from '../iam/guard.ts'
import type { Call } from '../iam/needs.ts'
import type { Faults } from '../faults.ts'
import type { Meter } from '../meter.ts'
import type { Resource, Template } from '../template/template.ts'
import type { Result } from './sandbox.ts'
import { failure, json } from './wire.ts'
import type { Answer } from './wire.ts'

export interface States {
  readonly call: (call: Call, caller: string) => Promise<Answer>
  /** How the executions ended that have ended, by `SUCCEEDED` or the error's name. */
  readonly endings: () => ReadonlyMap<string, number>
  readonly running: () => number
  readonly stop: () => void
}

export interface StatesWorld {
  readonly guard: Guard
  readonly meter: Meter
  readonly faults: Faults
  readonly invoke: (functionArn: string, event: Json) => Promise<Result>
}

interface Machine {
  readonly arn: string
  readonly roleArn: string
  readonly isExpress: boolean
  readonly definition: JsonObject
  readonly machine: StateMachine
  readonly executions: Map<string, { readonly input: string; isRunning: boolean }>
}

type Handlers = Record<string, (input: unknown) => Promise<never>>

const known = [
  'DefinitionString',
  'DefinitionSubstitutions',
  'EncryptionConfiguration',
  'LoggingConfiguration',
  'RoleArn',
  'StateMachineName',
  'StateMachineType',
  'TracingConfiguration',
  'Tags',
]

export function createStates(template: Template, world: StatesWorld): States {
  const machines = new Map(
    template
      .ofType('AWS::StepFunctions::StateMachine')
      .map(readMachine)
      .map((machine) => [machine.arn, machine]),
  )
  const aborts = new Set<() => void>()
  const endings = new Map<string, number>()
  const begin = (machine: Machine, name: string, input: string): void => {
    const execution = { input, isRunning: true }
    machine.executions.set(name, execution)
    const startedAtMs = performance.now()
    const handlers = handlersOf(machine, world)
    const { result, abort, eventLogs } = machine.machine.run(JSON.parse(input) as never, {
      overrides: { taskResourceLocalHandlers: handlers },
    })
    aborts.add(abort)
    void countTransitions(machine, eventLogs, world.meter)
    const ended = (as: string): void => {
      aborts.delete(abort)
      execution.isRunning = false
      endings.set(as, (endings.get(as) ?? 0) + 1)
      countExpress(machine, performance.now() - startedAtMs, world.meter)
    }
    result.then(
      () => ended('SUCCEEDED'),
      (error: unknown) => ended(nameOf(error)),
    )
  }
  return Object.freeze({
    endings: () => endings,
    running: () => aborts.size,
    stop: () => {
      for (const abort of aborts) abort()
    },
    call: async (call: Call, caller: string) => {
      if (call.operation !== 'StartExecution') throw new Error(`states:${call.operation}`)
      const machine = machines.get(asText(call.input['stateMachineArn'], 'stateMachineArn'))
      if (machine === undefined) return failure('states', 'StateMachineDoesNotExist', 'Not found')
      const name = asText(call.input['name'], 'name')
      const input = asText(call.input['input'] ?? '{}', 'input')
      const refusal = refuse(machine, name, input)
      if (refusal !== null) return refusal
      if (world.faults.take(call, caller, ['lost']) !== null) {
        machine.executions.set(name, { input, isRunning: true })
      } else if (machine.executions.get(name)?.isRunning !== true || machine.isExpress) {
        begin(machine, name, input)
      }
      const executionArn = `${machine.arn.replace(':stateMachine:', ':execution:')}:${name}`
      return json({ executionArn, startDate: Date.now() / 1_000 })
    },
  })
}

/** Names are used once; the same input again is a replay while the execution runs. */
function refuse({ executions, isExpress }: Machine, name: string, input: string): Answer | null {
  if (!/^[\w-]{1,80}$/.test(name)) return failure('states', 'InvalidName', `Invalid Name: ${name}`)
  if (Buffer.byteLength(input) > 262_144) {
    return failure('states', 'InvalidExecutionInput', 'The input is too long')
  }
  const earlier = executions.get(name)
  if (earlier === undefined || isExpress) return null
  if (earlier.isRunning && earlier.input === input) return null
  return failure('states', 'ExecutionAlreadyExists', `Execution Already Exists: '${name}'`)
}

function readMachine({ id, properties }: Resource): Machine {
  onlyKnown(id, properties, known)
  const substitutions = asObject(properties['DefinitionSubstitutions'] ?? {}, id)
  const text = asText(properties['DefinitionString'], id).replaceAll(
    /\$\{(\w+)\}/g,
    (_, name: string) => asText(substitutions[name], `${id}: \${${name}}`),
  )
  const definition = asObject(JSON.parse(text), id)
  return {
    arn: `arn:aws:states:us-east-1:000000000000:stateMachine:${asText(properties['StateMachineName'], id)}`,
    roleArn: asText(properties['RoleArn'], id),
    isExpress: properties['StateMachineType'] === 'EXPRESS',
    definition,
    // The definition is checked by the constructor, against the language's schema.
    machine: new StateMachine(definition as never),
    executions: new Map(),
  }
}

// ── Tasks ────────────────────────────────────────────────────────────────────────────────────────

function handlersOf(machine: Machine, world: StatesWorld): Handlers {
  const states = Object.entries(asObject(machine.definition['States'], 'States'))
  return Object.fromEntries(
    states
      .map(([name, state]) => [name, asObject(state, name)] as const)
      .filter(([, state]) => state['Type'] === 'Task')
      .map(([name, state]) => [
        name,
        async (input: unknown) =>
          // The interpreter takes any JSON; its own type for it is not exported.
          (await task(machine, asText(state['Resource'], name), input as Json, world)) as never,
      ]),
  )
}

const invokeResource = 'arn:aws:states:::lambda:invoke'

async function task(
  { roleArn }: Machine,
  resource: string,
  input: Json,
  { guard, invoke }: StatesWorld,
): Promise<Json> {
  const isWrapped = resource === invokeResource
  if (!isWrapped && !resource.startsWith('arn:aws:lambda:')) throw new Error(`a task ${resource}`)
  const given = isWrapped ? asObject(input, resource) : {}
  const functionArn = isWrapped ? asText(given['FunctionName'], resource) : resource
  const need = { action: 'lambda:InvokeFunction', resource: functionArn, context: {} }
  const denied = await guard.role(roleArn, need)
  if (denied !== null) throw taskError('Lambda.AccessDeniedException', denied)
  const result = await invoke(functionArn, isWrapped ? (given['Payload'] ?? {}) : input)
  if (result.ok) {
    const payload = JSON.parse(result.payload) as Json
    return isWrapped ? { StatusCode: 200, ExecutedVersion: '$LATEST', Payload: payload } : payload
  }
  const { errorType } = result.error
  if (errorType === 'TooManyRequestsException') {
    throw taskError(`Lambda.${errorType}`, result.error.errorMessage)
  }
  // Functions that fail give their name, and all of it as JSON text.
  throw taskError(errorType, JSON.stringify(result.error))
}

/** The interpreter takes the name as `Error` and the message as `Cause`. */
function taskError(name: string, cause: string): Error {
  const error = new Error(cause)
  error.name = name
  return error
}

// ── Counting ─────────────────────────────────────────────────────────────────────────────────────

/** “Each time a step of your workflow is executed”, retries included. */
async function countTransitions(
  { arn, isExpress }: Machine,
  events: AsyncIterable<{ readonly type: string }>,
  meter: Meter,
): Promise<void> {
  if (isExpress) return
  for await (const { type } of events) {
    if (type === 'StateEntered' || type === 'StateRetried') meter.add('state_transitions', arn)
  }
}

/** Express is billed by duration, in steps of 100 ms, and memory in steps of 64 MB. */
function countExpress({ arn, isExpress }: Machine, tookMs: number, meter: Meter): void {
  if (!isExpress) return
  meter.add('express_requests', arn)
  meter.add('express_gb_seconds', arn, (Math.ceil(tookMs / 100) / 10) * (64 / 1_024))
}

/** The interpreter wraps what a state threw. */
function nameOf(error: unknown): string {
  const inner = error instanceof Error && error.cause !== undefined ? error.cause : error
  if (inner instanceof Error) return inner.name
  return isObject(inner) ? wordOf(inner['name']) : String(inner)
}
