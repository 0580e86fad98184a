// A store that has forgotten what the processor remembers: each object is rebuilt into the payment that it
// was, once, and whoever asks for its bill again is told of it.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'

import { aCaller, aRequest, createTestEngine, requestKey, toRest } from '../../test/engine-world.ts'
import type { TestWorld } from '../../test/engine-world.ts'
import { keyRowKey, lookAlikeKeys } from '../core/guards.ts'
import type { Marks } from '../core/marks.ts'
import type { ObjectView } from '../core/outcome.ts'
import type { ProcessorRecord } from '../core/reconcile.ts'
import { markStore } from './marks.ts'
import { recover } from './recover.ts'
import type { Recovered } from './recover.ts'
import { whyUnknown } from './restore-check.ts'
import { submit } from './submit.ts'

const id = 'pay_0000000000000000000000000A'
const how = { by: 'Olga', reason: 'disk failed', account: null }
const hash = (text: string, as: 'hex' | 'base64url') => createHash('sha256').update(text).digest(as)
const key = requestKey('key-1')
const { account, agent } = aCaller
const { payee, reference, amount, currency } = aRequest
const bill = { account, payee, reference, amount, currency }

const marks: Marks = {
  account,
  agent,
  capture: 'automatic',
  batch: null,
  retryOf: null,
  retryCount: 0,
  payee,
  paymentMethod: null,
  billHash: hash(JSON.stringify([payee.toLowerCase(), reference.toLowerCase()]), 'hex'),
  alikeHash: hash(lookAlikeKeys(bill)[1], 'base64url'),
  asked: {
    key: hash(keyRowKey(agent, key.method, key.path, key.key), 'base64url'),
    request: key.fingerprint,
  },
  refunds: [],
}

const attemptOf = (kind: string, number: number): string => `att_${id.slice(4)}_${kind}_${number}`

function recordOf(over: Partial<ObjectView>, marked: Partial<Marks> = {}): ProcessorRecord {
  const { amountCaptured = 0, status = 'captured' } = over
  return {
    paymentId: id,
    isForeign: false,
    createdAtMs: 1_799_999_000_000,
    marks: { ...marks, ...marked },
    object: {
      objectId: 'ch_1',
      attemptId: attemptOf('authorise', 1),
      status,
      amount,
      currency,
      amountAuthorised: status === 'authorised' || status === 'captured' ? amount : 0,
      amountCaptured,
      amountReversed: 0,
      authorisationExpiresAtMs: null,
      decline: status === 'declined' ? { reason: 'declined', code: 'no' } : null,
      actionUrl: null,
      settlement: null,
      refunds: [],
      ...over,
    },
  }
}

/** With the store as the service has it. */
async function worldOf(): Promise<TestWorld> {
  const world = await createTestEngine().ready()
  const { engine } = world
  const store = markStore(engine.store, engine.ids, engine.clock.nowMs)
  const restore = { halted: true, by: 'x', reason: '', atMs: 0 }
  const put = { do: 'put', table: 'control', key: 'restore', value: restore, if: null } as const
  await store.commit({ commitId: 'cmt_restore', actions: [put] })
  return { ...world, engine: { ...engine, store } }
}

async function recovered(
  { engine }: TestWorld,
  record: ProcessorRecord,
): Promise<Recovered | null> {
  const [row] = await engine.store.read([{ table: 'payment', key: record.paymentId ?? '' }])
  const payment = row?.value.payment ?? null
  const why = whyUnknown(payment, record)
  assert.notEqual(why, null, 'it is known already')
  return recover(engine, { processor: 'model', record, payment, why: why ?? 'no_payment' }, how)
}

const paid = { status: 'captured', amountCaptured: amount } as const

for (const [what, over, state] of [
  ['captured', paid, 'captured'],
  ['authorised', { status: 'authorised' }, 'authorised'],
  ['declined', { status: 'declined' }, 'declined'],
  ['voided', { status: 'voided' }, 'voided'],
  ['expired', { status: 'expired' }, 'expired'],
  ['pending', { status: 'pending' }, 'validated'],
  ['an object that waits for a person', { status: 'action_required' }, 'validated'],
  ['made and not confirmed', { status: 'created', attemptId: attemptOf('create', 1) }, 'validated'],
  ['captured after it was made', { ...paid, attemptId: attemptOf('create', 1) }, 'captured'],
  ['captured by its third attempt', { ...paid, attemptId: attemptOf('authorise', 3) }, 'captured'],
] as const) {
  test(`${what}: the payment is rebuilt as ${state}, and its object is known`, async () => {
    const world = await worldOf()
    const record = recordOf(over)
    const told = await recovered(world, record)
    assert(told?.result === 'rebuilt', JSON.stringify(told))
    assert.equal(told.payment.state, state)
    assert.equal(whyUnknown(told.payment, record), null)
    // Numbers go on behind those that the processor has seen.
    const number = Number(record.object.attemptId?.at(-1))
    assert(told.payment.attemptsOpened >= number + (state === 'captured' ? 1 : 0))
    const events = await world.engine.store.events(id, 0, 100)
    assert.deepEqual(
      events.map(({ seq }) => seq),
      events.map((_, place) => place + 1),
    )
  })
}

test('the same key gets the payment, another body under it is refused, a new key meets the guard', async () => {
  const world = await worldOf()
  await recovered(world, recordOf(paid))
  const same = await submit(world.engine, aCaller, key, aRequest)
  assert.deepEqual(same, { result: 'replayed', paymentId: id })
  const body = { ...key, fingerprint: 'another' }
  const other = await submit(world.engine, aCaller, body, { ...aRequest, amount: amount + 1 })
  assert(other.result === 'rejected' && other.rejection.code.startsWith('idempotency_key_'))
  const again = await submit(world.engine, aCaller, requestKey('key-2'), aRequest)
  assert(again.result === 'rejected' && again.rejection.code === 'duplicate_reference')
  assert.equal(again.existing?.id, id)
})

test('a bill in other words looks alike, by payee and by reference', async () => {
  const world = await worldOf()
  await recovered(world, recordOf({ status: 'authorised' }))
  for (const [name, words] of [
    ['payee', { payee: 'somebody else' }],
    ['reference', { reference: 'another bill' }],
  ] as const) {
    const told = await submit(world.engine, aCaller, requestKey(name), { ...aRequest, ...words })
    assert(told?.result === 'rejected', name)
    assert.equal(told.rejection.code, 'possible_duplicate', name)
  }
})

test('what was refunded is refunded once: its reference is known, its number is not used again', async () => {
  const world = await worldOf()
  const refund = { objectId: 're_1', attemptId: attemptOf('refund', 4), amount: 100 }
  const refunds = [{ ...refund, status: 'succeeded' }] as const
  const told = { objectId: 're_1', refundId: 'ref_1', reference: 'RMA-1' }
  const record = recordOf({ ...paid, refunds }, { refunds: [told] })
  const rebuilt = await recovered(world, record)
  assert(rebuilt?.result === 'rebuilt' && rebuilt.payment.state === 'captured')
  assert.deepEqual(
    rebuilt.payment.refunds.map((each) => [each.id, each.reference, each.amount, each.status]),
    [['ref_1', 'RMA-1', 100, 'succeeded']],
  )
  assert(rebuilt.payment.attemptsOpened >= 4)
})

test('a payment that the store has from before is brought to what the processor shows', async () => {
  const world = await worldOf()
  const claimed = await submit(world.engine, aCaller, key, aRequest)
  assert(claimed.result === 'accepted')
  const number = claimed.paymentId.slice(4)
  const made = { ...recordOf({ ...paid, attemptId: `att_${number}_authorise_1` }) }
  const told = await recovered(world, { ...made, paymentId: claimed.paymentId })
  assert(told?.result === 'caught_up', JSON.stringify(told))
  assert.equal(told.payment.state, 'captured')
  await toRest(world, claimed.paymentId)
  assert.deepEqual(world.processor.charges, [], 'nothing was sent for it again')
})

test('a retry ends what it retried, though the store thinks that it is still to be paid', async () => {
  const world = await worldOf()
  const claimed = await submit(world.engine, aCaller, key, aRequest)
  assert(claimed.result === 'accepted')
  const later = 'pay_ZZZZZZZZZZZZZZZZZZZZZZZZZZ'
  const record = recordOf(paid, { retryOf: claimed.paymentId, retryCount: 1 })
  const told = await recovered(world, { ...record, paymentId: later })
  assert.equal(told?.result, 'rebuilt')
  assert.equal(await world.stateOf(claimed.paymentId), 'voided')
  const again = await submit(world.engine, aCaller, requestKey('key-3'), aRequest)
  assert(again.result === 'rejected' && again.existing?.id === later, JSON.stringify(again))
})

test('what does not say whose it is is left, unless somebody says so', async () => {
  const world = await worldOf()
  const record = recordOf(paid, { account: null })
  const left = await recovered(world, record)
  assert(left?.result === 'left' && left.why.includes('--account'))
  const sight = { processor: 'model', record, payment: null, why: 'no_payment' } as const
  const told = await recover(world.engine, sight, { ...how, account })
  assert.equal(told?.result, 'rebuilt')
})

test('budgets are taken from as the claim took from them', async () => {
  const limits = { EUR: { perPayment: null, perDay: 10 * amount, approvalAbove: null } }
  const world = await createTestEngine({ accountMandate: { version: 1, limits } }).ready()
  const told = await recovered(world, recordOf(paid))
  assert(told?.result === 'rebuilt')
  const [budget = ''] = told.payment.budgets
  const [row] = await world.engine.store.read([{ table: 'budget', key: budget }])
  assert.deepEqual([row?.value.left, row?.value.spent], [9 * amount, amount])
})
