// What operators may do, and what agents may not.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import { act, createParkedWorld } from '../../test/parked-world.ts'
import { routes } from './routes.ts'

const id0 = `pay_${'0'.repeat(26)}`
const as = 'operator'

test('agents get 403 on every route of operators, and nothing changes', async () => {
  const made = await createParkedWorld()
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

test('without a token, and with one that nobody has, every route of operators is 401', async () => {
  const { ask, commits, id } = await createParkedWorld()
  const before = commits()
  for (const { method, path, access, body } of routes) {
    if (access !== 'operator') continue
    for (const headers of [{}, { authorization: 'Bearer nobody' }]) {
      const sent = body === null ? { headers } : { body: body.example, headers }
      const reply = await ask(method, path.replace(/\{\w+\}/, id), { as: null, ...sent })
      assert.deepEqual([reply.status, reply.body.code], [401, 'unauthenticated'], path)
    }
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

test('an act needs the version that was shown, and is refused on any other', async () => {
  const made = await createParkedWorld()
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
