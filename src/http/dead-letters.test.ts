// The desk of dead letters: what it shows, whom it lets act, and what comes of an act.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'
import { act, createParkedWorld } from '../../test/parked-world.ts'
import { addOperator } from '../engine/identity.ts'
import { deadLetterJson, deadLetterListJson, redriveManyJson } from './operator-wire.ts'
import type { DeadLetterJson, RedriveManyJson } from './operator-wire.ts'

const as = 'operator'
const id0 = `pay_${'0'.repeat(26)}`

type Letters = { readonly data: readonly DeadLetterJson[]; readonly cursor: string | null }

const letters = ({ ask }: HttpWorld, query = '') =>
  ask<Letters>('GET', `/v1/dead-letters${query}`, { as })

/** Several parked payments, the first one first. */
async function severalParked(count: number) {
  let broken = true
  const made = await createParkedWorld({
    fault: (kind) => (broken && kind !== 'look_up' ? 'refused' : null),
  })
  const ids = [made.id]
  for (let number = 2; number <= count; number += 1) {
    const { id } = await made.pay({ payee: `payee ${number}`, reference: `INV-${number}` })
    await made.toRest(id)
    ids.push(id)
  }
  return {
    ...made,
    ids,
    /** The processor is back, and the breaker has seen it. */
    async mend() {
      broken = false
      const { id } = await made.pay({ payee: 'the probe', reference: 'INV-P' })
      await made.toRest(id)
    },
  }
}

test('a dead letter shows the payment, and all that is known of why it is there', async () => {
  const made = await createParkedWorld()
  made.world.hand.nowMs += 90_000
  const { status, body } = await letters(made)
  assert.equal(status, 200)
  assert.ok(deadLetterListJson.safeParse(body).success)
  const [letter, ...others] = body.data
  assert.equal(others.length, 0)
  assert.equal(letter?.id, made.id)
  assert.equal(letter?.hold?.reason, 'dead_letter')
  assert.equal(letter?.next_action.type, 'ask_human')
  const { last_evidence: evidence, request_hash: hash, ...record } = letter?.dead_letter ?? {}
  assert.deepEqual(record, {
    status: 'open',
    reason: 'retries_exhausted',
    step: 'authorise',
    attempts: letter?.operation?.attempt,
    sends: 10,
    first_at: record.first_at,
    parked_at: letter?.hold?.since,
    age_seconds: 90,
    redrives: 0,
    rule_redrives: 0,
    note: null,
    ended_by: null,
    ended_at: null,
    proposal: null,
  })
  assert.match(hash ?? '', /^[0-9a-f]{64}$/)
  assert.deepEqual([evidence?.source, evidence?.cause], ['answer', 'ECONNREFUSED'])
  const one = await made.ask<DeadLetterJson>('GET', `/v1/dead-letters/${made.id}`, { as })
  assert.deepEqual(one.body, letter)
})

test('what was never parked is not among the dead letters', async () => {
  const made = await createHttpWorld()
  const { id } = await made.pay()
  assert.deepEqual((await letters(made)).body.data, [])
  for (const [asked, code] of [
    [id, 'not_found'],
    [id0, 'not_found'],
    ['x', 'payment_not_found'],
  ] as const) {
    const { status, body } = await made.ask('GET', `/v1/dead-letters/${asked}`, { as })
    assert.deepEqual([status, body.code], [404, code])
  }
})

test('the list is paged, newest first, and shows the open ones unless told', async () => {
  const made = await severalParked(3)
  const first = await letters(made, '?limit=2')
  const rest = await letters(made, `?limit=2&cursor=${first.body.cursor}`)
  const shown = [...first.body.data, ...rest.body.data].map(({ id }) => id)
  assert.deepEqual(shown, made.ids.toReversed())
  assert.equal(rest.body.cursor, null)
  const [letter] = rest.body.data
  const path = `/v1/dead-letters/${letter?.id}/redrive`
  assert.equal((await act(made, path, { reason: 'x' }, letter?.version ?? 0)).status, 200)
  const idsOf = async (query: string) => (await letters(made, query)).body.data.map(({ id }) => id)
  assert.deepEqual(await idsOf(''), made.ids.slice(1).toReversed())
  assert.deepEqual(await idsOf('?status=redriven'), [made.id])
  assert.deepEqual(await idsOf('?status=resolved'), [])
  assert.deepEqual(await idsOf('?status=any'), made.ids.toReversed())
})

test('the list is filtered by reason, step, processor, agent and age', async () => {
  const made = await createParkedWorld()
  made.world.hand.nowMs += 90_000
  for (const [query, count] of [
    ['reason=retries_exhausted', 1],
    ['reason=outcome_unknown', 0],
    ['step=authorise', 1],
    ['step=refund', 0],
    ['processor=model', 1],
    ['processor=other', 0],
    ['agent=agent_1', 1],
    ['agent=agent_2', 0],
    ['older_than=90', 1],
    ['older_than=91', 0],
    ['reason=retries_exhausted&agent=agent_1&older_than=5', 1],
  ] as const) {
    assert.equal((await letters(made, `?${query}`)).body.data.length, count, query)
  }
})

test('a parameter that no dead letter can have is refused and named', async () => {
  const made = await createHttpWorld()
  for (const [query, pointer] of [
    ['status=closed', '/status'],
    ['reason=unknown', '/reason'],
    ['step=settle', '/step'],
    ['processor=a%20b', '/processor'],
    ['agent=', '/agent'],
    ['older_than=1h', '/older_than'],
    ['older_than=-1', '/older_than'],
    ['limit=0', '/limit'],
    ['limit=101', '/limit'],
    ['cursor=nonsense', '/cursor'],
    ['sort=asc', '/sort'],
  ] as const) {
    const { status, body } = await made.ask('GET', `/v1/dead-letters?${query}`, { as })
    assert.deepEqual([status, body.code], [400, 'invalid_request'], query)
    assert.equal(body.errors?.[0]?.pointer, pointer)
  }
})

// ── Notes ────────────────────────────────────────────────────────────────────────────────────────

test('a note stays for the next operator, until it is taken away', async () => {
  const made = await createParkedWorld()
  const path = `/v1/dead-letters/${made.id}/note`
  const put = (note: string | null) => {
    made.world.hand.nowMs += 1_000
    return made.ask<DeadLetterJson>('POST', path, { as, body: { note } })
  }
  const noted = await put('ticket 4711')
  assert.equal(noted.status, 200, noted.text)
  assert.deepEqual(deadLetterJson.parse(noted.body), noted.body)
  assert.equal(noted.body.dead_letter.note, 'ticket 4711')
  assert.equal(noted.body.version, (await letters(made)).body.data[0]?.version)
  assert.equal((await put(null)).body.dead_letter.note, null)
  const { body } = await made.ask<{ data: readonly object[] }>('GET', '/v1/audit', { as })
  assert.partialDeepStrictEqual(body.data[1], {
    act: 'note',
    target: made.id,
    by: 'Olga',
    reason: 'ticket 4711',
  })
})

test('a note of another form, or on what was never parked, changes nothing', async () => {
  const made = await createParkedWorld()
  const before = made.commits()
  for (const body of [{}, { note: 7 }, { note: 'x'.repeat(501) }, { note: 'a\u0007' }]) {
    const reply = await made.ask('POST', `/v1/dead-letters/${made.id}/note`, { as, body })
    assert.deepEqual([reply.status, reply.body.errors?.[0]?.pointer], [400, '/note'])
  }
  const unknown = await made.ask('POST', `/v1/dead-letters/${id0}/note`, {
    as,
    body: { note: 'x' },
  })
  assert.deepEqual([unknown.status, unknown.body.code], [409, 'not_parked'])
  assert.equal(made.commits(), before)
})

// ── Redrive ──────────────────────────────────────────────────────────────────────────────────────

test('a redrive takes a parked payment up again', async () => {
  let broken = true
  const made = await createParkedWorld({
    fault: (kind) => (broken && kind !== 'look_up' ? 'refused' : null),
  })
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
  const made = await createParkedWorld()
  const { body } = await made.ask('GET', `/v1/payments/${made.id}`)
  const more = { reason: 'more time', not_after: '2028-01-01T00:00:00Z' }
  const reply = await act(made, `/v1/dead-letters/${made.id}/redrive`, more, body.version)
  assert.equal(reply.body.not_after, '2028-01-01T00:00:00.000Z')
})

test('what was redriven is shown with who did it, and that it waits while its processor is paused', async () => {
  const made = await createParkedWorld()
  const pause = { as, body: { reason: 'their status page is red' } } as const
  await made.ask('POST', '/v1/processors/model/pause', pause)
  const { body } = await made.ask('GET', `/v1/payments/${made.id}`)
  const path = `/v1/dead-letters/${made.id}/redrive`
  const redriven = await act(made, path, { reason: 'again' }, body.version)
  assert.equal(redriven.status, 200)
  assert.equal(redriven.body.hold?.reason, 'processor_paused')
  assert.equal(redriven.body.next_action.type, 'wait')
  const shown = deadLetterJson.parse(redriven.body).dead_letter
  assert.deepEqual([shown.status, shown.ended_by, shown.redrives], ['redriven', 'Olga', 1])
})

const redriveMany = ({ ask }: HttpWorld, body: object) =>
  ask<RedriveManyJson>('POST', '/v1/dead-letters/redrive', { as, body })

test('many are redriven page by page, each once', async () => {
  const made = await severalParked(3)
  await made.mend()
  const asked = { filter: { reason: 'retries_exhausted' }, reason: 'it is back', limit: 2 }
  const first = await redriveMany(made, asked)
  assert.equal(first.status, 200, first.text)
  assert.deepEqual(redriveManyJson.parse(first.body), first.body)
  const second = await redriveMany(made, { ...asked, cursor: first.body.cursor })
  assert.deepEqual([...first.body.redriven, ...second.body.redriven], made.ids.toReversed())
  assert.deepEqual([second.body.left, second.body.stopped_by, second.body.cursor], [[], null, null])
  for (const id of made.ids) {
    await made.toRest(id)
    assert.equal(await made.world.stateOf(id), 'settled')
  }
  assert.deepEqual((await redriveMany(made, asked)).body.redriven, [])
})

test('only what the filter names is redriven', async () => {
  const made = await createParkedWorld()
  for (const filter of [{ reason: 'void_refused' }, { agent: 'agent_2' }, { older_than: 60 }]) {
    const { body } = await redriveMany(made, { filter, reason: 'x' })
    assert.deepEqual(body.redriven, [], JSON.stringify(filter))
  }
  assert.deepEqual((await redriveMany(made, { filter: {}, reason: 'x' })).body.redriven, [made.id])
})

test('while everything is stopped or the processor paused, redriving many ends at once and says why', async () => {
  const made = await createParkedWorld()
  for (const [halt, go, why] of [
    ['/v1/stop', '/v1/start', 'stopped'],
    ['/v1/processors/model/pause', '/v1/processors/model/resume', 'processor_paused'],
  ] as const) {
    await made.ask('POST', halt, { as, body: { reason: 'x' } })
    const { body } = await redriveMany(made, { filter: {}, reason: 'x' })
    assert.deepEqual([body.redriven, body.stopped_by], [[], why])
    await made.ask('POST', go, { as, body: { reason: 'x' } })
  }
})

test('a request to redrive many that is not clear redrives none', async () => {
  const made = await createParkedWorld()
  const before = made.commits()
  const good = { filter: {}, reason: 'x' }
  for (const [body, pointer] of [
    [{ reason: 'x' }, '/filter'],
    [{ ...good, filter: null }, '/filter'],
    [{ ...good, filter: { status: 'resolved' } }, '/filter/status'],
    [{ ...good, filter: { reason: 'unknown' } }, '/filter/reason'],
    [{ ...good, filter: { step: 'settle' } }, '/filter/step'],
    [{ ...good, filter: { processor: '' } }, '/filter/processor'],
    [{ ...good, filter: { older_than: '60' } }, '/filter/older_than'],
    [{ ...good, filter: { older_than: -1 } }, '/filter/older_than'],
    [{ filter: {} }, '/reason'],
    [{ ...good, reason: ' ' }, '/reason'],
    [{ ...good, reason: 'x'.repeat(501) }, '/reason'],
    [{ ...good, limit: 0 }, '/limit'],
    [{ ...good, limit: 101 }, '/limit'],
    [{ ...good, limit: 1.5 }, '/limit'],
    [{ ...good, cursor: 'nonsense' }, '/cursor'],
    [{ ...good, all: true }, '/all'],
  ] as const) {
    const reply = await made.ask('POST', '/v1/dead-letters/redrive', { as, body })
    assert.deepEqual([reply.status, reply.body.code], [400, 'invalid_request'], reply.text)
    assert.equal(reply.body.errors?.[0]?.pointer, pointer)
  }
  assert.equal(made.commits(), before)
})

// ── Resolve ──────────────────────────────────────────────────────────────────────────────────────

test('where two operators are required, the word of the first is kept and that of another decides', async () => {
  const made = await createParkedWorld({ engine: () => ({ secondOperator: true }) })
  await addOperator(made.world.engine, 'Otto', 'token-of-another-operator')
  const { body } = await made.ask('GET', `/v1/payments/${made.id}`)
  const path = `/v1/dead-letters/${made.id}/resolve`
  const said = { finding: 'not_paid', reason: 'nothing in the dashboard' }
  for (const _ of ['first', 'the same person again']) {
    const reply = await act(made, path, said, body.version)
    assert.equal(reply.status, 202, reply.text)
    const { dead_letter: letter } = deadLetterJson.parse(reply.body)
    assert.equal(letter.status, 'open')
    assert.partialDeepStrictEqual(letter.proposal, { by: 'Olga', ...said })
  }
  const headers = {
    authorization: 'Bearer token-of-another-operator',
    'if-match': String(body.version),
  }
  const done = await made.ask('POST', path, { as: null, body: said, headers })
  assert.deepEqual([done.status, done.body.state], [200, 'voided'], done.text)
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
  const made = await createParkedWorld()
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
  const made = await createParkedWorld({ engine: lookUpOf(view(shown)) })
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
  // No answer contradicts nothing: it is to be asked again.
  const { status, body, written } = await resolvePaid(() => null)
  assert.deepEqual([status, body.code, written], [503, 'processor_unreachable', 0])
  assert.equal(body.next_action.type, 'retry_same_key')
})
