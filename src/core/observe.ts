// What evidence changes. Evidence is never refused, however late: it moves the payment to what the
// processor shows, or it is no news. The object's state is read first, because it speaks for the
// payment; an answer speaks only for its own send.
import { believable, byObject, failed, isUnpaidEnd, voided } from './by-object.ts'
import { evolveFacts } from './evolve.ts'
import { absenceCountsFromMs, operationAt, statusOf, targetOfAttempt } from './operation.ts'
import { classify } from './outcome.ts'
import type { Answer, Decline, Finding, ObjectView } from './outcome.ts'
import type { Fact, Operation, Payment, Send, Source, Target } from './payment.ts'
import type { Capabilities, Leap, Policy } from './policy.ts'

export type Evidence =
  /** The answer to a send, or the certainty that it was never put on the wire. */
  | {
      readonly kind: 'answer'
      readonly attemptId: string
      readonly send: number
      readonly answer: Answer
      readonly askedAtMs: number
    }
  /** A look-up: for an operation, for the settlement, or because something was hinted (`null`). */
  | {
      readonly kind: 'finding'
      readonly target: Target | 'settlement' | null
      readonly by: string
      readonly finding: Finding
      readonly askedAtMs: number
      /** The clock itself at that moment; `askedAtMs` is never earlier than what is committed. */
      readonly clockMs: number
      /** The number of the payment's last event when it was asked: times of several clocks do not order. */
      readonly askedSeq: number
    }
  /** The processor's own records. */
  | { readonly kind: 'record'; readonly object: ObjectView; readonly askedAtMs: number }

export interface Judgement {
  readonly capabilities: Pick<Capabilities, 'absenceAfterMs'>
  readonly policy: Pick<Policy, 'callTimeoutMs' | 'clockErrorMs'>
  readonly leap?: Leap | null
}

/** The facts that the evidence adds; none where it is no news. */
export function observe(
  payment: Payment,
  evidence: Evidence,
  judgement: Judgement,
  nowMs: number,
): readonly Fact[] {
  switch (evidence.kind) {
    case 'answer':
      return onAnswer(payment, evidence, nowMs)
    case 'finding':
      return onFinding(payment, evidence, judgement)
    case 'record':
      return onRecord(payment, evidence.object, recordSource(evidence.askedAtMs))
  }
}

/**
 * Does this object contradict an end in a way that an older reading of it could explain? Then the
 * engine reads it once more before it is believed.
 */
export function needsFreshLook(payment: Payment, object: ObjectView): boolean {
  return isUnpaidEnd(payment) && object.status === 'authorised'
}

function onRecord(payment: Payment, object: ObjectView, by: Source): readonly Fact[] {
  return believable(payment, object) === null ? [] : byObject(payment, object, by)
}

// ── Answers ──────────────────────────────────────────────────────────────────────────────────────

function onAnswer(
  payment: Payment,
  evidence: Extract<Evidence, { kind: 'answer' }>,
  nowMs: number,
): readonly Fact[] {
  const { answer, attemptId } = evidence
  const source = answerSource(evidence)
  const target = targetOfAttempt(payment, attemptId)
  const object = believable(payment, answer.object)
  if (object !== null && answer.signal !== 'mismatched_answer') {
    const facts = byObject(payment, object, source)
    if (facts.some((fact) => concludes(fact))) return facts
    if (target === null) return facts
    return [...facts, ...onSend(evolveFacts(payment, facts, nowMs), target, evidence, source)]
  }
  return target === null ? [] : onSend(payment, target, evidence, source)
}

function concludes(fact: Fact): boolean {
  return fact.type !== 'observed' && fact.type !== 'object_created' && fact.type !== 'held'
}

function onSend(
  payment: Payment,
  target: Target,
  evidence: Extract<Evidence, { kind: 'answer' }>,
  source: Source,
): readonly Fact[] {
  const operation = operationAt(payment, target)
  const send = operation?.attempt.sends.find((each) => each.number === evidence.send)
  if (operation === null || send === undefined) return []
  const { answer } = evidence
  const mismatched = answer.object !== null && believable(payment, answer.object) === null
  const outcome = mismatched ? 'unknown' : classify(operation.kind, operation.attempt, answer)
  if (!isNews(send, outcome)) return []
  if (outcome === 'succeeded') return succeeded(payment, target, answer.object, source)
  const retryAtMs =
    answer.retryAfterMs === null ? null : evidence.askedAtMs + Math.max(0, answer.retryAfterMs)
  const by = mismatched ? { ...source, cause: 'mismatched_answer' } : source
  const observed: Fact = { type: 'observed', target, sends: send.number, outcome, retryAtMs, by }
  return [observed, ...failure(payment, target, operation, observed, answer.decline)]
}

// A send that is settled by its own answer or by a proof is not unsettled by a vaguer word.
function isNews(send: Send, outcome: Send['outcome']): boolean {
  if (send.outcome === null) return true
  if (send.outcome === outcome) return false
  if (send.outcome === 'unknown') return true
  return outcome === 'succeeded' || outcome === 'declined' || outcome === 'pending'
}

// With this observation all sends may say together that the operation failed.
function failure(
  payment: Payment,
  target: Target,
  before: Operation,
  fact: Extract<Fact, { type: 'observed' }>,
  decline: Decline | null,
): readonly Fact[] {
  const sends = before.attempt.sends.map((send) =>
    send.number === fact.sends ? { ...send, outcome: fact.outcome, cause: fact.by.cause } : send,
  )
  const status = statusOf({ ...before, attempt: { ...before.attempt, sends } })
  if (status !== 'failed') return []
  return failed(payment, target, decline ?? { reason: 'declined', code: 'unspecified' }, fact.by)
}

// Successes that no object's state tells of by itself.
function succeeded(
  payment: Payment,
  target: Target,
  object: ObjectView | null,
  by: Source,
): readonly Fact[] {
  switch (target.kind) {
    case 'void':
      return voided(payment, by, 'fence')
    case 'create':
      return object === null ? [] : [{ type: 'object_created', objectId: object.objectId, by }]
    case 'authorise':
    case 'capture':
    case 'refund':
      // Their success is a state of the object, and `byObject` has read it.
      return []
  }
}

// ── Look-ups ─────────────────────────────────────────────────────────────────────────────────────

function onFinding(
  payment: Payment,
  evidence: Extract<Evidence, { kind: 'finding' }>,
  judgement: Judgement,
): readonly Fact[] {
  const { finding, target } = evidence
  const read = findingSource(evidence)
  // A read from before the payment's end says of it no more than a message would.
  const isOld = isUnpaidEnd(payment) && evidence.askedSeq < payment.seq
  const source: Source = isOld ? { ...read, source: 'record' } : read
  const object = finding.finding === 'found' ? believable(payment, finding.object) : null
  const facts = object === null ? [] : byObject(payment, object, source)
  if (target === 'settlement') return [...facts, ...settlementAsked(payment, facts, finding)]
  if (facts.length > 0 || target === null) return facts
  const operation = operationAt(payment, target)
  if (operation === null) return []
  const consistent = finding.finding !== 'no_answer' && finding.consistent
  const found = finding.finding === 'found' ? 'unchanged' : finding.finding
  // An object that is not ours by amount or currency proves neither one thing nor the other.
  const mismatched = finding.finding === 'found' && object === null
  const inquired: Fact = {
    type: 'inquired',
    target,
    finding: found,
    consistent: consistent && !mismatched,
    by: {
      ...source,
      askedAtMs: evidence.clockMs,
      ...(mismatched ? { cause: 'mismatched_answer' } : {}),
    },
  }
  return [inquired, ...absence(payment, operation, inquired, judgement, object)]
}

function settlementAsked(
  payment: Payment,
  facts: readonly Fact[],
  finding: Finding,
): readonly Fact[] {
  // What it showed may have moved the payment on: settled, refunded, or taken back.
  if (evolveFacts(payment, facts, payment.updatedAtMs).state !== 'captured') return []
  return [{ type: 'settlement_asked', answered: finding.finding !== 'no_answer' }]
}

/**
 * Proof of absence (b): a consistent read, twice, both asked later than the last send's own end and
 * the time after which the processor lets nothing arrive any more, by whatever clock of ours. The
 * second one is judged by the clock of who asked it, never by a time that was stored. A decline that
 * one of several sends got stands then, because nothing can follow it.
 */
function absence(
  payment: Payment,
  operation: Operation,
  inquired: Extract<Fact, { type: 'inquired' }>,
  judgement: Judgement,
  object: ObjectView | null,
): readonly Fact[] {
  const { absenceAfterMs } = judgement.capabilities
  if (!inquired.consistent || absenceAfterMs === null) return []
  const status = statusOf(operation)
  if (status !== 'sent' && status !== 'unknown') return []
  const afterMs = absenceCountsFromMs(operation, absenceAfterMs, judgement)
  const { askedAtMs } = inquired.by
  const asked = [...operation.inquiries.absentAtMs, askedAtMs]
  if (askedAtMs <= afterMs || asked.filter((atMs) => atMs > afterMs).length < 2) return []
  const by = { ...inquired.by, cause: 'absence' }
  const { target } = inquired
  const shown = target.kind === 'authorise' && object?.status === 'declined'
  const told = operation.attempt.sends.some((send) => send.outcome === 'declined')
  if (target.kind !== 'void' && (shown || told)) {
    return failed(
      payment,
      target,
      object?.decline ?? { reason: 'declined', code: 'unspecified' },
      by,
    )
  }
  return [{ type: 'observed', target, sends: 'all', outcome: 'not_executed', retryAtMs: null, by }]
}

// ── Sources ──────────────────────────────────────────────────────────────────────────────────────

function answerSource(evidence: Extract<Evidence, { kind: 'answer' }>): Source {
  const { answer, attemptId, send, askedAtMs } = evidence
  const { status, requestId, excerpt } = answer
  return {
    source: 'answer',
    attemptId,
    send,
    cause: causeOf(answer),
    askedAtMs,
    status,
    requestId,
    excerpt,
  }
}

// The signals that change what may be done next are named alike at every processor.
function causeOf({ signal, replayed, cause }: Answer): string {
  if (signal === 'server_error' && replayed) return 'stored_error'
  const named = [
    'key_mismatch',
    'account_fault',
    'invalid_content',
    'mismatched_answer',
    'unreadable',
  ]
  return named.includes(signal) ? signal : cause
}

function findingSource(evidence: Extract<Evidence, { kind: 'finding' }>): Source {
  const { finding, askedAtMs, by } = evidence
  const cause = finding.finding === 'no_answer' ? finding.cause : `look_up_by_${by}`
  return { ...recordSource(askedAtMs), source: 'look_up', cause }
}

function recordSource(askedAtMs: number): Source {
  return {
    source: 'record',
    attemptId: null,
    send: null,
    cause: 'record',
    askedAtMs,
    status: null,
    requestId: null,
    excerpt: null,
  }
}
