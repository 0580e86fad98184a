// Every shape that a payment can have: state, operation and its status, voiding, refunds, holds.
// Each is built from real facts; the matrix asks each what every command does to it.
import * as build from './build.ts'
import type { Fact, HoldReason, Payment, State, Target } from '../src/core/payment.ts'

export interface Shape {
  readonly state: State
  /** The operation towards money and its status, or what else tells the shape apart. */
  readonly operation: string
  readonly voiding: string
  readonly hold: HoldReason | 'none'
  readonly payment: Payment
}

const statuses = {
  due: 'not_executed',
  sent: null,
  pending: 'pending',
  unknown: 'unknown',
} as const

type OpenStatus = keyof typeof statuses

// An attempt whose one send says so much.
function operation(target: Target, status: OpenStatus, over: build.OpenOver = {}): readonly Fact[] {
  const outcome = statuses[status]
  const opened = build.opened(target, over)
  return outcome === null ? [opened] : [opened, build.observed(target, outcome)]
}

interface Base {
  readonly operation: string
  readonly facts: readonly Fact[]
  readonly over?: build.ClaimOver
}

const validated: Fact = { type: 'validated' }
const authorise = { kind: 'authorise' } as const
const capture = { kind: 'capture' } as const
const create = { kind: 'create' } as const
const refund = { kind: 'refund', refundId: 'ref_1' } as const

const paidFacts: readonly Fact[] = [validated, build.opened(authorise), build.authorised()]
const capturedFacts: readonly Fact[] = [
  ...paidFacts,
  build.opened(capture, { number: 2, objectId: build.objectId }),
  build.captured(),
]
const source = build.by
const refunded: Fact = { type: 'refund_succeeded', refundId: 'ref_1', objectId: 're_1', by: source }
const refundFailed: Fact = {
  type: 'refund_failed',
  refundId: 'ref_1',
  decline: { reason: 'declined', code: 'x' },
  by: source,
}
const all: readonly OpenStatus[] = ['due', 'sent', 'pending', 'unknown']
const unfinished: readonly OpenStatus[] = ['due', 'sent', 'unknown']

const initiated: readonly Base[] = [{ operation: 'none', facts: [] }]

const whileValidated: readonly Base[] = [
  { operation: 'none, object made', facts: [validated, build.opened(create), build.objectCreated] },
  ...unfinished.map((status) => ({
    operation: `create ${status}`,
    facts: [validated, ...operation(create, status)],
  })),
  ...all.map((status) => ({
    operation: `authorise ${status}`,
    facts: [validated, ...operation(authorise, status)],
  })),
  ...all.map((status) => ({
    operation: `authorise ${status}, object made`,
    facts: [
      validated,
      build.opened(create),
      build.objectCreated,
      ...operation(authorise, status, { number: 2, objectId: build.objectId }),
    ],
  })),
]

const captureAsked: Fact = { type: 'capture_requested', amount: 600, by: 'agt_1' }

const whileAuthorised: readonly Base[] = [
  { operation: 'none, automatic', facts: paidFacts },
  { operation: 'none, manual', facts: paidFacts, over: { capture: 'manual' } },
  {
    operation: 'none, capture asked',
    facts: [...paidFacts, captureAsked],
    over: { capture: 'manual' },
  },
  ...all.map((status) => ({
    operation: `capture ${status}`,
    facts: [...paidFacts, ...operation(capture, status, { number: 2, objectId: build.objectId })],
  })),
]

const withRefund = (facts: readonly Fact[]): readonly Base[] => [
  { operation: 'none', facts },
  { operation: 'refund asked', facts: [...facts, build.refundRequested('ref_1', 400)] },
  ...all.map((status) => ({
    operation: `refund ${status}`,
    facts: [
      ...facts,
      build.refundRequested('ref_1', 400),
      ...operation(refund, status, { number: 3, objectId: build.objectId }),
    ],
  })),
  {
    operation: 'refund succeeded',
    facts: [...facts, build.refundRequested('ref_1', 400), refunded],
  },
  {
    operation: 'refund failed',
    facts: [...facts, build.refundRequested('ref_1', 400), refundFailed],
  },
]

const objectFirstDecline: readonly Fact[] = [
  validated,
  build.opened(create),
  build.objectCreated,
  build.opened(authorise, { number: 2, objectId: build.objectId }),
  build.declined,
]

const bases: Readonly<Record<State, readonly Base[]>> = {
  initiated,
  validated: whileValidated,
  authorised: whileAuthorised,
  captured: withRefund(capturedFacts),
  settled: withRefund([...capturedFacts, build.settled]),
  refunded: [
    { operation: 'refund succeeded', facts: [...capturedFacts, build.refundRequested(), refunded] },
  ],
  declined: [
    { operation: 'none', facts: [validated, build.opened(authorise), build.declined] },
    { operation: 'object left', facts: objectFirstDecline },
  ],
  rejected: [
    { operation: 'none', facts: [{ type: 'rejected', reason: 'too_late', by: 'quittance' }] },
  ],
  voided: [{ operation: 'none', facts: [validated, build.voidRequested, build.voided] }],
  expired: [{ operation: 'none', facts: [...paidFacts, { type: 'expired', by: source }] }],
}

// ── Voids ────────────────────────────────────────────────────────────────────────────────────────

const voidTarget = { kind: 'void' } as const

const refusedVoid: readonly Fact[] = [
  build.opened(voidTarget, { number: 9, objectId: build.objectId }),
  build.observed(voidTarget, 'declined'),
]

/** Nothing asked; asked; and each status of the void operation. */
const voidings: Readonly<Record<string, readonly Fact[]>> = {
  none: [],
  requested: [build.voidRequested],
  due: [build.voidRequested, ...operation(voidTarget, 'due', { number: 9 })],
  sent: [build.voidRequested, ...operation(voidTarget, 'sent', { number: 9 })],
  unknown: [build.voidRequested, ...operation(voidTarget, 'unknown', { number: 9 })],
  failed: [build.voidRequested, ...refusedVoid],
}

function voidingsOf(state: State, base: Base): readonly string[] {
  if (state === 'declined') {
    return base.operation === 'object left'
      ? ['none', 'due', 'sent', 'unknown', 'failed']
      : ['none']
  }
  if (state !== 'validated' && state !== 'authorised') return ['none']
  // Making an object moves no money: a void needs no call then.
  if (base.operation.startsWith('create')) return ['none', 'requested']
  return Object.keys(voidings)
}

// ── Holds ────────────────────────────────────────────────────────────────────────────────────────

export const holds: readonly (HoldReason | 'none')[] = [
  'none',
  'approval_required',
  'possible_duplicate',
  'action_required',
  'processor_changed',
  'dead_letter',
]

function holdsOf(state: State, base: Base): readonly (HoldReason | 'none')[] {
  switch (state) {
    case 'initiated':
      return holds.filter((hold) => hold !== 'action_required')
    case 'validated':
    case 'authorised':
      return holds
    case 'captured':
    case 'settled':
      return base.operation === 'none' ? ['none'] : ['none', 'processor_changed', 'dead_letter']
    case 'refunded':
    case 'declined':
    case 'rejected':
    case 'voided':
    case 'expired':
      return ['none']
  }
}

export const approvalHash = 'sha256-of-what-was-shown'

function withHold(hold: HoldReason | 'none'): { over: build.ClaimOver; facts: readonly Fact[] } {
  const facts = hold === 'none' ? [] : [build.held(hold)]
  if (hold !== 'approval_required') return { over: {}, facts }
  const expiresAtMs = build.t0 + 24 * build.hours
  return { over: { approval: { hash: approvalHash, expiresAtMs, approvedBy: null } }, facts }
}

/** All of them, in the order of the states. */
export function shapes(): readonly Shape[] {
  const states = Object.keys(bases) as State[] // the keys of this very record
  return states.flatMap((state) =>
    bases[state].flatMap((base) =>
      voidingsOf(state, base).flatMap((voiding) =>
        holdsOf(state, base).map((hold): Shape => {
          const { over, facts } = withHold(hold)
          const payment = build.after(build.claimed({ ...base.over, ...over }), [
            ...base.facts,
            ...(state === 'declined'
              ? (voidings[voiding] ?? []).filter((fact) => fact.type !== 'void_requested')
              : (voidings[voiding] ?? [])),
            ...facts,
          ])
          return { state, operation: base.operation, voiding, hold, payment }
        }),
      ),
    ),
  )
}
