// Does a backlog drain fast enough, and in how much memory? Writes so many events into a SQLite file of
// its own, then lets every publisher of the service take them at once: the books, the feed, the webhooks
// with an endpoint (which is not sent to), and one that only counts.
//   node scripts/relay-check.ts [--events N] [--json]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { stamp } from '../src/core/evolve.ts'
import type { Fact } from '../src/core/payment.ts'
import { createRelay } from '../src/engine/relay.ts'
import type { Publisher, Store } from '../src/ports.ts'
import { openDeadEvents } from '../src/publishers/dead-events/dead-events.ts'
import { openFeed } from '../src/publishers/feed/feed.ts'
import { openLedger } from '../src/publishers/ledger/ledger.ts'
import { openSqliteBook } from '../src/publishers/webhook/sqlite-book.ts'
import { openWebhooks } from '../src/publishers/webhook/webhooks.ts'
import { openConnection } from '../src/stores/sqlite/store.ts'
import { openSqliteStore } from '../src/stores/sqlite/store.ts'
import * as build from '../test/build.ts'
import { createTestEngine } from '../test/engine-world.ts'

const { values } = parseArgs({
  options: { events: { type: 'string', default: '1000000' }, json: { type: 'boolean' } },
})
const wanted = Number(values.events)
if (!Number.isSafeInteger(wanted) || wanted < 1) {
  throw new Error(`--events is "${values.events}"; it must be a whole number from 1`)
}
const say = (line: string): void => {
  if (values.json !== true) console.log(line)
}

/** The bar: events a second, for the slowest publisher. */
const leastPerSecond = 5_000
const maxRssMb = 512
const placeholder = 'pay_________________________________'

/** A payment as most go: claimed, authorised, captured, settled. */
function historyText(): readonly string[] {
  const claim = { notAfterMs: build.t0, approval: null, distinctFrom: [], reason: null }
  const facts: readonly Fact[] = [
    { type: 'claimed', terms: { ...build.terms, id: placeholder }, ...claim },
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    build.authorised(),
    build.opened({ kind: 'capture' }, { number: 2, objectId: build.objectId }),
    build.captured(1_000),
    build.settled,
  ]
  return stamp(placeholder, 0, facts, Date.now()).map((event) => JSON.stringify(event))
}

function writeBacklog(file: string): void {
  const { db } = openConnection(file)
  const history = historyText()
  const insert = db.prepare(
    "INSERT INTO event (payment_id, seq, commit_id, value) VALUES (?, ?, 'cmt', ?)",
  )
  db.exec('PRAGMA synchronous = OFF')
  for (let written = 0, payment = 0; written < wanted;) {
    db.exec('BEGIN')
    for (; written < wanted && payment % 5_000 !== 4_999; payment += 1) {
      const id = `pay_${String(payment).padStart(26, '0')}`
      for (const [at, text] of history.entries()) {
        if (written === wanted) break
        insert.run(id, at + 1, text.replaceAll(placeholder, id))
        written += 1
      }
    }
    payment += 1
    db.exec('COMMIT')
  }
  db.close()
}

function openPublishers(folder: string, store: Store) {
  const feed = openFeed({ file: join(folder, 'feed.db'), store, newId: () => 'check' })
  const readEvents = store.events
  const books = openLedger({ file: join(folder, 'ledger.db'), readEvents, newId: () => 'check' })
  const webhooks = openWebhooks({
    book: openSqliteBook(join(folder, 'webhooks.db'), () => 'check'),
    store,
    feed: feed.feed,
    render: async () => null,
    rules: { loopback: true, privateHosts: new Set() },
    nowMs: Date.now,
    newId: () => `whe_${'0'.repeat(26)}`,
    log: () => undefined,
  })
  let counted = 0
  const counter: Publisher = {
    name: 'counter',
    async publish(events) {
      counted += events.length
      return 'delivered'
    },
  }
  return {
    publishers: [counter, feed.publisher, books.publisher, webhooks.publisher],
    addEndpoint: () =>
      webhooks.webhooks.add({
        url: 'https://example.com/hook',
        description: '',
        events: ['captured', 'settled'],
        account: null,
        agent: null,
        callbackOf: null,
        createdBy: 'check',
        status: 'waiting',
      }),
    counted: () => counted,
    async close() {
      await webhooks.stop()
      feed.close()
      books.close()
    },
  }
}

const folder = mkdtempSync(join(tmpdir(), 'quittance-relay-'))
let peakMb = 0
const watch = setInterval(() => {
  peakMb = Math.max(peakMb, Math.round(process.memoryUsage.rss() / 1_048_576))
}, 50)
try {
  const file = join(folder, 'quittance.db')
  const beganMs = performance.now()
  writeBacklog(file)
  say(`${wanted} events written in ${Math.round((performance.now() - beganMs) / 1000)} s`)
  const store = openSqliteStore({ file })
  const engine = { ...createTestEngine().engine, store }
  const deadEvents = openDeadEvents(':memory:')
  const opened = openPublishers(folder, store)
  await opened.addEndpoint()
  const startedMs = performance.now()
  const took = new Map<string, number>()
  await Promise.all(
    opened.publishers.map(async (publisher) => {
      const relay = createRelay(engine, publisher, { limit: 500, deadEvents })
      while ((await relay.step()).result !== 'empty');
      took.set(publisher.name, (performance.now() - startedMs) / 1000)
      say(`${publisher.name}: all after ${took.get(publisher.name)?.toFixed(1)} s`)
    }),
  )
  const seconds = Math.max(...took.values())
  const events_per_s = Math.round(wanted / seconds)
  const dead = [...(await deadEvents.counts()).values()].length
  await opened.close()
  await store.close()
  const result = {
    events: wanted,
    seconds: Number(seconds.toFixed(1)),
    events_per_s,
    rss_mb: peakMb,
  }
  console.log(JSON.stringify(result))
  const isWell = opened.counted() === wanted && dead === 0
  process.exitCode = isWell && events_per_s >= leastPerSecond && peakMb <= maxRssMb ? 0 : 1
} finally {
  clearInterval(watch)
  rmSync(folder, { recursive: true, force: true })
}
