// Events on their way out: at least once, in order, marked only where everything before is known to be
// delivered.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { stamp } from '../core/evolve.ts'
import type { Fact, FactType, PaymentEvent } from '../core/payment.ts'
import type { EventItem } from '../stores/dynamodb/event-items.ts'
import { openBus } from './bus.ts'
import type { Outgoing } from './bus.ts'
import { executionName, dispatchBatch } from './dispatch.ts'
import { relayPayment, rememberDelivered } from './relays.ts'
import type { Relaying } from './relays.ts'
import { drives, fromMessage, openWorkQueue } from './work.ts'
import type { Work } from './work.ts'

const claim: Fact = {
  type: 'claimed',
  terms: build.terms,
  notAfterMs: build.t0,
  approval: null,
  distinctFrom: [],
  reason: null,
}
const history: readonly PaymentEvent[] = stamp(
  'pay_1',
  0,
  [
    claim,
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    build.authorised(),
    build.captured(),
  ],
  build.t0,
)

const about = { agent: 'agt_1', account: 'acc_1', processor: 'simulated', run: 1 }

/** Events from one number through another; at rest after the last of all. */
function item(from: number, through: number): EventItem {
  return {
    paymentId: 'pay_1',
    events: history.slice(from - 1, through),
    prevSeq: from - 1,
    throughSeq: through,
    about: { ...about, dueAtMs: through === history.length ? null : build.t0 },
  }
}

function world(
  options: { readonly loses?: (seq: number) => boolean; readonly queueIsAway?: boolean } = {},
) {
  const published: number[] = []
  const sent: Work[] = []
  const marks: number[] = []
  const relaying = (delivered = rememberDelivered()): Relaying => ({
    bus: {
      put: async (outgoing: readonly Outgoing[]) =>
        outgoing.map(({ event }) => {
          if (options.loses?.(event.seq) === true) return false
          published.push(event.seq)
          return true
        }),
    },
    queue: {
      send: async (work) => {
        if (options.queueIsAway === true) return work.map(() => false)
        sent.push(...work)
        return work.map(() => true)
      },
    },
    table: {
      markDelivered: async (_, seq) => {
        marks.push(seq)
        return 'at_rest'
      },
      events: async (_, afterSeq, limit) => history.slice(afterSeq, afterSeq + limit),
    },
    nowMs: () => build.t0,
    log: () => undefined,
    delivered,
  })
  return { relaying, published, sent, marks, options }
}

test('a payment whose events come one after the other has one mark, at its end', async () => {
  const { relaying, published, sent, marks } = world()
  const relay = relaying()
  for (const [from, through] of [
    [1, 1],
    [2, 3],
    [4, 5],
  ] as const) {
    assert.equal(await relayPayment(relay, [item(from, through)]), true)
  }
  assert.deepEqual(published, [1, 2, 3, 4, 5])
  assert.deepEqual(marks, [5])
  assert.deepEqual(
    sent.map(({ seq, run }) => [seq, run]),
    [[null, 1]],
  )
})

test('what comes again is published again at most by another instance, and marked once known', async () => {
  const { relaying, published, marks } = world()
  const first = relaying()
  await relayPayment(first, [item(1, 3)])
  await relayPayment(first, [item(1, 3), item(4, 5)])
  assert.deepEqual(published, [1, 2, 3, 4, 5])
  // A new instance does not know what became of the first three: it says them again, then marks.
  await relayPayment(relaying(), [item(4, 5)])
  assert.deepEqual(published, [1, 2, 3, 4, 5, 1, 2, 3, 4, 5])
  assert.deepEqual(marks, [5, 5])
})

test('a gap that an instance has not seen delivered is closed before the mark, however it goes on', async () => {
  const { relaying, published, marks } = world()
  const relay = relaying()
  // The first event came to another instance, which may have given it up.
  await relayPayment(relay, [item(2, 3)])
  assert.deepEqual([published, marks], [[2, 3], []])
  await relayPayment(relay, [item(4, 5)])
  assert.deepEqual(published, [2, 3, 1, 2, 3, 4, 5])
  assert.deepEqual(marks, [5])
})

test('a mark that cannot be stored keeps the stream from nothing', async () => {
  const { relaying, published } = world()
  const logged: string[] = []
  const relay: Relaying = {
    ...relaying(),
    table: { ...relaying().table, markDelivered: () => Promise.reject(new Error('away')) },
    log: ({ kind }) => void logged.push(kind),
  }
  assert.equal(await relayPayment(relay, [item(1, 5)]), true)
  assert.deepEqual([published, logged], [[1, 2, 3, 4, 5], ['mark_not_stored']])
})

test('what the bus does not take is given back, and nothing after it counts as delivered', async () => {
  let isAway = true
  const made = world({ loses: (seq) => seq === 4 && isAway })
  const relay = made.relaying()
  assert.equal(await relayPayment(relay, [item(1, 3), item(4, 5)]), false)
  assert.deepEqual(made.marks, [])
  assert.equal(relay.delivered.through('pay_1'), 3)
  isAway = false
  assert.equal(await relayPayment(relay, [item(4, 5)]), true)
  assert.deepEqual(made.marks, [5])
})

test('a payment that nobody was sent to drive is not marked', async () => {
  const { relaying, marks } = world({ queueIsAway: true })
  assert.equal(await relayPayment(relaying(), [item(1, 5)]), false)
  assert.deepEqual(marks, [])
})

test('an instance remembers so many payments, and forgets the one that was quiet longest', () => {
  const delivered = rememberDelivered(2)
  for (const id of ['a', 'b', 'a', 'c']) delivered.note(id, 1)
  assert.deepEqual(['a', 'b', 'c'].map(delivered.through), [1, 0, 1])
})

test('a 200 of the bus says nothing about its entries: each has its own answer', async () => {
  const sizes: number[] = []
  const client = {
    send: async ({ input }: { input: { Entries: unknown[] } }) => {
      sizes.push(input.Entries.length)
      return {
        Entries: input.Entries.map((_, place) =>
          place === 1 ? { ErrorCode: 'ThrottlingException' } : { EventId: 'e' },
        ),
      }
    },
  }
  const bus = openBus('bus', client)
  const outgoing = Array.from({ length: 12 }, (): Outgoing => {
    const [event] = history
    assert(event !== undefined)
    return { event, prevSeq: 0, agent: 'agt_1', account: 'acc_1', drive: true }
  })
  const taken = await bus.put(outgoing)
  assert.deepEqual(sizes, [10, 2])
  assert.deepEqual(
    taken.flatMap((is, place) => (is ? [] : [place])),
    [1, 11],
  )
  const away = openBus('bus', { send: () => Promise.reject(new Error('away')) })
  assert.deepEqual(await away.put(outgoing.slice(0, 2)), [false, false])
})

test('work goes under its agent, and comes back as it was sent', async () => {
  const sent: { MessageBody: string; MessageGroupId: string }[] = []
  const client = {
    send: async ({ input }: { input: { Entries: (typeof sent)[number][] } }) => {
      sent.push(...input.Entries)
      return { Successful: [{ Id: '0' }] }
    },
  }
  const id = 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6'
  const work: Work = { paymentId: id, run: 3, processor: 'simulated', seq: 7, agent: 'agt_1' }
  const queue = openWorkQueue('url', client)
  assert.deepEqual(await queue.send([work, work]), [true, false])
  assert.equal(sent[0]?.MessageGroupId, 'agt_1')
  assert.deepEqual(fromMessage(sent[0]?.MessageBody ?? ''), work)
  for (const body of ['', '{}', '[]', 'null', JSON.stringify({ ...work, payment_id: '../x' })]) {
    assert.equal(fromMessage(body), null, body)
  }
})

/** A new kind of event does not compile until somebody has thought about who drives it. */
const driving: Readonly<Record<FactType, boolean>> = {
  claimed: true,
  approved: true,
  capture_requested: true,
  void_requested: true,
  refund_requested: true,
  redriven: true,
  resolved: true,
  validated: false,
  attempt_opened: false,
  sent_again: false,
  observed: false,
  inquired: false,
  object_created: false,
  authorised: false,
  captured: false,
  capture_declined: false,
  settlement_asked: false,
  settled: false,
  declined: false,
  object_cancelled: false,
  rejected: false,
  void_too_late: false,
  voided: false,
  expired: false,
  refund_succeeded: false,
  refund_failed: false,
  amount_reversed: false,
  held: false,
  hold_lifted: false,
  parked: false,
  corrected: false,
  duplicate_found: false,
}

test('what drives comes from outside of a run, and nothing that a run itself does', () => {
  for (const [type, expected] of Object.entries(driving)) {
    assert.equal(drives({ type: type as FactType }), expected, type) // a key of the table
  }
})

test('a run is started once: a name that is taken is done, a throttle comes again', async () => {
  const names: string[] = []
  const errors: (string | null)[] = [null, 'ExecutionAlreadyExists', 'ThrottlingException']
  const client = {
    send: async ({ input }: { input: { name: string; input: string } }) => {
      names.push(`${input.name} ${input.input}`)
      const name = errors.shift()
      if (name != null) throw Object.assign(new Error(name), { name })
      return {}
    },
  }
  const id = 'pay_01JD4Z0M8QW3R5T7V9X1B2C4D6'
  const body = (seq: number | null, processor = 'simulated') =>
    JSON.stringify({ payment_id: id, run: 1, processor, seq, agent: 'a' })
  const given = { client, machines: { simulated: 'arn' }, epoch: '1' }
  const Records = [body(null), body(9), body(null), body(null, 'nobody'), 'x'].map(
    (each, place) => ({
      messageId: String(place),
      body: each,
    }),
  )
  const { batchItemFailures } = await dispatchBatch(given, { Records })
  assert.deepEqual(
    batchItemFailures.map(({ itemIdentifier }) => itemIdentifier),
    ['2', '3', '4'],
  )
  const input = JSON.stringify({ paymentId: id, run: 1 })
  assert.deepEqual(names.slice(0, 2), [`1-${id}-1 ${input}`, `1-${id}-1-9 ${input}`])
  const long = { paymentId: id, run: 99_999, processor: 'p', seq: 9_999_999, agent: 'a' }
  assert(executionName('999', long).length <= 80)
})
