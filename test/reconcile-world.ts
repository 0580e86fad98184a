// Payments and a processor's records that agree, then made to disagree at random places, each in one
// known way: what a reconciliation finds of them is compared with what was done.
import { openConnection, storeOn } from '../src/stores/sqlite/store.ts'
import { openRecordIndex } from '../src/stores/sqlite/record-index.ts'
import { openSettlementIndex } from '../src/stores/sqlite/settlement-index.ts'
import { beginSettlement, runSettlement } from '../src/engine/settle-file.ts'
import type { SettlementLine } from '../src/core/settlement.ts'
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
  /** Further payments that the case needs. */
  readonly others?: readonly Payment[]
  readonly records: readonly ProcessorRecord[]
  /** A line of the records that nobody can read. */
  readonly unreadable?: string
  /** Lines of the settlement file that is compared after the records. */
  readonly lines?: readonly Omit<SettlementLine, 'line'>[]
  /** What names the case's break where no payment does. */
  readonly named?: string
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

export const binding = { processor: 'model', processorAccount: 'acct_1', livemode: false }

function paymentOf(plan: Plan): Payment {
  const { number, atMs } = plan
  const reference = `INV-${number}`
  const terms = { id: idOf(plan), amount: 1_000 + number, createdAtMs: atMs, reference }
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
  // Every third payout line stands in the file too, named by one of the ways that there are.
  ...(plan.kind === 'settled' && plan.number % 3 === 0 ? { lines: [lineOf(plan)] } : {}),
})

function lineOf(plan: Plan, over: Partial<SettlementLine> = {}): Omit<SettlementLine, 'line'> {
  const { number } = plan
  const { id: batch, settledAtMs, fee } = settlementOf(number)
  return {
    kind: 'captured',
    paymentId: number % 2 === 0 ? idOf(plan) : null,
    attemptId: null,
    objectId: `ch_${number}`,
    movementId: null,
    reference: `inv-${number}`,
    currency: 'EUR',
    amount: 1_000 + number,
    fee,
    batch,
    settledAtMs,
    ...over,
  }
}

/** How far back payments were made here. */
export const windowMs = 10 * day

/** The payment of this number among so many, spread over nine days, and its record: they agree. */
export function agreeingAt(
  number: number,
  count: number,
): { readonly payment: Payment; readonly record: ProcessorRecord } {
  const kinds = ['settled', 'settled', 'settled', 'authorised', 'declined', 'refunded'] as const
  const kind = kinds[number % kinds.length] ?? 'settled'
  const atMs = nowMs - 9 * day + Math.floor((number / count) * 8 * day)
  const plan = { number, kind, atMs }
  const like = likeOf(kind)
  const ids = {
    id: idOf(plan),
    amount: 1_000 + number,
    createdAtMs: atMs,
    reference: `INV-${number}`,
  }
  // As if it had come about by its own facts: only names and amounts differ from one of its kind.
  const paid = 'amountCaptured' in like ? { amountCaptured: ids.amount } : {}
  const held = 'amountAuthorised' in like ? { amountAuthorised: ids.amount } : {}
  const refunds =
    'refunds' in like
      ? { refunds: like.refunds.map((each) => ({ ...each, amount: ids.amount })) }
      : {}
  const objectId = like.objectId === null ? null : `ch_${number}`
  const payment = { ...like, ...ids, objectId, ...held, ...paid, ...refunds } as Payment // of its kind
  return { payment, record: recordOf(plan) }
}

const likes = new Map<Plan['kind'], Payment>()

function likeOf(kind: Plan['kind']): Payment {
  const known = likes.get(kind)
  if (known !== undefined) return known
  const made = paymentOf({ number: 0, kind, atMs: nowMs - 9 * day })
  likes.set(kind, made)
  return made
}

/** What can go wrong with one payment, by the break that it must be found as. */
export const injections: Readonly<
  Partial<Record<BreakType, (plan: Plan, random: () => number) => Case>>
> = {
  missing_at_processor: (plan) => of('missing_at_processor', old(plan, 'settled'), () => []),
  missing_internally: (plan, random) => {
    const lost = { ...plan, kind: 'settled', atMs: Math.min(plan.atMs, nowMs - 2 * day) } as const
    // Only the file knows of it: what it was paid out for is named by our id.
    const inFile = { payment: null, records: [], lines: [lineOf(lost, { paymentId: idOf(lost) })] }
    const inRecords = { payment: null, records: [recordOf(lost)] }
    const where = random() < 0.3 ? inFile : inRecords
    return { ...where, named: idOf(lost), expects: 'missing_internally' }
  },
  duplicate_internal: (plan) => {
    const [one, other] = [
      old(plan, 'settled'),
      old({ ...plan, number: plan.number + 500_000 }, 'settled'),
    ]
    const claimed = { ...paymentOf(other), objectId: `ch_${plan.number}` } as Payment // only renamed
    return {
      payment: paymentOf(one),
      others: [claimed],
      records: [recordOf(one)],
      expects: 'duplicate_internal',
    }
  },
  unparseable_row: (plan) => {
    const unreadable = `{"object":"charge","id":"ch_${plan.number}`
    return { payment: null, records: [], unreadable, named: unreadable, expects: 'unparseable_row' }
  },
  ambiguous_match: (plan) => {
    // Two bills of one number that were never sent, and a line that could be of either.
    const plans = [0, 1].map(
      (each) => ({ ...plan, kind: 'initiated', number: plan.number + each * 600_000 }) as const,
    )
    const bills = plans.map((each) => ({
      ...paymentOf(each),
      amount: 7,
      reference: `AMB-${plan.number}`,
    }))
    const [payment, ...others] = bills
    const line = lineOf(plan, {
      paymentId: null,
      objectId: `psp_${plan.number}`,
      reference: `AMB-${plan.number}`,
      amount: 7,
    })
    const expects = 'ambiguous_match'
    return {
      payment: payment ?? null,
      others,
      records: [],
      lines: [line],
      named: `psp_${plan.number}`,
      expects,
    }
  },
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
      : { payment: null, records: [recordOf(fresh)], named: idOf(fresh), expects: 'pending_timing' }
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
  /** Another run, over these records, so much later. */
  readonly again: (records: readonly ProcessorRecord[], laterMs?: number) => Promise<Reconciled>
  readonly close: () => Promise<void>
}

type PageOf = (records: readonly ProcessorRecord[], from: number) => RecordsPage

export interface WorldOptions {
  readonly pageOf?: PageOf
  /** By so much the processor's clock is ahead of ours. */
  readonly skewMs?: number
}

/** Everything into a store and a processor, one run over its records, and one over its file. */
export async function reconcileAll(
  cases: readonly Case[],
  { pageOf = pageAt, skewMs = 0 }: WorldOptions = {},
): Promise<Reconciled> {
  const store = storeOn(openConnection(':memory:'), () => undefined)
  await storePayments(store, cases)
  const unreadable = cases.flatMap((each) => each.unreadable ?? [])
  const given: Given = { store, pageOf: withUnreadable(pageOf, unreadable), skewMs }
  const first = await runOver(
    given,
    cases.flatMap((each) => each.records),
    nowMs,
  )
  const lines = cases.flatMap((each) => each.lines ?? [])
  if (lines.length > 0) await settleLines(first.engine, lines)
  return { ...first, breaks: await allBreaks(store) }
}

/** The lines that nobody can read come with the last page. */
const withUnreadable =
  (pageOf: PageOf, unreadable: readonly string[]): PageOf =>
  (records, from) => {
    const page = pageOf(records, from)
    if (page.result !== 'page' || page.cursor !== null) return page
    return { ...page, unreadable: [...page.unreadable, ...unreadable] }
  }

interface Given {
  readonly store: Store
  readonly pageOf: PageOf
  readonly skewMs: number
}

/** An engine over this store whose processor tells these records. */
export function engineOver(
  { store, pageOf, skewMs }: Given,
  records: readonly ProcessorRecord[],
  atMs: number,
): Engine {
  const { engine: base, hand } = createTestEngine()
  hand.nowMs = atMs
  const model = base.processors.get('model')
  if (model === undefined) throw new Error('there is no model processor')
  const byTheirClock = records.map((record) => ({
    ...record,
    createdAtMs: record.createdAtMs + skewMs,
  }))
  const processor: Processor = {
    ...model,
    binding,
    records: async ({ fromMs, toMs, cursor }) => {
      const inside = byTheirClock.filter(
        (each) => each.createdAtMs >= fromMs && each.createdAtMs < toMs,
      )
      return pageOf(inside, Number(cursor ?? 0))
    },
  }
  return { ...base, store, processors: new Map([['model', processor]]) }
}

async function runOver(
  given: Given,
  records: readonly ProcessorRecord[],
  atMs: number,
): Promise<Reconciled> {
  const { store } = given
  const engine = engineOver(given, records, atMs)
  const window = { processor: 'model', fromMs: atMs - 10 * day, toMs: atMs }
  const id = await beginReconciliation(engine, window, 'test')
  if (id === null) throw new Error('another run is under way')
  const index = openRecordIndex(':memory:')
  const run = await runReconciliation(engine, { id, index, policy })
  index.close(true)
  if (run === null) throw new Error('the run did not end')
  const again = (others: readonly ProcessorRecord[], laterMs = 0) =>
    runOver(given, others, atMs + laterMs)
  return { run, breaks: await allBreaks(store), engine, again, close: () => store.close() }
}

/** One settlement file with these lines. */
export async function settleLines(
  engine: Engine,
  lines: readonly Omit<SettlementLine, 'line'>[],
  isExclusive = false,
): Promise<ReconciliationRow> {
  const index = openSettlementIndex(':memory:')
  const numbered = lines.map((line, place) => ({ ...line, line: place + 1 }))
  index.add({ from: 0, through: numbered.length, lines: numbered, unreadable: [] })
  index.complete()
  const file = { id: 'stf_1', name: 'file.csv', isExclusive, batches: [], repeats: [] }
  const id = await beginSettlement(engine, 'model', file, 'test')
  const run = await runSettlement(engine, { id, index, policy })
  index.close(true)
  if (run === null) throw new Error('the run did not end')
  return run
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

/** Pages of any size that begin before the last one ended, in whatever order within. */
export function untidyPages(random: () => number): PageOf {
  return (records, from) => {
    const to = from + 50 + Math.floor(random() * 900)
    const back = Math.max(0, from - Math.floor(random() * 40))
    const page = records.slice(back, to)
    const turned = random() < 0.5 ? page.toReversed() : page
    const cursor = to < records.length ? String(to) : null
    return { result: 'page', records: turned, unreadable: [], cursor }
  }
}

export async function storePayments(store: Store, cases: readonly Case[]): Promise<void> {
  const payments = cases.flatMap(({ payment, others = [] }) => [payment ?? [], others].flat())
  const writes = payments.map((payment) => {
    const value = { payment, dueAtMs: null, run: 1 }
    const put: Action = {
      do: 'put',
      table: 'payment',
      key: payment.id,
      value,
      if: { absent: true },
    }
    return { commitId: `cmt_${payment.id}`, actions: [put] }
  })
  await Promise.all(writes.map((write) => store.commit(write)))
}

export async function allBreaks(store: Store): Promise<readonly BreakRow[]> {
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

/** Each case by its payment's id, or what else names it, against the breaks that name it. */
export function judge(cases: readonly Case[], breaks: readonly BreakRow[]): Judged {
  const byPayment = Map.groupBy(breaks, ({ paymentId, objectId }) => paymentId ?? objectId ?? '')
  const sum = { injected: 0, found: 0, mistyped: 0, falseBreaks: 0 }
  let named = 0
  for (const { payment, named: name, records, expects } of cases) {
    const ids = new Set([name, payment?.id, records[0]?.paymentId].filter((id) => id != null))
    const types = [...ids].flatMap((id) => (byPayment.get(id) ?? []).map(({ type }) => type))
    named += types.length
    if (expects !== null) sum.injected += 1
    if (expects !== null && types.includes(expects)) sum.found += 1
    const others = types.filter((type) => type !== expects).length
    if (expects === null) sum.falseBreaks += others
    else sum.mistyped += others
  }
  // What is of no case at all is false as well.
  return { ...sum, falseBreaks: sum.falseBreaks + Math.max(0, breaks.length - named) }
}

/** What was only waited for, as it must be found once it is overdue. */
export const overdue = (cases: readonly Case[]): readonly Case[] =>
  cases.map((each) =>
    each.expects === 'pending_timing'
      ? { ...each, expects: each.payment === null ? 'missing_internally' : 'missing_at_processor' }
      : each,
  )
