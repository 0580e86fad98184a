// What a Task of the state machine does: it calls `advance` until the payment has left the state that
// the Task stands for, sleeps through short waits, and says by the name of an error where to go else.
import { isOpen, operationOf, refundsOf } from '../core/operation.ts'
import type { Payment, State } from '../core/payment.ts'
import { advance } from '../engine/advance.ts'
import type { Engine } from '../engine/engine.ts'
import { isUnreadable } from '../engine/watch-store.ts'
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
/** Where the store is away for longer, the run waits outside: nothing is to be paid for it. */
const storeAwayMs = 15_000

export async function runStep(
  engine: Engine,
  { task, paymentId, run }: StepInput,
  limits: StepLimits,
  leftMs: () => number,
): Promise<void> {
  let storeFailures = 0
  for (;;) {
    const goesOn = await stepOnce(engine, { task, paymentId, run }, limits, leftMs).catch(
      (error: unknown) => {
        // Whatever it was about to do is in the store, or was not begun.
        if (isUnreadable(error)) return 'store_unavailable' as const
        throw error
      },
    )
    if (goesOn === false) return
    if (goesOn === true) continue
    storeFailures += 1
    const pauseMs = storePauseMs * storeFailures
    if (storeFailures > storeTries || leftMs() - pauseMs < limits.stepNeedsMs) {
      throw notYet(engine.clock.nowMs() + storeAwayMs)
    }
    await engine.clock.sleep(pauseMs)
  }
}

/** Is there more to do? */
async function stepOnce(
  engine: Engine,
  { task, paymentId, run }: StepInput,
  limits: StepLimits,
  leftMs: () => number,
): Promise<boolean | 'store_unavailable'> {
  const payment = await lookAt(engine, paymentId, run)
  if (isParked(payment)) throw stepError('Parked', 'it is in the dead letters')
  if (isPast(task, payment)) return false
  sendElsewhere(task, payment)
  if (leftMs() < limits.stepNeedsMs) throw notYet(engine.clock.nowMs())
  const progress = await advance(engine, paymentId, run)
  switch (progress.next) {
    case 'go_on':
      return true
    case 'wait':
      // What it waits for may be another Task's business.
      sendElsewhere(task, await lookAt(engine, paymentId, run))
      await waitOrLeave(engine, progress.untilMs, limits, leftMs)
      return true
    case 'superseded':
      throw stepError('Superseded', 'a newer run, or newer code, has this payment')
    case 'store_unavailable':
      return 'store_unavailable'
    case 'done':
      endAt(task, await lookAt(engine, paymentId, run))
      return false
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
  // Most settle days later: for a run the way ends here, as it does for the agent.
  if (task === 'Settle' && payment.state === 'captured') return
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
