// Mandates as operators set them, and what a claim meets from then on.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld, Reply } from '../../test/http-world.ts'

const path = '/v1/accounts/account_1/mandate'

const set = ({ ask }: HttpWorld, body: object, of = path): Promise<Reply> =>
  ask('PUT', of, { as: 'operator', body: { reason: 'a test', version: 0, ...body } })

const pay = ({ ask }: HttpWorld, index: number, over: object = {}): Promise<Reply> =>
  ask('POST', '/v1/payments', {
    key: `k${index}`,
    body: { ...bill, amount: 100, payee: `payee ${index}`, reference: `bill ${index}`, ...over },
  })

const codes = async (asked: readonly Promise<Reply>[]): Promise<readonly unknown[]> =>
  (await Promise.all(asked)).map(({ status, body }) => (status === 202 ? 'paid' : body.code))

test('a mandate is set by version, in the audit, and never by an agent', async () => {
  const world = await createHttpWorld()
  const limits = { EUR: { per_day: 100 } }
  const first = await set(world, { limits })
  assert.equal(first.status, 200, first.text)
  assert.match(first.text, /"version":1,/)
  const stale = await set(world, { limits })
  assert.deepEqual([stale.status, stale.body.code], [412, 'mandate_changed'])
  assert.match((await set(world, { limits, version: 1 })).text, /"version":2,/)
  const audit = await world.ask('GET', '/v1/audit', { as: 'operator' })
  assert.match(audit.text, /"act":"mandate_account","target":"account_1".*version 2: a test/)
  const asAgent = await world.ask('PUT', path, { body: { limits, version: 2, reason: 'x' } })
  assert.equal(asAgent.status, 403)
  assert.equal((await set(world, { limits }, '/v1/accounts/nobody/mandate')).status, 404)
})

test('a mandate is shown to operators as it was set, and none is no mandate of nothing', async () => {
  const world = await createHttpWorld()
  const look = (of = path): Promise<Reply> => world.ask('GET', of, { as: 'operator' })
  const none = { version: 0, limits: null, payees: null, payment_methods: null, expires_at: null }
  const head = { object: 'bound_mandate', scope: 'account', id: 'account_1' }
  assert.deepEqual((await look()).body, { ...head, ...none })
  const terms = { limits: { EUR: { per_day: 100 } }, payees: [{ prefix: 'cloud-' }] }
  const answer = await set(world, terms)
  assert.deepEqual((await look()).body, answer.body)
  assert.match((await look()).text, /"version":1,"limits":\{"EUR":.*"per_day":100/)
  const ofAgent = await look('/v1/agents/agent_1/mandate')
  assert.match(ofAgent.text, /"scope":"agent","id":"agent_1","version":0/)
  assert.equal((await look('/v1/agents/nobody/mandate')).status, 404)
  assert.equal((await world.ask('GET', path)).status, 403)
})

test('two operators that change one version at once: one of them is told', async () => {
  const world = await createHttpWorld()
  const asked = [1, 2].map((per_day) => set(world, { limits: { EUR: { per_day } } }))
  const statuses = (await Promise.all(asked)).map(({ status }) => status)
  assert.deepEqual(
    statuses.toSorted((one, other) => one - other),
    [200, 412],
  )
})

test('month, and payee and day, hold together with the day, for agent and account', async () => {
  const world = await createHttpWorld()
  await set(world, { limits: { EUR: { per_day: 1000, per_month: 450, per_payee_and_day: 200 } } })
  await set(world, { limits: { EUR: { per_month: 400 } } }, '/v1/agents/agent_1/mandate')
  const payee = 'one'
  const toOne = []
  // Another word for the bill each time, as who splits one would say it.
  for (const [index, amount] of [90, 91, 92].entries()) {
    toOne.push((await pay(world, index, { payee, amount })).body.code ?? 'paid')
  }
  assert.deepEqual(toOne, ['paid', 'paid', 'mandate_per_payee_and_day'])
  assert.deepEqual(await codes([pay(world, 10, { amount: 210 })]), ['mandate_per_payee_and_day'])
  assert.deepEqual(await codes([pay(world, 11, { amount: 200 })]), ['paid'])
  const last = await pay(world, 12, { amount: 20 })
  assert.deepEqual([last.body.code, last.body.next_action.type], ['mandate_per_month', 'ask_human'])
  assert.match(last.text, /scope agent, limit 400, left 19/)
  const { text } = await world.ask('GET', '/v1/mandate')
  assert.match(text, /"left_this_month":19.*"left_this_month":69/)
})

test('64 claims of one account race for a month that covers half of them', async () => {
  const world = await createHttpWorld()
  await set(world, { limits: { EUR: { per_month: 32 * 100 } } })
  const found = await codes(Array.from({ length: 64 }, (_, index) => pay(world, index)))
  assert.equal(found.filter((each) => each === 'paid').length, 32)
  const refused = new Set(found.filter((each) => each !== 'paid'))
  assert.deepEqual([...refused], ['mandate_per_month'])
})

test('a mandate lowered below what is reserved allows nothing more, and takes nothing back', async () => {
  const world = await createHttpWorld()
  await set(world, { limits: { EUR: { per_month: 300 } } })
  assert.deepEqual(await codes([pay(world, 1), pay(world, 2)]), ['paid', 'paid'])
  await set(world, { version: 1, limits: { EUR: { per_month: 150 } } })
  assert.deepEqual(await codes([pay(world, 3, { amount: 1 })]), ['mandate_per_month'])
  assert.match((await world.ask('GET', '/v1/mandate')).text, /"left_this_month":0/)
  await set(world, { version: 2, limits: { EUR: { per_month: 300 } } })
  assert.deepEqual(await codes([pay(world, 4), pay(world, 5)]), ['paid', 'mandate_per_month'])
})

test('payees, payment methods and the end bind', async () => {
  const world = await createHttpWorld()
  const limits = { EUR: {} }
  await set(world, { limits, payees: [{ prefix: 'cloud-' }, { exact: 'acme' }] })
  const named = ['acme', 'cloud-1', 'Acme'].map((payee, index) =>
    pay(world, index, { payee, amount: 100 + index }),
  )
  assert.deepEqual(await codes(named), ['paid', 'paid', 'mandate_payee'])
  await set(world, { version: 1, limits, payment_methods: ['pm_other'] })
  assert.deepEqual(await codes([pay(world, 5)]), ['mandate_payment_method'])
  await set(world, { version: 2, limits, expires_at: '2020-01-01T00:00:00Z' })
  assert.deepEqual(await codes([pay(world, 6)]), ['mandate_expired'])
  const replayed = await pay(world, 0, { payee: 'acme' })
  assert.equal(replayed.status, 202, 'what exists is answered under any mandate')
})

test('bad mandates are refused with the place, and nothing is stored', async () => {
  const world = await createHttpWorld()
  const before = world.commits()
  for (const [body, pointer] of [
    [{ limits: { EUR: { per_day: 1.5 } } }, '/limits/EUR/per_day'],
    [{ limits: { EUR: { per_day: -1 } } }, '/limits/EUR/per_day'],
    [{ limits: { EUR: { per_day: 2 ** 53 } } }, '/limits/EUR/per_day'],
    [{ limits: { EUR: { per_week: 1 } } }, '/limits/EUR/per_week'],
    [{ limits: { eur: {} } }, '/limits/eur'],
    [{ limits: {}, payees: [{ prefix: '' }] }, '/payees/0'],
    [{ limits: {}, expires_at: 'soon' }, '/expires_at'],
    [{ limits: {}, reason: ' ' }, '/reason'],
    [{ limits: {}, version: -1 }, '/version'],
  ] as const) {
    const reply = await set(world, body)
    assert.equal(reply.status, 400, pointer)
    assert.ok(reply.body.errors?.[0]?.pointer.startsWith(pointer), reply.text)
  }
  assert.equal(world.commits(), before)
})
