import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'

import fc from 'fast-check'

import * as build from '../../../test/build.ts'
import { stamp } from '../../core/evolve.ts'
import type { JournalEntry } from '../../core/ledger.ts'
import type { Fact, PaymentEvent } from '../../core/payment.ts'
import type { Ledger } from '../../ports.ts'
import { openLedger } from './ledger.ts'
import type { BreakWriteOff } from './write-offs.ts'

const { by } = build

/** What becomes of the payment with this number: paid, settled, refunded, taken back, corrected. */
function factsOf(number: number): readonly Fact[] {
  const id = `pay_${number}`
  const amount = 1_000 + number
  const terms = { ...build.terms, id, amount, account: `acc_${number % 2}` }
  const claim = { notAfterMs: build.t0, approval: null, distinctFrom: [], reason: null }
  const ends: readonly (readonly Fact[])[] = [
    [],
    [build.settled],
    [
      build.refundRequested('ref_1', 400),
      { type: 'refund_succeeded', refundId: 'ref_1', objectId: 're_1', by },
      build.settled,
    ],
    [{ type: 'amount_reversed', total: 250, by }],
    [{ type: 'corrected', to: 'voided', object: build.object('voided'), by }],
  ]
  return [
    { type: 'claimed', terms, ...claim },
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    build.authorised(),
    build.opened({ kind: 'capture' }, { number: 2, objectId: build.objectId }),
    build.captured(amount),
    ...(ends[number % ends.length] ?? []),
  ]
}

const historyOf = (number: number): readonly PaymentEvent[] =>
  stamp(`pay_${number}`, 0, factsOf(number), build.t0 + number)

/** Events of several payments, in each payment's own order. */
function shuffled(payments: number, picks: readonly number[]): readonly PaymentEvent[] {
  const left = Array.from({ length: payments }, (_, number) => [...historyOf(number)])
  const events: PaymentEvent[] = []
  for (const pick of [...picks, ...left.flatMap((own, number) => own.map(() => number))]) {
    const event = left[pick % payments]?.shift()
    if (event !== undefined) events.push(event)
  }
  return events
}

const readEvents = async (paymentId: string, afterSeq: number, limit: number) =>
  historyOf(Number(paymentId.replace('pay_', ''))).slice(afterSeq, afterSeq + limit)

const open = (file = ':memory:', newId = () => 'one') => openLedger({ file, readEvents, newId })

async function journalsOf(ledger: Ledger): Promise<readonly string[]> {
  const { entries } = await ledger.journals({ limit: 100, order: 'oldest' })
  return entries.map((entry) => JSON.stringify(entry))
}

async function sumsOf(ledger: Ledger): Promise<readonly bigint[]> {
  const balances = await ledger.balances()
  const byCurrency = Map.groupBy(balances, ({ currency }) => currency)
  return [...byCurrency.values()].map((own) => own.reduce((sum, { amount }) => sum + amount, 0n))
}

const someEvents = fc
  .array(fc.integer({ min: 0, max: 9 }), { maxLength: 60 })
  .map((picks) => shuffled(10, picks))

test('however events come, in whatever pages and again and again, the books are the same', async () => {
  const cuts = fc.array(fc.record({ size: fc.integer({ min: 1, max: 9 }), again: fc.boolean() }))
  await fc.assert(
    fc.asyncProperty(someEvents, cuts, async (events, list) => {
      const whole = open()
      await whole.publisher.publish(events)
      const paged = open()
      let from = 0
      for (const { size, again } of [...list, { size: events.length, again: true }]) {
        const page = events.slice(from, from + size)
        await paged.publisher.publish(page)
        if (again) await paged.publisher.publish(page)
        for (const sum of await sumsOf(paged.ledger)) assert.equal(sum, 0n)
        from += size
      }
      assert.deepEqual(await journalsOf(paged.ledger), await journalsOf(whole.ledger))
      assert.deepEqual(await paged.ledger.balances(), await whole.ledger.balances())
      assert((await journalsOf(whole.ledger)).length > 10)
      for (const each of [whole, paged]) each.close()
    }),
    { numRuns: 60 },
  )
})

test('what is missing between two events is read before it goes on', async () => {
  const { publisher, ledger, close } = open()
  const events = historyOf(2)
  const kinds = async () => {
    const { entries } = await ledger.journals({ limit: 100, order: 'oldest' })
    return entries.map(({ kind }) => kind)
  }
  await publisher.publish(events.slice(0, 2))
  // Of the two that come next, the gap hides the capture, and neither moves money itself.
  await publisher.publish(events.slice(6, 7))
  assert.deepEqual(await kinds(), ['capture'])
  await publisher.publish(events.slice(8))
  assert.deepEqual(await kinds(), ['capture', 'refund', 'settlement', 'fee'])
  close()
})

test('an event that is not there is waited for: nothing of its page is booked', async () => {
  const service = openLedger({ file: ':memory:', readEvents: async () => [], newId: () => 'one' })
  await assert.rejects(async () => service.publisher.publish(historyOf(1)), /event 1 of 7 is not/)
  assert.deepEqual(await service.ledger.balances(), [])
  service.close()
})

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'quittance-ledger-'))
  t.after(() => rmSync(made, { recursive: true, force: true }))
  return made
}

test('a file keeps its books and its name; a new one begins with the first event', async (t) => {
  const file = join(folder(t), 'ledger.db')
  const first = open(file)
  await first.publisher.publish(historyOf(1))
  const journals = await journalsOf(first.ledger)
  first.close()
  const again = open(file, () => 'two')
  assert.equal(again.publisher.name, 'ledger:one')
  await again.publisher.publish(historyOf(1))
  assert.deepEqual(await journalsOf(again.ledger), journals)
  again.close()
  const anew = open(join(folder(t), 'ledger.db'), () => 'two')
  assert.equal(anew.publisher.name, 'ledger:two')
  anew.close()
})

test('a file of somebody else is left as it is', (t) => {
  const file = join(folder(t), 'ledger.db')
  writeFileSync(file, 'no database at all, and longer than a header of one hundred bytes'.repeat(4))
  assert.throws(() => open(file), /not a database/)
})

test('journals are found by account and by payment, page by page, both ways', async () => {
  const { publisher, ledger, close } = open()
  for (const number of [0, 1, 2]) await publisher.publish(historyOf(number))
  const all = await ledger.journals({ limit: 100 })
  const oldest = await ledger.journals({ limit: 100, order: 'oldest' })
  assert.deepEqual(all.entries, oldest.entries.toReversed())
  const own = await ledger.journals({ limit: 100, paymentId: 'pay_2' })
  assert.deepEqual(
    own.entries.map(({ kind }) => kind),
    ['fee', 'settlement', 'refund', 'capture'],
  )
  const ofAccount = await ledger.journals({ limit: 100, account: 'account:acc_0' })
  assert.deepEqual(new Set(ofAccount.entries.map(({ paymentId }) => paymentId)).size, 2)
  const paged = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Ledger['journals']>> = await ledger.journals({
      limit: 2,
      ...(cursor === null ? {} : { cursor }),
    })
    paged.push(...page.entries)
    cursor = page.cursor
  } while (cursor !== null)
  assert.deepEqual(paged, all.entries)
  close()
})

const writeOff = (number: number, over: Partial<BreakWriteOff> = {}): BreakWriteOff => ({
  breakId: `brk_${String(number).padStart(26, '0')}`,
  paymentId: number % 2 === 0 ? `pay_${number}` : null,
  atMs: build.t0 + (number % 3),
  currency: 'EUR',
  livemode: false,
  amount: 10 + number,
  debit: 'write_offs:model/acct_1',
  credit: 'clearing:model/acct_1',
  ...over,
})

test('write-offs are booked once, in an order of their own, whenever they come; the sum stays zero', async () => {
  const numbers = [...Array(7).keys()]
  const [one, other] = [open(), open()]
  await one.publisher.publish(historyOf(2))
  one.writeOff(numbers.map((number) => writeOff(number)))
  one.writeOff(numbers.map((number) => writeOff(number)))
  // The books made again: another order of everything, the same bytes.
  for (const number of numbers.toReversed()) other.writeOff([writeOff(number)])
  await other.publisher.publish(historyOf(2))
  assert.deepEqual(await journalsOf(other.ledger), await journalsOf(one.ledger))
  assert.deepEqual(await other.ledger.balances(), await one.ledger.balances())
  assert.deepEqual(await sumsOf(one.ledger), [0n])
  const all = await one.ledger.journals({ limit: 100, order: 'oldest' })
  assert.deepEqual(all.entries.filter(({ kind }) => kind === 'write_off').length, 7)
  const loss = (await one.ledger.balances()).find(({ account }) => account.startsWith('write_offs'))
  assert.equal(loss?.amount, 91n)
  for (const order of ['oldest', 'newest'] as const) {
    for (const limit of [1, 2, 3, 4, 100]) {
      const paged = await pagesOf(one.ledger, { order, limit })
      const whole = order === 'oldest' ? all.entries : all.entries.toReversed()
      assert.deepEqual(paged, whole, `${order}, ${limit} a page`)
    }
  }
  const own = await one.ledger.journals({ limit: 10, paymentId: 'pay_2', order: 'oldest' })
  assert.deepEqual(own.entries.at(-1)?.breakId, writeOff(2).breakId)
  for (const each of [one, other]) each.close()
})

async function pagesOf(
  ledger: Ledger,
  query: { readonly order: 'oldest' | 'newest'; readonly limit: number },
): Promise<readonly JournalEntry[]> {
  const entries: JournalEntry[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<Ledger['journals']>> = await ledger.journals({
      ...query,
      ...(cursor === null ? {} : { cursor }),
    })
    entries.push(...page.entries)
    cursor = page.cursor
  } while (cursor !== null && entries.length < 1_000)
  return entries
}
