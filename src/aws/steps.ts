// What a Task of the state machine does: it calls `advance` until the payment has left the state that
// the Task stands for, sleeps through short waits, and says by the name of an error where to go else.
import { isOpen, operationOf, refundsOf } from '../core/operation.ts'
import type { Payment, State } from '../core/payment.ts'
import { advance } from '../engine/advance.ts'
import type { Engine } from '../engine/engine.ts'
import { stepError } from './errors.ts'
import { taskOf } from './state-machine.ts'
import type { Task } from './state-machine.ts'

export interface StepInput {
  readonly task: Task
  readonly paymentId: string
  readonly run: number
}

export interface StepLimits {
  /** Waits up to here are slept in the function: cheaper than three transitions. */
  readonly longestSleepMs: number
  /** A run waits no longer than this for anything. */
  readonly longestWaitMs: number
  /** A call to the processor and the commits around it; no step begins with less time left. */
  readonly stepNeedsMs: number
}

const storePauseMs = 500
const storeTries = 5

export async function runStep(
  engine: Engine,
  { task, paymentId, run }: StepInput,
  limits: StepLimits,
  leftMs: () => number,
): Promise<void> {
  let storeFailures = 0
  for (;;) {
    const payment = await lookAt(engine, paymentId, run)
    if (isPast(task, payment)) return
    sendElsewhere(task, payment)
    if (leftMs() < limits.stepNeedsMs) throw notYet(engine.clock.nowMs())
    const progress = await advance(engine, paymentId, run)
    switch (progress.next) {
      case 'go_on':
        break
      case 'wait':
        // What it waits for may be another Task's business.
        sendElsewhere(task, await lookAt(engine, paymentId, run))
        await waitOrLeave(engine, progress.untilMs, limits, leftMs)
        break
      case 'superseded':
        throw stepError('Superseded', 'a newer run, or newer code, has this payment')
      case 'store_unavailable':
        storeFailures += 1
        if (storeFailures > storeTries) throw new Error('the store does not answer')
        await engine.clock.sleep(storePauseMs * storeFailures)
        break
      case 'done':
        return endAt(task, await lookAt(engine, paymentId, run))
    }
  }
}

async function lookAt(engine: Engine, paymentId: string, run: number): Promise<Payment> {
  const [row] = await engine.store.read([{ table: 'payment', key: paymentId }])
  if (row === null) throw stepError('Ended', 'there is no such payment')
  if (row.value.run > run) throw stepError('Superseded', `run ${row.value.run} has this payment`)
  return row.value.payment
}

/** Nothing more is to be done now: is the Task done with it? */
function endAt(task: Task, payment: Payment): void {
  if (isPast(task, payment)) return
  sendElsewhere(task, payment)
  throw stepError('Ended', `${payment.state}: nothing is to be done now`)
}

const way: readonly State[] = ['initiated', 'validated', 'authorised', 'captured', 'settled']

/** Has the payment left the state that the Task stands for? */
function isPast(task: Task, payment: Payment): boolean {
  if (task === 'Resolve') return !isUndecided(payment)
  if (task === 'Amend') return !isAmending(payment)
  const from = way.find((state) => state in taskOf && taskOf[state as keyof typeof taskOf] === task)
  // A refund is asked for when the whole way is behind it.
  if (from === undefined || isAmending(payment)) return false
  return way.indexOf(payment.state) > way.indexOf(from)
}

function isUndecided(payment: Payment): boolean {
  return isOpen(operationOf(payment)) && !isParked(payment)
}

const isParked = ({ holds }: Payment): boolean =>
  holds.some(({ reason }) => reason === 'dead_letter')

function isAmending(payment: Payment): boolean {
  if (isParked(payment)) return false
  if (isOpen(payment.voiding) || refundsOf(payment).some(({ status }) => status === 'open'))
    return true
  const isBefore = payment.state === 'validated' || payment.state === 'authorised'
  return isBefore && payment.voidRequested !== null && !isOpen(operationOf(payment))
}

/** Where another Task is meant; the Tasks for exceptions drive whatever they meet. */
function sendElsewhere(task: Task, payment: Payment): void {
  if (isParked(payment)) throw stepError('Parked', 'it is in the dead letters')
  if (task !== 'Resolve' && isUndecided(payment)) {
    throw stepError('OutcomeUnknown', `${operationOf(payment)?.kind ?? ''} may have happened`)
  }
  if (task === 'Resolve' || task === 'Amend') return
  if (isAmending(payment)) throw stepError('Amend', 'a void or a refund is due')
  if (!way.includes(payment.state)) throw stepError('Ended', payment.state)
}

const notYet = (atMs: number): Error => stepError('NotYet', new Date(atMs).toISOString())

async function waitOrLeave(
  engine: Engine,
  untilMs: number,
  { longestSleepMs, longestWaitMs, stepNeedsMs }: StepLimits,
  leftMs: () => number,
): Promise<void> {
  const waitMs = Math.max(0, untilMs - engine.clock.nowMs())
  if (waitMs > longestWaitMs) throw stepError('Ended', 'it is due later, and is found then')
  if (waitMs > longestSleepMs || leftMs() - waitMs < stepNeedsMs) throw notYet(untilMs)
  await engine.clock.sleep(waitMs)
}
