// A batch is its bills, each as it would be by itself: the same checks, keys, guards and limits.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'

import { bill, createHttpWorld, tokens } from '../../test/http-world.ts'
import type { Asking, HttpWorld } from '../../test/http-world.ts'
import { addAgent } from '../engine/identity.ts'
import type { Moment } from '../stores/sqlite/commit-queue.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import { openDoor } from './door.ts'
import type { PaymentJson, ProblemJson } from './wire.ts'

interface Batch {
  readonly accepted: number
  readonly replayed: number
  readonly refused: number
  readonly data: readonly {
    readonly idempotency_key: string | null
    readonly result: string
    readonly payment: PaymentJson | null
    readonly problem: ProblemJson | null
  }[]
}

const path = '/v1/payments/batch'

/** A bill of its own: nothing of it looks like another. */
const billOf = (number: number) => ({
  ...bill,
  idempotency_key: `key-${number}`,
  amount: 1000 + number,
  reference: `INV-${number}`,
})

const many = (count: number) => Array.from({ length: count }, (_, index) => billOf(index))

const send = ({ ask }: HttpWorld, bills: readonly unknown[], asking: Asking = {}) =>
  ask<Batch>('POST', path, { body: { bills }, ...asking })

const words = ({ data }: Batch): readonly string[] =>
  data.map(({ result, problem }) => problem?.code ?? result)

test('each bill has its own result, and what is wrong with one keeps no other from being paid', async () => {
  const world = await createHttpWorld()
  const { status, body } = await send(world, [
    billOf(1),
    { ...billOf(2), amount: 19.99 },
    { ...billOf(3), reference: '4242 4242 4242 4242' },
    { ...billOf(4), idempotency_key: undefined },
    { ...billOf(5), idempotency_key: 'with spaces' },
    'no bill',
    { ...billOf(7), colour: 'red' },
    { ...billOf(8), reference: 'INV-1' },
    billOf(9),
  ])
  assert.equal(status, 200)
  assert.deepEqual(words(body), [
    'accepted',
    'invalid_request',
    'card_number_refused',
    'idempotency_key_missing',
    'idempotency_key_invalid',
    'idempotency_key_missing',
    'invalid_request',
    'duplicate_reference',
    'accepted',
  ])
  assert.deepEqual([body.accepted, body.replayed, body.refused], [2, 0, 7])
  assert.equal(body.data[1]?.problem?.errors?.[0]?.pointer, '/bills/1/amount')
  assert.equal(body.data[7]?.problem?.existing_payment?.id, body.data[0]?.payment?.id)
  assert.equal(body.data[8]?.payment?.next_action.type, 'wait')
})

test('the same batch again is replays, and so is each bill by itself', async () => {
  const world = await createHttpWorld()
  const first = await send(world, many(5))
  const before = world.commits()
  const again = await send(world, many(5))
  assert.deepEqual([again.body.accepted, again.body.replayed], [0, 5])
  const ids = ({ data }: Batch) => data.map(({ payment }) => payment?.id)
  assert.deepEqual(ids(again.body), ids(first.body))
  const { idempotency_key: key, ...body } = billOf(3)
  const single = await world.ask('POST', '/v1/payments', { key, body })
  assert.equal(single.headers.get('idempotent-replayed'), 'true')
  assert.equal(single.body.id, first.body.data[3]?.payment?.id)
  assert.equal(world.commits(), before)
})

test('a key twice in one batch claims once; with another body it is refused', async () => {
  const world = await createHttpWorld()
  const other = { ...billOf(1), amount: 7 }
  const { body } = await send(world, [billOf(1), billOf(1), other])
  assert.deepEqual(words(body), ['accepted', 'replayed', 'idempotency_key_reused'])
})

test('bills that look alike are refused as they would be one after the other', async () => {
  const world = await createHttpWorld()
  const alike = [1, 2].map((number) => ({ ...billOf(number), amount: 5 }))
  assert.deepEqual(words((await send(world, alike)).body), ['accepted', 'possible_duplicate'])
  const declared = [3, 4].map((number) => ({ ...billOf(number), amount: 6, batch: 'january' }))
  assert.deepEqual(words((await send(world, declared)).body), ['accepted', 'accepted'])
})

test('each bill counts at the agent’s door; replays pass', async () => {
  const door = openDoor({ perSecond: 1, burst: 3 })
  const world = await createHttpWorld({ service: { door } })
  const first = await send(world, many(5))
  const limited = ['accepted', 'accepted', 'accepted', 'rate_limited', 'rate_limited']
  assert.deepEqual(words(first.body), limited)
  assert.equal(first.body.data[4]?.problem?.next_action.type, 'retry_same_key')
  assert.match(first.headers.get('ratelimit') ?? '', /^"agent";r=0;/)
  const again = await send(world, many(4))
  assert.deepEqual(words(again.body), ['replayed', 'replayed', 'replayed', 'rate_limited'])
})

test('what is no batch is refused as a whole, and nothing is stored', async () => {
  const world = await createHttpWorld({ service: {} })
  const before = world.commits()
  const refused = async (body: unknown, asking: Asking = {}) => {
    const reply = await world.ask('POST', path, { body, ...asking })
    return [reply.status, reply.body.code]
  }
  assert.deepEqual(await refused({ bills: [] }), [400, 'invalid_request'])
  assert.deepEqual(await refused({ bills: many(501) }), [400, 'invalid_request'])
  assert.deepEqual(await refused({ bills: many(1), more: 1 }), [400, 'invalid_request'])
  assert.deepEqual(await refused([billOf(1)]), [400, 'invalid_request'])
  const long = { ...billOf(1), description: 'x'.repeat(1_048_576) }
  assert.deepEqual(await refused({ bills: [long] }), [413, 'body_too_large'])
  assert.deepEqual(await refused({ bills: many(1) }, { as: 'operator' }), [403, 'forbidden'])
  assert.deepEqual(await refused({ bills: many(1) }, { as: null }), [401, 'unauthenticated'])
  assert.equal(world.commits(), before)
  const closed = await createHttpWorld({ service: { isReady: () => ({ ready: false }) } })
  assert.equal((await send(closed, many(1))).status, 503)
})

// ── On a disk ────────────────────────────────────────────────────────────────────────────────────

/** The door over a SQLite file, which may fail at a moment of its commit. */
async function onDisk(file: string, onMoment: (moment: Moment) => void = () => undefined) {
  const store = openSqliteStore({ file, onMoment })
  const world = await createHttpWorld({ engine: () => ({ store }) })
  const agent = { id: 'agent_1', account: 'account_1', name: '', suspended: false, mandate: null }
  await addAgent(world.engine, agent, tokens.agent)
  return { world, store }
}

test('500 bills are one group commit', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'quittance-batch-'))
  t.after(() => rmSync(folder, { recursive: true }))
  let groups = 0
  const { world, store } = await onDisk(join(folder, 'q.db'), (moment) => {
    if (moment === 'begun') groups += 1
  })
  groups = 0
  const { body } = await send(world, many(500))
  assert.deepEqual([body.accepted, groups], [500, 1])
  await store.close()
})

for (const [name, moment, at] of [
  ['at its beginning', 'begun', 1],
  ['in the middle of its writes', 'step', 100],
  ['before the disk has it', 'applied', 1],
  ['when the disk has it and nobody was told', 'committed', 1],
] as const) {
  test(`a batch that fails ${name} is not known, and paid once when it is asked again`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'quittance-batch-'))
    t.after(() => rmSync(folder, { recursive: true }))
    let left = Infinity
    const file = join(folder, 'q.db')
    const broken = await onDisk(file, (seen) => {
      if (seen !== moment) return
      left -= 1
      if (left === 0) throw new Error('the machine dies')
    })
    left = at
    const lost = await send(broken.world, many(40))
    assert.deepEqual(new Set(words(lost.body)), new Set(['retry_same_key']))
    for (const { problem } of lost.body.data) {
      assert.deepEqual([problem?.money_moved, problem?.new_key_allowed], ['unknown', false])
    }
    await broken.store.close()
    const { world, store } = await onDisk(file)
    const again = await send(world, many(40))
    const isStored = moment === 'committed'
    assert.deepEqual([again.body.accepted, again.body.replayed], isStored ? [0, 40] : [40, 0])
    const { rows } = await store.list({ account: 'account_1', limit: 100 })
    assert.equal(rows.length, 40)
    await store.close()
  })
}
