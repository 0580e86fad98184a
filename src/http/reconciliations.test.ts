// Runs and breaks as operators see them.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createHttpWorld } from '../../test/http-world.ts'
import type { HttpWorld } from '../../test/http-world.ts'
import { keepBreaks } from '../engine/breaks.ts'
import type { Processor } from '../ports.ts'
import type { BreakJson, ReconciliationJson } from './reconciliations.ts'

const as = 'operator'

/** Its processor tells records, and has none. */
async function createRecordsWorld(): Promise<HttpWorld> {
  const made = await createHttpWorld()
  const processors = made.engine.processors as Map<string, Processor> // made for this test
  const model = processors.get('model')
  assert(model !== undefined)
  const page = { result: 'page', records: [], unreadable: [], cursor: null } as const
  processors.set('model', { ...model, records: async () => page })
  return made
}

async function withBreak(made: HttpWorld): Promise<BreakJson> {
  const difference = {
    type: 'amount_mismatch',
    paymentId: 'pay_1',
    objectId: 'ch_1',
    currency: 'EUR',
    valueAtRisk: 100,
    ours: 'captured, 1000 EUR captured',
    theirs: 'ch_1: captured, 900 EUR captured',
  } as const
  await keepBreaks(made.engine, { differences: [difference], processor: 'model', run: 'rec_1' })
  const { body } = await made.ask<{ data: BreakJson[] }>('GET', '/v1/breaks', { as })
  const [found] = body.data
  assert(found !== undefined)
  return found
}

test('a run that is asked for is stored and shown; a second one waits for its end', async () => {
  const { ask } = await createRecordsWorld()
  const begun = await ask<ReconciliationJson>('POST', '/v1/reconciliations', { as, body: {} })
  assert.deepEqual(
    [begun.status, begun.body.status, begun.body.requested_by],
    [202, 'running', 'Olga'],
  )
  const shown = await ask<ReconciliationJson>('GET', `/v1/reconciliations/${begun.body.id}`, { as })
  assert.deepEqual(shown.body, begun.body)
  const second = await ask('POST', '/v1/reconciliations', { as, body: {} })
  assert.deepEqual([second.status, second.body.code], [409, 'already_reconciling'])
})

test('a processor whose records nobody reads here is not compared: no run is left standing', async () => {
  const { ask, commits } = await createHttpWorld()
  const before = commits()
  const refused = await ask('POST', '/v1/reconciliations', { as, body: {} })
  assert.deepEqual([refused.status, refused.body.code], [404, 'not_found'])
  assert.equal(commits(), before)
})

test('a window that cannot be meant is refused, and nothing is stored', async () => {
  const { ask, commits } = await createRecordsWorld()
  const before = commits()
  const future = '2999-01-01T00:00:00Z'
  for (const [body, status] of [
    [{ from: future }, 400],
    [{ from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' }, 400],
    [{ from: 'yesterday' }, 400],
    [{ days: 3 }, 400],
    [{ processor: 'nobody' }, 404],
  ] as const) {
    const refused = await ask('POST', '/v1/reconciliations', { as, body })
    assert.equal(refused.status, status, JSON.stringify(body))
  }
  assert.equal(commits(), before)
})

test('a break is acted on as it was shown, with a reason, and the audit has it', async () => {
  const made = await createHttpWorld()
  const { ask } = made
  const { id, version } = await withBreak(made)
  const act = (name: string, shown: number, body: object = { reason: 'ticket 4711' }) =>
    ask<BreakJson & { code: string }>('POST', `/v1/breaks/${id}/${name}`, {
      as,
      body,
      headers: { 'if-match': `"${shown}"` },
    })
  assert.equal((await act('resolve', version, {})).status, 400)
  const taken = await act('investigate', version)
  assert.deepEqual([taken.status, taken.body.status, taken.body.by], [200, 'investigating', 'Olga'])
  const stale = await act('resolve', version)
  assert.deepEqual([stale.status, stale.body.code], [412, 'break_changed'])
  const over = await act('write_off', taken.body.version)
  assert.deepEqual([over.body.status, over.body.reason], ['written_off', 'ticket 4711'])
  const late = await act('resolve', over.body.version)
  assert.deepEqual([late.status, late.body.code], [409, 'break_ended'])
  const audit = await ask<{ data: { act: string; target: string }[] }>('GET', '/v1/audit', { as })
  const acts = new Set(audit.body.data.map(({ act: does, target }) => `${does} ${target}`))
  assert.deepEqual(acts, new Set([`break_investigate ${id}`, `break_write_off ${id}`]))
})

test('breaks are listed by status, and agents see none of it', async () => {
  const made = await createHttpWorld()
  await withBreak(made)
  const count = async (query: string): Promise<number> =>
    (await made.ask<{ data: unknown[] }>('GET', `/v1/breaks${query}`, { as })).body.data.length
  assert.deepEqual(
    [await count(''), await count('?status=resolved'), await count('?status=any')],
    [1, 0, 1],
  )
  for (const path of [
    '/v1/breaks',
    '/v1/reconciliations',
    '/v1/breaks/brk_0123456789abcdef0123456789',
  ]) {
    assert.equal((await made.ask('GET', path, { as: 'agent' })).status, 403, path)
  }
  const absent = await made.ask('GET', '/v1/breaks/brk_0123456789abcdef0123456789', { as })
  assert.equal(absent.status, 404)
})
