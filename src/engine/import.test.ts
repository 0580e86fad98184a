// A store as text and back: what comes out of the second is what went into the first, and nothing is
// written of a file that is not whole.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { aCaller, aRequest, createTestEngine, requestKey, toRest } from '../../test/engine-world.ts'
import type { PaymentEvent } from '../core/payment.ts'
import type { RowKey, Store, Write } from '../ports.ts'
import { openMemoryStore } from '../stores/memory.ts'
import { exportedTables, exportLines } from './export.ts'
import type { ExportSource } from './export.ts'
import { ImportRefused, importStore } from './import.ts'
import { submit } from './submit.ts'
import { randomIds, systemClock } from './system.ts'

/** A store whose rows can be told, because every write to it was seen. */
async function source(): Promise<{ readonly from: ExportSource; readonly ids: readonly string[] }> {
  const world = await createTestEngine().ready()
  const { engine } = world
  const keys = new Map<string, RowKey>()
  const log: PaymentEvent[] = []
  const store: Store = {
    ...engine.store,
    async commit(write: Write) {
      const told = await engine.store.commit(write)
      if (told.result !== 'committed') return told
      for (const action of write.actions) {
        if (action.do === 'record') log.push(...action.events)
        else keys.set(`${action.table} ${action.key}`, action)
      }
      return told
    },
  }
  const seen = { ...world, engine: { ...engine, store } }
  const ids: string[] = []
  for (const name of ['a', 'b', 'c']) {
    const request = { ...aRequest, reference: `INV ${name}\u2028`, payee: name }
    const told = await submit(seen.engine, aCaller, requestKey(name), request)
    assert(told.result === 'accepted')
    ids.push(told.paymentId)
    await toRest(seen, told.paymentId)
  }
  const rows = new Map<string, { key: string; value: unknown }[]>()
  for (const { table, key } of keys.values()) {
    const [row] = await engine.store.read([{ table, key }])
    if (row === null) continue
    rows.set(table, [...(rows.get(table) ?? []), { key, value: row?.value }])
  }
  const from: ExportSource = {
    installation: 'inst_1',
    count: (table) => (table === 'event' ? log.length : (rows.get(table)?.length ?? 0)),
    rows: (table) => rows.get(table) ?? [],
    events: () => log,
    publishers: () => [
      { name: 'whole', acknowledged: log.length },
      { name: 'part', acknowledged: 4 },
    ],
  }
  return { from, ids }
}

const linesOf = (text: string) =>
  async function* () {
    for (const line of text.split('\n').slice(0, -1)) yield line
  }

const target = () => ({ store: openMemoryStore(), ids: randomIds, clock: systemClock })

test('every row, every event and every publisher is where it was', async () => {
  const { from, ids } = await source()
  const text = [...exportLines(from, 0)].join('')
  assert(!text.includes('\u2028'))
  const { store, ...rest } = target()
  const report = await importStore({ store, ...rest }, linesOf(text))
  assert.equal(report.installation, 'inst_1')
  for (const table of exportedTables) {
    for (const { key, value } of from.rows(table)) {
      const [row] = await store.read([{ table, key }])
      assert.deepEqual(row?.value, value, `${table} ${key}`)
    }
  }
  const all = [...from.events()]
  for (const id of ids) {
    const own = all.filter(({ paymentId }) => paymentId === id)
    assert.deepEqual(await store.events(id, 0, 100), own)
  }
  assert.deepEqual((await store.unpublished('whole', 100)).events, [])
  assert.deepEqual((await store.unpublished('part', 100)).events, all.slice(4))
  assert.equal((await store.unpublished('new', 100)).events.length, all.length)
  assert.deepEqual(await store.read([{ table: 'control', key: 'restore' }]), [null])
})

for (const [what, spoil, says] of [
  ['cut short by a line', (text) => text.split('\n').slice(0, -2).join('\n') + '\n', /breaks off/],
  ['cut short in a line', (text) => text.slice(0, -40) + '\n', /no JSON/],
  ['altered by a digit', (text) => text.replace('"amount":1', '"amount":2'), /altered/],
  ['without a row', (text) => text.replace(/\{"line":"row","table":"key".*\n/, ''), /lines/],
  ['newer than we are', (text) => text.replace('"format":1', '"format":2'), /newer Quittance/],
  ['something else', () => 'payment,amount\n', /no JSON/],
  ['empty', () => '', /empty/],
  ['followed by more', (text) => `${text}{}\n`, /after its end/],
] as const satisfies readonly (readonly [string, (text: string) => string, RegExp])[]) {
  test(`of a file that is ${what} nothing is written`, async () => {
    const { from } = await source()
    const text = [...exportLines(from, 0)].join('')
    const into = target()
    await assert.rejects(importStore(into, linesOf(spoil(text))), (error) => {
      return error instanceof ImportRefused && says.test(error.message)
    })
    assert.equal((await into.store.census()).states.size, 0)
    assert.deepEqual(await into.store.read([{ table: 'control', key: 'restore' }]), [null])
  })
}

test('a store with something in it is refused, and so is one whose import broke off', async () => {
  const { from } = await source()
  const text = [...exportLines(from, 0)].join('')
  const into = target()
  await importStore(into, linesOf(text))
  await assert.rejects(importStore(into, linesOf(text)), /something in the store already/)
  let commits = 0
  const failing = openMemoryStore()
  const store: Store = {
    ...failing,
    async commit(write) {
      commits += 1
      return commits > 3 ? { result: 'unknown', why: 'disk full' } : failing.commit(write)
    },
  }
  const clock = { ...systemClock, sleep: async () => undefined }
  await assert.rejects(importStore({ store, ids: randomIds, clock }, linesOf(text)), /disk full/)
  const [mark] = await failing.read([{ table: 'control', key: 'restore' }])
  assert.equal(mark?.value.halted, true, 'half a store does not open')
  const again = importStore({ ...into, store: failing }, linesOf(text))
  await assert.rejects(again, /broke off|something in the store/)
})
