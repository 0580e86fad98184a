// Payments and a processor's records that agree, then made to disagree at random places, each in one
// known way: what a reconciliation finds of them is compared with what was done.
import { openConnection, storeOn } from '../src/stores/sqlite/store.ts'
import { openRecordIndex } from '../src/stores/sqlite/record-index.ts'
import type { BreakRow, ReconciliationRow } from '../src/core/breaks.ts'
import { evolveFacts } from '../src/core/evolve.ts'
import type { ObjectView } from '../src/core/outcome.ts'
import type { Fact, Payment } from '../src/core/payment.ts'
import { defaultReconcilePolicy as policy } from '../src/core/reconcile.ts'
import type { BreakType, ProcessorRecord } from '../src/core/reconcile.ts'
import type { Engine } from '../src/engine/engine.ts'
import { beginReconciliation, runReconciliation } from '../src/engine/reconcile.ts'
import type { Action, Processor, RecordsPage, Store } from '../src/ports.ts'
import * as build from './build.ts'
import { createTestEngine } from './engine-world.ts'

const day = 86_400_000
const hour = 3_600_000

/** Everything happens within the nine days before this. */
export const nowMs = 1_800_000_000_000

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

export interface Case {
  readonly payment: Payment | null
  readonly records: readonly ProcessorRecord[]
  /** What there is to be found; `null`: nothing. */
  readonly expects: BreakType | null
}

interface Plan {
  readonly number: number
  readonly kind: 'settled' | 'captured' | 'authorised' | 'declined' | 'refunded' | 'initiated'
  readonly atMs: number
}

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'

/** Sorts by its time, as the ids of payments do. */
function idOf({ number, atMs }: Plan): string {
  let time = ''
  for (let rest = atMs, place = 0; place < 10; place += 1) {
    time = alphabet.charAt(rest % 32) + time
    rest = Math.floor(rest / 32)
  }
  return `pay_${time}${String(number).padStart(16, '0')}`
}

const by = build.by

function factsOf({ number, kind }: Plan): readonly Fact[] {
  const objectId = `ch_${number}`
  const amount = 1_000 + number
  const held: readonly Fact[] = [
    { type: 'validated' },
    build.opened({ kind: 'authorise' }),
    { type: 'authorised', objectId, amount, expiresAtMs: null, by },
  ]
  const taken: readonly Fact[] = [
    ...held,
    build.opened({ kind: 'capture' }, { number: 2, objectId }),
    build.captured(amount),
  ]
  switch (kind) {
    case 'initiated':
      return []
    case 'declined':
      return [...held.slice(0, 2), build.declined]
    case 'authorised':
      return held
    case 'captured':
      return taken
    case 'settled':
      return [...taken, settledFact(number)]
    case 'refunded':
      return [
        ...taken,
        build.refundRequested('ref_1', amount),
        { type: 'refund_succeeded', refundId: 'ref_1', objectId: `re_${number}`, by },
        settledFact(number),
      ]
  }
}

const settlementOf = (number: number) => ({ id: `po_${number % 7}`, settledAtMs: nowMs, fee: 30 })
const settledFact = (number: number): Fact => ({
  type: 'settled',
  settlement: settlementOf(number),
  by,
})

const binding = { processor: 'model', processorAccount: 'acct_1', livemode: false }

function paymentOf(plan: Plan): Payment {
  const { number, atMs } = plan
  const terms = { id: idOf(plan), amount: 1_000 + number, createdAtMs: atMs }
  return evolveFacts(build.claimed({ ...terms, binding }), factsOf(plan), atMs)
}

function recordOf(plan: Plan, over: Partial<ObjectView> = {}): ProcessorRecord {
  const { number, kind, atMs } = plan
  const amount = 1_000 + number
  const isTaken = kind === 'captured' || kind === 'settled' || kind === 'refunded'
  const status = isTaken ? 'captured' : kind === 'declined' ? 'declined' : 'authorised'
  const object = build.object(status, {
    objectId: `ch_${number}`,
    attemptId: null,
    amount,
    amountAuthorised: status === 'declined' ? 0 : amount,
    amountCaptured: isTaken ? amount : 0,
    settlement: kind === 'settled' || kind === 'refunded' ? settlementOf(number) : null,
    refunds:
      kind === 'refunded'
        ? [{ objectId: `re_${number}`, attemptId: null, amount, status: 'succeeded' }]
        : [],
    ...over,
  })
  return { object, paymentId: idOf(plan), isForeign: false, createdAtMs: atMs + 1 }
}

const agreeing = (plan: Plan): Case => ({
  payment: paymentOf(plan),
  records: plan.kind === 'initiated' ? [] : [recordOf(plan)],
  expects: null,
})

/** What can go wrong with one payment, by the break that it must be found as. */
export const injections: Readonly<
  Partial<Record<BreakType, (plan: Plan, random: () => number) => Case>>
> = {
  missing_at_processor: (plan) => of('missing_at_processor', old(plan, 'settled'), () => []),
  missing_internally: (plan) => ({
    payment: null,
    records: [recordOf(old(plan, 'settled'))],
    expects: 'missing_internally',
  }),
  status_mismatch: (plan, random) =>
    random() < 0.5
      ? of('status_mismatch', old(plan, 'authorised'), (own) => [
          recordOf({ ...own, kind: 'settled' }),
        ])
      : of('status_mismatch', old(plan, 'settled'), (own) => [
          recordOf({ ...own, kind: 'authorised' }),
        ]),
  amount_mismatch: (plan) =>
    of('amount_mismatch', old(plan, 'settled'), (own) => [recordOf(own, { amountCaptured: 7 })]),
  currency_mismatch: (plan) =>
    of('currency_mismatch', old(plan, 'settled'), (own) => [recordOf(own, { currency: 'USD' })]),
  duplicate_at_processor: (plan) =>
    of('duplicate_at_processor', old(plan, 'settled'), (own) => [
      recordOf(own),
      recordOf(own, { objectId: `ch_${own.number}_again` }),
    ]),
  reversed_externally: (plan, random) =>
    of('reversed_externally', old(plan, 'settled'), (own) => [
      random() < 0.5
        ? recordOf(own, { amountReversed: 5 })
        : recordOf(own, {
            refunds: [{ objectId: 're_x', attemptId: null, amount: 9, status: 'succeeded' }],
          }),
    ]),
  settlement_missing: (plan) =>
    of('settlement_missing', { ...plan, kind: 'captured', atMs: nowMs - 8 * day }, (own) => [
      recordOf(own),
    ]),
  fee_variance: (plan) =>
    of('fee_variance', old(plan, 'settled'), (own) => [
      recordOf(own, { settlement: { ...settlementOf(own.number), fee: 31 } }),
    ]),
  pending_timing: (plan, random) => {
    const fresh: Plan = { ...plan, kind: 'captured', atMs: nowMs - hour / 2 }
    return random() < 0.5
      ? of('pending_timing', fresh, () => [])
      : { payment: null, records: [recordOf(fresh)], expects: 'pending_timing' }
  },
}

/** Old enough that nothing is waited for, young enough for its settlement. */
const old = (plan: Plan, kind: Plan['kind']): Plan => ({
  ...plan,
  kind,
  atMs: Math.min(plan.atMs, nowMs - 2 * hour),
})

const of = (expects: BreakType, plan: Plan, records: (plan: Plan) => Case['records']): Case => ({
  payment: paymentOf(plan),
  records: records(plan),
  expects,
})

/** `rate`: of so many payments one is made to disagree; 0: none. */
export function casesOf(seed: number, count: number, rate: number): readonly Case[] {
  const random = randomOf(seed)
  const kinds = [
    'settled',
    'settled',
    'captured',
    'authorised',
    'declined',
    'refunded',
    'initiated',
  ]
  const types = Object.keys(injections) as BreakType[] // the table's own keys
  return Array.from({ length: count }, (_, number) => {
    const kind = kinds[Math.floor(random() * kinds.length)] as Plan['kind'] // one of them
    // Captured and not settled: as long as no settlement is due.
    const days = kind === 'captured' ? 6 : 9
    const atMs = nowMs - Math.floor(random() * days * day)
    const plan = { number, kind, atMs }
    if (random() >= rate) return agreeing(plan)
    const inject = injections[types[Math.floor(random() * types.length)] ?? 'fee_variance']
    return inject?.(plan, random) ?? agreeing(plan)
  })
}

export interface Reconciled {
  readonly run: ReconciliationRow
  readonly breaks: readonly BreakRow[]
  readonly engine: Engine
  /** Another run, over these records. */
  readonly again: (records: readonly ProcessorRecord[]) => Promise<Reconciled>
  readonly close: () => Promise<void>
}

type PageOf = (records: readonly ProcessorRecord[], from: number) => RecordsPage

/** Everything into a store and a processor, and one run over it. */
export async function reconcileAll(
  cases: readonly Case[],
  pageOf: PageOf = pageAt,
): Promise<Reconciled> {
  const store = storeOn(openConnection(':memory:'), () => undefined)
  await storePayments(store, cases)
  return runOver(
    store,
    cases.flatMap((each) => each.records),
    pageOf,
  )
}

async function runOver(
  store: Store,
  records: readonly ProcessorRecord[],
  pageOf: PageOf,
): Promise<Reconciled> {
  const { engine: base, hand } = createTestEngine()
  hand.nowMs = nowMs
  const model = base.processors.get('model')
  if (model === undefined) throw new Error('there is no model processor')
  const processor: Processor = {
    ...model,
    binding,
    records: async ({ cursor }) => pageOf(records, Number(cursor ?? 0)),
  }
  const engine: Engine = { ...base, store, processors: new Map([['model', processor]]) }
  const window = { processor: 'model', fromMs: nowMs - 10 * day, toMs: nowMs }
  const id = await beginReconciliation(engine, window, 'test')
  if (id === null) throw new Error('another run is under way')
  const index = openRecordIndex(':memory:')
  const run = await runReconciliation(engine, { id, index, policy })
  index.close(true)
  if (run === null) throw new Error('the run did not end')
  const again = (others: readonly ProcessorRecord[]) => runOver(store, others, pageOf)
  return { run, breaks: await allBreaks(store), engine, again, close: () => store.close() }
}

const pageSize = 500

export function pageAt(records: readonly ProcessorRecord[], from: number): RecordsPage {
  const to = from + pageSize
  return {
    result: 'page',
    records: records.slice(from, to),
    unreadable: [],
    cursor: to < records.length ? String(to) : null,
  }
}

async function storePayments(store: Store, cases: readonly Case[]): Promise<void> {
  const writes = cases.flatMap(({ payment }) => {
    if (payment === null) return []
    const value = { payment, dueAtMs: null, run: 1 }
    const put: Action = {
      do: 'put',
      table: 'payment',
      key: payment.id,
      value,
      if: { absent: true },
    }
    return [{ commitId: `cmt_${payment.id}`, actions: [put] }]
  })
  await Promise.all(writes.map((write) => store.commit(write)))
}

async function allBreaks(store: Store): Promise<readonly BreakRow[]> {
  const found: BreakRow[] = []
  let cursor: string | null = null
  do {
    const page: Awaited<ReturnType<typeof store.scan<'break'>>> = await store.scan({
      table: 'break',
      limit: 100,
      ...(cursor === null ? {} : { cursor }),
    })
    found.push(...page.rows.map(({ value }) => value))
    cursor = page.cursor
  } while (cursor !== null)
  return found
}

export interface Judged {
  readonly injected: number
  readonly found: number
  readonly mistyped: number
  readonly falseBreaks: number
}

/** Each case by its payment's id, against the breaks that name it. */
export function judge(cases: readonly Case[], breaks: readonly BreakRow[]): Judged {
  const byPayment = Map.groupBy(breaks, ({ paymentId }) => paymentId ?? '')
  const sum = { injected: 0, found: 0, mistyped: 0, falseBreaks: 0 }
  for (const { payment, records, expects } of cases) {
    const id = payment?.id ?? records[0]?.paymentId ?? ''
    const types = (byPayment.get(id) ?? []).map(({ type }) => type)
    if (expects !== null) sum.injected += 1
    if (expects !== null && types.includes(expects)) sum.found += 1
    const others = types.filter((type) => type !== expects).length
    if (expects === null) sum.falseBreaks += others
    else sum.mistyped += others
  }
  return sum
}
