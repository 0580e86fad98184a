// The life of a payment, as the end-to-end tests of the embedded service have it, against the template.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Payment } from '../../../src/client/index.ts'
import { until } from '../until.ts'
import type { Setting } from './setting.ts'
import { noticesOf } from './telling.ts'

const isPaid = ({ money_moved: moved }: Payment): boolean => moved === 'yes'
const isHeldFor =
  (reason: string) =>
  ({ hold }: Payment): boolean =>
    hold?.reason === reason

/** Twelve look-ups, the later ones a minute and a wake of the sweep apart: a quarter of an hour and more. */
const untilParkedMs = 3_600_000

/** What somebody else does on a busy machine, in time of the run. */
const within = { withinMs: 900_000 }

type Given = () => Setting

export function payments(given: Given): void {
  test('pay: acknowledged at once, captured, settled, and the same key replays it', async () => {
    const { bill, pay, becomes } = given()
    const asked = bill()
    const first = await pay(asked, { key: 'suite-first' })
    assert.equal(first.money_moved, 'no')
    const settled = await becomes(first.id, 'settled')
    assert.equal(settled.amount_captured, asked.amount)
    const again = await given().agent.pay(asked, { key: 'suite-first' })
    assert.ok(again.ok && again.replayed && again.payment.id === first.id)
  })

  test('a key that was used for another request, and a bill that has its payment, are refused', async () => {
    const { agent, bill, pay, people } = given()
    const asked = bill()
    const { id } = await pay(asked, { key: 'suite-reused' })
    const reused = await agent.pay({ ...asked, amount: asked.amount + 1 }, { key: 'suite-reused' })
    assert.ok(
      !reused.ok && reused.problem.code === 'idempotency_key_reused',
      JSON.stringify(reused),
    )
    const twin = await people.colleague.pay(asked, { key: 'suite-twin' })
    assert.ok(!twin.ok && twin.problem.code === 'duplicate_reference', JSON.stringify(twin))
    assert.match(JSON.stringify(twin.problem), new RegExp(id))
  })

  test('events come in order, numbered without a gap, to the bus as well', async () => {
    const { agent, bill, pay, becomes } = given()
    const { id } = await pay(bill())
    await becomes(id, 'settled')
    const told = await agent.events(id)
    assert.ok(told.ok)
    assert.deepEqual(
      told.events.map(({ seq }) => seq),
      told.events.map((_, index) => index + 1),
    )
  })

  test('declined: an end without money, and its bill may be tried once more by name', async () => {
    const { bill, pay, becomes } = given()
    const asked = bill('acct_declined_once')
    const declined = await becomes((await pay(asked)).id, 'declined')
    assert.equal(declined.new_key_allowed, true)
    const retried = await pay({ ...asked, retry_of: declined.id })
    await becomes(retried.id, isPaid)
    await becomes((await pay(bill('acct_declined'))).id, 'declined')
  })

  test('a capture that is refused voids', async () => {
    const { bill, pay, becomes } = given()
    const voided = await becomes((await pay(bill('acct_capture_declined'))).id, 'voided')
    assert.equal(voided.state_reason, 'capture_declined')
  })

  for (const payee of [
    'acct_504_after_authorise',
    'acct_504_after_capture',
    'acct_reset_after_capture',
    'acct_timeout_after_capture',
    'acct_500_then_done',
    'acct_late_capture',
    'acct_garbage',
    'acct_429',
    'acct_slow',
    'acct_processing',
    'acct_504_before_authorise',
    'acct_504_before_capture',
  ]) {
    test(`${payee}: whatever the processor does, it ends paid, once`, async () => {
      const { bill, pay, becomes } = given()
      await becomes((await pay(bill(payee))).id, isPaid)
    })
  }

  test('manual: authorised waits for its capture, or its void', async () => {
    const { agent, bill, pay, becomes } = given()
    const one = await pay(bill('acme', { capture: 'manual' }))
    const other = await pay(bill('acme', { capture: 'manual' }))
    await Promise.all([one, other].map(({ id }) => becomes(id, 'authorised')))
    assert.ok((await agent.capture(one.id)).ok)
    assert.ok((await agent.void(other.id, { reason: 'not needed' })).ok)
    await becomes(one.id, isPaid)
    await becomes(other.id, 'voided')
  })

  test('refunds: one for a reference, and no more than was captured', async () => {
    const { agent, bill, pay, becomes } = given()
    const { id, amount } = await pay(bill())
    await becomes(id, 'settled')
    const part = { reference: 'CN-1', amount: 100, reason: 'damaged' }
    assert.ok((await agent.refund(id, part)).ok)
    assert.ok((await agent.refund(id, part)).ok)
    await becomes(id, ({ amount_refunded: refunded }) => refunded === 100)
    const tooMuch = await agent.refund(id, { reference: 'CN-2', amount, reason: 'all' })
    assert.ok(!tooMuch.ok)
    assert.ok(
      (await agent.refund(id, { reference: 'CN-3', amount: amount - 100, reason: 'rest' })).ok,
    )
    await becomes(id, 'refunded')
  })
}

export function people(given: Given): void {
  test('above its threshold a payment waits for a person, who approves or denies what was shown', async () => {
    const { bill, people: all } = given()
    const pay = async () =>
      given().pay(bill('acme', { amount: 90_000 + bill().amount }), { by: all.bound })
    const [one, other] = [await pay(), await pay()]
    assert.equal(one.hold?.reason, 'approval_required')
    const act = async (what: string, { id, version }: Payment): Promise<void> => {
      const response = await all.operate('POST', `/v1/payments/${id}/${what}`, {
        body: {},
        headers: { 'if-match': `"${version}"` },
      })
      assert.equal(response.status, 200, await response.text())
    }
    await act('approve', one)
    await act('deny', other)
    const stateOf = async (id: string): Promise<string> => (await all.glance(id)).state
    await until('it is settled', async () => (await stateOf(one.id)) === 'settled', within)
    await until('it is rejected', async () => (await stateOf(other.id)) === 'rejected', within)
  })

  test('dead letters are told at once, are in their queue, and go on: one by a person, one by the rule', async () => {
    const { bill, pay, becomes, operator, processor, world } = given()
    const queued = world.messagesIn('PaymentsDeadLetters')
    const rates = { authorise: { '504_before': 1 }, look_up: { '503_gateway': 1 } }
    await processor.setFaults({ seed: 1, rates })
    // Whoever parks tells it as well, and so does the sweep. Where neither can, the bus has its own.
    const publish = { kind: 'unavailable', service: 'sns', operation: 'Publish' } as const
    const silenced = ['PaymentsStep', 'PaymentsSweep', 'PaymentsRedrive'].map((caller) =>
      world.faults.plant({ ...publish, caller, times: 1_000 }),
    )
    try {
      const [one, other] = await Promise.all([pay(bill()), pay(bill())])
      const isParked = isHeldFor('dead_letter')
      const [parked] = await Promise.all(
        [one, other].map(async ({ id }) => becomes(id, isParked, { withinMs: untilParkedMs })),
      )
      await until(
        'both are in the queue',
        () => world.messagesIn('PaymentsDeadLetters') >= queued + 2,
        within,
      )
      // By the topic itself; a group that grows is not told of each payment.
      await until('people are told', () => noticesOf(world, 'dead_letter').length > 0, within)
      for (const each of silenced) each.remove()
      const desk = await operator.deadLetters()
      assert.ok(desk.ok && desk.payments.length >= 2, JSON.stringify(desk))
      await processor.setFaults({})
      const bug = world.faults.plant({
        kind: 'invalid',
        service: 'dynamodb',
        operation: 'TransactWriteItems',
        caller: 'PaymentsRedrive',
      })
      const redriven = await operator.redrive(one.id, {
        version: parked?.version ?? 0,
        reason: 'it is back',
      })
      assert.ok(redriven.ok, JSON.stringify(redriven))
      // The first one closes the breaker; what the outage left behind goes on then.
      await Promise.all([one, other].map(async ({ id }) => becomes(id, isPaid)))
      // The rule met a bug on its way, told of it, and did it at its next look.
      assert.equal(bug.met(), 1)
      await until('the bug is told', () => noticesOf(world, 'bug').length > 0, within)
    } finally {
      // Whatever became of it: the tests that follow are about other things.
      await processor.setFaults({})
    }
  })

  test('a suspended agent starts nothing, and its replays are answered', async () => {
    const { bill, operator, people: all } = given()
    const asked = bill()
    const first = await given().pay(asked, { key: 'suite-suspended', by: all.colleague })
    assert.ok((await operator.suspendAgent('agent_second', { reason: 'who is this?' })).ok)
    const refused = await all.colleague.pay(bill())
    assert.ok(!refused.ok && refused.problem.code === 'agent_suspended', JSON.stringify(refused))
    const replay = await all.colleague.pay(asked, { key: 'suite-suspended' })
    assert.ok(replay.ok && replay.payment.id === first.id, JSON.stringify(replay))
    assert.ok((await operator.resumeAgent('agent_second', { reason: 'known' })).ok)
    await given().becomes(first.id, isPaid)
  })

  test('a stop takes nothing on and holds what there is; what waited goes on', async () => {
    const { agent, bill, pay, becomes, operator, read, world } = given()
    world.stream.pause(true)
    const { id } = await pay(bill())
    assert.ok((await operator.stop({ reason: 'drill' })).ok)
    try {
      world.stream.pause(false)
      const refused = await agent.pay(bill())
      assert.ok(!refused.ok && refused.problem.code === 'stopped', JSON.stringify(refused))
      const isTold = (): boolean =>
        [...world.meter.details().keys()].some((key) =>
          key.startsWith('sns_requests PaymentsSweep'),
        )
      await until('the sweep tells people of it', isTold, within)
      assert.equal((await read(id)).amount_captured, 0)
    } finally {
      assert.ok((await operator.start({ reason: 'drill over' })).ok)
    }
    await becomes(id, isPaid)
  })

  test('lists: by state, by reference, by hold; agents, alerts and what operators did', async () => {
    const { agent, bill, pay, becomes, operator } = given()
    const asked = bill()
    const { id } = await pay(asked)
    await becomes(id, 'settled')
    const lists = await Promise.all([
      agent.list({ state: 'settled', limit: 5 }),
      agent.list({ reference: asked.reference }),
      operator.list({ reference: asked.reference }),
      operator.list({ limit: 100 }),
      operator.list({ hold: 'dead_letter' }),
    ])
    const found = lists.map((list) =>
      list.ok ? list.payments.map((each) => each.id) : [list.problem.code],
    )
    for (const index of [1, 2]) assert.deepEqual(found[index], [id], JSON.stringify(found))
    assert.ok(found[0]?.length === 5 && (found[3]?.length ?? 0) > 5, JSON.stringify(found))
    const pages = await Promise.all([operator.agents(), operator.alerts(), operator.audit()])
    assert.ok(
      pages.every((page) => page.ok && page.data.length > 0),
      JSON.stringify(pages),
    )
  })
}
