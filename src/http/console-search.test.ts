// What the console asks beyond the routes for agents and operators: search, activity, what is allowed,
// and payments of the sandbox.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'

interface Found {
  readonly data: readonly { readonly id: string; readonly payee: string }[]
  readonly cursor: string | null
  readonly looked_at: number
}

const search = async ({ ask }: HttpWorld, query: string) => {
  const { status, body, text } = await ask<Found>('GET', `/v1/search?${query}`, { as: 'operator' })
  assert.equal(status, 200, text)
  return body
}

async function threePayments(): Promise<{ world: HttpWorld; ids: readonly string[] }> {
  const world = await createHttpWorld()
  const ids = []
  for (const [payee, reference, amount] of [
    ['Nordlicht Hosting', 'INV-1', 1_000],
    ['Lisboa Papel', 'INV-2', 2_000],
    ['Nordlicht Energie', 'INV-3', 2_000],
  ]) {
    ids.push((await world.pay({ payee, reference, amount })).id)
    world.world.hand.nowMs += 60_000
  }
  return { world, ids }
}

test('payments are found by part of a name, amount, state, agent and time', async () => {
  const { world, ids } = await threePayments()
  const [first, second, third] = ids
  const found = async (query: string) => (await search(world, query)).data.map(({ id }) => id)
  assert.deepEqual(await found('text=nordlicht'), [third, first])
  assert.deepEqual(await found('payee=papel'), [second])
  assert.deepEqual(await found('amount=2000'), [third, second])
  assert.deepEqual(await found(`text=${String(second).slice(-8).toLowerCase()}`), [second])
  assert.deepEqual(await found('state=settled'), [])
  assert.deepEqual(await found('agent=agent_2'), [])
  const at = world.world.hand.nowMs
  const [from, to] = [at - 150_000, at - 90_000].map((ms) => new Date(ms).toISOString())
  assert.deepEqual(await found(`from=${from}`), [third, second])
  assert.deepEqual(await found(`to=${to}`), [second, first])
  assert.deepEqual(await found(`from=${from}&to=${to}`), [second])
})

test('a page goes on where the last one ended, without a gap or a repeat', async () => {
  const { world, ids } = await threePayments()
  const seen: string[] = []
  let cursor: string | null = ''
  while (cursor !== null) {
    const more: string = cursor === '' ? '' : `&cursor=${cursor}`
    const page: Found = await search(world, `limit=1${more}`)
    seen.push(...page.data.map(({ id }) => id))
    cursor = page.cursor
  }
  assert.deepEqual(seen, ids.toReversed())
})

test('only operators search; a wrong question is told where it is wrong', async () => {
  const { ask } = await createHttpWorld()
  for (const path of [
    '/v1/search',
    '/v1/activity',
    '/v1/payments/pay_01JD4Z0M8QW3R5T7V9X1B2C4D6/actions',
  ]) {
    assert.equal((await ask('GET', path)).status, 403, path)
  }
  const wrong = await ask('GET', '/v1/search?operation=lost', { as: 'operator' })
  assert.deepEqual([wrong.status, wrong.body.errors?.[0]?.pointer], [400, '/operation'])
})

test('activity counts payments in the minute that they were made, by their state now', async () => {
  const { world, ids } = await threePayments()
  await world.toRest(ids[2] ?? '')
  const { body } = await world.ask<{ complete: boolean; minutes: { states: object }[] }>(
    'GET',
    '/v1/activity?minutes=5',
    { as: 'operator' },
  )
  assert.equal(body.complete, true)
  assert.equal(body.minutes.length, 5)
  const counts = body.minutes.map(({ states }) => Object.values(states).reduce((a, b) => a + b, 0))
  assert.deepEqual([counts.reduce((a, b) => a + b, 0), Math.max(...counts)], [3, 1])
})

test('what is allowed is what the command itself would be told', async () => {
  const { world, ids } = await threePayments()
  const [id = ''] = ids
  interface Actions {
    readonly data: readonly { action: string; allowed: boolean; code: string | null }[]
  }
  const allowed = async () => {
    const path = `/v1/payments/${id}/actions`
    const { body } = await world.ask<Actions>('GET', path, { as: 'operator' })
    return Object.fromEntries(body.data.map((each) => [each.action, each.code ?? each.allowed]))
  }
  assert.deepEqual(await allowed(), {
    capture: 'not_capturable',
    void: true,
    refund: 'not_refundable',
    approve: 'not_held_for_approval',
    deny: 'not_held_for_approval',
    redrive: 'not_parked',
    resolve: 'not_parked',
  })
  await world.toRest(id)
  const paid = await allowed()
  assert.deepEqual([paid['void'], paid['refund']], ['already_captured', true])
  const refused = await world.ask('POST', `/v1/payments/${id}/void`, { key: 'v', body: {} })
  assert.equal(refused.body.code, paid['void'])
})

test('asking what is allowed changes nothing', async () => {
  const { world, ids } = await threePayments()
  const before = world.commits()
  await world.ask('GET', `/v1/payments/${ids[0]}/actions`, { as: 'operator' })
  assert.equal(world.commits(), before)
})

// ── The sandbox ──────────────────────────────────────────────────────────────────────────────────

const bill = {
  amount: 1_999,
  currency: 'EUR',
  payee: 'acct_504_after_capture',
  reference: 'TOUR-1',
}

const sandboxWorld = (livemode = false): Promise<HttpWorld> =>
  createHttpWorld({
    engine: ({ processors }) => {
      const [model] = processors.values()
      if (model === undefined) throw new Error('the test world has a processor')
      const simulated = {
        ...model,
        binding: { ...model.binding, processor: 'simulated', livemode },
      }
      return { processors: new Map([['simulated', simulated]]) }
    },
  })

test('an operator sends a test payment as the agent of the sandbox, and twice is once', async () => {
  const { ask } = await sandboxWorld()
  const send = () => ask('POST', '/v1/sandbox/payments', { as: 'operator', body: bill })
  const first = await send()
  assert.equal(first.status, 202, first.text)
  assert.equal(first.body.agent, 'agent_sandbox')
  assert.deepEqual(first.body.metadata, { sent_by: 'Olga' })
  const again = await send()
  assert.equal(again.body.id, first.body.id)
  assert.equal(again.headers.get('idempotent-replayed'), 'true')
})

test('agents do not use it, and where the processor is not simulated nobody does', async () => {
  const sandbox = await sandboxWorld()
  const refused = await sandbox.ask('POST', '/v1/sandbox/payments', { body: bill })
  assert.equal(refused.status, 403)
  for (const world of [await createHttpWorld(), await sandboxWorld(true)]) {
    const before = world.commits()
    const asking = { as: 'operator', body: bill } as const
    const { status, body } = await world.ask('POST', '/v1/sandbox/payments', asking)
    assert.deepEqual([status, body.code], [403, 'forbidden'])
    assert.equal(world.commits(), before)
  }
})
