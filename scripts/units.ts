// What a happy payment costs at DynamoDB, counted: engine, simulated processor and a local DynamoDB,
// every request with the capacity that the table says it took. `npm run units`; `--json` for programs.
import { parseArgs } from 'node:util'
import { readGatesApart } from '../src/aws/gate-reads.ts'
import { table as tabulate } from '../src/cli/table.ts'
import { defaultBreakerPolicy } from '../src/core/breaker.ts'
import { defaultClaimPolicy } from '../src/core/claim.ts'
import { defaultPolicy } from '../src/core/policy.ts'
import type { RateLimit } from '../src/core/rate.ts'
import { advance } from '../src/engine/advance.ts'
import { createBreakers } from '../src/engine/breakers.ts'
import { createChanges } from '../src/engine/changes.ts'
import type { Engine } from '../src/engine/engine.ts'
import { addAgent, identify } from '../src/engine/identity.ts'
import { silentMeter } from '../src/engine/meter.ts'
import { readPayment } from '../src/engine/read.ts'
import { createSlots } from '../src/engine/slots.ts'
import { submit } from '../src/engine/submit.ts'
import { randomIds, systemClock } from '../src/engine/system.ts'
import { keepTime } from '../src/engine/time.ts'
import type { Processor, Write } from '../src/ports.ts'
import { startSimulatedWorld } from '../src/processors/contract/simulated-world.ts'
import { makeTable } from '../src/stores/contract/dynamo-fixture.ts'
import { dynamoServer } from '../src/stores/contract/dynamo-server.ts'
import { openDynamoStore } from '../src/stores/dynamodb/store.ts'
import type { DynamoStore } from '../src/stores/dynamodb/store.ts'
import { countingClient, linesOf, totalOf } from './units/counting.ts'
import type { Counted, Counter, Line } from './units/counting.ts'
import { askEverything } from './units/patterns.ts'

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    /** Payments whose writes are counted by key. */
    payments: { type: 'string', default: '20' },
  },
})

if ((await dynamoServer()) === null) {
  process.stderr.write('units: no DynamoDB here; see docs/reference/dynamodb.md\n')
  process.exit(2)
}
async function main(): Promise<void> {
  const world = await startSimulatedWorld()
  const made = await makeTable()
  const counter = countingClient(made.client)
  const store = openDynamoStore({ table: made.table, client: counter.client })
  const processor = await world.openWith({})
  try {
    const engine = labelled(engineWith(store, processor, null), counter)
    await prepare(engine)
    const plain = await payOnce(engine, store, counter, 'bill-0')
    const limit = { perSecond: 1000, burst: 1000 }
    const limited = labelled(engineWith(store, processor, limit), counter)
    const withLimit = await payOnce(limited, store, counter, 'bill-1')
    const many = Number(values.payments)
    const all: Counted[] = []
    for (let bill = 0; bill < many; bill += 1) {
      all.push(...(await payOnce(engine, store, counter, `many-${bill}`)))
    }
    counter.counted.length = 0
    await askEverything(store, counter)
    print(plain, withLimit, all, many, [...counter.counted])
  } finally {
    await processor.close()
    await store.close()
    await made.dispose()
    await world.close()
  }
}

// ── One payment ──────────────────────────────────────────────────────────────────────────────────

/** Each commit by the events that it records. */
function labelled(engine: Engine, counter: Counter): Engine {
  const commit = async (write: Write) => {
    const before = counter.operation
    const recorded = write.actions.flatMap((action) =>
      action.do === 'record' ? action.events : [],
    )
    const names = recorded.map(({ type }) => type).join(', ')
    const [first] = write.actions
    const alone = first !== undefined && 'table' in first ? first.table : ''
    counter.operation = `commit: ${names === '' ? alone : names}`
    try {
      return await engine.store.commit(write)
    } finally {
      counter.operation = before
    }
  }
  return { ...engine, store: { ...engine.store, commit } }
}

const caller = { agent: 'agent_office', account: 'acct_office' }
const token = 'a token of thirty-two characters'

function engineWith(store: DynamoStore, processor: Processor, limit: RateLimit | null): Engine {
  return {
    // As the functions on AWS read it.
    store: readGatesApart(store),
    processors: new Map([[processor.binding.processor, processor]]),
    clock: systemClock,
    time: keepTime(systemClock, () => undefined),
    ids: randomIds,
    policy: defaultPolicy,
    claimPolicy: defaultClaimPolicy,
    secondOperator: false,
    breakerPolicy: defaultBreakerPolicy,
    rateLimits: new Map(limit === null ? [] : [[processor.binding.processor, limit]]),
    breakers: createBreakers(),
    slots: createSlots(),
    alarm: () => undefined,
    log: () => undefined,
    meter: silentMeter,
    changes: createChanges(),
    wake: () => undefined,
  }
}

async function prepare(engine: Engine): Promise<void> {
  const agent = { id: caller.agent, account: caller.account, name: 'Office', suspended: false }
  await addAgent(engine, { ...agent, mandate: null }, token)
  const limits = { EUR: { perPayment: null, perDay: 100_000_000, approvalAbove: null } }
  const value = { id: caller.account, mandate: { version: 1, limits } }
  const put = { do: 'put', table: 'account', key: caller.account, value, if: null } as const
  await engine.store.commit({ commitId: randomIds.next('cmt', Date.now()), actions: [put] })
}

/** From the request to the delivery of the last event: what each part of it asked of the table. */
async function payOnce(
  engine: Engine,
  store: DynamoStore,
  counter: Counter,
  reference: string,
): Promise<readonly Counted[]> {
  counter.counted.length = 0
  const during = async <T>(operation: string, act: () => Promise<T>): Promise<T> => {
    counter.operation = operation
    return act()
  }
  await during('POST: who is asking', () => identify(engine, token))
  const submission = await during('POST: what the claim is decided on', () =>
    submit(engine, caller, keyOf(reference), requestFor(reference)),
  )
  if (submission.result !== 'accepted') throw new Error('the claim was refused')
  const { paymentId } = submission
  await during('driver: payment and gates, before and after', () => drive(engine, paymentId))
  const events = await store.events(paymentId, 0, 100)
  counter.counted.pop()
  await during('relay: mark of delivery', () =>
    store.markDelivered(paymentId, events.at(-1)?.seq ?? 0),
  )
  await during('GET: who is asking', () => identify(engine, token))
  await during('GET: the payment', () => readPayment(engine, paymentId, caller.account))
  return [...counter.counted]
}

const keyOf = (reference: string) => ({
  method: 'POST',
  path: '/v1/payments',
  key: `pay-${reference}-b3c1`,
  fingerprint: '0f'.repeat(32),
})

const requestFor = (reference: string) => ({
  amount: 12_950,
  currency: 'EUR',
  payee: `acct_northwind_${reference}`,
  reference,
  description: `Invoice ${reference}, office supplies of October`,
  metadata: { department: 'facilities', requested_by: 'planner' },
  processor: null,
  paymentMethod: null,
  capture: 'automatic' as const,
  retryOf: null,
  distinctFrom: [],
  reason: null,
  batch: null,
  notAfterMs: null,
})

async function drive(engine: Engine, paymentId: string): Promise<void> {
  for (;;) {
    const progress = await advance(engine, paymentId, 1)
    if (progress.next === 'done') return
    if (progress.next === 'wait') {
      await systemClock.sleep(Math.min(1000, progress.untilMs - Date.now()))
    }
  }
}

// ── Printing ─────────────────────────────────────────────────────────────────────────────────────

/** Writes to the same partition key, over many payments of one agent. */
function writesByKey(all: readonly Counted[]): readonly (readonly [string, number])[] {
  const counts = new Map<string, number>()
  for (const key of all.flatMap(({ keys }) => keys)) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1])
}

function print(
  plain: readonly Counted[],
  withLimit: readonly Counted[],
  all: readonly Counted[],
  payments: number,
  asked: readonly Counted[],
): void {
  const keys = writesByKey(all)
  const total = totalOf(plain)
  const summary = { ...total, withRateLimit: totalOf(withLimit).writes }
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ ...summary, lines: linesOf(plain), asked: linesOf(asked) })}\n`,
    )
    return
  }
  const right = { align: 'right' } as const
  const columns = (title: string) => [
    { title },
    { title: 'REQUESTS', ...right },
    { title: 'WRITE UNITS', ...right },
    { title: 'OF INDEXES', ...right },
    { title: 'READ UNITS', ...right },
  ]
  const cells = (lines: readonly Line[]) =>
    lines.map((line) =>
      [line.operation, line.requests, line.writes, line.indexWrites, line.reads].map(String),
    )
  const whole = [...linesOf(plain), { operation: 'all', requests: plain.length, ...total }]
  const hottest = keys.slice(0, 5).map(([key, count]) => [key, String(count)])
  const lines = [
    ...tabulate(columns('ONE PAYMENT'), cells(whole)),
    '',
    `with a rate limit, a slot for each call: ${summary.withRateLimit} write units`,
    '',
    ...tabulate(
      [{ title: `MOST WRITTEN IN ${payments} PAYMENTS` }, { title: 'WRITES', ...right }],
      hottest,
    ),
    '',
    ...tabulate(columns('EACH QUESTION AND ACT'), cells(linesOf(asked))),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

await main()
