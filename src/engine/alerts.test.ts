// Alerts as a person gets them: in time, once, and again only where that is worth it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAlertWorld, testSink } from '../../test/alert-world.ts'
import type { AlertWorld } from '../../test/alert-world.ts'
import { alertTable } from '../core/alerts.ts'
import type { AlertKind, Notice } from '../core/alerts.ts'
import { closedBreaker } from '../core/breaker.ts'
import { processorKey, stopKey } from '../core/control.ts'
import type { Payment, Source } from '../core/payment.ts'
import type { Store } from '../ports.ts'
import { initiated, paymentRow, put, putPayment } from '../stores/contract/builders.ts'
import { openMemoryStore } from '../stores/memory.ts'
import { openSqliteStore } from '../stores/sqlite/store.ts'
import type { Alarm } from './engine.ts'

const inTimeMs = 5_000
const hourMs = 3_600_000

const source = (cause: string): Source => ({
  source: 'answer',
  attemptId: 'att_1',
  send: 1,
  cause,
  askedAtMs: 1,
  status: 500,
  requestId: null,
  excerpt: 'sk_live_secret',
})

const object = {
  objectId: 'ch_1',
  attemptId: null,
  status: 'captured',
  amount: 1,
  currency: 'EUR',
  amountAuthorised: 1,
  amountCaptured: 1,
  amountReversed: 0,
  authorisationExpiresAtMs: null,
  decline: null,
  actionUrl: null,
  settlement: null,
  refunds: [],
} as const

const by = source('ok')

const observed = (cause: string) => (world: AlertWorld) =>
  world.happen('pay_1', {
    type: 'observed',
    target: { kind: 'authorise' },
    sends: 1,
    outcome: 'unknown',
    retryAtMs: null,
    by: source(cause),
  })

const held = (
  reason: 'approval_required' | 'possible_duplicate' | 'action_required' | 'processor_changed',
) => ({
  cause: (world: AlertWorld) => world.hold('pay_1', reason),
  end: (world: AlertWorld) => world.commit(putPayment(paymentRow(initiated('pay_1')))),
})

const key = ({ engine }: AlertWorld): string => {
  const [processor] = engine.processors.values()
  return processor === undefined ? '' : processorKey(processor.binding)
}

const switched = (halted: boolean) => ({ halted, by: 'Olga', reason: 'secret words', atMs: 1 })

const alarmed = (kind: Alarm['kind']) => async (world: AlertWorld) =>
  world.engine.alarm({ kind, paymentId: 'pay_1', detail: 'secret words' })

const due = (atMs: number | null) => (world: AlertWorld) =>
  world.commit(
    putPayment(
      paymentRow(initiated('pay_1'), atMs === null ? null : world.engine.clock.nowMs() + atMs),
    ),
  )

const seenBesides = (kind: AlertKind) => ({
  cause: async (world: AlertWorld) => {
    const group = { kind, subject: 'whe_1', detail: '' } as const
    world.sightings = [{ group, count: 2, paymentIds: ['pay_1'] }]
  },
  end: async (world: AlertWorld) => {
    world.sightings = []
  },
})

interface Cause {
  readonly cause: (world: AlertWorld) => Promise<void>
  /** What has happened has no end. */
  readonly end?: (world: AlertWorld) => Promise<void>
}

const causes: { readonly [K in AlertKind]: Cause | null } = {
  dead_letter: { cause: (w) => w.park('pay_1'), end: (w) => w.unpark('pay_1') },
  approval_required: held('approval_required'),
  possible_duplicate: held('possible_duplicate'),
  action_required: held('action_required'),
  processor_changed: held('processor_changed'),
  breaker_open: {
    cause: (w) => w.commit(put('breaker', key(w), { ...closedBreaker, state: 'open' })),
    end: (w) => w.commit(put('breaker', key(w), closedBreaker)),
  },
  processor_paused: {
    cause: (w) => w.commit(put('control', key(w), switched(true))),
    end: (w) => w.commit(put('control', key(w), switched(false))),
  },
  stopped: {
    cause: (w) => w.commit(put('control', stopKey, switched(true))),
    end: (w) => w.commit(put('control', stopKey, switched(false))),
  },
  unknown_too_long: {
    cause: async ({ engine }) => {
      const after = unknownSince(engine.clock.nowMs() - 900_000)
      engine.meter.committed({ before: null, after, events: [] })
    },
    end: async (world) => {
      // Before, an unknown that this process has not met yet could be forgotten.
      world.leap(360_000)
      await world.pass(inTimeMs)
      world.engine.meter.committed({ before: null, after: initiated('pay_1'), events: [] })
    },
  },
  payments_overdue: { cause: due(-60_000), end: due(60_000) },
  outbox_lag: {
    cause: async (w) => {
      await w.happen('pay_1', { type: 'validated' })
      w.leap(60_000)
    },
    end: async ({ engine: { store } }) => {
      const page = await store.unpublished('ledger', 500)
      await store.acknowledge('ledger', page.receipt)
    },
  },
  events_put_aside: seenBesides('events_put_aside'),
  webhook_disabled: seenBesides('webhook_disabled'),
  store_set_back: seenBesides('store_set_back'),
  webhook_dead_letters: seenBesides('webhook_dead_letters'),
  corrected: { cause: (w) => w.happen('pay_1', { type: 'corrected', to: 'captured', object, by }) },
  duplicate_object: { cause: (w) => w.happen('pay_1', { type: 'duplicate_found', object, by }) },
  key_mismatch: { cause: observed('key_mismatch') },
  mismatched_answer: { cause: observed('mismatched_answer') },
  unreadable: { cause: observed('unreadable') },
  replayed_first_send: { cause: alarmed('replayed_first_send') },
  evidence_not_stored: { cause: alarmed('evidence_not_stored') },
  clock_jumped: { cause: alarmed('clock_jumped') },
  bug: { cause: alarmed('bug') },
  // Nothing finds one yet.
  reconciliation_break: null,
}

function unknownSince(atMs: number): Payment {
  const send = {
    number: 1,
    atMs,
    recoverAtMs: atMs,
    outcome: 'unknown',
    cause: null,
    retryAtMs: null,
  } as const
  const request = { amount: 1, objectId: null, oneStep: false, apiVersion: '1' }
  const attempt = { id: 'att_1', number: 1, request, sends: [send] }
  const inquiries = { count: 0, lastAtMs: 0, answered: false, absentAtMs: [] }
  const operation = {
    kind: 'authorise',
    attempt,
    earlierSends: 0,
    inquiries,
    forgivenSends: 0,
    storesDeclines: true,
  } as const
  return { ...initiated('pay_1'), state: 'validated', operation }
}

const lines = (told: readonly Notice[]): readonly string[] =>
  told.map(({ status, alert, count }) => `${status} ${alert} ${count}`)

for (const [kind, each] of Object.entries(causes)) {
  if (each === null) continue
  const { cause, end } = each
  test(`${kind} is told within five seconds, once, also after a restart`, async () => {
    // At each moment between two looks.
    for (const offsetMs of [0, 900, 1_900]) {
      const sink = testSink('s')
      const world = await createAlertWorld({ sinks: [sink], publishers: ['ledger'] })
      await world.pass(offsetMs)
      await cause(world)
      await world.pass(inTimeMs)
      const ofKind = sink.told.filter((notice) => notice.kind === kind)
      assert.equal(ofKind.length, 1, `${lines(sink.told).join()} at ${offsetMs}`)
      const [notice] = ofKind
      assert.equal(notice?.status, 'firing')
      assert.equal(notice?.runbook, `docs/guides/alerts.md#${kind}`)
      assert.doesNotMatch(JSON.stringify(sink.told), /secret|Olga|Müller|INV-1/)
      if (kind !== 'unknown_too_long') await world.restart()
      await world.pass(60_000)
      assert.equal(sink.told.filter((told) => told.kind === kind).length, 1)
    }
  })

  test(`${kind} is ${end === undefined ? 'never resolved' : 'resolved once, when it is over'}`, async () => {
    const sink = testSink('s')
    const world = await createAlertWorld({ sinks: [sink], publishers: ['ledger'] })
    await cause(world)
    await world.pass(inTimeMs)
    if (end === undefined) world.leap(25 * hourMs)
    else await end(world)
    await world.pass(inTimeMs)
    await world.restart()
    await world.pass(60_000)
    const statuses = sink.told.filter((told) => told.kind === kind).map(({ status }) => status)
    assert.deepEqual(statuses, end === undefined ? ['firing'] : ['firing', 'resolved'])
    const [row] = await world.engine.store.read([
      { table: 'alert', key: sink.told.find((told) => told.kind === kind)?.alert ?? '' },
    ])
    assert.equal(row?.value.status, 'resolved')
  })
}

test('every kind has a test of its own', () => {
  assert.deepEqual(Object.keys(causes).toSorted(), Object.keys(alertTable).toSorted())
})

// ── Grouped, and told again only where it is worth it ────────────────────────────────────────────

const one = async (): Promise<{ world: AlertWorld; told: Notice[] }> => {
  const sink = testSink('s')
  return { world: await createAlertWorld({ sinks: [sink] }), told: sink.told }
}

test('dead letters of one processor and reason are one alert, of another reason another', async () => {
  const { world, told } = await one()
  for (let index = 1; index <= 8; index += 1) await world.park(`pay_${index}`)
  await world.park('pay_9', 'configuration')
  await world.pass(inTimeMs)
  assert.deepEqual(lines(told).toSorted(), [
    'firing dead_letter/simulated/configuration 1',
    'firing dead_letter/simulated/outcome_unknown 8',
  ])
  const ids = told.find(({ count }) => count === 8)?.paymentIds
  assert.equal(ids?.length, 5)
})

test('what comes at once is gathered before it is told', async () => {
  const { world, told } = await one()
  // The look comes right after the first of them.
  await world.pass(1_800)
  await world.park('pay_1')
  await world.pass(200)
  for (let index = 2; index <= 9; index += 1) await world.park(`pay_${index}`)
  await world.pass(inTimeMs)
  assert.deepEqual(lines(told), ['firing dead_letter/simulated/outcome_unknown 9'])
})

test('what is no dead letter any more when its event is read is no alert', async () => {
  const { world } = await one()
  await world.park('pay_1')
  await world.unpark('pay_1')
  await world.pass(400)
  const { rows } = await world.engine.store.scan({ table: 'alert', limit: 1 })
  assert.deepEqual(rows, [])
})

test('an age that fires at a minute is over at half a minute, so that it does not flap', async () => {
  const { world, told } = await one()
  const lateBy = (ms: number) => due(-ms)(world)
  await lateBy(60_000)
  await world.pass(2_000)
  await lateBy(40_000)
  await world.pass(2_000)
  assert.deepEqual(lines(told), ['firing payments_overdue 1'])
  await lateBy(20_000)
  await world.pass(2_000)
  assert.deepEqual(lines(told).slice(1), ['resolved payments_overdue 1'])
  await lateBy(40_000)
  await world.pass(2_000)
  assert.equal(told.length, 2)
})

test('one that grows is told again at ten times as many, and not at once', async () => {
  const { world, told } = await one()
  await world.park('pay_1')
  await world.pass(inTimeMs)
  for (let index = 2; index <= 9; index += 1) await world.park(`pay_${index}`)
  await world.pass(90_000)
  assert.deepEqual(lines(told), ['firing dead_letter/simulated/outcome_unknown 1'])
  await world.park('pay_10')
  await world.pass(inTimeMs)
  assert.deepEqual(lines(told).slice(1), ['firing dead_letter/simulated/outcome_unknown 10'])
  for (let index = 11; index <= 100; index += 1) await world.park(`pay_${index}`)
  await world.pass(50_000)
  assert.equal(told.length, 2, 'within a minute of the last time')
  await world.pass(20_000)
  assert.deepEqual(lines(told).slice(2), ['firing dead_letter/simulated/outcome_unknown 100'])
})

test('one that goes on is told again after an hour; an event only if there were more', async () => {
  const { world, told } = await one()
  await world.park('pay_1')
  await world.happen('pay_2', { type: 'corrected', to: 'captured', object, by })
  await world.pass(inTimeMs)
  assert.equal(told.length, 2)
  world.leap(hourMs)
  await world.pass(inTimeMs)
  assert.deepEqual(lines(told).slice(2), ['firing dead_letter/simulated/outcome_unknown 1'])
  await world.happen('pay_3', { type: 'corrected', to: 'captured', object, by })
  await world.pass(inTimeMs)
  assert.deepEqual(lines(told).slice(3), ['firing corrected 2'])
})

test('what was over before it was told is not told at all', async () => {
  const { world, told } = await one()
  await world.park('pay_1')
  await world.pass(200)
  await world.unpark('pay_1')
  await world.pass(60_000)
  assert.deepEqual(told, [])
})

test('one that fires anew has a notice of its own, under the same alert', async () => {
  const { world, told } = await one()
  for (let round = 0; round < 2; round += 1) {
    await world.park('pay_1')
    await world.pass(inTimeMs)
    await world.unpark('pay_1')
    await world.pass(inTimeMs)
  }
  assert.deepEqual(
    told.map(({ status }) => status),
    ['firing', 'resolved', 'firing', 'resolved'],
  )
  assert.equal(new Set(told.map(({ alert }) => alert)).size, 1)
  assert.equal(new Set(told.map(({ id }) => id)).size, 4)
})

test('ten thousand dead letters at once are one notice, and a bounded look', async () => {
  const sink = testSink('s')
  const store = openSqliteStore({ file: ':memory:' })
  let pages = 0
  let writes = 0
  const counted: Store = {
    ...store,
    scan: async (query) => {
      pages += 1
      return store.scan(query)
    },
    commit: async (each) => {
      if (each.actions.some((action) => action.do === 'put' && action.table === 'alert'))
        writes += 1
      return store.commit(each)
    },
  }
  const world = await createAlertWorld({ sinks: [sink], store: counted })
  await Promise.all(Array.from({ length: 10_000 }, (_, index) => world.park(`pay_${index}`)))
  pages = 0
  await world.pass(120_000)
  assert.equal(sink.told.length, 1, lines(sink.told).join())
  assert.ok((sink.told[0]?.count ?? 0) >= 1_000, 'gathered before it is told')
  // Sixty looks of six pages; a write for each page of events, each notice and each whole walk.
  assert.ok(pages <= 60 * 6, `${pages} pages`)
  assert.ok(writes <= 30, `${writes} writes`)
  const [row] = await store.read([{ table: 'alert', key: sink.told[0]?.alert ?? '' }])
  assert.equal(row?.value.count, 10_000)
  await store.close()
})

// ── Crashes ──────────────────────────────────────────────────────────────────────────────────────

test('a crash between counting an event and acknowledging it neither counts nor tells it twice', async () => {
  const { world, told } = await one()
  for (const id of ['pay_1', 'pay_2']) {
    await world.happen(id, { type: 'corrected', to: 'captured', object, by })
  }
  await world.publish()
  await world.restart()
  await world.happen('pay_3', { type: 'corrected', to: 'captured', object, by })
  await world.pass(inTimeMs)
  await world.publish()
  await world.pass(hourMs / 60)
  assert.deepEqual(lines(told), ['firing corrected 3'])
})

test('an event that was committed before a crash is told after it', async () => {
  const { world, told } = await one()
  await world.happen('pay_1', { type: 'corrected', to: 'captured', object, by })
  world.leap(hourMs)
  await world.restart()
  await world.pass(inTimeMs)
  assert.deepEqual(lines(told), ['firing corrected 1'])
})

test('history of more than a day calls nobody', async () => {
  const { world, told } = await one()
  await world.happen('pay_1', { type: 'corrected', to: 'captured', object, by })
  world.leap(25 * hourMs)
  await world.pass(inTimeMs)
  assert.deepEqual(told, [])
})

test('an unknown that a new process has not met yet is not called over', async () => {
  const { world, told } = await one()
  const meet = (): void => {
    const after = unknownSince(world.engine.clock.nowMs() - 900_000)
    world.engine.meter.committed({ before: null, after, events: [] })
  }
  meet()
  await world.pass(inTimeMs)
  await world.restart()
  await world.pass(120_000)
  meet()
  world.leap(400_000)
  await world.pass(inTimeMs)
  assert.deepEqual(lines(told), ['firing unknown_too_long 1'])
})

test('an alarm waits in memory until the store takes it', async () => {
  let isAway = false
  const sink = testSink('s')
  const store = openMemoryStore({ onCommit: () => (isAway ? 'drop' : 'normal') })
  const world = await createAlertWorld({ sinks: [sink], store })
  isAway = true
  world.engine.alarm({ kind: 'bug', paymentId: 'pay_1', detail: 'secret words' })
  await world.alerts.look(world.engine).catch(() => undefined)
  world.engine.alarm({ kind: 'bug', paymentId: 'pay_2', detail: 'secret words' })
  isAway = false
  await world.pass(inTimeMs)
  assert.deepEqual(lines(sink.told), ['firing bug 2'])
  assert.deepEqual(sink.told[0]?.paymentIds, ['pay_1', 'pay_2'])
})
