// What look-ups find, how much a finding is worth, and that silence is never taken for absence.
import assert from 'node:assert/strict'

import { callOf, lookUpOf, newPaymentId } from './calls.ts'
import { disturbances, silences } from './disturbances.ts'
import type { Bench, Promises } from './processor-contract.ts'
import type { LookUp } from '../../ports.ts'

const ways = ['object', 'reference', 'records'] as const

export const lookUpPromises: Promises = {
  'each way finds what was sent, and by the object or in the records it is consistent': async (
    bench,
  ) => {
    const { processor, wire } = bench
    const paymentId = newPaymentId()
    const call = callOf('authorise', { paymentId })
    const made = (await processor.send(call)).object
    assert.ok(made)
    wire.received.length = 0
    for (const [by, consistent] of [
      ['object', true],
      ['reference', false],
      ['records', true],
    ] as const) {
      const finding = await processor.lookUp(lookUpOf(by, paymentId, made.objectId))
      assert.deepEqual(finding, { finding: 'found', object: made, consistent }, by)
    }
    assert.equal(made.attemptId, call.attempt.id)
    assert.deepEqual(new Set(wire.received.map(({ method }) => method)), new Set(['GET']))
  },

  'what is not there is not found, and only a consistent read says so for good': async (bench) => {
    const paymentId = newPaymentId()
    for (const [by, consistent] of [
      ['object', true],
      ['reference', false],
      ['records', true],
    ] as const) {
      const finding = await bench.processor.lookUp(lookUpOf(by, paymentId, 'obj_missing'))
      assert.deepEqual(finding, { finding: 'not_found', consistent }, by)
    }
  },

  'without an object’s id there is no look-up by object': async ({ processor, wire }) => {
    const finding = await processor.lookUp(lookUpOf('object', newPaymentId(), null))
    assert.equal(finding.finding, 'no_answer')
    assert.equal(wire.received.length, 0)
  },

  'of several objects it shows the one that took money, not the newest': async (bench) => {
    const { world } = bench
    const paymentId = newPaymentId()
    await world.plant(paymentId, 'dead')
    const captured = await world.plant(paymentId, 'captured')
    await world.plant(paymentId, 'dead')
    await shows(bench, paymentId, captured)
  },

  'else the one that holds some, else the newest': async (bench) => {
    const { world, processor } = bench
    const paymentId = newPaymentId()
    await world.plant(paymentId, 'dead')
    const newest = await world.plant(paymentId, 'dead')
    await shows(bench, paymentId, newest)
    const held = (await processor.send(callOf('authorise', { paymentId }))).object?.objectId
    await world.plant(paymentId, 'dead')
    await shows(bench, paymentId, held ?? '')
  },

  'an object of another payment is no answer': async ({ world, processor }) => {
    const foreign = await world.plant(newPaymentId(), 'captured')
    const finding = await processor.lookUp(lookUpOf('object', newPaymentId(), foreign))
    assert.equal(finding.finding, 'no_answer')
  },

  'whatever else comes back is no answer: never “not found”, never an exception': async (bench) => {
    const { wire, processor } = bench
    for (const [what, [, answer]] of Object.entries({ ...disturbances, ...silences })) {
      wire.disturb({ answer })
      const timeoutMs = Object.hasOwn(silences, what) ? 60 : 5_000
      const queries = ways.map((by): LookUp => {
        return { ...lookUpOf(by, newPaymentId(), 'obj_1'), timeoutMs }
      })
      for (const found of await Promise.all(queries.map(processor.lookUp))) {
        assert.equal(found.finding, 'no_answer', what)
        assert.equal(found.retryAfterMs, null, what)
        assert.notEqual(found.cause, '', what)
      }
    }
  },
}

async function shows({ processor }: Bench, paymentId: string, objectId: string): Promise<void> {
  for (const by of ['reference', 'records'] as const) {
    const finding = await processor.lookUp(lookUpOf(by, paymentId, null))
    assert.equal(finding.finding === 'found' ? finding.object.objectId : null, objectId, by)
  }
}
