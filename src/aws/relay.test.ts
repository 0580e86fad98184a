// Batches of the stream: what is given back, what is left, and, over random lives of streams and instances,
// that nothing is ever marked as delivered that was not.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import * as build from '../../test/build.ts'
import { stamp } from '../core/evolve.ts'
import type { Fact, PaymentEvent } from '../core/payment.ts'
import { eventAttributes, readEventItem } from '../stores/dynamodb/event-items.ts'
import { eventSortKey } from '../stores/dynamodb/places.ts'
import { relayBatch } from './relay.ts'
import type { StreamEvent } from './relay.ts'
import { rememberDelivered } from './relays.ts'
import type { Relaying } from './relays.ts'
import type { Work } from './work.ts'

type StreamRecord = StreamEvent['Records'][number]

const claim: Fact = {
  type: 'claimed',
  terms: build.terms,
  notAfterMs: build.t0,
  approval: null,
  distinctFrom: [],
  reason: null,
}

function historyOf(id: string): readonly PaymentEvent[] {
  const facts: readonly Fact[] = [
    claim,
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    build.authorised(),
    build.opened({ kind: 'capture' }),
    build.captured(),
  ]
  return stamp(id, 0, facts, build.t0)
}

/** One event item, as the table would show it to the stream. */
function recordOf(id: string, from: number, through: number, number: string): StreamRecord {
  const history = historyOf(id)
  const events = history.slice(from - 1, through)
  const attributes = eventAttributes(events, null, { commitId: 'c', nowMs: build.t0, at: 0 })
  const about = { ag: { S: 'agt_1' }, ac: { S: 'acc' }, pr: { S: 'sim' }, ru: { N: '1' } }
  const due = through === history.length ? {} : { d: { N: String(build.t0) } }
  const image = {
    pk: { S: `p#${id}` },
    sk: { S: eventSortKey(through) },
    ...(attributes as Record<string, { S: string }>),
    ...about,
    ...due,
  }
  assert.equal(readEventItem(image)?.throughSeq, through)
  return { dynamodb: { SequenceNumber: number, NewImage: image } }
}

interface Outside {
  readonly relaying: () => Relaying
  readonly published: Set<string>
  readonly marks: Map<string, number>
  readonly sent: Work[]
  readonly logged: string[]
}

/** What instances share: a bus, a queue and a table, each of which may fail. */
function outside(fails: (what: 'bus' | 'queue' | 'mark' | 'read') => boolean): Outside {
  const published = new Set<string>()
  const marks = new Map<string, number>()
  const sent: Work[] = []
  const logged: string[] = []
  const relaying = (): Relaying => ({
    bus: {
      put: async (outgoing) =>
        outgoing.map(({ event }) => {
          if (fails('bus')) return false
          published.add(`${event.paymentId}/${event.seq}`)
          return true
        }),
    },
    queue: {
      send: async (work) =>
        work.map((each) => {
          if (fails('queue')) return false
          sent.push(each)
          return true
        }),
    },
    table: {
      async markDelivered(id, through) {
        for (let seq = 1; seq <= through; seq += 1) {
          assert(published.has(`${id}/${seq}`), `${id} is marked through ${through} without ${seq}`)
        }
        if (fails('mark')) throw new Error('the table is away')
        marks.set(id, Math.max(through, marks.get(id) ?? 0))
        return 'marked'
      },
      async events(id, afterSeq, limit) {
        if (fails('read')) throw new Error('the table is away')
        return historyOf(id).slice(afterSeq, afterSeq + limit)
      },
    },
    nowMs: () => build.t0,
    log: ({ kind }) => void logged.push(kind),
    delivered: rememberDelivered(),
  })
  return { relaying, published, marks, sent, logged }
}

test('a batch is given back from its first failure on; the others of it are delivered', async () => {
  let puts = 0
  const { relaying, published, marks } = outside((what) => what === 'bus' && (puts += 1) === 2)
  const Records = ['a', 'b', 'c'].map((id, place) => recordOf(`pay_${id}`, 1, 6, `n${place}`))
  // The bus loses the second event that it is given, one of the first payment.
  const { batchItemFailures } = await relayBatch(relaying(), { Records })
  assert.deepEqual(batchItemFailures, [{ itemIdentifier: 'n0' }])
  assert.deepEqual([...marks.keys()], ['pay_b', 'pay_c'])
  assert(published.has('pay_c/6'))
})

test('a record that nobody can read is told of and left; what is no event is passed over', async () => {
  const { relaying, marks, logged } = outside(() => false)
  const image = { pk: { S: 'p#pay_x' }, sk: { S: eventSortKey(1) }, j: { S: 'no packed text' } }
  const Records: StreamRecord[] = [
    { dynamodb: { SequenceNumber: 'n0', NewImage: image } },
    { dynamodb: { SequenceNumber: 'n1', NewImage: { pk: { S: 'p#pay_x' }, sk: { S: 'd' } } } },
    { dynamodb: { SequenceNumber: 'n2' } },
    recordOf('pay_a', 1, 6, 'n3'),
  ]
  assert.deepEqual(await relayBatch(relaying(), { Records }), { batchItemFailures: [] })
  assert.deepEqual(logged, ['record_unreadable'])
  assert.deepEqual([...marks], [['pay_a', 6]])
})

/** Mulberry32: small, and the same everywhere. */
function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Some payments' items, each in order, mixed. */
function streamOf(random: () => number): StreamRecord[] {
  const queues = ['a', 'b', 'c', 'd'].map((id) => {
    const cuts = [1, 2, 3, 4, 5].filter(() => random() < 0.5)
    const starts = [0, ...cuts]
    return starts.map((from, index) => [id, from + 1, starts[index + 1] ?? 6] as const)
  })
  const records: StreamRecord[] = []
  while (queues.some((queue) => queue.length > 0)) {
    const next = queues[Math.floor(random() * queues.length)]?.shift()
    if (next === undefined) continue
    records.push(recordOf(`pay_${next[0]}`, next[1], next[2], String(records.length)))
  }
  return records
}

test('whatever fails, dies or is given up: what is marked was delivered', async () => {
  let givenUp = 0
  let restarts = 0
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randomOf(seed)
    const rate = random() * 0.4
    const { relaying, marks, published } = outside(() => random() < rate)
    const records = streamOf(random)
    const instances = [relaying(), relaying()]
    let place = 0
    let tries = 0
    while (place < records.length) {
      const batch = records.slice(place, place + 1 + Math.floor(random() * 5))
      const which = Math.floor(random() * instances.length)
      // An instance ends now and then, and with it what it knew.
      if (random() < 0.2) {
        instances[which] = relaying()
        restarts += 1
      }
      const { batchItemFailures } = await relayBatch(instances[which] ?? relaying(), {
        Records: batch,
      })
      // It answered too late: the same batch comes again.
      if (random() < 0.1) continue
      const [first] = batchItemFailures
      const before = place
      place = first === undefined ? place + batch.length : Number(first.itemIdentifier)
      tries = place === before ? tries + 1 : 0
      if (tries <= 3) continue
      // The stream has had enough of this record.
      place += 1
      tries = 0
      givenUp += 1
    }
    // `markDelivered` asserts on each mark; here that something was marked at all where nothing failed.
    if (rate < 0.02) assert(marks.size > 0 && published.size >= 6, `seed ${seed}`)
  }
  assert(givenUp > 20 && restarts > 100, `${givenUp} given up, ${restarts} restarts`)
})
