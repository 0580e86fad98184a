// What goes wrong between the parts: processes that die, answers that are lost, deliveries that come
// twice, tables under load, streams that stand still. Whatever it was, every payment ends, once.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Payment } from '../../../src/client/index.ts'
import type { Fault, FaultKind, Planted } from '../faults.ts'
import type { Call } from '../iam/needs.ts'
import { listOf, wordOf } from '../json.ts'
import { until } from '../until.ts'
import type { Setting } from './setting.ts'

const isPaid = ({ money_moved: moved }: Payment): boolean => moved === 'yes'

/** Commits of a payment's step function on its way to `settled`, and some more to be sure. */
const commits = 6

type Given = () => Setting

/** What somebody else does on a busy machine, in time of the run. */
const patientMs = 900_000

const concerns = (call: Call, paymentId: string): boolean =>
  JSON.stringify(call.input).includes(`p#${paymentId}"`)

const commit = { service: 'dynamodb', operation: 'TransactWriteItems' } as const

export function deaths(given: Given): void {
  // All at once: each waits for its own recovery, and those waits are the time that this takes.
  for (const kind of ['killed_before', 'killed_after'] as const) {
    test(`the step function is ${kind.replace('_', ' ')} each of its commits: paid once`, async () => {
      const { bill, pay, becomes, world } = given()
      world.stream.pause(true)
      const ids = await Promise.all(
        Array.from({ length: commits }, async () => (await pay(bill())).id),
      )
      const planted = ids.map((id, index) => plantAt(given(), id, index + 1, kind))
      world.stream.pause(false)
      await Promise.all(ids.map(async (id) => becomes(id, isPaid)))
      assert.ok(planted.filter(({ met }) => met() === 1).length >= 3, 'it died too seldom')
    })
  }

  test('the step function stands still until its time is over: somebody else goes on', async () => {
    const fault: Omit<Fault, 'when'> = { ...commit, kind: 'hangs', caller: 'PaymentsStep' }
    await survives(given(), fault, { times: 2 })
  })

  for (const [kind, caller, service, operation] of [
    ['killed_after', 'PaymentsRelay', 'sqs', 'SendMessage'],
    ['killed_before', 'PaymentsRelay', 'events', 'PutEvents'],
    ['killed_after', 'PaymentsDispatch', 'states', 'StartExecution'],
    ['killed_after', 'PaymentsIntake', 'dynamodb', 'TransactWriteItems'],
    ['killed_before', 'PaymentsIntake', 'dynamodb', 'TransactWriteItems'],
  ] as const) {
    test(`${caller} is ${kind.replace('_', ' ')} ${operation}: paid once`, async () => {
      await survives(given(), {
        kind,
        caller,
        service,
        operation: either(given(), caller, operation),
      })
    })
  }
}

/** Messages go one by one or in batches, as the relay likes it. */
function either(_: Setting, caller: string, operation: string): string {
  return caller === 'PaymentsRelay' && operation === 'SendMessage' ? 'SendMessageBatch' : operation
}

/** Kills the step function at the n-th commit about a payment. */
function plantAt({ world }: Setting, id: string, at: number, kind: FaultKind): Planted {
  let count = 0
  return world.faults.plant({
    ...commit,
    kind,
    caller: 'PaymentsStep',
    when: (call) => concerns(call, id) && (count += 1) === at,
  })
}

/** A few payments with the fault about; all of them end paid, and it was met. */
async function survives(
  { world, bill, pay, becomes }: Setting,
  fault: Fault,
  {
    times = 1,
    count = 3,
    payee,
  }: { readonly times?: number; readonly count?: number; readonly payee?: string } = {},
): Promise<void> {
  const planted = world.faults.plant({ ...fault, times })
  try {
    const ids = await Promise.all(
      Array.from({ length: count }, async () => (await pay(bill(payee))).id),
    )
    await Promise.all(ids.map(async (id) => becomes(id, isPaid)))
    // The sweep may have paid them before the stream came so far.
    await until('it was met', () => planted.met() > 0, { withinMs: patientMs })
  } finally {
    planted.remove()
  }
}

export function doubles(given: Given): void {
  for (const [what, service, operation, caller] of [
    ['a message of the work queue', 'sqs', 'Deliver', 'PaymentsDispatch'],
    ['a batch of the stream', 'dynamodbstreams', 'Deliver', 'PaymentsRelay'],
    ['an event on the bus', 'events', 'PutEvents', 'PaymentsRelay'],
    ['an asynchronous invocation', 'lambda', 'InvokeFunction', 'PaymentsAlertsOfEvents'],
  ] as const) {
    test(`${what} comes twice: paid once`, async () => {
      // Only what people may have to hear of is invoked so.
      const payee = service === 'lambda' ? 'acct_504_after_capture' : 'acme'
      await survives(given(), { kind: 'twice', service, operation, caller }, { times: 3, payee })
    })
  }

  test('the same request ten times at once is one payment', async () => {
    const { agent, bill, pay, becomes } = given()
    const asked = bill()
    const first = await pay(asked, { key: 'suite-ten' })
    const answers = await Promise.all(
      Array.from({ length: 9 }, async () => agent.pay(asked, { key: 'suite-ten' })),
    )
    assert.ok(answers.every((answer) => answer.ok && answer.payment.id === first.id))
    await becomes(first.id, isPaid)
  })

  test('ten agents’ worth of new keys for one bill at once is one payment', async () => {
    const { agent, bill, acknowledged } = given()
    const asked = bill()
    const answers = await Promise.all(
      Array.from({ length: 10 }, async (_, index) =>
        agent.pay(asked, { key: `suite-race-${index}` }),
      ),
    )
    const paid = answers.flatMap((answer) => (answer.ok ? [answer.payment.id] : []))
    assert.equal(new Set(paid).size, 1, JSON.stringify(answers))
    const [id = ''] = paid
    ;(acknowledged as Map<string, typeof asked>).set(id, asked)
    await given().becomes(id, isPaid)
  })
}

export function load(given: Given): void {
  for (const [kind, caller, times] of [
    ['transaction_conflict', 'PaymentsIntake', 4],
    ['transaction_conflict', 'PaymentsStep', 6],
    ['throttled', 'PaymentsIntake', 4],
    ['throttled', 'PaymentsStep', 6],
    ['unavailable', 'PaymentsStep', 4],
    ['lost_answer', 'PaymentsIntake', 8],
    ['lost_answer', 'PaymentsStep', 8],
    ['lost_request', 'PaymentsStep', 4],
  ] as const) {
    test(`${kind.replace('_', ' ')} ×${times} for ${caller}: paid once`, async () => {
      await survives(given(), { ...commit, kind, caller }, { times, count: 4 })
    })
  }

  for (const [kind, service, operation, caller] of [
    ['throttled', 'states', 'StartExecution', 'PaymentsDispatch'],
    ['throttled', 'sqs', 'SendMessageBatch', 'PaymentsRelay'],
    ['partly_refused', 'events', 'PutEvents', 'PaymentsRelay'],
    ['unavailable', 'events', 'PutEvents', 'PaymentsRelay'],
    ['throttled', 'sns', 'Publish', 'PaymentsAlertsOfEvents'],
  ] as const) {
    test(`${operation} of ${caller} is ${kind.replace('_', ' ')}: paid once`, async () => {
      const fault = { kind, service, operation, caller }
      if (service !== 'sns') return survives(given(), fault, { times: 4 })
      // People are told seldom: it may not be met.
      const planted = given().world.faults.plant({ ...fault, times: 2 })
      const { bill, pay, becomes } = given()
      await becomes((await pay(bill())).id, isPaid)
      return planted.remove()
    })
  }
}

export function streams(given: Given): void {
  test('the stream stands still for longer than it keeps its records: the sweeper sees to all', async () => {
    const { world, bill, pay, becomes } = given()
    world.stream.pause(true)
    await until('it stands still', world.stream.isStill)
    const ids = await Promise.all(Array.from({ length: 5 }, async () => (await pay(bill())).id))
    // What is a day old is gone; nothing of these payments will ever come by the stream.
    await world.stream.trim()
    world.stream.pause(false)
    await Promise.all(ids.map(async (id) => becomes(id, isPaid)))
  })

  test('a poison record is told of and left, and its neighbours go on', async () => {
    const { world, bill, pay, becomes } = given()
    world.stream.pause(true)
    const before = await pay(bill())
    const pk = { S: 'p#pay_poison' }
    const Item = { pk, sk: { S: 'e#0000000001' }, j: { S: 'this is no list of events' } }
    const TableName = world.output('PaymentsTableName')
    const put = { service: 'dynamodb', operation: 'PutItem', input: { TableName, Item } }
    assert.equal((await world.database.call(put, 'test')).status, 200)
    const behind = await pay(bill())
    world.stream.pause(false)
    await Promise.all([before, behind].map(async ({ id }) => becomes(id, isPaid)))
    const isTold = (): boolean => world.logs('PaymentsRelay').includes('record_unreadable')
    await until('it is told', isTold, { withinMs: patientMs })
  })

  test('a bus that is away for longer than the stream tries: put aside, and published by the sweep', async () => {
    const { agent, world, bill, pay, becomes } = given()
    const buried = world.stream.buried()
    const planted = world.faults.plant({
      kind: 'unavailable',
      service: 'events',
      operation: 'PutEvents',
      caller: 'PaymentsRelay',
      times: 100_000,
    })
    const { id } = await pay(bill())
    // Some tries, each waiting twice as long as the one before.
    await until('it is put aside', () => world.stream.buried() > buried, {
      withinMs: 2 * patientMs,
    })
    planted.remove()
    const bucket = world.output('PaymentsPutAsideBucket')
    assert.ok((await world.broker.objects(bucket)).length > 0)
    await becomes(id, 'settled')
    const told = await agent.events(id)
    assert.ok(told.ok)
    const isWhole = (): boolean =>
      told.events.every(({ seq }) => world.bus.taken(id).includes(seq)) && told.events.length > 0
    await until('all of its events are on the bus', isWhole, { withinMs: patientMs })
  })

  test('an execution that is accepted and never runs: the sweeper starts another', async () => {
    const { world } = given()
    const planted = world.faults.plant({
      kind: 'lost',
      service: 'states',
      operation: 'StartExecution',
      times: 2,
    })
    const { bill, pay, becomes } = given()
    const ids = await Promise.all([pay(bill()), pay(bill())].map(async (one) => (await one).id))
    await Promise.all(ids.map(async (id) => becomes(id, isPaid)))
    assert.equal(planted.met(), 2)
  })

  test('a run that cannot be started is started by the sweeper’s own message', async () => {
    const { world, bill, pay, becomes } = given()
    const { id } = await pay(bill())
    let name: unknown = null
    const planted = world.faults.plant({
      kind: 'throttled',
      service: 'states',
      operation: 'StartExecution',
      times: 40,
      // Only of the first message: what the sweeper sends has another name.
      when: ({ input }) => {
        if (!wordOf(input['name']).includes(id)) return false
        name ??= input['name']
        return name === input['name']
      },
    })
    await becomes(id, isPaid)
    planted.remove()
  })

  test('an index that has heard of nothing yet is only late', async () => {
    const fault = {
      kind: 'stale_index',
      service: 'dynamodb',
      operation: 'Query',
      caller: 'PaymentsSweep',
      when: ({ input }: Call) =>
        input['IndexName'] !== undefined && listOf(input['Items']).length === 0,
    } as const
    const planted = given().world.faults.plant({ ...fault, times: 20 })
    const { world, bill, pay, becomes } = given()
    world.stream.pause(true)
    const { id } = await pay(bill())
    await world.stream.trim()
    world.stream.pause(false)
    await becomes(id, isPaid)
    assert.ok(planted.met() > 0)
    planted.remove()
  })
}

export function untold(given: Given): void {
  test('a message that nobody can read is put aside, after five tries', async () => {
    // It was sent when the suite began: a message that failed comes back after three minutes.
    await until('it is put aside', () => given().world.messagesIn('PaymentsDispatchDlq') > 0, {
      withinMs: 1_200_000,
    })
  })

  test('news that cannot be told are put aside after three tries', async () => {
    const { world, bill, pay, becomes } = given()
    const before = world.messagesIn('PaymentsAlertsNotToldDlq')
    const read = { kind: 'unavailable', service: 'dynamodb', caller: 'PaymentsAlerts' } as const
    const planted = ['Query', 'GetItem'].map((operation) =>
      world.faults.plant({ ...read, operation, times: 500 }),
    )
    const { id } = await pay(bill('acct_504_after_capture'))
    await becomes(id, isPaid)
    // One minute, two more, and each try with the SDK's own tries.
    await until('it is put aside', () => world.messagesIn('PaymentsAlertsNotToldDlq') > before, {
      withinMs: patientMs,
    })
    for (const each of planted) each.remove()
  })

  test('a schedule that cannot reach its function tells its queue', async () => {
    const { world } = given()
    const before = world.messagesIn('PaymentsScheduleDlq')
    const planted = world.faults.plant({
      kind: 'throttled',
      service: 'scheduler',
      operation: 'InvokeFunction',
      caller: 'PaymentsWakeRedrive',
      times: 3,
    })
    await world.scheduler.wake('PaymentsWakeRedrive')
    await until('it is told', () => world.messagesIn('PaymentsScheduleDlq') > before, {
      withinMs: patientMs,
    })
    planted.remove()
  })
}
