// What an adapter makes of everything that can happen on the way: a signal, never an exception, in
// time, with nothing written twice.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'

import { classify } from '../../core/outcome.ts'
import type { Outcome, Signal } from '../../core/outcome.ts'
import type { Call, Processor } from '../../ports.ts'
import { callOf, lookUpOf, oneOfEach } from './calls.ts'
import { disturbances, silences } from './disturbances.ts'
import type { Bench, Promises, SpokenSignal } from './processor-contract.ts'

/** Of calls that nobody answers; long enough to be written on a busy machine. */
const timeoutMs = 300

/** What a busy machine may take on top. */
const graceMs = 700

/** Of calls that do get an answer. */
const patientMs = 5_000

const outcomes: Readonly<Partial<Record<Signal, Outcome>>> = {
  connection_lost: 'unknown',
  gateway_error: 'unknown',
  server_error: 'unknown',
  unreadable: 'unknown',
  unlisted: 'unknown',
}

const disturbed = Object.fromEntries(
  Object.entries({ ...disturbances, ...silences }).map(([what, [signal, answer]]) => [
    `${what} is ${signal}, whatever was asked`,
    async ({ wire, processor }: Bench) => {
      wire.disturb({ answer })
      const isSilent = Object.hasOwn(silences, what)
      const calls = oneOfEach(processor, isSilent ? timeoutMs : patientMs)
      const sendAll = () => Promise.all(calls.map((call) => processor.send(call)))
      const told = await (isSilent ? inTime(sendAll) : sendAll())
      for (const [index, call] of calls.entries()) {
        const sent = told[index]
        assert.ok(sent)
        assert.equal(sent.signal, signal, `${call.kind}: ${sent.cause}`)
        assert.equal(classify(call.kind, call.attempt, sent), outcomes[signal])
        assert.deepEqual([sent.object, sent.decline, sent.retryAfterMs], [null, null, null])
        assert.notEqual(sent.cause, '')
      }
      assert.equal(wire.received.length, calls.length, 'each was written once')
    },
  ]),
)

const spoken: Readonly<Record<SpokenSignal, string>> = {
  done: 'a success',
  not_final: 'a state that is not final',
  already_in_state: '“already in that state”',
  declined: 'a decline',
  invalid_content: 'a refusal of the content',
  server_error: 'a 500 of its own',
  slow_down: 'a request to slow down',
  in_flight: '“this key is in use”',
  key_mismatch: '“same key, other parameters”',
  account_fault: 'a refusal of our account',
  mismatched_answer: 'an answer about another amount',
}

const provoked = Object.fromEntries(
  // `Object.entries` forgets the key type.
  (Object.entries(spoken) as [SpokenSignal, string][]).map(([signal, what]) => [
    `${what} is ${signal}`,
    async (bench: Bench) => {
      const { call, answer, outcome } = await bench.world.provoke[signal](bench)
      assert.equal(answer.signal, signal, answer.cause)
      assert.equal(classify(call.kind, call.attempt, answer), outcome)
      assert.notEqual(answer.status, null)
      assert.notEqual(answer.requestId, null)
      assert.equal(answer.decline !== null, signal === 'declined' || signal === 'invalid_content')
      assert.equal(answer.retryAfterMs !== null, signal === 'slow_down')
    },
  ]),
)

export const wirePromises: Promises = {
  ...disturbed,
  ...provoked,

  'a refused connection is not_sent': async ({ wire, processor }) => {
    await wire.close()
    // The client has to notice that its idle connection is gone.
    await sleep(20)
    await allNotSent(processor, oneOfEach(processor, timeoutMs))
  },

  'a call whose time is over before it begins is not_sent': async ({ wire, processor }) => {
    await allNotSent(processor, oneOfEach(processor, 0))
    await sleep(20)
    assert.equal(wire.received.length, 0)
  },

  'after closing everything is not_sent and nothing throws': async ({ wire, processor }) => {
    await processor.close()
    await allNotSent(processor, oneOfEach(processor, timeoutMs))
    const finding = await processor.lookUp(lookUpOf('object', 'pay_1', 'obj_1'))
    assert.equal(finding.finding, 'no_answer')
    assert.equal(wire.received.length, 0)
  },

  'bytes that other code froze are not_sent under their key': async ({ wire, processor }) => {
    const call = callOf('authorise')
    const request = { ...call.attempt.request, apiVersion: 'another' }
    await allNotSent(processor, [{ ...call, attempt: { ...call.attempt, request } }])
    assert.equal(wire.received.length, 0)
  },
}

async function allNotSent(processor: Processor, calls: readonly Call[]): Promise<void> {
  const told = await inTime(() => Promise.all(calls.map((call) => processor.send(call))))
  for (const [index, call] of calls.entries()) {
    const answer = told[index]
    assert.ok(answer)
    assert.equal(answer.signal, 'not_sent', `${call.kind}: ${answer.cause}`)
    assert.equal(classify(call.kind, call.attempt, answer), 'not_executed')
    assert.deepEqual([answer.status, answer.object, answer.excerpt], [null, null, null])
  }
}

async function inTime<T>(work: () => Promise<T>): Promise<T> {
  const startedMs = performance.now()
  const done = await work()
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs < timeoutMs + graceMs, `it took ${tookMs} ms`)
  return done
}
