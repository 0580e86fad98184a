// Every fault of the simulated processor at every operation: the signal, what it means, what the
// same attempt answers when it is sent again, and what the processor's books show in the end.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'

import { classify } from '../../core/outcome.ts'
import type { OperationKind } from '../../core/payment.ts'
import type { Call, Finding, Processor } from '../../ports.ts'
import { callOf, lookUpOf, newPaymentId } from '../contract/calls.ts'
import type { Booked } from '../contract/processor-contract.ts'
import { startSimulatedWorld } from '../contract/simulated-world.ts'
import type { SimulatedWorld } from '../contract/simulated-world.ts'

/** Sent twice, a call has taken effect once, or never. `declined`: an object is there, without money. */
type Effect = 'done' | 'not_done' | 'declined'

// The fault, its signal, the outcome of that send, the answer to a second send, and the effect.
const table: readonly (readonly [string, string, string, string, Effect])[] = [
  ['timeout_before', 'connection_lost', 'unknown', 'done', 'done'],
  ['timeout_after', 'connection_lost', 'unknown', 'done replayed', 'done'],
  ['reset_before', 'connection_lost', 'unknown', 'done', 'done'],
  ['reset_after', 'connection_lost', 'unknown', 'done replayed', 'done'],
  ['504_before', 'gateway_error', 'unknown', 'done', 'done'],
  ['504_after', 'gateway_error', 'unknown', 'done replayed', 'done'],
  ['502_after', 'gateway_error', 'unknown', 'done replayed', 'done'],
  ['503_gateway', 'gateway_error', 'unknown', 'done', 'done'],
  ['late', 'gateway_error', 'unknown', 'done', 'done'],
  ['500_then_done', 'server_error', 'unknown', 'server_error replayed', 'done'],
  ['500_then_not', 'server_error', 'unknown', 'server_error replayed', 'not_done'],
  ['429', 'slow_down', 'not_executed', 'done', 'done'],
  ['503_slow_down', 'slow_down', 'not_executed', 'done', 'done'],
  ['slow', 'done', 'succeeded', 'done replayed', 'done'],
  ['decline', 'declined', 'declined', 'declined replayed', 'declined'],
  ['garbage_answer', 'unreadable', 'unknown', 'done replayed', 'done'],
  ['wrong_amount', 'mismatched_answer', 'unknown', 'done replayed', 'done'],
  ['redirect', 'unlisted', 'unknown', 'done', 'done'],
  ['drop_webhook', 'done', 'succeeded', 'done replayed', 'done'],
  ['duplicate_webhook', 'done', 'succeeded', 'done replayed', 'done'],
  ['delay_webhook', 'done', 'succeeded', 'done replayed', 'done'],
]

/** Long enough to be written on a busy machine. */
const silentMs = 400

/** Long enough for the second send to be there first. */
const lateMs = 500

const nothing = ''
const noMoney = 'no money'
const held = 'held'
const taken = 'captured 1x, 1999 less 0'

const effects = {
  create: { done: noMoney, not_done: nothing, declined: noMoney },
  authorise: { done: held, not_done: nothing, declined: noMoney },
  authorise_in_one_step: { done: taken, not_done: nothing, declined: noMoney },
  authorise_a_made_object: { done: held, not_done: noMoney, declined: noMoney },
  capture: { done: taken, not_done: held, declined: held },
  void: { done: noMoney, not_done: held, declined: held },
  void_by_reference: { done: noMoney, not_done: held, declined: held },
  refund: { done: 'captured 1x, 1999 less 500', not_done: taken, declined: taken },
} as const satisfies Record<string, Record<Effect, string>>

type Form = keyof typeof effects

const forms = Object.keys(effects) as Form[] // `Object.keys` forgets which keys they are

let world: SimulatedWorld
let processor: Processor

before(async () => {
  world = await startSimulatedWorld({ slowMs: [5, 10], retryAfterMs: 800, lateMs })
  processor = await world.open(world.origin)
})

after(async () => {
  await processor.close()
  await world.close()
})

for (const [fault, signal, outcome, again, effect] of table) {
  test(`${fault} is ${signal}, ${outcome}; then ${again}`, async () => {
    await Promise.all(forms.map((form) => prove(form)))
  })

  async function prove(form: Form): Promise<void> {
    const usual = await prepare(form)
    const call = fault.startsWith('timeout') ? { ...usual, timeoutMs: silentMs } : usual
    await world.inject(fault, call.kind, call.payment.id)
    const first = await processor.send(call)
    assert.equal(first.signal, signal, `${form}: ${first.cause}`)
    assert.equal(classify(call.kind, call.attempt, first), outcome, form)
    assert.equal(first.replayed, false, form)
    assert.equal(first.retryAfterMs !== null, signal === 'slow_down', form)
    const second = await processor.send(usual)
    assert.equal(second.signal + (second.replayed ? ' replayed' : ''), again, form)
    if (fault === 'late') await sleep(lateMs + 200)
    const booked = await world.booked(call.payment.id)
    assert.equal(booked.map(tell).join('; '), effects[form][effect], form)
  }
}

/** A call of that form, and before it whatever it needs. */
async function prepare(form: Form): Promise<Call> {
  const paymentId = newPaymentId()
  const made = async (kind: OperationKind, oneStep = false): Promise<string> => {
    const answer = await processor.send(callOf(kind, { paymentId, oneStep, number: 9 }))
    return answer.object?.objectId ?? assert.fail(answer.cause)
  }
  switch (form) {
    case 'create':
    case 'authorise':
      return callOf(form, { paymentId })
    case 'authorise_in_one_step':
      return callOf('authorise', { paymentId, oneStep: true })
    case 'authorise_a_made_object':
      return callOf('authorise', { paymentId, objectId: await made('create') })
    case 'capture':
    case 'void':
      return callOf(form, { paymentId, objectId: await made('authorise') })
    case 'void_by_reference':
      await made('authorise')
      return callOf('void', { paymentId })
    case 'refund':
      return callOf('refund', { paymentId, amount: 500, objectId: await made('authorise', true) })
  }
}

function tell(booked: Booked): string {
  const { isAuthorised, captures, amountCaptured, amountRefunded } = booked
  if (isAuthorised) return held
  return captures === 0
    ? noMoney
    : `captured ${captures}x, ${amountCaptured} less ${amountRefunded}`
}

// ── Look-ups ─────────────────────────────────────────────────────────────────────────────────────

const found = 'found authorised 1999'

const lookUps: readonly (readonly [string, string])[] = [
  ['timeout_before', 'no answer: timeout'],
  ['timeout_after', 'no answer: timeout'],
  ['reset_before', 'no answer: ECONNRESET'],
  ['reset_after', 'no answer: ECONNRESET'],
  ['504_before', 'no answer: http_504'],
  ['504_after', 'no answer: http_504'],
  ['502_after', 'no answer: http_502'],
  ['503_gateway', 'no answer: http_503'],
  ['500_then_done', 'no answer: internal'],
  ['500_then_not', 'no answer: internal'],
  ['429', 'no answer: rate_limited, wait'],
  ['503_slow_down', 'no answer: slow_down, wait'],
  ['slow', found],
  ['garbage_answer', 'no answer: unreadable'],
  // The adapter does not know what was asked; the core does not believe another amount.
  ['wrong_amount', 'found authorised 2000'],
  ['redirect', 'no answer: http_307'],
]

for (const [fault, expected] of lookUps) {
  test(`a look-up that meets ${fault}: ${expected}`, async () => {
    const ways = ['object', 'reference', 'records'] as const
    await Promise.all(ways.map((by) => prove(by)))
  })

  async function prove(by: 'object' | 'reference' | 'records'): Promise<void> {
    const paymentId = newPaymentId()
    const made = await processor.send(callOf('authorise', { paymentId }))
    await world.inject(fault, 'look_up', paymentId)
    const query = lookUpOf(by, paymentId, made.object?.objectId ?? null)
    const timeoutMs = fault.startsWith('timeout') ? silentMs : query.timeoutMs
    assert.equal(inWords(await processor.lookUp({ ...query, timeoutMs })), expected, by)
    assert.equal(inWords(await processor.lookUp(query)), found, by)
  }
}

function inWords(finding: Finding): string {
  switch (finding.finding) {
    case 'found':
      return `found ${finding.object.status} ${finding.object.amount}`
    case 'not_found':
      return 'not found'
    case 'no_answer':
      return `no answer: ${finding.cause}${(finding.retryAfterMs ?? 0) >= 1 ? ', wait' : ''}`
  }
}
