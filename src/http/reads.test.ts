// What agents and operators may read: payments, lists, events, mandates; and what they may not see.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { bill, createHttpWorld } from '../../test/http-world.ts'
import type { PaymentJson } from './wire.ts'
import type { MandateJson } from './wire.ts'

const payments = '/v1/payments'

test('a payment is seen by its account and by operators; to others it is not there', async () => {
  const { ask, pay } = await createHttpWorld()
  const { id } = await pay()
  for (const as of ['agent', 'colleague', 'operator'] as const) {
    assert.equal((await ask('GET', `${payments}/${id}`, { as })).status, 200)
  }
  const nowhere = `${payments}/pay_${'0'.repeat(26)}`
  for (const path of ['', '/events']) {
    const foreign = await ask('GET', `${payments}/${id}${path}`, { as: 'stranger' })
    const missing = await ask('GET', `${nowhere}${path}`, { as: 'stranger' })
    assert.equal(foreign.status, 404)
    const { instance: _, ...told } = foreign.body
    const { instance: __, ...said } = missing.body
    assert.deepEqual(told, said)
  }
  for (const command of ['capture', 'void', 'refunds']) {
    const body = { reference: 'r' }
    const asked = { as: 'stranger', key: command, body: command === 'refunds' ? body : {} } as const
    const reply = await ask('POST', `${payments}/${id}/${command}`, asked)
    assert.deepEqual([reply.status, reply.body.code], [404, 'payment_not_found'])
  }
})

test('an id that was never given out is 404, whatever it looks like', async () => {
  const { ask } = await createHttpWorld()
  for (const id of [
    'x',
    '..%2f',
    '%00',
    '%ff',
    'pay_',
    'pay_%F0%9F%92%B8',
    '__proto__',
    'pay_'.repeat(200),
  ]) {
    assert.equal((await ask('GET', `${payments}/${id}`)).status, 404, id)
    assert.equal((await ask('POST', `${payments}/${id}/void`, { key: 'k' })).status, 404, id)
  }
})

interface List {
  readonly data: readonly PaymentJson[]
  readonly cursor: string | null
}

test('the list is paged, filtered and kept to the account', async () => {
  const { ask, pay, toRest } = await createHttpWorld()
  for (const reference of ['A-1', 'A-2', 'A-3']) await pay({ reference, payee: reference })
  await pay({}, { as: 'stranger', key: 's' })
  const first = await ask<List>('GET', `${payments}?limit=2`)
  assert.equal(first.body.data.length, 2)
  const rest = await ask<List>('GET', `${payments}?limit=2&cursor=${first.body.cursor}`)
  assert.equal(rest.body.data.length, 1)
  assert.equal(rest.body.cursor, null)
  const ids = [...first.body.data, ...rest.body.data].map(({ id }) => id)
  assert.deepEqual(ids, ids.toSorted().toReversed())
  const one = await ask<List>('GET', `${payments}?reference=%20a-2`)
  assert.deepEqual(
    one.body.data.map(({ reference }) => reference),
    ['A-2'],
  )
  await toRest(one.body.data[0]?.id ?? '')
  assert.equal((await ask<List>('GET', `${payments}?state=settled`)).body.data.length, 1)
  assert.equal((await ask<List>('GET', payments, { as: 'operator' })).body.data.length, 4)
})

test('a parameter that is wrong, unknown or given twice is refused and named', async () => {
  const { ask, pay } = await createHttpWorld()
  const { id } = await pay()
  for (const [query, pointer] of [
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['limit=1.5', '/limit'],
    ['limit=', '/limit'],
    ['cursor=nonsense', '/cursor'],
    ['state=paid', '/state'],
    ['reference=', '/reference'],
    ['sort=asc', '/sort'],
    ['limit=1&limit=2', '/limit'],
    ['__proto__=1', '/__proto__'],
  ] as const) {
    const { status, body } = await ask('GET', `${payments}?${query}`)
    assert.deepEqual([status, body.code], [400, 'invalid_request'], query)
    assert.equal(body.errors?.[0]?.pointer, pointer)
  }
  for (const query of ['after=-1', 'after=x', 'limit=101']) {
    assert.equal((await ask('GET', `${payments}/${id}/events?${query}`)).status, 400)
  }
  assert.equal((await ask('POST', `${payments}?wait=5`, { key: 'k', body: bill })).status, 400)
})

test('events are told in order and go on after a number', async () => {
  const { ask, pay, toRest } = await createHttpWorld()
  const { id } = await pay()
  await toRest(id)
  interface Events {
    readonly data: readonly { readonly seq: number; readonly type: string }[]
  }
  const all = await ask<Events>('GET', `${payments}/${id}/events`)
  assert.deepEqual(
    all.body.data.map(({ seq }) => seq),
    all.body.data.map((_, index) => index + 1),
  )
  assert.equal(all.body.data[0]?.type, 'claimed')
  const some = await ask<Events>('GET', `${payments}/${id}/events?after=2&limit=1`)
  assert.deepEqual(some.body.data, [all.body.data[2]])
})

test('the mandate tells limits and what is left today, of agent and account', async () => {
  const limits = { EUR: { perPayment: null, perDay: 5000, approvalAbove: null } }
  const { ask, pay, toRest } = await createHttpWorld({ accountMandate: { version: 1, limits } })
  const { id } = await pay()
  const { status, body } = await ask<unknown>('GET', '/v1/mandate')
  assert.equal(status, 200)
  assert.deepEqual(body, {
    object: 'mandate',
    agent: { id: 'agent_1', mandate: null },
    account: {
      id: 'account_1',
      mandate: {
        version: 1,
        limits: [
          {
            currency: 'EUR',
            per_payment: null,
            per_day: 5000,
            per_month: null,
            per_payee_and_day: null,
            approval_above: null,
            left_today: 3001,
            reserved_today: 1999,
            spent_today: 0,
            left_this_month: null,
          },
        ],
        payees: null,
        payment_methods: null,
        expires_at: null,
      },
    },
    day_ends_at: '2027-01-16T00:00:00.000Z',
  })
  const asked = await ask('GET', '/v1/mandate?agent=agent_1', { as: 'operator' })
  assert.deepEqual(asked.body, body)
  assert.equal((await ask('GET', '/v1/mandate', { as: 'operator' })).status, 400)
  const foreign = await ask('GET', '/v1/mandate?agent=agent_3')
  const missing = await ask('GET', '/v1/mandate?agent=nobody')
  assert.equal(foreign.text, missing.text)
  await toRest(id)
  const later = await ask<MandateJson>('GET', '/v1/mandate')
  assert.partialDeepStrictEqual(later.body.account.mandate?.limits[0], {
    left_today: 3001,
    reserved_today: 0,
    spent_today: 1999,
  })
})
