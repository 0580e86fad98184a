// Whole runs: the machine as it is generated, walked by an interpreter of the states language, with the
// Tasks as they are, over a whole engine. Its functions die at every point, answers are lost, executions
// vanish; money moves once.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { StateMachine } from 'aws-local-stepfunctions'

import { aCaller, aRequest, createTestEngine, requestKey } from '../../test/engine-world.ts'
import type { TestWorld, TestWorldOptions } from '../../test/engine-world.ts'
import { modelCapabilities, sendFaults } from '../../test/model-processor.ts'
import type { CallFault } from '../../test/model-processor.ts'
import { commandPayment } from '../engine/command.ts'
import type { AgentCommand } from '../engine/command.ts'
import type { Engine } from '../engine/engine.ts'
import { submit } from '../engine/submit.ts'
import { sweep } from '../engine/sweep.ts'
import type { Processor, Store } from '../ports.ts'
import { isStepError } from './errors.ts'
import { stateMachine } from './state-machine.ts'
import type { Task } from './state-machine.ts'
import { runStep } from './steps.ts'

const arn = 'arn:aws:lambda:us-east-1:123456789012:function:step'
const definition = stateMachine({ workflow: 'standard', stepFunctionArn: arn })
const tasks: readonly Task[] = ['Validate', 'Authorise', 'Capture', 'Settle', 'Resolve', 'Amend']
// One machine for all executions: to make one takes longer than to run a hundred.
const machine = new StateMachine(definition as never)
const limits = { longestSleepMs: 20_000, longestWaitMs: 900_000, stepNeedsMs: 16_000 }
const functionMs = 30_000

interface Ran {
  readonly entered: readonly string[]
  readonly ended: 'succeeded' | 'failed'
}

/** One execution. A Task that fails with none of our words has died, and comes again as AWS retries it. */
async function execute(
  world: TestWorld,
  paymentId: string,
  run: number,
  engineOf: () => Engine = () => world.engine,
): Promise<Ran> {
  const { hand } = world
  const entered: string[] = []
  const handle = async (input: { task: Task; paymentId: string; run: number }): Promise<object> => {
    entered.push(input.task)
    const startedMs = hand.nowMs
    const leftMs = (): number => functionMs - (hand.nowMs - startedMs)
    try {
      await runStep(engineOf(), input, limits, leftMs)
      return {}
    } catch (error) {
      const { name, message } = error as Error
      const isOurs = isStepError(error)
      if (name === 'NotYet') wait(world, Date.parse(message))
      const errorType = isOurs ? name : 'Runtime.ExitError'
      const cause = JSON.stringify({ errorType, errorMessage: message, trace: [] })
      throw Object.assign(new Error(cause), { name: errorType })
    }
  }
  const overrides = {
    taskResourceLocalHandlers: Object.fromEntries(tasks.map((task) => [task, handle])) as never,
    waitTimeOverrides: Object.fromEntries(tasks.map((task) => [`${task}: wait`, 0])),
    retryIntervalOverrides: Object.fromEntries(tasks.map((task) => [task, 0])),
  }
  const { result } = machine.run({ paymentId, run }, { overrides })
  const ended = await result.then(
    () => 'succeeded' as const,
    () => 'failed' as const,
  )
  return { entered, ended }
}

function wait({ hand }: TestWorld, untilMs: number): void {
  const byMs = Math.max(0, untilMs - hand.nowMs)
  hand.nowMs += byMs
  hand.steadyMs += byMs
}

async function claimed(options: TestWorldOptions = {}, over: Partial<typeof aRequest> = {}) {
  const world = await createTestEngine(options).ready()
  const made = await submit(world.engine, aCaller, requestKey('key-1'), { ...aRequest, ...over })
  assert(made.result === 'accepted')
  return { world, id: made.paymentId }
}

const rowOf = async ({ engine }: TestWorld, id: string) => {
  const [row] = await engine.store.read([{ table: 'payment', key: id }])
  assert(row !== null)
  return row.value
}

/** A minute later the sweep starts what stands still; each of its messages is an execution. */
async function minuteLater(
  world: TestWorld,
): Promise<readonly { paymentId: string; run: number }[]> {
  wait(world, world.hand.nowMs + 60_000)
  world.woken.length = 0
  await sweep(world.engine, 100, () => false, assert.fail)
  return [...world.woken]
}

/** Until the payment has nothing to be driven for, at most a few hours. */
async function untilRest(world: TestWorld, id: string, engineOf?: () => Engine): Promise<void> {
  const names = new Set<string>()
  for (let minutes = 0; minutes < 300; minutes += 1) {
    if ((await rowOf(world, id)).dueAtMs === null) return
    for (const { run } of await minuteLater(world)) {
      // A name is taken for good: what is woken under its old run starts nothing.
      if (names.has(String(run))) continue
      names.add(String(run))
      await execute(world, id, run, engineOf)
    }
  }
  assert.fail('it does not come to rest')
}

test('the happy path is four Tasks, and the last one is the end', async () => {
  const { world, id } = await claimed()
  const { entered, ended } = await execute(world, id, 1)
  assert.deepEqual(entered, ['Validate', 'Authorise', 'Capture', 'Settle'])
  assert.equal(ended, 'succeeded')
  assert.equal(await world.stateOf(id), 'settled')
  // Once more, as Express may: nothing is sent.
  const sends = world.processor.sends.length
  assert.equal((await execute(world, id, 1)).ended, 'succeeded')
  assert.equal(world.processor.sends.length, sends)
})

test('a lost execution is found by the sweep, and the run after it ends the payment', async () => {
  const { world, id } = await claimed()
  // Nobody ever started run 1. The first sweep wakes it under its own name, the next begins run 2.
  assert.deepEqual(await minuteLater(world), [{ paymentId: id, run: 2 }])
  const { ended } = await execute(world, id, 2)
  assert.equal(ended, 'succeeded')
  assert.equal(await world.stateOf(id), 'settled')
  const late = await execute(world, id, 1)
  assert.deepEqual(late, { entered: ['Validate'], ended: 'succeeded' })
  assert.equal(world.processor.capturesOf(id), 1)
})

test('two executions of one run at once move money once', async () => {
  const { world, id } = await claimed()
  const both = await Promise.all([execute(world, id, 1), execute(world, id, 1)])
  assert.deepEqual(
    both.map(({ ended }) => ended),
    ['succeeded', 'succeeded'],
  )
  await untilRest(world, id)
  assert.equal(await world.stateOf(id), 'settled')
  assert.equal(world.processor.capturesOf(id), 1)
})

test('what ends a payment ends its run, and no Task is entered for nothing', async () => {
  const declined = await claimed({ fault: () => 'decline' })
  const refused = await execute(declined.world, declined.id, 1)
  assert.deepEqual(refused, { entered: ['Validate'], ended: 'succeeded' })
  assert.equal(await declined.world.stateOf(declined.id), 'declined')

  const manual = await claimed({}, { capture: 'manual' })
  const held = await execute(manual.world, manual.id, 1)
  assert.deepEqual(held, { entered: ['Validate', 'Authorise', 'Capture'], ended: 'succeeded' })
  const command = { type: 'void', reason: 'not needed' } as const
  await commandPayment(manual.world.engine, aCaller, requestKey('v'), manual.id, command)
  const voided = await execute(manual.world, manual.id, 1)
  assert.deepEqual(voided, { entered: ['Validate', 'Amend'], ended: 'succeeded' })
  assert.equal(await manual.world.stateOf(manual.id), 'voided')

  const silent = await claimed({ fault: () => 'refused' })
  await untilRest(silent.world, silent.id)
  const parked = await execute(silent.world, silent.id, 999)
  assert.deepEqual(parked, { entered: ['Validate'], ended: 'succeeded' })
  const { payment } = await rowOf(silent.world, silent.id)
  assert.deepEqual(
    payment.holds.map(({ reason }) => reason),
    ['dead_letter'],
  )
})

test('what a decline has left at the processor is cancelled before the run ends', async () => {
  const { world, id } = await claimed({
    capabilities: { ...modelCapabilities, objectFirst: true },
    fault: (kind) => (kind === 'authorise' ? 'decline' : null),
  })
  const { ended } = await execute(world, id, 1)
  assert.equal(ended, 'succeeded')
  assert.equal(await world.stateOf(id), 'declined')
  const kinds = world.processor.sends.map(({ kind }) => kind)
  assert.deepEqual(kinds, ['create', 'authorise', 'void'])
  assert.equal((await rowOf(world, id)).dueAtMs, null)
})

test('whatever a processor does once or twice, the run ends and money moved at most once', async () => {
  const faults: readonly CallFault[] = [
    'refused',
    'slow_down',
    'lost_before',
    'lost_after',
    'late',
    'stored_500',
    'no_answer',
  ]
  for (const first of faults) {
    for (const second of [null, ...faults]) {
      const script = [first, second]
      const { world, id } = await claimed({ fault: () => script.shift() ?? null })
      await execute(world, id, 1)
      await untilRest(world, id)
      world.processor.arrive()
      const about = `${first}, ${second}`
      assert(world.processor.capturesOf(id) <= 1, about)
      const state = await world.stateOf(id)
      if (state === 'settled') assert.equal(world.processor.capturesOf(id), 1, about)
      else assert.equal((await rowOf(world, id)).payment.holds[0]?.reason, 'dead_letter', about)
    }
  }
})

/** Mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

test('whatever is asked for and goes wrong meanwhile, every payment comes to rest', async () => {
  const ends = new Map<string, number>()
  for (let seed = 1; seed <= 250; seed += 1) {
    const random = randomOf(seed)
    const rate = random()
    const faults: readonly CallFault[] = [...sendFaults, 'no_answer']
    const objectFirst = random() < 0.5
    const { world, id } = await claimed(
      {
        capabilities: { ...modelCapabilities, objectFirst },
        fault: () =>
          random() < rate ? (faults[Math.floor(random() * faults.length)] ?? null) : null,
      },
      { capture: random() < 0.3 ? 'manual' : 'automatic' },
    )
    const ask = (command: AgentCommand, key: string) =>
      commandPayment(world.engine, aCaller, requestKey(key), id, command)
    const refund = { type: 'refund', amount: 100, reason: 'returned' } as const
    const commands: readonly AgentCommand[] = [
      { type: 'capture', amount: null },
      { type: 'void', reason: 'not needed' },
      { ...refund, reference: 'R-1' },
      { ...refund, reference: 'R-2' },
    ]
    await execute(world, id, 1)
    for (const [index, command] of commands.entries()) {
      if (random() < 0.4) await ask(command, `command-${index}`)
      if (random() < 0.5) await execute(world, id, (await rowOf(world, id)).run)
    }
    await untilRest(world, id)
    world.processor.arrive()
    const { payment } = await rowOf(world, id)
    const held = payment.holds[0]?.reason
    ends.set(held ?? payment.state, (ends.get(held ?? payment.state) ?? 0) + 1)
    assert(world.processor.capturesOf(id) <= 1, `seed ${seed}`)
    if (held === undefined && 'amountCaptured' in payment) {
      assert.equal(world.processor.capturesOf(id), 1, `seed ${seed}`)
    }
  }
  // The seeds reach every end that there is.
  for (const end of ['settled', 'voided', 'declined', 'dead_letter']) assert(ends.has(end), end)
})

// ── A function that dies ─────────────────────────────────────────────────────────────────────────

/**
 * Its engine until it dies: at one operation of store or processor, before it or, `after`, when it was
 * done and before its answer came. From then on it does nothing any more.
 */
function mortal(engine: Engine, diesAt: number, after: boolean): Engine {
  let operations = 0
  const lived = async <T>(work: () => Promise<T>): Promise<T> => {
    operations += 1
    if (operations > diesAt || (operations === diesAt && !after)) throw new Error('died')
    const answer = await work()
    if (operations >= diesAt) throw new Error('died')
    return answer
  }
  const store: Store = {
    ...engine.store,
    read: (keys) => lived(() => engine.store.read(keys)),
    // A store does not throw; who is dead does not hear what it says.
    commit: (write) => lived(() => engine.store.commit(write)),
  }
  const processors = new Map(
    [...engine.processors].map(([name, processor]): [string, Processor] => [
      name,
      {
        ...processor,
        send: (call) => lived(() => processor.send(call)),
        lookUp: (query) => lived(() => processor.lookUp(query)),
      },
    ]),
  )
  return { ...engine, store, processors }
}

test('a function may die at any point, once: its payment is captured once all the same', async () => {
  for (const after of [false, true]) {
    for (let diesAt = 1; diesAt <= 70; diesAt += 1) {
      const { world, id } = await claimed()
      let lives = 0
      // The first instance dies; whoever comes after it lives.
      const engineOf = (): Engine => {
        lives += 1
        return lives === 1 ? mortal(world.engine, diesAt, after) : world.engine
      }
      await execute(world, id, 1, engineOf)
      await untilRest(world, id)
      const about = `died ${after ? 'after' : 'before'} ${diesAt}`
      assert.equal(await world.stateOf(id), 'settled', about)
      assert.equal(world.processor.capturesOf(id), 1, about)
    }
  }
})

test('functions may die again and again, each a little later: one capture', async () => {
  for (const after of [false, true]) {
    const { world, id } = await claimed()
    let lives = 0
    const engineOf = (): Engine => {
      lives += 1
      return lives > 40 ? world.engine : mortal(world.engine, lives, after)
    }
    await execute(world, id, 1, engineOf)
    await untilRest(world, id, engineOf)
    assert.equal(world.processor.capturesOf(id), 1)
    assert.equal(await world.stateOf(id), 'settled')
  }
})

test('a store that loses answers or writes loses no money', async () => {
  for (let lostAt = 1; lostAt <= 12; lostAt += 1) {
    for (const fate of ['lose_answer', 'drop'] as const) {
      let commits = -100
      const { world, id } = await claimed({
        onCommit: () => {
          commits += 1
          return commits === lostAt ? fate : 'normal'
        },
      })
      commits = 0
      await execute(world, id, 1)
      await untilRest(world, id)
      assert.equal(await world.stateOf(id), 'settled', `${fate} ${lostAt}`)
      assert.equal(world.processor.capturesOf(id), 1, `${fate} ${lostAt}`)
    }
  }
})
