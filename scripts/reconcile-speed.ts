// How long does it take to compare so many payments with as many records of the processor, and how much
// memory? The payments are written into a store of their own in a temporary folder, which is removed; the
// records come a page at a time, as they would. Ends with 1 past 60 s or 512 MB.
//   node scripts/reconcile-speed.ts [--payments N] [--json]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { defaultReconcilePolicy as policy } from '../src/core/reconcile.ts'
import type { ProcessorRecord } from '../src/core/reconcile.ts'
import type { Engine } from '../src/engine/engine.ts'
import { beginReconciliation, runReconciliation } from '../src/engine/reconcile.ts'
import type { Action, Processor, Store } from '../src/ports.ts'
import { openRecordIndex } from '../src/stores/sqlite/record-index.ts'
import { openSqliteStore } from '../src/stores/sqlite/store.ts'
import { createTestEngine } from '../test/engine-world.ts'
import { agreeingAt, binding, nowMs, windowMs } from '../test/reconcile-world.ts'

const { values } = parseArgs({
  options: {
    payments: { type: 'string', default: '1000000' },
    json: { type: 'boolean', default: false },
  },
})

const count = Number(values.payments)
if (!Number.isSafeInteger(count) || count < 1) {
  throw new Error(`--payments is "${values.payments}"; it must be a whole number from 1`)
}

/** As the best of processors have it. */
const pageSize = 500
const maxSeconds = 60
const maxRssMb = 512
const folder = mkdtempSync(join(tmpdir(), 'quittance-speed-'))

try {
  const store = openSqliteStore({ file: join(folder, 'quittance.db') })
  await fill(store)
  const told = await measure(store)
  await store.close()
  if (values.json) console.log(JSON.stringify(told))
  else {
    const { seconds, rss_mb: rss, per_second: each } = told
    console.log(`${count} payments and records: ${seconds} s, ${each} a second, ${rss} MB at most`)
  }
  const isFast =
    told.seconds < maxSeconds && told.rss_mb < maxRssMb && told.matched === told.captured
  process.exitCode = isFast ? 0 : 1
} finally {
  rmSync(folder, { recursive: true, force: true })
}

async function fill(store: Store): Promise<void> {
  const perWrite = 25
  const perTurn = 2_000
  for (let from = 0; from < count; from += perTurn) {
    const writes: Promise<{ readonly result: string }>[] = []
    for (let first = from; first < Math.min(count, from + perTurn); first += perWrite) {
      const actions: Action[] = []
      for (let number = first; number < Math.min(count, first + perWrite); number += 1) {
        const { payment } = agreeingAt(number, count)
        const value = { payment, dueAtMs: null, run: 1 }
        const key = payment.id
        actions.push({ do: 'put', table: 'payment', key, value, if: { absent: true } })
      }
      writes.push(store.commit({ commitId: `cmt_${first}`, actions }))
    }
    const results = await Promise.all(writes)
    if (results.some(({ result }) => result !== 'committed')) throw new Error('not stored')
    if (!values.json && from % 100_000 === 0) console.log(`${from} payments made`)
  }
}

async function measure(store: Store) {
  let captured = 0
  const recordsFrom = (from: number): readonly ProcessorRecord[] => {
    const records: ProcessorRecord[] = []
    for (let number = from; number < Math.min(count, from + pageSize); number += 1) {
      const { record } = agreeingAt(number, count)
      if (record.object.amountCaptured > 0) captured += 1
      records.push(record)
    }
    return records
  }
  const { engine: base, hand } = createTestEngine()
  hand.nowMs = nowMs
  const model = base.processors.get('model')
  if (model === undefined) throw new Error('there is no model processor')
  let telling = 0
  const processor: Processor = {
    ...model,
    binding,
    records: async ({ cursor }) => {
      const began = performance.now()
      const from = Number(cursor ?? 0)
      const records = recordsFrom(from)
      const next = from + pageSize < count ? String(from + pageSize) : null
      telling += performance.now() - began
      return { result: 'page', records, unreadable: [], cursor: next }
    },
  }
  const engine: Engine = { ...base, store, processors: new Map([['model', processor]]) }
  let rss = 0
  const watch = setInterval(() => (rss = Math.max(rss, process.memoryUsage.rss())), 50)
  const cpuBefore = process.cpuUsage()
  const began = performance.now()
  const window = { processor: 'model', fromMs: nowMs - windowMs, toMs: nowMs }
  const id = await beginReconciliation(engine, window, 'speed')
  const index = openRecordIndex(join(folder, 'records.db'))
  const run = await runReconciliation(engine, { id: id ?? '', index, policy })
  index.close(true)
  clearInterval(watch)
  const took = performance.now() - began
  const { user, system } = process.cpuUsage(cpuBefore)
  const { matched = 0, breaks = {} } = run?.counts ?? {}
  return {
    payments: count,
    records: count,
    matched,
    captured,
    breaks: Object.keys(breaks).length,
    // Making the records is the world's work, not ours; it is told beside it.
    seconds: round(took / 1000),
    // Less than `seconds` where others use the machine as well.
    cpu_seconds: round((user + system) / 1_000_000),
    of_which_making_records: round(telling / 1000),
    per_second: Math.round(count / (took / 1000)),
    rss_mb: Math.round(rss / 1_048_576),
  }
}

function round(value: number): number {
  return Math.round(value * 100) / 100
}
