// What reconciliation reads: every object of a window, each once, or a plain no.
import assert from 'node:assert/strict'

import type { ProcessorRecord } from '../../core/reconcile.ts'
import type { RecordsPage, RecordsQuery } from '../../ports.ts'
import { callOf, newPaymentId } from './calls.ts'
import { disturbances, silences } from './disturbances.ts'
import type { Bench, Promises } from './processor-contract.ts'

const none = 'this processor tells no records: there is nothing to reconcile with'

const hour = 3_600_000

function windowOf(over: Partial<RecordsQuery> = {}): RecordsQuery {
  const nowMs = Date.now()
  return { fromMs: nowMs - hour, toMs: nowMs + hour, cursor: null, timeoutMs: 5_000, ...over }
}

/** All pages of a window, and how many there were. */
async function readAll(
  { processor }: Bench,
  query: RecordsQuery,
): Promise<{ readonly records: readonly ProcessorRecord[]; readonly pages: number }> {
  const records: ProcessorRecord[] = []
  let [cursor, pages]: [string | null, number] = [null, 0]
  do {
    const page: RecordsPage | undefined = await processor.records?.({ ...query, cursor })
    assert.equal(page?.result, 'page')
    assert.deepEqual(page.unreadable, [])
    records.push(...page.records)
    cursor = page.cursor
    pages += 1
  } while (cursor !== null)
  return { records, pages }
}

export const recordPromises: Promises = {
  'its records hold each object of a window once, over as many pages as it takes': async (
    bench,
    t,
  ) => {
    const { processor } = bench
    if (processor.records === undefined) return t.skip(none)
    const made = await Promise.all(
      Array.from({ length: 110 }, async () => {
        const paymentId = newPaymentId()
        const { object } = await processor.send(callOf('authorise', { paymentId }))
        return [object?.objectId, paymentId] as const
      }),
    )
    const { records, pages } = await readAll(bench, windowOf())
    assert(pages > 1, 'one page holds them all: nothing was shown')
    assert.equal(records.length, made.length)
    const found = new Map(records.map(({ object, paymentId }) => [object.objectId, paymentId]))
    assert.deepEqual(found, new Map(made))
    assert(records.every(({ isForeign, object }) => !isForeign && object.status === 'authorised'))
    const times = records.map(({ createdAtMs }) => createdAtMs)
    assert.deepEqual(
      times,
      times.toSorted((a, b) => a - b),
    )
  },

  'a window has its first moment and not its last': async (bench, t) => {
    const { processor } = bench
    if (processor.records === undefined) return t.skip(none)
    for (let made = 0; made < 3; made += 1) {
      await processor.send(callOf('authorise', {}))
      await bench.world.pause()
    }
    const times = (await readAll(bench, windowOf())).records.map(({ createdAtMs }) => createdAtMs)
    const [first = 0, , last = 0] = times
    const between = await readAll(bench, windowOf({ fromMs: first, toMs: last }))
    assert.deepEqual(
      between.records.map(({ createdAtMs }) => createdAtMs),
      times.slice(0, 2),
    )
  },

  'what another installation made is shown as theirs': async (bench, t) => {
    const { world, processor } = bench
    if (processor.records === undefined) return t.skip(none)
    const paymentId = newPaymentId()
    const objectId = await world.plant(paymentId, 'captured')
    const { records } = await readAll(bench, windowOf())
    assert.deepEqual(
      records.map(({ object, isForeign }) => [object.objectId, object.amountCaptured, isForeign]),
      [[objectId, 1999, true]],
    )
  },

  'whatever else comes back is no page of records, and never an exception': async (bench, t) => {
    const { wire, processor } = bench
    if (processor.records === undefined) return t.skip(none)
    for (const [what, [, answer]] of Object.entries({ ...disturbances, ...silences })) {
      wire.disturb({ answer })
      const timeoutMs = Object.hasOwn(silences, what) ? 60 : 5_000
      const page = await processor.records(windowOf({ timeoutMs }))
      assert.equal(page.result, 'no_answer', what)
      assert.notEqual(page.cause, '', what)
    }
  },
}
