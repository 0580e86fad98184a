// Tokens over their life, accounts and their switch, and what one agent sees of another.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld, Reply } from '../../test/http-world.ts'
import type { TokenJson } from './access-wire.ts'
import { maxTokens } from '../core/access.ts'
import { addAgent } from '../engine/identity.ts'

type NewToken = TokenJson & { readonly token: string; readonly detail: string }

const reason = 'a test'
const operate = <Body = NewToken>({ ask }: HttpWorld, path: string, body: object) =>
  ask<Body>('POST', path, { as: 'operator', body: { reason, ...body } })

const tokensOf = async ({ ask }: HttpWorld): Promise<readonly TokenJson[]> => {
  const path = '/v1/agents/agent_1/tokens'
  const { body } = await ask<{ data: readonly TokenJson[] }>('GET', path, { as: 'operator' })
  return body.data
}

const withToken = (
  { ask }: HttpWorld,
  token: string,
  method = 'GET',
  path = '/v1/payments',
  body?: object,
): Promise<Reply> =>
  ask(method, path, {
    as: null,
    key: method === 'POST' ? `key-of-${path}` : null,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body }),
  })

const mine = '/v1/agents/agent_1/tokens'

test('a token is shown once, kept as a hash, and listed by its id', async () => {
  const world = await createHttpWorld()
  const made = await operate(world, mine, {})
  assert.equal(made.status, 201, made.text)
  assert.match(made.body.token, /^qt_agent_[\w-]{43}$/)
  assert.equal((await withToken(world, made.body.token)).status, 200)
  const listed = await world.ask('GET', mine, { as: 'operator' })
  assert.doesNotMatch(listed.text, /qt_agent_/)
  const [first] = await tokensOf(world)
  const { token: _, ...shown } = made.body
  assert.deepEqual(first, shown)
  const audit = await world.ask<{ data: readonly { act: string; by: string; reason: string }[] }>(
    'GET',
    '/v1/audit',
    { as: 'operator' },
  )
  const [entry] = audit.body.data
  assert.deepEqual([entry?.act, entry?.by], ['token_add', 'Olga'])
  assert.equal(entry?.reason, `a test (${made.body.id})`)
  assert.doesNotMatch(audit.text, /qt_agent_/)
})

test('two are valid while one takes the place of the other; then the old one ends by itself', async () => {
  const world = await createHttpWorld()
  const old = (await operate(world, mine, { scopes: ['read'] })).body
  const body = { token_id: old.id, overlap_seconds: 3600 }
  const next = await operate(world, `${mine}/rotate`, body)
  assert.equal(next.status, 201, next.text)
  assert.deepEqual(next.body.scopes, ['read'])
  const both = async () =>
    Promise.all(
      [old.token, next.body.token].map(async (each) => (await withToken(world, each)).status),
    )
  assert.deepEqual(await both(), [200, 200])
  world.world.hand.nowMs += 3_599_000
  assert.deepEqual(await both(), [200, 200])
  world.world.hand.nowMs += 1_000
  assert.deepEqual(await both(), [401, 200])
  const again = await operate(world, `${mine}/rotate`, body)
  assert.equal(again.status, 404, 'what has ended is not rotated')
})

test('a token ends when it was said to, and no rotation makes it live longer', async () => {
  const world = await createHttpWorld()
  const endsAtMs = world.world.hand.nowMs + 60_000
  const expires = new Date(endsAtMs).toISOString()
  const made = (await operate(world, mine, { expires_at: expires })).body
  assert.equal((await withToken(world, made.token)).status, 200)
  await operate(world, `${mine}/rotate`, { token_id: made.id })
  assert.equal((await tokensOf(world)).find(({ id }) => id === made.id)?.expires_at, expires)
  world.world.hand.nowMs = endsAtMs
  const late = await withToken(world, made.token)
  assert.deepEqual([late.status, late.body.code], [401, 'unauthenticated'])
  assert.equal((await tokensOf(world)).find(({ id }) => id === made.id)?.status, 'expired')
  const past = await operate(world, mine, { expires_at: expires })
  assert.deepEqual([past.status, past.body.detail], [400, 'Such a token would have ended already.'])
})

test('a revoked token is nobody’s from the next request on, and nothing brings it back', async () => {
  const world = await createHttpWorld()
  const made = (await operate(world, mine, {})).body
  for (let times = 0; times < 2; times += 1) {
    const revoked = await operate(world, `${mine}/revoke`, { token_id: made.id })
    assert.deepEqual([revoked.status, revoked.body.status], [200, 'revoked'])
  }
  assert.equal((await withToken(world, made.token)).status, 401)
  const { engine } = world
  const agent = { id: 'agent_1', account: 'account_1', name: '', suspended: false, mandate: null }
  assert.equal(await addAgent(engine, agent, made.token), false, 'as at a start with a given token')
  assert.equal((await withToken(world, made.token)).status, 401)
})

test('of one agent so many tokens are valid at a time and no more; the ended ones do not count', async () => {
  const world = await createHttpWorld()
  while ((await tokensOf(world)).length < maxTokens) {
    assert.equal((await operate(world, mine, {})).status, 201)
  }
  assert.equal((await operate(world, mine, {})).status, 400)
  const [{ id } = { id: '' }] = await tokensOf(world)
  await operate(world, `${mine}/revoke`, { token_id: id })
  assert.equal((await operate(world, mine, {})).status, 201)
  for (let times = 0; times < 30; times += 1) {
    const [newest] = await tokensOf(world)
    await operate(world, `${mine}/revoke`, { token_id: newest?.id })
    await operate(world, mine, {})
  }
  const left = await tokensOf(world)
  assert.equal(left.length, 24)
  assert.equal(left.filter(({ status }) => status === 'valid').length, maxTokens)
})

test('a token does what its scopes say and nothing else', async () => {
  const world = await createHttpWorld()
  const paid = await world.pay()
  const routes = {
    pay: ['POST', '/v1/payments', { ...bill, reference: 'INV-2' }],
    read: ['GET', `/v1/payments/${paid.id}`, undefined],
    capture: ['POST', `/v1/payments/${paid.id}/capture`, {}],
    void: ['POST', `/v1/payments/${paid.id}/void`, { reason: 'no more' }],
    refund: ['POST', `/v1/payments/${paid.id}/refunds`, { reference: 'R-1', reason: 'back' }],
    callback: ['GET', '/v1/callback', undefined],
  } as const
  for (const scope of Object.keys(routes)) {
    const { token } = (await operate(world, mine, { scopes: [scope] })).body
    for (const [needed, [method, path, body]] of Object.entries(routes)) {
      const { status, body: told } = await withToken(world, token, method, path, body)
      if (needed === scope) assert.notEqual(told.code, 'forbidden', `${scope}: ${path}`)
      else assert.deepEqual([status, told.code], [403, 'forbidden'], `${scope}: ${path}`)
    }
    const [{ id } = { id: '' }] = await tokensOf(world)
    await operate(world, `${mine}/revoke`, { token_id: id })
  }
  for (const scopes of [[], ['everything'], 'pay']) {
    assert.equal((await operate(world, mine, { scopes })).status, 400)
  }
})

test('the tokens of an agent are for operators, and of this agent', async () => {
  const world = await createHttpWorld()
  const made = (await operate(world, mine, {})).body
  for (const path of [mine, '/v1/accounts', '/v1/accounts/account_1']) {
    assert.equal((await world.ask('GET', path)).status, 403, path)
  }
  for (const path of [mine, `${mine}/rotate`, `${mine}/revoke`, '/v1/accounts/account_1/suspend']) {
    assert.equal((await world.ask('POST', path, { body: {} })).status, 403, path)
  }
  for (const agent of ['agent_2', 'agent_9']) {
    for (const act of ['rotate', 'revoke']) {
      const other = await operate(world, `/v1/agents/${agent}/tokens/${act}`, { token_id: made.id })
      assert.equal(other.status, 404)
    }
  }
  assert.equal((await withToken(world, made.token)).status, 200)
})

test('an agent that sees its own only is told of others’ payments that they are not there', async () => {
  const world = await createHttpWorld()
  const body = { id: 'agent_4', account: 'account_1', name: 'alone', visibility: 'own' }
  const made = await world.ask<NewToken>('POST', '/v1/agents', { as: 'operator', body })
  const { token } = made.body
  const theirs = await world.pay()
  await world.toRest(theirs.id)
  const own = await withToken(world, token, 'POST', '/v1/payments', {
    ...bill,
    reference: 'OWN-1',
    payee: 'Other',
  })
  assert.equal(own.status, 202, own.text)
  const missing = await withToken(
    world,
    token,
    'GET',
    '/v1/payments/pay_00000000000000000000000000',
  )
  for (const [method, path, sent] of [
    ['GET', '', undefined],
    ['GET', '/events', undefined],
    ['GET', '/receipt', undefined],
    ['POST', '/void', { reason: 'no more' }],
    ['POST', '/capture', {}],
    ['POST', '/refunds', { reference: 'R', reason: 'back' }],
  ] as const) {
    const told = await withToken(world, token, method, `/v1/payments/${theirs.id}${path}`, sent)
    assert.deepEqual([told.status, told.body.code], [404, 'payment_not_found'], path)
    assert.equal(told.body.detail, missing.body.detail, 'no hint')
  }
  const listed = await withToken(world, token)
  const { data } = listed.body as unknown as { data: readonly { id: string }[] }
  assert.deepEqual(
    data.map(({ id }) => id),
    [own.body.id],
  )
  assert.equal((await world.ask('GET', `/v1/payments/${own.body.id}`)).status, 200, 'its colleague')
})

test('a suspended account stops all of its agents, answers replays, and touches nobody else', async () => {
  const world = await createHttpWorld()
  const paid = await world.pay()
  const suspended = await operate(world, '/v1/accounts/account_1/suspend', {})
  assert.equal(suspended.status, 200, suspended.text)
  const agents = await world.ask('GET', '/v1/agents', { as: 'operator' })
  assert.match(agents.text, /"id":"agent_1".*?"suspended":false,"account_suspended":true/)
  assert.match(agents.text, /"id":"agent_3".*?"account_suspended":false/)
  const next = { ...bill, payee: 'Other', reference: 'INV-2' }
  for (const as of ['agent', 'colleague'] as const) {
    const refused = await world.ask('POST', '/v1/payments', { as, key: 'new', body: next })
    assert.deepEqual([refused.status, refused.body.code], [403, 'agent_suspended'])
  }
  const replay = await world.ask('POST', '/v1/payments', { key: 'key-1', body: bill })
  assert.deepEqual([replay.status, replay.body.id], [202, paid.id])
  assert.equal(replay.body.hold?.reason, 'agent_suspended', 'its payments wait')
  const stranger = { as: 'stranger', key: 'new', body: next } as const
  assert.equal((await world.ask('POST', '/v1/payments', stranger)).status, 202)
  const refund = { reference: 'R', reason: 'back' }
  const path = `/v1/payments/${paid.id}/refunds`
  const refused = await world.ask('POST', path, { key: 'refund', body: refund })
  assert.equal(refused.body.code, 'agent_suspended')
  await operate(world, '/v1/accounts/account_1/resume', {})
  assert.equal((await world.ask('POST', '/v1/payments', { key: 'new', body: next })).status, 202)
})

test('accounts are made, shown and listed', async () => {
  const world = await createHttpWorld()
  const made = await operate<object>(world, '/v1/accounts', { id: 'shop', name: 'the shop' })
  const shop = { object: 'account', id: 'shop', name: 'the shop', suspended: false }
  assert.deepEqual([made.status, made.body], [201, shop])
  const again = await operate<object>(world, '/v1/accounts', { id: 'shop', name: 'another' })
  assert.deepEqual(again.body, shop)
  const shown = await world.ask<object>('GET', '/v1/accounts/shop', { as: 'operator' })
  assert.deepEqual([shown.status, shown.body], [200, shop])
  assert.equal((await world.ask('GET', '/v1/accounts/none', { as: 'operator' })).status, 404)
  const listed = await world.ask<{ data: readonly { id: string }[]; cursor: string | null }>(
    'GET',
    '/v1/accounts?limit=2',
    { as: 'operator' },
  )
  assert.deepEqual(
    listed.body.data.map(({ id }) => id),
    ['shop', 'account_2'],
  )
  assert.equal(listed.body.cursor, 'account_2')
})
