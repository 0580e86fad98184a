// The state machine that drives one run of a payment, made from the table of transitions: a Task for
// each state that a driver moves on, and exits for everything else. What a Task does is in `step.ts`;
// that nothing happens twice is the store's doing, so that a run may be lost, late or doubled.
import type { State } from '../core/payment.ts'
import { transitions } from '../core/transitions.ts'
import type { StepErrorName } from './errors.ts'

export type Workflow = 'standard' | 'express'

/** The Task that brings a payment out of each state; of other states there is nothing to drive. */
export const taskOf = {
  initiated: 'Validate',
  validated: 'Authorise',
  authorised: 'Capture',
  captured: 'Settle',
} as const satisfies Partial<Record<State, string>>

export type WayTask = (typeof taskOf)[keyof typeof taskOf]
/** `Resolve`: finds out what happened. `Amend`: voids and refunds. */
export type Task = WayTask | 'Resolve' | 'Amend'

/** A call to the processor < the function's timeout < this < when another sender may recover it. */
export const taskTimeoutSeconds = 40

/** The longest that a run waits for anything; what takes longer is due in the store, and swept. */
export const longestWaitSeconds: Readonly<Record<Workflow, number>> = { standard: 900, express: 60 }

/** A run may wait several times; a lost one is found by the sweep long before. Express allows 5 min. */
const machineTimeoutSeconds: Readonly<Record<Workflow, number>> = { standard: 86_400, express: 290 }

/**
 * What precedes or interrupts the function. Each may follow a send: the next invocation finds the
 * attempt in the store and waits for its sender. Never `States.ALL` or `States.TaskFailed`: those would
 * swallow the errors by which a step says where to go.
 */
const repeated = [
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.Unknown',
  'Runtime.ExitError',
  'Sandbox.Timedout',
  'States.Timeout',
]

/** The step's concurrency is bounded on purpose: whoever finds it full has not been invoked at all. */
const throttled = ['Lambda.TooManyRequestsException']

const retry = (names: readonly string[], maxAttempts: number, maxDelaySeconds: number) => ({
  ErrorEquals: names,
  IntervalSeconds: 2,
  MaxAttempts: maxAttempts,
  BackoffRate: 2,
  MaxDelaySeconds: maxDelaySeconds,
  JitterStrategy: 'FULL',
})

type Asl = Readonly<Record<string, unknown>>

/** Where a payment goes on from a state, by the table; `null`: to an end. */
function forwardOf(state: keyof typeof taskOf): keyof typeof taskOf | null {
  const targets = transitions.filter(({ from, on }) => from === state && on !== 'corrected')
  const next = targets.map(({ to }) => to).find((to) => to in taskOf)
  return (next as keyof typeof taskOf | undefined) ?? null // `in` has shown it
}

export interface StateMachineProps {
  readonly workflow: Workflow
  /** ARN, or a placeholder that the template replaces. */
  readonly stepFunctionArn: string
}

export function stateMachine({ workflow, stepFunctionArn }: StateMachineProps): Asl {
  const way = Object.keys(taskOf) as (keyof typeof taskOf)[] // the table's own keys
  const states = way.flatMap((state) => {
    const next = forwardOf(state)
    return taskStates(taskOf[state], next === null ? null : taskOf[next], stepFunctionArn)
  })
  return {
    Comment: 'One run of one payment. The store is the guard; this drives it.',
    StartAt: taskOf.initiated,
    TimeoutSeconds: machineTimeoutSeconds[workflow],
    States: Object.fromEntries([
      ...states,
      // What is known now may lead anywhere: from the beginning, where passed Tasks return at once.
      ...taskStates('Resolve', taskOf.initiated, stepFunctionArn),
      ...taskStates('Amend', null, stepFunctionArn),
      ['Ended', { Type: 'Succeed' }],
      ['Failed', { Type: 'Fail', ErrorPath: '$.failed.Error', CausePath: '$.failed.Cause' }],
    ]),
  }
}

// The last ones end by themselves: a state of its own would be one more transition of every payment.
function taskStates(task: Task, next: string | null, resource: string): [string, Asl][] {
  const [when, wait] = [`${task}: when`, `${task}: wait`]
  const on = (name: StepErrorName | 'States.ALL', to: string) => ({
    ErrorEquals: [name],
    ResultPath: '$.failed',
    Next: to,
  })
  return [
    [
      task,
      {
        Type: 'Task',
        Resource: resource,
        Parameters: { task, 'paymentId.$': '$.paymentId', 'run.$': '$.run' },
        ResultPath: null,
        TimeoutSeconds: taskTimeoutSeconds,
        Retry: [retry(throttled, 8, 30), retry(repeated, 3, 20)],
        Catch: [
          on('NotYet', when),
          ...(task === 'Resolve' ? [] : [on('OutcomeUnknown', 'Resolve')]),
          ...(task === 'Amend' ? [] : [on('Amend', 'Amend')]),
          on('Parked', 'Ended'),
          on('Superseded', 'Ended'),
          on('Ended', 'Ended'),
          on('States.ALL', 'Failed'),
        ],
        ...(next === null ? { End: true } : { Next: next }),
      },
    ],
    // A function's failure comes as text in text: {errorType, errorMessage, trace}.
    [
      when,
      {
        Type: 'Pass',
        Parameters: { 'cause.$': 'States.StringToJson($.failed.Cause)' },
        ResultPath: '$.failed',
        Next: wait,
      },
    ],
    [wait, { Type: 'Wait', TimestampPath: '$.failed.cause.errorMessage', Next: task }],
  ]
}
