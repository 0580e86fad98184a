// What a payment has to be told so that it stands where the processor's object shows it: the attempts
// that the store has forgotten are opened again as they were numbered, so that no id ever names two
// requests, and then the object speaks as evidence, as it always does.
import { decide } from '../core/decide.ts'
import { evolveFacts } from '../core/evolve.ts'
import { attemptNumber } from '../core/marks.ts'
import type { RefundMark } from '../core/marks.ts'
import { attemptId, isOpen, operationOf, refundsOf } from '../core/operation.ts'
import type { Attempt, Fact, OperationKind, Payment, Send, Target } from '../core/payment.ts'
import type { Capabilities, Circumstances } from '../core/policy.ts'
import type { ProcessorRecord } from '../core/reconcile.ts'

export interface CatchUp {
  readonly record: ProcessorRecord
  readonly capabilities: Capabilities | null
  readonly given: Circumstances
  readonly nowMs: number
}

/** Nobody can build the bytes of a request that was forgotten: an adapter never sends this version. */
const forgottenVersion = 'recovered'

/** None where the payment knows all of it. */
export function catchUpFacts(before: Payment, catchUp: CatchUp): readonly Fact[] {
  const { record, given, nowMs } = catchUp
  const facts: Fact[] = []
  let payment = before
  const add = (more: readonly Fact[]): void => {
    facts.push(...more)
    payment = evolveFacts(payment, more, nowMs)
  }
  const evidence = { kind: 'record', object: record.object, askedAtMs: nowMs } as const
  const observe = (): void => {
    add(decide(payment, { type: 'observe', evidence, judgement: given }, nowMs).facts ?? [])
  }
  add(openings(payment, catchUp))
  observe()
  add(refundsForgotten(payment, catchUp))
  observe()
  return facts
}

// ── Attempts towards money ───────────────────────────────────────────────────────────────────────

function openings(payment: Payment, catchUp: CatchUp): readonly Fact[] {
  const { object } = catchUp.record
  const number = attemptNumber(object.attemptId)
  const isNew = number > payment.attemptsOpened && payment.objectId === null
  const isBeginning = payment.state === 'initiated' || payment.state === 'validated'
  if (!isBeginning || !isNew) return []
  const validated: readonly Fact[] =
    payment.state === 'initiated' ? [{ type: 'validated' }] : notExecuted(payment, catchUp.nowMs)
  const made = object.attemptId?.includes('_create_') === true
  // A capture in two steps had an attempt of its own, after this one; its number is not told.
  const captures = object.amountCaptured > 0 ? 1 : 0
  if (!made) {
    const own = { kind: 'authorise', number, upTo: number + captures } as const
    return [...validated, ...opened(payment, { kind: 'authorise' }, own, catchUp)]
  }
  const create = { kind: 'create', number, upTo: number } as const
  const first = opened(payment, { kind: 'create' }, create, catchUp)
  if (object.status === 'created') return [...validated, ...first]
  const { objectId } = object
  const after = { ...payment, attemptsOpened: payment.attemptsOpened + first.length }
  const confirm = { kind: 'authorise', number: number + 1, upTo: number + 1 + captures } as const
  return [
    ...validated,
    ...first,
    { type: 'object_created', objectId, by: recordSource(catchUp.nowMs) },
    ...opened(after, { kind: 'authorise' }, confirm, catchUp),
  ]
}

/** A later attempt was opened only because the one before was proved to have done nothing. */
function notExecuted(payment: Payment, nowMs: number): readonly Fact[] {
  const operation = operationOf(payment)
  if (!isOpen(operation) || operation.kind === 'void' || operation.kind === 'refund') return []
  const by = recordSource(nowMs)
  const all = { sends: 'all', outcome: 'not_executed', retryAtMs: null } as const
  return [{ type: 'observed', target: { kind: operation.kind }, ...all, by }]
}

interface Own {
  readonly kind: OperationKind
  readonly number: number
  /** Attempts that there are at least, once it is opened. */
  readonly upTo: number
}

/** The attempt itself comes last; those before it are known to have done nothing, or done it. */
function opened(
  { id, attemptsOpened }: Payment,
  target: Target,
  { kind, number, upTo }: Own,
  catchUp: CatchUp,
): readonly Fact[] {
  const { record, capabilities } = catchUp
  const storesDeclines = capabilities?.keyCachesErrors ?? false
  const attempt = (named: number, send: Partial<Send>): Fact => ({
    type: 'attempt_opened',
    target,
    storesDeclines,
    attempt: forgotten(id, kind, named, send, catchUp),
  })
  const before = Array.from({ length: Math.max(0, upTo - attemptsOpened - 1) }, (_, place) =>
    attempt(attemptsOpened + 1 + place, { outcome: 'not_executed', cause: 'proof:recovered' }),
  )
  const own = attempt(number, {})
  const named = kind === 'refund' ? null : record.object.attemptId
  if (own.type !== 'attempt_opened' || named === null) return [...before, own]
  // The id is the processor's word; for a confirmed object it names the attempt that made it.
  const isOwn = attemptNumber(named) === number
  return [...before, isOwn ? { ...own, attempt: { ...own.attempt, id: named } } : own]
}

function forgotten(
  paymentId: string,
  kind: OperationKind,
  number: number,
  send: Partial<Send>,
  { record, capabilities, nowMs }: CatchUp,
): Attempt {
  const atMs = Math.min(record.createdAtMs, nowMs)
  const unanswered = { outcome: null, cause: null, retryAtMs: null } as const
  return {
    id: attemptId(paymentId, kind, number),
    number,
    request: {
      amount: record.object.amount,
      objectId: null,
      oneStep: kind === 'authorise' && capabilities?.twoStep === false,
      apiVersion: forgottenVersion,
    },
    sends: [{ number: 1, atMs, recoverAtMs: atMs, ...unanswered, ...send }],
  }
}

const recordSource = (askedAtMs: number) =>
  ({
    source: 'record',
    attemptId: null,
    send: null,
    cause: 'recovered',
    askedAtMs,
    status: null,
    requestId: null,
    excerpt: null,
  }) as const

// ── Refunds ──────────────────────────────────────────────────────────────────────────────────────

function refundsForgotten(payment: Payment, catchUp: CatchUp): readonly Fact[] {
  if (!('refunds' in payment) || payment.objectId !== catchUp.record.object.objectId) return []
  const { object, marks } = catchUp.record
  const facts: Fact[] = []
  let after: Payment = payment
  const theirs = object.refunds.toSorted(
    (a, b) => attemptNumber(a.attemptId) - attemptNumber(b.attemptId),
  )
  for (const refund of theirs) {
    const number = attemptNumber(refund.attemptId)
    const isKnown = refundsOf(payment).some(({ objectId, operation }) => {
      return objectId === refund.objectId || operation?.attempt.id === refund.attemptId
    })
    if (number === 0 || isKnown || number <= payment.attemptsOpened) continue
    const mark = marks?.refunds.find(({ objectId }) => objectId === refund.objectId)
    const more = refundForgotten(after, refund, mark, catchUp)
    facts.push(...more)
    after = evolveFacts(after, more, catchUp.nowMs)
  }
  return facts
}

function refundForgotten(
  payment: Payment,
  { objectId, attemptId: named, amount }: ProcessorRecord['object']['refunds'][number],
  mark: RefundMark | undefined,
  catchUp: CatchUp,
): readonly Fact[] {
  const number = attemptNumber(named)
  const refundId = mark?.refundId ?? `ref_${objectId}`
  const known = refundsOf(payment).some(({ id }) => id === refundId)
  const reference = mark?.reference ?? `recovered:${objectId}`
  const requested: readonly Fact[] = known
    ? []
    : [
        {
          type: 'refund_requested',
          refundId,
          reference,
          amount,
          reason: 'found at the processor',
          by: 'recovery',
        },
      ]
  const target = { kind: 'refund', refundId } as const
  const own = { kind: 'refund', number, upTo: number } as const
  return [...requested, ...opened(payment, target, own, catchUp)]
}
