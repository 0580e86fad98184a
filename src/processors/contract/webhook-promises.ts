// Who may tell us something: the processor, now, about exactly that.
import assert from 'node:assert/strict'

import { callOf } from './calls.ts'
import type { Bench, Promises, SentWebhook } from './processor-contract.ts'

const toleranceMs = 300_000

export const webhookPromises: Promises = {
  'a webhook tells the event, our ids and the object': async (bench) => {
    const { call, sent, objectId } = await received(bench)
    const told = bench.processor.readWebhook(sent.body, sent.headers, sent.sentAtMs)
    assert.ok(told)
    assert.match(told.eventId, /^\S+$/)
    assert.deepEqual([told.paymentId, told.attemptId], [call.payment.id, call.attempt.id])
    assert.equal(told.object.objectId, objectId)
    assert.equal(told.object.status, 'authorised')
  },

  'its signature holds for five minutes in either direction': async (bench) => {
    const { sent } = await received(bench)
    const holds = (nowMs: number): boolean =>
      bench.processor.readWebhook(sent.body, sent.headers, nowMs) !== null
    // Signatures carry whole seconds, and a message takes its time.
    assert.ok(holds(sent.sentAtMs + toleranceMs - 5_000))
    assert.ok(holds(sent.sentAtMs - toleranceMs + 5_000))
    assert.ok(!holds(sent.sentAtMs + toleranceMs + 5_000))
    assert.ok(!holds(sent.sentAtMs - toleranceMs - 5_000))
  },

  'a webhook that was changed by one character is refused': async (bench) => {
    const { sent } = await received(bench)
    const { body, headers, sentAtMs } = sent
    const refused = (changed: Partial<SentWebhook>): void => {
      const { body: text, headers: names } = { ...sent, ...changed }
      assert.equal(bench.processor.readWebhook(text, names, sentAtMs), null)
    }
    refused({ body: `${body} ` })
    refused({ body: body.replace('1999', '1998') })
    refused({ body: '' })
    refused({ headers: {} })
    for (const [name, value] of Object.entries(headers)) {
      refused({ headers: { ...headers, [name]: '' } })
      refused({ headers: { ...headers, [name]: value.slice(0, -1) } })
      const last = value.endsWith('0') ? '1' : '0'
      refused({ headers: { ...headers, [name]: value.slice(0, -1) + last } })
      refused({ headers: { ...headers, [name]: 'nonsense' } })
    }
  },
}

async function received({ world, processor }: Bench): Promise<{
  call: ReturnType<typeof callOf>
  sent: SentWebhook
  objectId: string
}> {
  const call = callOf('authorise')
  const objectId = (await processor.send(call)).object?.objectId
  assert.ok(objectId)
  return { call, objectId, sent: await world.webhook(objectId) }
}
