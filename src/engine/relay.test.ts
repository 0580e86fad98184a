// The relay with publishers that are away, that refuse one event for ever, or that hang.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { aCaller, aRequest, createTestEngine, requestKey, toRest } from '../../test/engine-world.ts'
import type { PaymentEvent } from '../core/payment.ts'
import type { DeadEvent, DeadEvents } from '../delivery-ports.ts'
import type { Publisher } from '../ports.ts'
import { createMemoryPublisher } from '../publishers/memory.ts'
import { createRelay } from './relay.ts'
import { replayDeadLetters, replayPayment } from './replay.ts'
import { submit } from './submit.ts'

function memoryDeadEvents(): DeadEvents & { readonly all: DeadEvent[] } {
  const all: DeadEvent[] = []
  const isSame = (event: DeadEvent) => (each: DeadEvent) =>
    each.publisher === event.publisher &&
    each.paymentId === event.paymentId &&
    each.seq === event.seq
  return {
    all,
    async put(event) {
      if (!all.some(isSame(event))) all.push(event)
    },
    async take(publisher, paymentId, seq) {
      const at = all.findIndex(isSame({ publisher, paymentId, seq, reason: '', atMs: 0 }))
      if (at >= 0) all.splice(at, 1)
    },
    list: async () => [...all],
    counts: async () => new Map(),
  }
}

async function withPayments(count: number) {
  const world = await createTestEngine().ready()
  const ids: string[] = []
  for (let number = 0; number < count; number += 1) {
    const request = { ...aRequest, reference: `INV-${number}`, payee: `P${number}` }
    const submitted = await submit(world.engine, aCaller, requestKey(`k${number}`), request)
    assert.ok(submitted.result === 'accepted')
    ids.push(submitted.paymentId)
    await toRest(world, submitted.paymentId)
  }
  return { ...world, ids }
}

/** Takes whatever is not refused; `refuses` may throw. */
function picky(name: string, refuses: (event: PaymentEvent) => boolean) {
  const received: PaymentEvent[] = []
  const publisher: Publisher = {
    name,
    async publish(events) {
      if (events.some(refuses)) throw new Error('this one trips me up')
      received.push(...events)
      return 'delivered'
    },
  }
  return { publisher, received }
}

const seqsOf = (events: readonly PaymentEvent[], id: string): readonly number[] =>
  events.filter(({ paymentId }) => paymentId === id).map(({ seq }) => seq)

/** What a consumer of state makes of it: whatever comes again is dropped. */
function kept(events: readonly PaymentEvent[], id: string): readonly number[] {
  return seqsOf(events, id).reduce<number[]>(
    (seen, seq) => (seq <= (seen.at(-1) ?? 0) ? seen : [...seen, seq]),
    [],
  )
}

test('an event that is refused for ever goes to the dead letters, the others are delivered', async () => {
  const { engine, ids } = await withPayments(6)
  const bad = ids[2] ?? ''
  const { publisher, received } = picky('books', (e) => e.paymentId === bad && e.seq === 3)
  const deadEvents = memoryDeadEvents()
  const relay = createRelay(engine, publisher, { limit: 500, deadEvents })
  let steps = 0
  while ((await relay.step()).result !== 'empty') {
    steps += 1
    assert.ok(steps < 50)
  }
  assert.deepEqual(
    deadEvents.all.map(({ publisher: name, paymentId, seq, reason }) => [
      name,
      paymentId,
      seq,
      reason,
    ]),
    [['books', bad, 3, 'this one trips me up']],
  )
  for (const id of ids) {
    const all = (await engine.store.events(id, 0, 100)).map(({ seq }) => seq)
    assert.deepEqual(kept(received, id), id === bad ? all.filter((seq) => seq !== 3) : all)
  }
})

test('while a publisher takes nothing, nothing is put aside, however long', async () => {
  const { engine } = await withPayments(3)
  let isAway = true
  const deadEvents = memoryDeadEvents()
  const publisher = createMemoryPublisher('books', () => !isAway)
  const relay = createRelay(engine, publisher, { limit: 500, deadEvents })
  let longestMs = 0
  for (let step = 0; step < 60; step += 1) {
    const { result, restMs } = await relay.step()
    assert.equal(result, 'not_delivered')
    longestMs = Math.max(longestMs, restMs)
  }
  assert.equal(deadEvents.all.length, 0)
  assert.ok(longestMs > 5_000 && longestMs <= 30_000, String(longestMs))
  isAway = false
  while ((await relay.step()).result !== 'empty');
  assert.ok(publisher.received.length > 10)
})

test('an event alone in the outbox is known for poison by one that was taken before', async () => {
  const { engine, ids } = await withPayments(1)
  const { publisher, received } = picky('books', ({ paymentId }) => paymentId !== ids[0])
  const deadEvents = memoryDeadEvents()
  const relay = createRelay(engine, publisher, { limit: 500, deadEvents })
  while ((await relay.step()).result !== 'empty');
  assert.ok(received.length > 3)
  const request = { ...aRequest, reference: 'INV-X', payee: 'X' }
  const submitted = await submit(engine, aCaller, requestKey('x'), request)
  assert.ok(submitted.result === 'accepted')
  for (let step = 0; step < 30; step += 1) await relay.step()
  const events = await engine.store.events(submitted.paymentId, 0, 10)
  assert.ok(events.length > 0)
  assert.deepEqual(
    deadEvents.all.map(({ paymentId, seq }) => [paymentId, seq]),
    events.map(({ paymentId, seq }) => [paymentId, seq]),
  )
  assert.equal((await relay.step()).result, 'empty')
})

test('one that hangs or is away delays no other', async () => {
  const { engine } = await withPayments(3)
  const deadEvents = memoryDeadEvents()
  const hanging: Publisher = { name: 'hangs', publish: () => new Promise(() => undefined) }
  const well = createMemoryPublisher('well')
  void createRelay(engine, hanging, { limit: 500, deadEvents }).step()
  const relay = createRelay(engine, well, { limit: 2, deadEvents })
  while ((await relay.step()).result !== 'empty');
  const left = await engine.store.unpublished('hangs', 500)
  assert.equal(well.received.length, left.events.length)
})

test('a replay offers a payment once more, and what is taken leaves the dead letters', async () => {
  const { engine, ids } = await withPayments(1)
  const [id = ''] = ids
  const deadEvents = memoryDeadEvents()
  await deadEvents.put({ publisher: 'books', paymentId: id, seq: 2, reason: 'x', atMs: 0 })
  let isMended = false
  const { publisher, received } = picky('books', () => !isMended)
  const all = await engine.store.events(id, 0, 100)
  assert.deepEqual(await replayPayment(engine, publisher, deadEvents, id), {
    replayed: 0,
    refused: all.length,
    next: null,
  })
  assert.equal(deadEvents.all.length, 1)
  isMended = true
  assert.deepEqual(await replayPayment(engine, publisher, deadEvents, id), {
    replayed: all.length,
    refused: 0,
    next: null,
  })
  assert.deepEqual(received, all)
  assert.equal(deadEvents.all.length, 0)
})

test('dead letters are offered one by one; one that is refused again keeps its payment only', async () => {
  const { engine, ids } = await withPayments(2)
  const [bad, well] = ids
  const deadEvents = memoryDeadEvents()
  const { publisher } = picky('books', ({ paymentId, seq }) => paymentId === bad && seq === 2)
  for (const paymentId of ids) {
    for (const seq of [2, 3]) {
      await deadEvents.put({ publisher: 'books', paymentId, seq, reason: 'x', atMs: seq })
    }
  }
  assert.deepEqual(await replayDeadLetters(engine, publisher, deadEvents), {
    replayed: 2,
    refused: 2,
    next: null,
  })
  assert.ok(deadEvents.all.every(({ paymentId }) => paymentId === bad))
  assert.notEqual(well, bad)
})
