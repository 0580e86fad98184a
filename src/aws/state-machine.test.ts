// The machine as it is generated: its edges are the table's, each Task ends in time, and every path is
// walked by an interpreter of the states language.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { StateMachine } from 'aws-local-stepfunctions'

import { transitions } from '../core/transitions.ts'
import { stepError, stepErrorNames } from './errors.ts'
import type { StepErrorName } from './errors.ts'
import { recoverAfterMs } from './open-engine.ts'
import { longestWaitSeconds, stateMachine, taskOf, taskTimeoutSeconds } from './state-machine.ts'

interface State {
  readonly Type: string
  readonly Next?: string
  readonly End?: boolean
  readonly TimeoutSeconds?: number
  readonly Retry?: readonly {
    readonly ErrorEquals: readonly string[]
    readonly MaxAttempts: number
  }[]
  readonly Catch?: readonly { readonly ErrorEquals: readonly string[]; readonly Next: string }[]
}

interface Machine {
  readonly StartAt: string
  readonly TimeoutSeconds: number
  readonly States: Readonly<Record<string, State>>
}

const arn = 'arn:aws:lambda:us-east-1:123456789012:function:step'
const workflows = ['standard', 'express'] as const
const machineOf = (workflow: (typeof workflows)[number]): Machine =>
  stateMachine({ workflow, stepFunctionArn: arn }) as unknown as Machine

const { States: states, StartAt } = machineOf('standard')
const tasks = Object.entries(states).filter(([, { Type }]) => Type === 'Task')

test('its way is that of the table: each Task leads to that of the next state, the last one to the end', () => {
  assert.equal(StartAt, 'Validate')
  const drivable = Object.keys(taskOf)
  for (const { from, on, to } of transitions) {
    if (from === null || !drivable.includes(from) || on === 'corrected') continue
    const task = taskOf[from as keyof typeof taskOf] // shown by the line above
    const next = states[task]?.Next
    if (drivable.includes(to)) assert.equal(next, taskOf[to as keyof typeof taskOf])
    else if (to === 'settled') assert.equal(states[task]?.End, true)
  }
  const ways = Object.values(taskOf).map((task) => [task, states[task]?.Next])
  assert.deepEqual(ways, [
    ['Validate', 'Authorise'],
    ['Authorise', 'Capture'],
    ['Capture', 'Settle'],
    ['Settle', undefined],
  ])
})

test('every exit of the table has a way out of its Task', () => {
  for (const [name, { Catch = [] }] of tasks) {
    const exits = Catch.flatMap(({ ErrorEquals, Next }) =>
      ErrorEquals.map((error) => [error, Next]),
    )
    const ways = new Map(exits.map(([error = '', next]) => [error, next]))
    for (const error of ['Parked', 'Superseded', 'Ended']) assert.equal(ways.get(error), 'Ended')
    assert.equal(ways.get('NotYet'), `${name}: when`)
    assert.equal(ways.get('States.ALL'), 'Failed')
    if (name !== 'Resolve') assert.equal(ways.get('OutcomeUnknown'), 'Resolve')
    if (name !== 'Amend') assert.equal(ways.get('Amend'), 'Amend')
  }
  assert.equal(states['Resolve']?.Next, 'Validate')
})

test('every Task and every machine ends in time, and before another sender may recover', () => {
  for (const [, { TimeoutSeconds }] of tasks) assert.equal(TimeoutSeconds, taskTimeoutSeconds)
  assert(taskTimeoutSeconds * 1000 < recoverAfterMs)
  for (const workflow of workflows) {
    assert(machineOf(workflow).TimeoutSeconds > longestWaitSeconds[workflow])
  }
  assert(machineOf('express').TimeoutSeconds <= 300)
})

test('what is repeated precedes our own words: none of them, and nothing that means all', () => {
  const own: readonly string[] = [...stepErrorNames, 'States.ALL', 'States.TaskFailed']
  for (const [, { Retry = [] }] of tasks) {
    for (const { ErrorEquals, MaxAttempts } of Retry) {
      assert.deepEqual(
        ErrorEquals.filter((error) => own.includes(error)),
        [],
      )
      assert(MaxAttempts <= (ErrorEquals.includes('Lambda.TooManyRequestsException') ? 8 : 3))
    }
  }
})

type Answer = StepErrorName | 'done' | 'Lambda.Unknown' | 'Bug'

/** Each Task answers by its list, then `done`; tells which Tasks were entered and how it ended. */
async function walk(script: Readonly<Record<string, readonly Answer[]>>) {
  const machine = new StateMachine(machineOf('standard') as never)
  const left = new Map(Object.entries(script).map(([task, answers]) => [task, [...answers]]))
  const entered: string[] = []
  const handle = (input: { task: string; paymentId: string; run: number }) => {
    assert.deepEqual([input.paymentId, input.run], ['pay_1', 1])
    entered.push(input.task)
    const next = left.get(input.task)?.shift() ?? 'done'
    if (next === 'done') return {}
    const message = next === 'NotYet' ? new Date().toISOString() : next
    // As Lambda tells it: the cause is text that holds JSON.
    const cause = JSON.stringify({ errorType: next, errorMessage: message, trace: [] })
    throw Object.assign(new Error(cause), { name: next })
  }
  const handlers = Object.fromEntries(tasks.map(([name]) => [name, handle]))
  const { result } = machine.run(
    { paymentId: 'pay_1', run: 1 },
    { overrides: { taskResourceLocalHandlers: handlers as never } },
  )
  const ended = await result.then(
    () => 'Ended',
    (error: unknown) => `Failed: ${(error as Error).name}`,
  )
  return { entered, ended }
}

const way = ['Validate', 'Authorise', 'Capture', 'Settle']

test('the whole way is four Tasks', async () => {
  assert.deepEqual(await walk({}), { entered: way, ended: 'Ended' })
})

test('from every Task: waiting comes back to it, what is unknown is resolved, and the rest ends', async () => {
  for (const [index, task] of way.entries()) {
    const before = way.slice(0, index + 1)
    const after = way.slice(index)
    const waited = await walk({ [task]: ['NotYet', 'NotYet'] })
    assert.deepEqual(waited, { entered: [...before, task, ...after], ended: 'Ended' })
    const unknown = await walk({ [task]: ['OutcomeUnknown'], Resolve: ['NotYet'] })
    assert.deepEqual(unknown.entered, [...before, 'Resolve', 'Resolve', ...way])
    const amended = await walk({ [task]: ['Amend'], Amend: ['OutcomeUnknown'] })
    assert.deepEqual(amended.entered, [...before, 'Amend', 'Resolve', ...way])
    for (const end of ['Parked', 'Superseded', 'Ended'] as const) {
      assert.deepEqual(await walk({ [task]: [end] }), { entered: before, ended: 'Ended' })
    }
    const bug = await walk({ [task]: ['Bug'] })
    assert.deepEqual([bug.entered, bug.ended.startsWith('Failed')], [before, true])
  }
})

test('what is parked or ended while it is resolved or amended ends the run', async () => {
  for (const [first, second] of [
    ['OutcomeUnknown', 'Resolve'],
    ['Amend', 'Amend'],
  ] as const) {
    for (const end of ['Parked', 'Superseded', 'Ended'] as const) {
      const { entered, ended } = await walk({ Capture: [first], [second]: [end] })
      assert.deepEqual([entered, ended], [['Validate', 'Authorise', 'Capture', second], 'Ended'])
    }
  }
})

test('the names of errors are literals, whatever a bundler does to classes', () => {
  for (const name of stepErrorNames) {
    const { name: told, message } = stepError(name, 'why')
    assert.deepEqual([told, message], [name, 'why'])
  }
})
