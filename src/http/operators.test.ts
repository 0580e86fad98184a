// What operators may do, and what agents may not.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld, HttpWorldOptions } from '../../test/http-world.ts'
import { routes } from './routes.ts'
import { deadLetterListJson } from './wire.ts'
import type { DeadLetterJson } from './wire.ts'

const id0 = `pay_${'0'.repeat(26)}`
const as = 'operator'

/** A payment whose processor refused every call until it was parked. */
async function parked(
  options: HttpWorldOptions = {},
): Promise<HttpWorld & { readonly id: string }> {
  const made = await createHttpWorld({
    fault: (kind) => (kind === 'look_up' ? null : 'refused'),
    ...options,
  })
  const { id } = await made.pay()
  await made.toRest(id)
  return { ...made, id }
}

async function act(
  { ask }: HttpWorld,
  path: string,
  body: object,
  version: number | string | null,
  who: 'operator' | 'agent' = as,
) {
  const headers = version === null ? {} : { 'if-match': String(version) }
  return ask('POST', path, { as: who, body, headers })
}

test('agents get 403 on every route of operators, and nothing changes', async () => {
  const made = await parked()
  const { commits, ask } = made
  const before = commits()
  for (const { method, path, access, body } of routes) {
    if (access !== 'operator') continue
    const asked = path.replace(/\{\w+\}/, made.id)
    const sent = body === null ? {} : { body: body.example, headers: { 'if-match': '1' } }
    const reply = await ask(method, asked, { as: 'agent', ...sent })
    assert.deepEqual([reply.status, reply.body.code], [403, 'forbidden'], path)
    assert.equal(reply.body.next_action.type, 'ask_human')
  }
  assert.equal(commits(), before)
})

test('operators cannot create payments, nor command them', async () => {
  const { ask, commits } = await createHttpWorld()
  const before = commits()
  for (const { method, path, access, body } of routes) {
    if (access !== 'agent') continue
    const asked = { as, key: 'k', body: body?.example } as const
    assert.equal((await ask(method, path.replace(/\{\w+\}/, id0), asked)).status, 403, path)
  }
  assert.equal(commits(), before)
})

test('dead letters are listed with reason, since, attempts and the last evidence', async () => {
  const { ask, id } = await parked()
  const { status, body } = await ask<{ data: DeadLetterJson[] }>('GET', '/v1/dead-letters', { as })
  assert.equal(status, 200)
  assert.ok(deadLetterListJson.safeParse(body).success)
  const [letter, ...others] = body.data
  assert.equal(others.length, 0)
  assert.equal(letter?.id, id)
  assert.equal(letter?.hold?.reason, 'dead_letter')
  assert.equal(letter?.dead_letter.reason, 'retries_exhausted')
  assert.equal(letter?.dead_letter.since, letter?.hold?.since)
  assert.ok((letter?.dead_letter.attempts ?? 0) >= 1)
  assert.equal(letter?.dead_letter.last_evidence?.source, 'answer')
  assert.equal(letter?.dead_letter.last_evidence?.cause, 'ECONNREFUSED')
  assert.equal(letter?.next_action.type, 'ask_human')
})

test('a redrive takes a parked payment up again', async () => {
  let broken = true
  const made = await parked({ fault: (kind) => (broken && kind !== 'look_up' ? 'refused' : null) })
  const { body } = await made.ask('GET', `/v1/payments/${made.id}`)
  broken = false
  const path = `/v1/dead-letters/${made.id}/redrive`
  const redriven = await act(made, path, { reason: 'it is back' }, `"${body.version}"`)
  assert.equal(redriven.status, 200, redriven.text)
  assert.equal(redriven.body.hold, null)
  await made.toRest(made.id)
  assert.equal(await made.world.stateOf(made.id), 'settled')
  const again = await act(made, path, { reason: 'x' }, redriven.body.version)
  assert.equal(again.status, 412)
})

test('a redrive may give more time', async () => {
  const made = await parked()
  const { body } = await made.ask('GET', `/v1/payments/${made.id}`)
  const more = { reason: 'more time', not_after: '2028-01-01T00:00:00Z' }
  const reply = await act(made, `/v1/dead-letters/${made.id}/redrive`, more, body.version)
  assert.equal(reply.body.not_after, '2028-01-01T00:00:00.000Z')
})

test('an act needs the version that was shown, and is refused on any other', async () => {
  const made = await parked()
  const { commits, id } = made
  const { body } = await made.ask('GET', `/v1/payments/${id}`)
  const before = commits()
  const acts = [
    [`/v1/payments/${id}/approve`, {}],
    [`/v1/payments/${id}/deny`, {}],
    [`/v1/dead-letters/${id}/redrive`, { reason: 'x' }],
    [`/v1/dead-letters/${id}/resolve`, { finding: 'not_paid', reason: 'x' }],
    [`/v1/dead-letters/${id}/resolve`, { finding: 'paid', processor_reference: 'ch', reason: 'x' }],
  ] as const
  for (const [path, sent] of acts) {
    const missing = await act(made, path, sent, null)
    assert.deepEqual([missing.status, missing.body.code], [400, 'invalid_request'], path)
    for (const version of [body.version - 1, body.version + 1]) {
      const other = await act(made, path, sent, version)
      assert.deepEqual([other.status, other.body.code], [412, 'version_mismatch'], path)
      assert.deepEqual(other.body.existing_payment, { id, state: body.state })
    }
  }
  assert.equal(commits(), before)
})

test('an act on a payment that is not there is 404, also where its id has no form of ours', async () => {
  const made = await createHttpWorld()
  for (const id of [id0, 'x']) {
    for (const path of [`/v1/payments/${id}/approve`, `/v1/payments/${id}/deny`]) {
      assert.equal((await act(made, path, {}, 1)).status, 404)
    }
    const resolve = `/v1/dead-letters/${id}/resolve`
    assert.equal((await act(made, resolve, { finding: 'not_paid', reason: 'x' }, 1)).status, 404)
    const paid = { finding: 'paid', processor_reference: 'ch_1', reason: 'x' }
    assert.equal((await act(made, resolve, paid, 1)).status, 404)
  }
})

test('what is not parked cannot be redriven or resolved', async () => {
  const made = await createHttpWorld()
  const { id, version } = await made.pay()
  const redrive = await act(made, `/v1/dead-letters/${id}/redrive`, { reason: 'x' }, version)
  assert.deepEqual([redrive.status, redrive.body.code], [409, 'not_parked'])
  const resolve = `/v1/dead-letters/${id}/resolve`
  for (const said of [{ finding: 'not_paid' }, { finding: 'paid', processor_reference: 'ch_1' }]) {
    const reply = await act(made, resolve, { ...said, reason: 'x' }, version)
    assert.equal(reply.body.code, 'not_parked')
  }
})

test('resolved as not paid, a payment ends without money by a person’s word', async () => {
  const made = await parked()
  const { body } = await made.ask('GET', `/v1/payments/${made.id}`)
  const said = { finding: 'not_paid', reason: 'nothing in the dashboard' }
  const reply = await act(made, `/v1/dead-letters/${made.id}/resolve`, said, body.version)
  assert.deepEqual([reply.status, reply.body.state, reply.body.money_moved], [200, 'voided', 'no'])
  assert.equal(reply.body.new_key_allowed, true)
  interface Events {
    readonly data: readonly { readonly type: string; readonly data: { readonly by: unknown } }[]
  }
  const events = await made.ask<Events>('GET', `/v1/payments/${made.id}/events`, { as })
  const resolved = events.body.data.find(({ type }) => type === 'resolved')
  assert.match(JSON.stringify(resolved), /Olga.*nothing in the dashboard/)
})

const lookUpOf = (view: object | null) => (engine: HttpWorld['engine']) => {
  const [[name, processor] = []] = engine.processors
  assert.ok(name !== undefined && processor !== undefined)
  const lookUp: typeof processor.lookUp = async (query) => {
    if (query.objectId !== 'ch_elsewhere') return processor.lookUp(query)
    if (view === null) return { finding: 'no_answer', cause: '504', retryAfterMs: null }
    // The test gives the fields that matter; the rest is that of the world's captured object.
    return { finding: 'found', object: view as never, consistent: true }
  }
  return { processors: new Map([[name, { ...processor, lookUp }]]) }
}

async function resolvePaid(view: (made: HttpWorld) => object | null, reference = 'ch_elsewhere') {
  const shown = await createHttpWorld()
  const made = await parked({ engine: lookUpOf(view(shown)) })
  const { body } = await made.ask('GET', `/v1/payments/${made.id}`)
  const said = { finding: 'paid', processor_reference: reference, reason: 'seen' }
  const before = made.commits()
  const reply = await act(made, `/v1/dead-letters/${made.id}/resolve`, said, body.version)
  return { ...reply, written: made.commits() - before }
}

test('resolved as paid, a payment is captured with the object that the processor shows', async () => {
  const reply = await resolvePaid(({ world }) => world.capturedObject(1999, 'EUR'))
  assert.deepEqual([reply.status, reply.body.state], [200, 'captured'], reply.text)
  assert.equal(reply.body.processor_reference, 'ch_elsewhere')
  assert.equal(reply.body.hold, null)
})

test('resolved as paid is refused where the processor does not show it', async () => {
  const refused = [
    await resolvePaid(() => null),
    await resolvePaid(({ world }) => world.capturedObject(1999, 'EUR'), 'ch_unknown'),
    await resolvePaid(({ world }) => world.capturedObject(1998, 'EUR')),
    await resolvePaid(({ world }) => ({
      ...world.capturedObject(1999, 'EUR'),
      attemptId: 'att_0_authorise_1',
    })),
  ]
  for (const { status, body, written } of refused) {
    assert.deepEqual([status, body.code], [409, 'resolve_contradicts'])
    assert.equal(written, 0)
  }
})

const approvable = { EUR: { perPayment: null, perDay: null, approvalAbove: 1000 } }

test('a payment above the threshold is held until an operator approves what was shown', async () => {
  const made = await createHttpWorld({ accountMandate: { version: 1, limits: approvable } })
  const held = await made.pay()
  assert.equal(held.hold?.reason, 'approval_required')
  assert.equal(held.next_action.type, 'ask_human')
  const path = `/v1/payments/${held.id}/approve`
  assert.equal((await act(made, path, {}, held.version, 'agent')).status, 403)
  const approved = await act(made, path, {}, held.version)
  assert.deepEqual([approved.status, approved.body.hold], [200, null], approved.text)
  await made.toRest(held.id)
  assert.equal(await made.world.stateOf(held.id), 'settled')
  assert.equal((await act(made, path, {}, approved.body.version)).status, 412)
})

test('a denied payment is rejected', async () => {
  const made = await createHttpWorld({ accountMandate: { version: 1, limits: approvable } })
  const held = await made.pay()
  const denied = await act(made, `/v1/payments/${held.id}/deny`, {}, held.version)
  assert.deepEqual([denied.body.state, denied.body.state_reason], ['rejected', 'approval_denied'])
})

test('what waits for no approval cannot be approved', async () => {
  const made = await createHttpWorld()
  const { id, version } = await made.pay()
  const reply = await act(made, `/v1/payments/${id}/approve`, {}, version)
  assert.deepEqual([reply.status, reply.body.code], [409, 'not_held_for_approval'])
})

test('an operator gives an agent a token, which works at once and is logged nowhere', async () => {
  const made = await createHttpWorld()
  const body = { id: 'agent_9', account: 'account_1', name: 'nine' }
  const { status, body: added } = await made.ask<{ token: string }>('POST', '/v1/agents', {
    as,
    body,
  })
  assert.equal(status, 201)
  const headers = { authorization: `Bearer ${added.token}` }
  const paid = await made.ask('POST', '/v1/payments', { as: null, key: 'k', body: bill, headers })
  assert.deepEqual([paid.status, paid.body.agent], [202, 'agent_9'])
  assert.deepEqual(made.log, [])
  const moved = await made.ask('POST', '/v1/agents', { as, body: { ...body, account: 'other' } })
  assert.equal(moved.body.errors?.[0]?.pointer, '/account')
  const wrong = await made.ask('POST', '/v1/agents', { as, body: { ...body, id: 'a b' } })
  assert.equal(wrong.status, 400)
})
