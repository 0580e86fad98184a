// The operators' half of the client against the app itself: every method finds its route.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld, tokens } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'
import { createParkedWorld } from '../../test/parked-world.ts'
import { createClient } from './index.ts'
import type { Client } from './index.ts'

const clientOf = ({ app }: HttpWorld, token: string = tokens.operator): Client =>
  createClient({
    url: 'http://service.test',
    token,
    deadlineMs: 1_000,
    fetch: async (input, init) => app.request(input instanceof URL ? input.href : input, init),
  })

function expect<T extends { readonly ok: boolean }>(result: T): Extract<T, { readonly ok: true }> {
  assert.ok(result.ok, JSON.stringify(result))
  return result as Extract<T, { readonly ok: true }> // `ok` tells the members apart
}

test('dead letters: listed, shown, noted, redriven, resolved', async () => {
  const made = await createParkedWorld()
  const client = clientOf(made)
  const { payments, cursor } = expect(
    await client.deadLetters({ reason: 'retries_exhausted', older_than: 0, limit: 10 }),
  )
  assert.deepEqual([payments.map(({ id }) => id), cursor], [[made.id], null])
  const noted = expect(await client.noteDeadLetter(made.id, 'ticket 4711'))
  assert.equal(noted.payment.dead_letter.note, 'ticket 4711')
  const { version } = expect(await client.deadLetter(made.id)).payment
  const redriven = expect(await client.redrive(made.id, { reason: 'again', version }))
  assert.equal(redriven.payment.dead_letter.status, 'redriven')
  await made.toRest(made.id)
  const { redrive } = expect(await client.redriveMany({ filter: {}, limit: 5 }, { reason: 'all' }))
  assert.deepEqual(redrive.redriven.length + redrive.left.length + (redrive.stopped_by ? 1 : 0), 1)
  await made.toRest(made.id)
  const parked = expect(await client.deadLetter(made.id)).payment
  const word = { reason: 'nothing there', version: parked.version }
  const resolved = expect(await client.resolve(made.id, { finding: 'not_paid' }, word))
  assert.deepEqual([resolved.payment.state, resolved.proposed], ['voided', false])
})

test('the kill switch: everything, a processor, an agent', async () => {
  const made = await createHttpWorld()
  const client = clientOf(made)
  const how = { reason: 'a reason' }
  assert.equal(expect(await client.readStop()).stopped, null)
  assert.equal(expect(await client.stop(how)).stopped?.by, 'Olga')
  assert.equal(expect(await client.start(how)).stopped, null)
  assert.ok(expect(await client.pauseProcessor('model', how)).processor.paused)
  assert.ok(expect(await client.processors()).data[0]?.paused)
  assert.equal(expect(await client.resumeProcessor('model', how)).processor.paused, null)
  assert.equal(expect(await client.suspendAgent('agent_1', how)).agent.suspended, true)
  assert.equal(expect(await client.resumeAgent('agent_1', how)).agent.suspended, false)
  assert.equal(expect(await client.agents({ limit: 1 })).data.length, 1)
  assert.equal(expect(await client.audit()).data.length, 6)
  assert.deepEqual(expect(await client.alerts({ status: 'firing' })).data, [])
  const unknown = await client.pauseProcessor('a/b', how)
  assert.equal(unknown.ok ? '' : unknown.problem.code, 'not_found')
})

test('with an agent’s token each of them is refused', async () => {
  const made = await createHttpWorld()
  const client = clientOf(made, tokens.agent)
  const how = { reason: 'x', version: 1 }
  const asked = await Promise.all([
    client.deadLetters(),
    client.deadLetter('pay_1'),
    client.noteDeadLetter('pay_1', 'x'),
    client.redrive('pay_1', how),
    client.redriveMany({ filter: {} }, how),
    client.resolve('pay_1', { finding: 'not_paid' }, how),
    client.readStop(),
    client.stop(how),
    client.start(how),
    client.processors(),
    client.pauseProcessor('model', how),
    client.resumeProcessor('model', how),
    client.agents(),
    client.addAgent({ id: 'a', account: 'b', name: 'c' }),
    client.suspendAgent('agent_1', how),
    client.resumeAgent('agent_1', how),
    client.audit(),
    client.alerts(),
  ])
  for (const result of asked) assert.equal(result.ok ? '' : result.problem.code, 'forbidden')
})
