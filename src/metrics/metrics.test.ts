// What a scrape shows after payments that went well and payments that did not: read from outside,
// through the door, as Prometheus reads it.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

import { bill, createHttpWorld, tokens } from '../../test/http-world.ts'
import type { HttpWorld, HttpWorldOptions } from '../../test/http-world.ts'
import { rejectionTable } from '../core/rejections.ts'
import { states } from '../core/transitions.ts'
import { parseExposition, valueOf } from './testkit.ts'
import type { Family } from './testkit.ts'

const measuredWorld = (options: HttpWorldOptions = {}): Promise<HttpWorld> =>
  createHttpWorld({ metrics: true, ...options })

async function scrape({ ask }: HttpWorld): Promise<ReadonlyMap<string, Family>> {
  const { status, text } = await ask('GET', '/metrics', { as: 'operator' })
  assert.equal(status, 200, text)
  return parseExposition(text)
}

/** A world in which much has happened: a good end, a decline, a hold, a dead letter, refusals. */
async function eventfulWorld(): Promise<HttpWorld> {
  let decline = false
  let refuse = false
  const world = await measuredWorld({
    fault: (kind) => {
      if (decline && kind === 'authorise') return 'decline'
      return refuse && kind !== 'look_up' ? 'refused' : null
    },
    accountMandate: {
      version: 1,
      limits: { EUR: { perPayment: null, perDay: null, approvalAbove: 5_000 } },
    },
  })
  const { pay, toRest, ask } = world
  await toRest((await pay({ reference: 'INV-1' })).id)
  await toRest((await pay({ reference: 'INV-2', amount: 2_000 })).id)
  decline = true
  await toRest((await pay({ reference: 'INV-3', amount: 3_000 })).id)
  decline = false
  await pay({ reference: 'INV-4', amount: 6_000 })
  refuse = true
  await toRest((await pay({ reference: 'INV-5', amount: 4_000 })).id)
  await ask('POST', '/v1/payments', { key: 'other', body: { ...bill, reference: 'INV-1' } })
  await ask('POST', '/v1/payments', { key: 'other', body: { ...bill, amount: -1 } })
  await ask('GET', '/v1/payments', { as: null })
  return world
}

test('an operator reads the metrics; an agent gets 403 and nobody 401', async () => {
  const { ask } = await measuredWorld()
  const read = await ask('GET', '/metrics', { as: 'operator' })
  assert.equal(read.status, 200)
  assert.equal(read.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8')
  assert.equal(read.headers.get('cache-control'), 'no-store')
  const agent = await ask('GET', '/metrics')
  assert.deepEqual([agent.status, agent.body.code], [403, 'forbidden'])
  const nobody = await ask('GET', '/metrics', { as: null })
  assert.deepEqual([nobody.status, nobody.body.code], [401, 'unauthenticated'])
  assert.doesNotMatch(agent.text + nobody.text, /quittance_payments/)
})

test('where no metrics are kept, there are none to be read', async () => {
  const { ask } = await createHttpWorld()
  assert.equal((await ask('GET', '/metrics', { as: 'operator' })).status, 404)
})

test('payments are counted by state, holds by reason, events by type', async () => {
  const families = await scrape(await eventfulWorld())
  const inState = (state: string) => valueOf(families, 'quittance_payments', { state })
  assert.deepEqual(Object.fromEntries(states.map((state) => [state, inState(state)])), {
    initiated: 1,
    validated: 1,
    authorised: 0,
    captured: 0,
    settled: 2,
    refunded: 0,
    declined: 1,
    rejected: 0,
    voided: 0,
    expired: 0,
  })
  const held = { reason: 'approval_required' }
  assert.equal(valueOf(families, 'quittance_held_payments', held), 1)
  assert.equal(valueOf(families, 'quittance_dead_letters'), 1)
  const events = (type: string) => valueOf(families, 'quittance_events_total', { type })
  assert.deepEqual(['claimed', 'captured', 'declined', 'parked'].map(events), [5, 2, 1, 1])
})

test('calls are counted by operation and outcome, and payments by the time to their state', async () => {
  const families = await scrape(await eventfulWorld())
  const calls = (operation: string, outcome: string) =>
    valueOf(families, 'quittance_processor_call_seconds_count', {
      processor: 'model',
      operation,
      outcome,
    })
  assert.equal(calls('authorise', 'succeeded'), 2)
  assert.equal(calls('authorise', 'declined'), 1)
  assert.equal(calls('capture', 'succeeded'), 2)
  assert.ok((calls('authorise', 'not_executed') ?? 0) >= 3)
  assert.equal(valueOf(families, 'quittance_payment_seconds_count', { state: 'captured' }), 2)
})

test('refusals are counted by the code that was told, from nothing on', async () => {
  const families = await scrape(await eventfulWorld())
  const refused = (code: string) => valueOf(families, 'quittance_rejections_total', { code })
  assert.equal(refused('duplicate_reference'), 1)
  assert.equal(refused('invalid_request'), 1)
  assert.equal(refused('unauthenticated'), 1)
  for (const code of Object.keys(rejectionTable)) assert.notEqual(refused(code), null, code)
})

test('an unknown outcome ages from its first send, also past the dead letter, until it is known', async () => {
  let answers = false
  const world = await measuredWorld({
    fault: (kind) => {
      if (answers) return null
      return kind === 'look_up' ? 'no_answer' : 'lost_after'
    },
  })
  const { id } = await world.pay()
  const claimedMs = world.world.hand.nowMs
  await world.toRest(id)
  world.world.hand.nowMs += 60_000
  const waiting = await scrape(world)
  const ageSeconds = (world.world.hand.nowMs - claimedMs) / 1000
  assert.equal(valueOf(waiting, 'quittance_unknown_payments'), 1)
  assert.equal(valueOf(waiting, 'quittance_dead_letters'), 1)
  const shown = valueOf(waiting, 'quittance_unknown_oldest_seconds') ?? 0
  assert.ok(shown > ageSeconds - 5 && shown <= ageSeconds, `${shown} of ${ageSeconds}`)
  answers = true
  const { body } = await world.ask('GET', `/v1/payments/${id}`)
  const headers = { 'if-match': String(body.version) }
  const act = { as: 'operator', body: { reason: 'it is back' }, headers } as const
  assert.equal((await world.ask('POST', `/v1/dead-letters/${id}/redrive`, act)).status, 200)
  await world.toRest(id)
  const known = await scrape(world)
  assert.equal(valueOf(known, 'quittance_unknown_payments'), 0)
  assert.equal(valueOf(known, 'quittance_unknown_oldest_seconds'), 0)
  assert.equal(valueOf(known, 'quittance_dead_letters'), 0)
})

test('what is overdue and what no publisher has taken is told by its age', async () => {
  const world = await measuredWorld()
  const { engine } = world
  await world.pay()
  world.world.hand.nowMs += 7_000
  const late = await scrape(world)
  assert.equal(valueOf(late, 'quittance_due_oldest_seconds'), 7)
  const lag = { publisher: 'ledger' }
  assert.equal(valueOf(late, 'quittance_outbox_lag_seconds', lag), 7)
  await engine.store.acknowledge('ledger', (await engine.store.unpublished('ledger', 100)).receipt)
  assert.equal(valueOf(await scrape(world), 'quittance_outbox_lag_seconds', lag), 0)
})

test('a breaker is in one state of three', async () => {
  const families = await scrape(await measuredWorld())
  const shown = ['closed', 'half_open', 'open'].map((state) =>
    valueOf(families, 'quittance_breaker_state', { processor: 'model', state }),
  )
  assert.deepEqual(shown, [1, 0, 0])
})

// ── What a scrape may never show ─────────────────────────────────────────────────────────────────

/** Every value that a label may have; the rest of the world must not leak into them. */
const closedLabels: Readonly<Record<string, readonly string[] | RegExp>> = {
  state: [...states, 'open', 'half_open', 'closed'],
  processor: ['model'],
  publisher: ['ledger'],
  operation: ['create', 'authorise', 'capture', 'void', 'refund', 'look_up'],
  outcome: 'succeeded declined not_executed pending unknown found not_found no_answer'.split(' '),
  code: Object.keys(rejectionTable),
  reason: ['approval_required', 'possible_duplicate', 'action_required', 'processor_changed'],
  type: /^[a-z_]{1,24}$/,
  kind: /^[a-z_]{1,24}$/,
  le: /^(\+Inf|[0-9.]+)$/,
}

test('labels have values from closed lists, and every family says what it is', async () => {
  const families = await scrape(await eventfulWorld())
  const own = [...families.values()].filter(({ name }) => name.startsWith('quittance_'))
  assert.ok(own.length > 10)
  for (const { name, samples } of own) {
    for (const { labels } of samples) {
      for (const [label, value] of Object.entries(labels)) {
        const allowed = closedLabels[label]
        const isIn = allowed instanceof RegExp ? allowed.test(value) : allowed?.includes(value)
        assert.ok(isIn, `${name}: ${label}="${value}"`)
      }
    }
  }
})

test('nothing secret and nobody’s name is in a scrape', async () => {
  const world = await eventfulWorld()
  const { text } = await world.ask('GET', '/metrics', { as: 'operator' })
  const secrets = [
    ...Object.values(tokens),
    'key-1',
    'ACME',
    'INV-',
    'agent_1',
    'account_1',
    'pay_',
  ]
  for (const secret of secrets) assert.ok(!text.includes(secret), secret)
})

test('twenty payments make no more series than one', async () => {
  const world = await measuredWorld()
  const count = async () => [...(await scrape(world)).values()].flatMap((f) => f.samples).length
  await world.toRest((await world.pay({ reference: 'INV-0' })).id)
  const before = await count()
  for (let number = 1; number <= 20; number += 1) {
    const change = { reference: `INV-${number}`, payee: `payee ${number}`, amount: 100 + number }
    await world.toRest((await world.pay(change)).id)
  }
  assert.equal(await count(), before)
})

// ── The page ─────────────────────────────────────────────────────────────────────────────────────

test('the reference page names every metric of ours with its type and labels, in this order', async () => {
  const world = await eventfulWorld()
  const { meter } = world.engine
  meter.slotWaited('model', 3)
  meter.alarmed('parked')
  const families = await scrape(world)
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `(quittance_\w+)` \| (\w+) \| (.*?) \|/gm)]
  const documented = rows.map(([, name = '', type = '', labels = '']) =>
    lineOf(
      name,
      type,
      [...labels.matchAll(/`(\w+)`/g)].map(([, label = '']) => label),
    ),
  )
  const measured = [...families.values()]
    .filter(({ name }) => name.startsWith('quittance_'))
    .map(({ name, type, samples }) =>
      lineOf(
        name,
        type,
        samples.flatMap(({ labels }) => Object.keys(labels)),
      ),
    )
  assert.deepEqual(documented, measured)
})

function lineOf(name: string, type: string, labels: readonly string[]): string {
  const distinct = [...new Set(labels)].filter((label) => label !== 'le')
  return [name, type, ...distinct.toSorted((a, b) => a.localeCompare(b))].join(' ')
}

test('what became of news further on is told: put aside, pending, given up, and how old', async () => {
  const { ask } = await createHttpWorld({ metrics: true })
  const { text } = await ask('GET', '/metrics', { as: 'operator' })
  for (const line of [
    'quittance_events_put_aside{publisher="ledger"} 2',
    'quittance_webhook_deliveries_pending 3',
    'quittance_webhook_dead_letters 1',
    'quittance_webhook_oldest_seconds 5',
  ]) {
    assert.ok(text.includes(`${line}\n`), line)
  }
})
