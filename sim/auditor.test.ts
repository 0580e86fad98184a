// The judge is judged: for each invariant a short history that is clean, one change to it that is not,
// and the same change with the invariant switched off, which then gets through.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import { createAuditor } from './auditor.ts'
import type { Charge, Ledger, Seen, Sent, Standing, StoredRow, Violation } from './witness.ts'

const id = 'pay_1'

const terms = {
  account: 'a',
  payee: 'ACME',
  reference: 'INV-1',
  amount: 100,
  budgets: [] as readonly string[],
}

interface Facts {
  readonly id?: string
  readonly reference?: string
  readonly budgets?: readonly string[]
  readonly holds?: readonly { readonly reason: string }[]
  readonly amountCaptured?: number
  readonly refunds?: readonly object[]
}

const row = (state: string, facts: Facts = {}): StoredRow => ({
  table: 'payment',
  key: facts.id ?? id,
  value: {
    dueAtMs: null,
    payment: {
      state,
      amount: 100,
      currency: 'EUR',
      budgets: [],
      holds: [],
      duplicateObjects: [],
      ...facts,
    },
  },
})

let seqs = new Map<string, number>()

/** Stored: these events in order, and the payment as it is then. */
function stored(
  events: readonly (readonly [type: string, body?: object])[],
  after: StoredRow,
  others: readonly StoredRow[] = [],
): Seen {
  const paymentId = after.key
  return {
    see: 'stored',
    atMs: 1,
    rows: [...others, after],
    events: events.map(([type, body = {}]) => {
      const seq = (seqs.get(paymentId) ?? 0) + 1
      seqs.set(paymentId, seq)
      return { paymentId, seq, type, body }
    }),
  }
}

function claimed(facts: Facts = {}, others: readonly StoredRow[] = []): Seen {
  const { reference = 'INV-1', budgets = [] } = facts
  const body = { terms: { ...terms, reference, budgets } }
  return stored([['claimed', body]], row('initiated', facts), others)
}

const held = (): Seen => stored([['held', { reason: 'approval_required' }]], row('initiated'))

const ledger = (change: Ledger['change'], over: Partial<Ledger> = {}): Seen => ({
  see: 'ledger',
  atMs: 2,
  paymentId: id,
  objectId: 'ch_1',
  key: 'k1',
  change,
  amount: 100,
  currency: 'EUR',
  reference: null,
  ...over,
})

const sent = (over: Partial<Sent> = {}): Seen => ({
  see: 'sent',
  atMs: 2,
  paymentId: id,
  kind: 'authorise',
  key: 'k1',
  body: '',
  breaker: 'closed',
  halted: false,
  keyWindowMs: 1_000,
  actsOnce: false,
  ...over,
})

const asked = (ask: number, over: object = {}): Seen => ({
  see: 'asked',
  atMs: 0,
  ask,
  who: 'agent',
  account: 'a',
  method: 'POST',
  path: '/v1/payments',
  key: 'key',
  body: '{"amount":100}',
  bill: 'b',
  ...over,
})

const answered = (ask: number, body: object, status = 202): Seen => ({
  see: 'answered',
  atMs: 3,
  ask,
  status,
  body: { object: 'payment', id, money_moved: 'unknown', ...body },
})

const delivered = (...numbers: readonly number[]): Seen => ({
  see: 'delivered',
  atMs: 4,
  events: numbers.map((seq) => ({ paymentId: id, seq, type: 'x', body: {} })),
})

const validated = (): Seen => stored([['validated']], row('validated'))
const paid = (facts: Facts = {}): Seen =>
  stored([['authorised'], ['captured']], row('captured', { amountCaptured: 100, ...facts }))

/** Claimed, sent, captured at the processor and by our books. */
const life = (facts: Facts = {}, others: readonly StoredRow[] = []): readonly Seen[] => [
  claimed(facts, others),
  validated(),
  sent(),
  ledger('authorised'),
  ledger('captured'),
  paid(facts),
]

const cancelled = (): readonly Seen[] => [
  claimed(),
  validated(),
  sent(),
  ledger('authorised'),
  ledger('voided'),
  stored([['voided']], row('voided')),
]

const charge: Charge = {
  objectId: 'ch_1',
  paymentId: id,
  currency: 'EUR',
  status: 'captured',
  amount: 100,
  captured: 100,
  refunded: 0,
  reversed: 0,
}

const standing = (last: StoredRow, over: Partial<Standing> = {}): Standing => ({
  atMs: 9,
  bills: [],
  rows: [last],
  events: Array.from({ length: seqs.get(id) ?? 0 }, (_, index) => ({
    paymentId: id,
    seq: index + 1,
    type: 'x',
    body: {},
  })),
  unpublished: 0,
  charges: [charge],
  ...over,
})

const captured = row('captured', { amountCaptured: 100 })
const budget = (left: number, limit = 100): StoredRow => ({
  table: 'budget',
  key: 'day',
  value: { left, spent: 100, limit },
})

interface Case {
  readonly invariant: number
  readonly says: string
  readonly clean: () => readonly Seen[]
  readonly broken: () => readonly Seen[]
  /** How it stands at the end, where the end is judged. */
  readonly cleanEnd?: () => Standing
  readonly brokenEnd?: () => Standing
}

const all = (): Seen =>
  delivered(...Array.from({ length: seqs.get(id) ?? 0 }, (_, index) => index + 1))

const cases: readonly Case[] = [
  {
    invariant: 1,
    says: 'captured twice',
    clean: () => life(),
    broken: () => [...life(), ledger('captured', { objectId: 'ch_2', amount: 0 })],
  },
  {
    invariant: 2,
    says: 'more captured than there was',
    clean: () => life(),
    broken: () => [claimed(), validated(), sent(), ledger('captured', { amount: 101 })],
  },
  {
    invariant: 2,
    says: 'more given back than was taken',
    clean: () => [
      ...life(),
      stored([['refund_requested', { reference: 'r' }]], captured),
      ledger('refunded', { amount: 60 }),
    ],
    broken: () => [
      ...life(),
      stored([['refund_requested', { reference: 'r' }]], captured),
      ledger('refunded', { amount: 101 }),
    ],
  },
  {
    invariant: 2,
    says: 'one refund reference twice',
    clean: () => [...life(), stored([['refund_requested', { reference: 'r' }]], captured)],
    broken: () => [
      ...life(),
      stored([['refund_requested', { reference: 'r' }]], captured),
      stored([['refund_requested', { reference: ' R ' }]], captured),
    ],
  },
  {
    invariant: 3,
    says: 'our books and the processor’s differ',
    clean: () => [...life(), all()],
    broken: () => [...life(), all()],
    cleanEnd: () => standing(captured),
    brokenEnd: () => standing(row('captured', { amountCaptured: 90 })),
  },
  {
    invariant: 4,
    says: 'a gap in the numbers',
    clean: () => [claimed(), validated()],
    broken: () => {
      const first = claimed()
      seqs.set(id, 2)
      return [first, validated()]
    },
  },
  {
    invariant: 4,
    says: 'a gap in what was delivered',
    clean: () => [...life(), delivered(1, 2), delivered(1, 2, 3)],
    broken: () => [...life(), delivered(1), delivered(3)],
  },
  {
    invariant: 5,
    says: 'acknowledged, and not there',
    clean: () => [asked(1), claimed(), answered(1, {})],
    broken: () => [asked(1), answered(1, {})],
  },
  {
    invariant: 5,
    says: 'accepted, and not found',
    clean: () => [asked(1), claimed(), answered(1, {})],
    broken: () => [asked(1), answered(1, { object: 'problem', code: 'payment_not_found' }, 404)],
  },
  {
    invariant: 5,
    says: 'refused, and its key is stored',
    clean: () => [asked(1), answered(1, { object: 'problem', code: 'too_late' }, 409)],
    broken: () => [
      asked(1),
      claimed({}, [{ table: 'key', key: 'agent/POST/v1/payments/key', value: {} }]),
      answered(1, { object: 'problem', code: 'too_late' }, 409),
    ],
  },
  {
    invariant: 6,
    says: 'another body under a used key',
    clean: () => [asked(1), claimed(), answered(1, {}), asked(2), answered(2, {})],
    broken: () => [asked(1), claimed(), answered(1, {}), asked(2, { body: '{}' }), answered(2, {})],
  },
  {
    invariant: 6,
    says: 'one bill holds money twice',
    clean: () => [...life(), claimed({ id: 'pay_2', reference: 'INV-2' }), other('authorised')],
    broken: () => [...life(), claimed({ id: 'pay_2', reference: ' inv-1' }), other('authorised')],
  },
  {
    invariant: 7,
    says: 'a step that the table does not have',
    clean: () => [
      claimed(),
      validated(),
      sent(),
      ledger('authorised'),
      stored([['authorised']], row('authorised')),
    ],
    broken: () => [
      claimed(),
      sent(),
      ledger('authorised'),
      stored([['authorised']], row('authorised')),
    ],
  },
  {
    invariant: 8,
    says: 'voided, and captured after it',
    clean: () => [claimed(), validated(), sent(), stored([['voided']], row('voided'))],
    broken: () => [
      claimed(),
      validated(),
      sent(),
      stored([['voided']], row('voided')),
      ledger('captured'),
    ],
  },
  {
    invariant: 9,
    says: 'sent again past the window of its key',
    clean: () => [claimed(), validated(), sent(), sent({ atMs: 900 })],
    broken: () => [claimed(), validated(), sent(), sent({ atMs: 1_002 })],
  },
  {
    invariant: 9,
    says: 'an older key acts after a newer one was sent',
    clean: () => [
      claimed(),
      validated(),
      sent(),
      sent({ key: 'k2' }),
      ledger('authorised', { key: 'k2' }),
    ],
    broken: () => [claimed(), validated(), sent(), sent({ key: 'k2' }), ledger('authorised')],
  },
  {
    invariant: 10,
    says: 'more is held than the limit allows',
    clean: () => [claimed({ budgets: ['day'] }, [budget(0)])],
    broken: () => [claimed({ budgets: ['day'] }, [budget(0, 99)])],
  },
  {
    invariant: 10,
    says: 'a unit given back twice',
    clean: () => [...life({ budgets: ['day'] }, [budget(0)]), all()],
    broken: () => [...life({ budgets: ['day'] }, [budget(0)]), all()],
    cleanEnd: () => standing(captured, { rows: [captured, budget(0)] }),
    brokenEnd: () => standing(captured, { rows: [captured, budget(100)] }),
  },
  {
    invariant: 11,
    says: 'open, and nobody looks at it',
    clean: () => [claimed(), all()],
    broken: () => [claimed(), all()],
    cleanEnd: () => standing(row('initiated', { holds: [{ reason: 'dead_letter' }] })),
    brokenEnd: () => standing(row('initiated')),
  },
  {
    invariant: 12,
    says: 'captured, because a message said so',
    clean: () => life(),
    broken: () => [claimed(), validated(), sent(), ledger('authorised'), paid()],
  },
  {
    invariant: 12,
    says: 'brought back to life by an old message',
    clean: () => cancelled(),
    broken: () => [
      ...cancelled(),
      stored([['corrected', { to: 'authorised' }]], row('authorised')),
    ],
  },
  {
    invariant: 13,
    says: 'sent while the breaker is open',
    clean: () => [claimed(), validated(), sent({ breaker: 'half_open' })],
    broken: () => [claimed(), validated(), sent({ breaker: 'open' })],
  },
  {
    invariant: 13,
    says: 'sent while it was stopped',
    clean: () => [claimed(), validated(), sent()],
    broken: () => [claimed(), validated(), sent({ halted: true })],
  },
  {
    invariant: 13,
    says: 'sent before anybody had agreed to it',
    clean: () => [claimed(), held(), stored([['approved']], row('initiated')), validated(), sent()],
    broken: () => [claimed(), held(), validated(), sent()],
  },
  {
    invariant: 14,
    says: 'told that no money moved, and it had',
    clean: () => [...life(), asked(1), answered(1, { money_moved: 'yes' })],
    broken: () => [...life(), asked(1), answered(1, { money_moved: 'no' })],
  },
  {
    invariant: 14,
    says: 'a new key allowed, and the old one acts',
    clean: () => [claimed(), validated(), sent(), asked(1), answered(1, {}), ledger('authorised')],
    broken: () => [
      claimed(),
      validated(),
      sent(),
      asked(1),
      answered(1, { new_key_allowed: true }),
      ledger('authorised'),
    ],
  },
]

function other(change: Ledger['change']): Seen {
  return ledger(change, { paymentId: 'pay_2', objectId: 'ch_2', key: 'k9' })
}

function judge(
  off: readonly number[],
  history: () => readonly Seen[],
  end: (() => Standing) | undefined,
): readonly Violation[] {
  seqs = new Map()
  const auditor = createAuditor({ off })
  const found = history().flatMap((seen) => auditor.see(seen))
  return end === undefined ? found : [...found, ...auditor.end(end())]
}

for (const { invariant, says, clean, broken, cleanEnd, brokenEnd } of cases) {
  test(`invariant ${invariant}: ${says}`, () => {
    assert.deepEqual(judge([], clean, cleanEnd), [])
    const found = judge([], broken, brokenEnd)
    assert.deepEqual(
      [...new Set(found.map((each) => each.invariant))],
      [invariant],
      JSON.stringify(found),
    )
    assert.deepEqual(judge([invariant], broken, brokenEnd), [])
  })
}
