// Keys, bytes and fences: what keeps money from moving twice.
import assert from 'node:assert/strict'

import { classify } from '../../core/outcome.ts'
import type { Call, Processor } from '../../ports.ts'
import { callOf, newPaymentId, oneOfEach } from './calls.ts'
import type { Bench, Promises } from './processor-contract.ts'
import type { Disturbance, Received } from './wire.ts'

const unavailable: Disturbance = { answer: (response) => void response.writeHead(503).end() }
const lost: Disturbance = { forwards: true, answer: (response) => void response.destroy() }

export const moneyPromises: Promises = {
  'the same attempt has the same bytes, from another process as well': async (bench) => {
    const { world, wire } = bench
    const restarted = await world.open(wire.url)
    wire.disturb(unavailable)
    const calls = oneOfEach(bench.processor, 1_000)
    const first = await written(bench, calls)
    const again = await written(bench, calls)
    const later = await written({ ...bench, processor: restarted }, calls)
    await restarted.close()
    assert.equal(first.length, calls.length)
    assert.deepEqual(again, first)
    assert.deepEqual(later, first)
  },

  'the key is made of the attempt’s id and of nothing else': async (bench) => {
    const { world } = bench
    const paymentId = newPaymentId()
    const attempts = [
      callOf('authorise', { paymentId }),
      callOf('authorise', { paymentId, amount: 5, payee: 'acct_other', paymentMethod: 'x' }),
      callOf('authorise', { paymentId, number: 2 }),
    ]
    bench.wire.disturb(unavailable)
    const requests = await written(bench, attempts)
    const [first, same, next] = requests.map((request) => headerOf(request, world.keyHeader))
    assert.ok(first)
    assert.equal(same, first)
    assert.notEqual(next, first)
  },

  'an attempt whose answer was lost takes money once, however often it is sent': async (bench) => {
    const { world } = bench
    const paymentId = newPaymentId()
    const authorise = callOf('authorise', { paymentId })
    const objectId = await lostThenReplayed(bench, authorise)
    await lostThenReplayed(bench, callOf('capture', { paymentId, objectId, number: 2 }))
    await lostThenReplayed(bench, callOf('refund', { paymentId, objectId, number: 3, amount: 500 }))
    assert.deepEqual(await world.booked(paymentId), [
      { objectId, isAuthorised: false, captures: 1, amountCaptured: 1999, amountRefunded: 500 },
    ])
  },

  'in one step as well': async (bench) => {
    const paymentId = newPaymentId()
    const objectId = await lostThenReplayed(
      bench,
      callOf('authorise', { paymentId, oneStep: true }),
    )
    assert.deepEqual(await bench.world.booked(paymentId), [
      { objectId, isAuthorised: false, captures: 1, amountCaptured: 1999, amountRefunded: 0 },
    ])
  },

  'and with the object made first': async (bench) => {
    const paymentId = newPaymentId()
    const objectId = await lostThenReplayed(bench, callOf('create', { paymentId }))
    assert.equal((await bench.world.booked(paymentId))[0]?.isAuthorised, false)
    await lostThenReplayed(bench, callOf('authorise', { paymentId, objectId, number: 2 }))
    assert.equal((await bench.world.booked(paymentId))[0]?.isAuthorised, true)
    await lostThenReplayed(bench, callOf('capture', { paymentId, objectId, number: 3 }))
    assert.deepEqual(await bench.world.booked(paymentId), [
      { objectId, isAuthorised: false, captures: 1, amountCaptured: 1999, amountRefunded: 0 },
    ])
  },

  'a capture takes what the attempt asks for, and no more': async ({ world, processor }) => {
    const paymentId = newPaymentId()
    const made = await processor.send(callOf('authorise', { paymentId }))
    const objectId = made.object?.objectId ?? null
    const taken = await processor.send(
      callOf('capture', { paymentId, objectId, amount: 700, number: 2 }),
    )
    assert.equal(taken.signal, 'done')
    assert.deepEqual([taken.object?.amount, taken.object?.amountCaptured], [1999, 700])
    assert.equal((await world.booked(paymentId))[0]?.amountCaptured, 700)
  },

  'a cancelled object cannot be captured any more': async ({ world, processor }) => {
    const paymentId = newPaymentId()
    const made = await processor.send(callOf('authorise', { paymentId }))
    const objectId = made.object?.objectId ?? null
    const cancel = callOf('void', { paymentId, objectId, number: 2 })
    const cancelled = await processor.send(cancel)
    assert.equal(classify('void', cancel.attempt, cancelled), 'succeeded')
    const late = callOf('capture', { paymentId, objectId, number: 3 })
    assert.equal(classify('capture', late.attempt, await processor.send(late)), 'not_executed')
    assert.equal((await world.booked(paymentId))[0]?.captures, 0)
  },

  'where it declares so, cancelling by our reference blocks whatever arrives later': async (
    bench,
  ) => {
    const { world, processor } = bench
    const can = processor.capabilities({ currency: 'EUR', paymentMethod: null })
    if (can?.cancelByReference !== true) return
    const paymentId = newPaymentId()
    const cancel = callOf('void', { paymentId, number: 2 })
    const cancelled = await processor.send(cancel)
    assert.equal(cancelled.object, null)
    assert.equal(classify('void', cancel.attempt, cancelled), 'succeeded')
    for (const oneStep of [false, true]) {
      const late = callOf('authorise', { paymentId, oneStep, number: oneStep ? 3 : 1 })
      const answer = await processor.send(late)
      assert.equal(classify('authorise', late.attempt, answer), 'not_executed', answer.cause)
      assert.deepEqual([answer.decline, answer.object], [null, null])
    }
    assert.deepEqual(await world.booked(paymentId), [])
  },

  'and it cancels what is there already': async ({ world, processor }, t) => {
    if (!cancelsByReference(processor)) return t.skip(noSuchCancellation)
    const paymentId = newPaymentId()
    await processor.send(callOf('authorise', { paymentId }))
    const cancel = callOf('void', { paymentId, number: 2 })
    const cancelled = await processor.send(cancel)
    assert.equal(classify('void', cancel.attempt, cancelled), 'succeeded')
    assert.equal(cancelled.object?.status, 'voided')
    assert.equal((await world.booked(paymentId))[0]?.isAuthorised, false)
  },

  'or tells that money has moved': async ({ processor }, t) => {
    if (!cancelsByReference(processor)) return t.skip(noSuchCancellation)
    const paymentId = newPaymentId()
    await processor.send(callOf('authorise', { paymentId, oneStep: true }))
    const cancel = callOf('void', { paymentId, number: 2 })
    const refused = await processor.send(cancel)
    assert.equal(refused.signal, 'already_in_state')
    assert.equal(refused.object?.amountCaptured, 1999)
    assert.equal(classify('void', cancel.attempt, refused), 'declined')
  },
}

const noSuchCancellation = 'it declares no cancellation by reference'

function cancelsByReference(processor: Processor): boolean {
  const can = processor.capabilities({ currency: 'EUR', paymentMethod: null })
  return can?.cancelByReference === true
}

/** Sends until the answer gets through; gives the object's id. */
async function lostThenReplayed({ wire, processor }: Bench, call: Call): Promise<string> {
  wire.disturb(lost)
  assert.equal((await processor.send(call)).signal, 'connection_lost')
  wire.disturb(null)
  const told = await Promise.all([processor.send(call), processor.send(call)])
  for (const answer of told) {
    assert.equal(answer.signal, 'done', answer.cause)
    assert.equal(answer.replayed, true)
    assert.equal(classify(call.kind, call.attempt, answer), 'succeeded')
  }
  const objectId = told[0].object?.objectId
  assert.ok(objectId)
  return objectId
}

/** What the calls put on the wire, one after the other so that their order is theirs. */
async function written(
  { wire, processor }: Bench,
  calls: readonly Call[],
): Promise<readonly Received[]> {
  wire.received.length = 0
  for (const call of calls) await processor.send(call)
  return [...wire.received]
}

function headerOf({ rawHeaders }: Received, name: string): string | undefined {
  const index = rawHeaders.findIndex((each, at) => at % 2 === 0 && each.toLowerCase() === name)
  return index < 0 ? undefined : rawHeaders[index + 1]
}
